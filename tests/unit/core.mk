# unit tests of core: add each to UNIT_TESTS
core_test_ldadd = agent/libcore.a lib/libbase.a $(B2_LIBS) $(SODIUM_LIBS) \
	$(CMOCKA_LIBS)
core_test_cppflags = $(AM_CPPFLAGS) $(B2_CFLAGS) $(CMOCKA_CFLAGS)
core_test_common = tests/unit/coretest.c tests/unit/coretest.h
core_test_vectors = tests/unit/vectors.c tests/unit/vectors.h

UNIT_TESTS += tests/unit/test_aead
tests_unit_test_aead_SOURCES = tests/unit/test_aead.c $(core_test_common) \
	$(core_test_vectors)
tests_unit_test_aead_CPPFLAGS = $(core_test_cppflags) $(JANSSON_CFLAGS)
tests_unit_test_aead_LDADD = $(core_test_ldadd) $(JANSSON_LIBS)

UNIT_TESTS += tests/unit/test_blake2s
tests_unit_test_blake2s_SOURCES = tests/unit/test_blake2s.c $(core_test_common)
tests_unit_test_blake2s_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_blake2s_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_noise
tests_unit_test_noise_SOURCES = tests/unit/test_noise.c $(core_test_common) \
	$(core_test_vectors)
tests_unit_test_noise_CPPFLAGS = $(core_test_cppflags) $(JANSSON_CFLAGS)
tests_unit_test_noise_LDADD = $(core_test_ldadd) $(JANSSON_LIBS)

UNIT_TESTS += tests/unit/test_replay
tests_unit_test_replay_SOURCES = tests/unit/test_replay.c $(core_test_common)
tests_unit_test_replay_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_replay_LDADD = $(core_test_ldadd)
