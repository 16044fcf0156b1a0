# agent: the programs wgengine and meshagent.
noinst_LIBRARIES += agent/libagent.a
agent_libagent_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
agent_libagent_a_SOURCES = \
	agent/agent.c agent/agent.h \
	agent/apply.c agent/apply.h \
	agent/backoff.c agent/backoff.h \
	agent/cache.c agent/cache.h \
	agent/call.c agent/call.h \
	agent/candidates.c agent/candidates.h \
	agent/conf.c agent/conf.h \
	agent/control.c agent/control.h \
	agent/control_client.c \
	agent/coord.c agent/coord.h \
	agent/enroll.c agent/enroll.h \
	agent/follow.c agent/follow.h \
	agent/handback.c agent/handback.h \
	agent/join.c agent/join.h \
	agent/leave.c agent/leave.h \
	agent/member.c agent/member.h \
	agent/net.c agent/net.h \
	agent/plan.c agent/plan.h \
	agent/report.c agent/report.h \
	agent/roster.c agent/roster.h \
	agent/state.c agent/state.h \
	agent/status.c agent/status.h \
	agent/trim.c agent/trim.h

sbin_PROGRAMS += bin/meshagent
bin_meshagent_SOURCES = agent/main.c
bin_meshagent_LDADD = agent/libagent.a agent/libuapi.a agent/libenginelinux.a \
	agent/libcore.a $(AEAD_LIBS) lib/libmeshproto.a lib/libwgconf.a lib/libos.a \
	lib/libbase.a $(CURL_LIBS) $(JANSSON_LIBS) $(MNL_LIBS) $(URCU_LIBS) $(B2_LIBS) \
	$(SODIUM_LIBS)
dist_man_MANS += man/meshagent.8
