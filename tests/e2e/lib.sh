# shellcheck shell=bash
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

# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}/tests/tap.sh"

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
