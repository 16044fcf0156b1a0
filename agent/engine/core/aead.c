#include "config.h"

#include "engine/core/aead.h"
#include "engine/core/messages.h"

#include "base/wire.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

struct nonce {
	uint8_t zero[4];
	struct le64 counter;
};
_Static_assert(
	sizeof(struct nonce) == crypto_aead_chacha20poly1305_ietf_NPUBBYTES,
	"RFC 8439 s2.3");

void aead_seal(const uint8_t key[static KEY_SIZE], struct aead_packet *packets,
	size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct aead_packet *p = &packets[i];
		struct nonce nonce = { .counter = le64_make(p->counter) };

		(void)crypto_aead_chacha20poly1305_ietf_encrypt(p->dst, NULL,
			p->src, p->len, NULL, 0, NULL, (uint8_t *)&nonce, key);
		p->ok = true;
	}
}

void aead_open(const uint8_t key[static KEY_SIZE], struct aead_packet *packets,
	size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct aead_packet *p = &packets[i];
		struct nonce nonce = { .counter = le64_make(p->counter) };

		p->ok = crypto_aead_chacha20poly1305_ietf_decrypt(p->dst, NULL,
				NULL, p->src, SEALED_SIZE(p->len), NULL, 0,
				(uint8_t *)&nonce, key) == 0;
	}
}
