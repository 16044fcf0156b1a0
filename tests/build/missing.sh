#!/usr/bin/env bash
# configure names every missing library by its Debian package, all at once.
# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/tap.sh"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
cd "$WORK" || exit 99
PKG_CONFIG_LIBDIR=$WORK "$SRCDIR/configure" >said 2>&1
check_eq "configure stops" 1 $?
for package in libsodium-dev libb2-dev libmnl-dev liburcu-dev libjansson-dev \
	libcurl4-gnutls-dev libgnutls28-dev libmicrohttpd-dev libsqlite3-dev; do
	check "it names $package" grep -q "apt-get install.* $package" said
done
finish
