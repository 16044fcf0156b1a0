#!/usr/bin/env bash
# meshd's HTTP by curl: bounds of what a client may send, long polls that are
# answered by a change, by their end, or by nobody because the client is gone.
#
#   coord: meshd     a, b: joined hosts whose agents do not run; curl takes
#                    their place, with their credentials
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"
need curl jq python3

mesh_up
URL=https://${LAB_ADDR4[coord]}:7443
for node in a b; do
	lab_host $node
	agent $node join - --name $node <<<"$(mesh_token)" >/dev/null
done
sock() { # CURL-OPTION... PATH
	ns coord curl -sS --max-time 20 --unix-socket "$MESHD_SOCKET" "${@:1:$#-1}" "http://meshd${*: -1}"
}
pin=$(sock /v1/mesh | jq -r .pin)
https() { # HOST CURL-OPTION... PATH
	ns "$1" curl -sS --max-time 65 --insecure --pinnedpubkey "sha256//$pin" \
		"${@:2:$#-2}" "$URL${*: -1}"
}
as() { # NODE CURL-OPTION... PATH: with the node's own credential
	https "$1" -H "Authorization: Bearer $(cat "$WORK/$1/credential")" "${@:2}"
}
code=(-o /dev/null -w '%{http_code}')
check_eq "two nodes" "a b" "$(sock /v1/nodes | jq -r '[.nodes[].name] | join(" ")')"

# ---- bounds ----
head -c 65536 /dev/zero | tr '\0' ' ' >"$WORK/64k"
head -c 65537 /dev/zero | tr '\0' ' ' >"$WORK/64k1"
head -c 1000000 /dev/zero | tr '\0' ' ' >"$WORK/1m"
post=(-X POST -H 'Expect:' -H 'Content-Type: application/json' "${code[@]}")
check_eq "a body of 64 KiB is read" 400 "$(sock "${post[@]}" --data-binary "@$WORK/64k" /v1/tokens)"
check_eq "one byte more is not" 413 "$(sock "${post[@]}" --data-binary "@$WORK/64k1" /v1/tokens)"
check_eq "nor in chunks" 413 \
	"$(sock "${post[@]}" -H 'Transfer-Encoding: chunked' --data-binary "@$WORK/64k1" /v1/tokens)"
check "an endless one is cut off" \
	sh -c "! ip netns exec $LAB-coord curl -sS --max-time 20 --unix-socket $MESHD_SOCKET -X POST \
	-H 'Transfer-Encoding: chunked' --data-binary @$WORK/1m http://meshd/v1/tokens"
long=$(head -c 20000 /dev/zero | tr '\0' a)
refused() { # CODE
	[[ $1 == 4?? || $1 == 000 ]]
}
check "a header of 20 kB is refused" refused "$(sock "${code[@]}" -H "X-Long: $long" /healthz 2>/dev/null)"
check "a path of 20 kB as well" refused "$(sock "${code[@]}" "/$long" 2>/dev/null)"
check_eq "a path of 300 bytes has its own word" 414 "$(sock "${code[@]}" "/${long:0:300}")"
check_eq "a query of five is too many" 400 "$(sock "${code[@]}" '/healthz?a&b&c&d&e')"
check_eq "a body on GET" 400 "$(sock "${code[@]}" -X GET --data-binary x /v1/mesh)"
check_eq "HEAD is not offered" 405 "$(sock "${code[@]}" -I /healthz)"
check_eq "errors are problems" application/problem+json \
	"$(sock -o /dev/null -w '%{content_type}' /nowhere)"
check_eq "and say how to be let in" Bearer \
	"$(https a -o /dev/null -D - /v1/nodes | tr -d '\r' | sed -n 's/^WWW-Authenticate: //p')"
check_eq "a bearer over the socket counts, and no longer root" 403 \
	"$(sock "${code[@]}" -H "Authorization: Bearer $(cat "$WORK/a/credential")" /v1/nodes)"
deep=$(printf '[%.0s' $(seq 30000))
check_eq "JSON 30,000 deep" 400 "$(sock "${post[@]}" --data-binary "$deep" /v1/tokens)"
check "it is still there" sock -f /healthz

# 300 silent connections from one host, half of them in the middle of a head.
cat >"$WORK/silent.py" <<-END
	import socket, ssl, sys
	sockets = []
	for i in range(300):
	    s = socket.create_connection((sys.argv[1], 7443))
	    if i % 2:
	        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
	        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
	        s = c.wrap_socket(s)
	        s.sendall(b'GET /healthz HTTP/1.1\r\nHost:')
	    sockets.append(s)
	print('open', flush=True)
	sys.stdin.read()
END
mkfifo "$WORK/hold"
spawn a "$WORK/silent.log" sh -c "exec python3 $WORK/silent.py ${LAB_ADDR4[coord]} <>$WORK/hold"
silent=$SPAWNED
check "300 connections that say nothing" wait_for 20 grep -q open "$WORK/silent.log"
check_eq "others are served meanwhile" 200 "$(https b "${code[@]}" /healthz)"
closed() { # every one of them, by us
	! ns coord ss -Htn state established '( sport = :7443 )' | grep -q .
}
check "and they are closed in the end" wait_for 30 closed
stop_pid "$silent"

# ---- a token of five uses, twelve hosts at once ----
mesh_token --uses 5 >"$WORK/five"
joins=()
for i in $(seq 12); do
	ns a meshagent join - --name "crowd-$i" --interface "x$i" --state-dir "$WORK/crowd$i" \
		<"$WORK/five" >"$WORK/crowd$i.log" 2>&1 &
	joins+=($!)
