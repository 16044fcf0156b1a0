#!/usr/bin/env bash
# wgengine and Debian's wireguard-go: either side initiates, IPv4 and IPv6
# outside and inside, with and without a preshared key. Each cell has new keys,
# so each begins with a handshake; only the initiator knows where the other is.
#
#   a: wgengine --- bridge --- b: wireguard-go
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/engine.sh
. "$SRCDIR/tests/e2e/engine.sh"
need wireguard-go
umask 077

engine_host a && engine_host b
check "wgengine starts" engine_start a
check "wireguard-go starts" engine_start b wireguard-go

new_keys() {
	local host
	for host in a b; do
		wg set "w$host" peer "${PUBLIC[$([ $host = a ] && echo b || echo a)]}" remove
	done
	for host in a b; do
		engine_keys $host
		wg set w$host private-key /dev/stdin <<<"${PRIVATE[$host]}" || return
	done
}
# cell INITIATOR RESPONDER OUTER INNER PSK
cell() {
	local psk=()
	new_keys || return
	if [ "$5" = psk ]; then
		wg genpsk >"$WORK/psk"
		psk=(preshared-key "$WORK/psk")
	fi
	engine_peer "$2" "$1" none "${psk[@]}" &&
		engine_peer "$1" "$2" "$3" "${psk[@]}" &&
		pings "$1" "$2" "$4" && pings "$2" "$1" "$4" || return
	# the responder learnt where the initiator is, in the outer family
	case $3 in
	4) [ "$(peer_field "$2" endpoints "$1")" = "${LAB_ADDR4[$1]}:51820" ] ;;
	6) [ "$(peer_field "$2" endpoints "$1")" = "[${LAB_ADDR6[$1]}]:51820" ] ;;
	esac
}
for roles in "a b" "b a"; do
	for outer in 4 6; do
		for inner in 4 6; do
			for psk in plain psk; do
				# shellcheck disable=SC2086
				check "initiator $roles, outside IPv$outer, inside IPv$inner, $psk" \
					cell $roles $outer $inner $psk
			done
		done
	done
done

# A wrong preshared key: nothing passes, on either side.
wg genpsk >"$WORK/other"
new_keys
engine_peer b a none preshared-key "$WORK/psk"
engine_peer a b 4 preshared-key "$WORK/other"
check_fails 1 '100% packet loss' "different preshared keys do not talk" \
	ns a ping -n -c1 -W1 "${INNER4[b]}"
check_eq "and no session is claimed" 0 "$(peer_field a latest-handshakes b)"

# Sizes around the edges of padding and of the MTU, both ways.
new_keys
engine_peer b a none
engine_peer a b 4
sizes() { # FROM TO
	local size
	for size in 0 1 4 11 12 13 100 1363 1364 1365 1371 1372; do
		pings "$1" "$2" 4 -M "do" -s "$size" || return
	done
}
check "packets of every padding, wgengine to wireguard-go" sizes a b
check "and back" sizes b a
check "the sanitizers found nothing" engine_reports
finish
