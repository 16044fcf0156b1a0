#!/usr/bin/env bash
# What a mesh costs and how fast it hears of things: a coordinator and four
# nodes in namespaces, each figure the median of ROUNDS rounds (5).
# Not a test: nothing here passes or fails.
#
#   SRCDIR=. BUILDDIR=build ROUNDS=5 bash tests/bench/mesh.sh
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"
ROUNDS=${ROUNDS:-5}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
rss_mb() { # PID
	awk '/^Rss:/ { printf "%.1f\n", $2 / 1024 }' "/proc/$1/smaps_rollup"
}
figure() { # WHAT UNIT
	printf '%-58s %10s %s\n' "$1" "$(median)" "$2"
}
until_ping() { # FROM TO
	until ns "$1" ping -n -q -c1 -W1 "${ADDR4[$2]}" >/dev/null 2>&1; do :; done
}
all_ping() { # TO FROM...
	local to=$1 from pids=()
	shift
	for from; do
		until_ping "$from" "$to" &
		pids+=($!)
	done
	wait "${pids[@]}"
}

one_round() {
	local began pinger last node
	WORK=$(mktemp -d) MESHD_SOCKET=$WORK/meshd.sock
	began=$(now_ms)
	mesh_up
	for node in a b c; do mesh_join $node; done
	all_ping b a c
	all_ping a c
	echo "$(($(now_ms) - began))" >>"$OUT/scripted"

	lab_host d
	token=$(mesh_token)
	began=$(now_ms)
	mesh_join d "$token"
	all_ping d a b c
	echo "$(($(now_ms) - began))" >>"$OUT/join"

	rss_mb "$(cat "$WORK/meshd.pid")" >>"$OUT/rss_meshd"
	rss_mb "${AGENT[b]}" >>"$OUT/rss_agent"
	if command -v iperf3 >/dev/null; then
		spawn c /dev/null iperf3 -s -1
		wait_for 5 sh -c "ip netns exec $LAB-c ss -ltn | grep -q :5201"
		ns b iperf3 -c "${ADDR4[c]}" -t 5 -P 4 >/dev/null
		rss_mb "${AGENT[b]}" >>"$OUT/rss_busy"
	fi

	spawn b "$WORK/pings" stdbuf -oL ping -n -D -i 0.002 "${ADDR4[a]}"
	pinger=$SPAWNED
	wait_for 5 grep -q 'icmp_seq=20 ' "$WORK/pings"
	began=$(date +%s.%N)
	ctl node remove a 2>/dev/null >/dev/null
	wait_for 5 gone "${AGENT[a]}"
	stop_pid "$pinger" INT
	last=$(sed -n 's/^\[\([0-9.]*\)\].*time=.*/\1/p' "$WORK/pings" | tail -1)
	awk -v a="$began" -v b="$last" 'BEGIN { printf "%.0f\n", (b - a) * 1000 }' >>"$OUT/removal"

	meshd_stop KILL
	stop_pid "${AGENT[c]}" KILL
	began=$(now_ms)
	mesh_run c
	until_ping c b
	echo "$(($(now_ms) - began))" >>"$OUT/dead"
	lab_down
	rm -rf "$WORK"
	lab_up
}

OUT=$(mktemp -d)
for ((round = 1; round <= ROUNDS; round++)); do
	echo "# round $round of $ROUNDS" >&2
	one_round
done
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2), $(nproc) cores; medians of $ROUNDS"
figure "start of meshd to every pair of 3 pinged" ms <"$OUT/scripted"
figure "join -> all three others ping it" ms <"$OUT/join"
figure "removed -> last reply from it" ms <"$OUT/removal"
figure "coordinator dead: node restarts and pings" ms <"$OUT/dead"
figure "resident, coordinator with 4 nodes" MB <"$OUT/rss_meshd"
figure "resident, node idle" MB <"$OUT/rss_agent"
[ ! -s "$OUT/rss_busy" ] || figure "resident, node after 5 s of TCP" MB <"$OUT/rss_busy"
rm -rf "$OUT"
