#!/usr/bin/env bash
# The ways out: leave with and without a running agent, with and without a
# coordinator; and the way back in.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"

mesh_up
mesh_join a && mesh_join b && mesh_join c
check_eq "a mesh of three" 0 $?
check "c knows b" wait_for 5 knows c b
check "c knows a" wait_for 5 knows c a

# --- unreachable: nothing changes ---
files() {
	(cd "$1" && sha256sum identity.key wg.key credential agent.conf)
}
before=$(files "$WORK/a")
meshd_stop
check_fails 5 'cannot reach' "leave without a coordinator" agent a leave
check_eq "and the keys are what they were" "$before" "$(files "$WORK/a")"
check "and the agent runs" agent a status
check "and reaches b" reaches a b

# --- --force: the local part ---
check "leave --force" agent a leave --force
check "the agent is gone" gone "${AGENT[a]}"
check_eq "so is everything it kept" "" "$(ls -A "$WORK/a" 2>/dev/null)"
check "b was not told" knows b a
meshd_start
check "until an operator removes it" ctl node remove a
check "then it is dropped" wait_for 5 knows_not b a

# --- with an agent that runs ---
check "b leaves" agent b leave
check "its agent is gone" gone "${AGENT[b]}"
check_eq "so is everything it kept" "" "$(ls -A "$WORK/b" 2>/dev/null)"
check "c drops it" wait_for 5 knows_not c b
check_fails 3 'no mesh was joined' "leave once more" agent b leave

# --- back in, as a new node of the old name ---
old=${KEY[b]}
mesh_join b
check_eq "b joins again" 0 $?
[ "$old" != "${KEY[b]}" ]
check_eq "with a new key" 0 $?
check "c knows it" wait_for 5 knows c b
check "c reaches it" reaches c b

# --- without an agent that runs ---
stop_pid "${AGENT[b]}"
check "b leaves without its agent" agent b leave
check "c drops it" wait_for 5 knows_not c b

# --- removed first: leave clears what is left ---
check "c is removed" ctl node remove c
check "its agent ends" wait_for 5 gone "${AGENT[c]}"
check_fails 1 'removed.*leave' "it does not start again, and says what to do" agent c run
check_fails 4 'already' "nor join while the old state is there" \
	agent c join "$(mesh_token)" --name c
check "leave clears it" agent c leave
mesh_join c
check_eq "and then it joins" 0 $?
finish
