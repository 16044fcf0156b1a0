# unit tests of engine: add each to UNIT_TESTS
