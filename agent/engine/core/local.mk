# agent/engine/core: the WireGuard protocol, sans I/O. Knows only lib/base.
noinst_LIBRARIES += agent/libcore.a
agent_libcore_a_CPPFLAGS = $(AM_CPPFLAGS) $(B2_CFLAGS)
agent_libcore_a_SOURCES = \
	agent/engine/core/device.c agent/engine/core/device.h
