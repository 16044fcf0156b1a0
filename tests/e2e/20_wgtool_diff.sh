#!/usr/bin/env bash
# wgtool against stock wg(8), over a daemon that only remembers: no tunnel, no
# network but loopback. SEED and COUNT in the environment repeat or lengthen it.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need_root
need wg python3
exec unshare --net bash -c 'ip link set lo up && exec python3 -B "$@"' \
	- "$SRCDIR/tests/e2e/wgtool_diff.py" "$(command -v wgtool)"
