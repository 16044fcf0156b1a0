# unit tests of wgconf: add each to UNIT_TESTS
