# tests: what is run by `make check` (unit, sim, lint: no root) and by
# `make check-e2e` (root: namespaces, TUN). Each unit test is one cmocka binary
# that speaks TAP; each script is a shell program that speaks TAP.
include tests/unit/base.mk
include tests/unit/os.mk
include tests/unit/core.mk
include tests/unit/semantics.mk
include tests/unit/engine.mk
include tests/unit/wgconf.mk
include tests/unit/meshproto.mk
include tests/unit/agent.mk
include tests/unit/meshd.mk
include tests/unit/ctl.mk
include tests/unit/wgtool.mk
include tests/sim/local.mk
include tests/lint/local.mk
include tests/e2e/local.mk
include tests/fuzz/local.mk
include tests/fuzz/meshproto.mk
include tests/bench/local.mk
include tests/build/local.mk

if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
endif
TESTS = $(UNIT_TESTS) $(SIM_TESTS) $(LINT_TESTS)
dist_check_SCRIPTS += $(LINT_TESTS) $(E2E_TESTS)
LOG_DRIVER = $(TAP_LOG_DRIVER)
TAP_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = bash $(srcdir)/tests/tap-run.sh
TEST_EXTENSIONS = .sh
SH_LOG_DRIVER = $(TAP_LOG_DRIVER)
SH_LOG_COMPILER = $(LOG_COMPILER)
AM_TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	SRCDIR='$(abs_srcdir)'; BUILDDIR='$(abs_builddir)'; \
	export SRCDIR BUILDDIR;

# Everything the tests need, built but not run.
check-programs: all
	$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS)
check-e2e: check-programs
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(E2E_TESTS)'
check-build: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(BUILD_TESTS)'
.PHONY: check-programs check-e2e check-build
