#include "config.h"

#include "engine/core/outbox.h"
#include "engine/core/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

_Static_assert(
	OUTBOX_SIZE >= INNER_PACKET_MAX + sizeof(struct outbox_record) + 8,
	"any packet fits the empty ring");
_Static_assert((OUTBOX_SIZE & (OUTBOX_SIZE - 1)) == 0, "a power of two");

bool outbox_init(struct outbox *box)
{
	atomic_init(&box->written, 0);
	atomic_init(&box->read, 0);
	box->ring = malloc(OUTBOX_SIZE);
	return box->ring != NULL;
}

void outbox_release(struct outbox *box)
{
	free(box->ring);
	box->ring = NULL;
}

static size_t until_wrap(size_t at, size_t len)
{
	size_t left = OUTBOX_SIZE - at % OUTBOX_SIZE;

	return len < left ? len : left;
}

static void copy_in(
	struct outbox *box, size_t at, const void *bytes, size_t len)
{
	size_t first = until_wrap(at, len);

	memcpy(box->ring + at % OUTBOX_SIZE, bytes, first);
	if (first < len)
		memcpy(box->ring, (const uint8_t *)bytes + first, len - first);
}

static void copy_out(
	const struct outbox *box, size_t at, void *ret_bytes, size_t len)
{
	size_t first = until_wrap(at, len);

	memcpy(ret_bytes, box->ring + at % OUTBOX_SIZE, first);
	if (first < len)
		memcpy((uint8_t *)ret_bytes + first, box->ring, len - first);
}

static size_t size_of(size_t len)
{
	return sizeof(struct outbox_record) + (len + 7) / 8 * 8;
}

bool outbox_put(struct outbox *box, enum outbox_kind kind, struct wg_peer *peer,
	const struct wg_path *path, const void *bytes, size_t len)
{
	size_t at = atomic_load_explicit(&box->written, memory_order_relaxed);
	size_t read = atomic_load_explicit(&box->read, memory_order_acquire);
	struct outbox_record record = {
		.kind = kind, .peer = peer, .len = len
	};

	if (OUTBOX_SIZE - (at - read) < size_of(len))
		return false;
	if (path)
		record.path = *path;
	copy_in(box, at, &record, sizeof(record));
	if (len)
		copy_in(box, at + sizeof(record), bytes, len);
	atomic_store_explicit(
		&box->written, at + size_of(len), memory_order_release);
	return true;
}

bool outbox_take(
	struct outbox *box, struct outbox_record *ret_record, void *ret_bytes)
{
	size_t at = atomic_load_explicit(&box->read, memory_order_relaxed);

	if (at == atomic_load_explicit(&box->written, memory_order_acquire))
		return false;
	copy_out(box, at, ret_record, sizeof(*ret_record));
	if (ret_record->len)
		copy_out(box, at + sizeof(*ret_record), ret_bytes,
			ret_record->len);
	atomic_store_explicit(&box->read, at + size_of(ret_record->len),
		memory_order_release);
	return true;
}

bool outbox_empty(const struct outbox *box)
{
	return atomic_load_explicit(&box->read, memory_order_relaxed) ==
		atomic_load_explicit(&box->written, memory_order_acquire);
}
