# unit tests of meshctl: add each to UNIT_TESTS
UNIT_TESTS += tests/unit/test_ctl_opkey tests/unit/test_ctl_prefix \
	tests/unit/test_ctl_subject tests/unit/test_ctl_table \
	tests/unit/test_ctl_words
ctl_test_LIBS = meshd/ctl/libctl.a $(ctl_LIBS) $(CMOCKA_LIBS)

tests_unit_test_ctl_opkey_SOURCES = tests/unit/test_ctl_opkey.c
tests_unit_test_ctl_opkey_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_opkey_LDADD = $(ctl_test_LIBS)

tests_unit_test_ctl_prefix_SOURCES = tests/unit/test_ctl_prefix.c
tests_unit_test_ctl_prefix_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_prefix_LDADD = $(ctl_test_LIBS)

tests_unit_test_ctl_subject_SOURCES = tests/unit/test_ctl_subject.c
tests_unit_test_ctl_subject_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_subject_LDADD = $(ctl_test_LIBS)

tests_unit_test_ctl_table_SOURCES = tests/unit/test_ctl_table.c
tests_unit_test_ctl_table_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_table_LDADD = $(ctl_test_LIBS)

tests_unit_test_ctl_words_SOURCES = tests/unit/test_ctl_words.c
tests_unit_test_ctl_words_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_words_LDADD = $(ctl_test_LIBS)
