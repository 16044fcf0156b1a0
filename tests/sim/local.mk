# tests/sim: devices of the core in virtual time. `sim SCENARIO SEED` runs one.
check_PROGRAMS += tests/sim/sim
SIM_TESTS += tests/sim/sim
tests_sim_sim_SOURCES = tests/sim/sim.h tests/sim/app.c tests/sim/check.c \
	tests/sim/fault.c tests/sim/host.c tests/sim/main.c \
	tests/sim/scenario.c tests/sim/world.c
tests_sim_sim_CPPFLAGS = $(AM_CPPFLAGS) $(B2_CFLAGS)
tests_sim_sim_LDADD = agent/libcore.a $(AEAD_LIBS) lib/libbase.a $(B2_LIBS) $(SODIUM_LIBS)
