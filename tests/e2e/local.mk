# tests/e2e: real programs in network namespaces. Needs root. Run all with
# `make check-e2e`, one with `SRCDIR=. BUILDDIR=build bash tests/e2e/NAME.sh`.
E2E_TESTS +=
EXTRA_DIST += tests/tap.sh tests/e2e/lab.sh tests/e2e/lib.sh
