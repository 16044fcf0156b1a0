# shellcheck shell=bash
# lab.sh: a small network on one machine, for tests and for quickstart.
#
#            $LAB-sw  (a bridge)
#      ______/   |    \______
#     eth0     eth0       eth0
#   $LAB-a   $LAB-b  ... $LAB-z      one network namespace a host
#
# Every host has eth0 with 10.99.0.N/24 and fd99::N/64. Traffic never leaves the
# namespaces. Source it, set LAB, call lab_up, and lab_down at the end.

LAB_NEXT=1
LAB_HOSTS=()
LAB_PIDS=()

# Only what was made here is ever taken away. LAB_RECORD, if set, names a file
# that tells a later process what that is.
lab_netns() {
	ip netns add "$LAB-$1" || return
	LAB_HOSTS+=("$1")
	[ -z "${LAB_RECORD:-}" ] || echo "$1" >>"$LAB_RECORD"
}

lab_up() {
	lab_netns sw &&
		ip -n "$LAB-sw" link set lo up &&
		ip -n "$LAB-sw" link add br0 type bridge &&
		ip -n "$LAB-sw" link set br0 up
}

# lab_host NAME: a namespace with an address on the bridge; LAB_ADDR4/6[NAME].
declare -gA LAB_ADDR4 LAB_ADDR6
lab_host() {
	local name=$1 n=$LAB_NEXT
	LAB_NEXT=$((n + 1))
	LAB_ADDR4[$name]=10.99.0.$n
	LAB_ADDR6[$name]=fd99::$(printf %x "$n")
	lab_netns "$name" || return
	ns "$name" sysctl -qw net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.all.accept_dad=0
	ip -n "$LAB-$name" link set lo up
	ip -n "$LAB-sw" link add "v$n" type veth peer name eth0 \
		netns "$LAB-$name" || return
	ip -n "$LAB-sw" link set "v$n" master br0 up
	ip -n "$LAB-$name" addr add "${LAB_ADDR4[$name]}/24" dev eth0
	ip -n "$LAB-$name" addr add "${LAB_ADDR6[$name]}/64" dev eth0 nodad
	ip -n "$LAB-$name" link set eth0 up
}

# ns HOST COMMAND...: runs inside a host.
ns() {
	local name=$1
	shift
	ip netns exec "$LAB-$name" "$@"
}

# spawn HOST LOGFILE COMMAND...: runs in the background; its pid is SPAWNED.
spawn() {
	local name=$1 log=$2
	shift 2
	ip netns exec "$LAB-$name" "$@" >>"$log" 2>&1 </dev/null &
	SPAWNED=$!
	LAB_PIDS+=("$SPAWNED")
}

# alive PID: it runs. A zombie that nobody has collected yet does not, unless
# other threads of it are still on their way out.
alive() {
	local line threads
	while read -r line; do
		[[ $line != State:*Z* ]] || {
			threads=("/proc/$1/task/"*)
			[ ${#threads[@]} -gt 1 ]
			return
		}
	done 2>/dev/null <"/proc/$1/status" && [ -d "/proc/$1" ]
}

gone() { # PID
	! alive "$1"
}

# stop_pid PID [SIGNAL]: ends one process of ours and waits until it is gone,
# whether it is our child or a daemon that detached.
stop_pid() {
	local pid=$1 tries=0
	kill "-${2:-TERM}" "$pid" 2>/dev/null || return 0
	wait "$pid" 2>/dev/null
	while alive "$pid"; do
		tries=$((tries + 1))
		[ $tries -eq 250 ] && kill -KILL "$pid" 2>/dev/null
		[ $tries -ge 500 ] && return 1
		read -rt 0.02 <> <(:) || :
	done
}

# Ends every process in the hosts and takes the network away. Safe to repeat.
lab_down() {
	local name pid
	for pid in "${LAB_PIDS[@]}"; do
		kill -TERM "$pid" 2>/dev/null
	done
	for name in "${LAB_HOSTS[@]}"; do
		for pid in $(ip netns pids "$LAB-$name" 2>/dev/null); do
			stop_pid "$pid"
		done
		ip netns del "$LAB-$name" 2>/dev/null
	done
	for pid in "${LAB_PIDS[@]}"; do
		wait "$pid" 2>/dev/null
	done
	LAB_HOSTS=() LAB_PIDS=() LAB_ADDR4=() LAB_ADDR6=() LAB_NEXT=1
	return 0
}

# Milliseconds now.
now_ms() {
	date +%s%3N
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; fails when time is up.
# Looks every 20 ms: for facts that nobody can tell us of.
wait_for() {
	local end=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		read -rt 0.02 <> <(:) || :
	done
}
