# agent/engine/linux: TUN, UDP and the loop around the core.
noinst_LIBRARIES += agent/libenginelinux.a
agent_libenginelinux_a_CPPFLAGS = $(AM_CPPFLAGS) $(URCU_CFLAGS)
agent_libenginelinux_a_SOURCES = \
	agent/engine/linux/checksum.c agent/engine/linux/checksum.h \
	agent/engine/linux/coalesce.c agent/engine/linux/coalesce.h \
	agent/engine/linux/crew.c agent/engine/linux/crew.h \
	agent/engine/linux/datapath.c agent/engine/linux/datapath.h \
	agent/engine/linux/engine.c agent/engine/linux/engine.h \
	agent/engine/linux/icmp.c agent/engine/linux/icmp.h \
	agent/engine/linux/arena.c agent/engine/linux/arena.h \
	agent/engine/linux/segment.c agent/engine/linux/segment.h \
	agent/engine/linux/sockets.c agent/engine/linux/sockets.h \
	agent/engine/linux/source.c agent/engine/linux/source.h \
	agent/engine/linux/tun.c agent/engine/linux/tun.h \
	agent/engine/linux/udp.c agent/engine/linux/udp.h \
	agent/engine/linux/vnet.h
