/*
 * meshd: the coordinator's state in one place, and the steps that several
 * handlers share: start, change, presence. The store is the truth across
 * restarts; trust, presence and events live in memory only.
 *
 * A change, whoever makes it: its records are offered to trust, then one
 * transaction with one serial (change_begin, change_commit) stores them, and
 * every poll is woken. If the commit fails, trust is ahead of the store: offering the same
 * bytes again answers "known" and the store catches up.
 */
#ifndef MESHD_MESHD_H
#define MESHD_MESHD_H

#include "meshd/auth.h"
#include "meshd/event.h"
#include "meshd/model.h"
#include "meshd/presence.h"
#include "meshproto/trust.h"

struct store;
struct body;

struct meshd {
	struct store *store; /* owned, as all here but URL */
	struct trust *trust; /* NULL: there is no mesh yet */
	struct mesh_row mesh;
	struct auth_key auth;
	struct presence presence;
	struct events events;
	const char *url; /* where agents find us */
	uint8_t pin[TOKEN_PIN_SIZE];
	/* The last delta that was said: the next poll often wants the same. */
	struct body *delta;
	uint64_t delta_since, delta_serial;
};

/* Opens DIR and loads what is there; records that do not verify are logged
 * once, and told to agents as they are. MESHD is all zero before. */
WARN_UNUSED int meshd_init(struct meshd *meshd, const char *dir,
	const struct now *now, struct err *err);
void meshd_release(struct meshd *meshd);
AUTO_DEFINE_VALUE(struct meshd, meshd_release)
/* One transaction and its serial. */
struct change {
	struct meshd *meshd;
	struct store *tx; /* NULL: over */
	uint64_t serial;
};
void change_rollback(struct change *change);
AUTO_DEFINE_VALUE(struct change, change_rollback)
WARN_UNUSED int change_begin(struct meshd *meshd, const struct now *now,
	struct change *ret_change, struct err *err);
/* Everybody who waits for the netmap is woken. */
WARN_UNUSED int change_commit(struct change *change, struct err *err);

/* A request of NODE came. May fail to note it, silently: it is a hint. */
void meshd_on_seen(
	struct meshd *meshd, const struct node_id *node, const struct now *now);
void meshd_on_report(struct meshd *meshd, const struct node_id *node,
	struct msg_report *report, const struct now *now); /* moves its peers */
void meshd_on_removed(
	struct meshd *meshd, const struct node_id *node, const struct now *now);
/* A poll of NODE waits, or waits no more; HUNG_UP: the far end closed it. */
void meshd_on_poll_open(struct meshd *meshd, const struct node_id *node,
	uint64_t since, int64_t wait_ns, const struct now *now);
void meshd_on_poll_close(struct meshd *meshd, const struct node_id *node,
	bool hung_up, const struct now *now);

#endif
