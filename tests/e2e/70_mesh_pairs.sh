#!/usr/bin/env bash
# A mesh of three by token: every pair over both families, then a fourth joins,
# the first is removed, a node is renamed, one leaves. With the bars of speed.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"

check "meshd starts and meshctl init makes a mesh" mesh_up
for node in a b c; do
	mesh_join $node
	check_eq "$node has joined" 0 $?
done
for from in a b c; do
	for to in a b c; do
		[ $from = $to ] || check "$from reaches $to" reaches $from $to
	done
done

# Told at once, not polled: every peer knows d before its agent has said ready
# for long. The bar of 0.5 s (tests/bench measures) gets slack for a busy CI.
lab_host d
token=$(mesh_token)
began=$(now_ms)
mesh_join d "$token"
for node in a b c; do
	check "$node learns of d" wait_for 5 knows $node d
	check "$node reaches d with its first packet" reaches $node d
done
diag "join to the last ping: $(($(now_ms) - began)) ms"

# A session that did not change is not disturbed by all this.
before=$(wgt b dump | awk -v k="${KEY[c]}" '$1 == k { print $5 }')
removed=${AGENT[a]}
spawn b "$WORK/flood" ping -n -i 0.01 "${ADDR4[a]}"
pinger=$SPAWNED
check "a answers before it is removed" wait_for 5 grep -q 'icmp_seq=5 ' "$WORK/flood"
check "meshctl node remove a" ctl node remove a
for node in b c d; do
	check "$node has dropped a" knows_not $node a
	check "$node gets no answer from a" reaches_not $node a
done
stop_pid "$pinger"
check "a's agent has stopped by itself" wait_for 5 gone "$removed"
check "and said why" grep -qi 'removed' "$WORK/a.log"
check_eq "its interface is gone" "" "$(ip -n "$LAB-a" -o link show ma 2>/dev/null)"
check_fails 1 'removed' "it does not start again" \
	agent a run --pid-file "$WORK/a.pid"
check_eq "b's session with c was not renewed by any of this" "$before" \
	"$(wgt b dump | awk -v k="${KEY[c]}" '$1 == k { print $5 }')"

check "meshctl node rename c gamma" ctl node rename c gamma
check "the new name arrives" wait_for 5 sh -c "ip netns exec $LAB-b meshagent status --interface mb --state-dir $WORK/b | grep -q gamma"
check "and c is still reached" reaches b c

left=${AGENT[d]}
check "d leaves" agent d leave
check "its agent is gone" wait_for 5 gone "$left"
check "b drops it" wait_for 5 knows_not b d
check_eq "and its keys are gone" "" "$(find "$WORK/d" -name '*key*' -type f 2>/dev/null)"
check_fails 3 'd' "the coordinator knows no d" ctl node show d
finish
