# lib/meshproto: what programs say to each other. Jansson lives here.
noinst_LIBRARIES += lib/libmeshproto.a
lib_libmeshproto_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
lib_libmeshproto_a_SOURCES = \
	lib/meshproto/bearer.c \
	lib/meshproto/envelope.c \
	lib/meshproto/form.c lib/meshproto/form.h \
	lib/meshproto/jsonr.c lib/meshproto/jsonr.h \
	lib/meshproto/message.h \
	lib/meshproto/message_agent.c lib/meshproto/message_agent.h \
	lib/meshproto/message_enroll.c \
	lib/meshproto/message_form.c lib/meshproto/message_form.h \
	lib/meshproto/message_mesh.c \
	lib/meshproto/message_netmap.c \
	lib/meshproto/message_node.c \
	lib/meshproto/message_report.c \
	lib/meshproto/message_token.c \
	lib/meshproto/problem.c \
	lib/meshproto/record.c lib/meshproto/record.h \
	lib/meshproto/record_check.c \
	lib/meshproto/record_form.c lib/meshproto/record_form.h \
	lib/meshproto/token.c lib/meshproto/token.h \
	lib/meshproto/trust.c lib/meshproto/trust.h \
	lib/meshproto/trust_batch.c \
	lib/meshproto/trust_offer.h \
	lib/meshproto/trust_rules.c lib/meshproto/trust_rules.h \
	lib/meshproto/trust_set.c lib/meshproto/trust_set.h
