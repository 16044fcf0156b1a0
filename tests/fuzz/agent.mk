# Fuzz target of the agent:
#	tests/fuzz/fuzz_agent -max_len=8192 NEW-CORPUS SRC/tests/fuzz/corpus/agent
EXTRA_DIST += tests/fuzz/corpus/agent
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_agent
tests_fuzz_fuzz_agent_SOURCES = tests/fuzz/fuzz_agent.c
tests_fuzz_fuzz_agent_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_agent_LDADD = agent/libagent.a lib/libmeshproto.a \
	lib/libos.a lib/libbase.a $(JANSSON_LIBS) $(SODIUM_LIBS)
endif
