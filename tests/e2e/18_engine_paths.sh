#!/usr/bin/env bash
# The way outside: no don't-fragment and narrow paths, sources that go away, the
# mark, firewalls and refusals, and floods of handshakes.
#
#   a: wgengine (wa) --- bridge --- p: peers in Python (wgpeer.py)
#                          |
#                          `--- r (router) ===1280=== q: peers behind it
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/engine.sh
. "$SRCDIR/tests/e2e/engine.sh"
need python3

engine_host a && lab_host p && lab_host r && lab_netns q
ns r sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ns q sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
ip -n "$LAB-r" link add narrow mtu 1280 type veth peer name eth0 mtu 1280 \
	netns "$LAB-q"
ip -n "$LAB-r" addr add 10.97.0.1/24 dev narrow
ip -n "$LAB-r" addr add fd97::1/64 dev narrow nodad
ip -n "$LAB-r" link set narrow up
ip -n "$LAB-q" link set lo up
ip -n "$LAB-q" addr add 10.97.0.2/24 dev eth0
ip -n "$LAB-q" addr add fd97::2/64 dev eth0 nodad
ip -n "$LAB-q" link set eth0 up
ip -n "$LAB-q" route add default via 10.97.0.1
ip -n "$LAB-q" -6 route add default via fd97::1
ip -n "$LAB-a" route add 10.97.0.0/24 via "${LAB_ADDR4[r]}"
ip -n "$LAB-a" -6 route add fd97::/64 via "${LAB_ADDR6[r]}"

check "the engine starts" engine_start a
scenario path_outer.py
scenario path_load.py
check "the sanitizers found nothing" engine_reports
finish
