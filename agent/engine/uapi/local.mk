# agent/engine/uapi: the socket that stock wg(8) speaks to.
noinst_LIBRARIES += agent/libuapi.a
agent_libuapi_a_SOURCES = \
	agent/engine/uapi/enginecfg.c agent/engine/uapi/enginecfg.h \
	agent/engine/uapi/server.c agent/engine/uapi/server.h
