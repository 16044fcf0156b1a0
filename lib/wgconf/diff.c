/*
 * diff: see the header. Both sides become arrays, peers sorted by key and
 * claims on prefixes sorted by prefix, and are then looked up by bisection, so
 * ten thousand peers take milliseconds.
 */
#include "config.h"

#include "wgconf/diff.h"

#include <sodium.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct peer {
	const struct wgconf_peer *source;
	size_t position;    /* among the source's peers: first come, first */
	size_t claims_at;   /* position of its first claim, if it has one */
	size_t reset_at;    /* of `first`: claims before it were replaced */
	struct peer *twin;  /* the same key on the other side, or NULL */
	struct peer *first; /* of the same key on this side; itself if it is */
	struct wgconf_peer merged;    /* of `first`: what all of them say */
	struct wgconf_peer *dropping; /* in the change: loses prefixes */
	struct wgconf_peer *changing; /* in the change: comes or changes */
};

struct claim {
	struct ipnet net; /* masked */
	struct peer *peer;
	size_t position; /* later ones win */
};

struct side {
	struct peer *peers;	 /* in their order */
	struct peer **by_key;	 /* one of each key, after merge_*() */
	struct claim *claims;	 /* one of each prefix, sorted, ditto */
	struct claim **in_order; /* the same as they came, ditto */
	size_t peer_count, key_count, claim_count;
};

static void side_release(struct side *side)
{
	for (size_t i = 0; i < side->peer_count; i++)
		sodium_memzero(&side->peers[i].merged.psk, sizeof(struct psk));
	free(side->peers);
	free(side->by_key);
	free(side->claims);
	free(side->in_order);
}
AUTO_DEFINE_VALUE(struct side, side_release)

static int compare_keys(const struct peer *a, const struct peer *b)
{
	return memcmp(a->source->pubkey.b, b->source->pubkey.b, KEY_SIZE);
}

static int order_peers(const void *left, const void *right)
{
	const struct peer *a = *(const struct peer *const *)left;
	const struct peer *b = *(const struct peer *const *)right;
	int order = compare_keys(a, b);

	if (order != 0)
		return order;
	return a->position < b->position ? -1 : a->position > b->position;
}

static int order_claims(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;
	int order = ipnet_compare(&a->net, &b->net);

	if (order != 0)
		return order;
	return a->position < b->position ? -1 : a->position > b->position;
}

static int order_claims_by_position(const void *left, const void *right)
{
	const struct claim *a = *(const struct claim *const *)left;
	const struct claim *b = *(const struct claim *const *)right;

	return a->position < b->position ? -1 : a->position > b->position;
}

/* Arrays as the device has them: nothing merged yet. */
static int side_load(struct side *side, const struct wgconf_device *dev)
{
	size_t peers = 0, claims = 0;

	list_for_each(node, &dev->peers) {
		peers++;
		list_for_each(ip,
			&LIST_ENTRY(node, struct wgconf_peer, node)->allowedips)
			claims++;
	}
	side->peers = calloc(peers + 1, sizeof(*side->peers));
	side->by_key = calloc(peers + 1, sizeof(*side->by_key));
	side->claims = calloc(claims + 1, sizeof(*side->claims));
	side->in_order = calloc(claims + 1, sizeof(struct claim *));
	if (!side->peers || !side->by_key || !side->claims || !side->in_order)
		return -ENOMEM;
	list_for_each(node, &dev->peers) {
		struct peer *peer = &side->peers[side->peer_count];

		peer->source = LIST_ENTRY(node, struct wgconf_peer, node);
		peer->position = side->peer_count;
		peer->claims_at = side->claim_count;
		side->by_key[side->peer_count++] = peer;
		list_for_each(ip_node, &peer->source->allowedips) {
			struct claim *claim = &side->claims[side->claim_count];

			claim->net = LIST_ENTRY(
				ip_node, struct wgconf_allowedip, node)
					     ->net;
			ipnet_mask(&claim->net);
			claim->peer = peer;
			claim->position = side->claim_count++;
		}
	}
	return 0;
}

/* What SOURCE says on top of what FIRST says already. */
static void merge_peer(
	struct wgconf_peer *merged, const struct wgconf_peer *add)
{
	merged->flags |= add->flags;
	if (add->flags & WGPEER_HAS_PSK)
		merged->psk = add->psk;
	if (add->flags & WGPEER_HAS_ENDPOINT)
		merged->endpoint = add->endpoint;
	if (add->flags & WGPEER_HAS_KEEPALIVE)
		merged->keepalive_sec = add->keepalive_sec;
}

