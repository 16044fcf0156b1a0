/* The limits of form of each record type. See record_form.h. */
#include "config.h"
#include "meshproto/record_form.h"

#include "meshproto/jsonr.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

static int bad(struct err *err, const char *field, const char *reason)
{
	return err_set(err, -EBADMSG, "/%s: %s", field, reason);
}

static int bad_item(
	struct err *err, const char *field, size_t index, const char *reason)
{
	return err_set(err, -EBADMSG, "/%s/%zu: %s", field, index, reason);
}

/* Times travel in whole seconds, and as 64 bits of nanoseconds have it they
 * end within 2262. */
#define TIME_END_SEC INT64_C(9214646400) /* 2262-01-01 */

static int64_t sec_of(struct wall t)
{
	return t.ns / NSEC_PER_SEC;
}

static bool time_is_set(struct wall t)
{
	return sec_of(t) > 0 && sec_of(t) < TIME_END_SEC;
}

static bool time_is_after(struct wall t, struct wall earlier)
{
	return sec_of(t) > sec_of(earlier) && sec_of(t) < TIME_END_SEC;
}

/* At least one network, at most one a family, no host bits, not everything. */
static int check_prefixes(
	const struct ipnet *nets, size_t count, struct err *err)
{
	static const char field[] = "prefixes";

	if (!count || count > RECORD_PREFIXES_MAX)
		return bad(err, field, "wants one network, or one a family");
	for (size_t i = 0; i < count; i++) {
		uint8_t bits = ip_bits(nets[i].addr.family);

		if (!bits)
			return bad_item(err, field, i, "has no family");
		if (!nets[i].prefix_len || nets[i].prefix_len >= bits)
			return bad_item(err, field, i,
				"is everything, or a single address");
		if (!ipnet_is_masked(&nets[i]))
			return bad_item(err, field, i, "has host bits set");
		if (i && nets[0].addr.family == nets[i].addr.family)
			return bad_item(
				err, field, i, "is the second of its family");
	}
	return 0;
}

static int check_names(
	const char (*names)[NAME_MAX_LEN + 1], size_t count, struct err *err)
{
	if (count > RECORD_TAGS_MAX)
		return bad(err, "tags", "are too many");
	for (size_t i = 0; i < count; i++) {
		if (!name_valid(names[i]))
			return bad_item(err, "tags", i, "is not a name");
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(names[i], names[k]))
				return bad_item(
					err, "tags", i, "is there twice");
		}
	}
	return 0;
}

static int check_twice(const struct ipnet *nets, size_t count,
	const char *field, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (ipnet_equal(&nets[i], &nets[k]))
				return bad_item(
					err, field, i, "is there twice");
		}
	}
	return 0;
}

static int check_addresses(const struct record_membership *m, struct err *err)
{
	static const char field[] = "addresses";

	if (!m->address_count || m->address_count > RECORD_ADDRESSES_MAX)
		return bad(err, field, "wants at least one, at most four");
	for (size_t i = 0; i < m->address_count; i++) {
		const struct ipnet *net = &m->addresses[i];
		uint8_t bits = ip_bits(net->addr.family);

		if (!bits || net->prefix_len != bits)
			return bad_item(
				err, field, i, "is not a single address");
	}
	return check_twice(m->addresses, m->address_count, field, err);
}

static int check_routes(const struct record_membership *m, struct err *err)
{
	static const char field[] = "routes";

	if (m->route_count > RECORD_ROUTES_MAX)
		return bad(err, field, "are too many");
	for (size_t i = 0; i < m->route_count; i++) {
		const struct ipnet *net = &m->routes[i];

		if (!ip_bits(net->addr.family) || !ipnet_is_masked(net))
			return bad_item(err, field, i,
				"is no network without host bits");
	}
	return check_twice(m->routes, m->route_count, field, err);
}

static int check_mesh(const struct record *rec, struct err *err)
{
	const struct record_mesh *mesh = &rec->as_mesh;
	struct mesh_id id = mesh_id_of(&mesh->operator_key);

	if (memcmp(id.b, rec->mesh.b, sizeof(id.b)))
		return bad(err, "mesh", "is not the id of this operator key");
	if (!name_valid(mesh->name))
		return bad(err, "name", "is not a name");
	return check_prefixes(mesh->prefixes, mesh->prefix_count, err);
}

static int check_grant(const struct record_grant *grant, struct err *err)
{
	int r;

	if (key_is_zero(grant->delegate.b))
		return bad(err, "delegate", "is no key");
	if (!time_is_set(grant->issued_at))
		return bad(err, "issued_at", "is not set, or out of range");
	if (!time_is_after(grant->expires, grant->issued_at))
		return bad(err, "expires", "is not after issued_at");
	r = check_names(grant->tags, grant->tag_count, err);
	if (r < 0)
		return r;
	return check_prefixes(grant->prefixes, grant->prefix_count, err);
}

static int check_membership(const struct record_membership *m, struct err *err)
{
	struct node_id id = node_id_of(&m->identity);
	int r;

	if (!node_id_equal(&id, &m->node))
		return bad(err, "node", "is not the id of this identity");
	if (!name_valid(m->name))
		return bad(err, "name", "is not a name");
	if (!time_is_set(m->issued_at))
		return bad(err, "issued_at", "is not set, or out of range");
	if (m->not_after.ns && !time_is_after(m->not_after, m->issued_at))
		return bad(err, "not_after", "is not after issued_at");
	r = check_addresses(m, err);
	if (r == 0)
		r = check_routes(m, err);
	if (r == 0)
		r = check_names(m->tags, m->tag_count, err);
	return r;
}

static int check_key(const struct record_key *key, struct err *err)
{
	if (!key->epoch || key->epoch > JSONR_UINT_MAX)
		return bad(err, "epoch", "does not count from 1");
	if (key_is_zero(key->public_key.b))
		return bad(err, "public_key", "is no key");
	return 0;
}

int record_form_check(const struct record *rec, struct err *err)
{
	if (!rec->serial || rec->serial > JSONR_UINT_MAX)
		return bad(err, "serial", "does not count from 1");
	switch (rec->type) {
	case RECORD_MESH:
		return check_mesh(rec, err);
	case RECORD_GRANT:
		return check_grant(&rec->grant, err);
	case RECORD_MEMBERSHIP:
		return check_membership(&rec->membership, err);
	case RECORD_KEY:
		return check_key(&rec->key, err);
	case RECORD_REMOVAL:
		return 0;
	}
	return bad(err, "type", "is not a record of a known type");
}
