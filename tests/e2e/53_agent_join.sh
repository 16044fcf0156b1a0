#!/usr/bin/env bash
# A join is cut short at every moment at which something has just been made
# durable; the same command takes it up, and the mesh has one node more, not two.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"
need sqlite3 strace

mesh_up
check_eq "a coordinator" 0 $?
lab_host a
cut_short() { # NUMBER: killed at the fsync of that number
	ns a strace -f -qq -o /dev/null -e trace=fsync \
		-e inject=fsync:signal=KILL:when="$1" \
		meshagent join - --name "n$1" -i ma --state-dir "$WORK/n$1" <<<"$token"
}
again() {
	ns a meshagent join - --name "n$1" -i ma --state-dir "$WORK/n$1" <<<"$token"
}
for moment in $(seq 1 20); do
	token=$(mesh_token)
	! cut_short "$moment" >/dev/null 2>&1 || break
	identity=
	[ ! -e "$WORK/n$moment/agent.conf" ] || identity=$(cat "$WORK/n$moment/identity.key")
	again "$moment" >"$WORK/said" 2>&1
	check_eq "taken up after fsync $moment" "0 n$moment" "$? $(cut -d' ' -f1 "$WORK/said")"
	[ -z "$identity" ] ||
		check_eq "as the same node" "$identity" "$(cat "$WORK/n$moment/identity.key")"
	check "one of that name" sh -c \
		"[ \$(ip netns exec $LAB-coord meshctl --dir $WORK/operator --socket $MESHD_SOCKET node list | grep -c '^n$moment ') = 1 ]"
done
diag "$((moment - 1)) moments"
[ "$moment" -gt 5 ]
check_eq "there were some" 0 $?

# The token was good for one: nobody else comes in with it.
check_fails 1 'used' "the last token is used up" \
	ns a meshagent join "$token" --name other --state-dir "$WORK/other"
check_eq "and nothing is left of the try" "" "$(ls -A "$WORK/other" 2>/dev/null)"

# Killed between the coordinator's yes and our saving it: see the last moments.
# Here: the coordinator dies between the two calls' retries.
token=$(mesh_token)
meshd_stop
check_fails 5 'cannot reach' "no coordinator" \
	ns a meshagent join "$token" --name late --state-dir "$WORK/late"
meshd_start
check "the same command later" ns a meshagent join "$token" --name late --state-dir "$WORK/late"
late=$(sha256sum "$WORK"/late/*)
check "and once more" ns a meshagent join "$token" --state-dir "$WORK/late"
check_eq "changes nothing" "$late" "$(sha256sum "$WORK"/late/*)"
check_fails 4 'already' "but not under another name" \
	ns a meshagent join "$token" --name later --state-dir "$WORK/late"

# A token on the command line is there for nobody but the program.
token=$(mesh_token)
kill -STOP "$(cat "$WORK/meshd.pid")"
ip netns exec "$LAB-a" meshagent join "$token" --name shown --state-dir "$WORK/shown" \
	>/dev/null &
joiner=$!
wait_for 10 test -e "$WORK/shown/agent.conf"
words=$(tr -s '\0' ' ' <"/proc/$joiner/cmdline")
kill -CONT "$(cat "$WORK/meshd.pid")"
check_eq "an agent that joins shows its token to nobody" \
	"meshagent join --name shown --state-dir $WORK/shown " "$words"
wait "$joiner"
check_eq "and joins" 0 $?
check_fails 1 'token is empty' "an empty token" ns a meshagent join '' --state-dir "$WORK/none"

# A coordinator that fails, as opposed to refusing, may know the identity.
token=$(mesh_token)
exec 7> >(exec sqlite3 "$WORK/meshd/mesh.db")
echo 'BEGIN IMMEDIATE;' >&7
locked() {
	! sqlite3 "$WORK/meshd/mesh.db" 'BEGIN IMMEDIATE; ROLLBACK;'
}
wait_for 10 locked
check_fails 1 . "a coordinator that cannot write" \
	ns a meshagent join "$token" --name failed --state-dir "$WORK/failed"
exec 7>&-
identity=$(cat "$WORK/failed/identity.key")
check "the identity is kept" [ -n "$identity" ]
wait_for 10 eval '! locked'
check "the same command later" \
	ns a meshagent join "$token" --name failed --state-dir "$WORK/failed"
check_eq "is the same node" "$identity" "$(cat "$WORK/failed/identity.key")"

# The name of the host is the default.
token=$(mesh_token)
named() {
	ns a unshare --uts sh -c 'hostname Some-Host.example.org && exec "$@"' - \
		meshagent join "$token" --state-dir "$WORK/host"
}
check_eq "without --name the host's name, as far as it goes" "some-host" \
	"$(named | cut -d' ' -f1)"
check_fails 1 'standard input' "no token on standard input" \
	ns a meshagent join - --state-dir "$WORK/none"
finish
