#!/usr/bin/env bash
# The tarball builds, tests, installs and uninstalls from a read-only source.
# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/tap.sh"
WORK=$(mktemp -d)
trap 'chmod -R u+w "$WORK"; rm -rf "$WORK"' EXIT
cd "$WORK" || exit 99
check "configure" "$SRCDIR/configure"
check "make distcheck" make -j2 distcheck
check "the tarball is there" test -s "$WORK"/wgmesh-*.tar.gz
finish
