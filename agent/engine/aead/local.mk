# agent/engine/aead: ChaCha20-Poly1305 over batches. The batch kernel alone is
# built for AVX-512, and run only where that is.
noinst_LIBRARIES += agent/libaead.a
agent_libaead_a_SOURCES = \
	agent/engine/aead/aead.c agent/engine/aead/aead.h \
	agent/engine/aead/backend.h \
	agent/engine/aead/sodium.c
if HAVE_AVX512
noinst_LIBRARIES += agent/libaead512.a
agent_libaead512_a_CFLAGS = $(AM_CFLAGS) $(AVX512_CFLAGS)
agent_libaead512_a_SOURCES = \
	agent/engine/aead/avx512.c agent/engine/aead/avx512.h \
	agent/engine/aead/avx512_chacha.c \
	agent/engine/aead/avx512_poly.c
AEAD_LIBS = agent/libaead.a agent/libaead512.a
else
AEAD_LIBS = agent/libaead.a
EXTRA_DIST += agent/engine/aead/avx512.c agent/engine/aead/avx512.h \
	agent/engine/aead/avx512_chacha.c agent/engine/aead/avx512_poly.c
endif
