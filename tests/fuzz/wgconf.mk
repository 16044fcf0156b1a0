# Fuzz targets of wgconf. Run one from its seeds:
#	tests/fuzz/fuzz_uapi -max_len=4096 NEW-CORPUS SRC/tests/fuzz/corpus/uapi
EXTRA_DIST += tests/fuzz/corpus/ini tests/fuzz/corpus/uapi
if ENABLE_FUZZ
wgconf_fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
wgconf_fuzz_ldadd = lib/libwgconf.a lib/libbase.a $(SODIUM_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_ini
tests_fuzz_fuzz_ini_SOURCES = tests/fuzz/fuzz_ini.c
tests_fuzz_fuzz_ini_LDFLAGS = $(wgconf_fuzz_ldflags)
tests_fuzz_fuzz_ini_LDADD = $(wgconf_fuzz_ldadd)

noinst_PROGRAMS += tests/fuzz/fuzz_uapi
tests_fuzz_fuzz_uapi_SOURCES = tests/fuzz/fuzz_uapi.c
tests_fuzz_fuzz_uapi_LDFLAGS = $(wgconf_fuzz_ldflags)
tests_fuzz_fuzz_uapi_LDADD = $(wgconf_fuzz_ldadd)
endif
