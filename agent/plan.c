/* plan: see plan.h. */
#include "config.h"

#include "agent/plan.h"

#include "wgconf/diff.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

bool plan_is_peer(const struct roster *roster, const struct roster_node *node,
	struct wall now)
{
	const struct now then = { .wall = now };

	return trust_node_usable(&node->verified, &then) && !node->withheld &&
		!node_id_equal(&node->verified.node, roster_self(roster));
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

/* The port may be a translator's, and is left to the engine. */
static bool is_known_address(
	const struct roster_node *node, const struct ipaddr *addr)
{
	for (size_t i = 0; i < node->endpoint_count; i++) {
		if (ipaddr_equal(&node->endpoints[i].addr, addr))
			return true;
	}
	return false;
}

static bool is_live(const struct plan_session *session, struct mono now)
{
	return session->there && session->heard.ns != 0 &&
		mono_sub(now, session->heard) < PLAN_LIVE_SEC * NSEC_PER_SEC;
}

/* Whether the best hint is to be set on NODE's peer, which runs as HAVE (NULL:
 * not yet). Lowers *AGAIN if that is to be asked again. */
static bool plan_sets_endpoint(const struct plan_input *in,
	const struct roster_node *node, const struct wgconf_peer *have,
	struct mono *again)
{
	struct plan_session session = { 0 };
	struct mono proof = mono_add(node->news_at, PLAN_PROOF_NS);

	if (node->endpoint_count == 0)
		return false;
	if (!have || !(have->flags & WGPEER_HAS_ENDPOINT) ||
		!endpoint_known(&have->endpoint))
		return true;
	if (in->session)
		session = in->session(in->arg, &have->pubkey);
	if (node->has_failed && !is_live(&session, in->now.mono))
		return true;
	if (!node->has_news || is_known_address(node, &have->endpoint.addr))
		return false;
	if (!is_live(&session, in->now.mono))
		return true;
	if (mono_before(node->news_at, session.heard))
		return false;
	if (mono_reached(proof, in->now.mono))
		return true;
	*again = mono_min(*again, proof);
	return false;
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
	struct wgconf_device *want, struct mono *again)
{
	size_t count = trust_node_count(roster_trust(in->roster));
	int r;

	for (size_t i = 0; i < count; i++) {
		struct roster_node node = roster_at(in->roster, i);
		struct wgconf_peer *peer;

		if (!plan_is_peer(in->roster, &node, in->now.wall))
			continue;
		r = plan_add_peer(want, &node.verified, &peer);
		if (r < 0)
			return r;
		peer->flags |= WGPEER_HAS_KEEPALIVE;
		peer->keepalive_sec = in->keepalive_sec;
		if (!plan_sets_endpoint(in, &node,
			    running_find(running, &peer->pubkey), again))
			continue;
		peer->flags |= WGPEER_HAS_ENDPOINT;
		peer->endpoint = node.endpoints[0];
	}
	return 0;
}

int plan_wanted(const struct plan_input *in, struct wgconf_device **ret_want,
	struct mono *ret_again)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *want = wgconf_device_new();
	struct mono again = MONO_NEVER;
	struct running running;
	int r;

	if (!want)
		return -ENOMEM;
	want->flags = WGDEV_HAS_SECKEY | WGDEV_REPLACE_PEERS;
	want->seckey = *in->seckey;
	r = running_index(in->have, &running);
	if (r < 0)
		return r;
	r = add_nodes(in, &running, want, &again);
	free(running.peers);
	if (r < 0)
		return r;
	*ret_want = TAKE(want);
	*ret_again = again;
	return 0;
}

int plan_changes(const struct plan_input *in, struct wgconf_device **ret_change,
	struct mono *ret_again)
{
	AUTO(wgconf_device_free) struct wgconf_device *want = NULL;
	int r = plan_wanted(in, &want, ret_again);

	if (r < 0)
		return r;
	return wgconf_diff(in->have, want, DIFF_SET_ENDPOINTS, ret_change);
}
