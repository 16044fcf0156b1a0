#include "config.h"
#include "meshproto/trust.h"

#include "meshproto/record_form.h"
#include "meshproto/trust_offer.h"
#include "meshproto/trust_rules.h"
#include "meshproto/trust_set.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

/* ---- one record ---- */

/* The node that a record, or else its signer, claims to be about. */
static const struct node_id *subject_of(const struct record *rec)
{
	switch (rec->type) {
	case RECORD_MEMBERSHIP:
		return &rec->membership.node;
	case RECORD_KEY:
		return &rec->key.node;
	case RECORD_REMOVAL:
		return &rec->removal.node;
	case RECORD_MESH:
	case RECORD_GRANT:
		return NULL;
	}
	return NULL;
}

static bool is_same(const struct envelope *believed, const struct envelope *env)
{
	return believed && envelope_equal(believed, env);
}

/* Already believed, byte for byte: then it has verified before. */
static bool is_known(const struct trust_case *c)
{
	const struct trust_node *node = c->node;
	const struct trust_grant *grant;

	switch (c->rec.type) {
	case RECORD_MESH:
		return is_same(c->trust->mesh_env, c->env);
	case RECORD_GRANT:
		grant = trust_set_grant(c->trust, &c->rec.grant.delegate);
		return grant && is_same(grant->env, c->env);
	case RECORD_MEMBERSHIP:
		return node && !node->removal_env &&
			(is_same(node->membership_env, c->env) ||
				is_same(node->admission_env, c->env));
	case RECORD_KEY:
		return node && is_same(node->key_env, c->env);
	case RECORD_REMOVAL:
		return node && is_same(node->removal_env, c->env);
	}
	return false;
}

/* Its payload is not even a record; but it may say which it would be. */
static bool claim(struct trust_case *c)
{
	const struct node_id *subject;

	if (!record_form_claim(c->env->payload, c->env->payload_len, &c->rec))
		return false;
	subject = subject_of(&c->rec);
	c->node = subject ? trust_set_node(c->trust, subject) : NULL;
	return true;
}

/* Its signer is all there is to name. */
static enum trust_verdict refuse_nameless(
	const struct trust_case *c, const struct err *reason)
{
	const struct signpub *signer = &c->env->key;
	struct node_id id = node_id_of(signer);
	const struct trust_node *node = trust_set_node(c->trust, &id);
	const char *name = "nobody known";
	char key[KEY_BASE64_SIZE];

	if (!memcmp(signer->b, c->trust->operator_key.b, sizeof(signer->b)))
		name = "the operator";
	else if (trust_set_grant(c->trust, signer))
		name = "a delegate";
	else if (node && node->membership)
		name = node->membership->name;
	(void)err_set(c->err, -EPERM, "record signed with %s (%s): %s",
		key_format_base64(signer->b, key), name, reason->msg);
	return TRUST_REFUSED;
}

static int put(struct trust *trust, const struct trust_case *c)
{
	switch (c->rec.type) {
	case RECORD_MESH:
		return trust_set_put_mesh(trust, &c->rec, c->env);
	case RECORD_GRANT:
		return trust_set_put_grant(trust, &c->rec, c->env);
	case RECORD_MEMBERSHIP:
		return trust_set_put_membership(
			trust, &c->rec, c->env, c->grant);
	case RECORD_KEY:
		return trust_set_put_key(trust, c->node, &c->rec, c->env);
	case RECORD_REMOVAL:
		return trust_set_put_removal(trust, &c->rec, c->env);
	}
	return -EINVAL;
}

enum trust_verdict trust_offer_one(struct trust *trust,
	const struct envelope *env, const struct now *now, struct err *err,
	bool *ret_may_change)
{
	struct trust_case c = {
		.trust = trust, .env = env, .now = now, .err = err
	};
	struct err reason = { 0 };
	enum trust_verdict verdict;
	const struct node_id *subject;
	bool is_readable, is_sound = false;

	*ret_may_change = false;
	is_readable = record_form_decode(env->payload, env->payload_len, &c.rec,
			      &reason) == 0;
	if (is_readable) {
		subject = subject_of(&c.rec);
		c.node = subject ? trust_set_node(trust, subject) : NULL;
		if (is_known(&c))
			return TRUST_KNOWN;
	}
	if (!signpub_verify(
		    &env->key, &env->sig, env->payload, env->payload_len))
		(void)err_set(&reason, -EPERM, "the signature does not verify");
	else if (is_readable && record_form_check(&c.rec, &reason) == 0)
		is_sound = true;
	if (!is_readable && !claim(&c))
		return refuse_nameless(&c, &reason);
	if (!is_sound)
		return trust_rules_refuse(&c, "%s", reason.msg);
	verdict = trust_rules_judge(&c);
	*ret_may_change = c.may_change;
	if (verdict == TRUST_STALE && c.is_admission &&
		trust_set_put_admission(trust, c.node, env, c.grant) < 0)
		return trust_rules_refuse(&c, "out of memory");
	if (verdict == TRUST_ACCEPTED && put(trust, &c) < 0)
		return trust_rules_refuse(&c, "out of memory");
	return verdict;
}

