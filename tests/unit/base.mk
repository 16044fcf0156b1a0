# unit tests of base: add each to UNIT_TESTS
UNIT_TESTS += \
	tests/unit/test_buf \
	tests/unit/test_hash \
	tests/unit/test_heap \
	tests/unit/test_ipnet \
	tests/unit/test_jsonw \
	tests/unit/test_key \
	tests/unit/test_num \
	tests/unit/test_time
BASE_TEST_LIBS = lib/libbase.a $(SODIUM_LIBS) $(CMOCKA_LIBS)
tests_unit_test_buf_SOURCES = tests/unit/test_buf.c tests/unit/rows.h
tests_unit_test_buf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_buf_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_hash_SOURCES = tests/unit/test_hash.c tests/unit/rows.h
tests_unit_test_hash_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_hash_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_heap_SOURCES = tests/unit/test_heap.c tests/unit/rows.h
tests_unit_test_heap_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_heap_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_ipnet_SOURCES = tests/unit/test_ipnet.c tests/unit/rows.h
tests_unit_test_ipnet_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ipnet_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_jsonw_SOURCES = tests/unit/test_jsonw.c tests/unit/rows.h
tests_unit_test_jsonw_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_jsonw_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_key_SOURCES = tests/unit/test_key.c tests/unit/rows.h
tests_unit_test_key_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_key_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_num_SOURCES = tests/unit/test_num.c tests/unit/rows.h
tests_unit_test_num_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_num_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_time_SOURCES = tests/unit/test_time.c tests/unit/rows.h
tests_unit_test_time_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_time_LDADD = $(BASE_TEST_LIBS)
