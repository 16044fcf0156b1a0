/*
 * vectors: published test vectors, read with jansson. Each reader calls FN for
 * every test and skips the running test when the files are not there.
 */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include <jansson.h>

#include <stddef.h>
#include <stdint.h>

/* GROUP is the test's group. */
typedef void (*vector_fn)(const json_t *group, const json_t *test);
void wycheproof_each(const char *name, vector_fn fn);
/* Elements of "vectors". */
void noise_vectors_each(const char *name, void (*fn)(const json_t *vector));

const char *vector_text(const json_t *object, const char *key);
int vector_int(const json_t *object, const char *key);
/* Hex; at most CAP bytes. */
size_t vector_bytes(
	const json_t *object, const char *key, uint8_t *ret, size_t cap);

#endif
