#!/usr/bin/env bash
# An agent starts from what is on disk, and says what keeps it from starting.
#
#   coord ---- a ---- b        meshd is killed as soon as both are members
#
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"
need stat

lab_host a
check_fails 3 'no mesh was joined' "run without a join" agent a run
check_fails 3 'no mesh was joined' "nor in the background" agent a run --daemon
check_fails 3 'no agent runs on ma' "status without an agent" agent a status
check_fails 3 'no agent runs on ma' "stop without an agent" agent a stop
check_fails 3 'no mesh was joined' "leave without a join" agent a leave
check_fails 2 'not an interface name' "an interface name that is none" \
	ns a meshagent run --interface 'no/name'
check_fails 2 'not a port.*65536' "a port that is none" agent a run --listen-port 65536
check_fails 2 'not an MTU.*100' "an MTU that is none" agent a run --mtu 100
check_fails 2 '"--name" does not go with "run"' "an option of another command" \
	agent a run --name x

umask 000
mesh_up
mesh_join a
check_eq "a has joined" 0 $?
mesh_join b
check_eq "b has joined" 0 $?
umask 022
check "a reaches b" reaches a b
modes=$(cd "$WORK/a" && stat -c '%a %n' . -- * | sort)
check_eq "whatever the umask, the state is for its owner alone" \
	"600 agent.conf
600 credential
600 identity.key
600 lock
600 netmap.json
600 wg.key
700 ." "$modes"
check_eq "and so is the control socket" 600 "$(stat -c %a /run/meshagent/ma.sock)"
check_eq "no core is dumped" 0 \
	"$(awk '/Max core file size/ { print $5 }' "/proc/${AGENT[a]}/limits")"

# --- with the coordinator dead ---
meshd_stop KILL
port=$(wgt a listen-port)
looks() {
	wgt a peers
	ip -n "$LAB-a" -o addr show ma scope global | awk '{ print $4 }'
}
before=$(looks)
stop_pid "${AGENT[a]}" KILL
check_eq "killed, its interface is gone" "" "$(ip -n "$LAB-a" -br link show ma 2>/dev/null)"
began=$(now_ms)
mesh_run a
check_eq "a starts without a coordinator" 0 $?
diag "ready after $(($(now_ms) - began)) ms"
check_eq "with the peers and addresses it had" "$before" \
	"$(looks)"
check_eq "on the port it had" "$port" "$(wgt a listen-port)"
check_eq "with its MTU" 1420 "$(ns a cat /sys/class/net/ma/mtu)"
check "a reaches b" reaches a b
check "status says since when the coordinator is out of reach" wait_for 5 sh -c \
	"ip netns exec $LAB-a meshagent status -i ma | grep -q 'out of reach since 20.*[Cc]onn'"
check "and in JSON" sh -c \
	"ip netns exec $LAB-a meshagent status -i ma --json | grep -q '\"schema\":\"mesh/v1\".*\"reachable\":false'"
check_fails 1 'another meshagent' "a second agent on the same state" agent a run
check_fails 1 "'ma' already" \
	"a second agent on the same interface" \
	ns a meshagent run --interface ma --state-dir "$(cp -r "$WORK/a" "$WORK/a2" && echo "$WORK/a2")"
check "the first is not harmed by them" reaches a b
check "stop" agent a stop
check "is over when it returns" gone "${AGENT[a]}"
check_eq "the interface is gone" "" "$(ip -n "$LAB-a" -br link show ma 2>/dev/null)"
check_eq "the control socket, too" "" "$(ls /run/meshagent/ma.sock 2>/dev/null)"
check_eq "and the pid file" "" "$(ls "$WORK/a.pid" 2>/dev/null)"

# --- names are asked for beside the loop ---
sed -i 's/^coordinator = .*/coordinator = https:\/\/coordinator.invalid:7443/' "$WORK/a/agent.conf"
echo "nameserver 10.99.0.250" >"$WORK/resolv.conf"
blackhole() { # a name server that never answers: nobody has its address
	ip -n "$LAB-a" neigh replace 10.99.0.250 lladdr 02:00:00:00:00:99 dev eth0 nud permanent
	mount --bind "$WORK/resolv.conf" /etc/resolv.conf
}
check "a name server that does not answer" blackhole
mesh_run a
check_eq "a starts" 0 $?
check "and answers at once while it waits for the name" timeout 1 \
	ip netns exec "$LAB-a" meshagent status -i ma
