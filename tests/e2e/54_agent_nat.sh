#!/usr/bin/env bash
# A node behind a translator is reached because it speaks first, and keeps on.
#
#   coord -- b -- (bridge) -- gw == inside == a      gw masquerades a
#
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"
need nft

mesh_up
mesh_join b
check_eq "a coordinator and b" 0 $?
lab_host gw
inside() {
	ip netns add "$LAB-a" &&
		ip -n "$LAB-a" link set lo up &&
		ip -n "$LAB-gw" link add in0 type veth peer name eth0 netns "$LAB-a" &&
		ip -n "$LAB-gw" addr add 192.168.77.1/24 dev in0 &&
		ip -n "$LAB-gw" link set in0 up &&
		ip -n "$LAB-a" addr add 192.168.77.2/24 dev eth0 &&
		ip -n "$LAB-a" link set eth0 up &&
		ip -n "$LAB-a" route add default via 192.168.77.1 &&
		ns gw sysctl -qw net.ipv4.ip_forward=1
}
LAB_HOSTS+=(a)
LAB_ADDR4[a]=192.168.77.2
check "a network behind gw" inside
translate() {
	ns gw nft -f - <<-'END'
		table ip nat {
			chain post {
				type nat hook postrouting priority 100;
				oifname "eth0" masquerade random
			}
		}
	END
}
translate 2>"$WORK/nft" || skip_all "no masquerading here: $(head -n 1 "$WORK/nft")"

mesh_join a
check_eq "a joins from there" 0 $?
keepalive() { # NODE PEER
	wgt "$1" persistent-keepalive | awk -v k="${KEY[$2]}" '$1 == k { print $2 }'
}
a_keeps_alive() {
	[ "$(keepalive a b)" = 25 ]
}
check "a finds out that it is translated, and keeps its mapping alive" \
	wait_for 5 a_keeps_alive
check_eq "b, that is not, does not" off "$(keepalive b a)"
session() {
	wgt b latest-handshakes | awk -v k="${KEY[a]}" '$1 == k && $2 > 0 { found = 1 } END { exit !found }'
}
check "b has a session without having asked for it" wait_for 5 session
check "b reaches a" reaches b a
check "a reaches b" reaches a b

endpoint() {
	wgt b endpoints | awk -v k="${KEY[a]}" '$1 == k { print $2 }'
}
check_eq "b sends to the outside of gw" "${LAB_ADDR4[gw]}" "$(endpoint | cut -d: -f1)"

# Without one, a's hints are its own addresses and no keepalive is sent.
mesh_join c
check_eq "c joins in the open" 0 $?
check "b reaches c" wait_for 5 reaches b c
check_eq "c keeps nothing alive" off "$(keepalive c b)"
finish
