/*
 * sodium: the backend that runs everywhere: libsodium, a packet at a time.
 */
#include "config.h"

#include "engine/aead/backend.h"

#include "base/wire.h"

#include <sodium.h>

#include "base/banned.h"

struct nonce {
	uint8_t zero[4];
	struct le64 counter;
};
_Static_assert(
	sizeof(struct nonce) == crypto_aead_chacha20poly1305_ietf_NPUBBYTES,
	"RFC 8439 s2.3");

static bool usable(void)
{
	return true;
}

static void seal(void *scratch, const uint8_t key[static KEY_SIZE],
	struct aead_packet *packets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct aead_packet *p = &packets[i];
		struct nonce nonce = { .counter = le64_make(p->counter) };

		(void)crypto_aead_chacha20poly1305_ietf_encrypt(p->dst, NULL,
			p->src, p->len, NULL, 0, NULL, (uint8_t *)&nonce, key);
	}
}

static void open_packets(void *scratch, const uint8_t key[static KEY_SIZE],
	struct aead_packet *packets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct aead_packet *p = &packets[i];
		struct nonce nonce = { .counter = le64_make(p->counter) };

		/* Without a destination it only looks at the tag; with one it
		 * would clear that when the tag is wrong. */
		p->ok = crypto_aead_chacha20poly1305_ietf_decrypt_detached(NULL,
				NULL, p->src, p->len, p->src + p->len, NULL, 0,
				(uint8_t *)&nonce, key) == 0;
		if (p->ok)
			(void)crypto_stream_chacha20_ietf_xor_ic(p->dst, p->src,
				p->len, (uint8_t *)&nonce, 1, key);
	}
}

const struct aead_backend aead_sodium = {
	.name = "sodium",
	.usable = usable,
	.seal = seal,
	.open = open_packets,
};
