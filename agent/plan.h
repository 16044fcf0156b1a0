/*
 * plan: from what is believed to what the engine is told. Pure: roster, running
 * state and time in, ordered changes out.
 *
 *   believed, not removed, not withheld, not expired, not self
 *       -> a peer, its addresses (and routes, if signed) as allowed-IPs
 *
 * Endpoints are left to the engine, which learns them from authentic packets. A
 * hint is used for a peer that has none. One that came anew replaces what the
 * engine has, if that is at an address the peer is not known to be at any more:
 *
 *   no session, or silent for PLAN_LIVE_SEC    at once
 *   heard from after the hint came             never: it is there after all
 *   else                                       PLAN_PROOF after the hint came
 *
 * The only place of the agent that makes a peer is plan_add_peer(), and it takes
 * a verified record.
 */
#ifndef AGENT_PLAN_H
#define AGENT_PLAN_H

#include "agent/roster.h"
#include "wgconf/wgconf.h"

/* With traffic one way, the other side answers within KEEPALIVE (10 s); with
 * persistent keepalives something comes every 25 s, and may be late. */
#define PLAN_LIVE_SEC 30
/* Traffic both ways shows itself in less; and two hosts that move at the same
 * time wait this long for each other. */
#define PLAN_PROOF_NS (1 * NSEC_PER_SEC)

struct plan_session {
	bool there;
	struct mono heard; /* last authentic packet; ns 0: none */
};

struct plan_input {
	const struct roster *roster;
	const struct seckey *seckey;
	uint16_t keepalive_sec; /* 0: off */
	struct now now;
	const struct wgconf_device *have; /* a GET of the engine */
	/* What is known of a running peer; NULL: nothing. */
	struct plan_session (*session)(void *arg, const struct pubkey *peer);
	void *arg;
};

/* The whole configuration that is wanted. Endpoints only where one is to be
 * set. *RET_AGAIN: when to look again, because a hint waits for its proof; or
 * MONO_NEVER. -ENOMEM. */
WARN_UNUSED int plan_wanted(const struct plan_input *in,
	struct wgconf_device **ret_want, struct mono *ret_again);
/* The changes that lead from IN->have to it, in the order they are to be
 * applied. -ENOMEM. */
WARN_UNUSED int plan_changes(const struct plan_input *in,
	struct wgconf_device **ret_change, struct mono *ret_again);
/* When a membership that is in force ends next; ns 0: none does. */
struct wall plan_next_expiry(const struct roster *roster, struct wall now);
/* Whether NODE becomes a peer at NOW. */
bool plan_is_peer(const struct roster *roster, const struct roster_node *node,
	struct wall now);

#endif
