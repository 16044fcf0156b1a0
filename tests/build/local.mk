# tests/build: the tree builds as README says, with both compilers, with every
# switch, outside of the source, and packs and installs. `make check-build`.
BUILD_TESTS = \
	tests/build/clang.sh \
	tests/build/install.sh \
	tests/build/missing.sh \
	tests/build/switches.sh \
	tests/build/distcheck.sh
EXTRA_DIST += .shellcheckrc
dist_check_SCRIPTS += $(BUILD_TESTS)
