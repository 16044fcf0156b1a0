/*
 * auth: who is calling. A bearer token is "mesh_<kind>_<id>_<secret>"
 * (meshproto/token.h); the store keeps BLAKE2b(kind, id, secret) under a key
 * that lives beside the database, so the database alone opens nothing. A row is
 * found by its id, in the clear; what it must equal is compared in constant
 * time, and an unknown id costs the same.
 */
#ifndef MESHD_AUTH_H
#define MESHD_AUTH_H

#include "meshd/model.h"
#include "meshd/scope.h"

struct store;

#define AUTH_KEY_FILE "auth.key"
struct auth_key {
	uint8_t b[32];
};
/* Of DIR; made 0600 when there is none. -ENOKEY when there is none and STORE
 * holds tokens or nodes, to all of whom a new key would be a stranger. */
WARN_UNUSED int auth_key_load(const char *dir, struct store *store,
	struct auth_key *ret_key, struct err *err);
void auth_key_wipe(struct auth_key *key);

struct secret_hash auth_hash(
	const struct auth_key *key, const struct bearer *bearer);
bool auth_hash_equal(const struct secret_hash *a, const struct secret_hash *b);

enum caller_kind { CALLER_NOBODY, CALLER_LOCAL, CALLER_TOKEN, CALLER_AGENT };
struct caller {
	enum caller_kind kind;
	unsigned int scopes;
	struct token_row token; /* CALLER_TOKEN */
	struct node_row node;	/* CALLER_AGENT; may be a removed one */
};

enum auth_verdict {
	AUTH_OK,
	AUTH_UNKNOWN, /* malformed, unheard of, or the wrong secret */
	AUTH_EXPIRED,
	AUTH_REVOKED,
	AUTH_BROKEN, /* the store failed: ERR */
};

/* BEARER is a token's text. LOCAL callers without one are CALLER_LOCAL; see
 * auth_local(). */
WARN_UNUSED enum auth_verdict auth_check(struct store *store,
	const struct auth_key *key, const char *bearer, const struct now *now,
	struct caller *ret_caller, struct err *err);
struct caller auth_local(void);
struct caller auth_nobody(void);

#endif
