/*
 * trust_set: the believed records and the tables that find them. Puts records
 * in without asking questions: trust_rules.c asked them. Every put is whole or
 * not at all (memory is taken before anything changes).
 *
 *   nodes    by id, and in an array in order of id
 *   grants   by delegate, and in an array in order of coming
 *   claims   what a live node holds for itself: its name, its addresses, its
 *            WireGuard key. A removal lets go of them all
 *
 * For trust*.c alone.
 */
#ifndef MESHPROTO_TRUST_SET_H
#define MESHPROTO_TRUST_SET_H

#include "base/hash.h"
#include "meshproto/trust.h"

/* What can be held by one node only. */
enum claim_kind { CLAIM_NAME, CLAIM_ADDRESS, CLAIM_KEY };
struct trust_claim {
	struct hash_node link;
	struct trust_node *holder;
	enum claim_kind kind;
	const void *value; /* in the holder's membership or key */
	size_t len;	   /* 0: not in the table */
};
#define TRUST_CLAIM_NAME      0
#define TRUST_CLAIM_KEY	      1
#define TRUST_CLAIM_ADDRESSES 2
#define TRUST_CLAIMS	      (TRUST_CLAIM_ADDRESSES + RECORD_ADDRESSES_MAX)

struct trust_grant {
	struct hash_node link;
	struct record_grant grant;
	struct envelope *env;
	uint64_t serial;
	uint32_t admitted; /* nodes whose admission this delegate signed */
};

struct trust_node {
	struct hash_node link;
	struct node_id id;
	struct record_membership *membership; /* NULL: a tombstone without */
	struct record_key *key;
	uint64_t membership_serial, key_serial;
	/* as they came; NULL where there is none. `admission` is what a
	 * delegate signed, when the operator has restated it since. */
	struct envelope *admission_env, *membership_env, *key_env, *removal_env;
	struct trust_grant *admitted_by;
	struct trust_claim claims[TRUST_CLAIMS];
};

struct trust {
	struct signpub operator_key;
	struct mesh_id mesh_id;
	struct envelope *mesh_env;
	struct record_mesh mesh;
	uint64_t mesh_serial;

	struct hash node_table, grant_table, claim_table;
	struct trust_node **nodes;
	size_t node_count, node_cap, stray_count;
	bool in_batch;	      /* nodes[] is in disorder from */
	size_t ordered_count; /* ... here on, until trust_set_batch_end() */
	struct trust_grant **grants;
	size_t grant_count, grant_cap;
};

struct trust_node *trust_set_node(
	const struct trust *trust, const struct node_id *id);
struct trust_grant *trust_set_grant(
	const struct trust *trust, const struct signpub *delegate);
/* Who holds VALUE; NULL if nobody does. */
struct trust_node *trust_set_holder(const struct trust *trust,
	enum claim_kind kind, const void *value, size_t len);

/* All: 0 or -ENOMEM. ENV is copied. */
WARN_UNUSED int trust_set_put_mesh(struct trust *trust,
	const struct record *rec, const struct envelope *env);
WARN_UNUSED int trust_set_put_grant(struct trust *trust,
	const struct record *rec, const struct envelope *env);
/* GRANT: whose delegate signed it, NULL for the operator. */
WARN_UNUSED int trust_set_put_membership(struct trust *trust,
	const struct record *rec, const struct envelope *env,
	struct trust_grant *grant);
/* NODE's membership is the operator's, and GRANT's delegate had admitted it. */
WARN_UNUSED int trust_set_put_admission(struct trust *trust,
	struct trust_node *node, const struct envelope *env,
	struct trust_grant *grant);
WARN_UNUSED int trust_set_put_key(struct trust *trust, struct trust_node *node,
	const struct record *rec, const struct envelope *env);
WARN_UNUSED int trust_set_put_removal(struct trust *trust,
	const struct record *rec, const struct envelope *env);

/* Between the two, trust_node_at() has no order. */
void trust_set_batch_begin(struct trust *trust);
void trust_set_batch_end(struct trust *trust);

#endif
