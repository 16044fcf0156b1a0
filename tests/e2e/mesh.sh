# shellcheck shell=bash
# mesh.sh: a coordinator and agents in the lab, for scripts that need a mesh.
# Source lib.sh first. Node X runs in host X on interface m$X.
#
#   mesh_up                 host coord with meshd, `meshctl init`
#   mesh_join NODE          new host, join, run; KEY[], ADDR4[], ADDR6[]
#   mesh_run NODE           starts its agent (again); AGENT[NODE] is its pid
#   ctl ... | agent NODE ... | wgt NODE ...

need_root
need ping ip

declare -A KEY ADDR4 ADDR6 AGENT
MESHD_SOCKET=$WORK/meshd.sock

ctl() {
	ns coord meshctl --dir "$WORK/operator" --socket "$MESHD_SOCKET" "$@"
}
agent() { # NODE COMMAND...
	local node=$1
	shift
	ns "$node" meshagent "$@" --interface "m$node" --state-dir "$WORK/$node"
}
wgt() { # NODE FIELD...: wgtool show of its interface
	local node=$1
	shift
	ns "$node" wgtool show "m$node" "$@"
}

meshd_start() { # [OPTION...]
	ns coord meshd --state-dir "$WORK/meshd" --socket "$MESHD_SOCKET" \
		--listen "${LAB_ADDR4[coord]}:7443" \
		--url "https://${LAB_ADDR4[coord]}:7443" \
		--daemon --pid-file "$WORK/meshd.pid" "$@" 2>>"$WORK/meshd.log"
}
meshd_stop() { # [SIGNAL]
	stop_pid "$(cat "$WORK/meshd.pid")" "${1:-TERM}"
}
mesh_up() {
	lab_host coord && meshd_start && ctl init --name test >/dev/null
}
mesh_token() { # [OPTION...]
	ctl token create "$@"
}
mesh_run() { # NODE [OPTION...]
	local node=$1
	shift
	agent "$node" run --daemon --pid-file "$WORK/$node.pid" "$@" \
		2>>"$WORK/$node.log" || return
	AGENT[$node]=$(cat "$WORK/$node.pid")
	KEY[$node]=$(wgt "$node" public-key)
	ADDR4[$node]=$(mesh_addr "$node" -4)
	ADDR6[$node]=$(mesh_addr "$node" -6)
}
mesh_join() { # NODE [TOKEN]
	local node=$1 token=${2:-}
	[ -n "$token" ] || token=$(mesh_token) || return
	[ -n "${LAB_ADDR4[$node]:-}" ] || lab_host "$node" || return
	agent "$node" join - --name "$node" <<<"$token" >/dev/null || return
	mesh_run "$node"
}
mesh_addr() { # NODE -4|-6
	ip -n "$LAB-$1" -o "$2" addr show dev "m$1" scope global |
		awk '{ sub("/.*", "", $4); print $4 }'
}
reaches() { # FROM TO: both families, one packet each
	ns "$1" ping -n -q -c1 -W2 "${ADDR4[$2]}" >/dev/null &&
		ns "$1" ping -n -q -c1 -W2 "${ADDR6[$2]}" >/dev/null
}
reaches_not() {
	! ns "$1" ping -n -q -c1 -W1 "${ADDR4[$2]}" >/dev/null 2>&1
}
knows() { # NODE PEER: it is installed in the engine
	wgt "$1" peers | grep -qF "${KEY[$2]}"
}
knows_not() {
	! knows "$1" "$2"
}
