/*
 * backend: what a backend of aead is: a row of the table in aead.c.
 */
#ifndef ENGINE_AEAD_BACKEND_H
#define ENGINE_AEAD_BACKEND_H

#include "engine/aead/aead.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aead_backend {
	const char *name;
	bool (*usable)(void); /* by this CPU, here and now */
	/* One thread's memory; NULL on success only if new_scratch is NULL. */
	void *(*new_scratch)(void);
	void (*free_scratch)(void *scratch);
	void (*seal)(void *scratch, const uint8_t key[static KEY_SIZE],
		struct aead_packet *packets, size_t count);
	void (*open)(void *scratch, const uint8_t key[static KEY_SIZE],
		struct aead_packet *packets, size_t count);
};

extern const struct aead_backend aead_avx512, aead_sodium;

/* In the order of preference; NULL at the end. */
extern const struct aead_backend *const aead_backends[];

/* RFC 8439 and a batch of mixed lengths, both ways, against answers made by
 * another implementation. */
WARN_UNUSED bool aead_self_test(const struct aead_backend *backend);
/* Puts BACKEND in the place of the one that is selected, without a test. */
void aead_set_backend(const struct aead_backend *backend);

#endif
