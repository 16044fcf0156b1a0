#!/usr/bin/env bash
# Stock wg(8) against wgengine's socket: what is set is what is shown, word for
# word, and what is wrong is refused and changes nothing.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/engine.sh
. "$SRCDIR/tests/e2e/engine.sh"

engine_host a
engine_host b
start() {
	ns a wgengine wa 2>"$WORK/a.log" && ns b wgengine wb 2>"$WORK/b.log"
}
check "engines start" start

key() { wg genkey | wg pubkey; }
dump() { wg show "$1" dump; }
# The dump without our own line, sorted: peers of a setconf come in any order.
peers() { wg show "$1" dump | tail -n +2 | sort; }
tabs() { local IFS=$'\t'; echo "$*"; }

# --- one field at a time ---
check_eq "a new interface has nothing" "$(tabs "(none)" "(none)" 0 off)" "$(dump wa)"
check "a private key" wg set wa private-key <(echo "${PRIVATE[a]}")
check_eq "is shown" "${PRIVATE[a]}" "$(wg show wa private-key)"
check_eq "and its public half" "${PUBLIC[a]}" "$(wg show wa public-key)"
check "a port" wg set wa listen-port 12345
check "a mark" wg set wa fwmark 0xca6c
one=$(key) two=$(key) psk=$(wg genpsk)
check "a peer with everything" wg set wa peer "$one" \
	preshared-key <(echo "$psk") endpoint 192.0.2.1:7 \
	persistent-keepalive 21 allowed-ips 10.1.0.0/16,fd01::/32,10.1.2.3/32
check "a peer with nothing" wg set wa peer "$two"
check_eq "all of it is shown, peers in the order they came" \
	"$(tabs "${PRIVATE[a]}" "${PUBLIC[a]}" 12345 0xca6c
	tabs "$one" "$psk" 192.0.2.1:7 10.1.0.0/16,10.1.2.3/32,fd01::/32 0 0 0 21 |
		awk -F'\t' -v OFS='\t' '{ print $1, $2, $3, "IPS", $5, $6, "TX", $8 }'
	tabs "$two" "(none)" "(none)" "IPS" 0 0 TX off)" \
	"$(dump wa | awk -F'\t' -v OFS='\t' 'NR > 1 { $4 = "IPS"; $7 = "TX" } { print }')"
check_eq "allowed IPs are all there" \
	"10.1.0.0/16 10.1.2.3/32 fd01::/32" \
	"$(wg show wa allowed-ips | awk -v k="$one" '$1 == k { $1 = ""; print }' |
		tr ' ' '\n' | grep . | sort | xargs)"
check "an IPv6 endpoint" wg set wa peer "$two" endpoint '[2001:db8::7]:65535'
check_eq "is shown" '[2001:db8::7]:65535' \
	"$(wg show wa endpoints | awk -v k="$two" '$1 == k { print $2 }')"

# --- allowed IPs move ---
check "a prefix of another peer" wg set wa peer "$two" allowed-ips 10.1.2.3/32
check_eq "moves to it" "$two" \
	"$(wg show wa allowed-ips | awk '/10\.1\.2\.3\/32/ { print $1 }')"
check "host bits are cleared" wg set wa peer "$two" allowed-ips 10.9.8.7/8
check_eq "as the kernel does" "10.0.0.0/8" \
	"$(wg show wa allowed-ips | awk -v k="$two" '$1 == k { print $2 }')"
check "an empty list" wg set wa peer "$two" allowed-ips ""
check_eq "takes them all away" "(none)" \
	"$(wg show wa allowed-ips | awk -v k="$two" '$1 == k { print $2 }')"

# --- taking away ---
check "no keepalive" wg set wa peer "$one" persistent-keepalive 0
check_eq "is off" off \
	"$(wg show wa persistent-keepalive | awk -v k="$one" '$1 == k { print $2 }')"
check "no preshared key" wg set wa peer "$one" preshared-key /dev/null
check_eq "is none" "(none)" \
	"$(wg show wa preshared-keys | awk -v k="$one" '$1 == k { print $2 }')"
check "a peer is removed" wg set wa peer "$two" remove
check_eq "and is gone" "$one" "$(wg show wa peers)"
check "removing one that is not there is fine" wg set wa peer "$two" remove
check "our own key as a peer is passed over" wg set wa peer "${PUBLIC[a]}" \
	allowed-ips 10.5.0.0/16