enum trust_verdict trust_offer(struct trust *trust, const struct envelope *env,
	const struct now *now, struct err *err)
{
	bool may_change;

	return trust_offer_one(trust, env, now, err, &may_change);
}

/* ---- questions ---- */

struct mesh_id trust_mesh_id(const struct trust *trust)
{
	return trust->mesh_id;
}

const struct record_mesh *trust_mesh(const struct trust *trust)
{
	return trust->mesh_env ? &trust->mesh : NULL;
}

size_t trust_node_count(const struct trust *trust)
{
	return trust->node_count;
}

static struct verified_node verified(const struct trust_node *node)
{
	return (struct verified_node){ .node = node->id,
		.membership = node->membership,
		.membership_serial = node->membership_serial,
		.key = node->key,
		.removed = node->removal_env };
}

struct verified_node trust_node_at(const struct trust *trust, size_t index)
{
	BUG_ON(index >= trust->node_count);
	return verified(trust->nodes[index]);
}

bool trust_find(const struct trust *trust, const struct node_id *node,
	struct verified_node *ret_node)
{
	const struct trust_node *found = trust_set_node(trust, node);

	if (!found)
		return false;
	*ret_node = verified(found);
	return true;
}

bool trust_node_usable(const struct verified_node *node, const struct now *now)
{
	const struct record_membership *m = node->membership;

	if (node->removed || !m || !node->key)
		return false;
	return !m->not_after.ns || now->wall.ns < m->not_after.ns;
}

const struct envelope *trust_removal_of(
	const struct trust *trust, const struct node_id *node)
{
	const struct trust_node *found = trust_set_node(trust, node);

	return found ? found->removal_env : NULL;
}

bool trust_contradicts(const struct trust *trust, const struct envelope *env,
	struct node_id *ret_node)
{
	struct record rec;
	const struct node_id *subject;

	if (record_form_decode(env->payload, env->payload_len, &rec, NULL) < 0)
		return false;
	subject = subject_of(&rec);
	if (rec.type == RECORD_REMOVAL || !subject ||
		!trust_removal_of(trust, subject))
		return false;
	*ret_node = *subject;
	return true;
}

bool trust_has_removals(const struct trust *trust)
{
	for (size_t i = 0; i < trust->node_count; i++) {
		if (trust->nodes[i]->removal_env)
			return true;
	}
	return false;
}

static void each_of_node(const struct trust_node *node,
	void (*fn)(void *arg, const struct envelope *env), void *arg)
{
	const struct envelope *const envs[] = { node->membership_env,
		node->key_env, node->removal_env };

	for (size_t i = 0; i < ARRAY_SIZE(envs); i++) {
		if (envs[i])
			fn(arg, envs[i]);
	}
}

/* The removed come first: they let go of what a live one may hold now. What a
 * delegate signed before the operator restated it comes after the restatement,
 * for its name may be another node's by now. */
void trust_each_envelope(const struct trust *trust,
	void (*fn)(void *arg, const struct envelope *env), void *arg)
{
	if (trust->mesh_env)
		fn(arg, trust->mesh_env);
	for (size_t i = 0; i < trust->grant_count; i++)
		fn(arg, trust->grants[i]->env);
	for (size_t i = 0; i < trust->node_count; i++) {
		const struct trust_node *node = trust->nodes[i];

		if (node->removal_env && node->admission_env)
			fn(arg, node->admission_env);
		if (node->removal_env)
			each_of_node(node, fn, arg);
	}
	for (size_t i = 0; i < trust->node_count; i++) {
		if (!trust->nodes[i]->removal_env)
			each_of_node(trust->nodes[i], fn, arg);
	}
	for (size_t i = 0; i < trust->node_count; i++) {
		const struct trust_node *node = trust->nodes[i];

		if (!node->removal_env && node->admission_env)
			fn(arg, node->admission_env);
	}
}
