# agent/engine/linux: TUN, UDP and the loop around the core.
noinst_LIBRARIES += agent/libenginelinux.a
agent_libenginelinux_a_SOURCES = \
	agent/engine/linux/datapath.c agent/engine/linux/datapath.h \
	agent/engine/linux/engine.c agent/engine/linux/engine.h \
	agent/engine/linux/icmp.c agent/engine/linux/icmp.h \
	agent/engine/linux/slots.c agent/engine/linux/slots.h \
	agent/engine/linux/source.c agent/engine/linux/source.h \
	agent/engine/linux/tun.c agent/engine/linux/tun.h \
	agent/engine/linux/udp.c agent/engine/linux/udp.h
