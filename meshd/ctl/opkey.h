/*
 * opkey: the operator's key, the root of a mesh (DESIGN 6). DIR/operator.key
 * is one line: the base64 of an Ed25519 seed, mode 0600. In memory it lives on
 * libsodium's guarded pages, out of swap and of core dumps.
 *
 * It is never overwritten: a lost operator key is a lost mesh.
 */
#ifndef MESHD_CTL_OPKEY_H
#define MESHD_CTL_OPKEY_H

#include "base/err.h"
#include "base/key.h"
#include "meshproto/record.h"

#include <stdbool.h>
#include <stddef.h>

#define OPKEY_PATH_MAX 1024

struct opkey;

/* "DIR/operator.key"; false when it does not fit. */
bool opkey_path(const char *dir, char ret_path[static OPKEY_PATH_MAX]);

/* -ENOKEY when there is none; -EPERM when others may read it; -EBADMSG when it
 * is no key. ERR tells the remedy. */
WARN_UNUSED int opkey_load(
	const char *dir, struct opkey **ret_key, struct err *err);
/* Loads the key, or makes DIR and a key if there is none. */
WARN_UNUSED int opkey_ensure(const char *dir, struct opkey **ret_key,
	bool *ret_made, struct err *err);
void opkey_free(struct opkey *key);
AUTO_DEFINE(struct opkey, opkey_free)

struct signpub opkey_public(const struct opkey *key);
WARN_UNUSED int opkey_sign(const struct opkey *key, const struct record *rec,
	struct envelope **ret_env, struct err *err);

#endif
