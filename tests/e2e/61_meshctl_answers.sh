#!/usr/bin/env bash
# What meshctl makes of a coordinator that refuses, breaks or lies: one line,
# the status of the table in meshctl(1), and nothing that drives a terminal.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need python3

SOCKET=$WORK/fake.sock
fake() { # CASE
	coproc FAKE { exec python3 "$SRCDIR/tests/e2e/fake_coordinator.py" \
		"$SOCKET" "$1"; }
	read -r -t 10 -u "${FAKE[0]}" _
}
unfake() {
	local pid=$FAKE_PID
	kill "$pid"
	wait "$pid" 2>/dev/null
	rm -f "$SOCKET"
}
ctl() {
	meshctl --dir "$WORK/operator" --socket "$SOCKET" "$@"
}
# says CASE STATUS PATTERN: so it is with `node list`, in one line.
says() {
	local said status lines
	fake "$1"
	said=$(ctl node list 2>&1 </dev/null)
	status=$?
	unfake
	lines=$(wc -l <<<"$said")
	if [ "$status" = "$2" ] && [ "$lines" = 1 ] &&
		grep -qE -- "^meshctl: .*$3" <<<"$said"; then
		pass "an answer that is $1: status $2"
	else
		fail "an answer that is $1" "status $status: $said"
	fi
}

says 400 1 'the field is no field'
says 401 1 'who are you'
says 403 1 'not with this token'
says 404 3 'there is no such thing'
says 410 3 'the node is gone'
says 409 4 'the name is taken'
says 412 4 'it changed meanwhile'
says 500 1 'the disk is full'
says html 1 'answered 502'
says redirect 1 'answered 302'
says empty 1 'answer'
says garbage 1 'answer'
says array 1 'answer'
says deep 1 'answer'
says schema 1 'answer'
says large 1 'larger'
says unfinished 5 'reach'
says silent 5 'reach'
says escape 4 ''
says control 4 'a[?]*b'

for case in escape control; do
	fake $case
	said=$(ctl node list 2>&1)
	unfake
	check_eq "what drives a terminal does not reach it ($case)" "" \
		"$(LC_ALL=C tr -d '\12\40-\176' <<<"$said")"
done

check_fails 5 'reach.*No such file' "no socket" ctl node list
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
	"$SOCKET"
check_fails 5 'reach.*refused' "a socket that nobody serves" ctl node list
check "no operator key was made meanwhile" test ! -e "$WORK/operator"
finish
