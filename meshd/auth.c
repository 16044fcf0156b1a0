/* auth: see auth.h. */
#include "config.h"

#include "meshd/auth.h"

#include "meshd/store.h"
#include "os/atomicfile.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/banned.h"

#define PATH_BUF_MAX 4096

_Static_assert(SECRET_HASH_SIZE >= crypto_generichash_BYTES_MIN &&
		SECRET_HASH_SIZE <= crypto_generichash_BYTES_MAX,
	"BLAKE2b makes hashes of this size");
_Static_assert(sizeof(struct auth_key) >= crypto_generichash_KEYBYTES_MIN &&
		sizeof(struct auth_key) <= crypto_generichash_KEYBYTES_MAX,
	"BLAKE2b takes keys of this size");

static int key_create(const char *path, struct store *store,
	struct auth_key *ret_key, struct err *err)
{
	struct auth_key key;
	bool in_use;
	int r = store_token_any(store, &in_use, err);

	if (r < 0)
		return r;
	if (in_use)
		return err_set(err, -ENOKEY,
			"%s is missing, and without it no token or node of "
			"%s is known: put it back from the backup, or move %s "
			"away to begin anew",
			path, STORE_FILE, STORE_FILE);
	randombytes_buf(key.b, sizeof(key.b));
	r = atomicfile_write(path, key.b, sizeof(key.b), 0600, err);
	if (r == 0)
		*ret_key = key;
	auth_key_wipe(&key);
	return r;
}

int auth_key_load(const char *dir, struct store *store,
	struct auth_key *ret_key, struct err *err)
{
	AUTO(buf_release) struct buf path = BUF_INIT(PATH_BUF_MAX);
	AUTO(buf_release) struct buf bytes = BUF_INIT_SECRET(64);
	int r;

	buf_addf(&path, "%s/%s", dir, AUTH_KEY_FILE);
	if (buf_failed(&path))
		return err_set(err, -ENAMETOOLONG, "%s: name too long", dir);
	r = atomicfile_read(buf_str(&path), &bytes, err);
	if (r == -ENOENT)
		return key_create(buf_str(&path), store, ret_key, err);
	if (r < 0)
		return r;
	if (bytes.len != sizeof(ret_key->b))
		return err_set(err, -EBADMSG, "%s: not %zu bytes",
			buf_str(&path), sizeof(ret_key->b));
	memcpy(ret_key->b, bytes.data, sizeof(ret_key->b));
	return 0;
}

void auth_key_wipe(struct auth_key *key)
{
	sodium_memzero(key, sizeof(*key));
}

struct secret_hash auth_hash(
	const struct auth_key *key, const struct bearer *bearer)
{
	crypto_generichash_state state;
	struct secret_hash hash;

	/* kind and id are 0-terminated within their arrays: no two bearers
	 * feed the same bytes. */
	(void)crypto_generichash_init(
		&state, key->b, sizeof(key->b), sizeof(hash.b));
	(void)crypto_generichash_update(&state, (const uint8_t *)bearer->kind,
		strlen(bearer->kind) + 1);
	(void)crypto_generichash_update(
		&state, (const uint8_t *)bearer->id, strlen(bearer->id) + 1);
	(void)crypto_generichash_update(
		&state, bearer->secret, sizeof(bearer->secret));
	(void)crypto_generichash_final(&state, hash.b, sizeof(hash.b));
	sodium_memzero(&state, sizeof(state));
	return hash;
}

bool auth_hash_equal(const struct secret_hash *a, const struct secret_hash *b)
{
	return sodium_memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

struct caller auth_nobody(void)
{
	return (struct caller){ .kind = CALLER_NOBODY, .scopes = SCOPE_PUBLIC };
}

struct caller auth_local(void)
{
	return (struct caller){ .kind = CALLER_LOCAL,
		.scopes = SCOPE_PUBLIC | SCOPE_LOCAL | SCOPES_GRANTABLE };
}

static enum auth_verdict check_agent(struct store *store,
	const struct bearer *bearer, const struct secret_hash *hash,
	struct caller *ret_caller, struct err *err)
{
	struct node_row node = { 0 };
	int r = store_node_find_credential(store, bearer->id, &node, err);
	bool same = auth_hash_equal(hash, &node.credential_hash);

	if (r < 0 && r != -ENOENT)
		return AUTH_BROKEN;
	if (r == -ENOENT || !same)
		return AUTH_UNKNOWN;
	*ret_caller = (struct caller){ .kind = CALLER_AGENT,
		.scopes = SCOPE_PUBLIC | SCOPE_AGENT,
		.node = node };
	return AUTH_OK;
}

static enum auth_verdict check_token(struct store *store,
	const struct bearer *bearer, const struct secret_hash *hash,
	struct wall now, struct caller *ret_caller, struct err *err)
{
	struct token_row token = { 0 };
	int r = store_token_find(store, bearer->id, &token, err);
	bool same = auth_hash_equal(hash, &token.hash);
	unsigned int scopes = SCOPE_PUBLIC | token.scopes;

	if (r < 0 && r != -ENOENT)
		return AUTH_BROKEN;
	if (r == -ENOENT || !same)
		return AUTH_UNKNOWN;
	if (token.revoked.ns != 0)
		return AUTH_REVOKED;
	if (token.expires.ns <= now.ns)
		return AUTH_EXPIRED;
	if (token.kind == TOKEN_JOIN)
		scopes = SCOPE_PUBLIC | SCOPE_ENROLL;
	else if (scopes & SCOPE_ADMIN)
		scopes |= SCOPES_GRANTABLE;
	*ret_caller = (struct caller){
		.kind = CALLER_TOKEN, .scopes = scopes, .token = token
	};
	return AUTH_OK;
}

enum auth_verdict auth_check(struct store *store, const struct auth_key *key,
	const char *text, const struct now *now, struct caller *ret_caller,
	struct err *err)
{
	AUTO(bearer_wipe) struct bearer bearer;
	struct secret_hash hash;

	if (!bearer_parse(text, &bearer))
		return AUTH_UNKNOWN;
	hash = auth_hash(key, &bearer);
	if (strcmp(bearer.kind, "agent") == 0)
		return check_agent(store, &bearer, &hash, ret_caller, err);
	return check_token(store, &bearer, &hash, now->wall, ret_caller, err);
}
