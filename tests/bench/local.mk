# tests/bench: figures, never a verdict. `make bench` runs all of it, one after
# the other; `make bench-NAME` one. Another figure: its name in BENCHES, a
# target bench-NAME, and its program, if it has one, in BENCH_TOOLS.
BENCHES = mesh race
BENCH_TOOLS = tests/bench/udpload tests/bench/handshakes
BENCH_ENV = SRCDIR='$(abs_srcdir)' BUILDDIR='$(abs_builddir)'
EXTRA_PROGRAMS += $(BENCH_TOOLS)
CLEANFILES += $(BENCH_TOOLS)
EXTRA_DIST += tests/bench/mesh.sh tests/bench/race.py tests/bench/racelab.py \
	tests/bench/racerows.py

tests_bench_udpload_SOURCES = tests/bench/udpload.c
tests_bench_udpload_LDADD = lib/libos.a lib/libbase.a $(SODIUM_LIBS)
tests_bench_udpload_LDFLAGS = $(AM_LDFLAGS) -pthread
tests_bench_handshakes_SOURCES = tests/bench/handshakes.c
tests_bench_handshakes_LDADD = agent/libcore.a $(AEAD_LIBS) lib/libos.a lib/libbase.a \
	$(B2_LIBS) $(SODIUM_LIBS)

bench: all $(BENCH_TOOLS)
	for b in $(BENCHES); do $(MAKE) $(AM_MAKEFLAGS) bench-$$b || exit; done
bench-mesh: all
	$(BENCH_ENV) bash $(srcdir)/tests/bench/mesh.sh
bench-race: bin/wgengine tests/bench/udpload tests/bench/handshakes
	$(BENCH_ENV) python3 $(srcdir)/tests/bench/race.py
.PHONY: bench bench-mesh bench-race
