#!/usr/bin/env bash
# Form that a machine can judge: clang-format, shellcheck, mandoc, and the rules
# of the house that grep can see.
# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/tap.sh"
cd "$SRCDIR" || exit 99
mapfile -t sources < <(find lib agent meshd wgtool tests -name '*.[ch]' | sort)
mapfile -t ours < <(find lib agent meshd wgtool -name '*.c' | sort)
mapfile -t scripts < <(find tests -name '*.sh' | sort; echo quickstart; echo .ci/run)
mapfile -t pages < <(find man -name '*.[0-9]' | sort)

if command -v clang-format >/dev/null; then
	check "clang-format changes nothing" \
		clang-format --dry-run -Werror "${sources[@]}"
else
	skip "clang-format changes nothing" "no clang-format"
fi
if command -v shellcheck >/dev/null; then
	check "shellcheck finds nothing" shellcheck -x "${scripts[@]}"
else
	skip "shellcheck finds nothing" "no shellcheck"
fi
if command -v mandoc >/dev/null; then
	check "mandoc finds nothing in the man pages" \
		mandoc -T lint -W warning "${pages[@]}"
else
	skip "mandoc finds nothing in the man pages" "no mandoc"
fi

asleep=$(for f in "${scripts[@]}"; do
	! head -1 "$f" | grep -q '^#!' || [ -x "$f" ] || echo "$f"
done)
check_eq "every script can be run" "" "$asleep"
first=$(for f in "${ours[@]}"; do
	grep -m1 '^#include' "$f" | grep -q '"config.h"' || echo "$f"
done)
check_eq "config.h comes first in every .c" "" "$first"
last=$(for f in "${ours[@]}"; do
	grep '^#include' "$f" | tail -1 | grep -q '"base/banned.h"' || echo "$f"
done)
check_eq "base/banned.h comes last in every .c" "" "$last"
head=$(for f in "${ours[@]}"; do
	module=$f
	[ ! -e "${f%.c}.h" ] || module=${f%.c}.h
	head -1 "$module" | grep -q '^/\*' || echo "$module"
done)
check_eq "every module says what it is at its head" "" "$head"
long=$(for f in "${ours[@]}"; do
	lines=$(wc -l <"$f")
	[ "$lines" -le 800 ] || echo "$f: $lines lines"
done)
check_eq "no source is longer than 800 lines" "" "$long"
left=$(grep -nE 'TODO|FIXME|XXX' "${ours[@]}" | grep -v '#[0-9]')
check_eq "nothing is left to do without an issue" "" "$left"
compared=$(grep -nE '\bmemcmp\([^)]*(seckey|psk|mac|tag|secret)' "${ours[@]}")
check_eq "secrets are compared in constant time" "" "$compared"
cxx=$(grep -nE '(^|[^:"])//' "${sources[@]}" | grep -vE '"[^"]*//|https?://|/\*.*//')
check_eq "comments are /* */" "" "$cxx"
finish
