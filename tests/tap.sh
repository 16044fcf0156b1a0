# shellcheck shell=bash
# tap.sh: the Test Anything Protocol for shell scripts.
#
#   check       DESCRIPTION COMMAND...              it succeeds
#   check_fails STATUS PATTERN DESCRIPTION COMMAND  it fails so, and says so
#   check_eq    DESCRIPTION WANT GOT
#   finish                                          prints the plan and exits

set -u
SRCDIR=${SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
BUILDDIR=${BUILDDIR:-$PWD}
export PATH="$BUILDDIR/bin:$PATH:/usr/sbin:/sbin"
export NO_COLOR=1 LC_ALL=C.UTF-8
# A make that a test runs is its own: what ours was told (TESTS=...) is not for it.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

TAP_COUNT=0
TAP_FAILED=0
# What a command says goes to a nameless file, not through $(...): commands run
# in this very shell and may set its variables.
TAP_SAID=$(mktemp)
exec {TAP_FD}<>"$TAP_SAID"
rm "$TAP_SAID"
TAP_SAID=/proc/$$/fd/$TAP_FD

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}
need_root() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}
need() {
	local cmd
	for cmd; do
		command -v "$cmd" >/dev/null || skip_all "needs $cmd"
	done
}
diag() {
	printf '# %s\n' "${*//$'\n'/$'\n'# }"
}
pass() {
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1"
}
fail() { # DESCRIPTION [WHAT IT SAID]
	TAP_COUNT=$((TAP_COUNT + 1))
	TAP_FAILED=$((TAP_FAILED + 1))
	echo "not ok $TAP_COUNT - $1"
	[ -z "${2:-}" ] || diag "$2"
}
skip() { # DESCRIPTION REASON
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1 # SKIP $2"
}
# check DESCRIPTION COMMAND...: the command succeeds.
check() {
	local what=$1 status
	shift
	"$@" >"$TAP_SAID" 2>&1 </dev/null
	status=$?
	if [ $status -eq 0 ]; then
		pass "$what"
	else
		fail "$what" "status $status of: $*"$'\n'"$(cat "$TAP_SAID")"
	fi
}
# check_fails STATUS PATTERN DESCRIPTION COMMAND...: fails with just that status
# and one line (on either stream) that matches the extended regular expression.
check_fails() {
	local want=$1 pattern=$2 what=$3 said status
	shift 3
	"$@" >"$TAP_SAID" 2>&1 </dev/null
	status=$?
	said=$(cat "$TAP_SAID")
	if [ "$status" -eq "$want" ] && grep -qE -- "$pattern" <<<"$said"; then
		pass "$what"
	else
		fail "$what" "wanted status $want and /$pattern/, got $status:"$'\n'"$said"
	fi
}
# check_eq DESCRIPTION WANT GOT
check_eq() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "wanted: $2"$'\n'"got:    $3"
	fi
}
finish() {
	echo "1..$TAP_COUNT"
	[ "$TAP_FAILED" -eq 0 ]
	exit
}
