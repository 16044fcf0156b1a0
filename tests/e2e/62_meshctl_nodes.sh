#!/usr/bin/env bash
# meshctl and nodes: what it shows, what it changes, and what it refuses to sign
# when the coordinator's database was edited by hand.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"
need jq sqlite3 python3

mesh_up
check_eq "a coordinator" 0 $?
for node in a b c; do
	mesh_join "$node" "$(mesh_token --tag rack)"
	check_eq "node $node joins" 0 $?
done
jqs() { # FILTER COMMAND...: what jq makes of its stdout
	local filter=$1
	shift
	"$@" | jq -r "$filter"
}
up_to_date() {
	ctl status --check
}
check "status --check comes to like it" wait_for 5 up_to_date
check_eq "node list names them" "a b c" \
	"$(jqs '[.nodes[].name] | sort | join(" ")' ctl node list --json)"
check_eq "with the addresses that they have" "${ADDR4[b]}" \
	"$(jqs '.nodes[] | select(.name == "b").addresses[]' ctl node list --json | grep -F .)"
check_eq "with the keys that they have" "${KEY[b]}" \
	"$(jqs .node.public_key ctl node show b --json)"
check_eq "with their tags" rack "$(jqs '.node.tags[]' ctl node show b --json)"
id=$(jqs .node.id ctl node show b --json)
check_eq "a node is found by its id" b "$(jqs .node.name ctl node show "$id" --json)"
check "a reaches b" reaches a b
sees() {
	[ "$(jqs '[.node.peers[] | select(.last_handshake != null).name] | index("b") != null' \
		ctl node show a --json)" = true ]
}
check "node show tells whom it shook hands with" wait_for 20 sees
check_eq "a table has a row a node" 4 "$(ctl node list | wc -l)"

# ---- rename ----
check "rename" ctl node rename b beta
check_fails 3 '.' "the old name is gone" ctl node show b
check_eq "the id stays" "$id" "$(jqs .node.id ctl node show beta --json)"
check "rename by id" ctl node rename "$id" b
check_fails 4 'name' "a name that is taken" ctl node rename b a
check "every agent takes the name" wait_for 5 up_to_date
check "and b is still reached" reaches a b

# ---- remove ----
began=$(now_ms)
said=$(ctl node remove c --json)
check_eq "remove succeeds" 0 $?
took=$(($(now_ms) - began))
check_eq "remove tells whom and how long" "c true" \
	"$(jq -r '"\(.name) \(.applied_after_ms >= 0 and .applied_after_ms < '$((took + 1))')"' <<<"$said")"
check "when it returns, a has applied it" knows_not a c
check "and b" knows_not b c
check_fails 3 '.' "c is not there any more" ctl node show c
check_fails 3 '.' "and cannot be removed twice" ctl node remove c
check "its agent ends by itself" wait_for 5 gone "${AGENT[c]}"

# ---- status --check ----
stop_pid "${AGENT[b]}"
offline() {
	! ctl status --check >/dev/null 2>&1
}
check "b is missed when its agent ends" wait_for 90 offline
check_fails 1 'b is not online' "status --check names it" ctl status --check
check_eq "and status still shows both" 2 \
	"$(ctl status --check --json 2>/dev/null | jq '.nodes | length')"
mesh_join d
check_eq "d joins" 0 $?
check "d and a" wait_for 5 knows a d
check "remove of a node that is offline" ctl node remove --no-wait b
check "a drops it" wait_for 5 knows_not a b

# ---- a coordinator that lies ----
tampered() { # KIND NODE
	meshd_stop
	python3 "$SRCDIR/tests/e2e/forge.py" "$WORK/meshd/mesh.db" "$@" &&
		meshd_start
}
records() {
	sqlite3 "$WORK/meshd/mesh.db" 'SELECT hex(payload), hex(signature) FROM record' |
		sort | sha256sum
}
check "somebody widens d's addresses in the database" tampered widened-address d
before=$(records)
check_fails 1 'nothing was signed' "rename signs no such thing" ctl node rename d delta
check_fails 1 'nothing was signed' "nor does remove" ctl node remove d
check "somebody adds a node to the database" tampered extra-node d
before=$(records)
check_fails 3 'no node intruder' "which is no node for anybody" ctl node rename intruder guest
check_eq "the records are what they were" "$before" "$(records)"
finish
