#include "config.h"

#include "engine/core/handshake.h"
#include "engine/core/device.h"
#include "engine/core/limits.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

static void begin(struct noise *n, const struct pubkey *responder)
{
	noise_begin(n, identifier, sizeof(identifier) - 1, responder);
}

static void generate_ephemeral(struct seckey *ret, const struct wg_rng *rng)
{
	rng->fill(rng->arg, ret->b, sizeof(ret->b));
	seckey_clamp(ret);
}

void handshake_init(struct handshake *hs, const struct pubkey *remote)
{
	*hs = (struct handshake){ .remote.public = *remote };
}

static void clear_initiator(struct handshake *hs)
{
	hs->initiator.state = INITIATOR_NONE;
	sodium_memzero(&hs->initiator.noise, sizeof(hs->initiator.noise));
	seckey_wipe(&hs->initiator.ephemeral);
}

static void clear_responder(struct handshake *hs)
{
	hs->responder.state = RESPONDER_NONE;
	hs->responder.remote_index = 0;
	sodium_memzero(&hs->responder.noise, sizeof(hs->responder.noise));
	sodium_memzero(&hs->responder.remote_ephemeral,
		sizeof(hs->responder.remote_ephemeral));
}

void handshake_clear(struct handshake *hs, struct index_table *table)
{
	index_remove(table, &hs->initiator.entry);
	index_remove(table, &hs->responder.entry);
	clear_initiator(hs);
	clear_responder(hs);
}

struct wall handshake_timestamp(struct wall wall, struct wall previous)
{
	int64_t ns = wall.ns > 0 ? wall.ns : 0;

	if (ns > TIMESTAMP_MAX_NS)
		ns = TIMESTAMP_MAX_NS;
	if (ns < previous.ns + TIMESTAMP_GRAIN_NS)
		ns = previous.ns + TIMESTAMP_GRAIN_NS;
	/* Cut within the second. PREVIOUS was cut as well, so a whole grain
	 * more, or the second it runs over into, stays above it. */
	ns -= ns % NSEC_PER_SEC % TIMESTAMP_GRAIN_NS;
	return (struct wall){ ns };
}

void tai64n_encode(uint8_t ret[static TAI64N_SIZE], struct wall t)
{
	/* TAI64 label of 1970 UTC, taking TAI - UTC as 10 s for all times. */
	struct be64 sec = be64_make(
		UINT64_C(0x400000000000000a) + (uint64_t)(t.ns / NSEC_PER_SEC));
	struct be32 nsec = be32_make((uint32_t)(t.ns % NSEC_PER_SEC));

	memcpy(ret, sec.b, sizeof(sec.b));
	memcpy(ret + sizeof(sec.b), nsec.b, sizeof(nsec.b));
}

bool handshake_create_initiation(struct handshake *hs,
	const struct noise_identity *identity, struct index_table *table,
	struct wg_peer *peer, const struct wg_rng *rng, struct wall timestamp,
	struct wg_message_initiation *ret_message)
{
	uint8_t tai64n[TAI64N_SIZE];

	if (!identity->present || !noise_prepare(&hs->remote, identity))
		return false;
	clear_initiator(hs);
	begin(&hs->initiator.noise, &hs->remote.public);
	generate_ephemeral(&hs->initiator.ephemeral, rng);
	tai64n_encode(tai64n, timestamp);
	if (!noise_write_initiation(&hs->initiator.noise, identity, &hs->remote,
		    &hs->initiator.ephemeral, tai64n, sizeof(tai64n),
		    &ret_message->ephemeral, ret_message->encrypted_static,
		    ret_message->encrypted_timestamp)) {
		index_remove(table, &hs->initiator.entry);
		clear_initiator(hs);
		return false;
	}
	index_insert(table, rng, &hs->initiator.entry, INDEX_HANDSHAKE, peer);
	ret_message->type = le32_make(MESSAGE_INITIATION);
	ret_message->sender_index = le32_make(hs->initiator.entry.index);
	hs->initiator.state = CREATED_INITIATION;
	hs->last_sent_timestamp = timestamp;
	return true;
}

bool handshake_open_initiation(const struct noise_identity *identity,
	const struct wg_message_initiation *message,
	struct opened_initiation *ret_opened)
{
	struct opened_initiation opened = { .message = message };
	bool ok = false;

