#include "config.h"

#include "engine/core/cookie.h"
#include "engine/core/blake2s.h"
#include "engine/core/device.h"
#include "engine/core/limits.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

static const char mac1_label[8] = "mac1----";
static const char cookie_label[8] = "cookie--";

static void derive(uint8_t ret[static KEY_SIZE], const char label[static 8],
	const struct pubkey *key)
{
	hash_two(ret, label, 8, key->b, sizeof(key->b));
}

void cookie_checker_set_key(
	struct cookie_checker *checker, const struct pubkey *ours)
{
	derive(checker->mac1_key, mac1_label, ours);
	derive(checker->cookie_key, cookie_label, ours);
}

void cookie_jar_init(struct cookie_jar *jar, const struct pubkey *remote)
{
	*jar = (struct cookie_jar){ .remote = remote };
}

static size_t mac1_offset(size_t len)
{
	return len - sizeof(struct wg_macs);
}

static void compute_mac1(uint8_t ret[static COOKIE_SIZE],
	const uint8_t key[static KEY_SIZE], const void *message, size_t len)
{
	mac_two(ret, COOKIE_SIZE, key, KEY_SIZE, message, mac1_offset(len),
		NULL, 0);
}

static void compute_mac2(uint8_t ret[static COOKIE_SIZE],
	const uint8_t cookie[static COOKIE_SIZE], const void *message,
	size_t len)
{
	mac_two(ret, COOKIE_SIZE, cookie, COOKIE_SIZE, message,
		len - COOKIE_SIZE, NULL, 0);
}

void cookie_add_macs(
	struct cookie_jar *jar, void *message, size_t len, struct mono now)
{
	uint8_t key[HASH_SIZE];
	struct wg_macs *macs = (void *)((uint8_t *)message + mac1_offset(len));
	/* The far end's secret may be 5 s short of its age when we learn it. */
	bool fresh = jar->has_cookie &&
		mono_sub(now, jar->birthdate) <
			COOKIE_SECRET_MAX_AGE_NS - COOKIE_SECRET_LATENCY_NS;

	derive(key, mac1_label, jar->remote);
	compute_mac1(macs->mac1, key, message, len);
	memcpy(jar->last_mac1_sent, macs->mac1, sizeof(macs->mac1));
	jar->sent_mac1 = true;
	if (fresh)
		compute_mac2(macs->mac2, jar->cookie, message, len);
	else
		memset(macs->mac2, 0, sizeof(macs->mac2));
}

bool cookie_check_mac1(
	const struct cookie_checker *checker, const void *message, size_t len)
{
	const struct wg_macs *macs =
		(const void *)((const uint8_t *)message + mac1_offset(len));
	uint8_t mac1[COOKIE_SIZE];

	compute_mac1(mac1, checker->mac1_key, message, len);
	return sodium_memcmp(mac1, macs->mac1, sizeof(mac1)) == 0;
}

/* The port is part of it: WP 5.4.7, and many may share an address. */
static void make_cookie(struct cookie_checker *checker,
	uint8_t ret[static COOKIE_SIZE], const struct endpoint *from,
	struct mono now, const struct wg_rng *rng)
{
	struct be16 port = be16_make(from->port);
	bool expired = mono_sub(now, checker->secret_birthdate) >=
		COOKIE_SECRET_MAX_AGE_NS;

	if (!checker->has_secret || expired) {
		rng->fill(rng->arg, checker->secret, sizeof(checker->secret));
		checker->secret_birthdate = now;
		checker->has_secret = true;
	}
	mac_two(ret, COOKIE_SIZE, checker->secret, sizeof(checker->secret),
		from->addr.b, ip_bits(from->addr.family) / 8, port.b,
		sizeof(port.b));
}

bool cookie_check_mac2(struct cookie_checker *checker, const void *message,
	size_t len, const struct endpoint *from, struct mono now,
	const struct wg_rng *rng)
{
	const uint8_t *theirs = (const uint8_t *)message + len - COOKIE_SIZE;
	uint8_t cookie[COOKIE_SIZE], mac2[COOKIE_SIZE];
	bool ok;

	make_cookie(checker, cookie, from, now, rng);
	compute_mac2(mac2, cookie, message, len);
	ok = sodium_memcmp(mac2, theirs, sizeof(mac2)) == 0;
	sodium_memzero(cookie, sizeof(cookie));
	sodium_memzero(mac2, sizeof(mac2));
	return ok;
}

void cookie_create_reply(struct cookie_checker *checker, const void *message,
	size_t len, const struct endpoint *from, struct mono now,
	const struct wg_rng *rng, struct wg_message_cookie *ret_reply)
{
	const uint8_t *bytes = message;
	const struct wg_macs *macs = (const void *)(bytes + mac1_offset(len));
	uint8_t cookie[COOKIE_SIZE];

	make_cookie(checker, cookie, from, now, rng);
	ret_reply->type = le32_make(MESSAGE_COOKIE);
	/* sender_index is the second field of both messages. */
	memcpy(ret_reply->receiver_index.b, bytes + sizeof(struct le32),
		sizeof(struct le32));
	rng->fill(rng->arg, ret_reply->nonce, sizeof(ret_reply->nonce));
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(
		ret_reply->encrypted_cookie, NULL, cookie, sizeof(cookie),
		macs->mac1, sizeof(macs->mac1), NULL, ret_reply->nonce,
		checker->cookie_key);
	sodium_memzero(cookie, sizeof(cookie));
}

bool cookie_consume_reply(struct cookie_jar *jar,
	const struct wg_message_cookie *reply, struct mono now)
{
	uint8_t key[HASH_SIZE], cookie[COOKIE_SIZE];

	if (!jar->sent_mac1)
		return false;
	derive(key, cookie_label, jar->remote);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(cookie, NULL, NULL,
		    reply->encrypted_cookie, sizeof(reply->encrypted_cookie),
		    jar->last_mac1_sent, sizeof(jar->last_mac1_sent),
		    reply->nonce, key) != 0)
		return false;
	memcpy(jar->cookie, cookie, sizeof(cookie));
	jar->birthdate = now;
	jar->has_cookie = true;
	jar->sent_mac1 = false;
	sodium_memzero(cookie, sizeof(cookie));
	return true;
}
