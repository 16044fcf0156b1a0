/*
 * member: this node as a member of its mesh: the roster, and the interface and
 * engine that follow it. Boots from the cache alone; what a coordinator says is
 * merged, applied, then saved.
 *
 *   cache -> roster -> engine (peers) + net (addresses, routes)
 *              ^ netmaps                  | events
 *
 * Knows no coordinator. Loop thread only.
 */
#ifndef AGENT_MEMBER_H
#define AGENT_MEMBER_H

#include "agent/roster.h"
#include "agent/state.h"
#include "engine/linux/engine.h"
#include "meshproto/message_agent.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stdint.h>

#define MEMBER_HOST_ADDRS_MAX 64
/* Behind a translator: shorter than the 30 s after which the strictest forget
 * a UDP mapping. */
#define MEMBER_KEEPALIVE_SEC 25

struct member;

struct member_options {
	struct loop *loop;
	struct state *state; /* loaded; borrowed */
	const char *ifname;
	uint16_t listen_port; /* 0: as before, else any */
	uint32_t mtu;	      /* 0: ENGINE_DEFAULT_MTU */
	/* The owner's ears. None may free the member inside. */
	void (*on_report_due)(void *arg, const struct now *now);
	/* The owner is to end the loop: */
	void (*on_removed)(void *arg); /* by a verified removal record */
	void (*on_gone)(void *arg);    /* the interface was deleted */
	void *arg;
};

/* Interface up, addresses set, peers installed when this returns. -ENODATA the
 * cache does not hold what it takes; -EOWNERDEAD this node was removed. */
WARN_UNUSED int member_new(const struct member_options *options,
	const struct now *now, struct member **ret_member, struct err *err);
/* The interface goes; what is not saved yet is saved. */
void member_free(struct member *member);
AUTO_DEFINE(struct member, member_free)

/* Returns the serial to ask from next; 0: a full map is needed. */
uint64_t member_merge(struct member *member, const struct msg_netmap *map,
	const struct now *now);
/* The host's addresses or routes may have changed. True if the addresses did.
 * In any case peers with a session hear from us at once, so that they learn
 * where we are. */
bool member_host_changed(struct member *member, const struct now *now);

struct engine *member_engine(struct member *member);
const struct roster *member_roster(const struct member *member);
WARN_UNUSED int member_make_report(
	struct member *member, struct buf *out, const struct now *now);
/* A removal that the coordinator lacks, as the text of a msg_record (roster.h:
 * roster_owed). -ENOENT: there is none; -ENOMEM. */
WARN_UNUSED int member_next_owed(const struct member *member,
	struct node_id *ret_node, struct buf *body);
void member_settle_owed(struct member *member, const struct node_id *node);
/* Everything but what is known of the coordinator. */
WARN_UNUSED int member_fill_status(const struct member *member,
	struct msg_agent_status *ret_status, const struct now *now);

#endif
