/* Tokens of either kind: what parses must format to the very same text. */
#include "config.h"
#include "meshproto/token.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes with a checksum made right, so that what is behind it is reached. */
static void try_unpacked(const uint8_t *data, size_t size)
{
	uint8_t bytes[1024], hash[32];
	char text[16 + BASE64URL_SIZE(sizeof(bytes))] = "mesh_join_";
	char again[TOKEN_TEXT_MAX];
	struct join_token token;
	size_t prefix = strlen(text);

	if (size > sizeof(bytes) - 4)
		return;
	memcpy(bytes, data, size);
	crypto_generichash(hash, sizeof(hash), bytes, size, NULL, 0);
	memcpy(bytes + size, hash, 4);
	(void)base64url_encode(
		bytes, size + 4, text + prefix, sizeof(text) - prefix);
	if (join_token_parse(text, &token, NULL) != 0)
		return;
	BUG_ON(join_token_format(&token, again, NULL) != 0);
	BUG_ON(strcmp(text, again) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(free_ptr) char *text = malloc(size + 1);
	char bearer_text[BEARER_TEXT_SIZE], token_text[TOKEN_TEXT_MAX];
	struct join_token token;
	struct bearer bearer;

	if (!text || sodium_init() < 0)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (join_token_parse(text, &token, NULL) == 0) {
		BUG_ON(join_token_format(&token, token_text, NULL) != 0);
		BUG_ON(strcmp(text, token_text) != 0);
	}
	if (bearer_parse(text, &bearer))
		BUG_ON(strcmp(text, bearer_format(&bearer, bearer_text)) != 0);
	try_unpacked(data, size);
	return 0;
}
