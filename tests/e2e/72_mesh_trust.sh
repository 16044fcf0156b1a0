#!/usr/bin/env bash
# Nobody has to trust the coordinator: its database is edited by hand, and an
# old backup is put back. No agent installs anything; each says what it refused.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"
need sqlite3 python3

mesh_up && mesh_join a && mesh_join b && mesh_join c
check_eq "a mesh of three" 0 $?
wait_for 5 knows a b && wait_for 5 knows a c
peers() {
	wgt a dump | tail -n +2 | cut -f1,4 | sort
}
before=$(peers)

# forge KIND: edits the database as someone who owns the coordinator's machine
# would, and pushes the change's serial so that every agent is sent it.
forge() {
	meshd_stop
	python3 "$SRCDIR/tests/e2e/forge.py" "$WORK/meshd/mesh.db" "$@" || return
	meshd_start
}
refused() { # PATTERN
	grep -iE 'refus' "$WORK/a.log" | grep -qE "$1"
}
for kind in foreign-key widened-address extra-node swapped-record; do
	: >"$WORK/a.log"
	check "the database is edited: $kind" forge $kind b
	case $kind in
	foreign-key) names='key of .*b|key of' ;;
	widened-address) names='membership of b' ;;
	extra-node) names='intruder' ;;
	swapped-record) names='membership of b: is missing' ;;
	esac
	check "a says that it refused it, and names the record" \
		wait_for 40 refused "$names"
	check_eq "and its peers are what they were" "$before" "$(peers)"
	check "a still reaches b" reaches a b
	check_eq "it said so once" 1 "$(grep -ciE 'refus' "$WORK/a.log")"
done

gone() { # NODE: meshctl says that there is none
	ctl node show "$1" >"$WORK/show" 2>&1
	test $? -eq 3 && grep -q "no node $1" "$WORK/show"
}

# The removed node does not come back with yesterday's database.
meshd_stop
cp -r "$WORK/meshd" "$WORK/yesterday"
meshd_start
ctl node remove c >/dev/null
check "a drops c" wait_for 40 knows_not a c
check "b drops c" wait_for 40 knows_not b c
meshd_stop
rm -rf "$WORK/meshd"
mv "$WORK/yesterday" "$WORK/meshd"
check "meshd runs on the old backup" meshd_start
lab_host d
check "a node joins through it" mesh_join d
check "a hears of it" wait_for 40 knows a d
# d believes yesterday's records until an agent hands c's removal back.
check "d, who never heard of the removal, does not keep c" \
	wait_for 40 knows_not d c
check "nor does the coordinator" wait_for 40 gone c
check "c is not back at a" knows_not a c
check "c is not back at b" knows_not b c
stop_pid "${AGENT[a]}"
mesh_run a
check "nor after a restart of a" knows_not a c
check "d still does not know it" knows_not d c

# No private key ever reached the coordinator.
for node in a b; do
	secret=$(wgt $node private-key | tr -d '=')
	hex=$(wgt $node private-key | base64 -d | od -An -tx1 | tr -d ' \n')
	check_eq "no private key of $node in the coordinator's files" "" \
		"$(grep -raliE "$secret|$hex" "$WORK/meshd" "$WORK/meshd.log")"
done
finish
