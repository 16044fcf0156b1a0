# lib/meshproto: what programs say to each other. Jansson lives here.
noinst_LIBRARIES += lib/libmeshproto.a
lib_libmeshproto_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
lib_libmeshproto_a_SOURCES = \
	lib/meshproto/message.c lib/meshproto/message.h \
	lib/meshproto/record.c lib/meshproto/record.h \
	lib/meshproto/token.c lib/meshproto/token.h \
	lib/meshproto/trust.c lib/meshproto/trust.h
