/*
 * From what is believed to what the engine is told: who becomes a peer, when an
 * endpoint is touched, and, at random, that applying the planned changes gives
 * exactly what was wanted and disturbs nobody else.
 */
#include "config.h"
#include "agent/plan.h"
#include "agent_fixture.h"
#include "rows.h"
#include "wgconf/diff.h"

#include <string.h>

#include "base/banned.h"

#define AUTO_ROSTER AUTO(roster_free) struct roster *
#define AUTO_DEVICE AUTO(wgconf_device_free) struct wgconf_device *

static const struct seckey our_key = { { 7 } };

static struct plan_input input(
	const struct roster *roster, const struct wgconf_device *have)
{
	return (struct plan_input){
		.roster = roster,
		.seckey = &our_key,
		.keepalive_sec = 25,
		.now = fx_now(0),
		.have = have,
	};
}

static struct wgconf_device *wanted(
	const struct roster *roster, const struct wgconf_device *have)
{
	struct plan_input in = input(roster, have);
	struct wgconf_device *want = NULL;
	struct mono again;

	assert_int_equal(plan_wanted(&in, &want, &again), 0);
	return want;
}

static struct wgconf_device *changes(
	const struct roster *roster, const struct wgconf_device *have)
{
	struct plan_input in = input(roster, have);
	struct wgconf_device *change = NULL;
	struct mono again;

	assert_int_equal(plan_changes(&in, &change, &again), 0);
	return change;
}

static struct wgconf_device *nothing(void)
{
	struct wgconf_device *dev = wgconf_device_new();

	assert_non_null(dev);
	return dev;
}

static size_t count_peers(const struct wgconf_device *dev)
{
	size_t count = 0;

	list_for_each(pos, &dev->peers)
		count++;
	return count;
}

static const struct wgconf_peer *peer_of(
	const struct wgconf_device *dev, unsigned int node)
{
	struct pubkey key = fx_key(node).key.public_key;

	return wgconf_peer_find(dev, &key);
}

/* ---- who is a peer ---- */

static void merge_key_only(struct fx_map *fx)
{
	struct record rec = fx_key(1);

	fx_map_add(fx, &rec, FX_NODE + 1);
}
static void merge_member_only(struct fx_map *fx)
{
	struct record rec = fx_member(1);

	fx_map_add(fx, &rec, FX_DELEGATE);
}
static void merge_both(struct fx_map *fx)
{
	fx_map_node(fx, 1);
}
static void merge_foreign_key(struct fx_map *fx)
{
	struct record rec = fx_key(1);

	merge_member_only(fx);
	fx_map_add(fx, &rec, FX_NODE + 2);
}
static void merge_strangers_member(struct fx_map *fx)
{
	struct record rec = fx_member(1);

	fx_map_add(fx, &rec, FX_STRANGER);
	merge_key_only(fx);
}
static void merge_wide_member(struct fx_map *fx)
{
	struct record rec = fx_member(1);

	rec.membership.addresses[0] = fx_net("10.0.0.1/32");
	fx_map_add(fx, &rec, FX_DELEGATE);
	merge_key_only(fx);
}
static void merge_removed(struct fx_map *fx)
{
	struct record rec = fx_removal(1);

	merge_both(fx);
	fx_map_add(fx, &rec, FX_OPERATOR);
}
static void merge_expired(struct fx_map *fx)
{
	struct record rec = fx_member(1);

	rec.membership.issued_at = fx_wall(-100);
	rec.membership.not_after = fx_wall(-1);
	fx_map_add(fx, &rec, FX_OPERATOR);
	merge_key_only(fx);
}
static void merge_expires_later(struct fx_map *fx)
{
	struct record rec = fx_member(1);

	rec.membership.not_after = fx_wall(60);
	fx_map_add(fx, &rec, FX_OPERATOR);
	merge_key_only(fx);
}

