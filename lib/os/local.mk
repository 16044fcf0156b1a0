# lib/os: the Linux edges. Knows base, and no program.
noinst_LIBRARIES += lib/libos.a
lib_libos_a_CPPFLAGS = $(AM_CPPFLAGS) $(MNL_CFLAGS)
lib_libos_a_SOURCES = \
	lib/os/args.c lib/os/args.h \
	lib/os/atomicfile.c lib/os/atomicfile.h \
	lib/os/clock.c lib/os/clock.h \
	lib/os/daemon.c lib/os/daemon.h \
	lib/os/fd.c lib/os/fd.h \
	lib/os/log.c lib/os/log.h \
	lib/os/loop.c lib/os/loop.h \
	lib/os/netlink.c lib/os/netlink.h \
	lib/os/netmon.c \
	lib/os/unixsock.c lib/os/unixsock.h
