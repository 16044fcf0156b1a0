/*
 * state: what a node keeps on disk: one directory (0700) a mesh, one small file
 * (0600) a fact, each replaced whole.
 *
 *   identity.key  Ed25519 seed, base64: who this node is, for life
 *   wg.key        Curve25519 private key, base64, as `wg genkey` writes it
 *   credential    the agent's own bearer token
 *   agent.conf    which mesh, where its coordinator is, what this node is called
 *   netmap.json   the last good netmap: signed records, verified again at boot
 *   lock          held while a program works on the directory
 *
 *   NONE      no agent.conf
 *   BEGUN     keys and agent.conf, no netmap: a join was cut short, and may be
 *             taken up again with the same token
 *   MEMBER    a netmap
 *
 * Keys are written before anything is told to a coordinator, so that a join that
 * was cut short can be taken up with the same identity.
 */
#ifndef AGENT_STATE_H
#define AGENT_STATE_H

#include "agent/conf.h"
#include "base/err.h"
#include "base/key.h"
#include "base/num.h"
#include "base/time.h"
#include "meshproto/record.h"
#include "meshproto/token.h"

#include <stdbool.h>
#include <stdint.h>

#define STATE_DIR_MAX 200

struct state {
	char dir[STATE_DIR_MAX + 1];
	int lock_fd;
	struct agent_conf conf;
	struct signseed identity;
	struct seckey wg;
	char credential[BEARER_TEXT_SIZE];
};
enum state_stage { STATE_NONE, STATE_BEGUN, STATE_MEMBER };

/* Locks DIR, after making it when MODE is STATE_CREATE. Takes nothing but the
 * lock. -ENOENT no such directory, -EBUSY another program works on it, -EPERM it
 * belongs to, or is open to, other users. */
enum state_open { STATE_EXISTING, STATE_CREATE };
WARN_UNUSED int state_open(const char *dir, enum state_open mode,
	struct state *ret_state, struct err *err);
/* The same without the lock, to look only: another program may be at work. */
WARN_UNUSED int state_peek(const char *dir, struct state *ret_state,
	enum state_stage *ret_stage, struct err *err);
/* Wipes the keys, lets go of the lock. */
void state_release(struct state *state);
AUTO_DEFINE_VALUE(struct state, state_release)

/* Reads what there is. An unreadable or damaged file is an error, never a reason
 * to start anew. */
WARN_UNUSED int state_load(
	struct state *state, enum state_stage *ret_stage, struct err *err);
/* Fresh keys and credential, saved together with CONF. */
WARN_UNUSED int state_begin(
	struct state *state, const struct agent_conf *conf, struct err *err);
/* Saves state->conf. */
WARN_UNUSED int state_save_conf(const struct state *state, struct err *err);

WARN_UNUSED int state_load_netmap(
	const struct state *state, struct buf *buf, struct err *err);
/* When it was saved; ns 0 if that cannot be told. */
struct wall state_netmap_time(const struct state *state);
WARN_UNUSED int state_save_netmap(
	const struct state *state, const struct buf *buf, struct err *err);

/* Every file of this list, then the directory if nothing else is in it. */
WARN_UNUSED int state_delete(struct state *state, struct err *err);

#endif
