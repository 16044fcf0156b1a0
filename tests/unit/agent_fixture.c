#include "config.h"
#include "agent_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

static void start(struct fx_map *fx)
{
	*fx = (struct fx_map){ 0 };
	fx->map.records = fx->records;
	fx->map.withheld = fx->withheld;
	fx->map.endpoints = fx->endpoints;
}

void fx_map_full(struct fx_map *fx, uint64_t serial)
{
	start(fx);
	fx->map.serial = serial;
	fx->map.full = true;
}

void fx_map_delta(struct fx_map *fx, uint64_t since, uint64_t serial)
{
	start(fx);
	fx->map.since = since;
	fx->map.serial = serial;
}

void fx_map_release(struct fx_map *fx)
{
	for (size_t i = 0; i < fx->map.record_count; i++)
		envelope_free(fx->records[i]);
	start(fx);
}

void fx_map_add(struct fx_map *fx, const struct record *rec, unsigned int who)
{
	assert_true(fx->map.record_count < FX_MAP_RECORDS_MAX);
	fx->records[fx->map.record_count++] = fx_sign(rec, who);
}

void fx_map_roots(struct fx_map *fx)
{
	struct record rec = fx_mesh();

	fx_map_add(fx, &rec, FX_OPERATOR);
	rec = fx_grant();
	fx_map_add(fx, &rec, FX_OPERATOR);
}

void fx_map_node(struct fx_map *fx, unsigned int node)
{
	struct record rec = fx_member(node);

	fx_map_add(fx, &rec, FX_DELEGATE);
	rec = fx_key(node);
	fx_map_add(fx, &rec, FX_NODE + node);
}

void fx_map_withhold(struct fx_map *fx, unsigned int node)
{
	fx->withheld[fx->map.withheld_count++] = fx_node_id(node);
}

void fx_map_hint(struct fx_map *fx, unsigned int node, const char *endpoints)
{
	struct msg_node_endpoints *hint =
		&fx->endpoints[fx->map.endpoint_count++];

	hint->node = fx_node_id(node);
	while (*endpoints) {
		size_t len = strcspn(endpoints, " ");
		AUTO(free_ptr) char *word = strndup(endpoints, len);

		assert_true(
			endpoint_parse(word, &hint->endpoints[hint->count++]));
		endpoints += len + (endpoints[len] == ' ');
	}
}

struct roster *fx_roster(void)
{
	struct signpub op = fx_public(FX_OPERATOR);
	struct node_id self = fx_node_id(0);
	struct roster *roster = roster_new(&op, &self);

	assert_non_null(roster);
	return roster;
}

struct roster *fx_roster_of(unsigned int count)
{
	struct roster *roster = fx_roster();
	struct fx_map fx;

	fx_map_full(&fx, 1);
	fx_map_roots(&fx);
	for (unsigned int i = 0; i < count; i++)
		fx_map_node(&fx, i);
	assert_true(fx_merge(roster, &fx, 0));
	fx_map_release(&fx);
	roster_settle(roster, fx_now(0).mono);
	return roster;
}

bool fx_merge(struct roster *roster, const struct fx_map *fx, int want)
{
	struct now now = fx_now(0);
	struct err err = { 0 };
	bool changed = false;

	assert_int_equal(roster_merge(roster, &fx->map, &now, NULL, NULL,
				 &changed, &err),
		want);
	return changed;
}

void fx_hear_refusal(void *arg, const struct err *err)
{
	struct fx_refusals *refusals = arg;

	refusals->count++;
	(void)str_copy(refusals->last, sizeof(refusals->last), err->msg);
}

struct roster_node fx_node(const struct roster *roster, unsigned int node)
{
	struct node_id id = fx_node_id(node);
	struct roster_node found;

	assert_true(roster_find(roster, &id, &found));
	return found;
}
