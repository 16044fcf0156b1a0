#include "config.h"

#include "engine/core/timers.h"
#include "engine/core/device.h"
#include "engine/core/limits.h"

#include "base/banned.h"

void timers_init(struct timers *t, struct heap *heap, struct activity *activity)
{
	*t = (struct timers){ .heap = heap, .activity = activity };
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
	t->sent_handshake_before = false;
	activity_clear(t->activity);
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

/* --- waits that workers begin and end --- */

/* Is it watched already, or is there nothing to watch? Else it is from here on,
 * with a timer that the caller arms at RET_SINCE and its timeout. */
static bool begin_watch(struct timers *t, enum timer timer, enum watch watch,
	_Atomic int64_t *since, struct mono *ret_since)
{
	int64_t ns;

	if (timers_pending(t, timer))
		return false;
	atomic_fetch_or(&t->activity->watched, (uint32_t)watch);
	ns = atomic_load(since);
	if (ns == 0) { /* over already: the next one will be told again */
		atomic_fetch_and(&t->activity->watched, ~(uint32_t)watch);
		/* or has just begun, by one who saw it watched */
		ns = atomic_load(since);
		if (ns == 0)
			return false;
		atomic_fetch_or(&t->activity->watched, (uint32_t)watch);
	}
	*ret_since = (struct mono){ ns };
	return true;
}

void timers_watch(struct timers *t, const struct wg_rng *rng)
{
	struct activity *a = t->activity;
	struct mono since;

	if (begin_watch(t, TIMER_NEW_HANDSHAKE, WATCH_UNANSWERED,
		    &a->unanswered_ns, &since)) {
		t->silence_ns =
			KEEPALIVE_TIMEOUT_NS + REKEY_TIMEOUT_NS + jitter(rng);
		arm(t, TIMER_NEW_HANDSHAKE, mono_add(since, t->silence_ns));
	}
	if (begin_watch(t, TIMER_SEND_KEEPALIVE, WATCH_UNACKED, &a->unacked_ns,
		    &since))
		arm(t, TIMER_SEND_KEEPALIVE,
			mono_add(since, KEEPALIVE_TIMEOUT_NS));
}

/* TIMER fired. True: its wait lasts since TIMEOUT_NS at least, and is taken as
 * dealt with. Else it is armed again for the wait that is on, if one is. */
static bool wait_is_over(struct timers *t, enum timer timer, enum watch watch,
	_Atomic int64_t *since, int64_t timeout_ns, struct mono now)
{
	struct mono began = { atomic_load(since) };

	if (began.ns != 0 && mono_sub(now, began) >= timeout_ns) {
		atomic_store(since, 0);
		atomic_fetch_and(&t->activity->watched, ~(uint32_t)watch);
		return true;
	}
	if (began.ns == 0) {
		atomic_fetch_and(&t->activity->watched, ~(uint32_t)watch);
		if (!begin_watch(t, timer, watch, since, &began))
			return false;
	}
	arm(t, timer, mono_add(began, timeout_ns));
	return false;
}

/* --- control's own messages --- */

void timers_on_data_sent(
	struct timers *t, struct mono now, const struct wg_rng *rng)
{
	if (activity_on_data_sent(t->activity, now))
		timers_watch(t, rng);
}

static void keep_alive_from(struct timers *t, struct mono now)
{
	if (t->persistent_keepalive_sec &&
		!timers_pending(t, TIMER_PERSISTENT_KEEPALIVE))
		arm(t, TIMER_PERSISTENT_KEEPALIVE,
			mono_add(now,
				t->persistent_keepalive_sec * NSEC_PER_SEC));
}

void timers_on_any_authenticated_packet_sent(struct timers *t, struct mono now)
{
	activity_on_any_sent(t->activity, now);
	keep_alive_from(t, now);
}

void timers_on_any_authenticated_packet_received(
	struct timers *t, struct mono now)
{
	activity_on_any_received(t->activity, now);
	keep_alive_from(t, now);
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

static enum duty give_up(struct timers *t, struct mono now)
{
	struct activity *a = t->activity;

	atomic_store(&a->unacked_ns, 0);
	if (!timers_pending(t, TIMER_ZERO_KEYS))
		arm(t, TIMER_ZERO_KEYS, mono_add(now, ZERO_KEYS_AFTER_NS));
	return DUTY_GIVE_UP;
}

static enum duty on_unacked(struct timers *t, struct mono now)
{
	struct activity *a = t->activity;
	struct mono since;

	if (!wait_is_over(t, TIMER_SEND_KEEPALIVE, WATCH_UNACKED,
		    &a->unacked_ns, KEEPALIVE_TIMEOUT_NS, now))
		return DUTY_NONE;
	if (atomic_exchange(&a->need_another_keepalive, false)) {
		atomic_store(&a->unacked_ns, now.ns);
		if (begin_watch(t, TIMER_SEND_KEEPALIVE, WATCH_UNACKED,
			    &a->unacked_ns, &since))
			arm(t, TIMER_SEND_KEEPALIVE,
				mono_add(since, KEEPALIVE_TIMEOUT_NS));
	}
	return DUTY_KEEPALIVE;
}

static enum duty on_persistent(struct timers *t, struct mono now)
{
	int64_t interval = t->persistent_keepalive_sec * NSEC_PER_SEC;
	struct mono last = { atomic_load_explicit(
		&t->activity->traversed_ns, memory_order_relaxed) };

	if (!interval)
		return DUTY_NONE;
	if (last.ns != 0 && mono_sub(now, last) < interval) {
		arm(t, TIMER_PERSISTENT_KEEPALIVE, mono_add(last, interval));
		return DUTY_NONE;
	}
	return DUTY_KEEPALIVE;
}

static enum duty on_expired(struct timers *t, enum timer timer, struct mono now)
{
	switch (timer) {
	case TIMER_RETRANSMIT_HANDSHAKE:
		if (t->handshake_attempts >= HANDSHAKE_RETRIES_MAX)
			return give_up(t, now);
		t->handshake_attempts++;
		return DUTY_RETRY;
	case TIMER_SEND_KEEPALIVE:
		return on_unacked(t, now);
	case TIMER_NEW_HANDSHAKE:
		return wait_is_over(t, TIMER_NEW_HANDSHAKE, WATCH_UNANSWERED,
			       &t->activity->unanswered_ns, t->silence_ns, now)
			? DUTY_INITIATE
			: DUTY_NONE;
	case TIMER_ZERO_KEYS:
		return DUTY_ZERO_KEYS;
	case TIMER_PERSISTENT_KEEPALIVE:
		return on_persistent(t, now);
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
