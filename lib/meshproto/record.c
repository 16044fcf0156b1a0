#include "config.h"
#include "meshproto/record.h"

#include "meshproto/record_form.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static void hash_key(const struct signpub *key, uint8_t id[static MESH_ID_SIZE])
{
	uint8_t hash[32];

	crypto_generichash(hash, sizeof(hash), key->b, sizeof(key->b), NULL, 0);
	memcpy(id, hash, MESH_ID_SIZE);
}

struct mesh_id mesh_id_of(const struct signpub *op)
{
	struct mesh_id id;

	hash_key(op, id.b);
	return id;
}

struct node_id node_id_of(const struct signpub *identity)
{
	struct node_id id;

	hash_key(identity, id.b);
	return id;
}

bool node_id_equal(const struct node_id *a, const struct node_id *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b));
}

/* One form a number: lower case only, so that texts can be compared. */
static bool parse_id(const char *text, uint8_t id[static MESH_ID_SIZE])
{
	size_t len = strlen(text);

	if (len != MESH_ID_TEXT_SIZE - 1 ||
		strspn(text, "0123456789abcdef") != len)
		return false;
	return sodium_hex2bin(id, MESH_ID_SIZE, text, len, NULL, NULL, NULL) ==
		0;
}

const char *node_id_format(
	const struct node_id *id, char buf[static MESH_ID_TEXT_SIZE])
{
	return sodium_bin2hex(buf, MESH_ID_TEXT_SIZE, id->b, sizeof(id->b));
}

bool node_id_parse(const char *text, struct node_id *ret_id)
{
	return parse_id(text, ret_id->b);
}

const char *mesh_id_format(
	const struct mesh_id *id, char buf[static MESH_ID_TEXT_SIZE])
{
	return sodium_bin2hex(buf, MESH_ID_TEXT_SIZE, id->b, sizeof(id->b));
}

bool mesh_id_parse(const char *text, struct mesh_id *ret_id)
{
	return parse_id(text, ret_id->b);
}

int record_sign(const struct record *rec, const struct signseed *signer,
	struct envelope **ret_env, struct err *err)
{
	AUTO(buf_release) struct buf payload = BUF_INIT(RECORD_PAYLOAD_MAX + 1);
	struct envelope *env;

	if (record_form_check(rec, err) < 0)
		return -EINVAL;
	record_form_encode(rec, &payload);
	if (buf_failed(&payload))
		return err_set(err, -ENOMEM, "out of memory");
	if (payload.len > RECORD_PAYLOAD_MAX)
		return err_set(err, -EINVAL, "is larger than %d bytes",
			RECORD_PAYLOAD_MAX);
	env = malloc(sizeof(*env) + payload.len);
	if (!env)
		return err_set(err, -ENOMEM, "out of memory");
	memcpy(env->payload, payload.data, payload.len);
	env->payload_len = payload.len;
	env->key = signseed_public(signer);
	env->sig = signseed_sign(signer, env->payload, env->payload_len);
	*ret_env = env;
	return 0;
}

int record_open(
	const struct envelope *env, struct record *ret_rec, struct err *err)
{
	struct record rec;
	int r;

	if (!signpub_verify(
		    &env->key, &env->sig, env->payload, env->payload_len))
		return err_set(err, -EBADMSG, "the signature does not verify");
	r = record_form_decode(env->payload, env->payload_len, &rec, err);
	if (r == 0)
		r = record_form_check(&rec, err);
	if (r == 0)
		*ret_rec = rec;
	return r;
}

const char *record_label(
	const struct record *rec, char buf[static RECORD_LABEL_SIZE])
{
	char text[KEY_BASE64_SIZE];

	switch (rec->type) {
	case RECORD_MESH:
		(void)snprintf(buf, RECORD_LABEL_SIZE, "mesh record of %s",
			rec->as_mesh.name);
		break;
	case RECORD_GRANT:
		(void)snprintf(buf, RECORD_LABEL_SIZE, "grant of %s",
			key_format_base64(rec->grant.delegate.b, text));
		break;
	case RECORD_MEMBERSHIP:
		(void)snprintf(buf, RECORD_LABEL_SIZE, "membership of %s",
			rec->membership.name);
		break;
	case RECORD_KEY:
		(void)snprintf(buf, RECORD_LABEL_SIZE, "key of %s",
			node_id_format(&rec->key.node, text));
		break;
	case RECORD_REMOVAL:
		(void)snprintf(buf, RECORD_LABEL_SIZE, "removal of %s",
			node_id_format(&rec->removal.node, text));
		break;
	}
	return buf;
}

bool record_claim(const struct envelope *env, enum record_type *ret_type,
	struct node_id *ret_node)
{
	struct record rec;

	if (record_form_decode(env->payload, env->payload_len, &rec, NULL) <
			0 &&
		!record_form_claim(env->payload, env->payload_len, &rec))
		return false;
	*ret_type = rec.type;
	switch (rec.type) {
	case RECORD_MEMBERSHIP:
		*ret_node = rec.membership.node;
		return true;
	case RECORD_KEY:
		*ret_node = rec.key.node;
		return true;
	case RECORD_REMOVAL:
		*ret_node = rec.removal.node;
		return true;
	case RECORD_MESH:
	case RECORD_GRANT:
		return false;
	}
	return false;
}
