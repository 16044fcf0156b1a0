/* member: see member.h. */
#include "config.h"

#include "agent/member.h"

#include "agent/apply.h"
#include "agent/cache.h"
#include "agent/candidates.h"
#include "agent/net.h"
#include "agent/plan.h"
#include "agent/report.h"
#include "agent/status.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/netlink.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define RETRY_NS (1 * NSEC_PER_SEC)
/* Sessions are renewed every two minutes with every peer; that is worth a report
 * now and then. Where a peer is, others may need. */
#define SESSION_REPORT_GAP_NS  (60 * NSEC_PER_SEC)
#define ENDPOINT_REPORT_GAP_NS (5 * NSEC_PER_SEC)
#define ENDPOINT_SAVE_NS       (5 * NSEC_PER_SEC)
/* At boot: 32 initiations of 4 X25519 each are 10 ms of work. */
#define GREET_BATCH  32
#define GREET_GAP_NS (50 * NSEC_PER_MSEC)

struct member {
	struct member_options opt;
	struct state *state;
	struct roster *roster;
	struct netlink *nl;
	struct engine *engine;
	struct net_config net; /* as it is set */
	struct ipaddr addrs[MEMBER_HOST_ADDRS_MAX];
	size_t addr_count;

	struct loop_timer *apply_timer; /* expiry, retry, events, proofs */
	struct mono apply_again;	/* proofs */
	struct cache *cache;
	struct loop_timer *greet_timer;
	size_t greet_next; /* index in the roster */
	struct loop_timer *report_timer;
	struct mono last_report, report_at;
	size_t report_turn;
	bool booted;
};

static void hear_refusal(void *arg, const struct err *err)
{
	(void)arg;
	log_error("refused: %s", err->msg);
}

static void peer_info(const struct wg_peer *peer, const struct now *now,
	struct wg_peer_info *ret_info)
{
	wg_peer_get_info(peer, now, ret_info);
	sodium_memzero(&ret_info->psk, sizeof(ret_info->psk));
}

/* Where peers really are is the best hint for the next boot. */
static void keep_endpoints(void *arg)
{
	struct member *member = arg;
	size_t count = trust_node_count(roster_trust(member->roster));
	const struct now *now = loop_now(member->opt.loop);

	for (size_t i = 0; i < count; i++) {
		struct verified_node node =
			trust_node_at(roster_trust(member->roster), i);
		const struct wg_peer *peer = !node.key
			? NULL
			: wg_device_find_peer(engine_device(member->engine),
				  &node.key->public_key);
		struct wg_peer_info info;

		if (!peer)
			continue;
		peer_info(peer, now, &info);
		if (info.last_handshake.ns != 0)
			roster_prefer(
				member->roster, &node.node, &info.endpoint);
	}
}

/* ---- applying ---- */

/* Through a translator our own sending is what keeps us reachable. */
static uint16_t keepalive_sec(const struct member *member)
{
	struct roster_node self;
	bool is_behind = roster_find(member->roster,
				 roster_self(member->roster), &self) &&
		candidates_behind_nat(self.endpoints, self.endpoint_count,
			member->addrs, member->addr_count);

	return is_behind ? MEMBER_KEEPALIVE_SEC : 0;
}

static int apply_engine(
	struct member *member, const struct now *now, struct err *err)
{
	const struct apply_input in = {
		.engine = member->engine,
		.roster = member->roster,
		.seckey = &member->state->wg,
		.keepalive_sec = keepalive_sec(member),
	};

	return apply_roster(&in, now, &member->apply_again, err);
}

static int apply_net(
	struct member *member, const struct now *now, struct err *err)
{
	AUTO(net_config_release) struct net_config want = { 0 };
	int r = net_wanted(
		member->roster, member->opt.mtu, now->wall, &want, err);

	if (r < 0 || net_config_equal(&member->net, &want))
		return r;
	return net_apply(member->nl, engine_ifindex(member->engine),
		&member->net, &want, err);
}

static void arm_apply(struct member *member, const struct now *now)
{
	struct wall end = plan_next_expiry(member->roster, now->wall);
	struct mono when = member->apply_again;

	if (end.ns != 0)
		when = mono_min(
			when, mono_add(now->mono, end.ns - now->wall.ns));
	loop_timer_set(member->apply_timer, when);
}

