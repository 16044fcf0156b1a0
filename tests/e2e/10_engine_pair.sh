#!/usr/bin/env bash
# Two wgengines: pings, the interface's ups and downs, firewall mark, and what
# happens to packets that have nowhere to go.
#
#   a (wa) --- bridge --- b (wb)
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/engine.sh
. "$SRCDIR/tests/e2e/engine.sh"
need ss

engine_host a && engine_host b

mtu() {
	cat <(ns "$1" cat "/sys/class/net/w$1/mtu")
}
udp_ports() { # HOST: its listening UDP ports, one line a family
	ns "$1" ss -Hlun | awk '{ print $4 }' | sort -u | sed 's/.*://' | xargs
}

check "wgengine starts on a" engine_start a
check "and on b" engine_start b
check_eq "the socket is the owner's only" "600" \
	"$(stat -c %a /var/run/wireguard/wa.sock)"
check_eq "and so is its directory" "700" "$(stat -L -c %a /var/run/wireguard)"
check_eq "a new interface has an MTU of 1420" 1420 "$(mtu a)"
check_eq "both families listen on one port" "51820 51820" "$(udp_ports a)"
pid=$(engine_pid a)
check_eq "it runs in its own session" "$pid" \
	"$(awk '{ print $6 }' "/proc/$pid/stat")"

check "they know each other over IPv4" engine_pair a b 4
check "a reaches b inside, both families" pings a b
check "b reaches a" pings b a
check "a full packet fits" pings a b both -M "do" -s 1372
check "the endpoint moves to IPv6" engine_pair a b 6
check "and still they reach each other" pings a b
check "outside is IPv6 now" grep -qF "[${LAB_ADDR6[b]}]" \
	<(peer_field a endpoints b)
check "a handshake was noticed" test "$(peer_field a latest-handshakes b)" -gt 0

# MTU and up/down are followed.
ip -n "$LAB-a" link set wa mtu 9000
ip -n "$LAB-b" link set wb mtu 9000
check "packets longer than the outer MTU travel in fragments" \
	pings a b both -s 8000
ip -n "$LAB-a" link set wa mtu 1411
check "an MTU that is no multiple of 16" pings a b 4 -M "do" -s 1383
ip -n "$LAB-b" link set wb down
port_gone() { [ -z "$(udp_ports b)" ]; }
check "down: nobody listens" wait_for 2 port_gone
check_eq "the port is remembered" 51820 "$(wg show wb listen-port)"
ip -n "$LAB-b" link set wb up
port_back() { [ "$(udp_ports b)" = "51820 51820" ]; }
check "up: the same port again" wait_for 2 port_back
ip -n "$LAB-b" addr add "${INNER6[b]}/64" dev wb nodad 2>/dev/null
# Its keys went with the link, as in the kernel: who was down calls first.
check_fails 1 '100% packet loss' "no session outlived the link" \
	ns a ping -n -c1 -W1 "${INNER4[b]}"
check "and the peers reach each other at once" pings b a

# A peer that keeps alive, set while the interface is down: the handshake begins
# when it comes up, not REKEY_TIMEOUT later.
ip -n "$LAB-b" link set wb down
wait_for 2 port_gone
wg set wb peer "${PUBLIC[a]}" remove
engine_peer b a 6 persistent-keepalive 25
check_eq "down: nothing counts as sent" 0 "$(wg show wb transfer | cut -f3)"
ip -n "$LAB-b" link set wb up
shaken() { [ "$(peer_field b latest-handshakes a)" -gt 0 ]; }
check "up: the handshake is made at once" wait_for 3 shaken
ip -n "$LAB-b" addr add "${INNER6[b]}/64" dev wb nodad 2>/dev/null
check "and packets flow" pings b a

# Ports.
spawn a "$WORK/holder" socat -u UDP4-RECV:6000 -
holder=$SPAWNED
port_held() { ns a ss -Hlun | grep -q ':6000 '; }
wait_for 2 port_held
check_fails 1 'Unable to modify interface: Address already in use' \
	"a port in use is refused" wg set wa listen-port 6000
check_eq "the old one stays" "51820" "$(wg show wa listen-port)"
check "and works" pings b a 4
stop_pid "$holder"
check "a free port is taken" wg set wa listen-port 6001
check_eq "in both families" "6001 6001" "$(udp_ports a)"
check "the far side follows the first packet" pings a b 4
check_eq "to the new port" "[${LAB_ADDR6[a]}]:6001" "$(peer_field b endpoints a)"

# The mark is on what leaves: a rule for it decides.
ns a ip rule add fwmark 0x55 prohibit
ns a ip -6 rule add fwmark 0x55 prohibit
check "a firewall mark is set" wg set wa fwmark 0x55
check_fails 1 '100% packet loss' "and rules see it" pings a b 4 -W1
check "without it" wg set wa fwmark 0
check "packets flow again" pings a b 4

# Nowhere to go.
check_fails 1 'Host Unreachable|\+1 errors' \
	"no peer for an IPv4 destination: told at once" \
	ns a ping -n -c1 -W5 10.77.0.250
check_fails 1 'Address unreachable|\+1 errors' \
	"no peer for an IPv6 destination: told at once" \
	ns a ping -n -c1 -W5 fd77::250
check "b forgets a, and does not know where it is" \
	wg set wb peer "${PUBLIC[a]}" remove
engine_peer b a none
wg set wa peer "${PUBLIC[b]}" remove
engine_peer a b none
check_fails 1 'Host Unreachable|\+1 errors' \
	"a peer without an endpoint: told at once" \
	ns b ping -n -c1 -W5 "${INNER4[a]}"
# ... and kept: the datagram leaves when the endpoint comes.
wg set wa listen-port 51820
spawn a "$WORK/heard" socat -u UDP4-RECV:7777 -
heard_ready() { ns a ss -Hlun | grep -q ':7777 '; }
wait_for 2 heard_ready
echo first | ns b socat -u - "UDP4-SENDTO:${INNER4[a]}:7777"
check_eq "nothing arrives without an endpoint" "" "$(cat "$WORK/heard")"
check "the endpoint becomes known" engine_peer b a 4
check "the packet sent before arrives" \
	wait_for 2 grep -qx first "$WORK/heard"
# The interface moves to a namespace without any other network; the engine, and
# its sockets, stay where they are.
engine_host d
pid=$(engine_pid b)
ip -n "$LAB-d" link set eth0 down
ns b ip link set wb netns "$LAB-d"
ip -n "$LAB-d" addr add "${INNER4[b]}/24" dev wb
ip -n "$LAB-d" addr add "${INNER6[b]}/64" dev wb nodad
ip -n "$LAB-d" link set wb up
check "an interface in another namespace: packets leave" pings d a
check "and come in" pings a b
check "wg(8) still configures it" wg set wb listen-port 51821
check "and packets flow" pings d a
check_eq "the sockets are where they were" "51821 51821" "$(udp_ports b)"
ip -n "$LAB-d" link del wb
check "deleted there: the engine ends" wait_for 2 gone "$pid"

check "the sanitizers found nothing" engine_reports
finish
