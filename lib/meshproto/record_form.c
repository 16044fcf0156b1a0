#include "config.h"
#include "meshproto/record_form.h"

#include "meshproto/form.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

#define PAYLOAD_VALUES_MAX 128 /* 32 routes, 16 tags, 4 addresses, 12 fields */

static const struct jsonr_limits payload_limits = { RECORD_PAYLOAD_MAX,
	PAYLOAD_VALUES_MAX };

static const char *const type_names[] = {
	[RECORD_MESH] = "mesh",
	[RECORD_GRANT] = "grant",
	[RECORD_MEMBERSHIP] = "membership",
	[RECORD_KEY] = "key",
	[RECORD_REMOVAL] = "removal",
};

static bool find_type(const char *name, enum record_type *ret_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_names); i++) {
		if (!strcmp(type_names[i], name)) {
			*ret_type = (enum record_type)i;
			return true;
		}
	}
	return false;
}

/* read_record() looked at it already, to choose the table */
static bool skip_type(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	return true;
}

#define VALUE(name, member, read)                                              \
	JSONR_VALUE(name, struct record, member, read, JSONR_REQUIRED)
#define LIST(name, member, count, read)                                        \
	JSONR_FIXED(name, struct record, member, count, read, JSONR_REQUIRED)
#define HEAD                                                                   \
	VALUE("type", type, skip_type), VALUE("mesh", mesh, form_read_id),     \
		VALUE("serial", serial, jsonr_uint)

static const struct jsonr_field mesh_fields[] = {
	HEAD,
	VALUE("operator", as_mesh.operator_key, form_read_key),
	VALUE("name", as_mesh.name, form_read_name),
	LIST("prefixes", as_mesh.prefixes, as_mesh.prefix_count, form_read_net),
};
static const struct jsonr_field grant_fields[] = {
	HEAD,
	VALUE("delegate", grant.delegate, form_read_key),
	VALUE("issued_at", grant.issued_at, form_read_time),
	VALUE("expires", grant.expires, form_read_time),
	VALUE("uses", grant.uses, jsonr_uint),
	LIST("tags", grant.tags, grant.tag_count, form_read_name),
	LIST("prefixes", grant.prefixes, grant.prefix_count, form_read_net),
};
static const struct jsonr_field membership_fields[] = {
	HEAD,
	VALUE("node", membership.node, form_read_id),
	VALUE("identity", membership.identity, form_read_key),
	VALUE("name", membership.name, form_read_name),
	LIST("addresses", membership.addresses, membership.address_count,
		form_read_net),
	LIST("routes", membership.routes, membership.route_count,
		form_read_net),
	LIST("tags", membership.tags, membership.tag_count, form_read_name),
	VALUE("issued_at", membership.issued_at, form_read_time),
	JSONR_VALUE("not_after", struct record, membership.not_after,
		form_read_time, JSONR_OPTIONAL),
};
static const struct jsonr_field key_fields[] = {
	HEAD,
	VALUE("node", key.node, form_read_id),
	VALUE("epoch", key.epoch, jsonr_uint),
	VALUE("public_key", key.public_key, form_read_key),
};
static const struct jsonr_field removal_fields[] = {
	HEAD,
	VALUE("node", removal.node, form_read_id),
};
static const struct {
	const struct jsonr_field *fields;
	size_t count;
} tables[] = {
	[RECORD_MESH] = { mesh_fields, ARRAY_SIZE(mesh_fields) },
	[RECORD_GRANT] = { grant_fields, ARRAY_SIZE(grant_fields) },
	[RECORD_MEMBERSHIP] = { membership_fields,
		ARRAY_SIZE(membership_fields) },
	[RECORD_KEY] = { key_fields, ARRAY_SIZE(key_fields) },
	[RECORD_REMOVAL] = { removal_fields, ARRAY_SIZE(removal_fields) },
};

static bool read_record(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	struct record *rec = target;
	const char *type = jsonr_peek(value, "type");

	BUG_ON(size != sizeof(*rec));
	if (!type || !find_type(type, &rec->type))
		return jsonr_fail(r, "is not a record of a known type");
	return jsonr_object(r, value, tables[rec->type].fields,
		tables[rec->type].count, rec);
}

