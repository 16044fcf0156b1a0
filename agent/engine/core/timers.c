#include "config.h"

#include "engine/core/timers.h"
#include "engine/core/device.h"
#include "engine/core/limits.h"

#include "base/banned.h"

void timers_init(struct timers *t, struct heap *heap)
{
	*t = (struct timers){ .heap = heap };
	for (size_t i = 0; i < TIMER_COUNT; i++)
		t->deadline[i] = MONO_NEVER;
	t->node.deadline = MONO_NEVER;
}

void timers_stop(struct timers *t)
{
	for (size_t i = 0; i < TIMER_COUNT; i++)
		t->deadline[i] = MONO_NEVER;
	heap_set(t->heap, &t->node, MONO_NEVER);
	t->node.deadline = MONO_NEVER;
	t->handshake_attempts = 0;
	t->need_another_keepalive = false;
	t->sent_lastminute_handshake = false;
	t->sent_handshake_before = false;
}

bool timers_pending(const struct timers *t, enum timer timer)
{
	return t->deadline[timer].ns != MONO_NEVER.ns;
}

static void arm(struct timers *t, enum timer timer, struct mono deadline)
{
	t->deadline[timer] = deadline;
	if (!t->node.slot || mono_before(deadline, t->node.deadline))
		heap_set(t->heap, &t->node, deadline);
}

static void disarm(struct timers *t, enum timer timer)
{
	t->deadline[timer] = MONO_NEVER;
}

static int64_t jitter(const struct wg_rng *rng)
{
	uint8_t b[4];
	uint64_t r;

	rng->fill(rng->arg, b, sizeof(b));
	r = (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 |
		(uint64_t)b[3] << 24;
	return (int64_t)(r * (uint64_t)JITTER_MAX_NS >> 32);
}

void timers_on_data_sent(
	struct timers *t, struct mono now, const struct wg_rng *rng)
{
	if (!timers_pending(t, TIMER_NEW_HANDSHAKE))
		arm(t, TIMER_NEW_HANDSHAKE,
			mono_add(now,
				KEEPALIVE_TIMEOUT_NS + REKEY_TIMEOUT_NS +
					jitter(rng)));
}

void timers_on_data_received(struct timers *t, struct mono now)
{
	if (timers_pending(t, TIMER_SEND_KEEPALIVE))
		t->need_another_keepalive = true;
	else
		arm(t, TIMER_SEND_KEEPALIVE,
			mono_add(now, KEEPALIVE_TIMEOUT_NS));
}

void timers_on_any_authenticated_packet_sent(struct timers *t)
{
	disarm(t, TIMER_SEND_KEEPALIVE);
}

void timers_on_any_authenticated_packet_received(struct timers *t)
{
	disarm(t, TIMER_NEW_HANDSHAKE);
}

void timers_on_any_authenticated_packet_traversal(
	struct timers *t, struct mono now)
{
	if (t->persistent_keepalive_sec)
		arm(t, TIMER_PERSISTENT_KEEPALIVE,
			mono_add(now,
				t->persistent_keepalive_sec * NSEC_PER_SEC));
}

void timers_on_handshake_initiated(
	struct timers *t, struct mono now, const struct wg_rng *rng)
{
	arm(t, TIMER_RETRANSMIT_HANDSHAKE,
		mono_add(now, REKEY_TIMEOUT_NS + jitter(rng)));
}

void timers_on_handshake_complete(struct timers *t)
{
	disarm(t, TIMER_RETRANSMIT_HANDSHAKE);
	t->handshake_attempts = 0;
	t->sent_lastminute_handshake = false;
}

void timers_on_session_derived(struct timers *t, struct mono now)
{
	arm(t, TIMER_ZERO_KEYS, mono_add(now, ZERO_KEYS_AFTER_NS));
}

bool timers_may_initiate(const struct timers *t, struct mono now)
{
	return !t->sent_handshake_before ||
		mono_sub(now, t->last_sent_handshake) >= REKEY_TIMEOUT_NS;
}

void timers_on_handshake_sent(struct timers *t, struct mono now)
{
	t->last_sent_handshake = now;
	t->sent_handshake_before = true;
}

void timers_on_initiation_deferred(struct timers *t)
{
	if (!timers_pending(t, TIMER_RETRANSMIT_HANDSHAKE))
		arm(t, TIMER_RETRANSMIT_HANDSHAKE,
			mono_add(t->last_sent_handshake, REKEY_TIMEOUT_NS));
}

void timers_on_endpoint_missing(
	struct timers *t, struct mono now, const struct wg_rng *rng)
{
	if (!timers_pending(t, TIMER_RETRANSMIT_HANDSHAKE))
		timers_on_handshake_initiated(t, now, rng);
}

static enum timer earliest(const struct timers *t)
{
	enum timer best = 0;

	for (enum timer i = 1; i < TIMER_COUNT; i++)
		if (mono_before(t->deadline[i], t->deadline[best]))
			best = i;
	return best;
}

static enum duty on_expired(struct timers *t, enum timer timer, struct mono now)
{
	switch (timer) {
	case TIMER_RETRANSMIT_HANDSHAKE:
		if (t->handshake_attempts < HANDSHAKE_RETRIES_MAX) {
			t->handshake_attempts++;
			return DUTY_RETRY;
		}
		disarm(t, TIMER_SEND_KEEPALIVE);
		if (!timers_pending(t, TIMER_ZERO_KEYS))
			arm(t, TIMER_ZERO_KEYS,
				mono_add(now, ZERO_KEYS_AFTER_NS));
		return DUTY_GIVE_UP;
	case TIMER_SEND_KEEPALIVE:
		if (t->need_another_keepalive) {
			t->need_another_keepalive = false;
			arm(t, TIMER_SEND_KEEPALIVE,
				mono_add(now, KEEPALIVE_TIMEOUT_NS));
		}
		return DUTY_KEEPALIVE;
	case TIMER_NEW_HANDSHAKE:
		return DUTY_INITIATE;
	case TIMER_ZERO_KEYS:
		return DUTY_ZERO_KEYS;
	case TIMER_PERSISTENT_KEEPALIVE:
		return t->persistent_keepalive_sec ? DUTY_KEEPALIVE : DUTY_NONE;
	case TIMER_COUNT:
		break;
	}
	return DUTY_NONE;
}

enum duty timers_expire(struct timers *t, struct mono now)
{
	enum timer timer = earliest(t);

	while (timers_pending(t, timer) &&
		mono_reached(t->deadline[timer], now)) {
		enum duty duty;

		disarm(t, timer);
		duty = on_expired(t, timer, now);
		if (duty != DUTY_NONE)
			return duty;
		timer = earliest(t);
	}
	heap_set(t->heap, &t->node, t->deadline[timer]);
	return DUTY_NONE;
}
