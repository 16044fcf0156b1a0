#!/usr/bin/env bash
# ./quickstart as a stranger runs it: it shows what README promises and leaves
# nothing behind, also when it is interrupted; --keep keeps, stop ends.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need_root
need dpkg-query
export QUICKSTART_BUILD=$BUILDDIR

nothing_left() {
	local left
	left=$(ip netns list | grep '^mesh-'; find /run/wgmesh-quickstart /run/wireguard \
		/run/meshagent -type s 2>/dev/null; pgrep -f "$BUILDDIR/mesh(d|agent) .*quickstart")
	[ -z "$left" ] || {
		echo "left behind: $left"
		return 1
	}
}
said=$WORK/said
"$SRCDIR/quickstart" >"$said" 2>&1 </dev/null
check_eq "quickstart succeeds" 0 $?
[ "$TAP_FAILED" -eq 0 ] || diag "$(cat "$said")"
check_eq "twelve pings of three nodes were answered" 12 \
	"$(grep -cE '^ +[abc] -> [abc] .* ms$' "$said")"
for word in ENDPOINT 'LAST HANDSHAKE' 'ROUND TRIP' 'interface: mesh-a' \
	'latest handshake' 'every peer had applied it'; do
	check "it shows: $word" grep -q "$word" "$said"
done
check "nothing is left behind" nothing_left

check "a second run works at once, and --keep keeps" "$SRCDIR/quickstart" --keep
check_fails 0 "Ending the mesh" "a run over a kept mesh ends that first" \
	"$SRCDIR/quickstart" --keep
check "a kept node can be entered and reaches another" \
	ip netns exec mesh-b sh -c "ping -c1 -W2 \$(ip netns exec mesh-c ip -o -4 addr show dev mesh-c | awk '{sub(\"/.*\",\"\",\$4); print \$4}')"
check "stop ends it" "$SRCDIR/quickstart" stop
check "nothing is left behind by it" nothing_left

# Ctrl-C in the middle: as soon as the first agent has its interface.
# (A job in the background would ignore it.)
env --default-signal=INT setsid "$SRCDIR/quickstart" >"$WORK/interrupted" 2>&1 </dev/null &
run=$!
up() { ip -n mesh-a link show mesh-a; }
check "a run is under way" wait_for 60 up
kill -INT -- "-$run"
wait "$run"
check_eq "it ends as interrupted" 130 $?
check "nothing is left behind by that" nothing_left

# Ctrl-C again while it cleans up.
env --default-signal=INT setsid "$SRCDIR/quickstart" >"$WORK/twice" 2>&1 </dev/null &
run=$!
check "another run is under way" wait_for 60 up
check_fails 1 "another quickstart" "it is not ended by stop" "$SRCDIR/quickstart" stop
kill -INT -- "-$run"
kill -INT -- "-$run" 2>/dev/null
wait "$run"
check "nothing is left behind by two of them" nothing_left

# Killed: nobody could clean up, so the next run does.
"$SRCDIR/quickstart" >"$WORK/killed" 2>&1 </dev/null &
run=$!
check "a third run is under way" wait_for 60 up
kill -KILL "$run"
wait "$run" 2>/dev/null
check_fails 0 "Ending the mesh that an earlier run left" \
	"a run over what a killed one left" "$SRCDIR/quickstart"
check "nothing is left behind by either" nothing_left

# Somebody else's namespace of that name is left alone, and what runs in it.
ip netns add mesh-a
ip netns exec mesh-a sleep 60 &
other=$!
check_fails 1 "mesh-a" "a namespace that is not its own" "$SRCDIR/quickstart"
check "is left alone" kill -0 "$other"
stop_pid "$other"
ip netns del mesh-a
check "nothing else is left behind" nothing_left

check_fails 2 "frobnicate" "an unknown word" "$SRCDIR/quickstart" frobnicate
check_fails 1 "root" "no root" setpriv --reuid=65534 --regid=65534 --clear-groups \
	bash "$SRCDIR/quickstart"
finish
