# lib/base: pure, no system calls. Everything else may include it.
noinst_LIBRARIES += lib/libbase.a
lib_libbase_a_SOURCES = \
	lib/base/auto.h lib/base/banned.h \
	lib/base/buf.c lib/base/buf.h \
	lib/base/endpoint.c lib/base/endpoint.h \
	lib/base/err.c lib/base/err.h \
	lib/base/hash.c lib/base/hash.h \
	lib/base/heap.c lib/base/heap.h \
	lib/base/ipnet.c lib/base/ipnet.h \
	lib/base/jsonw.c lib/base/jsonw.h \
	lib/base/key.c lib/base/key.h \
	lib/base/list.c lib/base/list.h \
	lib/base/num.c lib/base/num.h \
	lib/base/time.c lib/base/time.h \
	lib/base/wire.c lib/base/wire.h
