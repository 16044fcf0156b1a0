#!/usr/bin/env bash
# make install DESTDIR= puts every program and page in its place.
# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/tap.sh"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
check "make install" make -C "$BUILDDIR" install DESTDIR="$WORK" prefix=/usr
for program in bin/wgtool bin/meshctl sbin/wgengine sbin/meshagent sbin/meshd; do
	check "$program is there and tells its version" \
		"$WORK/usr/$program" --version
	page=$(find "$WORK/usr/share/man" -name "${program#*/}.[0-9]")
	check_eq "${program#*/} has one man page" 1 "$(grep -c . <<<"$page")"
done
check "make uninstall" make -C "$BUILDDIR" uninstall DESTDIR="$WORK" prefix=/usr
check_eq "nothing is left after it" "" "$(find "$WORK" -type f)"
finish
