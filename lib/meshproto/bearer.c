/* Bearer tokens: see token.h. */
#include "config.h"
#include "meshproto/token.h"

#include "base/auto.h"
#include "base/num.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define ID_LEN	    (TOKEN_ID_TEXT_SIZE - 1)
#define ID_SIZE	    (ID_LEN / 2)
#define SECRET_SIZE sizeof(((struct bearer *)0)->secret)
#define SECRET_LEN  43 /* 32 bytes in base64url */

static const char *const kinds[] = { "join", "api", "agent" };

void bearer_wipe(struct bearer *bearer)
{
	sodium_memzero(bearer, sizeof(*bearer));
}

const char *bearer_format(
	const struct bearer *bearer, char buf[static BEARER_TEXT_SIZE])
{
	char secret[BASE64URL_SIZE(SECRET_SIZE)];

	base64url_encode(
		bearer->secret, sizeof(bearer->secret), secret, sizeof(secret));
	(void)snprintf(buf, BEARER_TEXT_SIZE, "mesh_%s_%s_%s", bearer->kind,
		bearer->id, secret);
	sodium_memzero(secret, sizeof(secret));
	return buf;
}

/* Moves *TEXT past LITERAL if it is there. */
static bool skip(const char **text, const char *literal)
{
	size_t len = strlen(literal);

	if (strncmp(*text, literal, len))
		return false;
	*text += len;
	return true;
}

static bool parse_kind(const char **text, struct bearer *bearer)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (skip(text, kinds[i]))
			return str_copy(
				bearer->kind, sizeof(bearer->kind), kinds[i]);
	}
	return false;
}

bool bearer_parse(const char *text, struct bearer *ret_bearer)
{
	struct bearer bearer = { 0 };
	size_t len;
	bool ok;

	if (!skip(&text, "mesh_") || !parse_kind(&text, &bearer) ||
		!skip(&text, "_"))
		return false;
	if (strspn(text, "0123456789abcdef") != ID_LEN)
		return false;
	memcpy(bearer.id, text, ID_LEN);
	text += ID_LEN;
	if (!skip(&text, "_") || strlen(text) != SECRET_LEN)
		return false;
	ok = base64url_decode(text, SECRET_LEN, bearer.secret,
		     sizeof(bearer.secret), &len) &&
		len == sizeof(bearer.secret);
	if (ok)
		*ret_bearer = bearer;
	bearer_wipe(&bearer);
	return ok;
}

/* LABEL under the seed as BLAKE2b's key: one way, and a label a purpose. */
static void derive(const struct signseed *seed, const char *label, uint8_t *ret,
	size_t size)
{
	/* cast: characters to the bytes they are */
	crypto_generichash(ret, size, (const uint8_t *)label, strlen(label),
		seed->b, sizeof(seed->b));
}

void bearer_of_delegate(
	const struct signseed *delegate, struct bearer *ret_bearer)
{
	uint8_t id[crypto_generichash_BYTES_MIN];

	*ret_bearer = (struct bearer){ .kind = "join" };
	derive(delegate, "mesh join id", id, sizeof(id));
	sodium_bin2hex(ret_bearer->id, sizeof(ret_bearer->id), id, ID_SIZE);
	derive(delegate, "mesh join secret", ret_bearer->secret,
		sizeof(ret_bearer->secret));
}

void bearer_generate(const char *kind, struct bearer *ret_bearer)
{
	uint8_t id[ID_SIZE];

	*ret_bearer = (struct bearer){ 0 };
	BUG_ON(!str_copy(ret_bearer->kind, sizeof(ret_bearer->kind), kind));
	randombytes_buf(id, sizeof(id));
	sodium_bin2hex(ret_bearer->id, sizeof(ret_bearer->id), id, sizeof(id));
	randombytes_buf(ret_bearer->secret, sizeof(ret_bearer->secret));
}
