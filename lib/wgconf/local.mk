# lib/wgconf: one device model, three dialects, and the difference of two.
noinst_LIBRARIES += lib/libwgconf.a
lib_libwgconf_a_SOURCES = \
	lib/wgconf/diff.c lib/wgconf/diff.h \
	lib/wgconf/ini.c lib/wgconf/ini.h \
	lib/wgconf/json.c lib/wgconf/json.h \
	lib/wgconf/uapi.c lib/wgconf/uapi.h \
	lib/wgconf/value.c lib/wgconf/value.h \
	lib/wgconf/wgconf.c lib/wgconf/wgconf.h
