#include "config.h"
#include "meshproto/trust_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define LABEL_SIZE (RECORD_LABEL_SIZE + NAME_MAX_LEN + 4)

/* ---- what is said ---- */

/* "key of 3f2a… (node-b)": the believed name too, where the record has none,
 * or claims another. */
static const char *label_of(
	const struct trust_case *c, char buf[static LABEL_SIZE])
{
	const struct trust_node *node = c->node;
	char record[RECORD_LABEL_SIZE];
	bool is_named = c->rec.type == RECORD_MEMBERSHIP && node &&
		node->membership &&
		!strcmp(c->rec.membership.name, node->membership->name);

	(void)record_label(&c->rec, record);
	if (!node || !node->membership || is_named)
		(void)snprintf(buf, LABEL_SIZE, "%s", record);
	else
		(void)snprintf(buf, LABEL_SIZE, "%s (%s)", record,
			node->membership->name);
	return buf;
}

static void say(struct trust_case *c, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));
static void say(struct trust_case *c, const char *fmt, va_list args)
{
	char label[LABEL_SIZE], reason[ERR_MSG_MAX];

	(void)vsnprintf(reason, sizeof(reason), fmt, args);
	(void)err_set(c->err, -EPERM, "%s: %s", label_of(c, label), reason);
}

enum trust_verdict trust_rules_refuse(
	struct trust_case *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(c, fmt, args);
	va_end(args);
	return TRUST_REFUSED;
}
#define refuse trust_rules_refuse

/* Refused, for as long as other nodes are as they are. */
static enum trust_verdict refuse_for_now(
	struct trust_case *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static enum trust_verdict refuse_for_now(
	struct trust_case *c, const char *fmt, ...)
{
	va_list args;

	c->may_change = true;
	va_start(args, fmt);
	say(c, fmt, args);
	va_end(args);
	return TRUST_REFUSED;
}

static enum trust_verdict stale(struct trust_case *c, uint64_t believed)
{
	(void)refuse(c,
		"serial %" PRIu64 " is not above %" PRIu64
		", which is believed",
		c->rec.serial, believed);
	return TRUST_STALE;
}

/* ---- what is asked ---- */

static bool key_is(const struct signpub *a, const struct signpub *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b)); /* public: no secret here */
}

static bool signed_by_operator(const struct trust_case *c)
{
	return key_is(&c->env->key, &c->trust->operator_key);
}

static bool is_inside(
	const struct ipaddr *addr, const struct ipnet *nets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ipnet_contains_addr(&nets[i], addr))
			return true;
	}
	return false;
}

/* The first address of M that lies in none of NETS; NULL: all lie in one. */
static const struct ipaddr *find_outside(const struct record_membership *m,
	const struct ipnet *nets, size_t count)
{
	for (size_t i = 0; i < m->address_count; i++) {
		if (!is_inside(&m->addresses[i].addr, nets, count))
			return &m->addresses[i].addr;
	}
	return NULL;
}

