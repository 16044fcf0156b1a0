/*
 * plan: from what is believed to what the engine is told. Pure: roster, running
 * state and time in, ordered changes out.
 *
 *   believed, not removed, not withheld, not expired, not self
 *       -> a peer, its addresses (and routes, if signed) as allowed-IPs
 *
 * Endpoints are left to the engine, which learns them from authentic packets:
 * a hint is used for a peer that has none, and for a peer without a live session
 * whose endpoint did not answer or is not among its candidates any more.
 *
 * The only place of the agent that makes a peer is plan_add_peer(), and it takes
 * a verified record.
 */
#ifndef AGENT_PLAN_H
#define AGENT_PLAN_H

#include "agent/roster.h"
#include "wgconf/wgconf.h"

struct plan_input {
	const struct roster *roster;
	const struct seckey *seckey;
	uint16_t keepalive_sec; /* 0: off */
	struct wall now;
	const struct wgconf_device *have; /* a GET of the engine */
	/* True while the peer's session carries traffic both ways. */
	bool (*is_live)(void *arg, const struct pubkey *peer);
	void *arg;
};

/* The whole configuration that is wanted. Endpoints only where one is to be
 * set. -ENOMEM. */
WARN_UNUSED int plan_wanted(
	const struct plan_input *in, struct wgconf_device **ret_want);
/* The changes that lead from IN->have to it, in the order they are to be
 * applied. -ENOMEM. */
WARN_UNUSED int plan_changes(
	const struct plan_input *in, struct wgconf_device **ret_change);
/* When a membership that is in force ends next; ns 0: none does. */
struct wall plan_next_expiry(const struct roster *roster, struct wall now);
/* Whether NODE becomes a peer at NOW. */
bool plan_is_peer(const struct roster *roster, const struct roster_node *node,
	struct wall now);

#endif
