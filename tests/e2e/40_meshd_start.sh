#!/usr/bin/env bash
# meshd by itself: how it starts, what it refuses, who may use its socket, how
# it ends, and that it sleeps while nobody asks.
#
#   host coord: meshd on the lab's address, its socket in $WORK
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mesh.sh
. "$SRCDIR/tests/e2e/mesh.sh"
need curl jq openssl sqlite3 setpriv

lab_host coord
URL=https://${LAB_ADDR4[coord]}:7443
try() { # OPTION...: a second meshd beside the first, in the foreground
	ns coord timeout 10 meshd --state-dir "$WORK/other" --socket "$WORK/other.sock" \
		--listen "${LAB_ADDR4[coord]}:7444" --url "$URL" "$@"
}

# ---- words ----
check "--help" meshd --help
check "--version" meshd --version
check_fails 2 '"--frobnicate"' "an unknown option" meshd --frobnicate
check_fails 2 '"now"' "an unknown word" meshd now
check_fails 2 '`7443' "a port alone is no address" try --listen 7443
check_fails 2 '`http://x' "a URL that is not HTTPS" try --url http://x
check_fails 2 '`https://x/v1' "a URL with a path" try --url https://x/v1

# ---- start ----
umask 000
check "it goes to the background and answers at once" meshd_start
answers() { # PATH
	ns coord curl -fsS --max-time 5 --unix-socket "$MESHD_SOCKET" "http://meshd$1"
}
check "healthz" answers /healthz
check "readyz" answers /readyz
check "its pid file names it" kill -0 "$(cat "$WORK/meshd.pid")"
umask 022
mode() {
	stat -c %a "$1"
}
check_eq "the state directory is 0700, whatever the umask" 700 "$(mode "$WORK/meshd")"
check_eq "and every file of it 0600" "600" \
	"$(find "$WORK/meshd" -type f -exec stat -c %a {} + | sort -u)"
if getent group meshd >/dev/null; then
	check_eq "the socket is root's and the group's" 660 "$(mode "$MESHD_SOCKET")"
else
	check_eq "the socket is root's alone" 600 "$(mode "$MESHD_SOCKET")"
fi

# ---- what it refuses: one line, status 1, nothing started ----
check_fails 1 'another meshd' "a second one on the same state" try --state-dir "$WORK/meshd"
check_fails 1 '7443.*in use' "a port in use" try --listen "${LAB_ADDR4[coord]}:7443"
check_fails 1 'meshd.sock' "a socket in use" try --socket "$MESHD_SOCKET"
check "the first one still has it" answers /healthz
check_fails 1 '10.11.12.13' "an address that is not ours" try --listen 10.11.12.13:7443
: >"$WORK/file"
check_fails 1 "$WORK/file" "a state directory that is a file" try --state-dir "$WORK/file"
mkdir -m 0777 "$WORK/open"
check_fails 1 'chmod 0700' "a state directory that others may write" try --state-dir "$WORK/open"
chmod 0711 "$WORK"
as_nobody() {
	try_as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	ns coord "${try_as[@]}" timeout 10 meshd --state-dir /var/lib/meshd-nobody \
		--socket "$WORK/x.sock" --listen "${LAB_ADDR4[coord]}:7445" --url "$URL"
}
check_fails 1 'ermission denied' "no permission" as_nobody
mkdir -m 0700 "$WORK/spoiled"
head -c 8192 /dev/urandom >"$WORK/spoiled/mesh.db"
check_fails 1 'mesh.db.*not a database' "a database that is none" try --state-dir "$WORK/spoiled"
before=$(sha256sum <"$WORK/spoiled/mesh.db")
check_eq "which it leaves as it is" "$before" "$(sha256sum <"$WORK/spoiled/mesh.db")"
cp -r "$WORK/meshd" "$WORK/keyless"
echo garbage >"$WORK/keyless/tls.key"
check_fails 1 'tls.key' "a TLS key that is none" try --state-dir "$WORK/keyless"
check_fails 1 'other/none' "a pid file that cannot be" try --pid-file "$WORK/other/none/pid"
check "no socket was left by any of these" [ ! -e "$WORK/other.sock" -a ! -e "$WORK/x.sock" ]

