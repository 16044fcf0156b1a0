#!/usr/bin/env bash
# Who may include whom (DESIGN 3), read off the #include lines.
# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/tap.sh"
cd "$SRCDIR" || exit 99

# files DIR: its C files. includes FILE...: "file:line:target" of each include.
files() {
	find "$1" -name '*.[ch]' | sort
}
includes() {
	[ $# -eq 0 ] || grep -HnE '^[[:space:]]*#[[:space:]]*include' "$@" |
		sed -E 's/^([^:]*:[0-9]+):[^"<]*["<]([^">]*)[">].*/\1:\2/'
}

# Rooms may include the rooms named after them, and themselves.
may() { # DIR ALLOWED-PREFIX...
	local dir=$1 allowed=config.h said
	shift
	allowed="^(config\\.h|$(IFS='|'; echo "$*"))"
	# shellcheck disable=SC2046
	said=$(grep -HnE '^#include "' $(files "$dir" | grep -v '/ctl/') |
		sed -E 's/^([^:]*:[0-9]+):#include "([^"]*)".*/\1 \2/' |
		awk -v ok="$allowed" '$2 !~ ok')
	check_eq "$dir includes only: $*" "" "$said"
}
may lib/base base/
may lib/os base/ os/
may lib/wgconf base/ wgconf/
may lib/meshproto base/ wgconf/ meshproto/
may agent/engine/aead base/ engine/aead/
may agent/engine/core base/ engine/aead/ engine/core/
may agent/engine/linux base/ os/ engine/core/ engine/linux/
may agent/engine/uapi base/ os/ wgconf/ engine/
may agent base/ os/ wgconf/ meshproto/ engine/ agent/
may meshd base/ os/ wgconf/ meshproto/ meshd/
may wgtool base/ os/ wgconf/ wgtool/
may_ctl=$(grep -HnE '^#include "' meshd/ctl/*.[ch] |
	sed -E 's/^([^:]*:[0-9]+):#include "([^"]*)".*/\1 \2/' |
	awk '$2 !~ "^(config\\.h|base/|os/|wgconf/|meshproto/|meshd/ctl/)"')
check_eq "meshctl knows the API, not the coordinator" "" "$may_ctl"

# A library's header stands in its one adapter.
only() { # HEADER-PATTERN FILE-PATTERN
	local said
	# shellcheck disable=SC2046
	said=$(includes $(find lib agent meshd wgtool -name '*.[ch]') |
		awk -F: -v h="$1" -v f="$2" '$3 ~ h && $1 !~ f')
	check_eq "$1 only in $2" "" "$said"
}
only '^sqlite3\.h' '^meshd/(store|migrate)[a-z_]*\.[ch]$'
only '^jansson\.h' '^lib/meshproto/'
only '^microhttpd\.h' '^meshd/http\.[ch]$'
only '^gnutls/' '^meshd/tlskey\.c$'
only '^libssh/' '^meshd/(push_ssh|ctl/ssh)\.c$'
only '^curl/' '^(agent/coord|meshd/ctl/client)\.c$'
only '^urcu' '^agent/engine/linux/crew\.c$'
only '^blake2\.h' '^agent/engine/core/blake2s\.c$'
only '^libmnl/' '^lib/os/netlink[a-z_]*\.c$'
only '^(linux|net)/' '^(lib/os|agent/engine/linux)/'
core=$(includes agent/engine/core/*.[ch] | awk -F: '$3 ~ /^(time|sys\/.*|pthread|stdio|unistd|fcntl|syslog|netinet\/.*)\.h$/')
check_eq "the core knows no clock, socket, file, thread or log" "" "$core"
finish
