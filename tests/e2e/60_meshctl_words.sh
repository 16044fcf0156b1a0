#!/usr/bin/env bash
# meshctl against a real coordinator: mesh, tokens, API over TLS, exit statuses,
# --json, and bad input that changes nothing.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need_root
need jq curl openssl

lab_host coord
SOCKET=$WORK/meshd.sock
URL=https://${LAB_ADDR4[coord]}:7443
start() {
	ns coord meshd --state-dir "$WORK/meshd" --socket "$SOCKET" \
		--listen "${LAB_ADDR4[coord]}:7443" --url "$URL" \
		--daemon --pid-file "$WORK/meshd.pid" 2>>"$WORK/meshd.log"
}
ctl() {
	ns coord meshctl --dir "$WORK/operator" --socket "$SOCKET" "$@"
}
as() { # DIR WORDS...: another operator's directory
	local dir=$1
	shift
	ns coord meshctl --dir "$WORK/$dir" --socket "$SOCKET" "$@"
}
# one_line STATUS PATTERN WHAT COMMAND...: fails so, and says it in one line.
one_line() {
	local want=$1 pattern=$2 what=$3 said status
	shift 3
	said=$("$@" 2>&1 >/dev/null </dev/null)
	status=$?
	if [ "$status" = "$want" ] && [ "$(wc -l <<<"$said")" = 1 ] &&
		grep -qE -- "^meshctl: .*($pattern)" <<<"$said"; then
		pass "$what"
	else
		fail "$what" "wanted $want /$pattern/, got $status: $said"
	fi
}
# json WHAT FILTER COMMAND...: its stdout is one JSON object of our schema, of
# which the filter is true.
json() {
	local what=$1 filter=$2 said
	shift 2
	said=$("$@" 2>/dev/null) || {
		fail "$what" "status $?"
		return
	}
	if jq -es "length == 1 and .[0].schema == \"mesh/v1\" and (.[0] | $filter)" \
		<<<"$said" >/dev/null; then
		pass "$what"
	else
		fail "$what" "$said"
	fi
}
state() { # all that the coordinator tells
	ctl status --json
	ctl token list --json
}

# ---- before there is a mesh ----
check "meshd starts" start
one_line 3 'init' "no mesh yet" ctl status
one_line 3 'init' "nor nodes" ctl node list
one_line 3 'init' "nor nodes as JSON" ctl node list --json
one_line 1 'operator key.*init' "no operator key yet" ctl token create
for bad in nonsense 10.7.0.0 10.7.0.0/33 10.7.0.1/16 8.8.8.0/24 fd00::/48 10.7.0.0/31 ''; do
	one_line 2 "prefix|bits|private|small" "a bad --ipv4: '$bad'" \
		ctl init --ipv4 "$bad"
done
one_line 2 'private' "an --ipv6 that is not ours to take" ctl init --ipv6 2001:db8::/48
one_line 2 'Not A Name' "a bad --name" ctl init --name 'Not A Name'
check "nothing was made by these" test ! -e "$WORK/operator"
one_line 3 'init' "and there is no mesh still" ctl status

# ---- init ----
check "init makes a mesh" ctl init --name home --ipv4 10.77.0.0/16
check_eq "the operator key is private" 600 "$(stat -c %a "$WORK/operator/operator.key")"
check_eq "and so is its directory" 700 "$(stat -c %a "$WORK/operator")"
before=$(sha256sum "$WORK/operator/operator.key"; state)
check "init again succeeds" ctl init
check_eq "init again says so" 1 "$(ctl init 2>&1 >/dev/null | grep -c 'nothing was changed')"
json "init again shows what is there" \
	'.created == false and .mesh.name == "home" and (.mesh.prefixes | length == 2 and .[0] == "10.77.0.0/16" and (.[1] | startswith("fd")))' \
	ctl init --json