# ---- who may ----
check "meshctl init" ctl init --name test
check "meshctl token create" ctl token create
view() {
	ns coord curl -sS --max-time 5 --unix-socket "$MESHD_SOCKET" http://meshd/v1/mesh
}
pin=$(view | jq -r .pin)
check_eq "the pin is that of its certificate" "$pin" "$(openssl x509 -in "$WORK/meshd/tls.crt" \
	-pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64)"
tls() { # PIN CURL-OPTION...
	local pinned=$1
	shift
	ns coord curl -sS --max-time 5 --insecure --pinnedpubkey "sha256//$pinned" "$@"
}
check_eq "HTTPS with the pin" 200 "$(tls "$pin" -o /dev/null -w '%{http_code}' "$URL/healthz")"
check_fails 90 'pin|public key' "HTTPS with another pin" \
	tls AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "$URL/healthz"
check_eq "HTTPS without a token" 401 "$(tls "$pin" -o /dev/null -w '%{http_code}' "$URL/v1/nodes")"
check_eq "TLS below 1.3 is not spoken" 000 \
	"$(tls "$pin" --tls-max 1.2 -o /dev/null -w '%{http_code}' "$URL/healthz" 2>/dev/null)"
stranger() {
	ns coord setpriv --reuid=65534 --regid=65534 --clear-groups \
		curl -sS --max-time 5 --unix-socket "$MESHD_SOCKET" -o /dev/null -w '%{http_code}' \
		http://meshd/healthz
}
check_fails 7 'connect' "a stranger cannot open the socket" stranger
chmod 0666 "$MESHD_SOCKET"
check_eq "nor use it, should its mode be lost" 403 "$(stranger)"
chmod 0600 "$MESHD_SOCKET"

# ---- at rest ----
pid=$(cat "$WORK/meshd.pid")
check_eq "it leaves no core file" 0 "$(awk '/Max core file size/ { print $5 }' "/proc/$pid/limits")"
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
if grep -q __asan_init "$(command -v meshd)"; then
	skip "idle, it is at most 16 MB" "built with a sanitizer"
else
	check "idle, it is at most 16 MB (now $rss kB)" [ "$rss" -le 16384 ]
fi
check_eq "it has one thread" 1 "$(awk '/^Threads/ { print $2 }' "/proc/$pid/status")"
wakes() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$pid/status"
}
# The last connections close, then nothing is left to wake for. Watching takes
# time: three seconds of it.
wait_for 15 sh -c "! ls -l /proc/$pid/fd | grep -q 'socket.*TCP'"
first=$(wakes)
read -rt 3 <> <(:) || :
check_eq "idle, nothing wakes it" "$first" "$(wakes)"

# ---- the end ----
check "SIGTERM" meshd_stop
check "takes socket and pid file away" [ ! -e "$MESHD_SOCKET" -a ! -e "$WORK/meshd.pid" ]
check_eq "and leaves one whole database" "ok" \
	"$(sqlite3 "$WORK/meshd/mesh.db" 'PRAGMA integrity_check')"
check "it starts again" meshd_start
before=$(view | jq -c '{mesh, name, pin, node_count}')
check "SIGKILL" meshd_stop KILL
mv "$WORK/meshd/auth.key" "$WORK/auth.key"
check_fails 1 'auth.key is missing.*backup' "without its auth.key it does not start" \
	try --state-dir "$WORK/meshd"
check "nor makes another" [ ! -e "$WORK/meshd/auth.key" ]
mv "$WORK/auth.key" "$WORK/meshd/auth.key"
check "over what that left behind" meshd_start
check_eq "and knows what it knew" "$before" "$(view | jq -c '{mesh, name, pin, node_count}')"
finish
