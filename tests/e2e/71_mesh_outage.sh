#!/usr/bin/env bash
# The coordinator dies, agents are rebooted without it, it comes back.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"

mesh_up && mesh_join a && mesh_join b && mesh_join c
check_eq "a mesh of three" 0 $?
for node in a b c; do
	check "$node knows the others" wait_for 5 sh -c "[ \$(ip netns exec $LAB-$node wgtool show m$node peers | wc -l) = 2 ]"
done
reaches a b; reaches b c; reaches c a
spawn a "$WORK/steady" ping -n -i 0.02 "${ADDR4[b]}"
steady=$SPAWNED
check "meshd is killed" meshd_stop KILL
check "a still reaches c" reaches a c

check "status tells that the coordinator is out of reach" wait_for 10 sh -c \
	"ip netns exec $LAB-b meshagent status --interface mb --state-dir $WORK/b | grep -qi 'unreachable\|out of reach'"

# A reboot: killed without a word, then started from what is on disk.
stop_pid "${AGENT[c]}" KILL
began=$(now_ms)
check "c starts without a coordinator" mesh_run c
check "c reaches a" reaches c a
check "c reaches b" reaches c b
diag "restart to both pings: $(($(now_ms) - began)) ms"

check "meshd comes back" meshd_start
told() { # NODE: what the coordinator, which forgot, was told again
	ctl node list --json | jq -e ".nodes[] | select(.name == \"$1\") | .online and .last_handshake != null"
}
for node in a b c; do
	check "$node comes back, and tells of its handshakes" wait_for 40 told $node
done
check "a node joins through it" mesh_join d
for node in a b c; do
	check "$node has reconnected and learns of d" wait_for 40 knows $node d
	check "$node reaches d" reaches $node d
done
stop_pid "$steady" INT
lost=$(sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$WORK/steady")
check_eq "no packet between a and b was lost in all this" 0 "$lost"
finish