check_eq "as the kernel does" "$one" "$(wg show wa peers)"
check "a peer whose key we then take" wg set wa peer "${PUBLIC[b]}"
check "taking it" wg set wa private-key <(echo "${PRIVATE[b]}")
check_eq "removes that peer" "$one" "$(wg show wa peers)"
check "no mark" wg set wa fwmark off
check_eq "is off" off "$(wg show wa fwmark)"
check "no private key" wg set wa private-key /dev/null
check_eq "is none" "(none)" "$(wg show wa private-key)"

# --- files ---
config() { # PEERS: a file like the ones people write
	echo "[Interface]"
	echo "PrivateKey = ${PRIVATE[a]}"
	echo "ListenPort = 4444"
	echo "FwMark = 0x20"
	for n in $(seq "$1"); do
		echo
		echo "[Peer]"
		echo "PublicKey = $(sed -n "${n}p" "$WORK/keys")"
		echo "PresharedKey = $psk"
		echo "AllowedIPs = 10.$((n / 250)).$((n % 250)).0/24, fd00:$n::/64"
		echo "Endpoint = 192.0.2.$((n % 250 + 1)):$((1000 + n))"
		echo "PersistentKeepalive = $n"
	done
}
for _ in $(seq 300); do key; done >"$WORK/keys"
config 300 >"$WORK/300.conf"
config 20 >"$WORK/20.conf"
check "setconf with 300 peers" wg setconf wa "$WORK/300.conf"
check_eq "300 peers are there" 300 "$(wg show wa peers | wc -l)"
wg showconf wa >"$WORK/shown.conf"
check "showconf's file is taken by another engine" \
	wg setconf wb <(sed 's/^ListenPort.*/ListenPort = 4445/' "$WORK/shown.conf")
settings() { # peers without what only time tells
	peers "$1" | cut -f1-4,8
}
check_eq "and means the same" "$(settings wa)" "$(settings wb)"
same_file() {
	diff <(sed '/^ListenPort/d' "$WORK/shown.conf") \
		<(wg showconf wb | sed '/^ListenPort/d')
}
check "and prints the same" same_file
check "syncconf to 20 peers" wg syncconf wa "$WORK/20.conf"
check_eq "20 peers are left" 20 "$(wg show wa peers | wc -l)"
check "addconf" wg addconf wa <(printf '[Peer]\nPublicKey=%s\nAllowedIPs=10.200.0.0/16\n' "$two")
check_eq "adds" 21 "$(wg show wa peers | wc -l)"
check "syncconf takes it away again" wg syncconf wa "$WORK/20.conf"
check_eq "and only it" 20 "$(wg show wa peers | wc -l)"
check "setconf with less" wg setconf wa <(echo "[Interface]")
check_eq "leaves nothing" "(none)" "$(wg show wa private-key)$(wg show wa peers)"

# --- errors ---
before=$(dump wa)
check_fails 1 'Unable to access interface' \
	"an interface that is not there" wg show nothere
check_fails 1 'Unable to modify interface' \
	"nor can it be set" wg set nothere fwmark 1
say() { # HOST TEXT: what the socket answers
	printf '%b' "$2" | socat -t5 - "UNIX:/var/run/wireguard/w$1.sock"
}
check_eq "a bad line is refused" "errno=-22" "$(say a 'set=1\nfwmark=1\nx=y\n\n')"
check_eq "and nothing of it was done" "$before" "$(dump wa)"
check_eq "two requests on one connection" \
	$'errno=-22\n\nlisten_port='"$(wg show wa listen-port)"$'\nerrno=0' \
	"$(say a 'set=1\nprivate_key=00\n\nget=1\n\n')"

# --- many clients, and rude ones ---
for _ in 1 2 3 4 5 6 7 8; do
	spawn a "$WORK/rude" socat - "UNIX:/var/run/wireguard/wa.sock,ignoreeof"
done
check "others wait silently: show works" wg show wa
wg setconf wa "$WORK/300.conf"
for n in $(seq 30); do
	wg show wa dump >"$WORK/dump.$n" &
	jobs[n]=$!
done
wait "${jobs[@]}"
check_eq "thirty at once get the same answer" 1 \
	"$(cut -f1-4 "$WORK"/dump.* | sort | uniq -c | awk '{ print $1 }' | sort -u | wc -l)"
# One that asks and never reads must not hold up the others.
printf 'get=1\n\n%.0s' $(seq 200) >"$WORK/greedy"
spawn a "$WORK/log" sh -c "socat -u OPEN:$WORK/greedy,ignoreeof UNIX:/var/run/wireguard/wa.sock"
check "one that never reads holds nobody up" wg show wa
check "the sanitizers found nothing" engine_reports
finish
