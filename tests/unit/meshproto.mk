# unit tests of meshproto: add each to UNIT_TESTS
