#!/usr/bin/env bash
# Stock wg-quick(8) with wgengine: up, save, down, and what is left after.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/engine.sh
. "$SRCDIR/tests/e2e/engine.sh"
need wg-quick

engine_host a && engine_host b
if ns a ip link add probe type wireguard 2>/dev/null; then
	skip_all "the kernel's WireGuard comes first for wg-quick"
fi
export WG_QUICK_USERSPACE_IMPLEMENTATION=wgengine
config() { # HOST OTHER ALLOWED
	cat <<-END
		[Interface]
		PrivateKey = ${PRIVATE[$1]}
		ListenPort = 51820
		Address = ${INNER4[$1]}/24, ${INNER6[$1]}/64
		MTU = 1400
		[Peer]
		PublicKey = ${PUBLIC[$2]}
		AllowedIPs = $3
		Endpoint = ${LAB_ADDR4[$2]}:51820
	END
}
(umask 077 && mkdir "$WORK/etc")
install -m 600 <(config a b "${INNER4[b]}/32, ${INNER6[b]}/128, 10.88.0.0/16") \
	"$WORK/etc/wa.conf"
# b sends everything into the tunnel: the mark, rules and tables of wg-quick.
install -m 600 <(config b a "0.0.0.0/0, ::/0") "$WORK/etc/wb.conf"
quick() { # HOST up|down|save
	ns "$1" wg-quick "$2" "$WORK/etc/w$1.conf"
}

check "wg-quick up on a" quick a up
check "wg-quick up on b, with a default route" quick b up
check "a reaches b, both families" pings a b
check "b reaches a, both families" pings b a
check_eq "the MTU is the file's" 1400 "$(ns a cat /sys/class/net/wa/mtu)"
check "routes are there" ns a ip route get 10.88.1.1
check_eq "the mark is wg-quick's table" 0xca6c "$(wg show wb fwmark)"
check "up again is refused" eval '! quick a up'
check "and disturbs nothing" pings a b
check "wg-quick save" quick a save
check "keeps the peer" grep -qF "${PUBLIC[b]}" "$WORK/etc/wa.conf"
pid=$(engine_pid a)
check "one engine runs on a" test -n "$pid"
check "wg-quick down on a" quick a down
check "its engine ends" wait_for 2 gone "$pid"
check "no socket is left" test ! -e /var/run/wireguard/wa.sock
pid=$(engine_pid b)
check "wg-quick down on b" quick b down
check "its engine ends" wait_for 2 gone "$pid"
check_eq "nor a rule" "" "$(ns b ip rule show | grep -v -e local -e main -e default)"
check "up once more" quick a up
check "and b too" quick b up
check "they reach each other" pings a b
# The examples of wgengine(8), as they are printed.
check "down again" quick a down
mkdir -p /etc/wireguard && mount -t tmpfs -o mode=0700 tmpfs /etc/wireguard
install -m 600 <(config a b "${INNER4[b]}/32, ${INNER6[b]}/128") \
	/etc/wireguard/wg0.conf
wg-quick strip wg0 >"$WORK/plain.conf"
example() { # N: its Nth block, in a's namespace
	awk -v n="$1" '/^\.Ed/ { on = 0 } on { print } /^\.Bd/ { on = ++i == n }' \
		"$SRCDIR/man/wgengine.8" >"$WORK/example"
	[ -s "$WORK/example" ] && cd "$WORK" && ns a sh -ex example
}
check "wgengine(8), the first example" example 1
check "wgengine(8), the second example" example 2
check "which brought a up" pings a b
ns a wg-quick down wg0 >/dev/null 2>&1

check "the sanitizers found nothing" engine_reports
finish
