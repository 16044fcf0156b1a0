#!/usr/bin/env bash
# How wgengine starts, refuses to, and ends: one clear line, nothing left.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/engine.sh
. "$SRCDIR/tests/e2e/engine.sh"
need setpriv unshare

engine_host a
engine=$(command -v wgengine)
socket=/var/run/wireguard/wa.sock
there() { [ -e /sys/class/net/wa ] || ns a test -e /sys/class/net/wa; }
not_there() { ! there && [ ! -e "$socket" ]; }

# --- words ---
check "--help" wgengine --help
check "--version" wgengine --version
check_fails 2 'INTERFACE' "no interface" wgengine
check_fails 2 "'?--frob'?|\"--frob\"" "an unknown option is quoted" \
	wgengine --frob wa
for name in 'a/b' 'averyveryverylong' '.' '..' 'a b' ''; do
	check_fails 1 'is no name for an interface' "the name '$name'" \
		ns a wgengine "$name"
done
check_fails 1 "LOG_LEVEL: 'loud'" "an unknown log level is quoted" \
	ns a env LOG_LEVEL=loud wgengine wa
check_fails 1 "WG_TUN_FD: 'x'" "a WG_TUN_FD that is no number" \
	ns a env WG_TUN_FD=x wgengine wa
check_fails 1 'file descriptor 0 is no TUN interface' \
	"a WG_TUN_FD that is no TUN" ns a env WG_TUN_FD=0 wgengine wa
check_fails 1 'file descriptor 99 is no TUN interface' \
	"a WG_TUN_FD that is not open" ns a env WG_TUN_FD=99 wgengine wa
check_fails 1 'file descriptor 0 is no listening socket' \
	"a WG_UAPI_FD that is no socket" ns a env WG_UAPI_FD=0 wgengine wa
check "nothing was left by any of these" not_there

# --- no TUN, no permission ---
# shellcheck disable=SC2016
check_fails 1 'there is no /dev/net/tun: .*modprobe tun' "no /dev/net/tun" \
	ns a unshare --mount sh -c \
	'mount -t tmpfs tmpfs /dev/net && exec "$0" wa' "$engine"
# shellcheck disable=SC2016
check_fails 1 'no driver behind /dev/net/tun' "a /dev/net/tun with no driver" \
	ns a unshare --mount sh -c \
	'mount -t tmpfs tmpfs /dev/net && mknod /dev/net/tun c 240 77 && exec "$0" wa' "$engine"
cp "$engine" "$WORK/wgengine" && chmod 755 "$WORK" "$WORK/wgengine"
check_fails 1 'no permission to open /dev/net/tun: this needs root' \
	"nobody may not open it" ns a setpriv --reuid 65534 --regid 65534 \
	--clear-groups "$WORK/wgengine" wa
# shellcheck disable=SC2016
check_fails 1 "no permission to create the interface 'wa': this needs root" \
	"nobody may not create an interface" ns a unshare --mount sh -c '
	mount -t tmpfs -o mode=755 tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 &&
	exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" wa' "$WORK/wgengine"
check "nothing was left by any of these" not_there

# --- names that are taken ---
ns a ip link add wa type veth peer name wx
check_fails 1 "there is an interface 'wa' already" "another interface of that name" \
	ns a wgengine wa
check "it is still there" ns a ip link show wa
ns a ip link del wa
check "the first starts" ns a wgengine wa
pid=$(engine_pid a)
check_fails 1 "there is an interface 'wa' already" "a second of that name" \
	ns a wgengine wa
lab_host c
check_fails 1 'another process serves' \
	"one elsewhere that would take the socket" ns c wgengine wa
check "which takes nothing" ns c sh -c '! ip link show wa 2>/dev/null'
check "the first still answers" wg show wa