	if (!identity->present)
		return false;
	begin(&opened.noise, &identity->public);
	ok = noise_read_initiation_static(&opened.noise, identity,
		&message->ephemeral, message->encrypted_static,
		&opened.static_key);
	if (ok)
		*ret_opened = opened;
	sodium_memzero(&opened, sizeof(opened));
	return ok;
}

static enum initiation_verdict judge(const struct handshake *hs,
	const uint8_t timestamp[static TAI64N_SIZE], struct mono now)
{
	/* Big-endian: the order of the bytes is the order of time. */
	bool is_replay =
		memcmp(timestamp, hs->latest_timestamp, TAI64N_SIZE) <= 0;
	bool is_flood = hs->consumed_before &&
		mono_sub(now, hs->last_initiation_consumption) <
			INITIATION_GAP_NS;

	if (is_replay)
		return INITIATION_REPLAYED;
	if (is_flood)
		return INITIATION_FLOODED;
	return INITIATION_ACCEPTED;
}

enum initiation_verdict handshake_accept_initiation(struct handshake *hs,
	const struct noise_identity *identity, struct opened_initiation *opened,
	struct mono now)
{
	const struct wg_message_initiation *message = opened->message;
	enum initiation_verdict verdict = INITIATION_BAD;
	uint8_t timestamp[TAI64N_SIZE];

	if (!noise_prepare(&hs->remote, identity) ||
		!noise_read_initiation_payload(&opened->noise, &hs->remote,
			message->encrypted_timestamp, sizeof(timestamp),
			timestamp))
		goto out;
	verdict = judge(hs, timestamp, now);
	if (verdict != INITIATION_ACCEPTED)
		goto out;
	hs->responder.noise = opened->noise;
	hs->responder.remote_ephemeral = message->ephemeral;
	hs->responder.remote_index = le32_get(message->sender_index);
	hs->responder.state = CONSUMED_INITIATION;
	memcpy(hs->latest_timestamp, timestamp, sizeof(timestamp));
	hs->last_initiation_consumption = now;
	hs->consumed_before = true;
out:
	sodium_memzero(opened, sizeof(*opened));
	return verdict;
}

bool handshake_create_response(struct handshake *hs, struct index_table *table,
	struct wg_peer *peer, const struct wg_rng *rng,
	struct wg_message_response *ret_message, struct session *ret_session)
{
	struct {
		struct seckey ephemeral;
		struct noise noise;
	} secret;
	bool ok = false;

	if (hs->responder.state != CONSUMED_INITIATION)
		return false;
	generate_ephemeral(&secret.ephemeral, rng);
	secret.noise = hs->responder.noise;
	if (!noise_write_response(&secret.noise, &hs->remote,
		    &hs->responder.remote_ephemeral, &secret.ephemeral, NULL, 0,
		    &ret_message->ephemeral, ret_message->encrypted_nothing))
		goto out;
	index_insert(table, rng, &hs->responder.entry, INDEX_HANDSHAKE, peer);
	ret_message->type = le32_make(MESSAGE_RESPONSE);
	ret_message->sender_index = le32_make(hs->responder.entry.index);
	ret_message->receiver_index = le32_make(hs->responder.remote_index);
	noise_split(&secret.noise, ret_session->receiving_key,
		ret_session->sending_key);
	ret_session->remote_index = hs->responder.remote_index;
	ret_session->i_am_the_initiator = false;
	ok = true;
out:
	clear_responder(hs);
	sodium_memzero(&secret, sizeof(secret));
	return ok;
}

bool handshake_consume_response(struct handshake *hs,
	const struct noise_identity *identity,
	const struct wg_message_response *message, struct session *ret_session)
{
	struct noise noise;
	bool ok = false;

	if (hs->initiator.state != CREATED_INITIATION || !identity->present)
		return false;
	noise = hs->initiator.noise;
	if (!noise_read_response(&noise, identity, &hs->remote,
		    &hs->initiator.ephemeral, &message->ephemeral,
		    message->encrypted_nothing, 0, NULL))
		goto out;
	noise_split(
		&noise, ret_session->sending_key, ret_session->receiving_key);
	ret_session->remote_index = le32_get(message->sender_index);
	ret_session->i_am_the_initiator = true;
	clear_initiator(hs);
	ok = true;
out:
	sodium_memzero(&noise, sizeof(noise));
	return ok;
}
