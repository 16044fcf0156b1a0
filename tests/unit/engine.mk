# unit tests of engine/linux and engine/uapi: add each to UNIT_TESTS
UNIT_TESTS += \
	tests/unit/test_datapath \
	tests/unit/test_icmp \
	tests/unit/test_offload \
	tests/unit/test_session \
	tests/unit/test_source \
	tests/unit/test_udp
ENGINE_TEST_LIBS = agent/libuapi.a agent/libenginelinux.a agent/libcore.a $(AEAD_LIBS) \
	lib/libwgconf.a lib/libos.a lib/libbase.a \
	$(MNL_LIBS) $(URCU_LIBS) $(B2_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS)
tests_unit_test_datapath_SOURCES = tests/unit/test_datapath.c tests/unit/rows.h
tests_unit_test_datapath_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_datapath_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_icmp_SOURCES = tests/unit/test_icmp.c tests/unit/rows.h
tests_unit_test_icmp_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_icmp_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_session_SOURCES = tests/unit/test_session.c tests/unit/rows.h
tests_unit_test_session_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_session_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_source_SOURCES = tests/unit/test_source.c tests/unit/rows.h
tests_unit_test_source_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_source_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_udp_SOURCES = tests/unit/test_udp.c tests/unit/rows.h
tests_unit_test_udp_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_udp_LDADD = $(ENGINE_TEST_LIBS)
tests_unit_test_offload_SOURCES = tests/unit/test_offload.c tests/unit/rows.h
tests_unit_test_offload_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_offload_LDADD = $(ENGINE_TEST_LIBS)
