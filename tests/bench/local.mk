# tests/bench: figures, never a verdict. `make bench`.
EXTRA_DIST += tests/bench/mesh.sh
bench: all
	SRCDIR='$(abs_srcdir)' BUILDDIR='$(abs_builddir)' \
		bash $(srcdir)/tests/bench/mesh.sh
.PHONY: bench