static void test_who_is_a_peer(void **state)
{
	static const struct {
		void (*fill)(struct fx_map *fx);
		size_t peers;
		int64_t expiry_sec; /* 0: none */
		int line;
	} rows[] = {
		{ merge_both, 1, 0, __LINE__ },
		{ merge_expires_later, 1, 60, __LINE__ },
		{ merge_key_only, 0, 0, __LINE__ },
		{ merge_member_only, 0, 0, __LINE__ },
		{ merge_foreign_key, 0, 0, __LINE__ },
		{ merge_strangers_member, 0, 0, __LINE__ },
		{ merge_wide_member, 0, 0, __LINE__ },
		{ merge_removed, 0, 0, __LINE__ },
		{ merge_expired, 0, 0, __LINE__ },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_ROSTER roster = fx_roster();
		AUTO_DEVICE have = nothing();
		AUTO_DEVICE want = NULL;
		struct fx_map fx;
		struct wall expiry;

		fx_map_full(&fx, 1);
		fx_map_roots(&fx);
		fx_map_node(&fx, 0);
		rows[i].fill(&fx);
		assert_true(fx_merge(roster, &fx, 0));
		fx_map_release(&fx);
		want = wanted(roster, have);
		ROW_INT(&rows[i], count_peers(want), rows[i].peers);
		ROW_TRUE(&rows[i], !peer_of(want, 0));
		expiry = plan_next_expiry(roster, fx_wall(0));
		ROW_INT(&rows[i], expiry.ns,
			rows[i].expiry_sec ? fx_wall(rows[i].expiry_sec).ns
					   : 0);
	}
}

static void test_peer_in_full(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(2);
	AUTO_DEVICE have = nothing();
	AUTO_DEVICE want = wanted(roster, have);
	const struct wgconf_peer *peer = peer_of(want, 1);
	struct record member = fx_member(1);
	size_t count = 0;

	(void)state;
	assert_true(want->flags & WGDEV_HAS_SECKEY);
	assert_memory_equal(want->seckey.b, our_key.b, KEY_SIZE);
	assert_non_null(peer);
	assert_int_equal(peer->keepalive_sec, 25);
	assert_false(peer->flags & WGPEER_HAS_ENDPOINT);
	assert_false(peer->flags & WGPEER_HAS_PSK);
	list_for_each(pos, &peer->allowedips) {
		const struct ipnet *net =
			&LIST_ENTRY(pos, struct wgconf_allowedip, node)->net;

		assert_true(ipnet_equal(
			net, &member.membership.addresses[count++]));
	}
	assert_int_equal(count, 2);
}

/* ---- endpoints ---- */

static struct plan_session say_session(void *arg, const struct pubkey *peer)
{
	(void)peer;
	return *(struct plan_session *)arg;
}

/* Times are in ms; the hints of `after` come at 100000. */
#define NEWS_MS 100000
enum { NO_SESSION = -1, NEVER_HEARD = 0 };

static void merge_hint(struct roster *roster, const char *hint, int64_t at_ms)
{
	struct now now = fx_now(0);
	struct err err = { 0 };
	struct fx_map fx;
	bool changed;

	now.mono.ns = at_ms * NSEC_PER_MSEC;
	fx_map_delta(&fx, 1, 1);
	if (hint)
		fx_map_hint(&fx, 1, hint);
	assert_int_equal(
		roster_merge(roster, &fx.map, &now, NULL, NULL, &changed, &err),
		0);
}

