/*
 * messages: the four messages as they travel (WP 5.4). Every field is bytes, so
 * a received buffer may be read through these structs at any alignment.
 */
#ifndef ENGINE_CORE_MESSAGES_H
#define ENGINE_CORE_MESSAGES_H

#include "base/key.h"
#include "base/wire.h"
#include "engine/aead/aead.h"

#include <stddef.h>
#include <stdint.h>

#define SEALED_SIZE(n) ((n) + AEAD_TAG_SIZE)
#define COOKIE_SIZE    16
#define TAI64N_SIZE    12
#define XNONCE_SIZE    24
#define DATA_PADDING   16

/* The first byte, and three reserved bytes that must be 0: one le32. */
enum wg_message_type {
	MESSAGE_INITIATION = 1,
	MESSAGE_RESPONSE = 2,
	MESSAGE_COOKIE = 3,
	MESSAGE_DATA = 4,
};

struct wg_macs {
	uint8_t mac1[COOKIE_SIZE];
	uint8_t mac2[COOKIE_SIZE];
};

struct wg_message_initiation { /* WP 5.4.2 */
	struct le32 type;
	struct le32 sender_index;
	struct pubkey ephemeral;
	uint8_t encrypted_static[SEALED_SIZE(KEY_SIZE)];
	uint8_t encrypted_timestamp[SEALED_SIZE(TAI64N_SIZE)];
	struct wg_macs macs;
};

struct wg_message_response { /* WP 5.4.3 */
	struct le32 type;
	struct le32 sender_index;
	struct le32 receiver_index;
	struct pubkey ephemeral;
	uint8_t encrypted_nothing[SEALED_SIZE(0)];
	struct wg_macs macs;
};

struct wg_message_cookie { /* WP 5.4.7 */
	struct le32 type;
	struct le32 receiver_index;
	uint8_t nonce[XNONCE_SIZE];
	uint8_t encrypted_cookie[SEALED_SIZE(COOKIE_SIZE)];
};

struct wg_message_data { /* WP 5.4.6; the sealed packet follows */
	struct le32 type;
	struct le32 receiver_index;
	struct le64 counter;
};

_Static_assert(sizeof(struct wg_message_initiation) == 148, "WP 5.4.2");
_Static_assert(sizeof(struct wg_message_response) == 92, "WP 5.4.3");
_Static_assert(sizeof(struct wg_message_cookie) == 64, "WP 5.4.7");
_Static_assert(sizeof(struct wg_message_data) == 16, "WP 5.4.6");
_Static_assert(_Alignof(struct wg_message_initiation) == 1, "bytes only");
_Static_assert(_Alignof(struct wg_message_data) == 1, "bytes only");

/* An empty data message: a keepalive. */
#define KEEPALIVE_SIZE	   (sizeof(struct wg_message_data) + SEALED_SIZE(0))
#define HANDSHAKE_SIZE_MAX sizeof(struct wg_message_initiation)

#endif
