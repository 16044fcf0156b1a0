/*
 * model: what the coordinator knows, as values. The store hands out copies of
 * its rows in these types; decisions (ipam, netmap) take them; nobody holds a
 * pointer into the database.
 */
#ifndef MESHD_MODEL_H
#define MESHD_MODEL_H

#include "base/auto.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "meshproto/message.h"
#include "meshproto/record.h"
#include "meshproto/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_HASH_SIZE 32
struct secret_hash { /* of a bearer's secret: auth.h */
	uint8_t b[SECRET_HASH_SIZE];
};

struct mesh_row {
	struct mesh_id id;
	struct signpub operator_key;
	uint64_t serial;
	struct wall created;
};

/* What a record is about: a mesh's or node's id, or a delegate key. */
#define SUBJECT_SIZE_MAX KEY_SIZE
struct subject {
	uint8_t b[SUBJECT_SIZE_MAX];
	size_t len;
};
struct subject subject_of_mesh(const struct mesh_id *id);
struct subject subject_of_node(const struct node_id *id);
struct subject subject_of_delegate(const struct signpub *delegate);
struct subject subject_of_record(const struct record *rec);

struct record_row {
	enum record_type type;
	struct subject subject;
	uint64_t serial;	   /* of the netmap; 0: nobody is told */
	struct envelope *envelope; /* owned */
};
struct record_rows {
	struct record_row *rows;
	size_t count, cap;
};
void record_rows_release(struct record_rows *rows);
AUTO_DEFINE_VALUE(struct record_rows, record_rows_release)
/* Takes ownership of ENV, also when it fails with -ENOMEM. */
WARN_UNUSED int record_rows_add(struct record_rows *rows, enum record_type type,
	const struct subject *subject, uint64_t serial, struct envelope *env);

enum token_kind { TOKEN_JOIN, TOKEN_API };
struct token_row {
	char id[TOKEN_ID_TEXT_SIZE];
	enum token_kind kind;
	struct secret_hash hash;
	char note[NAME_MAX_LEN + 1];
	unsigned int scopes;	 /* auth.h */
	struct signpub delegate; /* of a join token */
	uint32_t uses_max, uses; /* max 0: any number */
	struct wall created, expires;
	struct wall revoked; /* 0: no */
};

enum node_state { NODE_RESERVED, NODE_MEMBER, NODE_REMOVED };
struct node_row {
	struct node_id id;
	enum node_state state;
	struct signpub identity;
	char name[NAME_MAX_LEN + 1];
	char token[TOKEN_ID_TEXT_SIZE]; /* that it joined by; "": none */
	struct wall reserved_until;	/* NODE_RESERVED */
	struct wall joined;
	struct wall removed;
	struct pubkey public_key;
	char credential_id[TOKEN_ID_TEXT_SIZE];
	struct secret_hash credential_hash;
};

/* Where a node may be reached, and the change that said so. */
struct endpoint_row {
	struct msg_node_endpoints at;
	uint64_t serial;
};
struct endpoint_rows {
	struct endpoint_row *rows;
	size_t count, cap;
};
void endpoint_rows_release(struct endpoint_rows *rows);
AUTO_DEFINE_VALUE(struct endpoint_rows, endpoint_rows_release)
/* A new row at the end, all zero but for the arguments; NULL: no memory. */
struct endpoint_row *endpoint_rows_add(struct endpoint_rows *rows,
	const struct node_id *node, uint64_t serial);

struct node_rows {
	struct node_row *rows;
	size_t count, cap;
};
void node_rows_release(struct node_rows *rows);
AUTO_DEFINE_VALUE(struct node_rows, node_rows_release)
WARN_UNUSED int node_rows_add(
	struct node_rows *rows, const struct node_row *row);

#endif
