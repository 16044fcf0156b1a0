/*
 * handshake: one peer's handshakes as messages: Noise with indices, timestamp
 * and limits around it (WP 5.4.2, 5.4.3).
 *
 * A peer has two halves that do not disturb each other, so that initiations
 * that cross on the way both end in a session:
 *
 *   initiator  NONE -> CREATED_INITIATION -> (session)
 *   responder  NONE -> CONSUMED_INITIATION -> (session)
 *
 *   handshake_create_initiation   initiator: any  -> CREATED_INITIATION
 *   handshake_consume_response    initiator: CREATED_INITIATION -> NONE
 *   handshake_accept_initiation   responder: any  -> CONSUMED_INITIATION
 *   handshake_create_response     responder: CONSUMED_INITIATION -> NONE
 *   handshake_clear               both -> NONE
 *
 * Consumers work on copies and commit once, after the last tag was right: a
 * message that is not authentic changes nothing.
 *
 * Macs and cookies are cookie.h's.
 */
#ifndef ENGINE_CORE_HANDSHAKE_H
#define ENGINE_CORE_HANDSHAKE_H

#include "base/auto.h"
#include "base/key.h"
#include "base/time.h"
#include "engine/core/index.h"
#include "engine/core/keyring.h"
#include "engine/core/messages.h"
#include "engine/core/noise.h"

#include <stdbool.h>
#include <stdint.h>

enum initiator_state { INITIATOR_NONE, CREATED_INITIATION };
enum responder_state { RESPONDER_NONE, CONSUMED_INITIATION };

struct handshake {
	struct noise_remote remote;
	struct {
		enum initiator_state state;
		struct noise noise;
		struct seckey ephemeral;
		struct index_entry entry; /* INDEX_HANDSHAKE while created */
	} initiator;
	struct {
		enum responder_state state;
		struct noise noise;
		struct pubkey remote_ephemeral;
		uint32_t remote_index;
		struct index_entry entry; /* free between calls */
	} responder;
	/* Greatest one the peer ever proved: a replay is not above it. */
	uint8_t latest_timestamp[TAI64N_SIZE];
	bool consumed_before;
	struct mono last_initiation_consumption;
	struct wall last_sent_timestamp;
};

/* An initiation opened as far as it goes without knowing the peer. */
struct opened_initiation {
	struct noise noise;
	struct pubkey static_key;		     /* whose it claims to be */
	const struct wg_message_initiation *message; /* borrowed */
};

enum initiation_verdict {
	INITIATION_ACCEPTED,
	INITIATION_BAD,	     /* not authentic */
	INITIATION_REPLAYED, /* timestamp not above the latest */
	INITIATION_FLOODED,  /* above INITIATIONS_PER_SEC */
};

/* PSK starts as zero. */
void handshake_init(struct handshake *hs, const struct pubkey *remote);
/* Forgets both halves, keeps what is known of the peer. */
void handshake_clear(struct handshake *hs, struct index_table *table);

/* The timestamp to send at WALL: cut to TIMESTAMP_GRAIN_NS and above PREVIOUS.
 * Strictly rising even if the wall clock is not. */
struct wall handshake_timestamp(struct wall wall, struct wall previous);
void tai64n_encode(uint8_t ret[static TAI64N_SIZE], struct wall t);

/* False without an identity or with a degenerate peer key. Macs are the
 * caller's to add. */
WARN_UNUSED bool handshake_create_initiation(struct handshake *hs,
	const struct noise_identity *identity, struct index_table *table,
	struct wg_peer *peer, const struct wg_rng *rng, struct wall timestamp,
	struct wg_message_initiation *ret_message);
WARN_UNUSED bool handshake_open_initiation(
	const struct noise_identity *identity,
	const struct wg_message_initiation *message,
	struct opened_initiation *ret_opened);
/* OPENED->static_key is HS's remote. OPENED is wiped. */
WARN_UNUSED enum initiation_verdict handshake_accept_initiation(
	struct handshake *hs, const struct noise_identity *identity,
	struct opened_initiation *opened, struct mono now);

/* On true RET_SESSION is for hs->responder.entry, which the keyring takes
 * over. */
WARN_UNUSED bool handshake_create_response(struct handshake *hs,
	struct index_table *table, struct wg_peer *peer,
	const struct wg_rng *rng, struct wg_message_response *ret_message,
	struct session *ret_session);
/* The same, for hs->initiator.entry. */
WARN_UNUSED bool handshake_consume_response(struct handshake *hs,
	const struct noise_identity *identity,
	const struct wg_message_response *message, struct session *ret_session);

#endif