static void test_endpoints(void **state)
{
	static const struct {
		const char *running; /* NULL: no such peer; "": no endpoint */
		const char *before, *after; /* hints; NULL: no news */
		bool failed;
		int64_t heard_ms; /* or NO_SESSION, NEVER_HEARD */
		int64_t now_ms;
		const char *set;  /* NULL: left alone */
		int64_t again_ms; /* 0: never */
		int line;
	} rows[] = {
		{ NULL, "10.0.0.1:1", NULL, 0, NO_SESSION, NEWS_MS,
			"10.0.0.1:1", 0, __LINE__ },
		{ NULL, NULL, NULL, 0, NO_SESSION, NEWS_MS, NULL, 0, __LINE__ },
		{ "", "10.0.0.1:1 10.0.0.2:2", NULL, 0, NO_SESSION, NEWS_MS,
			"10.0.0.1:1", 0, __LINE__ },
		{ "", NULL, "10.0.0.1:1", 0, NO_SESSION, NEWS_MS, "10.0.0.1:1",
			0, __LINE__ },
		{ "", NULL, NULL, 0, NO_SESSION, NEWS_MS, NULL, 0, __LINE__ },
		/* the engine learned better, and nothing is new */
		{ "10.9.9.9:9", "10.0.0.1:1", NULL, 0, NO_SESSION, NEWS_MS,
			NULL, 0, __LINE__ },
		{ "10.9.9.9:9", "10.0.0.1:1", NULL, 0, NEWS_MS - 1, NEWS_MS,
			NULL, 0, __LINE__ },
		/* it moved, and there is no session, or a silent one */
		{ "10.0.0.1:1", "10.0.0.1:1", "10.0.0.2:2", 0, NO_SESSION,
			NEWS_MS, "10.0.0.2:2", 0, __LINE__ },
		{ "10.0.0.1:1", "10.0.0.1:1", "10.0.0.2:2", 0, NEVER_HEARD,
			NEWS_MS, "10.0.0.2:2", 0, __LINE__ },
		{ "10.0.0.1:1", "10.0.0.1:1", "10.0.0.2:2", 0, NEWS_MS - 30000,
			NEWS_MS, "10.0.0.2:2", 0, __LINE__ },
		/* it was heard a moment ago: a second for the proof */
		{ "10.0.0.1:1", "10.0.0.1:1", "10.0.0.2:2", 0, NEWS_MS - 29999,
			NEWS_MS, NULL, NEWS_MS + 1000, __LINE__ },
		{ "10.0.0.1:1", "10.0.0.1:1", "10.0.0.2:2", 0, NEWS_MS,
			NEWS_MS + 999, NULL, NEWS_MS + 1000, __LINE__ },
		{ "10.0.0.1:1", "10.0.0.1:1", "10.0.0.2:2", 0, NEWS_MS,
			NEWS_MS + 1000, "10.0.0.2:2", 0, __LINE__ },
		{ "10.0.0.1:1", "10.0.0.1:1", "10.0.0.2:2", 0, NEWS_MS + 1,
			NEWS_MS + 1000, NULL, 0, __LINE__ },
		/* where it is, it is known to be; its port is another's */
		{ "10.0.0.1:1", "10.0.0.1:1", "10.0.0.2:2 10.0.0.1:1", 0,
			NO_SESSION, NEWS_MS, NULL, 0, __LINE__ },
		{ "10.0.0.1:40000", "10.0.0.1:1", "10.0.0.1:1 10.0.0.2:2", 0,
			NO_SESSION, NEWS_MS, NULL, 0, __LINE__ },
		/* no answer there: the next one's turn */
		{ "10.0.0.1:1", "10.0.0.1:1 10.0.0.2:2", NULL, 1, NO_SESSION,
			NEWS_MS, "10.0.0.2:2", 0, __LINE__ },
		{ "10.0.0.1:1", "10.0.0.1:1 10.0.0.2:2", NULL, 1, NEWS_MS - 1,
			NEWS_MS, NULL, 0, __LINE__ },
		{ "10.0.0.1:1", "10.0.0.1:1", NULL, 1, NO_SESSION, NEWS_MS,
			"10.0.0.1:1", 0, __LINE__ },
	};
	struct node_id id = fx_node_id(1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_ROSTER roster = fx_roster_of(2);
		AUTO_DEVICE have = nothing();
		AUTO_DEVICE want = NULL;
		struct plan_input in = input(roster, have);
		struct plan_session session = {
			.there = rows[i].heard_ms != NO_SESSION,
			.heard = { rows[i].heard_ms * NSEC_PER_MSEC },
		};
		char text[ENDPOINT_TEXT_SIZE];
		struct wgconf_peer *running = NULL;
		const struct wgconf_peer *peer;
		struct mono again;

		in.session = say_session;
		in.arg = &session;
		in.now.mono.ns = rows[i].now_ms * NSEC_PER_MSEC;
		if (rows[i].running) {
			struct pubkey key = fx_key(1).key.public_key;

			running = wgconf_peer_add(have, &key);
			running->flags |= WGPEER_HAS_ENDPOINT;
		}
		if (running && rows[i].running[0])
			ROW_TRUE(&rows[i],
				endpoint_parse(
					rows[i].running, &running->endpoint));
		merge_hint(roster, rows[i].before, 1);
		roster_settle(roster, (struct mono){ NSEC_PER_MSEC });
		merge_hint(roster, rows[i].after, NEWS_MS);
		if (rows[i].failed)
			roster_demote(roster, &id, &running->endpoint);
		ROW_INT(&rows[i], plan_wanted(&in, &want, &again), 0);
		peer = peer_of(want, 1);
		ROW_INT(&rows[i], !!(peer->flags & WGPEER_HAS_ENDPOINT),
			rows[i].set != NULL);
		if (rows[i].set)
			ROW_STR(&rows[i],
				endpoint_format(&peer->endpoint, text),
				rows[i].set);
		ROW_INT(&rows[i], again.ns,
			rows[i].again_ms ? rows[i].again_ms * NSEC_PER_MSEC
					 : MONO_NEVER.ns);
	}
}

