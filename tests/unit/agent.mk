# unit tests of the agent. What needs a mesh takes the fixed one of meshproto.
agent_test_cppflags = $(AM_CPPFLAGS) -I$(srcdir)/tests/unit $(CMOCKA_CFLAGS)
agent_test_cflags = $(AM_CFLAGS) -Wno-frame-larger-than
agent_test_ldadd = agent/libagent.a agent/libuapi.a agent/libenginelinux.a \
	agent/libcore.a $(AEAD_LIBS) lib/libmeshproto.a lib/libwgconf.a lib/libos.a \
	lib/libbase.a $(CURL_LIBS) $(JANSSON_LIBS) $(MNL_LIBS) $(URCU_LIBS) $(B2_LIBS) \
	$(SODIUM_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/unit/test_agent_backoff tests/unit/test_agent_candidates \
	tests/unit/test_agent_roster tests/unit/test_agent_plan \
	tests/unit/test_agent_net tests/unit/test_agent_state \
	tests/unit/test_agent_status tests/unit/test_agent_control \
	tests/unit/test_agent_coord tests/unit/test_agent_follow \
	tests/unit/test_agent_conf tests/unit/test_agent_cache \
	tests/unit/test_agent_enroll tests/unit/test_agent_handback
EXTRA_DIST += tests/unit/tls_stub.py

agent_fixture = $(mesh_fixture) tests/unit/agent_fixture.c \
	tests/unit/agent_fixture.h

tests_unit_test_agent_backoff_SOURCES = tests/unit/test_agent_backoff.c
tests_unit_test_agent_backoff_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_backoff_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_candidates_SOURCES = \
	tests/unit/test_agent_candidates.c $(mesh_fixture)
tests_unit_test_agent_candidates_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_candidates_CFLAGS = $(agent_test_cflags)
tests_unit_test_agent_candidates_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_roster_SOURCES = tests/unit/test_agent_roster.c \
	$(agent_fixture)
tests_unit_test_agent_roster_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_roster_CFLAGS = $(agent_test_cflags)
tests_unit_test_agent_roster_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_plan_SOURCES = tests/unit/test_agent_plan.c \
	$(agent_fixture)
tests_unit_test_agent_plan_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_plan_CFLAGS = $(agent_test_cflags)
tests_unit_test_agent_plan_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_net_SOURCES = tests/unit/test_agent_net.c \
	$(agent_fixture)
tests_unit_test_agent_net_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_net_CFLAGS = $(agent_test_cflags)
tests_unit_test_agent_net_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_state_SOURCES = tests/unit/test_agent_state.c
tests_unit_test_agent_state_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_state_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_status_SOURCES = tests/unit/test_agent_status.c
tests_unit_test_agent_status_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_status_CFLAGS = $(agent_test_cflags)
tests_unit_test_agent_status_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_control_SOURCES = tests/unit/test_agent_control.c
tests_unit_test_agent_control_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_control_CFLAGS = $(agent_test_cflags)
tests_unit_test_agent_control_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_coord_SOURCES = tests/unit/test_agent_coord.c \
	tests/unit/tls_stub.c tests/unit/tls_stub.h
tests_unit_test_agent_coord_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_coord_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_follow_SOURCES = tests/unit/test_agent_follow.c \
	tests/unit/tls_stub.c tests/unit/tls_stub.h
tests_unit_test_agent_follow_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_follow_CFLAGS = $(agent_test_cflags)
tests_unit_test_agent_follow_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_handback_SOURCES = tests/unit/test_agent_handback.c \
	tests/unit/tls_stub.c tests/unit/tls_stub.h
tests_unit_test_agent_handback_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_handback_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_conf_SOURCES = tests/unit/test_agent_conf.c
tests_unit_test_agent_conf_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_conf_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_cache_SOURCES = tests/unit/test_agent_cache.c \
	$(agent_fixture)
tests_unit_test_agent_cache_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_cache_CFLAGS = $(agent_test_cflags)
tests_unit_test_agent_cache_LDADD = $(agent_test_ldadd)

tests_unit_test_agent_enroll_SOURCES = tests/unit/test_agent_enroll.c \
	$(mesh_fixture)
tests_unit_test_agent_enroll_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_enroll_CFLAGS = $(agent_test_cflags)
tests_unit_test_agent_enroll_LDADD = $(agent_test_ldadd)

include tests/fuzz/agent.mk
