#include "config.h"

#include "engine/core/staging.h"
#include "engine/core/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct staging_chunk {
	struct staging_chunk *next; /* of the packet, or of the free list */
	/* These are the packet's and live in its first chunk. */
	struct list of_device;
	struct list of_peer;
	struct staged *queue;
	size_t len;
	uint8_t bytes[STAGING_CHUNK_SIZE];
};

#define CHUNKS_OF(len)                                                         \
	((len) ? ((len) + STAGING_CHUNK_SIZE - 1) / STAGING_CHUNK_SIZE : 1)
_Static_assert(CHUNKS_OF(INNER_PACKET_MAX) <= STAGING_CHUNKS,
	"any packet fits the empty pool");

bool staging_init(struct staging *st)
{
	*st = (struct staging){
		.chunks = calloc(STAGING_CHUNKS, sizeof(struct staging_chunk)),
		.fresh = STAGING_CHUNKS,
		.free_count = STAGING_CHUNKS,
	};
	list_init(&st->oldest_first);
	return st->chunks != NULL;
}

void staging_release(struct staging *st)
{
	free(st->chunks);
	*st = (struct staging){ 0 };
}

void staged_init(struct staged *queue)
{
	list_init(&queue->packets);
	queue->len = 0;
}

static struct staging_chunk *take_chunk(struct staging *st)
{
	struct staging_chunk *chunk = st->free_list;

	if (chunk)
		st->free_list = chunk->next;
	else
		chunk = &st->chunks[STAGING_CHUNKS - st->fresh--];
	chunk->next = NULL;
	st->free_count--;
	return chunk;
}

static void unstage(struct staging *st, struct staging_chunk *packet)
{
	list_del(&packet->of_device);
	list_del(&packet->of_peer);
	packet->queue->len--;
	while (packet) {
		struct staging_chunk *chunk = packet;

		packet = chunk->next;
		chunk->next = st->free_list;
		st->free_list = chunk;
		st->free_count++;
	}
}

static void drop_oldest(struct staging *st, struct list *of_peer)
{
	unstage(st, LIST_ENTRY(of_peer->next, struct staging_chunk, of_peer));
}

static size_t make_room(struct staging *st, struct staged *queue, size_t chunks)
{
	size_t dropped = 0;

	if (queue->len >= STAGED_PER_PEER_MAX) {
		drop_oldest(st, &queue->packets);
		dropped++;
	}
	while (st->free_count < chunks) {
		struct staging_chunk *oldest = LIST_ENTRY(
			st->oldest_first.next, struct staging_chunk, of_device);

		drop_oldest(st, &oldest->queue->packets);
		dropped++;
	}
	return dropped;
}

size_t staging_push(
	struct staging *st, struct staged *queue, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	struct staging_chunk *packet, *chunk;
	size_t left = len, dropped;

	BUG_ON(len > INNER_PACKET_MAX);
	dropped = make_room(st, queue, CHUNKS_OF(len));
	packet = chunk = take_chunk(st);
	for (;;) {
		size_t n =
			left < STAGING_CHUNK_SIZE ? left : STAGING_CHUNK_SIZE;

		if (n)
			memcpy(chunk->bytes, from, n);
		from += n;
		left -= n;
		if (!left)
			break;
		chunk->next = take_chunk(st);
		chunk = chunk->next;
	}
	packet->len = len;
	packet->queue = queue;
	list_add_tail(&st->oldest_first, &packet->of_device);
	list_add_tail(&queue->packets, &packet->of_peer);
	queue->len++;
	return dropped;
}

size_t staging_pop(struct staging *st, struct staged *queue, void *ret)
{
	struct staging_chunk *packet =
		LIST_ENTRY(queue->packets.next, struct staging_chunk, of_peer);
	size_t len = packet->len, left = len;
	uint8_t *to = ret;

	for (struct staging_chunk *chunk = packet; chunk; chunk = chunk->next) {
		size_t n =
			left < STAGING_CHUNK_SIZE ? left : STAGING_CHUNK_SIZE;

		memcpy(to, chunk->bytes, n);
		to += n;
		left -= n;
	}
	unstage(st, packet);
	return len;
}

void staging_purge(struct staging *st, struct staged *queue)
{
	while (queue->len)
		drop_oldest(st, &queue->packets);
}