# --- ends ---
ns a ip link del wa
check "the interface is deleted: it ends" wait_for 2 gone "$pid"
check "the socket is gone" not_there
starts() { # a new one in the background; its pid is in $pid
	ns a wgengine wa 2>>"$WORK/a.log" && pid=$(engine_pid a) && [ -n "$pid" ]
}
starts
check "the socket is removed: it ends" rm $socket
check "within a moment" wait_for 2 gone "$pid"
check "the interface is gone" not_there
for signal in TERM INT HUP; do
	starts
	check "signal $signal is sent" kill -$signal "$pid"
	check "it ends" wait_for 2 gone "$pid"
	check "nothing is left" not_there
done
starts
kill -KILL "$pid"
check "killed hard" wait_for 2 gone "$pid"
check "its socket stays behind" test -S $socket
check "the next one takes it over" ns a wgengine wa
pid=$(engine_pid a)
check "and answers" wg show wa
mv $socket $socket.away
check "a socket moved away ends it too" wait_for 2 gone "$pid"
rm -f $socket.away
: >$socket
check_fails 1 'in the way' "a plain file in the socket's place is left alone" \
	ns a wgengine wa
check "and is still there" test -f $socket
rm -f $socket

# --- foreground, descriptors handed over ---
spawn a "$WORK/fg.log" env LOG_LEVEL=verbose wgengine -f wa
pid=$SPAWNED
check "in the foreground" wait_for 2 grep -q 'wa is ready' "$WORK/fg.log"
check "it is the process that was started" test "$(engine_pid a)" = "$pid"
wg set wa private-key <(wg genkey) || :
printf 'set=1\nprivate_key=zz\n\n' | socat -t2 - UNIX:$socket >/dev/null
check "verbose tells what was refused" \
	wait_for 2 grep -q 'private_key' "$WORK/fg.log"
check "and no key" eval "! grep -q zz '$WORK/fg.log'"
stop_pid "$pid"
check "and says why it ends" grep -q 'signal 15' "$WORK/fg.log"
spawn a "$WORK/fg2.log" env LOG_LEVEL=silent WG_PROCESS_FOREGROUND=1 wgengine wa
pid=$SPAWNED
check "WG_PROCESS_FOREGROUND=1" wait_for 2 wg show wa
stop_pid "$pid"
check_eq "silent says nothing" "" "$(cat "$WORK/fg2.log")"

# Opened by root, used by nobody: TUN and socket come as descriptors.
if command -v python3 >/dev/null; then
	cat >"$WORK/handover.py" <<-'END'
		import fcntl, os, socket, struct, sys
		tun = os.open("/dev/net/tun", os.O_RDWR)
		flags = int(sys.argv[3], 16)
		fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH14s", b"wa", flags, b""))
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen()
		for fd in (tun, s.fileno()):
		    os.set_inheritable(fd, True)
		os.environ.update(WG_TUN_FD=str(tun), WG_UAPI_FD=str(s.fileno()))
		os.setgroups([])
		os.setresgid(65534, 65534, 65534)
		os.setresuid(65534, 65534, 65534)
		os.execv(sys.argv[2], [sys.argv[2], "-f", "ignored"])
	END
	spawn a "$WORK/handed.log" python3 "$WORK/handover.py" $socket \
		"$WORK/wgengine" 1001
	pid=$SPAWNED
	check "without any privilege, on descriptors of root" \
		wait_for 3 wg show wa
	check_eq "it runs as nobody" 65534 "$(stat -c %u "/proc/$pid")"
	check_eq "but nobody may look into it" 0 "$(stat -c %u "/proc/$pid/environ")"
	check "it can be configured" wg set wa private-key <(wg genkey) listen-port 51820
	stop_pid "$pid"
	rm -f $socket
	check_fails 1 'IFF_TUN and IFF_NO_PI' "a TAP is refused" ns a python3 \
		"$WORK/handover.py" $socket "$WORK/wgengine" 1002
else
	skip "descriptors handed over" "no python3"
fi
check "the sanitizers found nothing" engine_reports
finish
