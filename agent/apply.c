/* apply: see apply.h. */
#include "config.h"

#include "agent/apply.h"

#include "agent/plan.h"
#include "engine/uapi/enginecfg.h"

#include <sodium.h>

#include "base/banned.h"

struct looker {
	struct engine *engine;
	const struct now *now;
};

static struct plan_session look(void *arg, const struct pubkey *key)
{
	const struct looker *looker = arg;
	const struct wg_peer *peer =
		wg_device_find_peer(engine_device(looker->engine), key);
	struct plan_session session = { 0 };
	struct wg_peer_info info;

	if (!peer)
		return session;
	wg_peer_get_info(peer, looker->now, &info);
	session.there = info.has_session;
	session.heard = info.last_receive;
	sodium_memzero(&info.psk, sizeof(info.psk));
	return session;
}

/* A peer that was found elsewhere is to find us, too: if we have moved as well,
 * it waits for our packet as we do for its. */
static void greet_moved(struct engine *engine,
	const struct wgconf_device *change, const struct now *now)
{
	struct wg_device *dev = engine_device(engine);

	list_for_each(pos, &change->peers) {
		const struct wgconf_peer *changed =
			LIST_ENTRY(pos, const struct wgconf_peer, node);
		struct wg_peer *peer =
			wg_device_find_peer(dev, &changed->pubkey);
		struct wg_peer_info info;

		if (!peer || !(changed->flags & WGPEER_HAS_ENDPOINT))
			continue;
		wg_peer_get_info(peer, now, &info);
		sodium_memzero(&info.psk, sizeof(info.psk));
		if (info.has_session)
			wg_peer_send_keepalive(dev, now, peer);
	}
}

int apply_roster(const struct apply_input *in, const struct now *now,
	struct mono *ret_again, struct err *err)
{
	AUTO(wgconf_device_free) struct wgconf_device *have = NULL;
	AUTO(wgconf_device_free) struct wgconf_device *change = NULL;
	struct looker looker = { in->engine, now };
	struct plan_input plan = {
		.roster = in->roster,
		.seckey = in->seckey,
		.keepalive_sec = in->keepalive_sec,
		.now = *now,
		.session = look,
		.arg = &looker,
	};
	struct mono again;
	int r;

	r = enginecfg_get(in->engine, now, &have);
	if (r < 0)
		return err_set(err, r, "out of memory");
	plan.have = have;
	r = plan_changes(&plan, &change, &again);
	if (r < 0)
		return err_set(err, r, "out of memory");
	r = enginecfg_apply(in->engine, change, now, err);
	if (r == 0)
		greet_moved(in->engine, change, now);
	engine_flush(in->engine, now);
	if (r < 0)
		return r;
	/* What waits for its proof stays news until then. */
	roster_settle(in->roster,
		again.ns == MONO_NEVER.ns
			? now->mono
			: mono_add(again, -PLAN_PROOF_NS - 1));
	*ret_again = again;
	return 0;
}
