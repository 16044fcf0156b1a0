# meshd: the coordinator. Everything but main.c is a library, so that tests call
# it directly. The SQL steps and the API's description are embedded as C.
dist_man_MANS += man/meshd.8
noinst_LIBRARIES += meshd/libmeshd.a
meshd_libmeshd_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) \
	$(MICROHTTPD_CFLAGS) $(GNUTLS_CFLAGS)
meshd_libmeshd_a_SOURCES = \
	meshd/api.c meshd/api.h \
	meshd/api_enroll.c meshd/api_mesh.c meshd/api_netmap.c \
	meshd/api_node.c meshd/api_report.c meshd/api_token.c \
	meshd/auth.c meshd/auth.h \
	meshd/body.c meshd/body.h \
	meshd/conf.c meshd/conf.h \
	meshd/embedded.h \
	meshd/event.c meshd/event.h \
	meshd/http.c meshd/http.h \
	meshd/ipam.c meshd/ipam.h \
	meshd/listener.c meshd/listener.h \
	meshd/meshd.c meshd/meshd.h \
	meshd/migrate.c meshd/migrate.h \
	meshd/model.c meshd/model.h \
	meshd/netmap.c meshd/netmap.h \
	meshd/presence.c meshd/presence.h \
	meshd/reply.c meshd/reply.h \
	meshd/scope.c meshd/scope.h \
	meshd/store.h meshd/store_db.c meshd/store_db.h \
	meshd/store_address.c meshd/store_endpoint.c meshd/store_mesh.c \
	meshd/store_node.c meshd/store_open.c meshd/store_record.c \
	meshd/store_token.c \
	meshd/tlskey.c meshd/tlskey.h
sbin_PROGRAMS += bin/meshd
bin_meshd_SOURCES = meshd/main.c
bin_meshd_LDADD = $(meshd_LIBS)
nodist_meshd_libmeshd_a_SOURCES = meshd/embedded.c

meshd_migrations = schema/0001_initial.sql
meshd_embedded = $(meshd_migrations) schema/openapi.yaml
EXTRA_DIST += meshd/embed.awk $(meshd_embedded)
CLEANFILES += meshd/embedded.c
meshd/embedded.c: $(meshd_embedded) meshd/embed.awk meshd/local.mk
	$(AM_V_GEN)$(MKDIR_P) meshd && ( \
	echo '#include "config.h"' && \
	echo '#include "meshd/embedded.h"' && \
	cd $(srcdir) && \
	$(AWK) -v table=embedded_migrations -f meshd/embed.awk \
		$(meshd_migrations) && \
	$(AWK) -v table=embedded_openapi -f meshd/embed.awk \
		schema/openapi.yaml \
	) >$@.tmp && mv $@.tmp $@

meshd_LIBS = meshd/libmeshd.a lib/libmeshproto.a lib/libwgconf.a lib/libos.a \
	lib/libbase.a $(MICROHTTPD_LIBS) $(GNUTLS_LIBS) $(SQLITE_LIBS) \
	$(JANSSON_LIBS) $(MNL_LIBS) $(SODIUM_LIBS)
