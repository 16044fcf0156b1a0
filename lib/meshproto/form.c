#include "config.h"
#include "meshproto/form.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define BASE64_SIZE(len) ((((len) + 2) / 3) * 4 + 1)

bool form_read_id(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);
	struct node_id id;

	BUG_ON(size != sizeof(id));
	if (!text)
		return false;
	if (!node_id_parse(text, &id))
		return jsonr_fail(
			r, "is not an id of %d hex digits", 2 * MESH_ID_SIZE);
	memcpy(target, &id, sizeof(id));
	return true;
}

bool form_read_key(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);

	BUG_ON(size != KEY_SIZE);
	if (!text)
		return false;
	return key_parse_base64(target, text) ||
		jsonr_fail(r, "is not a key in base64");
}

bool form_read_name(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);

	BUG_ON(size != NAME_MAX_LEN + 1);
	if (!text)
		return false;
	if (!name_valid(text))
		return jsonr_fail(r,
			"is not a name: 1 to %d of a-z, 0-9 and '-', which is "
			"neither first nor last",
			NAME_MAX_LEN);
	return str_copy(target, size, text);
}

bool form_read_time(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);
	struct wall t;

	BUG_ON(size != sizeof(t));
	if (!text)
		return false;
	if (!wall_parse(text, &t) || t.ns < NSEC_PER_SEC)
		return jsonr_fail(
			r, "is not a time as RFC 3339 has it, in UTC");
	memcpy(target, &t, sizeof(t));
	return true;
}

bool form_read_time_or_null(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	BUG_ON(size != sizeof(struct wall));
	if (!jsonr_is_null(value))
		return form_read_time(r, value, target, size);
	memset(target, 0, size);
	return true;
}

bool form_read_net(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);
	struct ipnet net;

	BUG_ON(size != sizeof(net));
	if (!text)
		return false;
	if (!ipnet_parse(text, &net))
		return jsonr_fail(r, "is not an IP address or network");
	memcpy(target, &net, sizeof(net));
	return true;
}

bool form_read_endpoint(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);
	struct endpoint ep;

	BUG_ON(size != sizeof(ep));
	if (!text)
		return false;
	if (!endpoint_parse(text, &ep))
		return jsonr_fail(r, "is not an address with a port");
	memcpy(target, &ep, sizeof(ep));
	return true;
}

/* The envelope's parts while they are read. */
struct parts {
	struct signpub key;
	struct signature sig;
	struct envelope *env; /* payload and its length only, so far */
};

/* libsodium takes some bytes with the high bit for digits: only the alphabet. */
static bool base64_decode(
	const char *text, uint8_t *ret, size_t cap, size_t *ret_len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789+/=";
	size_t len = strlen(text);

	return strspn(text, alphabet) == len &&
		sodium_base642bin(ret, cap, text, len, NULL, ret_len, NULL,
			sodium_base64_VARIANT_ORIGINAL) == 0;
}

static bool read_sig(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);
	uint8_t sig[SIG_SIZE];
	size_t len;

	if (!text)
		return false;
	if (!base64_decode(text, sig, sizeof(sig), &len) || len != size)
		return jsonr_fail(r, "is not a signature in base64");
	memcpy(target, sig, size);
	return true;
}

/* Of any length that the text around it may have: a record that is too long is
 * refused by itself, by whoever opens it, and not all the others with it. */
static bool read_payload(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);
	struct envelope *env;
	size_t cap;

	BUG_ON(size != sizeof(env));
	if (!text)
		return false;
	cap = strlen(text) / 4 * 3;
	env = malloc(sizeof(*env) + cap);
	if (!env)
		return jsonr_no_memory(r);
	memcpy(target, &env, sizeof(env));
	return base64_decode(text, env->payload, cap, &env->payload_len) ||
		jsonr_fail(r, "is not base64");
}

