/* The travelling form of a record: memory and JSON. See record.h. */
#include "config.h"
#include "meshproto/record.h"

#include "meshproto/form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* 4096 bytes in base64, key, signature, and the names of the three; blanks and
 * escapes that somebody else's writer put in. */
#define ENVELOPE_TEXT_MAX   (8 * 1024)
#define ENVELOPE_VALUES_MAX 8

void envelope_free(struct envelope *env)
{
	free(env);
}

struct envelope *envelope_dup(const struct envelope *env)
{
	size_t size = sizeof(*env) + env->payload_len;
	struct envelope *copy = malloc(size);

	if (copy)
		memcpy(copy, env, size);
	return copy;
}

bool envelope_equal(const struct envelope *a, const struct envelope *b)
{
	return a->payload_len == b->payload_len &&
		!memcmp(a->key.b, b->key.b, sizeof(a->key.b)) &&
		!memcmp(a->sig.b, b->sig.b, sizeof(a->sig.b)) &&
		!memcmp(a->payload, b->payload, a->payload_len);
}

int envelope_decode(const char *json, size_t len, struct envelope **ret_env,
	struct err *err)
{
	static const struct jsonr_limits limits = { ENVELOPE_TEXT_MAX,
		ENVELOPE_VALUES_MAX };
	AUTO(envelope_free) struct envelope *env = NULL;
	int r = jsonr_parse(json, len, &limits, JSONR_NO_SCHEMA,
		form_read_envelope, &env, sizeof(env), err);

	if (r < 0)
		return r;
	*ret_env = TAKE(env);
	return 0;
}

int envelope_encode(const struct envelope *env, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out, false);
	form_write_envelope(&w, env);
	return buf_failed(out) ? -ENOMEM : 0;
}
