# unit tests of base: add each to UNIT_TESTS
