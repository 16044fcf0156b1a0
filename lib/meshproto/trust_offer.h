/*
 * trust_offer: one offer, as trust_batch.c needs it. For trust*.c alone.
 */
#ifndef MESHPROTO_TRUST_OFFER_H
#define MESHPROTO_TRUST_OFFER_H

#include "meshproto/trust.h"

/* trust_offer(), and whether a refusal may change once other records came. */
enum trust_verdict trust_offer_one(struct trust *trust,
	const struct envelope *env, const struct now *now, struct err *err,
	bool *ret_may_change);

#endif
