# unit tests of wgtool: add each to UNIT_TESTS