static void merge_peers(struct side *side)
{
	struct peer *first = NULL;

	qsort(side->by_key, side->peer_count, sizeof(*side->by_key),
		order_peers);
	for (size_t i = 0; i < side->peer_count; i++) {
		struct peer *peer = side->by_key[i];

		if (!first || compare_keys(first, peer) != 0) {
			first = peer;
			side->by_key[side->key_count++] = peer;
		}
		peer->first = first;
		merge_peer(&first->merged, peer->source);
	}
}

/* Leaves one claim a prefix, the last, and none that its own peer replaced
 * later on. */
static void merge_claims(struct side *side)
{
	size_t count = 0;

	for (size_t i = 0; i < side->peer_count; i++) {
		const struct peer *peer = &side->peers[i];

		if (peer->source->flags & WGPEER_REPLACE_ALLOWEDIPS)
			peer->first->reset_at = peer->claims_at;
	}
	for (size_t i = 0; i < side->claim_count; i++)
		side->claims[i].peer = side->claims[i].peer->first;
	qsort(side->claims, side->claim_count, sizeof(*side->claims),
		order_claims);
	for (size_t i = 0; i < side->claim_count; i++) {
		const struct claim *claim = &side->claims[i];
		bool last = i + 1 == side->claim_count ||
			!ipnet_equal(&claim[0].net, &claim[1].net);
		bool replaced = claim->position < claim->peer->reset_at;

		if (last && !replaced)
			side->claims[count++] = *claim;
	}
	side->claim_count = count;
	for (size_t i = 0; i < count; i++)
		side->in_order[i] = &side->claims[i];
	qsort(side->in_order, count, sizeof(*side->in_order),
		order_claims_by_position);
}

