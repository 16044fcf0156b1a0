# agent/engine/uapi: the socket that stock wg(8) speaks to; and wgengine, the
# engine as a program.
noinst_LIBRARIES += agent/libuapi.a
agent_libuapi_a_SOURCES = \
	agent/engine/uapi/enginecfg.c agent/engine/uapi/enginecfg.h \
	agent/engine/uapi/server.c agent/engine/uapi/server.h \
	agent/engine/uapi/session.c agent/engine/uapi/session.h

sbin_PROGRAMS += bin/wgengine
bin_wgengine_SOURCES = agent/engine/main.c
bin_wgengine_LDADD = agent/libuapi.a agent/libenginelinux.a agent/libcore.a $(AEAD_LIBS) \
	lib/libwgconf.a lib/libos.a lib/libbase.a \
	$(MNL_LIBS) $(URCU_LIBS) $(B2_LIBS) $(SODIUM_LIBS)
dist_man_MANS += man/wgengine.8
