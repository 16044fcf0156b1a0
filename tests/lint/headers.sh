#!/usr/bin/env bash
# Every header compiles alone, and its guard tells its path.
# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/tap.sh"
cd "$SRCDIR" || exit 99
alone() {
	echo "#include \"$1\"" | ${CC:-cc} -std=gnu11 -Wall -Wextra -Werror \
		-D_GNU_SOURCE -I"$BUILDDIR" -Ilib -Iagent -I. -x c -fsyntax-only -
}
guard() {
	local want=$1
	want=${want#lib/}
	case $want in agent/engine/*) want=${want#agent/} ;; esac
	want=$(tr 'a-z/.' 'A-Z__' <<<"$want")
	grep -qx "#ifndef $want" "$1" || {
		echo "$1: the guard should be $want"
		return 1
	}
}
while read -r header; do
	check "$header stands alone" alone "$header"
	check "$header has its guard" guard "$header"
done < <(find lib agent meshd wgtool -name '*.h' | sort)
finish