static const struct jsonr_field envelope_fields[] = {
	JSONR_VALUE("payload", struct parts, env, read_payload, JSONR_REQUIRED),
	JSONR_VALUE("key", struct parts, key, form_read_key, JSONR_REQUIRED),
	JSONR_VALUE("sig", struct parts, sig, read_sig, JSONR_REQUIRED),
};

bool form_read_envelope(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	struct parts parts = { .env = NULL };

	BUG_ON(size != sizeof(parts.env));
	if (!jsonr_object(r, value, envelope_fields,
		    ARRAY_SIZE(envelope_fields), &parts)) {
		envelope_free(parts.env);
		return false;
	}
	parts.env->key = parts.key;
	parts.env->sig = parts.sig;
	memcpy(target, &parts.env, sizeof(parts.env));
	return true;
}

void form_write_node_id(
	struct jsonw *w, const char *name, const struct node_id *id)
{
	char text[MESH_ID_TEXT_SIZE];

	jsonw_kv_str(w, name, node_id_format(id, text));
}

void form_write_mesh_id(
	struct jsonw *w, const char *name, const struct mesh_id *id)
{
	char text[MESH_ID_TEXT_SIZE];

	jsonw_kv_str(w, name, mesh_id_format(id, text));
}

void form_write_key(
	struct jsonw *w, const char *name, const uint8_t key[static KEY_SIZE])
{
	char text[KEY_BASE64_SIZE];

	jsonw_kv_str(w, name, key_format_base64(key, text));
}

void form_write_time(struct jsonw *w, const char *name, struct wall t)
{
	char text[TIME_TEXT_SIZE];

	if (t.ns >= NSEC_PER_SEC)
		jsonw_kv_str(w, name, wall_format(t, text));
}

void form_write_time_or_null(struct jsonw *w, const char *name, struct wall t)
{
	char text[TIME_TEXT_SIZE];

	jsonw_kv_str(
		w, name, t.ns >= NSEC_PER_SEC ? wall_format(t, text) : NULL);
}

void form_write_nets(struct jsonw *w, const char *name,
	const struct ipnet *nets, size_t count)
{
	char text[IPNET_TEXT_SIZE];

	jsonw_key(w, name);
	jsonw_array_begin(w);
	for (size_t i = 0; i < count; i++)
		jsonw_str(w, ipnet_format(&nets[i], text));
	jsonw_array_end(w);
}

void form_write_names(struct jsonw *w, const char *name,
	const char (*names)[NAME_MAX_LEN + 1], size_t count)
{
	jsonw_key(w, name);
	jsonw_array_begin(w);
	for (size_t i = 0; i < count; i++)
		jsonw_str(w, names[i]);
	jsonw_array_end(w);
}

void form_write_endpoints(struct jsonw *w, const char *name,
	const struct endpoint *endpoints, size_t count)
{
	char text[ENDPOINT_TEXT_SIZE];

	jsonw_key(w, name);
	jsonw_array_begin(w);
	for (size_t i = 0; i < count; i++)
		jsonw_str(w, endpoint_format(&endpoints[i], text));
	jsonw_array_end(w);
}

void form_write_envelope(struct jsonw *w, const struct envelope *env)
{
	AUTO(free_ptr) char *payload = malloc(BASE64_SIZE(env->payload_len));
	char sig[BASE64_SIZE(SIG_SIZE)];

	if (!payload) {
		w->out->failed = true;
		return;
	}
	sodium_bin2base64(payload, BASE64_SIZE(env->payload_len), env->payload,
		env->payload_len, sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2base64(sig, sizeof(sig), env->sig.b, sizeof(env->sig.b),
		sodium_base64_VARIANT_ORIGINAL);
	jsonw_object_begin(w);
	jsonw_kv_str(w, "payload", payload);
	form_write_key(w, "key", env->key.b);
	jsonw_kv_str(w, "sig", sig);
	jsonw_object_end(w);
}