check "and carries packets" reaches a b
agent a stop
umount /etc/resolv.conf
sed -i "s/^coordinator = .*/coordinator = https:\/\/${LAB_ADDR4[coord]}:7443/" "$WORK/a/agent.conf"
mesh_run a
check_eq "a starts again" 0 $?

# --- another port, in use or asked for ---
agent b stop
mesh_run b --listen-port 5555
check_eq "b takes the port it is given" 5555 "$(wgt b listen-port)"
agent b stop
mesh_run b
check_eq "and keeps it" 5555 "$(wgt b listen-port)"
agent b stop
spawn b "$WORK/squatter" python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 5555)); print("bound", flush=True); sys.stdin.read(); import time; time.sleep(600)'
check "somebody else takes it" wait_for 5 grep -q bound "$WORK/squatter"
check_fails 1 '5555' "asked for by name, that is an error" \
	agent b run --listen-port 5555
mesh_run b
check_eq "otherwise b takes another" 0 $?
check "and says so" grep -q 'port 5555 is in use' "$WORK/b.log"
stop_pid "$SPAWNED"

# --- what keeps it from starting, in one line ---
meshd_start
stop_pid "${AGENT[b]}"
sed -i 's/^coordinator-pin = .*/coordinator-pin = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=/' "$WORK/b/agent.conf"
: >"$WORK/b.log"
mesh_run b
check_eq "with a pin that is not the coordinator's b starts" 0 $?
check "but does not speak to it" wait_for 5 grep -q 'another TLS key' "$WORK/b.log"
check "status says so" sh -c \
	"ip netns exec $LAB-b meshagent status -i mb | grep -q 'another TLS key'"
stop_pid "${AGENT[b]}"
mv "$WORK/b/wg.key" "$WORK/wg.key"
echo nonsense >"$WORK/b/wg.key"
check_fails 1 'wg.key' "a damaged key" agent b run
mv "$WORK/wg.key" "$WORK/b/wg.key"
cp "$WORK/b/netmap.json" "$WORK/netmap.json"
head -c 100 "$WORK/netmap.json" >"$WORK/b/netmap.json"
check_fails 1 'cached netmap' "a damaged cache" agent b run
mv "$WORK/netmap.json" "$WORK/b/netmap.json"
echo 'colour = red' >>"$WORK/b/agent.conf"
check_fails 1 'agent.conf:6.*colour' "a line in agent.conf that is none" agent b run
sed -i '/colour/d' "$WORK/b/agent.conf"
chmod 0777 "$WORK/b"
check_fails 1 'other users' "a state directory that anybody may change" agent b run
chmod 0700 "$WORK/b"
no_tun() {
	# shellcheck disable=SC2016
	ns b unshare --mount sh -c 'mount -t tmpfs tmpfs /dev/net && exec "$@"' - \
		meshagent run --interface mb --state-dir "$WORK/b"
}
check_fails 1 '/dev/net/tun' "no /dev/net/tun" no_tun
as_nobody() {
	ns b setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all --bounding-set=-all meshagent "$@"
}
check_fails 1 '[Pp]ermission' "no permission for the state" \
	as_nobody run --interface mb --state-dir "$WORK/b"
check_fails 1 '[Pp]ermission' "nobody else may ask the agent" \
	as_nobody status --interface mb
check_fails 1 'cannot write|pid file' "a pid file that cannot be" \
	agent b run --daemon --pid-file "$WORK/none/x.pid"
check_eq "none of this left an interface" "" "$(ip -n "$LAB-b" -br link show mb 2>/dev/null)"
mesh_run b
check_eq "and b starts as ever" 0 $?
check "and reaches a" reaches b a

# --- deleted under it ---
: >"$WORK/b.log"
ip -n "$LAB-b" link del mb
check "an agent whose interface is deleted ends" wait_for 5 gone "${AGENT[b]}"
check "and says why" grep -q 'mb was deleted' "$WORK/b.log"

# --- in the foreground, told to end by the terminal ---
spawn b "$WORK/b.front" meshagent run --interface mb --state-dir "$WORK/b"
front=$SPAWNED
check "in the foreground it logs to stderr" wait_for 5 grep -q 'out of reach\|reachable' "$WORK/b.front"
check "SIGINT ends it" stop_pid "$front" INT
check_eq "and takes the interface down" "" "$(ip -n "$LAB-b" -br link show mb 2>/dev/null)"
finish
