# shellcheck shell=bash
# engine.sh: engines in the lab, for scripts about wgengine. Source lib.sh first.
#
#   engine_host HOST              a host of the lab, with keys and addresses
#   engine_start HOST [PROGRAM]   interface w$HOST; default wgengine
#   engine_pair A B               each is the other's peer
#
# Host N has the inner addresses 10.77.0.N and fd77::N on w$HOST. Only
# engine_host, engine_keys and transfer set variables: the rest can be checked.

need_root
need wg ping ip socat

declare -A PRIVATE PUBLIC INNER4 INNER6

engine_keys() { # HOST: new ones
	PRIVATE[$1]=$(wg genkey)
	PUBLIC[$1]=$(wg pubkey <<<"${PRIVATE[$1]}")
}
engine_host() {
	lab_host "$1" || return
	INNER4[$1]=10.77.0.${LAB_ADDR4[$1]##*.}
	INNER6[$1]=fd77::${LAB_ADDR6[$1]##*:}
	engine_keys "$1"
}
engine_start() { # HOST [PROGRAM [ARGUMENT...]]
	local host=$1
	shift
	[ $# -gt 0 ] || set -- wgengine
	ns "$host" "$@" "w$host" >"$WORK/$host.log" 2>&1 </dev/null || {
		cat "$WORK/$host.log"
		return 1
	}
	ip -n "$LAB-$host" addr add "${INNER4[$host]}/24" dev "w$host"
	ip -n "$LAB-$host" addr add "${INNER6[$host]}/64" dev "w$host" nodad
	ip -n "$LAB-$host" link set "w$host" up
	wg set "w$host" private-key /dev/stdin listen-port 51820 \
		<<<"${PRIVATE[$host]}"
}
# engine_peer HOST OTHER [4|6|none [WG-SET-WORD...]]: OTHER as HOST's peer
engine_peer() {
	local host=$1 other=$2 outer=${3:-4}
	local words=(peer "${PUBLIC[$other]}"
		allowed-ips "${INNER4[$other]}/32,${INNER6[$other]}/128")
	shift $(($# < 3 ? $# : 3))
	case $outer in
	4) words+=(endpoint "${LAB_ADDR4[$other]}:51820") ;;
	6) words+=(endpoint "[${LAB_ADDR6[$other]}]:51820") ;;
	esac
	wg set "w$host" "${words[@]}" "$@"
}
engine_pair() { # A B [OUTER]
	engine_peer "$1" "$2" "${3:-4}" && engine_peer "$2" "$1" "${3:-4}"
}
engine_pid() { # HOST: its engine's process
	ip netns pids "$LAB-$1" | while read -r pid; do
		[ "$(readlink "/proc/$pid/exe")" = "$(command -v "${2:-wgengine}")" ] &&
			echo "$pid"
	done
}
# pings FROM TO [4|6|both [PING-OPTION...]]: one packet through the tunnel
pings() {
	local from=$1 to=$2 inner=${3:-both}
	shift $(($# < 3 ? $# : 3))
	if [ "$inner" != 6 ]; then
		ns "$from" ping -n -q -c1 -W3 "$@" "${INNER4[$to]}" || return
	fi
	if [ "$inner" != 4 ]; then
		ns "$from" ping -n -q -c1 -W3 "$@" "${INNER6[$to]}" || return
	fi
}
peer_field() { # HOST FIELD OTHER: one value of wg show HOST FIELD
	wg show "w$1" "$2" | awk -v key="${PUBLIC[$3]}" -F'\t' '$1 == key { print $2 }'
}
engine_sanitized() {
	grep -q __asan_init "$(command -v wgengine)"
}
# Ends every engine; fails with what a sanitizer said about any.
engine_reports() {
	local host pid
	for host in "${LAB_HOSTS[@]}"; do
		for pid in $(engine_pid "$host"); do
			stop_pid "$pid"
		done
	done
	! grep -h -A20 -E 'Sanitizer|runtime error' "$WORK"/*.log
}
# scenario FILE: runs a Python scenario (wgpeer.py) against the engine of host a;
# each of its verdicts is one of ours. It learns the lab from the environment.
scenario() {
	local line ended=''
	while IFS= read -r line; do
		case $line in
		'ok '*) pass "${line#ok }" ;;
		'not ok '*) fail "${line#not ok }" ;;
		'done') ended=yes ;;
		*) diag "${line#'# '}" ;;
		esac
	done < <(LAB=$LAB A4=${LAB_ADDR4[a]} A6=${LAB_ADDR6[a]} \
		P4=${LAB_ADDR4[p]} P6=${LAB_ADDR6[p]} PYTHONDONTWRITEBYTECODE=1 \
		python3 "$SRCDIR/tests/e2e/$1" 2>&1)
	check_eq "$1 ran to its end" yes "$ended"
}

listening() { # HOST PORT
	ns "$1" ss -Hltn | grep -q ":$2 "
}
TRANSFER_PORT=5000
# transfer FROM TO 4|6 BYTES: one TCP connection, whole and unharmed
transfer() {
	local from=$1 to=$2 address=${INNER4[$2]} sink
	[ "$3" = 4 ] || address="[${INNER6[$2]}]"
	TRANSFER_PORT=$((TRANSFER_PORT + 1))
	head -c "$4" /dev/urandom >"$WORK/sent"
	spawn "$to" "$WORK/sink.log" socat -u \
		"TCP$3-LISTEN:$TRANSFER_PORT,reuseaddr" "CREATE:$WORK/got"
	sink=$SPAWNED
	wait_for 3 listening "$to" "$TRANSFER_PORT" || return
	ns "$from" timeout 60 socat -u "OPEN:$WORK/sent" "TCP$3:$address:$TRANSFER_PORT" || return
	wait "$sink" || return
	[ "$(sha256sum <"$WORK/sent")" = "$(sha256sum <"$WORK/got")" ]
}
