# unit tests of meshproto: add each to UNIT_TESTS
mesh_fixture = tests/unit/mesh_fixture.c tests/unit/mesh_fixture.h
message_recode = tests/unit/message_recode.c tests/unit/message_recode.h
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

UNIT_TESTS += tests/unit/test_token
tests_unit_test_token_SOURCES = tests/unit/test_token.c $(mesh_fixture)
tests_unit_test_token_CPPFLAGS = $(mesh_test_cppflags)
tests_unit_test_token_CFLAGS = $(mesh_test_cflags)
tests_unit_test_token_LDADD = $(mesh_test_ldadd)

UNIT_TESTS += tests/unit/test_message
tests_unit_test_message_SOURCES = tests/unit/test_message.c \
	$(message_recode) $(mesh_fixture)
tests_unit_test_message_CPPFLAGS = $(mesh_test_cppflags)
tests_unit_test_message_CFLAGS = $(mesh_test_cflags)
tests_unit_test_message_LDADD = $(mesh_test_ldadd)

UNIT_TESTS += tests/unit/test_message_text
tests_unit_test_message_text_SOURCES = tests/unit/test_message_text.c \
	$(message_recode)
tests_unit_test_message_text_CPPFLAGS = $(mesh_test_cppflags)
tests_unit_test_message_text_LDADD = $(mesh_test_ldadd)

UNIT_TESTS += tests/unit/test_ed25519
tests_unit_test_ed25519_SOURCES = tests/unit/test_ed25519.c
tests_unit_test_ed25519_CPPFLAGS = $(mesh_test_cppflags) $(JANSSON_CFLAGS)
tests_unit_test_ed25519_LDADD = $(mesh_test_ldadd)
