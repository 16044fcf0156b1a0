# agent/engine/linux: TUN, UDP and the loop around the core.
noinst_LIBRARIES += agent/libenginelinux.a
agent_libenginelinux_a_SOURCES = \
	agent/engine/linux/engine.c agent/engine/linux/engine.h
