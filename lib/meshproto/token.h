/*
 * token: the texts people carry.
 *
 *   mesh_join_<base64url>   everything a host needs to join: where the
 *                           coordinator is, whom to trust, a delegate key
 *   mesh_api_<id>_<secret>  a bearer token for the REST API
 *
 * Join token, bytes before base64url:
 *   1 version (1) | 32 operator key | 32 delegate seed | 32 pin: SHA-256 of the
 *   coordinator's TLS SubjectPublicKeyInfo | 1 length n | n URL |
 *   4 checksum: BLAKE2b of all before, cut; a slip of the hand is told from a
 *   wrong token
 *
 * The delegate seed never reaches the coordinator. What authenticates the
 * token there is a bearer secret derived from it one way.
 */
#ifndef MESHPROTO_TOKEN_H
#define MESHPROTO_TOKEN_H

#include "base/err.h"
#include "base/key.h"

#include <stddef.h>

#define TOKEN_URL_MAX	   200
#define TOKEN_TEXT_MAX	   512
#define TOKEN_PIN_SIZE	   32
#define TOKEN_ID_TEXT_SIZE 17 /* 16 hex digits and the 0 */
#define BEARER_TEXT_SIZE   96

struct join_token {
	struct signpub operator_key;
	struct signseed delegate;
	uint8_t pin[TOKEN_PIN_SIZE];
	char url[TOKEN_URL_MAX + 1]; /* "https://host:port" */
};
void join_token_wipe(struct join_token *token);
AUTO_DEFINE_VALUE(struct join_token, join_token_wipe)

WARN_UNUSED int join_token_format(const struct join_token *token,
	char buf[static TOKEN_TEXT_MAX], struct err *err);
/* -EINVAL; ERR says what is wrong with the text. */
WARN_UNUSED int join_token_parse(
	const char *text, struct join_token *ret_token, struct err *err);

/* A bearer token, "mesh_<kind>_<id>_<secret>": KIND is "join", "api" or
 * "agent"; id 16 hex digits, secret 43 characters of base64url (32 bytes). */
struct bearer {
	char kind[8];
	char id[TOKEN_ID_TEXT_SIZE];
	uint8_t secret[32];
};
void bearer_wipe(struct bearer *bearer);
AUTO_DEFINE_VALUE(struct bearer, bearer_wipe)
const char *bearer_format(
	const struct bearer *bearer, char buf[static BEARER_TEXT_SIZE]);
WARN_UNUSED bool bearer_parse(const char *text, struct bearer *ret_bearer);
/* kind "join", id and secret = BLAKE2b(seed; "mesh join id" / "... secret"). */
void bearer_of_delegate(
	const struct signseed *delegate, struct bearer *ret_bearer);
void bearer_generate(const char *kind, struct bearer *ret_bearer);

#endif