static int apply_all(
	struct member *member, const struct now *now, struct err *err)
{
	int r = apply_engine(member, now, err);

	if (r == 0)
		r = apply_net(member, now, err);
	if (r < 0)
		return r;
	roster_set_applied(member->roster);
	arm_apply(member, now);
	return 0;
}

/* While running there is nobody to return an error to: say it, try again. */
static void reapply(struct member *member, const struct now *now)
{
	struct err err = { 0 };

	if (apply_all(member, now, &err) == 0)
		return;
	log_error("%s: %s", member->opt.ifname, err.msg);
	loop_timer_set(member->apply_timer, mono_add(now->mono, RETRY_NS));
}

static void on_apply_timer(void *arg, const struct now *now)
{
	struct member *member = arg;
	uint64_t before = roster_applied(member->roster);

	reapply(member, now);
	if (roster_applied(member->roster) != before)
		member->opt.on_report_due(member->opt.arg, now);
}

uint64_t member_merge(struct member *member, const struct msg_netmap *map,
	const struct now *now)
{
	uint64_t before = roster_serial(member->roster);
	struct now then = cache_floor(member->cache, now);
	struct err err = { 0 };
	bool changed = true;
	int r = roster_merge(
		member->roster, map, &then, hear_refusal, NULL, &changed, &err);

	if (r == -ESTALE)
		return 0;
	if (r < 0)
		log_error("%s", err.msg);
	if (roster_is_removed(member->roster)) {
		cache_save(member->cache);
		member->opt.on_removed(member->opt.arg);
		return roster_serial(member->roster);
	}
	if (roster_serial(member->roster) < before)
		log_warn("the coordinator went back from %llu to %llu (an old "
			 "backup?): what was accepted stays",
			(unsigned long long)before,
			(unsigned long long)roster_serial(member->roster));
	if (changed)
		reapply(member, now);
	if (changed || roster_serial(member->roster) != before) {
		member->opt.on_report_due(member->opt.arg, now);
		cache_save_soon(member->cache, now, 0);
	}
	return r < 0 ? 0 : roster_serial(member->roster);
}

/* ---- the engine's events ---- */

static bool find_by_key(const struct member *member, const struct pubkey *key,
	struct node_id *ret_node)
{
	size_t count = trust_node_count(roster_trust(member->roster));

	for (size_t i = 0; i < count; i++) {
		struct verified_node node =
			trust_node_at(roster_trust(member->roster), i);

		if (node.key && key_equal(node.key->public_key.b, key->b)) {
			*ret_node = node.node;
			return true;
		}
	}
	return false;
}

/* Not sooner than GAP_NS after the last one. */
static void report_soon(struct member *member, int64_t gap_ns)
{
	struct mono when = mono_add(member->last_report, gap_ns);

	member->report_at = mono_min(member->report_at, when);
	loop_timer_set(member->report_timer, member->report_at);
}

static void on_event(void *arg, struct wg_peer *peer, enum wg_event event,
	const struct now *now)
{
	struct member *member = arg;
	struct wg_peer_info info;
	struct node_id node;

	switch (event) {
	case WG_EVENT_SESSION:
		report_soon(member, SESSION_REPORT_GAP_NS);
		return;
	case WG_EVENT_ENDPOINT:
		report_soon(member, ENDPOINT_REPORT_GAP_NS);
		cache_save_soon(member->cache, now, ENDPOINT_SAVE_NS);
		return;
	case WG_EVENT_UNREACHABLE:
		peer_info(peer, now, &info);
		if (!find_by_key(member, &info.pubkey, &node))
			return;
		roster_demote(member->roster, &node, &info.endpoint);
		/* Not here: the engine is in the middle of telling. */
		loop_timer_set(member->apply_timer, now->mono);
		return;
	}
}

static void on_report_timer(void *arg, const struct now *now)
{
	struct member *member = arg;

	member->opt.on_report_due(member->opt.arg, now);
}

static void on_engine_gone(void *arg)
{
	struct member *member = arg;

	member->opt.on_gone(member->opt.arg);
}

/* After a boot every peer's session with us is a thing of the past, and it does
 * not know: it would send into the void for 15 s. A handshake from our side
 * mends that in one trip. */
