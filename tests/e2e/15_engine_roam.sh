#!/usr/bin/env bash
# A host's outer address changes under running traffic; answers leave from the
# address that was asked.
#
#   a --- bridge --- b      b: 10.99.0.N, then 10.99.0.77, then IPv6 only
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/engine.sh
. "$SRCDIR/tests/e2e/engine.sh"

engine_host a && engine_host b
check "engines start" eval 'engine_start a && engine_start b'
check "they know each other" engine_pair a b 4
check "and talk" pings a b

# 40 pings at 50 ms, both ways, across the change.
steady() {
	local host other
	for host in a b; do
		other=$([ $host = a ] && echo b || echo a)
		spawn $host "$WORK/$1.$host" \
			ping -n -i 0.05 -c 40 -W1 "${INNER4[$other]}"
		pings_pid[$host]=$SPAWNED
	done
	for host in a b; do # it is under way
		wait_for 2 grep -q 'icmp_seq=5' "$WORK/$1.$host"
	done
}
declare -A pings_pid
# finished NAME: LOST[HOST] of the 40 from each
declare -A LOST
finished() {
	local host
	for host in a b; do
		wait "${pings_pid[$host]}"
		LOST[$host]=$(awk '/packets transmitted/ { print $1 - $4 }' \
			"$WORK/$1.$host")
	done
	diag "lost in '$1': ${LOST[a]} of 40 from a, ${LOST[b]} of 40 from b"
}
endpoint_is() { # WHAT: a's idea of where b is
	[ "$(peer_field a endpoints b)" = "$1" ]
}

steady move
ns b ip addr del "${LAB_ADDR4[b]}/24" dev eth0
ns b ip addr add 10.99.0.77/24 dev eth0
check "a follows b to its new address" wait_for 1 endpoint_is 10.99.0.77:51820
finished move
check "at most 3 packets (150 ms) were lost on the way there" test "${LOST[a]}" -le 3
check "and on the way back" test "${LOST[b]}" -le 3

# To the other family: b's address goes, and its peer is told anew.
steady family
ns b ip addr del 10.99.0.77/24 dev eth0
check "b is told a's IPv6 address" wg set wb peer "${PUBLIC[a]}" \
	endpoint "[${LAB_ADDR6[a]}]:51820"
check "a follows b to IPv6" wait_for 1 endpoint_is "[${LAB_ADDR6[b]}]:51820"
finished family
check "at most 5 packets were lost on the way there" test "${LOST[a]}" -le 5
check "and on the way back" test "${LOST[b]}" -le 5

# The sticky source: b has three addresses, and is called by the last.
ns b ip addr add "${LAB_ADDR4[b]}/24" dev eth0
ns b ip addr add 10.99.0.78/24 dev eth0
ns b ip addr add fd99::78/64 dev eth0 nodad
for called in 10.99.0.78 "[fd99::78]" "${LAB_ADDR4[b]}"; do
	engine_keys b
	wg set wa peer "$(wg show wa peers)" remove
	wg set wb private-key /dev/stdin peer "${PUBLIC[a]}" remove \
		<<<"${PRIVATE[b]}"
	engine_peer b a none
	engine_peer a b none endpoint "$called:51820"
	check "called at $called" pings a b
	check "b speaks first" pings b a
	check "it answered from there" endpoint_is "$called:51820"
done

# Two uplinks: b's route to a moves from eth0 to eth1, while eth0 and its address
# stay as they are. What b sends must leave from eth1's address.
ip -n "$LAB-sw" link add v77 type veth peer name eth1 netns "$LAB-b"
ip -n "$LAB-sw" link set v77 master br0 up
ns b ip link set eth1 up
ns b ip addr add 10.98.0.2/24 dev eth1
ns a ip addr add 10.98.0.1/24 dev eth0
ns b ip route add "${LAB_ADDR4[a]}" dev eth0
check "before" pings b a
check "b sends from eth0" endpoint_is "${LAB_ADDR4[b]}:51820"
steady uplink
ns b ip route replace "${LAB_ADDR4[a]}" dev eth1 src 10.98.0.2
check "then from eth1" wait_for 1 endpoint_is 10.98.0.2:51820
finished uplink
check "at most 3 packets were lost on the way there" test "${LOST[a]}" -le 3
check "and on the way back" test "${LOST[b]}" -le 3

# A stranger's packet moves nothing, whatever it looks like.
head -c 148 /dev/urandom | sed 's/^..../\x01\x00\x00\x00/' |
	ns a socat -u - "UDP4-SENDTO:${LAB_ADDR4[b]}:51820,sourceport=9"
check "what does not verify moves nothing" \
	test "$(peer_field b endpoints a)" != "${LAB_ADDR4[a]}:9"
check "and they still talk" pings b a
check "the sanitizers found nothing" engine_reports
finish
