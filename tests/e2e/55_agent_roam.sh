#!/usr/bin/env bash
# Two hosts that talk to each other move at the same moment: neither's packets
# find the other, so it takes the coordinator to bring them together.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"

mesh_up
mesh_join a && mesh_join b
check_eq "a mesh of two" 0 $?
check "a reaches b" reaches a b

move() { # HOST OLD NEW
	ip -n "$LAB-$1" addr add "10.99.0.$3/24" dev eth0
	ip -n "$LAB-$1" addr del "$2/24" dev eth0
	ip -n "$LAB-$1" addr add "10.99.0.$3/24" dev eth0 2>/dev/null || :
}
endpoint() { # NODE PEER
	wgt "$1" endpoints | awk -v k="${KEY[$2]}" '$1 == k { print $2 }'
}
both_found() {
	[[ $(endpoint a b) == 10.99.0.202:* && $(endpoint b a) == 10.99.0.201:* ]]
}
longest_gap() { # of the pings in a file, in ms
	awk -F'[][ ]' '/icmp_seq/ {
		if (last && $2 - last > worst) worst = $2 - last
		last = $2
	} END { printf "%d", worst * 1000 }' "$1"
}

spawn b "$WORK/flood" ping -n -D -i 0.02 "${ADDR4[a]}"
flood=$SPAWNED
check "traffic between them" wait_for 5 grep -q 'icmp_seq=20 ' "$WORK/flood"
move a "${LAB_ADDR4[a]}" 201 &
move b "${LAB_ADDR4[b]}" 202 &
wait %2 %3 2>/dev/null
check "they find each other again" wait_for 10 both_found
before=$(grep -c icmp_seq "$WORK/flood")
check "and the traffic goes on" wait_for 10 sh -c \
	"[ \$(grep -c icmp_seq '$WORK/flood') -gt $((before + 20)) ]"
stop_pid "$flood" INT
gap=$(longest_gap "$WORK/flood")
diag "longest gap while both moved: $gap ms"
[ "$gap" -lt 5000 ]
check_eq "after a few seconds at most" 0 $?

# An idle pair, moved together: nobody has sent anything, and the first packet
# after it finds its way.
move a 10.99.0.201 211
move b 10.99.0.202 212
told() {
	ctl node show a | grep -q 10.99.0.211 && ctl node show b | grep -q 10.99.0.212
}
check "the coordinator is told of both" wait_for 5 told
idle_found() {
	[[ $(endpoint a b) == 10.99.0.212:* && $(endpoint b a) == 10.99.0.211:* ]]
}
check "and both are told by it" wait_for 5 idle_found
check "the first packet finds its way" reaches a b
finish
