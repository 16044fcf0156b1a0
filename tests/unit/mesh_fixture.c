#include "config.h"
#include "mesh_fixture.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

struct wall fx_wall(int64_t offset_sec)
{
	return (struct wall){ (FX_NOW_SEC + offset_sec) * NSEC_PER_SEC };
}

struct now fx_now(int64_t offset_sec)
{
	return (struct now){ .wall = fx_wall(offset_sec) };
}

struct signseed fx_seed(unsigned int who)
{
	struct signseed seed;

	assert_int_equal(crypto_generichash(seed.b, sizeof(seed.b),
				 (const uint8_t *)&who, sizeof(who), NULL, 0),
		0);
	return seed;
}

struct signpub fx_public(unsigned int who)
{
	struct signseed seed = fx_seed(who);

	return signseed_public(&seed);
}

struct node_id fx_node_id(unsigned int node)
{
	struct signpub pub = fx_public(FX_NODE + node);

	return node_id_of(&pub);
}

struct ipnet fx_net(const char *text)
{
	struct ipnet net;

	assert_true(ipnet_parse(text, &net));
	return net;
}

static struct record start(enum record_type type)
{
	struct signpub op = fx_public(FX_OPERATOR);

	return (struct record){
		.type = type, .mesh = mesh_id_of(&op), .serial = 1
	};
}

struct record fx_mesh(void)
{
	struct record rec = start(RECORD_MESH);

	rec.as_mesh.operator_key = fx_public(FX_OPERATOR);
	assert_true(
		str_copy(rec.as_mesh.name, sizeof(rec.as_mesh.name), "home"));
	rec.as_mesh.prefixes[0] = fx_net("100.64.0.0/16");
	rec.as_mesh.prefixes[1] = fx_net("fd00:1::/48");
	rec.as_mesh.prefix_count = 2;
	return rec;
}

struct record fx_grant(void)
{
	struct record rec = start(RECORD_GRANT);
	struct record_grant *grant = &rec.grant;

	grant->delegate = fx_public(FX_DELEGATE);
	grant->issued_at = fx_wall(0);
	grant->expires = fx_wall(FX_GRANT_SEC);
	grant->uses = FX_USES;
	assert_true(str_copy(grant->tags[0], sizeof(grant->tags[0]), "web"));
	grant->tag_count = 1;
	grant->prefixes[0] = fx_net("100.64.0.0/16");
	grant->prefixes[1] = fx_net("fd00:1::/48");
	grant->prefix_count = 2;
	return rec;
}

struct record fx_member(unsigned int node)
{
	struct record rec = start(RECORD_MEMBERSHIP);
	struct record_membership *m = &rec.membership;
	char text[IPNET_TEXT_SIZE];

	m->identity = fx_public(FX_NODE + node);
	m->node = node_id_of(&m->identity);
	(void)snprintf(m->name, sizeof(m->name), "node-%u", node);
	(void)snprintf(
		text, sizeof(text), "100.64.%u.%u", 1 + node / 256, node % 256);
	m->addresses[0] = fx_net(text);
	(void)snprintf(text, sizeof(text), "fd00:1::1:%x", node);
	m->addresses[1] = fx_net(text);
	m->address_count = 2;
	assert_true(str_copy(m->tags[0], sizeof(m->tags[0]), "web"));
	m->tag_count = 1;
	m->issued_at = fx_wall(0);
	return rec;
}

struct record fx_key(unsigned int node)
{
	struct record rec = start(RECORD_KEY);

	rec.key.node = fx_node_id(node);
	rec.key.epoch = 1;
	/* any 32 bytes that no other node has */
	memcpy(rec.key.public_key.b, fx_public(1000000 + node).b, KEY_SIZE);
	return rec;
}

struct record fx_removal(unsigned int node)
{
	struct record rec = start(RECORD_REMOVAL);

	rec.removal.node = fx_node_id(node);
	return rec;
}

struct envelope *fx_sign(const struct record *rec, unsigned int who)
{
	struct signseed seed = fx_seed(who);
	struct envelope *env = NULL;
	struct err err = { 0 };

	if (record_sign(rec, &seed, &env, &err) < 0)
		fail_msg("record_sign: %s", err.msg);
	return env;
}

struct envelope *fx_sign_text(const char *text, unsigned int who)
{
	struct signseed seed = fx_seed(who);
	size_t len = strlen(text);
	struct envelope *env = malloc(sizeof(*env) + len);

	assert_non_null(env);
	memcpy(env->payload, text, len);
	env->payload_len = len;
	env->key = signseed_public(&seed);
	env->sig = signseed_sign(&seed, env->payload, len);
	return env;
}

enum trust_verdict fx_offer(struct trust *trust, const struct record *rec,
	unsigned int who, struct err *err)
{
	AUTO(envelope_free) struct envelope *env = fx_sign(rec, who);
	struct now now = fx_now(0);

	return trust_offer(trust, env, &now, err);
}

void fx_must(struct trust *trust, struct record rec, unsigned int who)
{
	struct err err = { 0 };

	if (fx_offer(trust, &rec, who, &err) != TRUST_ACCEPTED)
		fail_msg("not accepted: %s", err.msg);
}

struct record fx_with_serial(struct record rec, uint64_t serial)
{
	rec.serial = serial;
	return rec;
}

struct trust *fx_world(void)
{
	struct signpub op = fx_public(FX_OPERATOR);
	struct trust *trust = trust_new(&op);
	struct record key = fx_with_serial(fx_key(FX_ADMITTED), 5);

	assert_non_null(trust);
	fx_must(trust, fx_with_serial(fx_mesh(), 3), FX_OPERATOR);
	fx_must(trust, fx_with_serial(fx_grant(), 3), FX_OPERATOR);
	fx_must(trust, fx_member(FX_ADMITTED), FX_DELEGATE);
	key.key.epoch = 2;
	fx_must(trust, key, FX_NODE + FX_ADMITTED);
	fx_must(trust, fx_with_serial(fx_member(FX_STATED), 5), FX_OPERATOR);
	fx_must(trust, fx_key(FX_STATED), FX_NODE + FX_STATED);
	fx_must(trust, fx_member(FX_RESTATED), FX_DELEGATE);
	fx_must(trust, fx_with_serial(fx_member(FX_RESTATED), 2), FX_OPERATOR);
	fx_must(trust, fx_member(FX_REMOVED), FX_DELEGATE);
	fx_must(trust, fx_key(FX_REMOVED), FX_NODE + FX_REMOVED);
	fx_must(trust, fx_removal(FX_REMOVED), FX_OPERATOR);
	fx_must(trust, fx_removal(FX_NEVER_SEEN), FX_OPERATOR);
	return trust;
}
