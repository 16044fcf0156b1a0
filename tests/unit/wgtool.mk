# tests of wgtool: unit tests run the program; e2e tests need root.
E2E_TESTS += \
	tests/e2e/20_wgtool_diff.sh \
	tests/e2e/21_wgtool_manual.sh \
	tests/e2e/22_wgtool_engine.sh
EXTRA_DIST += tests/e2e/fakewg.py tests/e2e/manual.py tests/e2e/wgtool_diff.py
UNIT_TESTS += tests/unit/test_wgtool
tests_unit_test_wgtool_SOURCES = tests/unit/test_wgtool.c tests/unit/rows.h
tests_unit_test_wgtool_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_wgtool_LDADD = lib/libbase.a $(SODIUM_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_unit_test_wgtool_DEPENDENCIES = bin/wgtool