/* ---- the engine's part, naively ---- */

static struct wgconf_allowedip *find_net(
	const struct wgconf_device *dev, const struct ipnet *net)
{
	list_for_each(pos, &dev->peers) {
		struct wgconf_peer *peer =
			LIST_ENTRY(pos, struct wgconf_peer, node);

		list_for_each(ip_pos, &peer->allowedips) {
			struct wgconf_allowedip *ip = LIST_ENTRY(
				ip_pos, struct wgconf_allowedip, node);

			if (ipnet_equal(&ip->net, net))
				return ip;
		}
	}
	return NULL;
}

static void drop_net(struct wgconf_device *dev, const struct ipnet *net)
{
	struct wgconf_allowedip *ip = find_net(dev, net);

	if (ip) {
		list_del(&ip->node);
		free(ip);
	}
}

static void drop_all_nets(struct wgconf_peer *peer)
{
	list_for_each_safe(pos, &peer->allowedips) {
		list_del(pos);
		free(LIST_ENTRY(pos, struct wgconf_allowedip, node));
	}
}

/* TOUCHED counts the peers that were told anything at all. */
static void apply_naively(struct wgconf_device *dev,
	const struct wgconf_device *change, size_t *touched)
{
	if (change->flags & WGDEV_HAS_SECKEY) {
		dev->flags |= WGDEV_HAS_SECKEY;
		dev->seckey = change->seckey;
	}
	list_for_each(pos, &change->peers) {
		const struct wgconf_peer *say =
			LIST_ENTRY(pos, struct wgconf_peer, node);
		struct wgconf_peer *peer = wgconf_peer_find(dev, &say->pubkey);

		++*touched;
		if (say->flags & WGPEER_REMOVE) {
			assert_non_null(peer);
			wgconf_peer_free(peer);
			continue;
		}
		if (!peer) {
			assert_false(say->flags & WGPEER_UPDATE_ONLY);
			peer = wgconf_peer_add(dev, &say->pubkey);
			peer->flags |=
				WGPEER_HAS_ENDPOINT | WGPEER_HAS_KEEPALIVE;
		}
		if (say->flags & WGPEER_HAS_ENDPOINT)
			peer->endpoint = say->endpoint;
		if (say->flags & WGPEER_HAS_KEEPALIVE)
			peer->keepalive_sec = say->keepalive_sec;
		if (say->flags & WGPEER_REPLACE_ALLOWEDIPS)
			drop_all_nets(peer);
		list_for_each(ip_pos, &say->allowedips) {
			const struct wgconf_allowedip *ip = LIST_ENTRY(
				ip_pos, struct wgconf_allowedip, node);

			drop_net(dev, &ip->net);
			if (!ip->remove)
				assert_non_null(
					wgconf_allowedip_add(peer, &ip->net));
		}
	}
}

