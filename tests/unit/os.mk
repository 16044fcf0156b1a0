# unit tests of os: add each to UNIT_TESTS
