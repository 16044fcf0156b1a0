/*
 * cookie: macs of handshake messages, and the cookies that make an initiator
 * prove its address while we are under load (WP 5.4.4, 5.4.7).
 *
 *   mac1 = MAC(HASH("mac1----" || responder), message up to mac1)
 *   mac2 = MAC(cookie, message up to mac2)       zero without a cookie
 *   cookie = MAC(secret that lives 120 s, address || port)
 *
 * The checker is a device's, the cookie jar a peer's.
 */
#ifndef ENGINE_CORE_COOKIE_H
#define ENGINE_CORE_COOKIE_H

#include "base/auto.h"
#include "base/endpoint.h"
#include "base/key.h"
#include "base/time.h"
#include "engine/core/messages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wg_rng;

struct cookie_checker {
	uint8_t mac1_key[KEY_SIZE];
	uint8_t cookie_key[KEY_SIZE];
	uint8_t secret[KEY_SIZE];
	struct mono secret_birthdate;
	bool has_secret;
};

struct cookie_jar {
	const struct pubkey *remote; /* the keys are hashed anew each time:
				      * 64 bytes less for an idle peer */
	uint8_t last_mac1_sent[COOKIE_SIZE];
	bool sent_mac1; /* and no reply to it was consumed yet */
	uint8_t cookie[COOKIE_SIZE];
	struct mono birthdate;
	bool has_cookie;
};

void cookie_checker_set_key(
	struct cookie_checker *checker, const struct pubkey *ours);
/* Borrows REMOTE for life. */
void cookie_jar_init(struct cookie_jar *jar, const struct pubkey *remote);

/* Fills the macs, which are the last bytes of MESSAGE. */
void cookie_add_macs(
	struct cookie_jar *jar, void *message, size_t len, struct mono now);

WARN_UNUSED bool cookie_check_mac1(
	const struct cookie_checker *checker, const void *message, size_t len);
/* Mac2 under the cookie that FROM would have been given. */
WARN_UNUSED bool cookie_check_mac2(struct cookie_checker *checker,
	const void *message, size_t len, const struct endpoint *from,
	struct mono now, const struct wg_rng *rng);

/* The answer to MESSAGE, whose mac1 was right. */
void cookie_create_reply(struct cookie_checker *checker, const void *message,
	size_t len, const struct endpoint *from, struct mono now,
	const struct wg_rng *rng, struct wg_message_cookie *ret_reply);
/* False: not the answer to our last message. */
WARN_UNUSED bool cookie_consume_reply(struct cookie_jar *jar,
	const struct wg_message_cookie *reply, struct mono now);

#endif
