# unit tests of os: add each to UNIT_TESTS
UNIT_TESTS += \
	tests/unit/test_args \
	tests/unit/test_atomicfile \
	tests/unit/test_daemon \
	tests/unit/test_loop \
	tests/unit/test_netlink \
	tests/unit/test_unixsock
OS_TEST_LIBS = lib/libos.a lib/libbase.a $(MNL_LIBS) $(SODIUM_LIBS) \
	$(CMOCKA_LIBS)
tests_unit_test_args_SOURCES = tests/unit/test_args.c \
	tests/unit/rows.h tests/unit/tmpdir.h
tests_unit_test_args_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_args_LDADD = $(OS_TEST_LIBS)
tests_unit_test_atomicfile_SOURCES = tests/unit/test_atomicfile.c \
	tests/unit/rows.h tests/unit/tmpdir.h
tests_unit_test_atomicfile_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_atomicfile_LDADD = $(OS_TEST_LIBS)
tests_unit_test_daemon_SOURCES = tests/unit/test_daemon.c \
	tests/unit/rows.h tests/unit/tmpdir.h
tests_unit_test_daemon_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_daemon_LDADD = $(OS_TEST_LIBS)
tests_unit_test_loop_SOURCES = tests/unit/test_loop.c \
	tests/unit/rows.h tests/unit/tmpdir.h
tests_unit_test_loop_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_loop_LDADD = $(OS_TEST_LIBS)
tests_unit_test_netlink_SOURCES = tests/unit/test_netlink.c \
	tests/unit/rows.h tests/unit/tmpdir.h
tests_unit_test_netlink_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_netlink_LDADD = $(OS_TEST_LIBS)
tests_unit_test_unixsock_SOURCES = tests/unit/test_unixsock.c \
	tests/unit/rows.h tests/unit/tmpdir.h
tests_unit_test_unixsock_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_unixsock_LDADD = $(OS_TEST_LIBS)
