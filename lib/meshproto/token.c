#include "config.h"
#include "meshproto/token.h"

#include "base/auto.h"
#include "base/num.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define JOIN_PREFIX   "mesh_join_"
#define JOIN_VERSION  1
#define CHECKSUM_SIZE 4
/* where each part begins */
#define JOIN_OPERATOR 1
#define JOIN_DELEGATE (JOIN_OPERATOR + KEY_SIZE)
#define JOIN_PIN      (JOIN_DELEGATE + KEY_SIZE)
#define JOIN_URL_LEN  (JOIN_PIN + TOKEN_PIN_SIZE)
#define JOIN_URL      (JOIN_URL_LEN + 1)
#define JOIN_MAX      (JOIN_URL + TOKEN_URL_MAX + CHECKSUM_SIZE)
#define URL_SCHEME    "https://"

_Static_assert(
	sizeof(JOIN_PREFIX) - 1 + BASE64URL_SIZE(JOIN_MAX) <= TOKEN_TEXT_MAX,
	"the longest join token fits its text");

void join_token_wipe(struct join_token *token)
{
	sodium_memzero(token, sizeof(*token));
}

static void checksum(
	const uint8_t *bytes, size_t len, uint8_t ret[static CHECKSUM_SIZE])
{
	uint8_t hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof(hash), bytes, len, NULL, 0);
	memcpy(ret, hash, CHECKSUM_SIZE);
}

/* What may stand in a token: it is shown to people and handed to curl. */
static bool url_valid(const char *url)
{
	size_t scheme = strlen(URL_SCHEME);

	if (strncmp(url, URL_SCHEME, scheme) || !url[scheme])
		return false;
	for (const char *p = url; *p; p++) {
		if (*p <= 0x20 || *p >= 0x7f || strchr("\"'<>\\^`{|}", *p))
			return false;
	}
	return true;
}

int join_token_format(const struct join_token *token,
	char buf[static TOKEN_TEXT_MAX], struct err *err)
{
	struct {
		uint8_t b[JOIN_MAX];
	} secret;
	size_t prefix = strlen(JOIN_PREFIX);
	size_t url_len = strnlen(token->url, sizeof(token->url));
	size_t len = JOIN_URL + url_len;

	if (url_len > TOKEN_URL_MAX)
		return err_set(err, -EINVAL,
			"the coordinator's URL is longer than %d bytes",
			TOKEN_URL_MAX);
	if (!url_valid(token->url))
		return err_set(err, -EINVAL,
			"the coordinator's URL does not begin with " URL_SCHEME
			", or has characters that no URL has");
	secret.b[0] = JOIN_VERSION;
	memcpy(secret.b + JOIN_OPERATOR, token->operator_key.b, KEY_SIZE);
	memcpy(secret.b + JOIN_DELEGATE, token->delegate.b, KEY_SIZE);
	memcpy(secret.b + JOIN_PIN, token->pin, TOKEN_PIN_SIZE);
	secret.b[JOIN_URL_LEN] = (uint8_t)url_len;
	memcpy(secret.b + JOIN_URL, token->url, url_len);
	checksum(secret.b, len, secret.b + len);
	memcpy(buf, JOIN_PREFIX, prefix);
	base64url_encode(secret.b, len + CHECKSUM_SIZE, buf + prefix,
		TOKEN_TEXT_MAX - prefix);
	sodium_memzero(&secret, sizeof(secret));
	return 0;
}

/* BYTES of LEN, checksum and all, into TOKEN. */
static int unpack(const uint8_t *bytes, size_t len, struct join_token *token,
	struct err *err)
{
	uint8_t sum[CHECKSUM_SIZE];
	size_t url_len;

	if (len < JOIN_URL + CHECKSUM_SIZE)
		return err_set(err, -EINVAL, "the join token is cut short");
	len -= CHECKSUM_SIZE;
	checksum(bytes, len, sum);
	if (memcmp(sum, bytes + len, sizeof(sum)))
		return err_set(err, -EINVAL,
			"the join token is mistyped or cut short: its checksum "
			"does not match");
	if (bytes[0] != JOIN_VERSION)
		return err_set(err, -EINVAL,
			"the join token is of version %u, this program knows "
			"version %d",
			bytes[0], JOIN_VERSION);
	url_len = bytes[JOIN_URL_LEN];
	if (url_len > TOKEN_URL_MAX || JOIN_URL + url_len != len)
		return err_set(err, -EINVAL,
			"the join token's URL does not have its length");
	memcpy(token->operator_key.b, bytes + JOIN_OPERATOR, KEY_SIZE);
	memcpy(token->delegate.b, bytes + JOIN_DELEGATE, KEY_SIZE);
	memcpy(token->pin, bytes + JOIN_PIN, TOKEN_PIN_SIZE);
	memcpy(token->url, bytes + JOIN_URL, url_len);
	token->url[url_len] = '\0';
	if (strlen(token->url) != url_len || !url_valid(token->url))
		return err_set(err, -EINVAL,
			"the join token's URL is none that begins "
			"with " URL_SCHEME);
	return 0;
}

int join_token_parse(
	const char *text, struct join_token *ret_token, struct err *err)
{
	struct {
		uint8_t b[JOIN_MAX];
		struct join_token token;
	} secret = { 0 };
	size_t prefix = strlen(JOIN_PREFIX), len;
	struct bearer bearer;
	int r;

	if (bearer_parse(text, &bearer)) {
		bearer_wipe(&bearer);
		return err_set(
			err, -EINVAL, "is a bearer token, not a join token");
	}
	if (strncmp(text, JOIN_PREFIX, prefix))
		return err_set(err, -EINVAL,
			"is no join token: those begin with " JOIN_PREFIX);
	if (!base64url_decode(text + prefix, strlen(text + prefix), secret.b,
		    sizeof(secret.b), &len))
		r = err_set(err, -EINVAL,
			"the join token has a wrong character or length");
	else
		r = unpack(secret.b, len, &secret.token, err);
	if (r == 0)
		*ret_token = secret.token;
	sodium_memzero(&secret, sizeof(secret));
	return r;
}
