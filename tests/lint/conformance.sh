#!/usr/bin/env bash
# What tests/CONFORMANCE.md names is there: `path` is a file, `path: text` is a
# file with that text in it, and sim: "x" a scenario.
# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/tap.sh"
cd "$SRCDIR" || exit 99
table=tests/CONFORMANCE.md

place() { # SHORT-PATH
	case $1 in
	core/* | linux/* | uapi/*) echo "agent/engine/$1" ;;
	unit/* | e2e/* | sim/* | lint/* | fuzz/*) echo "tests/$1" ;;
	*) echo "$1" ;;
	esac
}
missing=() count=0
# shellcheck disable=SC2016 # those are backquotes to look for
while IFS= read -r word; do
	path=$(place "${word%%: *}")
	count=$((count + 1))
	if [ ! -f "$path" ]; then
		missing+=("$path")
	elif [[ $word == *': '* ]] && ! grep -qF -- "${word#*: }" "$path"; then
		missing+=("$path has no '${word#*: }'")
	fi
done < <(grep '^|' $table | grep -oE '`[a-z0-9_]+/[^`]+`' | tr -d '`')
check_eq "the files and names of $table are there" "" \
	"$(printf '%s\n' "${missing[@]}")"
check "there are many" test "$count" -gt 100

missing=()
while IFS= read -r name; do
	grep -qF ".name = \"$name\"" tests/sim/scenario.c || missing+=("$name")
done < <(grep '^|' $table | grep -oE 'sim: "[^"]+"' | cut -d'"' -f2)
check_eq "and so are its scenarios" "" "$(printf '%s\n' "${missing[@]}")"

bare=$(awk -F'|' '/^\|/ && !/^\|[-|]*$/ && NF == 5 && $3 $4 ~ /^ *$/' $table)
check_eq "no promise stands bare" "" "$bare"
diag "open: $(grep -c '^|.*\*\*open\*\*' $table) lines"
finish
