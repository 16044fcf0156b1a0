# unit tests of meshd: add each to UNIT_TESTS