static const struct claim *find_claim(
	const struct side *side, const struct ipnet *net)
{
	size_t low = 0, high = side->claim_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = ipnet_compare(net, &side->claims[middle].net);

		if (order == 0)
			return &side->claims[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* One walk over both sorted arrays. */
static void pair_peers(struct side *have, struct side *want)
{
	size_t h = 0, w = 0;

	while (h < have->key_count && w < want->key_count) {
		int order = compare_keys(have->by_key[h], want->by_key[w]);

		if (order == 0) {
			have->by_key[h]->twin = want->by_key[w];
			want->by_key[w]->twin = have->by_key[h];
		}
		h += order <= 0;
		w += order >= 0;
	}
}

static void diff_device(const struct wgconf_device *have,
	const struct wgconf_device *want, struct wgconf_device *change)
{
	if ((want->flags & WGDEV_HAS_SECKEY) &&
		!key_equal(have->seckey.b, want->seckey.b)) {
		change->flags |= WGDEV_HAS_SECKEY;
		change->seckey = want->seckey;
	}
	if ((want->flags & WGDEV_HAS_LISTEN_PORT) &&
		have->listen_port != want->listen_port) {
		change->flags |= WGDEV_HAS_LISTEN_PORT;
		change->listen_port = want->listen_port;
	}
	if ((want->flags & WGDEV_HAS_FWMARK) && have->fwmark != want->fwmark) {
		change->flags |= WGDEV_HAS_FWMARK;
		change->fwmark = want->fwmark;
	}
}

static int drop_peers(const struct side *have, struct wgconf_device *change)
{
	for (size_t i = 0; i < have->peer_count; i++) {
		struct wgconf_peer *gone;

		if (have->peers[i].first != &have->peers[i] ||
			have->peers[i].twin)
			continue;
		gone = wgconf_peer_add(change, &have->peers[i].source->pubkey);
		if (!gone)
			return -ENOMEM;
		gone->flags = WGPEER_REMOVE;
	}
	return 0;
}

/* The entry of a peer that is there already and stays. */
static struct wgconf_peer *entry(struct wgconf_device *change,
	const struct peer *peer, struct wgconf_peer **slot)
{
	if (!*slot) {
		*slot = wgconf_peer_add(change, &peer->source->pubkey);
		if (*slot)
			(*slot)->flags = WGPEER_UPDATE_ONLY;
	}
	return *slot;
}

static int drop_claims(const struct side *have, const struct side *want,
	unsigned int flags, struct wgconf_device *change)
{
	for (size_t i = 0; i < have->claim_count; i++) {
		const struct claim *claim = &have->claims[i];
		struct peer *keeper = claim->peer->twin;
		struct wgconf_allowedip *ip;
		struct wgconf_peer *to;

		if (!keeper || find_claim(want, &claim->net))
			continue;
		to = entry(change, keeper, &keeper->dropping);
		if (!to)
			return -ENOMEM;
		if (flags & DIFF_WHOLE_ALLOWEDIPS) {
			to->flags |= WGPEER_REPLACE_ALLOWEDIPS;
			continue;
		}
		ip = wgconf_allowedip_add(to, &claim->net);
		if (!ip)
			return -ENOMEM;
		ip->remove = true;
	}
	return 0;
}

/* What WANT says of a peer and HAVE does not. New peers are told everything. */
static int change_peers(
	struct side *want, unsigned int flags, struct wgconf_device *change)
{
	for (size_t i = 0; i < want->peer_count; i++) {
		struct peer *peer = &want->peers[i];
		const struct wgconf_peer *w = &peer->merged;
		const struct wgconf_peer *h =
			peer->twin ? peer->twin->source : NULL;
		struct wgconf_peer *to;
		bool keep = h && (flags & DIFF_KEEP_ENDPOINTS) &&
			endpoint_known(&h->endpoint);
		bool psk = (w->flags & WGPEER_HAS_PSK) &&
			!(h && key_equal(h->psk.b, w->psk.b));
		bool ep = (w->flags & WGPEER_HAS_ENDPOINT) && !keep &&
			!(h && endpoint_equal(&h->endpoint, &w->endpoint));
		bool keepalive = (w->flags & WGPEER_HAS_KEEPALIVE) &&
			!(h && h->keepalive_sec == w->keepalive_sec);

		if (peer->first != peer || (h && !psk && !ep && !keepalive))
			continue;
		to = entry(change, peer, &peer->changing);
		if (!to)
			return -ENOMEM;
		to->flags = (h ? WGPEER_UPDATE_ONLY : 0) |
			(psk ? WGPEER_HAS_PSK : 0) |
			(ep ? WGPEER_HAS_ENDPOINT : 0) |
			(keepalive ? WGPEER_HAS_KEEPALIVE : 0);
		to->psk = psk ? w->psk : to->psk;
		to->endpoint = ep ? w->endpoint : to->endpoint;
		to->keepalive_sec = keepalive ? w->keepalive_sec : 0;
	}
	return 0;
}

static int add_claims(const struct side *have, const struct side *want,
	struct wgconf_device *change)
{
	for (size_t i = 0; i < want->claim_count; i++) {
		const struct claim *claim = want->in_order[i];
		const struct claim *now = find_claim(have, &claim->net);
		struct peer *peer = claim->peer;
		bool replacing = peer->dropping &&
			(peer->dropping->flags & WGPEER_REPLACE_ALLOWEDIPS);
		struct wgconf_peer *to = peer->dropping;

		if (!replacing) {
			if (now && now->peer->twin == peer)
				continue;
			to = entry(change, peer, &peer->changing);
		}
		if (!to || !wgconf_allowedip_add(to, &claim->net))
			return -ENOMEM;
	}
	return 0;
}

int wgconf_diff(const struct wgconf_device *have,
	const struct wgconf_device *want, unsigned int flags,
	struct wgconf_device **ret_change)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *change = wgconf_device_new();
	AUTO(side_release) struct side old = { 0 };
	AUTO(side_release) struct side new = { 0 };

	if (!change || side_load(&old, have) < 0 || side_load(&new, want) < 0)
		return -ENOMEM;
	merge_peers(&old);
	merge_peers(&new);
	merge_claims(&old);
	merge_claims(&new);
	pair_peers(&old, &new);
	(void)str_copy(change->ifname, sizeof(change->ifname), have->ifname);
	diff_device(have, want, change);
	if (drop_peers(&old, change) < 0 ||
		drop_claims(&old, &new, flags, change) < 0 ||
		change_peers(&new, flags, change) < 0 ||
		add_claims(&old, &new, change) < 0)
		return -ENOMEM;
	*ret_change = TAKE(change);
	return 0;
}

bool wgconf_diff_empty(const struct wgconf_device *change)
{
	return change->flags == 0 && list_empty(&change->peers);
}