static void on_greet_timer(void *arg, const struct now *now)
{
	struct member *member = arg;
	size_t count = trust_node_count(roster_trust(member->roster));
	size_t greeted = 0;

	while (member->greet_next < count && greeted < GREET_BATCH) {
		struct roster_node node =
			roster_at(member->roster, member->greet_next++);
		struct wg_peer *peer;

		if (!plan_is_peer(member->roster, &node, now->wall) ||
			node.endpoint_count == 0)
			continue;
		peer = wg_device_find_peer(engine_device(member->engine),
			&node.verified.key->public_key);
		if (!peer)
			continue;
		wg_peer_initiate(engine_device(member->engine), now, peer);
		greeted++;
	}
	engine_flush(member->engine, now);
	if (member->greet_next < count)
		loop_timer_set(
			member->greet_timer, mono_add(now->mono, GREET_GAP_NS));
}

/* ---- the host ---- */

static int read_host_addrs(
	struct member *member, bool *ret_changed, struct err *err)
{
	struct ipaddr addrs[MEMBER_HOST_ADDRS_MAX] = { 0 };
	int count = netlink_host_addrs(member->nl,
		engine_ifindex(member->engine), addrs, ARRAY_SIZE(addrs), err);

	if (count < 0)
		return count;
	*ret_changed = (size_t)count != member->addr_count;
	for (int i = 0; i < count && !*ret_changed; i++)
		*ret_changed = !ipaddr_equal(&addrs[i], &member->addrs[i]);
	memcpy(member->addrs, addrs, sizeof(addrs));
	member->addr_count = (size_t)count;
	return 0;
}

bool member_host_changed(struct member *member, const struct now *now)
{
	struct wg_device *dev = engine_device(member->engine);
	struct err err = { 0 };
	bool changed = true;

	if (read_host_addrs(member, &changed, &err) < 0)
		log_warn("%s", err.msg);
	for (struct wg_peer *peer = wg_device_next_peer(dev, NULL); peer;
		peer = wg_device_next_peer(dev, peer)) {
		struct wg_peer_info info;

		peer_info(peer, now, &info);
		if (info.has_session)
			wg_peer_send_keepalive(dev, now, peer);
	}
	engine_flush(member->engine, now);
	if (changed)
		reapply(member, now); /* a translator came or went */
	return changed;
}

/* ---- booting ---- */

static int check_roster(const struct member *member, struct err *err)
{
	const char *dir = member->state->dir;

	if (roster_is_removed(member->roster))
		return err_set(err, -EOWNERDEAD,
			"this node was removed from the mesh; `meshagent "
			"leave' clears %s, then it can join again",
			dir);
	if (!roster_mesh(member->roster) || !roster_has_self(member->roster))
		return err_set(err, -ENODATA,
			"%s holds no membership of this node that verifies: "
			"leave and join again",
			dir);
	return 0;
}

/* Peers go by the record: another key on disk reaches nobody. */
static void check_key(const struct member *member)
{
	struct pubkey ours = seckey_public(&member->state->wg);
	struct roster_node self;

	if (roster_find(member->roster, roster_self(member->roster), &self) &&
		self.verified.key &&
		!key_equal(self.verified.key->public_key.b, ours.b))
		log_error("%s/wg.key is not the key that the mesh knows this "
			  "node by: no peer will answer",
			member->state->dir);
}

static int open_port(struct member *member, struct err *err)
{
	struct agent_conf *conf = &member->state->conf;
	uint16_t port = member->opt.listen_port ? member->opt.listen_port
						: conf->listen_port;
	int r = engine_set_listen_port(member->engine, port, err);

	if (r == -EADDRINUSE && port != 0 && member->opt.listen_port == 0) {
		log_warn("port %u is in use: taking another", port);
		*err = (struct err){ 0 };
		r = engine_set_listen_port(member->engine, 0, err);
	}
	if (r < 0)
		return r;
	port = engine_listen_port(member->engine);
	if (port == conf->listen_port)
		return 0;
	conf->listen_port = port;
	return state_save_conf(member->state, err);
}

static int make_timers(struct member *member)
{
	struct loop *loop = member->opt.loop;

	member->apply_timer = loop_add_timer(loop, on_apply_timer, member);
	member->greet_timer = loop_add_timer(loop, on_greet_timer, member);
	member->report_timer = loop_add_timer(loop, on_report_timer, member);
	return member->apply_timer && member->greet_timer &&
			member->report_timer
		? 0
		: -ENOMEM;
}

