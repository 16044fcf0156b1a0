/* apply: see apply.h. */
#include "config.h"

#include "agent/apply.h"

#include "agent/plan.h"
#include "engine/uapi/enginecfg.h"
#include "wgconf/diff.h"

#include <sodium.h>

#include "base/banned.h"

/* With traffic one way, the other side answers within KEEPALIVE (10 s); with
 * persistent keepalives something comes every 25 s, and may be late. */
#define LIVE_SEC 30

struct liveness {
	struct engine *engine;
	const struct now *now;
};

bool apply_peer_is_live(const struct wg_peer *peer, const struct now *now)
{
	struct wg_peer_info info;
	bool is_live;

	wg_peer_get_info(peer, now, &info);
	is_live = info.has_session && info.last_receive.ns != 0 &&
		mono_sub(now->mono, info.last_receive) <
			LIVE_SEC * NSEC_PER_SEC;
	sodium_memzero(&info.psk, sizeof(info.psk));
	return is_live;
}

static bool is_live(void *arg, const struct pubkey *key)
{
	const struct liveness *liveness = arg;
	const struct wg_peer *peer =
		wg_device_find_peer(engine_device(liveness->engine), key);

	return peer && apply_peer_is_live(peer, liveness->now);
}

int apply_roster(const struct apply_input *in, const struct now *now,
	bool *ret_changed, struct err *err)
{
	AUTO(wgconf_device_free) struct wgconf_device *have = NULL;
	AUTO(wgconf_device_free) struct wgconf_device *change = NULL;
	struct liveness liveness = { in->engine, now };
	struct plan_input plan = {
		.roster = in->roster,
		.seckey = in->seckey,
		.keepalive_sec = in->keepalive_sec,
		.now = now->wall,
		.is_live = is_live,
		.arg = &liveness,
	};
	bool changed;
	int r;

	r = enginecfg_get(in->engine, now, &have);
	if (r < 0)
		return err_set(err, r, "out of memory");
	plan.have = have;
	r = plan_changes(&plan, &change);
	if (r < 0)
		return err_set(err, r, "out of memory");
	changed = !wgconf_diff_empty(change);
	r = enginecfg_apply(in->engine, change, now, err);
	engine_flush(in->engine, now);
	if (r < 0)
		return r;
	roster_settle(in->roster);
	*ret_changed = changed;
	return 0;
}
