/* plan: see plan.h. */
#include "config.h"

#include "agent/plan.h"

#include "wgconf/diff.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

static bool is_expired(
	const struct record_membership *membership, struct wall now)
{
	return membership->not_after.ns != 0 &&
		membership->not_after.ns <= now.ns;
}

bool plan_is_peer(const struct roster *roster, const struct roster_node *node,
	struct wall now)
{
	const struct verified_node *verified = &node->verified;

	return verified->membership && verified->key && !verified->removed &&
		!node->withheld && !is_expired(verified->membership, now) &&
		!node_id_equal(&verified->node, roster_self(roster));
}

struct wall plan_next_expiry(const struct roster *roster, struct wall now)
{
	size_t count = trust_node_count(roster_trust(roster));
	struct wall next = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct roster_node node = roster_at(roster, i);
		struct wall end;

		if (!plan_is_peer(roster, &node, now))
			continue;
		end = node.verified.membership->not_after;
		if (end.ns != 0 && (next.ns == 0 || end.ns < next.ns))
			next = end;
	}
	return next;
}

/* The one place where a peer comes from. */
static int plan_add_peer(struct wgconf_device *want,
	const struct verified_node *node, struct wgconf_peer **ret_peer)
{
	const struct record_membership *membership = node->membership;
	struct wgconf_peer *peer =
		wgconf_peer_add(want, &node->key->public_key);

	if (!peer)
		return -ENOMEM;
	peer->flags = WGPEER_REPLACE_ALLOWEDIPS;
	for (size_t i = 0; i < membership->address_count; i++) {
		if (!wgconf_allowedip_add(peer, &membership->addresses[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < membership->route_count; i++) {
		if (!wgconf_allowedip_add(peer, &membership->routes[i]))
			return -ENOMEM;
	}
	*ret_peer = peer;
	return 0;
}

static bool is_candidate(
	const struct roster_node *node, const struct endpoint *ep)
{
	for (size_t i = 0; i < node->endpoint_count; i++) {
		if (endpoint_equal(&node->endpoints[i], ep))
			return true;
	}
	return false;
}

/* The hint to set on NODE's peer, or NULL to leave the engine's endpoint alone.
 * HAVE NULL: it is no peer yet. */
static const struct endpoint *plan_endpoint(const struct plan_input *in,
	const struct roster_node *node, const struct wgconf_peer *have)
{
	bool has_endpoint = have && (have->flags & WGPEER_HAS_ENDPOINT) &&
		endpoint_known(&have->endpoint);
	bool is_outdated;

	if (node->endpoint_count == 0)
		return NULL;
	if (!has_endpoint)
		return &node->endpoints[0];
	is_outdated = node->has_failed ||
		(node->has_news && !is_candidate(node, &have->endpoint));
	if (!is_outdated ||
		(in->is_live && in->is_live(in->arg, &have->pubkey)))
		return NULL;
	return &node->endpoints[0];
}

/* The running peers in order of key, so that a large mesh is not searched from
 * the start for each of its nodes. */
struct running {
	const struct wgconf_peer **peers;
	size_t count;
};

static int compare_running(const void *a, const void *b)
{
	const struct wgconf_peer *const *left = a, *const *right = b;

	return memcmp((*left)->pubkey.b, (*right)->pubkey.b, KEY_SIZE);
}

static int running_index(
	const struct wgconf_device *have, struct running *ret_running)
{
	struct running all = { 0 };

	list_for_each(pos, &have->peers)
		all.count++;
	all.peers = calloc(all.count + 1, sizeof(*all.peers));
	if (!all.peers)
		return -ENOMEM;
	all.count = 0;
	list_for_each(pos, &have->peers)
		all.peers[all.count++] =
			LIST_ENTRY(pos, const struct wgconf_peer, node);
	qsort(all.peers, all.count, sizeof(*all.peers), compare_running);
	*ret_running = all;
	return 0;
}

static const struct wgconf_peer *running_find(
	const struct running *all, const struct pubkey *pubkey)
{
	const struct wgconf_peer key = { .pubkey = *pubkey }, *wanted = &key;
	const struct wgconf_peer *const *found = bsearch(&wanted, all->peers,
		all->count, sizeof(*all->peers), compare_running);

	return found ? *found : NULL;
}

static int add_nodes(const struct plan_input *in, const struct running *running,
	struct wgconf_device *want)
{
	size_t count = trust_node_count(roster_trust(in->roster));
	int r;

	for (size_t i = 0; i < count; i++) {
		struct roster_node node = roster_at(in->roster, i);
		const struct endpoint *hint;
		struct wgconf_peer *peer;

		if (!plan_is_peer(in->roster, &node, in->now))
			continue;
		r = plan_add_peer(want, &node.verified, &peer);
		if (r < 0)
			return r;
		peer->flags |= WGPEER_HAS_KEEPALIVE;
		peer->keepalive_sec = in->keepalive_sec;
		hint = plan_endpoint(
			in, &node, running_find(running, &peer->pubkey));
		if (hint) {
			peer->flags |= WGPEER_HAS_ENDPOINT;
			peer->endpoint = *hint;
		}
	}
	return 0;
}

int plan_wanted(const struct plan_input *in, struct wgconf_device **ret_want)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *want = wgconf_device_new();
	struct running running;
	int r;

	if (!want)
		return -ENOMEM;
	want->flags = WGDEV_HAS_SECKEY | WGDEV_REPLACE_PEERS;
	want->seckey = *in->seckey;
	r = running_index(in->have, &running);
	if (r < 0)
		return r;
	r = add_nodes(in, &running, want);
	free(running.peers);
	if (r < 0)
		return r;
	*ret_want = TAKE(want);
	return 0;
}

int plan_changes(const struct plan_input *in, struct wgconf_device **ret_change)
{
	AUTO(wgconf_device_free) struct wgconf_device *want = NULL;
	int r = plan_wanted(in, &want);

	if (r < 0)
		return r;
	return wgconf_diff(in->have, want, DIFF_SET_ENDPOINTS, ret_change);
}