done
joined=0
for i in "${joins[@]}"; do
	wait "$i" && joined=$((joined + 1))
done
check_eq "five of twelve joined" 5 "$joined"
check_eq "the others were told why" 7 "$(cat "$WORK"/crowd*.log | grep -c 'used')"
crowd() { # JQ-FILTER
	sock /v1/nodes | jq "[.nodes[] | select(.name | startswith(\"crowd\")) | $1] | unique | length"
}
check_eq "the coordinator counts five" 5 "$(crowd .name)"
check_eq "with ten addresses" 10 "$(crowd '.addresses[]')"
check_eq "the token is used up" "5 5" \
	"$(sock /v1/tokens | jq -r '.tokens[-1] | "\(.uses) \(.uses_max)"')"

# ---- long polls ----
serial() {
	sock /v1/mesh | jq .serial
}
online() { # NODE true|false
	[ "$(sock "/v1/nodes/$1" | jq .online)" = "$2" ]
}
poll() { # NODE SINCE WAIT FILE: in the background, POLL is its pid
	as "$1" -o "$4" -w '%{http_code} %{time_total}\n' "/v1/netmap?since=$2&wait=$3" >"$4.end" 2>&1 &
	POLL=$!
	LAB_PIDS+=("$POLL")
}
now=$(serial)
check "a is offline before it asks" online a false
poll a "$now" 30 "$WORK/p1"
check "and online while it waits" wait_for 5 online a true
lab_host c
began=$(now_ms)
agent c join - --name c <<<"$(mesh_token)" >/dev/null
joined=$(now_ms)
wait "$POLL"
took=$(($(now_ms) - joined))
check "a change answers it at once (join $((joined - began)) ms, then $took ms)" [ "$took" -lt 250 ]
check_eq "with a delta" "false $now" "$(jq -r '"\(.full) \(.since)"' "$WORK/p1")"
now=$(serial)
began=$(now_ms)
poll a "$now" 1 "$WORK/p2"
wait "$POLL"
took=$(($(now_ms) - began))
check "its end answers it too ($took ms)" [ "$took" -ge 1000 -a "$took" -lt 2000 ]
check_eq "with nothing new" "$now 0" "$(jq -r '"\(.serial) \(.records | length)"' "$WORK/p2")"
check "a is awaited for a while yet" online a true

poll b "$now" 60 "$WORK/p3"
check "b waits" wait_for 5 online b true
report() { # NODE SERIAL
	as "$1" -X POST --data "{\"schema\":\"mesh/v1\",\"applied\":$2,\"listen_port\":0,
		\"endpoints\":[],\"peers\":[]}" "${code[@]}" /v1/report
}
check_eq "a reports that it is behind" 204 "$(report a $((now - 1)))"
check_eq "who has not applied a change is named" "1 a" \
	"$(sock "/v1/applied?serial=$now" | jq -r '"\(.pending) \(.waiting_for)"')"
{
	sock "/v1/applied?serial=$now&wait=15" >"$WORK/applied"
	now_ms >"$WORK/applied.end"
} &
waits=$!
check_eq "a reports that it has applied it" 204 "$(report a "$now")"
reported=$(now_ms)
wait $waits
took=$(($(cat "$WORK/applied.end") - reported))
check_eq "whoever waited for that is told" 0 "$(jq .pending "$WORK/applied")"
check "at once ($took ms)" [ "$took" -lt 250 ]
ctl token create >/dev/null # no change of the netmap: nobody is woken by it
check "b still waits" kill -0 "$POLL"
began=$(now_ms)
kill -KILL "$(pgrep -P "$POLL" -f curl || echo "$POLL")" 2>/dev/null
check "b is offline as soon as it hangs up" wait_for 5 online b false
check "which took $(($(now_ms) - began)) ms" [ $(($(now_ms) - began)) -lt 500 ]

# 200 polls of one node, all answered by one change.
now=$(serial)
for i in $(seq 200); do
	echo "url = \"$URL/v1/netmap?since=$now&wait=30\""
	echo "output = \"$WORK/many.$i\""
done >"$WORK/many.conf"
ns a curl -sS -Z --parallel-immediate --parallel-max 200 --max-time 40 --insecure \
	--pinnedpubkey "sha256//$pin" -H "Authorization: Bearer $(cat "$WORK/a/credential")" \
	-K "$WORK/many.conf" 2>"$WORK/many.log" &
many=$!
LAB_PIDS+=("$many")
waiting() {
	[ "$(ns coord ss -Htn state established '( sport = :7443 )' | wc -l)" -ge 200 ]
}
check "200 polls are open" wait_for 20 waiting
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$(cat "$WORK/meshd.pid")/status")
diag "resident with 200 TLS connections: $rss kB"
began=$(now_ms)
lab_host d
agent d join - --name d <<<"$(mesh_token)" >/dev/null
wait "$many"
check_eq "one change answers them all ($(($(now_ms) - began)) ms)" 200 \
	"$(grep -l '"full":false' "$WORK"/many.[0-9]* | wc -l)"
check_eq "nothing was said that should not be" "" "$(grep -iE 'fail|error|mesh_(join|agent|api)_' "$WORK/meshd.log")"
check "SIGTERM ends it with polls open" sh -c "
	ip netns exec $LAB-a curl -s --max-time 20 --insecure -o /dev/null \
		-H 'Authorization: Bearer $(cat "$WORK/a/credential")' \
		'$URL/v1/netmap?since=$(serial)&wait=30' &
	exit 0"
check "a waits once more" wait_for 5 online a true
check "and meshd stops all the same" meshd_stop
finish
