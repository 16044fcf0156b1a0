# unit tests of meshproto: add each to UNIT_TESTS
mesh_fixture = tests/unit/mesh_fixture.c tests/unit/mesh_fixture.h
mesh_test_cppflags = $(AM_CPPFLAGS) -I$(srcdir)/tests/unit $(CMOCKA_CFLAGS)
# two records of 2 KiB stand side by side in a test
mesh_test_cflags = $(AM_CFLAGS) -Wno-frame-larger-than
mesh_test_ldadd = lib/libmeshproto.a lib/libbase.a $(JANSSON_LIBS) \
	$(SODIUM_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_record
tests_unit_test_record_SOURCES = tests/unit/test_record.c $(mesh_fixture)
tests_unit_test_record_CPPFLAGS = $(mesh_test_cppflags)
tests_unit_test_record_CFLAGS = $(mesh_test_cflags)
tests_unit_test_record_LDADD = $(mesh_test_ldadd)

UNIT_TESTS += tests/unit/test_trust
tests_unit_test_trust_SOURCES = tests/unit/test_trust.c $(mesh_fixture)
tests_unit_test_trust_CPPFLAGS = $(mesh_test_cppflags)
tests_unit_test_trust_CFLAGS = $(mesh_test_cflags)
tests_unit_test_trust_LDADD = $(mesh_test_ldadd)

UNIT_TESTS += tests/unit/test_trust_state
tests_unit_test_trust_state_SOURCES = tests/unit/test_trust_state.c \
	$(mesh_fixture)
tests_unit_test_trust_state_CPPFLAGS = $(mesh_test_cppflags)
tests_unit_test_trust_state_CFLAGS = $(mesh_test_cflags)
tests_unit_test_trust_state_LDADD = $(mesh_test_ldadd)

UNIT_TESTS += tests/unit/test_trust_batch
tests_unit_test_trust_batch_SOURCES = tests/unit/test_trust_batch.c \
	$(mesh_fixture)
tests_unit_test_trust_batch_CPPFLAGS = $(mesh_test_cppflags)
tests_unit_test_trust_batch_CFLAGS = $(mesh_test_cflags)
tests_unit_test_trust_batch_LDADD = $(mesh_test_ldadd)
