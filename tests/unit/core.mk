# unit tests of core: add each to UNIT_TESTS
core_test_ldadd = agent/libcore.a $(AEAD_LIBS) lib/libbase.a $(B2_LIBS) $(SODIUM_LIBS) \
	$(CMOCKA_LIBS)
core_test_cppflags = $(AM_CPPFLAGS) $(B2_CFLAGS) $(CMOCKA_CFLAGS)
core_test_common = tests/unit/coretest.c tests/unit/coretest.h

UNIT_TESTS += tests/unit/test_aead
tests_unit_test_aead_SOURCES = tests/unit/test_aead.c $(core_test_common)
tests_unit_test_aead_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_aead_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_allowedips
tests_unit_test_allowedips_SOURCES = tests/unit/test_allowedips.c $(core_test_common)
tests_unit_test_allowedips_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_allowedips_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_blake2s
tests_unit_test_blake2s_SOURCES = tests/unit/test_blake2s.c $(core_test_common)
tests_unit_test_blake2s_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_blake2s_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_cookie
tests_unit_test_cookie_SOURCES = tests/unit/test_cookie.c $(core_test_common)
tests_unit_test_cookie_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_cookie_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_device
tests_unit_test_device_SOURCES = tests/unit/test_device.c $(core_test_common)
tests_unit_test_device_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_device_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_handshake
tests_unit_test_handshake_SOURCES = tests/unit/test_handshake.c $(core_test_common)
tests_unit_test_handshake_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_handshake_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_hostile
tests_unit_test_hostile_SOURCES = tests/unit/test_hostile.c $(core_test_common)
tests_unit_test_hostile_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_hostile_LDADD = $(core_test_ldadd)
# Counts what the core takes from malloc after setting up.
tests_unit_test_hostile_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc \
	-Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=reallocarray

UNIT_TESTS += tests/unit/test_hsqueue
tests_unit_test_hsqueue_SOURCES = tests/unit/test_hsqueue.c $(core_test_common)
tests_unit_test_hsqueue_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_hsqueue_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_identity
tests_unit_test_identity_SOURCES = tests/unit/test_identity.c $(core_test_common)
tests_unit_test_identity_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_identity_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_index
tests_unit_test_index_SOURCES = tests/unit/test_index.c $(core_test_common)
tests_unit_test_index_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_index_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_inner
tests_unit_test_inner_SOURCES = tests/unit/test_inner.c $(core_test_common)
tests_unit_test_inner_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_inner_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_keyring
tests_unit_test_keyring_SOURCES = tests/unit/test_keyring.c $(core_test_common)
tests_unit_test_keyring_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_keyring_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_lifetime
tests_unit_test_lifetime_SOURCES = tests/unit/test_lifetime.c $(core_test_common)
tests_unit_test_lifetime_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_lifetime_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_load
tests_unit_test_load_SOURCES = tests/unit/test_load.c $(core_test_common)
tests_unit_test_load_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_load_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_noise
tests_unit_test_noise_SOURCES = tests/unit/test_noise.c $(core_test_common)
tests_unit_test_noise_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_noise_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_path
tests_unit_test_path_SOURCES = tests/unit/test_path.c $(core_test_common)
tests_unit_test_path_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_path_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_ratelimiter
tests_unit_test_ratelimiter_SOURCES = tests/unit/test_ratelimiter.c $(core_test_common)
tests_unit_test_ratelimiter_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_ratelimiter_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_replay
tests_unit_test_replay_SOURCES = tests/unit/test_replay.c $(core_test_common)
tests_unit_test_replay_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_replay_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_staging
tests_unit_test_staging_SOURCES = tests/unit/test_staging.c $(core_test_common)
tests_unit_test_staging_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_staging_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_timers
tests_unit_test_timers_SOURCES = tests/unit/test_timers.c $(core_test_common)
tests_unit_test_timers_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_timers_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_transport
tests_unit_test_transport_SOURCES = tests/unit/test_transport.c $(core_test_common)
tests_unit_test_transport_CPPFLAGS = $(core_test_cppflags)
tests_unit_test_transport_LDADD = $(core_test_ldadd)

UNIT_TESTS += tests/unit/test_vectors
tests_unit_test_vectors_SOURCES = tests/unit/test_vectors.c $(core_test_common)
tests_unit_test_vectors_CPPFLAGS = $(core_test_cppflags) $(JANSSON_CFLAGS)
tests_unit_test_vectors_LDADD = $(core_test_ldadd) $(JANSSON_LIBS)
if HAVE_AVX512
UNIT_TESTS += tests/unit/test_aead_poly
endif
tests_unit_test_aead_poly_SOURCES = tests/unit/test_aead_poly.c \
	tests/unit/coretest.c tests/unit/coretest.h
tests_unit_test_aead_poly_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_aead_poly_CFLAGS = $(AM_CFLAGS) $(AVX512_CFLAGS)
tests_unit_test_aead_poly_LDADD = $(core_test_ldadd)
