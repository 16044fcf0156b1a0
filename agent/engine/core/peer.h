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
#include "engine/core/flow.h"
#include "engine/core/keyring.h"
#include "engine/core/retire.h"
#include "engine/core/staging.h"
#include "engine/core/timers.h"

#include <stdbool.h>
#include <stddef.h>
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
	struct flow flow; /* what workers see and write */
	struct cookie_jar jar;
	struct staged staged;
	struct list allowedips;
	struct wg_path path; /* flow.path is a copy */
	uint32_t taken;	     /* of flow.handed_over: what came here */
	struct list in_unsettled;

	struct wall last_handshake;
	void *tag;
	bool removed; /* waits for workers to let go of it */
	struct retired retired;
};

/* Caller reserved the device's tables. NULL: out of memory. */
struct wg_peer *peer_new(struct wg_device *dev, const struct pubkey *key);
/* Unlinks from every table and retires it: keys are wiped when no worker can
 * see it any more. NULL is fine. */
void peer_free(struct wg_device *dev, struct wg_peer *peer);

void peer_want(struct wg_device *dev, struct wg_peer *peer, enum want want);
bool peer_has_endpoint(const struct wg_peer *peer);
void peer_set_path(struct wg_peer *peer, const struct wg_path *path);
/* Lets routing choose the source again. */
void peer_forget_source(struct wg_peer *peer);
/* After each change of the keyring: workers see its current keypair. */
void peer_publish_keypair(struct wg_peer *peer);
/* A packet waits in control's hands. */
void peer_stage(struct wg_device *dev, struct wg_peer *peer,
	const uint8_t *packet, size_t len);
/* If nothing of it waits any more, workers may seal again. */
void peer_settle(struct wg_peer *peer);
void peer_purge_staged(struct wg_device *dev, struct wg_peer *peer);

enum retry { FIRST_TRY, IS_RETRY };

/* send.c: each looks whether it is needed and possible. */
void peer_want_initiation(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, enum retry retry);
void peer_want_keepalive(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now);
/* There are staged packets, or a way for them: send or initiate. */
void peer_want_staged(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now);

/* receive.c: a message that is no data, or too short for it. */
enum wg_verdict receive_message(struct wg_device *dev, const struct now *now,
	const struct wg_path *path, const uint8_t *bytes, size_t len);

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
