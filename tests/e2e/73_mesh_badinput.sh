#!/usr/bin/env bash
# Bad input gets one clear line, the right status, and changes nothing.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"
need sqlite3

mesh_up
check_eq "a coordinator" 0 $?
lab_host a
lab_host b
nodes() {
	ctl node list --json
}
join() { # NODE TOKEN [OPTION...]
	local node=$1 token=$2
	shift 2
	agent "$node" join "$token" --name "$node" "$@"
}

meshd_start_loud() {
	meshd_start 2>&1
	local status=$?
	tail -n 1 "$WORK/meshd.log"
	return "$status"
}
token=$(mesh_token)
before=$(nodes)
check_fails 1 'token' "a token that is no token" join a mesh_join_nonsense
check_fails 1 'token' "a token with a slip of the hand" join a "${token%?????}AAAAA"
check_fails 2 'name' "a node name that is none" agent a join "$token" --name 'Not A Name'
check_eq "nothing was changed by these" "$before" "$(nodes)"
check "the token itself still works" join a "$token"
check_fails 1 'used' "a used token" join b "$token"
expired=$(mesh_token --ttl 1s)
check "a token expires" wait_for 5 sh -c "[ \$(date +%s) -gt $(($(date +%s) + 1)) ]"
check_fails 1 'expired' "an expired token" join b "$expired"
revoked=$(mesh_token)
id=$(ctl token list --json | jq -r '.tokens[-1].id')
check "a token is revoked" ctl token revoke "$id"
check_fails 1 'revoked' "a revoked token" join b "$revoked"
taken=$(mesh_token)
check_fails 4 'name' "a name that is taken" agent b join "$taken" --name a

# A token of another mesh, for a node that is a member here already.
other() {
	ns b meshd --state-dir "$WORK/meshd2" --socket "$WORK/meshd2.sock" \
		--listen "${LAB_ADDR4[b]}:7443" --url "https://${LAB_ADDR4[b]}:7443" \
		--daemon --pid-file "$WORK/meshd2.pid" &&
		ns b meshctl --dir "$WORK/operator2" --socket "$WORK/meshd2.sock" init --name other
}
check "another mesh" other
foreign=$(ns b meshctl --dir "$WORK/operator2" --socket "$WORK/meshd2.sock" token create)
check_fails 4 'mesh' "a token of another mesh" join a "$foreign"
check_fails 4 'operator|another' "an operator's key that is not this mesh's" \
	ns coord meshctl --dir "$WORK/operator2" --socket "$MESHD_SOCKET" init

check_fails 5 'reach|connect' "a coordinator that is not there" \
	ns coord meshctl --dir "$WORK/operator" --socket "$WORK/none.sock" status
dead=$(mesh_token)
meshd_stop
check_fails 5 'reach|connect' "a join without a coordinator" join b "$dead"
check_fails 1 '7443' "a port in use" ns b meshd --state-dir "$WORK/meshd3" \
	--socket "$WORK/meshd3.sock" --listen "${LAB_ADDR4[b]}:7443" \
	--url "https://${LAB_ADDR4[b]}:7443"
version=$(sqlite3 "$WORK/meshd/mesh.db" 'PRAGMA user_version')
sqlite3 "$WORK/meshd/mesh.db" 'PRAGMA user_version = 9999'
check_fails 1 '9999.*newer|newer.*9999' "a database newer than the program" meshd_start_loud
sqlite3 "$WORK/meshd/mesh.db" "PRAGMA user_version = $version"
check "and back" meshd_start
check_fails 1 'lock|another|already' "a second meshd on one state directory" \
	ns coord meshd --state-dir "$WORK/meshd" --socket "$WORK/x.sock" \
	--listen "${LAB_ADDR4[coord]}:7444"

no_tun() {
	# shellcheck disable=SC2016
	ns a unshare --mount sh -c 'mount -t tmpfs tmpfs /dev/net && exec "$@"' - \
		meshagent run --interface ma --state-dir "$WORK/a"
}
check_fails 1 '/dev/net/tun' "no /dev/net/tun" no_tun
no_permission() {
	chmod 0711 "$WORK"
	cp -r "$WORK/a" "$WORK/a-nobody"
	chown -R nobody "$WORK/a-nobody"
	ns a setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
		--bounding-set=-all \
		meshagent run --interface ma --state-dir "$WORK/a-nobody"
}
check_fails 1 'permi|privil|CAP_NET_ADMIN|root' "no permission" no_permission
check "the real agent starts" mesh_run a
check_fails 1 'lock|another|already|running' "a second agent on one state directory" \
	agent a run
check_fails 2 'frobnicate' "an unknown command" meshctl frobnicate
check_fails 2 'frobnicate' "an unknown option" meshagent run --frobnicate
check_fails 3 'nobody-here' "an unknown node" ctl node show nobody-here
check_fails 2 'prefix' "a prefix that is none" \
	ns coord meshctl --dir "$WORK/operator3" --socket "$MESHD_SOCKET" init --ipv4 300.1.2.0/16
finish
