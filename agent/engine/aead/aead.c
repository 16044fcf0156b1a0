/*
 * aead: which backend, and its test. See aead.h.
 */
#include "config.h"

#include "engine/aead/aead.h"
#include "engine/aead/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct aead {
	const struct aead_backend *backend;
	void *scratch;
};

const struct aead_backend *const aead_backends[] = {
#ifdef HAVE_AVX512
	&aead_avx512,
#endif
	&aead_sodium,
	NULL,
};

static const struct aead_backend *selected;

/* --- the test --- */

enum { LONGEST = 1500, PACKETS = 24 };

static size_t length_of(size_t i)
{
	return (i * i * 61) % LONGEST;
}

/* Against libsodium (whose own test at start is RFC 8439's), both ways, in place
 * and not, counters over 2^32, one packet spoiled. */
static bool agrees(const struct aead_backend *b, void *ours)
{
	uint8_t(*buf)[3][LONGEST + AEAD_TAG_SIZE] =
		calloc(PACKETS, sizeof(*buf));
	struct aead_packet p[PACKETS], q[PACKETS];
	uint8_t key[KEY_SIZE];
	bool ok = buf != NULL;

	for (size_t i = 0; i < KEY_SIZE; i++)
		key[i] = (uint8_t)(i * 7 + 1);
	for (size_t i = 0; ok && i < PACKETS; i++) {
		for (size_t k = 0; k < LONGEST; k++)
			buf[i][0][k] = (uint8_t)(i + k * 3);
		p[i] = (struct aead_packet){ .src = buf[i][0],
			.dst = buf[i][1],
			.len = length_of(i),
			.counter = UINT32_MAX - 9 + i };
		q[i] = p[i];
		q[i].dst = buf[i][2];
	}
	if (ok) {
		b->seal(ours, key, p, PACKETS);
		aead_sodium.seal(NULL, key, q, PACKETS);
	}
	for (size_t i = 0; ok && i < PACKETS; i++) {
		ok = memcmp(p[i].dst, q[i].dst, p[i].len + AEAD_TAG_SIZE) == 0;
		p[i].src = p[i].dst;
		if (i == 5)
			p[i].dst[p[i].len] ^= 1;
	}
	if (ok)
		b->open(ours, key, p, PACKETS);
	for (size_t i = 0; ok && i < PACKETS; i++)
		ok = p[i].ok == (i != 5) &&
			memcmp(p[i].dst, i == 5 ? q[i].dst : buf[i][0],
				p[i].len) == 0;
	free(buf);
	return ok;
}

bool aead_self_test(const struct aead_backend *b)
{
	void *scratch = b->new_scratch ? b->new_scratch() : NULL;
	bool ok = b->usable() && (scratch || !b->new_scratch) &&
		agrees(b, scratch);

	if (b->free_scratch)
		b->free_scratch(scratch);
	return ok;
}

/* --- choosing --- */

void aead_set_backend(const struct aead_backend *backend)
{
	selected = backend;
}

static int select_named(const char *name, struct err *err)
{
	for (size_t i = 0; aead_backends[i]; i++) {
		const struct aead_backend *b = aead_backends[i];

		if (strcmp(b->name, name) != 0)
			continue;
		if (!b->usable())
			return err_set(err, -EINVAL,
				"this CPU cannot run the cryptography '%s'",
				name);
		if (!aead_self_test(b))
			return err_set(err, -EIO,
				"the cryptography '%s' fails its test here: "
				"use another",
				name);
		selected = b;
		return 0;
	}
	return err_set(err, -EINVAL,
		"there is no cryptography '%s' in this program", name);
}

int aead_select(const char *name, struct err *err)
{
	if (name)
		return select_named(name, err);
	for (size_t i = 0; aead_backends[i]; i++) {
		if (!aead_backends[i]->usable() ||
			!aead_self_test(aead_backends[i]))
			continue;
		selected = aead_backends[i];
		return 0;
	}
	return err_set(
		err, -EIO, "no cryptography in this program passes its test");
}

const char *aead_selected(void)
{
	return selected ? selected->name : "none";
}

struct aead *aead_new(void)
{
	struct aead *aead = calloc(1, sizeof(*aead));

	if (!aead || (!selected && aead_select(NULL, NULL) < 0))
		goto fail;
	aead->backend = selected;
	if (selected->new_scratch)
		aead->scratch = selected->new_scratch();
	if (selected->new_scratch && !aead->scratch)
		goto fail;
	return aead;
fail:
	free(aead);
	return NULL;
}

void aead_free(struct aead *aead)
{
	if (!aead)
		return;
	if (aead->backend->free_scratch)
		aead->backend->free_scratch(aead->scratch);
	free(aead);
}

void aead_seal(struct aead *aead, const uint8_t key[static KEY_SIZE],
	struct aead_packet *packets, size_t count)
{
	BUG_ON(count > AEAD_BATCH_MAX);
	if (count)
		aead->backend->seal(aead->scratch, key, packets, count);
}

void aead_open(struct aead *aead, const uint8_t key[static KEY_SIZE],
	struct aead_packet *packets, size_t count)
{
	BUG_ON(count > AEAD_BATCH_MAX);
	if (count)
		aead->backend->open(aead->scratch, key, packets, count);
}