static bool has_name(
	const char (*names)[NAME_MAX_LEN + 1], size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

/* ---- mesh ---- */

static enum trust_verdict judge_mesh(struct trust_case *c)
{
	const struct record_mesh *mesh = &c->rec.as_mesh;
	const struct trust *trust = c->trust;

	if (!signed_by_operator(c))
		return refuse(c, "is not signed by the operator");
	if (trust->mesh_env && c->rec.serial <= trust->mesh_serial)
		return stale(c, trust->mesh_serial);
	for (size_t i = 0; i < trust->node_count; i++) {
		const struct record_membership *m = trust->nodes[i]->membership;

		if (m && find_outside(m, mesh->prefixes, mesh->prefix_count))
			return refuse(c, "would leave %s outside its prefixes",
				m->name);
	}
	return TRUST_ACCEPTED;
}

/* ---- grant ---- */

static enum trust_verdict judge_grant(struct trust_case *c)
{
	const struct trust_grant *old =
		trust_set_grant(c->trust, &c->rec.grant.delegate);

	if (!signed_by_operator(c))
		return refuse(c, "is not signed by the operator");
	if (old && c->rec.serial <= old->serial)
		return stale(c, old->serial);
	if (old)
		return refuse(c, "this delegate has its grant already");
	if (c->trust->grant_count >= TRUST_GRANTS_MAX)
		return refuse(
			c, "there are %d grants already", TRUST_GRANTS_MAX);
	return TRUST_ACCEPTED;
}

/* ---- membership ---- */

/* What the operator let this delegate sign. */
static enum trust_verdict judge_delegate(struct trust_case *c)
{
	const struct record_membership *m = &c->rec.membership;
	const struct record_grant *grant = &c->grant->grant;
	const int64_t skew_ns = TRUST_SKEW_SEC * NSEC_PER_SEC;
	/* The operator's word for it that this moment has been: a host whose
	 * clock is behind must not lose a node for good, for nobody tells a
	 * record twice. */
	const int64_t now_ns = c->now->wall.ns > grant->issued_at.ns
		? c->now->wall.ns
		: grant->issued_at.ns;
	char text[IPADDR_TEXT_SIZE];
	const struct ipaddr *outside;

	if (c->rec.serial != 1)
		return refuse(c,
			"a delegate admits with serial 1; only the operator "
			"restates");
	if (m->issued_at.ns < grant->issued_at.ns - skew_ns)
		return refuse(c, "was issued before its grant");
	if (m->issued_at.ns >= grant->expires.ns)
		return refuse(c, "was issued after its grant expired");
	if (m->issued_at.ns > now_ns + skew_ns)
		return refuse(c,
			"was issued in the future, by the clock of this host");
	if (m->route_count)
		return refuse(c, "a delegate may not grant routes");
	for (size_t i = 0; i < m->tag_count; i++) {
		if (!has_name(grant->tags, grant->tag_count, m->tags[i]))
			return refuse(c, "its grant does not have tag %s",
				m->tags[i]);
	}
	outside = find_outside(m, grant->prefixes, grant->prefix_count);
	if (outside)
		return refuse(c, "address %s is outside its grant's prefixes",
			ipaddr_format(outside, text));
	return TRUST_ACCEPTED;
}

static enum trust_verdict judge_addresses(struct trust_case *c)
{
	const struct record_membership *m = &c->rec.membership;
	const struct record_mesh *mesh = &c->trust->mesh;
	char text[IPADDR_TEXT_SIZE];
	const struct ipaddr *outside;

	if (!c->trust->mesh_env)
		return refuse(c, "the mesh record is not known yet");
	outside = find_outside(m, mesh->prefixes, mesh->prefix_count);
	if (outside)
		return refuse(c, "address %s is outside the mesh's prefixes",
			ipaddr_format(outside, text));
	for (size_t i = 0; i < m->address_count; i++) {
		for (size_t k = 0; k < mesh->prefix_count; k++) {
			if (ipaddr_equal(&m->addresses[i].addr,
				    &mesh->prefixes[k].addr))
				return refuse(c,
					"address %s is the network's own",
					ipaddr_format(
						&m->addresses[i].addr, text));
		}
	}
	return TRUST_ACCEPTED;
}

static enum trust_verdict judge_conflicts(struct trust_case *c)
{
	const struct record_membership *m = &c->rec.membership;
	const struct trust_node *holder;
	char text[IPADDR_TEXT_SIZE], id[MESH_ID_TEXT_SIZE];

	holder = trust_set_holder(
		c->trust, CLAIM_NAME, m->name, strlen(m->name));
	if (holder && holder != c->node)
		return refuse_for_now(c, "its name is that of node %s",
			node_id_format(&holder->id, id));
	for (size_t i = 0; i < m->address_count; i++) {
		const struct ipaddr *addr = &m->addresses[i].addr;

		holder = trust_set_holder(
			c->trust, CLAIM_ADDRESS, addr, sizeof(*addr));
		if (holder && holder != c->node)
			return refuse_for_now(c, "its address %s is that of %s",
				ipaddr_format(addr, text),
				holder->membership->name);
	}
	return TRUST_ACCEPTED;
}

static bool grant_is_spent(const struct trust_grant *grant)
{
	return grant->grant.uses && grant->admitted >= grant->grant.uses;
}

static enum trust_verdict judge_membership(struct trust_case *c)
{
	const struct record_membership *m = &c->rec.membership;
	const struct trust_node *node = c->node;
	enum trust_verdict verdict;

	if (node && node->removal_env)
		return refuse(c, "the node was removed, for good");
	c->grant = signed_by_operator(c)
		? NULL
		: trust_set_grant(c->trust, &c->env->key);
	if (!signed_by_operator(c) && !c->grant)
		return refuse(c,
			"is signed neither by the operator nor by a delegate "
			"of a known grant");
	verdict = c->grant ? judge_delegate(c) : TRUST_ACCEPTED;
	if (verdict == TRUST_ACCEPTED)
		verdict = judge_addresses(c);
	if (verdict != TRUST_ACCEPTED)
		return verdict;
	if (node && !key_is(&node->membership->identity, &m->identity))
		return refuse(c, "the node has another identity");
	if (node && c->rec.serial <= node->membership_serial) {
		c->is_admission = c->grant && !node->admitted_by &&
			!grant_is_spent(c->grant);
		return stale(c, node->membership_serial);
	}
	if (!node && c->grant && grant_is_spent(c->grant))
		return refuse(c, "its grant's %u uses are spent",
			c->grant->grant.uses);
	if (!node && c->trust->node_count >= TRUST_NODES_MAX)
		return refuse(c, "there are %d nodes already", TRUST_NODES_MAX);
	return judge_conflicts(c);
}

/* ---- key ---- */

static enum trust_verdict judge_key(struct trust_case *c)
{
	const struct record_key *key = &c->rec.key;
	const struct trust_node *node = c->node, *holder;
	bool is_same_key;

	if (node && node->removal_env)
		return refuse(c, "the node was removed, for good");
	if (!node)
		return refuse_for_now(c,
			"no membership of this node is "
			"believed");
	if (!key_is(&c->env->key, &node->membership->identity))
		return refuse(c, "is not signed by the node's identity");
	if (node->key && c->rec.serial <= node->key_serial)
		return stale(c, node->key_serial);
	if (node->key && key->epoch < node->key->epoch)
		return refuse(c,
			"epoch %" PRIu64 " is below %" PRIu64
			", which is believed",
			key->epoch, node->key->epoch);
	is_same_key = node->key &&
		!memcmp(key->public_key.b, node->key->public_key.b, KEY_SIZE);
	if (node->key && key->epoch == node->key->epoch && !is_same_key)
		return refuse(c, "epoch %" PRIu64 " has another key already",
			key->epoch);
	holder = trust_set_holder(c->trust, CLAIM_KEY, key->public_key.b,
		sizeof(key->public_key.b));
	if (holder && holder != node)
		return refuse_for_now(c, "its WireGuard key is that of %s",
			holder->membership->name);
	return TRUST_ACCEPTED;
}

/* ---- removal ---- */

static enum trust_verdict judge_removal(struct trust_case *c)
{
	const struct trust_node *node = c->node;
	struct node_id signer = node_id_of(&c->env->key);
	/* an id is the hash of its key, so it vouches for a signer by itself */
	bool is_own = node && node->membership
		? key_is(&c->env->key, &node->membership->identity)
		: node_id_equal(&signer, &c->rec.removal.node);

	if (!is_own && !signed_by_operator(c))
		return refuse(
			c, "is signed neither by the operator nor by the node");
	if (node && node->removal_env) {
		(void)refuse(c, "the node is removed already");
		return TRUST_STALE;
	}
	if (!node && c->trust->node_count >= TRUST_NODES_MAX)
		return refuse(c, "there are %d nodes already", TRUST_NODES_MAX);
	if (!node && !signed_by_operator(c) &&
		c->trust->stray_count >= TRUST_STRAYS_MAX)
		return refuse(c, "%d unknown nodes removed themselves already",
			TRUST_STRAYS_MAX);
	return TRUST_ACCEPTED;
}

enum trust_verdict trust_rules_judge(struct trust_case *c)
{
	if (memcmp(c->rec.mesh.b, c->trust->mesh_id.b, sizeof(c->rec.mesh.b)))
		return refuse(c, "belongs to another mesh");
	switch (c->rec.type) {
	case RECORD_MESH:
		return judge_mesh(c);
	case RECORD_GRANT:
		return judge_grant(c);
	case RECORD_MEMBERSHIP:
		return judge_membership(c);
	case RECORD_KEY:
		return judge_key(c);
	case RECORD_REMOVAL:
		return judge_removal(c);
	}
	return refuse(c, "is of no known type");
}
