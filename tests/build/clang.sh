#!/usr/bin/env bash
# gcc and clang build everything outside of the source without a warning.
# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/tap.sh"
command -v clang >/dev/null || skip_all "needs clang"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
builds() { # COMPILER
	mkdir "$WORK/$1" && cd "$WORK/$1" && "$SRCDIR/configure" CC="$1" &&
		make -j2 all check-programs >out 2>err
}
for cc in gcc clang; do
	check "$cc builds everything" builds $cc
	check_eq "$cc warns of nothing" "" "$(cat "$WORK/$cc/err" 2>/dev/null)"
done
finish
