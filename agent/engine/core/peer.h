/*
 * peer: one peer of a device, and what it has to do. Private to the core: the
 * world sees device.h.
 *
 * Effects are wishes: rules set a WANT and queue the peer; poll turns it into a
 * datagram or an event, with the time and keys of that moment.
 */
#ifndef ENGINE_CORE_PEER_H
#define ENGINE_CORE_PEER_H

#include "base/hash.h"
#include "base/list.h"
#include "engine/core/cookie.h"
#include "engine/core/device.h"
#include "engine/core/handshake.h"
#include "engine/core/keyring.h"
#include "engine/core/staging.h"
#include "engine/core/timers.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order in which poll takes them. */
enum want {
	WANT_EVENT_SESSION = 1 << 0,
	WANT_EVENT_ENDPOINT = 1 << 1,
	WANT_EVENT_UNREACHABLE = 1 << 2,
	WANT_RESPONSE = 1 << 3,
	WANT_INITIATION = 1 << 4,
	WANT_STAGED = 1 << 5,
	WANT_KEEPALIVE = 1 << 6,
};

struct wg_peer {
	struct hash_node by_key;
	struct list in_device;	/* the order of adding */
	struct list in_pending; /* while wants is not 0 */
	unsigned int wants;	/* enum want bits */

	struct handshake handshake;
	struct keyring keyring;
	struct timers timers;
	struct cookie_jar jar;
	struct staged staged;
	struct list allowedips;
	struct wg_path path;

	struct wall last_handshake;
	struct mono last_receive;
	uint64_t rx_bytes, tx_bytes;
	void *tag;
};

/* Caller reserved the device's tables. NULL: out of memory. */
struct wg_peer *peer_new(struct wg_device *dev, const struct pubkey *key);
/* Unlinks from every table, wipes every key. NULL is fine. */
void peer_free(struct wg_device *dev, struct wg_peer *peer);

void peer_want(struct wg_device *dev, struct wg_peer *peer, enum want want);
bool peer_has_endpoint(const struct wg_peer *peer);
/* Lets routing choose the source again. */
void peer_forget_source(struct wg_peer *peer);

enum retry { FIRST_TRY, IS_RETRY };

/* send.c: each looks whether it is needed and possible. */
void peer_want_initiation(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, enum retry retry);
void peer_want_keepalive(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now);
/* There are staged packets, or a way for them: send or initiate. */
void peer_want_staged(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now);

/* send.c, for poll: false if there was nothing to send after all. */
WARN_UNUSED bool peer_send_response(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, struct wg_out *ret_out);
WARN_UNUSED bool peer_send_initiation(struct wg_device *dev,
	struct wg_peer *peer, const struct now *now, struct wg_out *ret_out);
WARN_UNUSED bool peer_send_staged(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, struct wg_out *ret_out);
WARN_UNUSED bool peer_send_keepalive(struct wg_device *dev,
	struct wg_peer *peer, const struct now *now, struct wg_out *ret_out);

#endif
