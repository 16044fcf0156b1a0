# tests/lint: what a machine can say about the source and the archives.
LINT_TESTS += \
	tests/lint/conformance.sh \
	tests/lint/core_symbols.sh \
	tests/lint/form.sh \
	tests/lint/headers.sh \
	tests/lint/includes.sh
EXTRA_DIST += tests/CONFORMANCE.md