int record_form_decode(const uint8_t *payload, size_t len,
	struct record *ret_rec, struct err *err)
{
	struct record rec = { 0 };
	/* cast: signed bytes, read as the text they should be */
	int r = jsonr_parse((const char *)payload, len, &payload_limits,
		JSONR_SCHEMA, read_record, &rec, sizeof(rec), err);

	if (r == 0)
		*ret_rec = rec;
	return r;
}

static bool read_claim(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *type = jsonr_peek(value, "type");
	const char *name = jsonr_peek(value, "name");
	const char *node = jsonr_peek(value, "node");
	struct record *claim = target;
	bool ok = false;

	BUG_ON(size != sizeof(*claim));
	if (!type || !find_type(type, &claim->type))
		return jsonr_fail(r, "is not a record of a known type");
	switch (claim->type) {
	case RECORD_MESH:
		ok = name && name_valid(name) &&
			str_copy(claim->as_mesh.name,
				sizeof(claim->as_mesh.name), name);
		break;
	case RECORD_MEMBERSHIP:
		ok = name && name_valid(name) &&
			str_copy(claim->membership.name,
				sizeof(claim->membership.name), name) &&
			node && node_id_parse(node, &claim->membership.node);
		break;
	case RECORD_KEY:
		ok = node && node_id_parse(node, &claim->key.node);
		break;
	case RECORD_REMOVAL:
		ok = node && node_id_parse(node, &claim->removal.node);
		break;
	case RECORD_GRANT:
		break;
	}
	return ok || jsonr_fail(r, "does not say what it is about");
}

bool record_form_claim(
	const uint8_t *payload, size_t len, struct record *ret_claim)
{
	struct record claim = { 0 };
	/* cast: signed bytes, read as the text they should be */
	int r = jsonr_parse((const char *)payload, len, &payload_limits,
		JSONR_NO_SCHEMA, read_claim, &claim, sizeof(claim), NULL);

	if (r == 0)
		*ret_claim = claim;
	return r == 0;
}

static void encode_grant(struct jsonw *w, const struct record_grant *grant)
{
	form_write_key(w, "delegate", grant->delegate.b);
	form_write_time(w, "issued_at", grant->issued_at);
	form_write_time(w, "expires", grant->expires);
	jsonw_kv_uint(w, "uses", grant->uses);
	form_write_names(w, "tags", grant->tags, grant->tag_count);
	form_write_nets(w, "prefixes", grant->prefixes, grant->prefix_count);
}

static void encode_membership(
	struct jsonw *w, const struct record_membership *member)
{
	form_write_node_id(w, "node", &member->node);
	form_write_key(w, "identity", member->identity.b);
	jsonw_kv_str(w, "name", member->name);
	form_write_nets(
		w, "addresses", member->addresses, member->address_count);
	form_write_nets(w, "routes", member->routes, member->route_count);
	form_write_names(w, "tags", member->tags, member->tag_count);
	form_write_time(w, "issued_at", member->issued_at);
	form_write_time(w, "not_after", member->not_after);
}

void record_form_encode(const struct record *rec, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out, false);
	jsonw_object_begin(&w);
	jsonw_kv_str(&w, "schema", MESH_SCHEMA);
	jsonw_kv_str(&w, "type", type_names[rec->type]);
	form_write_mesh_id(&w, "mesh", &rec->mesh);
	jsonw_kv_uint(&w, "serial", rec->serial);
	switch (rec->type) {
	case RECORD_MESH:
		form_write_key(&w, "operator", rec->as_mesh.operator_key.b);
		jsonw_kv_str(&w, "name", rec->as_mesh.name);
		form_write_nets(&w, "prefixes", rec->as_mesh.prefixes,
			rec->as_mesh.prefix_count);
		break;
	case RECORD_GRANT:
		encode_grant(&w, &rec->grant);
		break;
	case RECORD_MEMBERSHIP:
		encode_membership(&w, &rec->membership);
		break;
	case RECORD_KEY:
		form_write_node_id(&w, "node", &rec->key.node);
		jsonw_kv_uint(&w, "epoch", rec->key.epoch);
		form_write_key(&w, "public_key", rec->key.public_key.b);
		break;
	case RECORD_REMOVAL:
		form_write_node_id(&w, "node", &rec->removal.node);
		break;
	}
	jsonw_object_end(&w);
}
