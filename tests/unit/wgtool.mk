# tests of wgtool: unit tests run the program; e2e tests need root.
E2E_TESTS += tests/e2e/20_wgtool_diff.sh
EXTRA_DIST += tests/e2e/fakewg.py tests/e2e/wgtool_diff.py
