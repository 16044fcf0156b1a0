# agent/engine/core: the WireGuard protocol, sans I/O. Knows only lib/base.
noinst_LIBRARIES += agent/libcore.a
agent_libcore_a_CPPFLAGS = $(AM_CPPFLAGS) $(B2_CFLAGS)
agent_libcore_a_SOURCES = \
	agent/engine/core/allowedips.c agent/engine/core/allowedips.h \
	agent/engine/core/blake2s.c agent/engine/core/blake2s.h \
	agent/engine/core/cookie.c agent/engine/core/cookie.h \
	agent/engine/core/device.c agent/engine/core/device.h \
	agent/engine/core/handshake.c agent/engine/core/handshake.h \
	agent/engine/core/hsqueue.c agent/engine/core/hsqueue.h \
	agent/engine/core/index.c agent/engine/core/index.h \
	agent/engine/core/inner.c agent/engine/core/inner.h \
	agent/engine/core/flow.c agent/engine/core/flow.h \
	agent/engine/core/keypair.c agent/engine/core/keypair.h \
	agent/engine/core/keyring.c agent/engine/core/keyring.h \
	agent/engine/core/limits.h agent/engine/core/messages.h \
	agent/engine/core/noise.c agent/engine/core/noise.h \
	agent/engine/core/outbox.c agent/engine/core/outbox.h \
	agent/engine/core/peer.c agent/engine/core/peer.h \
	agent/engine/core/poll.c \
	agent/engine/core/ratelimiter.c agent/engine/core/ratelimiter.h \
	agent/engine/core/receive.c \
	agent/engine/core/replay.c agent/engine/core/replay.h \
	agent/engine/core/retire.c agent/engine/core/retire.h \
	agent/engine/core/send.c \
	agent/engine/core/staging.c agent/engine/core/staging.h \
	agent/engine/core/state.h \
	agent/engine/core/timers.c agent/engine/core/timers.h \
	agent/engine/core/transport.c agent/engine/core/transport.h  \
	agent/engine/core/worker.c agent/engine/core/worker.h
