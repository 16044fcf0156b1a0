#!/usr/bin/env bash
# The switches of configure: sanitizers run the unit tests clean, the fuzzers
# run for a bounded time, coverage leaves its notes.
# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/tap.sh"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
switched() { # NAME SWITCH... : configures in $WORK/NAME
	local name=$1
	shift
	mkdir "$WORK/$name" && cd "$WORK/$name" && "$SRCDIR/configure" "$@"
}

check "--enable-sanitizers configures" \
	switched san --enable-debug --enable-sanitizers
check "the unit tests and the simulator pass under the sanitizers" \
	make -C "$WORK/san" -j2 check LINT_TESTS=

if command -v clang >/dev/null; then
	check "--enable-fuzz configures" switched fuzz --enable-fuzz CC=clang
	check "the fuzzers build" make -C "$WORK/fuzz" -j2 all check-programs
	while read -r target; do
		name=${target##*/fuzz_}
		mkdir -p "$WORK/corpus/$name"
		[ ! -d "$SRCDIR/tests/fuzz/corpus/$name" ] ||
			cp -r "$SRCDIR/tests/fuzz/corpus/$name/." "$WORK/corpus/$name/"
		check "$name survives ten seconds of fuzzing" "$target" \
			-max_total_time=10 -timeout=5 -rss_limit_mb=1024 \
			-artifact_prefix="$WORK/" "$WORK/corpus/$name"
	done < <(find "$WORK/fuzz/tests/fuzz" -type f -perm -1 -name 'fuzz_*' | sort)
else
	skip "--enable-fuzz" "no clang"
fi

check "--enable-coverage configures" switched cov --enable-coverage
check "the core builds for coverage" make -C "$WORK/cov" -j2 agent/libcore.a
check "it leaves gcov's notes" \
	test -n "$(find "$WORK/cov/agent" -name '*.gcno' -print -quit)"
finish
