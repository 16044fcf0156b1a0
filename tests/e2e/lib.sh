# lib.sh: what every end-to-end script shares: TAP, a lab that cleans up after
# itself, and a private /run so that scripts never see each other's sockets.
#
#   . "${SRCDIR:-.}/tests/e2e/lib.sh"
#   need_root; need ping wg
#   lab_host a; lab_host b
#   check "a reaches b" ns a ping -c1 -W2 "${LAB_ADDR4[b]}"
#   finish
#
# check prints what a failing command said. BUILDDIR tells where the programs
# are (make check-e2e sets it). Nothing here sleeps for a guess: use wait_for.

set -u
SRCDIR=${SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
BUILDDIR=${BUILDDIR:-$PWD}
export PATH="$BUILDDIR:$PATH:/usr/sbin:/sbin"
export NO_COLOR=1 LC_ALL=C.UTF-8

TAP_COUNT=0
TAP_FAILED=0

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
	sed 's/^/# /' <<<"$*"
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
	local what=$1 said
	shift
	if said=$("$@" 2>&1 </dev/null); then
		pass "$what"
	else
		fail "$what" "status $? of: $*"$'\n'"$said"
	fi
}
# check_fails STATUS PATTERN DESCRIPTION COMMAND...: fails with just that status
# and one line (on either stream) that matches the extended regular expression.
check_fails() {
	local want=$1 pattern=$2 what=$3 said status
	shift 3
	said=$("$@" 2>&1 </dev/null)
	status=$?
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

# The lab of this script: $LAB-NAME namespaces, $WORK for files.
# shellcheck source=tests/e2e/lab.sh
. "$SRCDIR/tests/e2e/lab.sh"
if [ "$(id -u)" = 0 ] && [ -z "${LIB_PRIVATE:-}" ]; then
	# A mount namespace with its own /run/*: and again as its first process.
	export LIB_PRIVATE=1
	exec unshare --mount --propagation private -- bash "$0" "$@"
fi
WORK=$(mktemp -d)
LAB=t$$
lib_exit() {
	local status=$?
	trap - EXIT INT TERM
	lab_down
	rm -rf "$WORK"
	exit $status
}
trap lib_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ "$(id -u)" = 0 ]; then
	for dir in netns wireguard meshd meshagent; do
		mkdir -p "/run/$dir" && mount -t tmpfs -o mode=0700 tmpfs "/run/$dir"
	done
	lab_up
fi
