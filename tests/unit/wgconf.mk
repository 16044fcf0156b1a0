# unit tests of wgconf
UNIT_TESTS += \
	tests/unit/test_diff \
	tests/unit/test_ini \
	tests/unit/test_uapi \
	tests/unit/test_value \
	tests/unit/test_wgconf_json
WGCONF_TEST_LIBS = lib/libwgconf.a lib/libbase.a $(SODIUM_LIBS) $(CMOCKA_LIBS)
WGCONF_TEST_SOURCES = tests/unit/rows.h \
	tests/unit/wgconf_fixture.c tests/unit/wgconf_fixture.h
tests_unit_test_diff_SOURCES = tests/unit/test_diff.c $(WGCONF_TEST_SOURCES)
tests_unit_test_diff_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_diff_LDADD = $(WGCONF_TEST_LIBS)
tests_unit_test_ini_SOURCES = tests/unit/test_ini.c $(WGCONF_TEST_SOURCES)
tests_unit_test_ini_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ini_LDADD = $(WGCONF_TEST_LIBS)
tests_unit_test_uapi_SOURCES = tests/unit/test_uapi.c $(WGCONF_TEST_SOURCES)
tests_unit_test_uapi_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_uapi_LDADD = $(WGCONF_TEST_LIBS)
tests_unit_test_value_SOURCES = tests/unit/test_value.c $(WGCONF_TEST_SOURCES)
tests_unit_test_value_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_value_LDADD = $(WGCONF_TEST_LIBS)
tests_unit_test_wgconf_json_SOURCES = tests/unit/test_wgconf_json.c $(WGCONF_TEST_SOURCES)
tests_unit_test_wgconf_json_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_wgconf_json_LDADD = $(WGCONF_TEST_LIBS)
include tests/fuzz/wgconf.mk
