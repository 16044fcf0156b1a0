#!/usr/bin/env bash
# The examples of wgtool(8), as they are printed there.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need_root
need python3
exec unshare --net python3 -B "$SRCDIR/tests/e2e/manual.py" \
	"$SRCDIR/man/wgtool.8"
