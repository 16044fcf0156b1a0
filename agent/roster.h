/*
 * roster: what this agent holds of its mesh: whom it believes (trust), whom the
 * coordinator withholds, and hints where they may be found. Netmaps are merged
 * in; plan reads it; the cache file is a netmap made from it.
 *
 *   believed   a record verified under the pinned operator key; never goes back
 *   withheld   the coordinator's word alone: no peer, but its high-water stays
 *   hint       unsigned, tried only where the engine knows nothing better
 *
 * A full map that does not name a node withholds it, unless the map is older
 * than what was merged before (a coordinator on a restored backup): such a map
 * only adds. A record that does not verify still names its node, so that a
 * forged one cannot be used to drop a peer that is in good standing.
 *
 * Pure: no file, no network, no clock.
 */
#ifndef AGENT_ROSTER_H
#define AGENT_ROSTER_H

#include "meshproto/message.h"
#include "meshproto/trust.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROSTER_NODES_MAX TRUST_NODES_MAX

struct roster;

/* One node, as plan and status see it. Borrowed until the next merge. */
struct roster_node {
	struct verified_node verified;
	bool withheld;
	bool has_news;	     /* hints changed, and nobody settled it */
	struct mono news_at; /* when they did */
	bool has_failed;     /* nobody answered, since roster_settle() */
	const struct endpoint *endpoints; /* usable ones, best first */
	size_t endpoint_count;
};

struct roster *roster_new(const struct signpub *op,
	const struct node_id *self); /* NULL: out of memory */
void roster_free(struct roster *roster);
AUTO_DEFINE(struct roster, roster_free)

/* Offers everything in MAP. ON_REFUSED (may be NULL) hears of each record that
 * is refused or older than what is believed, once for each sentence, however
 * often the record comes. *RET_CHANGED: something a peer depends on changed.
 * -ENOMEM; -ESTALE when a delta does not follow on what is here: ask for a full
 * map. What was merged before a failure stays. */
WARN_UNUSED int roster_merge(struct roster *roster,
	const struct msg_netmap *map, const struct now *now,
	void (*on_refused)(void *arg, const struct err *err), void *arg,
	bool *ret_changed, struct err *err);

/* The same into an empty roster, from what roster_encode() wrote. */
WARN_UNUSED int roster_restore(struct roster *roster,
	const struct msg_netmap *map, const struct now *now,
	void (*on_refused)(void *arg, const struct err *err), void *arg,
	struct err *err);

/* A removed node of which the last maps told as of a member: whoever made them
 * has lost its removal, and is owed it. Never this node itself. Borrowed until
 * the next merge; NULL: nothing is owed. */
const struct envelope *roster_owed(
	const struct roster *roster, struct node_id *ret_node);
/* It was given back: owed again only when another map tells of NODE so. */
void roster_settle_owed(struct roster *roster, const struct node_id *node);

/* What is here was applied: peers and addresses are as the records say. */
void roster_set_applied(struct roster *roster);
/* The serial for which that holds; a map that changes nothing takes it along. 0
 * after a fall below it. */
uint64_t roster_applied(const struct roster *roster);
/* Where to go on polling from. Falls only with a full map. */
uint64_t roster_serial(const struct roster *roster);
const struct node_id *roster_self(const struct roster *roster);
const struct trust *roster_trust(const struct roster *roster);
const struct record_mesh *roster_mesh(const struct roster *roster);
/* INDEX < trust_node_count(). */
struct roster_node roster_at(const struct roster *roster, size_t index);
bool roster_find(const struct roster *roster, const struct node_id *node,
	struct roster_node *ret_node);
/* Its own membership is there and verified. */
bool roster_has_self(const struct roster *roster);
/* Its own removal verified: nothing is to run here any more. */
bool roster_is_removed(const struct roster *roster);

/* Every hint that came up to BEFORE was looked at, and is no news from here on;
 * so was every failure. */
void roster_settle(struct roster *roster, struct mono before);
/* EP is where the engine really finds NODE: saved as its best hint for the next
 * boot. It is no hint of the coordinator's meanwhile. */
void roster_prefer(struct roster *roster, const struct node_id *node,
	const struct endpoint *ep);
/* Nobody answers at FAILED: if it is the best hint it goes to the end. */
void roster_demote(struct roster *roster, const struct node_id *node,
	const struct endpoint *failed);

/* The roster as the text of a msg_netmap, for roster_restore(). */
WARN_UNUSED int roster_encode(const struct roster *roster, struct buf *out);

#endif
