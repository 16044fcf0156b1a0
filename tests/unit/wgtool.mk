# tests of wgtool: unit tests run the program; e2e tests need root.
E2E_TESTS += \
	tests/e2e/20_wgtool_diff.sh \
	tests/e2e/21_wgtool_manual.sh
EXTRA_DIST += tests/e2e/fakewg.py tests/e2e/manual.py tests/e2e/wgtool_diff.py
