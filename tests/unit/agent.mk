# unit tests of agent: add each to UNIT_TESTS
