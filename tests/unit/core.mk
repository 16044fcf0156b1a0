# unit tests of core: add each to UNIT_TESTS
