# Macros of configure.ac: compiler flags probed one by one, libraries named with
# the Debian package that brings them.

# MESH_CFLAG(VARIABLE, FLAG): add FLAG to VARIABLE if the compiler takes it.
AC_DEFUN([MESH_CFLAG], [
	AS_VAR_PUSHDEF([cachevar], [mesh_cv_cflag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [cachevar], [
		mesh_saved_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([cachevar], [yes])],
			[AS_VAR_SET([cachevar], [no])])
		CFLAGS=$mesh_saved_CFLAGS
	])
	AS_VAR_IF([cachevar], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([cachevar])
])

AC_DEFUN([MESH_COMPILER_FLAGS], [
	mesh_CFLAGS=
	mesh_LDFLAGS=
	m4_foreach_w([flag], [-std=gnu11 -Wall -Wextra -Wshadow
		-Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wvla
		-Wcast-qual -Wpointer-arith -Wundef -Wformat=2 -Wwrite-strings
		-Wno-unused-parameter -Wframe-larger-than=4096 -fno-common
		-fno-strict-aliasing -fstack-protector-strong
		-fstack-clash-protection -fPIE],
		[MESH_CFLAG([mesh_CFLAGS], flag)])
	m4_foreach_w([flag], [[-pie] [-Wl,-z,relro] [-Wl,-z,now]
		[-Wl,-z,noexecstack] [-Wl,--as-needed]],
		[MESH_CFLAG([mesh_LDFLAGS], flag)])
	AC_SUBST([mesh_CFLAGS])
	AC_SUBST([mesh_LDFLAGS])
])

# The --enable switches turned into flags. Fuzzing implies the sanitizers.
AC_DEFUN([MESH_FEATURE_FLAGS], [
	AS_IF([test "x$enable_debug" = xyes],
		[mesh_CFLAGS="$mesh_CFLAGS -Werror -Og -g"],
		[AC_DEFINE([NDEBUG], [1], [No asserts: not --enable-debug])])
	AS_IF([test "x$enable_fuzz" = xyes], [
		enable_sanitizers=yes
		mesh_CFLAGS="$mesh_CFLAGS -fsanitize=fuzzer-no-link"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [:])
		AS_CASE([`$CC --version`], [*clang*], [],
			[AC_MSG_ERROR([--enable-fuzz needs clang: ./configure CC=clang (Debian: clang, libclang-rt-14-dev)])])
	])
	AS_IF([test "x$enable_sanitizers" = xyes], [
		# Red zones make frames larger than what they hold.
		mesh_CFLAGS="$mesh_CFLAGS -Wframe-larger-than=32768"
		mesh_CFLAGS="$mesh_CFLAGS -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
		# red zones make frames several times as large
		mesh_CFLAGS="$mesh_CFLAGS -Wno-frame-larger-than"
		mesh_LDFLAGS="$mesh_LDFLAGS -fsanitize=address,undefined"
	])
	AS_IF([test "x$enable_coverage" = xyes], [
		mesh_CFLAGS="$mesh_CFLAGS -O0 -g --coverage"
		mesh_LDFLAGS="$mesh_LDFLAGS --coverage"
	])
	# Fortify only where something optimises and no sanitizer looks already.
	AS_IF([test "x$enable_sanitizers$enable_coverage" = xnono],
		[mesh_CFLAGS="$mesh_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
	AM_CONDITIONAL([ENABLE_FUZZ], [test "x$enable_fuzz" = xyes])
	AM_CONDITIONAL([ENABLE_SANITIZERS], [test "x$enable_sanitizers" = xyes])
])

# MESH_LIB(NAME, PKG-CONFIG SPEC, DEBIAN PACKAGE)
AC_DEFUN([MESH_LIB], [
	PKG_CHECK_MODULES([$1], [$2], [],
		[mesh_missing="$mesh_missing $3"])
])

# The same for a library that only the tests use: without it, no unit tests.
AC_DEFUN([MESH_TEST_LIB], [
	PKG_CHECK_MODULES([$1], [$2], [mesh_have_$1=yes], [
		mesh_have_$1=no
		AC_MSG_WARN([no $1: unit tests are not built (Debian: apt-get install $3)])
	])
	AM_CONDITIONAL([HAVE_$1], [test "x$mesh_have_$1" = xyes])
])

AC_DEFUN([MESH_MISSING_LIBS], [
	AS_IF([test -n "$mesh_missing"], [AC_MSG_ERROR([libraries are missing.
On Debian: apt-get install$mesh_missing])])
])

# Can the compiler build the batch kernel? Whether the CPU can run it is asked
# when the program starts.
AC_DEFUN([MESH_AVX512], [
	AVX512_CFLAGS="-O2 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512ifma -mavx512vbmi2"
	AC_CACHE_CHECK([whether $CC builds for AVX-512], [mesh_cv_avx512], [
		mesh_saved_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS $AVX512_CFLAGS"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <immintrin.h>]],
			[[__m512i x = _mm512_setzero_si512();
			x = _mm512_madd52lo_epu64(x, x, x);
			x = _mm512_shrdi_epi64(x, x, 44);
			return (int)_mm512_reduce_add_epi64(x)
				+ __builtin_cpu_supports("avx512vbmi2");]])],
			[mesh_cv_avx512=yes], [mesh_cv_avx512=no])
		CFLAGS=$mesh_saved_CFLAGS
	])
	AS_IF([test "x$mesh_cv_avx512" = xyes],
		[AC_DEFINE([HAVE_AVX512], [1], [The batch kernel is built.])])
	AM_CONDITIONAL([HAVE_AVX512], [test "x$mesh_cv_avx512" = xyes])
	AC_SUBST([AVX512_CFLAGS])
])
