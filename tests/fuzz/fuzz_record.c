/*
 * Hostile bytes as an envelope's text, and as a payload that somebody signed;
 * both offered to a trust. Whatever opens must sign again to the same record,
 * and nothing but the right keys' records may be believed.
 */
#include "config.h"
#include "meshproto/record.h"
#include "meshproto/trust.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct signseed operator_seed, other_seed;

static void offer(struct trust *trust, const struct envelope *env)
{
	struct now now = { .wall = { INT64_C(1800000000) * NSEC_PER_SEC } };
	struct err err = { 0 };
	enum trust_verdict verdict = trust_offer(trust, env, &now, &err);

	/* what is refused is named, and what is believed was the operator's:
	 * the trust is empty, so nobody else has a say but on his own removal */
	BUG_ON((verdict == TRUST_REFUSED) != (*err.msg != '\0'));
	if (verdict == TRUST_ACCEPTED) {
		struct signpub op = signseed_public(&operator_seed);
		struct record rec;

		BUG_ON(record_open(env, &rec, NULL) != 0);
		BUG_ON(rec.type != RECORD_REMOVAL &&
			!key_equal(env->key.b, op.b));
		BUG_ON(trust_offer(trust, env, &now, &err) != TRUST_KNOWN);
	}
}

static void sign_and_open(struct trust *trust, const uint8_t *data, size_t size,
	const struct signseed *seed)
{
	struct envelope *env = malloc(sizeof(*env) + size), *again = NULL;
	struct record rec, back;
	struct err err = { 0 };

	if (!env)
		return;
	memcpy(env->payload, data, size);
	env->payload_len = size;
	env->key = signseed_public(seed);
	env->sig = signseed_sign(seed, env->payload, size);
	if (record_open(env, &rec, &err) == 0) {
		BUG_ON(record_sign(&rec, seed, &again, &err) != 0);
		BUG_ON(record_open(again, &back, &err) != 0);
		BUG_ON(back.type != rec.type || back.serial != rec.serial);
	}
	offer(trust, env);
	envelope_free(again);
	envelope_free(env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(envelope_free) struct envelope *env = NULL;
	AUTO(trust_free) struct trust *trust = NULL;
	AUTO(buf_release) struct buf text = BUF_INIT(65536);
	AUTO(envelope_free) struct envelope *back = NULL;
	struct signpub op;

	if (sodium_init() < 0)
		return 0;
	memset(operator_seed.b, 1, sizeof(operator_seed.b));
	memset(other_seed.b, 2, sizeof(other_seed.b));
	op = signseed_public(&operator_seed);
	trust = trust_new(&op);
	if (!trust)
		return 0;
	/* cast: fuzzed bytes as the text they may be */
	if (envelope_decode((const char *)data, size, &env, NULL) == 0) {
		BUG_ON(envelope_encode(env, &text) != 0);
		BUG_ON(envelope_decode(text.data, text.len, &back, NULL) != 0);
		BUG_ON(!envelope_equal(env, back));
		offer(trust, env);
	}
	sign_and_open(trust, data, size, &other_seed);
	sign_and_open(trust, data, size, &operator_seed);
	return 0;
}
