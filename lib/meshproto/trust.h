/*
 * trust: what one party believes of a mesh: an operator key that it pinned,
 * and every record that verified under it. Records are offered one at a time,
 * from any source in any order; what is accepted never goes back.
 *
 *   mesh        key == operator; no believed node is left outside its prefixes
 *   grant       key == operator; once a delegate. Its expiry counts against
 *               the memberships it signed, not against the clock: one seen
 *               late still bears the old members
 *   membership  key == operator, or key == delegate of an accepted grant that
 *               was valid when it was issued, permits its tags and addresses,
 *               has no routes, and whose uses are not spent by other nodes,
 *               removed ones included. A delegate admits (serial 1, issued not
 *               later than now, or than its grant by a clock that is behind);
 *               only the operator restates
 *   key         signed by the identity in the node's accepted membership; the
 *               epoch never falls, and one epoch has one key
 *   removal     key == operator, or the node's own identity; final: no record
 *               of that node is accepted after it, whatever its serial. Good
 *               before the membership too; then it is a tombstone without one
 *   all         same mesh; serial above the accepted one, or the same bytes;
 *               addresses inside the mesh's prefixes; no address, name or
 *               WireGuard key that another live node holds. A tombstone holds
 *               none; a node past its not_after does
 *
 * Whole state = the set of accepted envelopes: saved by writing them, loaded
 * by offering them again. So there is no second file format to trust. Who
 * loads passes a `now` not before the moment of saving, lest a clock that
 * starts in 1970 makes the members' records of the future.
 * Used by agents (everything) and by meshd (to refuse early); pure.
 */
#ifndef MESHPROTO_TRUST_H
#define MESHPROTO_TRUST_H

#include "meshproto/record.h"

#define TRUST_NODES_MAX 65536 /* members and tombstones */
/* Tombstones that a stranger signed for itself: a key pair each, for nothing,
 * so they must not fill the table. */
#define TRUST_STRAYS_MAX (TRUST_NODES_MAX / 4)
#define TRUST_GRANTS_MAX 65536 /* a token each, 2 KiB */
/* How far the clocks of who issues and who judges may differ. */
#define TRUST_SKEW_SEC 600

struct trust;

/* One peer that may be installed: only trust.c makes them, from a membership
 * and a key record that both verified. Borrowed until the next offer. */
struct verified_node {
	struct node_id node;
	const struct record_membership *membership;
	uint64_t membership_serial;
	const struct record_key *key; /* NULL: no key record yet */
	bool removed;		      /* a tombstone: membership may be NULL */
};

enum trust_verdict {
	TRUST_ACCEPTED, /* new, and believed from now on */
	TRUST_KNOWN,	/* the very same bytes, already believed */
	TRUST_STALE,	/* older than what is believed: ignored, ERR names it */
	TRUST_REFUSED,	/* ERR names the record and the reason */
};

/* Pins the operator. NULL: out of memory. */
struct trust *trust_new(const struct signpub *op);
void trust_free(struct trust *trust);
AUTO_DEFINE(struct trust, trust_free)

/* Copies ENV if it is accepted. Order matters: the mesh record and grants come
 * before memberships, those before keys (trust_offer_all sorts). */
enum trust_verdict trust_offer(struct trust *trust, const struct envelope *env,
	const struct now *now, struct err *err);
/* Offers all in the right order, the same for any order of ENVS; a member that
 * is in the way of another only until its own newer record gets a second
 * chance. ON_REFUSED (may be NULL) hears once of each that was refused or
 * stale. Returns how many were newly accepted. */
size_t trust_offer_all(struct trust *trust, struct envelope *const *envs,
	size_t count, const struct now *now,
	void (*on_refused)(
		void *arg, enum trust_verdict verdict, const struct err *err),
	void *arg);

struct mesh_id trust_mesh_id(const struct trust *trust);
/* NULL until the mesh record was accepted. */
const struct record_mesh *trust_mesh(const struct trust *trust);
size_t trust_node_count(const struct trust *trust);
/* INDEX < trust_node_count(), in order of node id. */
struct verified_node trust_node_at(const struct trust *trust, size_t index);
bool trust_find(const struct trust *trust, const struct node_id *node,
	struct verified_node *ret_node);
/* May be installed as a peer: a member with a key, not removed, not past its
 * not_after. */
bool trust_node_usable(const struct verified_node *node, const struct now *now);
/* Whether ENV claims to be a membership or key of a node whose removal is
 * believed: whoever sent it does not know of that, or hides it. */
bool trust_contradicts(const struct trust *trust, const struct envelope *env,
	struct node_id *ret_node);
/* NULL: NODE is not removed. Borrowed until the next offer. */
const struct envelope *trust_removal_of(
	const struct trust *trust, const struct node_id *node);
bool trust_has_removals(const struct trust *trust);
/* Every accepted envelope, in an order good for offering them again. Superseded
 * ones are left out, but for the one by which a delegate admitted a node: it
 * counts against the grant. */
void trust_each_envelope(const struct trust *trust,
	void (*fn)(void *arg, const struct envelope *env), void *arg);

#endif