/* DEV is exactly what ROSTER allows: no peer more, none less. */
static void check_exact(
	const struct roster *roster, const struct wgconf_device *dev)
{
	size_t count = trust_node_count(roster_trust(roster)), peers = 0;

	for (size_t i = 0; i < count; i++) {
		struct roster_node node = roster_at(roster, i);
		const struct wgconf_peer *peer;
		const struct record_membership *m = node.verified.membership;
		size_t nets = 0;

		if (!m || !node.verified.key || node.verified.removed ||
			node.withheld ||
			node_id_equal(&node.verified.node, roster_self(roster)))
			continue;
		peers++;
		peer = wgconf_peer_find(dev, &node.verified.key->public_key);
		assert_non_null(peer);
		for (size_t j = 0; j < m->address_count; j++)
			assert_ptr_equal(find_net(dev, &m->addresses[j]),
				find_net(dev, &m->addresses[j]));
		list_for_each(pos, &peer->allowedips) {
			const struct wgconf_allowedip *ip =
				LIST_ENTRY(pos, struct wgconf_allowedip, node);

			assert_true(ipnet_equal(&ip->net, &m->addresses[0]) ||
				ipnet_equal(&ip->net, &m->addresses[1]));
			nets++;
		}
		assert_int_equal(nets, m->address_count);
		if (node.endpoint_count > 0)
			assert_true(endpoint_known(&peer->endpoint));
	}
	assert_int_equal(count_peers(dev), peers);
}

/* What changes at one node, at random. */
struct twin {
	uint64_t membership_serial, key_serial;
	bool there, removed;
};

static void change_one(struct random *random, struct twin *twin, unsigned int i,
	struct fx_map *fx)
{
	struct record member = fx_member(i), key = fx_key(i);
	struct record removal = fx_removal(i);

	switch (random_below(random, 6)) {
	case 0: /* comes, or is named again */
	case 1:
		twin->there = true;
		member.serial = 1 + twin->membership_serial;
		key.serial = 1 + twin->key_serial;
		key.key.epoch = key.serial;
		key.key.public_key.b[0] = (uint8_t)twin->key_serial;
		fx_map_add(fx, &member, FX_OPERATOR);
		fx_map_add(fx, &key, FX_NODE + i);
		break;
	case 2: /* a new key */
		twin->key_serial++;
		key.serial = 1 + twin->key_serial;
		key.key.epoch = key.serial;
		key.key.public_key.b[0] = (uint8_t)twin->key_serial;
		fx_map_add(fx, &key, FX_NODE + i);
		break;
	case 3: /* a new address, or one less */
		twin->membership_serial++;
		member.serial = 1 + twin->membership_serial;
		member.membership.addresses[0].addr.b[2] =
			(uint8_t)(10 + twin->membership_serial % 100);
		member.membership.address_count =
			1 + twin->membership_serial % 2;
		fx_map_add(fx, &member, FX_OPERATOR);
		break;
	case 4:
		fx_map_withhold(fx, i);
		break;
	case 5:
		if (random_below(random, 8) == 0)
			fx_map_add(fx, &removal, FX_OPERATOR);
		else
			fx_map_hint(fx, i, "10.0.0.5:5");
		break;
	}
}

#define TWINS 8
#define STEPS 400

static void test_changes_lead_to_wanted(void **state)
{
	struct random random = random_start();
	AUTO_ROSTER roster = fx_roster_of(1);
	AUTO_DEVICE have = nothing();
	struct twin twins[TWINS + 1] = { 0 };
	uint64_t serial = 1;

	(void)state;
	for (unsigned int step = 0; step < STEPS; step++) {
		unsigned int i = 1 + (unsigned int)random_below(&random, TWINS);
		AUTO_DEVICE change = NULL;
		AUTO_DEVICE rest = NULL;
		struct fx_map fx;
		size_t touched = 0, idle = 0;

		fx_map_delta(&fx, serial, serial + 1);
		serial++;
		change_one(&random, &twins[i], i, &fx);
		(void)fx_merge(roster, &fx, 0);
		fx_map_release(&fx);
		change = changes(roster, have);
		apply_naively(have, change, &touched);
		roster_settle(roster, fx_now(0).mono);
		check_exact(roster, have);
		/* one node changed: at most its old and its new key are told */
		if (step > 0)
			assert_in_range(touched, 0, 3);
		rest = changes(roster, have);
		assert_true(wgconf_diff_empty(rest));
		apply_naively(have, rest, &idle);
		assert_int_equal(idle, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_a_peer),
		cmocka_unit_test(test_peer_in_full),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_changes_lead_to_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
