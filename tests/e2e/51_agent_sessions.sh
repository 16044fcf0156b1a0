#!/usr/bin/env bash
# What changes in the mesh does not disturb what did not; the interface is one
# like any other; a host that moves is found again.
#
#   coord ---- a ---- b ---- c
#
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"

mesh_up
mesh_join a && mesh_join b && mesh_join c
check_eq "a mesh of three" 0 $?
check "a reaches b" reaches a b
check "b reaches c" reaches b c

field() { # NODE PEER COLUMN of the dump: 5 handshake, 6 rx, 7 tx, 3 endpoint
	wgt "$1" dump | awk -v k="${KEY[$2]}" -v n="$3" '$1 == k { print $n }'
}
applied() { # NODE SERIAL
	[ "$(ns "$1" meshagent status -i "m$1" --json | sed 's/.*"serial":\([0-9]*\).*/\1/')" -ge "$2" ]
}
serial() {
	ns "$1" meshagent status -i "m$1" --json | sed 's/.*"serial":\([0-9]*\).*/\1/'
}

# --- undisturbed ---
handshake=$(field a b 5) rx=$(field a b 6) port=$(wgt a listen-port)
was=$(serial a)
mesh_join d
check_eq "d joins" 0 $?
check "a knows d" wait_for 5 knows a d
ctl node rename d delta >/dev/null
check "d is renamed" wait_for 5 sh -c "ip netns exec $LAB-a meshagent status -i ma | grep -q delta"
check "d is removed" ctl node remove delta
check "a drops it" wait_for 5 knows_not a d
[ "$(serial a)" -gt "$was" ]
check_eq "a has applied all that" 0 $?
check_eq "its session with b is the one it was" "$handshake" "$(field a b 5)"
[ "$(field a b 6)" -ge "$rx" ]
check_eq "its counters went on counting" 0 $?
check_eq "its port is what it was" "$port" "$(wgt a listen-port)"

# --- an ordinary interface: stock wg sees it, and may even change it ---
if command -v wg >/dev/null; then
	check_eq "wg show says what wgtool says" "$(wgt a dump)" "$(ns a wg show ma dump)"
	check "wg may add a peer" ns a wg set ma peer \
		"$(wgtool genkey | wgtool pubkey)" allowed-ips 192.0.2.1/32
	check_eq "there are three now" 3 "$(wgt a peers | wc -l)"
	mesh_join e
	check_eq "e joins" 0 $?
	check "and with the next change the mesh's peers are what there is" \
		wait_for 5 sh -c "[ \$(ip netns exec $LAB-a wgtool show ma peers | wc -l) = 3 ]"
	check_eq "without a new session with b" "$handshake" "$(field a b 5)"
fi

# --- a moves to another address: b learns it from a's own packets, c from the
# coordinator (it has no session with a) ---
spawn b "$WORK/flood" ping -n -D -i 0.02 "${ADDR4[a]}"
flood=$SPAWNED
check "traffic from b to a" wait_for 5 grep -q 'icmp_seq=20 ' "$WORK/flood"
before=$(grep -c 'icmp_seq' "$WORK/flood")
ip -n "$LAB-a" addr add 10.99.0.200/24 dev eth0
ip -n "$LAB-a" addr del "${LAB_ADDR4[a]}/24" dev eth0
ip -n "$LAB-a" addr add 10.99.0.200/24 dev eth0 2>/dev/null
moved() {
	field b a 3 | grep -q '^10\.99\.0\.200:'
}
check "b finds a where it went" wait_for 5 moved
check "the traffic goes on" wait_for 5 sh -c "[ \$(grep -c icmp_seq '$WORK/flood') -gt $((before + 20)) ]"
stop_pid "$flood" INT
gap=$(awk -F'[][ ]' '/icmp_seq/ { if (last && $2 - last > worst) worst = $2 - last; last = $2 } END { printf "%d", worst * 1000 }' "$WORK/flood")
diag "longest gap while a moved: $gap ms"
[ "$gap" -lt 2000 ]
check_eq "with a gap of less than two seconds" 0 $?
check "the coordinator is told" wait_for 5 sh -c \
	"ip netns exec $LAB-coord meshctl --dir $WORK/operator --socket $MESHD_SOCKET node show a | grep -q 10.99.0.200"
check "c, that never spoke to a, reaches it" reaches c a

# --- several agents on one host: c is a node of another mesh, too ---
other() { # MESHCTL-WORD...
	ns coord meshctl --dir "$WORK/operator2" --socket "$WORK/meshd2.sock" "$@"
}
second_meshd() {
	ns coord meshd --state-dir "$WORK/meshd2" --socket "$WORK/meshd2.sock" \
		--listen "${LAB_ADDR4[coord]}:7444" \
		--url "https://${LAB_ADDR4[coord]}:7444" \
		--daemon --pid-file "$WORK/meshd2.pid" 2>>"$WORK/meshd2.log" &&
		other init --name other
}
second() { # HOST COMMAND...
	local host=$1
	shift
	ns "$host" meshagent "$@" --interface "z$host" --state-dir "$WORK/z$host"
}
check "a second mesh" second_meshd
for host in b c; do
	check "$host joins it" second "$host" join "$(other token create)" --name "z$host"
	check "$host runs an agent on it" second "$host" run --daemon
done
z=$(ip -n "$LAB-b" -o -4 addr show dev zb | awk '{ sub("/.*", "", $4); print $4 }')
check "c reaches b by the second mesh" wait_for 5 ns c ping -n -q -c1 -W1 "$z"
check "and by the first" reaches c b
check_fails 1 'another node' "leave does not stop another mesh's agent" \
	ns c meshagent leave --interface zc --state-dir "$WORK/c"
check "c leaves the second" second c leave
check "its agent on the first runs on" agent c status
check "and c reaches b" reaches c b
finish
