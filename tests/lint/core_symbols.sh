#!/usr/bin/env bash
# What the core may call (DESIGN 3): its archive's undefined symbols against an
# allow-list. No socket, file, clock, thread, stdio or log can hide from this.
# malloc's family may be named only in the objects that configure.
# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/tap.sh"
archive=$BUILDDIR/agent/libcore.a
allowed='^(aead_(new|free|seal|open)$|crypto_|sodium_|randombytes_|blake2|mem(cpy|set|move|cmp)|__mem|strlen|strnlen|qsort|bsearch|__stack_chk_fail|__(asan|ubsan|sanitizer|gcov|llvm)|_GLOBAL_OFFSET_TABLE_|abort|__assert_fail)'
house='^(err|hash|heap|ip|ipaddr|ipnet|endpoint|key|seckey|signseed|signpub|list|mono|wall|le32|le64|be16|be32|be64)_'
configuring='^(malloc|calloc|realloc|reallocarray|free|aligned_alloc|posix_memalign)$'
[ -e "$archive" ] || { fail "the core was built" "$archive is missing"; finish; }

defined=$(nm -P --defined-only "$archive" 2>/dev/null | awk 'NF>1 {print $1}' | sort -u)
undefined=$(nm -P --undefined-only "$archive" 2>/dev/null | awk 'NF>1 {print $1}' | sort -u)
strange=$(comm -23 <(echo "$undefined") <(echo "$defined") |
	grep -vE "$allowed" | grep -vE "$house" | grep -vE "$configuring")
check_eq "the core calls nothing outside its allow-list" "" "$strange"

# The data path's objects never allocate.
for object in transport worker flow replay noise keyring cookie ratelimiter timers blake2s; do
	named=$(nm -P --undefined-only "$archive" 2>/dev/null |
		awk -v o="$object" '/:$/ { here = ($0 ~ o "\\.o") } here && NF > 1 {print $1}' |
		grep -E "$configuring")
	check_eq "$object never allocates" "" "$named"
done
finish
