#!/usr/bin/env bash
# README's commands, as they are printed there, with every default path: on
# hosts of the lab instead of real ones, in a private /etc and /var/lib.
# shellcheck source=tests/e2e/lib.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need_root
need jq

if ! { cp -a /etc "$WORK/etc" && mount --bind "$WORK/etc" /etc; }; then
	skip_all "cannot make a private /etc"
fi
rm -rf /etc/meshctl
lab_host coord
lab_host host
lab_host db1
cd "$WORK" || exit 1

# A command of README is "sudo ...", at the coordinator or, as its comment says,
# "on a host"; or it begins with ssh. Every host has a /var/lib and /run of its
# own.
PLACE=coord
sudo() {
	local root=$WORK/root/$PLACE
	mkdir -p "$root/lib" "$root/run"
	# shellcheck disable=SC2016
	ns "$PLACE" unshare --mount --uts sh -c 'hostname "$1" &&
		mount --bind "$2/lib" /var/lib && mount --bind "$2/run" /run &&
		shift 2 && exec "$@"' - "$PLACE" "$root" "$@"
}
ssh() { # root@HOST COMMAND...
	local PLACE=${1#*@}
	shift
	sudo "$@"
}
commands() { # TITLE: the commands of that section
	sed -n "/^## $1/,/^## /s/^    //p" "$SRCDIR/README.md" |
		grep -v autoreconf |
		sed "s/coordinator\.example\.org/${LAB_ADDR4[coord]}/"
}
SAID=
perform() { # LINE
	case $1 in
	*'# on a host'*) PLACE=host ;;
	*) PLACE=coord ;;
	esac
	SAID=$(eval "$1" 2>&1 </dev/null)
}

shows() { # LINE TEXT
	perform "$1"
	grep -q "$2" <<<"$SAID"
}
count=0
while IFS= read -r line <&3; do
	perform "$line"
	status=$?
	check_eq "$line" 0 $status
	[ $status -eq 0 ] || diag "$SAID"
	count=$((count + 1))
	case $line in
	*'meshagent run --daemon'*) # a second host, for what comes then
		perform 'sudo meshctl token create | ssh root@db1 meshagent join -'
		perform 'ssh root@db1 meshagent run --daemon'
		check_eq "the same on another host" 0 $?
		;;
	*'meshctl status'*)
		# An agent is ready when its interface is; the coordinator
		# hears of it a moment later.
		check "status shows both" wait_for 5 shows "$line" '2, 2 online'
		;;
	esac
done 3< <(commands 'Use it on real hosts')
check_eq "as many commands as README has" 9 "$count"
PLACE=coord
check_eq "at the end nobody is left" 0 "$(sudo meshctl node list --json | jq '.nodes | length')"
check_eq "and no key on the host" "" "$(find "$WORK/root/host" -name '*.key')"

count=0
while IFS= read -r line <&3; do
	perform "$line"
	status=$?
	check_eq "$line" 0 $status
	[ $status -eq 0 ] || diag "$SAID"
	count=$((count + 1))
done 3< <(commands 'WireGuard without a mesh')
check_eq "as many of WireGuard alone" 5 "$count"
check_eq "which show JSON" mesh/v1 "$(jq -r .schema <<<"$SAID")"
finish