static int boot(struct member *member, const struct now *now, struct err *err)
{
	const struct engine_options engine = {
		.ifname = member->opt.ifname,
		.tun_fd = -1,
		.mtu = member->opt.mtu,
		.offloads = ENGINE_OFFLOADS_ALL,
		.nice = ENGINE_NICE_DEFAULT,
		.on_event = on_event,
		.on_gone = on_engine_gone,
		.arg = member,
	};
	bool changed;
	int r;

	r = cache_new(member->opt.loop, member->state, member->roster,
		keep_endpoints, member, &member->cache, err);
	if (r == 0)
		r = cache_load(member->cache, member->roster, now, hear_refusal,
			NULL, err);
	if (r == 0)
		r = check_roster(member, err);
	if (r < 0)
		return r;
	check_key(member);
	member->nl = netlink_new(err);
	if (!member->nl)
		return -EIO;
	if (make_timers(member) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	r = engine_new(member->opt.loop, &engine, &member->engine, err);
	if (r == 0)
		r = open_port(member, err);
	if (r == 0)
		r = read_host_addrs(member, &changed, err);
	if (r == 0)
		r = apply_all(member, now, err);
	if (r < 0)
		return r;
	loop_timer_set(member->greet_timer, now->mono);
	member->booted = true;
	return 0;
}

int member_new(const struct member_options *options, const struct now *now,
	struct member **ret_member, struct err *err)
{
	AUTO(member_free) struct member *member = calloc(1, sizeof(*member));
	struct signpub identity;
	struct node_id self;
	int r;

	if (!member)
		return err_set(err, -ENOMEM, "out of memory");
	member->opt = *options;
	member->report_at = MONO_NEVER;
	if (member->opt.mtu == 0)
		member->opt.mtu = ENGINE_DEFAULT_MTU;
	member->state = options->state;
	identity = signseed_public(&member->state->identity);
	self = node_id_of(&identity);
	member->roster = roster_new(&member->state->conf.operator_key, &self);
	if (!member->roster)
		return err_set(err, -ENOMEM, "out of memory");
	r = boot(member, now, err);
	if (r < 0)
		return r;
	*ret_member = TAKE(member);
	return 0;
}

void member_free(struct member *member)
{
	if (!member)
		return;
	if (member->booted && !roster_is_removed(member->roster))
		cache_save(member->cache);
	cache_free(member->cache);
	engine_free(member->engine);
	netlink_free(member->nl);
	net_config_release(&member->net);
	loop_timer_remove(member->apply_timer);
	loop_timer_remove(member->greet_timer);
	loop_timer_remove(member->report_timer);
	roster_free(member->roster);
	free(member);
}

/* ---- telling ---- */

struct engine *member_engine(struct member *member)
{
	return member->engine;
}

const struct roster *member_roster(const struct member *member)
{
	return member->roster;
}

int member_next_owed(
	const struct member *member, struct node_id *ret_node, struct buf *body)
{
	const struct envelope *removal = roster_owed(member->roster, ret_node);
	struct msg_record msg;

	if (!removal)
		return -ENOENT;
	/* The encoder only reads; a decoded one owns its record. */
	msg.record = (struct envelope *)(uintptr_t)removal;
	return msg_record_encode(&msg, body);
}

void member_settle_owed(struct member *member, const struct node_id *node)
{
	roster_settle_owed(member->roster, node);
}

int member_make_report(
	struct member *member, struct buf *out, const struct now *now)
{
	const struct report_input in = {
		.engine = member->engine,
		.roster = member->roster,
		.addrs = member->addrs,
		.addr_count = member->addr_count,
		.turn = &member->report_turn,
	};

	member->last_report = now->mono;
	member->report_at = MONO_NEVER;
	loop_timer_set(member->report_timer, MONO_NEVER);
	return report_make(&in, out, now);
}

int member_fill_status(const struct member *member,
	struct msg_agent_status *ret_status, const struct now *now)
{
	struct msg_agent_status status;
	int r = status_fill(member->roster, member->engine, &status, now);

	if (r < 0)
		return r;
	status.mtu = member->net.mtu;
	status.address_count = member->net.address_count;
	memcpy(status.addresses, member->net.addresses,
		sizeof(status.addresses));
	*ret_status = status;
	return 0;
}
