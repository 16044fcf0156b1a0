# wgtool: wg(8) for people and scripts. Small on purpose: no SQLite, no Jansson,
# no curl, no netlink.
bin_PROGRAMS += bin/wgtool
bin_wgtool_SOURCES = \
	wgtool/commands.h \
	wgtool/ipc.c wgtool/ipc.h \
	wgtool/ipc_uapi.c \
	wgtool/keys.c \
	wgtool/lookup.c wgtool/lookup.h \
	wgtool/main.c \
	wgtool/pretty.c wgtool/pretty.h \
	wgtool/set.c \
	wgtool/setconf.c \
	wgtool/show.c \
	wgtool/showconf.c
bin_wgtool_LDADD = lib/libwgconf.a lib/libbase.a $(SODIUM_LIBS)
dist_man_MANS += man/wgtool.8
