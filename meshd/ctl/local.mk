# meshd/ctl: meshctl. Knows the API, never the coordinator's store.
bin_PROGRAMS += bin/meshctl
noinst_LIBRARIES += meshd/ctl/libctl.a
meshd_ctl_libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
meshd_ctl_libctl_a_SOURCES = \
	meshd/ctl/api.c meshd/ctl/api.h \
	meshd/ctl/client.c meshd/ctl/client.h \
	meshd/ctl/cmd_change.c meshd/ctl/cmd_init.c meshd/ctl/cmd_node.c \
	meshd/ctl/cmd_status.c meshd/ctl/cmd_token.c \
	meshd/ctl/commands.c meshd/ctl/ctl.h \
	meshd/ctl/conf.c meshd/ctl/conf.h \
	meshd/ctl/opkey.c meshd/ctl/opkey.h \
	meshd/ctl/prefix.c meshd/ctl/prefix.h \
	meshd/ctl/run.c \
	meshd/ctl/show.c meshd/ctl/show.h \
	meshd/ctl/subject.c meshd/ctl/subject.h \
	meshd/ctl/table.c meshd/ctl/table.h
bin_meshctl_SOURCES = meshd/ctl/main.c
bin_meshctl_LDADD = meshd/ctl/libctl.a $(ctl_LIBS)
ctl_LIBS = lib/libmeshproto.a lib/libos.a lib/libbase.a $(JANSSON_LIBS) \
	$(CURL_LIBS) $(MNL_LIBS) $(SODIUM_LIBS)
dist_man_MANS += man/meshctl.1