check "init again with the same wishes" ctl init --name home --ipv4 10.77.0.0/16
one_line 4 'does not change' "init with another name" ctl init --name other
one_line 4 'does not change' "init with another prefix" ctl init --ipv4 10.78.0.0/16
one_line 4 'another operator' "init by an operator without the key" as stranger init
check "who gets no key by that" test ! -e "$WORK/stranger"
cp -r "$WORK/operator" "$WORK/thief"
head -c 32 /dev/urandom | base64 >"$WORK/thief/operator.key"
one_line 4 'another operator' "init by another operator" as thief init
one_line 4 'another operator' "a token by another operator" as thief token create
check_eq "nothing changed meanwhile" "$before" \
	"$(sha256sum "$WORK/operator/operator.key"; state)"

# ---- the key ----
chmod 640 "$WORK/thief/operator.key"
one_line 1 "chmod 600 $WORK/thief/operator.key" "a key that others may read" as thief init
printf 'nonsense\n' >"$WORK/thief/operator.key"
chmod 600 "$WORK/thief/operator.key"
one_line 1 'holds no operator key' "a key that is none" as thief token create
rm "$WORK/thief/operator.key"
mkfifo "$WORK/thief/operator.key"
one_line 1 'not a regular file' "a key that is no file" as thief token create
chmod -R 0711 "$WORK" && chmod 600 "$WORK/operator/operator.key"
nobody() {
	ns coord setpriv --reuid=65534 --regid=65534 --clear-groups \
		meshctl --dir "$WORK/operator" --socket "$SOCKET" "$@"
}
one_line 5 'no permission' "somebody who may not use the socket" nobody status

# ---- tokens ----
token=$(ctl token create)
check_eq "a token comes alone on stdout" 1 "$(wc -l <<<"$token")"
check_eq "and is a join token" mesh_join_ "${token:0:10}"
json "it is in the list" \
	'.tokens | length == 1 and (.[0] | .kind == "join" and .state == "good" and .uses == 0 and .uses_max == 1 and .tags == [])' \
	ctl token list --json
check "a token with everything" ctl token create --uses 0 --ttl 10m --tag db \
	--tag web --note 'for the rack' --join-url https://example.org:7443
json "its facts are in the list" \
	'.tokens | length == 2 and (map(select(.note == "for the rack"))[0] | .uses_max == 0 and (.tags | sort) == ["db", "web"])' \
	ctl token list --json
id=$(ctl token list --json | jq -r '.tokens[] | select(.note == "for the rack").id')
json "token create tells its id" '(.token | startswith("mesh_join_")) and (.id | length == 16) and .expires' \
	ctl token create --json
check "token revoke" ctl token revoke "$id"
json "a revoked token says so" ".tokens | map(select(.id == \"$id\"))[0].state == \"revoked\"" \
	ctl token list --json
one_line 3 '.' "a token that nobody knows" ctl token revoke 0123456789abcdef
one_line 2 'xyz' "an id that is none" ctl token revoke xyz

before=$(state)
for bad in 0 -1 1.5h 10x nonsense 99999d ''; do
	one_line 2 '--ttl' "a bad --ttl: '$bad'" ctl token create --ttl "$bad"
done
for bad in -1 1.5 nonsense 4294967296 ''; do
	one_line 2 '--uses' "a bad --uses: '$bad'" ctl token create --uses "$bad"
done
one_line 2 'Big' "a bad --tag" ctl token create --tag Big
one_line 2 'twice' "a tag twice" ctl token create --tag a --tag a
one_line 2 'https' "a bad --join-url" ctl token create --join-url http://x
one_line 2 'control' "a note that moves the cursor" ctl token create --note $'a\033[2J'
one_line 2 '--api' "--scope without --api" ctl token create --scope nodes:read
one_line 2 '--scope' "--api without --scope" ctl token create --api
one_line 2 '--uses' "--api with --uses" ctl token create --api --scope admin --uses 2
one_line 2 'scope' "an empty scope" ctl token create --api --scope nodes:read,
one_line 2 '"nodes:fly"' "a scope that there is not" ctl token create --api --scope nodes:fly
check_eq "none of these changed anything" "$before" "$(state)"

