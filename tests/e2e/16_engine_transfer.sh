#!/usr/bin/env bash
# Files through the tunnel, compared by hash: both families, both ways, to
# wireguard-go and back, over a slow link and a lossy one.
#
#   a (wgengine) --- bridge --- b (wgengine), c (wireguard-go)
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/engine.sh
. "$SRCDIR/tests/e2e/engine.sh"
need wireguard-go sha256sum tc ss

for host in a b c; do
	engine_host $host
done
check "engines start" eval 'engine_start a && engine_start b &&
	engine_start c wireguard-go'
check "they know each other" eval 'engine_pair a b 4 && engine_pair a c 6'
check "and talk" eval 'pings a b && pings a c'

MB=$((1 << 20))
check "32 MB from a to b, IPv4" transfer a b 4 $((32 * MB))
check "32 MB from b to a, IPv6" transfer b a 6 $((32 * MB))
check "16 MB to wireguard-go, IPv6" transfer a c 6 $((16 * MB))
check "16 MB from wireguard-go, IPv4" transfer c a 4 $((16 * MB))

# The way outside is narrower than what the tunnel's packets need: fragments.
ip -n "$LAB-a" link set eth0 mtu 1280
check "8 MB over an outer MTU of 1280, IPv4 outside" transfer a b 4 $((8 * MB))
check "and IPv6 outside" transfer a c 6 $((8 * MB))
ip -n "$LAB-a" link set eth0 mtu 1500
check "and when it is wide again" transfer a b 6 $((8 * MB))

# The outer link is slower than the sender: its socket fills, the engine stops
# reading its interface, and goes on when there is room.
ns a tc qdisc add dev eth0 root tbf rate 50mbit burst 32k limit 32m
check "4 MB into a slow link" transfer a b 4 $((4 * MB))
flood() {
	head -c $((30 * MB)) /dev/zero |
		ns a timeout 20 socat -u -b 1300 - "UDP4-SENDTO:${INNER4[b]}:9"
}
check "a flood into the slow link" flood
check "has passed by" wait_for 5 pings a b both
check "4 MB more" transfer a b 6 $((4 * MB))
ns a tc qdisc del dev eth0 root
if ns a tc qdisc add dev eth0 root netem loss 2% duplicate 2% delay 2ms 1ms \
	2>/dev/null; then
	check "4 MB over a link that loses, doubles and reorders" \
		transfer a b 4 $((4 * MB))
	ns a tc qdisc del dev eth0 root
else
	skip "a link that loses, doubles and reorders" "no netem in this kernel"
fi

# The link refuses: a firewall's EPERM costs packets, not the engine.
if command -v nft >/dev/null && ns a nft add table inet t 2>/dev/null; then
	ns a nft 'add chain inet t o { type filter hook output priority 0; }'
	ns a nft add rule inet t o udp sport 51820 drop
	check_fails 1 '100% packet loss' "a firewall drops what we send" \
		ns a ping -n -c1 -W1 "${INNER4[b]}"
	ns a nft delete table inet t
	check "without it, packets flow again" wait_for 2 pings a b
else
	skip "a firewall drops what we send" "no nft"
fi

# Nothing left to do: the timer that remains is a handshake's, not a poll.
idle_memory() {
	awk '/^VmRSS/ { print $2 }' "/proc/$(engine_pid "$1")/status"
}
for host in a b; do
	kb=$(idle_memory $host)
	diag "resident memory of $host after all this: $kb kB"
	if engine_sanitized; then
		skip "the engine of $host stayed small" "sanitizers need more"
	else # 64 slots of two pages, twice, and 2 MB
		check "the engine of $host stayed small" test "$kb" -lt 6000
	fi
done
check "the sanitizers found nothing" engine_reports
finish
