#include "config.h"

#include "engine/core/transport.h"
#include "engine/core/limits.h"
#include "engine/core/messages.h"
#include "engine/aead/aead.h"

#include <string.h>

#include "base/banned.h"

_Static_assert(WG_HEADROOM == sizeof(struct wg_message_data), "header");
_Static_assert(WG_TAILROOM == DATA_PADDING - 1 + AEAD_TAG_SIZE, "padding, tag");

size_t transport_padding(size_t len, uint32_t mtu)
{
	size_t last = mtu && len > mtu ? len % mtu : len;
	size_t padded = (last + DATA_PADDING - 1) / DATA_PADDING * DATA_PADDING;

	if (mtu && padded > mtu)
		padded = mtu;
	return padded - last;
}

/* Spends COUNT counters; the first of them in RET_FIRST. Returns how many of
 * them may be used. None is ever given back: a gap harms nobody. */
static size_t reserve_counters(
	struct keypair *kp, size_t count, uint64_t *ret_first)
{
	uint64_t first = atomic_load_explicit(
		&kp->sending_counter, memory_order_relaxed);

	if (first >= REJECT_AFTER_MESSAGES) /* else it could wrap in the end */
		return 0;
	first = atomic_fetch_add_explicit(
		&kp->sending_counter, count, memory_order_relaxed);
	*ret_first = first;
	if (first >= REJECT_AFTER_MESSAGES)
		return 0;
	return count < REJECT_AFTER_MESSAGES - first
		? count
		: (size_t)(REJECT_AFTER_MESSAGES - first);
}

static void seal_run(struct keypair *kp, struct aead *aead,
	struct wg_packet *packets, size_t count, uint64_t first, uint32_t mtu)
{
	struct aead_packet batch[AEAD_BATCH_MAX];

	for (size_t i = 0; i < count; i++) {
		struct wg_packet *p = &packets[i];
		size_t padding = transport_padding(p->len, mtu);
		struct wg_message_data header = {
			.type = le32_make(MESSAGE_DATA),
			.receiver_index = le32_make(kp->session.remote_index),
			.counter = le64_make(first + i),
		};

		memset(p->data + p->len, 0, padding);
		batch[i] = (struct aead_packet){
			.src = p->data,
			.dst = p->data,
			.len = p->len + padding,
			.counter = first + i,
		};
		p->data -= sizeof(header);
		p->len = sizeof(header) + SEALED_SIZE(batch[i].len);
		memcpy(p->data, &header, sizeof(header));
	}
	aead_seal(aead, kp->session.sending_key, batch, count);
}

size_t wg_message_size(size_t len, uint32_t mtu)
{
	return sizeof(struct wg_message_data) +
		SEALED_SIZE(len + transport_padding(len, mtu));
}

size_t wg_transport_seal(struct keypair *kp, struct aead *aead,
	struct wg_packet *packets, size_t count, uint32_t mtu)
{
	size_t done = 0;
	uint64_t first = 0;

	count = reserve_counters(kp, count, &first);
	while (done < count) {
		size_t n = count - done < AEAD_BATCH_MAX ? count - done
							 : AEAD_BATCH_MAX;

		seal_run(kp, aead, packets + done, n, first + done, mtu);
		done += n;
	}
	return count;
}

static enum transport_verdict judge(
	struct keypair *kp, const struct aead_packet *opened)
{
	if (!opened->ok)
		return TRANSPORT_BAD_TAG;
	if (replay_check(&kp->replay, opened->counter) != REPLAY_FRESH)
		return TRANSPORT_REPLAYED;
	return TRANSPORT_OPENED;
}

static void open_run(struct keypair *kp, struct aead *aead,
	struct wg_packet *packets, size_t count,
	enum transport_verdict *ret_verdicts)
{
	struct aead_packet batch[AEAD_BATCH_MAX];

	for (size_t i = 0; i < count; i++) {
		struct wg_packet *p = &packets[i];
		struct wg_message_data header;

		memcpy(&header, p->data, sizeof(header));
		p->data += sizeof(header);
		p->len -= KEEPALIVE_SIZE;
		batch[i] = (struct aead_packet){
			.src = p->data,
			.dst = p->data,
			.len = p->len,
			.counter = le64_get(header.counter),
		};
	}
	aead_open(aead, kp->session.receiving_key, batch, count);
	while (atomic_flag_test_and_set_explicit(
		&kp->turn, memory_order_acquire))
		; /* another worker's few hundred ns, for a packet astray */
	for (size_t i = 0; i < count; i++)
		ret_verdicts[i] = judge(kp, &batch[i]);
	atomic_flag_clear_explicit(&kp->turn, memory_order_release);
}

void wg_transport_open(struct keypair *kp, struct aead *aead,
	struct wg_packet *packets, size_t count,
	enum transport_verdict *ret_verdicts)
{
	while (count) {
		size_t n = count < AEAD_BATCH_MAX ? count : AEAD_BATCH_MAX;

		open_run(kp, aead, packets, n, ret_verdicts);
		packets += n;
		ret_verdicts += n;
		count -= n;
	}
}