# ---- nodes, with none there ----
one_line 3 'nobody-here' "a node that is not there" ctl node show nobody-here
one_line 3 '.' "an id that is not there" ctl node show 00112233445566778899aabbccddeeff
one_line 3 '.' "removing nobody" ctl node remove nobody-here
one_line 3 '.' "renaming nobody" ctl node rename nobody-here somebody
one_line 2 'Some Body' "a new name that is none" ctl node rename nobody-here 'Some Body'
one_line 2 '../mesh' "a node that is a path" ctl node show ../mesh
json "node list" '.nodes == [] and .serial > 0' ctl node list --json
json "status" '.nodes == [] and .online_count == 0 and .mesh.node_count == 0 and (.mesh.pin | startswith("sha256//"))' \
	ctl status --json
check "an empty mesh is as it should be" ctl status --check
check_fails 2 'frobnicate' "an unknown command" ctl frobnicate
check_fails 2 'token frob' "an unknown second word" ctl token frob
check "--help" sh -c 'meshctl node remove --help | grep -q -- --no-wait'
check_eq "--version" "meshctl $(sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' "$BUILDDIR/config.h")" \
	"$(meshctl --version)"

# ---- from elsewhere, by TLS, pin and API token ----
pin=$(ctl status --json | jq -r .mesh.pin)
check_eq "the pin is that of the TLS key" "$pin" "sha256//$(ns coord openssl s_client \
	-connect "${LAB_ADDR4[coord]}:7443" </dev/null 2>/dev/null |
	openssl x509 -noout -pubkey | openssl pkey -pubin -outform der |
	openssl dgst -sha256 -binary | base64)"
ctl token create --api --scope nodes:read >"$WORK/read.token"
ctl token create --api --scope admin --note elsewhere >"$WORK/admin.token"
remote() { # TOKEN-FILE WORDS...
	local file=$1
	shift
	ns coord env MESHCTL_URL="$URL" MESHCTL_PIN="$pin" \
		MESHCTL_TOKEN_FILE="$WORK/$file" meshctl --dir "$WORK/operator" "$@"
}
json "status from elsewhere" '.mesh.name == "home"' remote read.token status --json
one_line 1 '.' "a token that may only read makes none" remote read.token token create
check "a token that may" remote admin.token token create
one_line 5 'another TLS key' "another pin" \
	ns coord meshctl --dir "$WORK/operator" --url "$URL" --token-file \
	"$WORK/read.token" --pin "sha256//$(head -c 32 /dev/urandom | base64)" status
one_line 5 'vouches.*--pin' "no pin, and no authority that vouches" \
	ns coord meshctl --dir "$WORK/operator" --url "$URL" --token-file \
	"$WORK/read.token" status
one_line 2 'https' "plain http" ns coord meshctl --url "http://${LAB_ADDR4[coord]}:7443" \
	--token-file "$WORK/read.token" --pin "$pin" status
printf 'mesh_api_%016d_%043d\n' 0 0 >"$WORK/forged.token"
one_line 1 '.' "a token that nobody gave" remote forged.token status
api=$(ctl token list --json | jq -r '.tokens[] | select(.note == "elsewhere").id')
check "an API token is revoked" ctl token revoke "$api"
one_line 1 '.' "and does nothing any more" remote admin.token token list

# ---- secrets stay where they belong ----
stop_pid "$(cat "$WORK/meshd.pid")"
seed=$(cat "$WORK/operator/operator.key")
nowhere() { # TEXT PATH...
	! grep -rqF -- "$@"
}
check "the operator's seed never reached the coordinator" \
	nowhere "$seed" "$WORK/meshd" "$WORK/meshd.log"
check "nor did a token" nowhere "$token" "$WORK/meshd" "$WORK/meshd.log"
check "nor an API token, in clear" \
	nowhere "$(cat "$WORK/read.token")" "$WORK/meshd" "$WORK/meshd.log"
one_line 5 'reach' "a coordinator that is gone" ctl status
one_line 5 'reach' "and from elsewhere" remote read.token status
finish
