# Fuzz targets of meshproto. Run one from its seeds:
#	tests/fuzz/fuzz_message -dict=SRC/tests/fuzz/meshproto.dict \
#		-max_len=8192 NEW-CORPUS SRC/tests/fuzz/corpus/message
EXTRA_DIST += tests/fuzz/meshproto.dict tests/fuzz/corpus/message \
	tests/fuzz/corpus/record tests/fuzz/corpus/token
if ENABLE_FUZZ
mesh_fuzz_ldadd = lib/libmeshproto.a lib/libbase.a $(JANSSON_LIBS) \
	$(SODIUM_LIBS)
mesh_fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
# a whole message on the stack of a target that calls all of them
mesh_fuzz_cflags = $(AM_CFLAGS) -Wno-frame-larger-than

noinst_PROGRAMS += tests/fuzz/fuzz_record
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz_record.c
tests_fuzz_fuzz_record_CFLAGS = $(mesh_fuzz_cflags)
tests_fuzz_fuzz_record_LDFLAGS = $(mesh_fuzz_ldflags)
tests_fuzz_fuzz_record_LDADD = $(mesh_fuzz_ldadd)

noinst_PROGRAMS += tests/fuzz/fuzz_message
tests_fuzz_fuzz_message_SOURCES = tests/fuzz/fuzz_message.c
tests_fuzz_fuzz_message_CFLAGS = $(mesh_fuzz_cflags)
tests_fuzz_fuzz_message_LDFLAGS = $(mesh_fuzz_ldflags)
tests_fuzz_fuzz_message_LDADD = $(mesh_fuzz_ldadd)

noinst_PROGRAMS += tests/fuzz/fuzz_token
tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz_token.c
tests_fuzz_fuzz_token_CFLAGS = $(mesh_fuzz_cflags)
tests_fuzz_fuzz_token_LDFLAGS = $(mesh_fuzz_ldflags)
tests_fuzz_fuzz_token_LDADD = $(mesh_fuzz_ldadd)
endif
