#!/usr/bin/env bash
# The data path without each thing that the kernel or the CPU does for it, with
# several workers, and with every inner checksum looked at: what is carried is
# compared by hash each time.
#
#   a (wgengine, as the row says) --- bridge --- b (wgengine, all it has)
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/engine.sh
. "$SRCDIR/tests/e2e/engine.sh"
need sha256sum ss

engine_host a
engine_host b
check "b starts, with every checksum looked at" engine_start b wgengine --verify
MB=$((1 << 20))

# Sixteen flows at once, each whole.
many() {
	rm -f "$WORK"/many.*
	local port pids=() sinks=() i
	head -c $((2 * MB)) /dev/urandom >"$WORK/many"
	for i in $(seq 16); do
		port=$((7000 + i))
		spawn b "$WORK/sink.log" socat -u \
			"TCP4-LISTEN:$port,reuseaddr" "CREATE:$WORK/many.$i"
		sinks+=("$SPAWNED")
		wait_for 3 listening b "$port" || return
	done
	for i in $(seq 16); do
		ns a timeout 60 socat -u "OPEN:$WORK/many" \
			"TCP4:${INNER4[b]}:$((7000 + i))" &
		pids+=($!)
	done
	wait "${pids[@]}" "${sinks[@]}"
	[ "$(sha256sum "$WORK"/many "$WORK"/many.* | cut -d' ' -f1 | sort -u | wc -l)" -eq 1 ] &&
		[ -e "$WORK/many.16" ]
}
# Datagrams in order, none lost, none changed; as many at once as the socket that
# hears them has room for.
heard() { # LINES
	[ "$(wc -l <"$WORK/heard")" -eq "$1" ]
}
datagrams() {
	local sink round
	: >"$WORK/heard"
	seq -f 'datagram %06g, which is to arrive once and as it was' 1000 >"$WORK/said"
	spawn b "$WORK/sink.log" socat -u UDP4-RECV:9000 "OPEN:$WORK/heard,append"
	sink=$SPAWNED
	wait_for 3 eval 'ns b ss -Hlun | grep -q ":9000 "' || return
	for round in 1 2 3 4 5 6 7 8 9 10; do
		sed -n "$((round * 100 - 99)),$((round * 100))p" "$WORK/said" |
			ns a socat -u -b 55 - "UDP4-SENDTO:${INNER4[b]}:9000" || return
		wait_for 3 heard $((round * 100)) || break
	done
	stop_pid "$sink"
	cmp "$WORK/said" "$WORK/heard"
}

while read -r name flags; do
	# shellcheck disable=SC2086
	check "$name: a starts" engine_start a wgengine $flags
	check "$name: they know each other" engine_pair a b
	check "$name: and talk" pings a b
	check "$name: 24 MB from a to b, IPv4" transfer a b 4 $((24 * MB))
	check "$name: 24 MB from b to a, IPv6" transfer b a 6 $((24 * MB))
	check "$name: 16 flows at once" many
	check "$name: datagrams" datagrams
	pid=$(engine_pid a)
	check "$name: a ends" stop_pid "$pid"
done <<'ROWS'
everything
verify --verify
nothing --offload none
tso-only --offload tso
no-uso --offload tso,gso,gro
no-tun --offload gso,gro
no-gso --offload tso,uso,gro
no-gro --offload tso,uso,gso
sodium --aead sodium
workers --workers 3
workers-bare --workers 2 --offload none
ROWS
check_fails 1 "rot13" "an unknown cryptography" ns a wgengine --aead rot13 wx
check_fails 1 "tos" "an unknown offload" ns a wgengine --offload tso,tos wx
check_fails 1 "0" "no worker" ns a wgengine --workers 0 wx
check_fails 1 "65" "too many workers" ns a wgengine --workers 65 wx
check_fails 1 "-21" "a priority that is none" ns a wgengine --nice=-21 wx
check_eq "not one checksum was wrong" "" "$(grep checksum "$WORK/b.log" "$WORK/a.log")"
finish
