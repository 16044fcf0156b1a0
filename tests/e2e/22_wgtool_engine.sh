#!/usr/bin/env bash
# wgtool against stock wg(8), as in 20_wgtool_diff.sh, but over two real engines.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need_root
need wg python3 wgengine
[ -c /dev/net/tun ] || skip_all "needs /dev/net/tun"
# Their end is the end of their interfaces.
# shellcheck disable=SC2016
exec unshare --net bash -c 'ip link set lo up
	trap "ip link del wg0; ip link del wg1" EXIT
	wgengine wg0 && wgengine wg1 || exit
	ENGINES=1 python3 -B "$@"' \
	- "$SRCDIR/tests/e2e/wgtool_diff.py" "$(command -v wgtool)"
