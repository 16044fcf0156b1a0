/*
 * presence: who is there, in memory only: a report changes nothing on disk. A
 * node is online while a long poll of it is open, and for a moment after it was
 * last heard (twice what it last waited); the close of its last poll by the far
 * end makes it offline at once.
 */
#ifndef MESHD_PRESENCE_H
#define MESHD_PRESENCE_H

#include "base/hash.h"
#include "meshd/model.h"

struct presence {
	struct hash nodes; /* struct presence_node */
};
struct presence_node {
	struct hash_node hash;
	struct node_id id;
	unsigned int polls; /* open now */
	bool hung_up;	    /* the last one was closed by the far end */
	struct now last_seen;
	int64_t wait_ns;	       /* of its last poll */
	uint64_t applied;	       /* netmap serial */
	struct msg_peer_report *peers; /* as it last reported; owned */
	size_t peer_count;
};

/* What others need to know of a change of one node. */
struct presence_state {
	bool online;
	uint64_t applied;
};

void presence_init(struct presence *presence);
void presence_release(struct presence *presence);
/* NULL: nothing was heard of it. */
struct presence_node *presence_find(
	const struct presence *presence, const struct node_id *id);
/* Makes it if need be; NULL: no memory. Marks it as seen. */
struct presence_node *presence_seen(struct presence *presence,
	const struct node_id *id, const struct now *now);
void presence_forget(struct presence *presence, const struct node_id *id);
/* NODE may be NULL. */
struct presence_state presence_state(
	const struct presence_node *node, const struct now *now);
/* How many are online and behind SERIAL; one of them, unless there is none. */
uint32_t presence_pending(const struct presence *presence, uint64_t serial,
	const struct now *now, struct node_id *ret_one);

#endif
