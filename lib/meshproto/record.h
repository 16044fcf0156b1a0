/*
 * record: what operators and nodes state, signed. The signed bytes travel as
 * they are (DESIGN 6): a record is never serialised again to be checked.
 *
 *   envelope  {"payload": base64, "key": base64 Ed25519, "sig": base64}
 *   payload   JSON, one of:
 *     mesh        signed by the operator: name, prefixes
 *     grant       signed by the operator: what a delegate key may sign
 *     membership  signed by the operator or a delegate: who a node is
 *     key         signed by the node's identity: its WireGuard key
 *     removal     signed by the operator, or by the node itself on leave: gone
 *                 for good
 *
 * Encoding is strict both ways: unknown fields, duplicate keys, trailing bytes
 * and anything over a limit below are refused. Whether a signer was entitled
 * is trust.h's question; decoding here checks form and the signature itself.
 */
#ifndef MESHPROTO_RECORD_H
#define MESHPROTO_RECORD_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/ipnet.h"
#include "base/key.h"
#include "base/num.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESH_SCHEMA "mesh/v1"

/* The first 16 bytes of BLAKE2b-256 over the operator's, or the node's
 * identity, public key: self-certifying. Text: 32 hex digits. */
#define MESH_ID_SIZE	  16
#define MESH_ID_TEXT_SIZE (2 * MESH_ID_SIZE + 1)
struct mesh_id {
	uint8_t b[MESH_ID_SIZE];
};
struct node_id {
	uint8_t b[MESH_ID_SIZE];
};
struct mesh_id mesh_id_of(const struct signpub *op);
struct node_id node_id_of(const struct signpub *identity);
bool node_id_equal(const struct node_id *a, const struct node_id *b);
const char *node_id_format(
	const struct node_id *id, char buf[static MESH_ID_TEXT_SIZE]);
WARN_UNUSED bool node_id_parse(const char *text, struct node_id *ret_id);
const char *mesh_id_format(
	const struct mesh_id *id, char buf[static MESH_ID_TEXT_SIZE]);
WARN_UNUSED bool mesh_id_parse(const char *text, struct mesh_id *ret_id);

#define RECORD_ADDRESSES_MAX 4 /* one or two in practice */
#define RECORD_ROUTES_MAX    32
#define RECORD_TAGS_MAX	     16
#define RECORD_PREFIXES_MAX  2	  /* one a family */
#define RECORD_PAYLOAD_MAX   4096 /* 32 routes and 16 tags of 63 fit in 3.3 KiB */

enum record_type {
	RECORD_MESH,
	RECORD_GRANT,
	RECORD_MEMBERSHIP,
	RECORD_KEY,
	RECORD_REMOVAL,
};

struct record_mesh {
	struct signpub operator_key; /* must hash to the mesh id */
	char name[NAME_MAX_LEN + 1];
	struct ipnet prefixes[RECORD_PREFIXES_MAX];
	size_t prefix_count;
};
struct record_grant {
	struct signpub delegate;
	struct wall issued_at, expires;
	uint32_t uses; /* nodes it may admit in all; 0: any number */
	char tags[RECORD_TAGS_MAX][NAME_MAX_LEN + 1];
	size_t tag_count;
	struct ipnet prefixes[RECORD_PREFIXES_MAX]; /* addresses lie within */
	size_t prefix_count;
};
struct record_membership {
	struct node_id node; /* must be node_id_of(identity) */
	struct signpub identity;
	char name[NAME_MAX_LEN + 1];
	struct ipnet addresses[RECORD_ADDRESSES_MAX]; /* /32 and /128 */
	size_t address_count;
	struct ipnet routes[RECORD_ROUTES_MAX];
	size_t route_count;
	char tags[RECORD_TAGS_MAX][NAME_MAX_LEN + 1];
	size_t tag_count;
	struct wall issued_at, not_after;
};
struct record_key {
	struct node_id node;
	uint64_t epoch; /* counts key generations from 1 */
	struct pubkey public_key;
};
struct record_removal {
	struct node_id node;
};

struct record {
	enum record_type type;
	struct mesh_id mesh;
	uint64_t serial; /* rises with every restatement of the same subject */
	union {
		struct record_mesh as_mesh;
		struct record_grant grant;
		struct record_membership membership;
		struct record_key key;
		struct record_removal removal;
	};
};

/* A record in its travelling form. Immutable; freed as one block. */
struct envelope {
	struct signpub key;
	struct signature sig;
	size_t payload_len;
	uint8_t payload[];
};
void envelope_free(struct envelope *env);
AUTO_DEFINE(struct envelope, envelope_free)
struct envelope *envelope_dup(const struct envelope *env);
bool envelope_equal(const struct envelope *a, const struct envelope *b);

/* Serialises REC and signs it. -ENOMEM, -EINVAL with ERR when REC breaks a
 * limit or a name is no name. */
WARN_UNUSED int record_sign(const struct record *rec,
	const struct signseed *signer, struct envelope **ret_env,
	struct err *err);
/* Checks the signature under env->key, then the form. -EBADMSG with ERR. */
WARN_UNUSED int record_open(
	const struct envelope *env, struct record *ret_rec, struct err *err);
/* "membership of node-a", "key of 3f2a…": names a record in messages. */
#define RECORD_LABEL_SIZE 96
const char *record_label(
	const struct record *rec, char buf[static RECORD_LABEL_SIZE]);

/* The envelope's JSON text, for storing and for embedding. -EBADMSG. */
WARN_UNUSED int envelope_decode(const char *json, size_t len,
	struct envelope **ret_env, struct err *err);
WARN_UNUSED int envelope_encode(const struct envelope *env, struct buf *out);

/* Which node's record ENV claims to be, readable or not; nothing of it is
 * verified. False: it is of no node, or does not say. */
bool record_claim(const struct envelope *env, enum record_type *ret_type,
	struct node_id *ret_node);

#endif
