/*
 * netmap: a delta laid over what a node had gives what a full map says, for
 * every serial that it may have been at; and what a removed node hears.
 */
#include "config.h"
#include "rows.h"
#include "base/auto.h"
#include "meshd/netmap.h"

#include <string.h>

#define NODES	 8
#define CHANGES	 60
#define ROWS_MAX 256

/* The coordinator's side: rows as the store keeps them. */
struct world {
	struct world_row {
		enum record_type type;
		uint8_t node; /* also the first byte of subject */
		uint64_t serial;
		uint64_t stamp; /* what the envelope says: the change */
	} rows[ROWS_MAX];
	size_t count;
	uint64_t endpoint_serial[NODES]; /* 0: none */
	uint64_t endpoint_stamp[NODES];
	bool removed[NODES], member[NODES];
	uint64_t serial;
};

static struct subject subject_for(uint8_t node)
{
	struct subject subject = { .b = { node }, .len = MESH_ID_SIZE };

	return subject;
}

static struct node_id id_for(uint8_t node)
{
	return (struct node_id){ .b = { node } };
}

static struct world_row *row_of(
	struct world *world, enum record_type type, uint8_t node)
{
	for (size_t i = 0; i < world->count; i++)
		if (world->rows[i].type == type && world->rows[i].node == node)
			return &world->rows[i];
	return NULL;
}

static void put(struct world *world, enum record_type type, uint8_t node)
{
	struct world_row *row = row_of(world, type, node);

	if (!row) {
		assert_true(world->count < ROWS_MAX);
		row = &world->rows[world->count++];
	}
	*row = (struct world_row){ type, node, world->serial, world->serial };
}

static void drop(struct world *world, enum record_type type, uint8_t node)
{
	struct world_row *row = row_of(world, type, node);

	if (row)
		*row = world->rows[--world->count];
}

/* One change, as the handlers make them. */
static void change(struct world *world, struct random *r)
{
	uint8_t node = (uint8_t)random_below(r, NODES);

	world->serial += 1 + random_below(r, 3);
	if (world->removed[node]) {
		put(world, RECORD_MESH, 200);
	} else if (!world->member[node]) {
		put(world, RECORD_GRANT, (uint8_t)(100 + node / 2));
		put(world, RECORD_MEMBERSHIP, node);
		put(world, RECORD_KEY, node);
		world->member[node] = true;
	} else if (random_below(r, 6) == 0) {
		drop(world, RECORD_MEMBERSHIP, node);
		drop(world, RECORD_KEY, node);
		put(world, RECORD_REMOVAL, node);
		world->endpoint_serial[node] = 0;
		world->removed[node] = true;
	} else if (random_below(r, 2) == 0) {
		put(world, RECORD_MEMBERSHIP, node);
	} else {
		world->endpoint_serial[node] = world->serial;
		world->endpoint_stamp[node] = world->serial;
	}
}

static struct envelope *envelope_for(const struct world_row *row)
{
	struct envelope *env = calloc(1, sizeof(*env) + sizeof(row->stamp));

	assert_non_null(env);
	env->key.b[0] = (uint8_t)row->type;
	env->key.b[1] = row->node;
	env->payload_len = sizeof(row->stamp);
	memcpy(env->payload, &row->stamp, sizeof(row->stamp));
	return env;
}

static void build(const struct world *world, uint64_t since,
	const struct node_id *removed, struct msg_netmap *ret_map)
{
	AUTO(record_rows_release) struct record_rows records = { 0 };
	AUTO(endpoint_rows_release) struct endpoint_rows endpoints = { 0 };
	struct netmap_view view = {
		.since = since, .serial = world->serial, .removed = removed
	};

	for (size_t i = 0; i < world->count; i++) {
		const struct world_row *row = &world->rows[i];
		struct subject subject = subject_for(row->node);

		assert_int_equal(record_rows_add(&records, row->type, &subject,
					 row->serial, envelope_for(row)),
			0);
	}
	for (uint8_t node = 0; node < NODES; node++) {
		struct node_id id = id_for(node);
		struct endpoint_row *row;

		if (world->endpoint_serial[node] == 0)
			continue;
		row = endpoint_rows_add(
			&endpoints, &id, world->endpoint_serial[node]);
		assert_non_null(row);
		row->at.count = 1;
		row->at.endpoints[0].port =
			(uint16_t)world->endpoint_stamp[node];
	}
	assert_int_equal(netmap_build(&view, &records, &endpoints, ret_map), 0);
}

/* The agent's side, as naive as can be: what it believes, by type and node. */
struct agent {
	uint64_t serial;
	uint64_t stamp[RECORD_REMOVAL + 1][256];
	uint64_t endpoint[NODES];
};

static void lay_over(struct agent *agent, const struct msg_netmap *map)
{
	if (map->full)
		*agent = (struct agent){ 0 };
	else
		assert_true(map->since == agent->serial);
	agent->serial = map->serial;
	for (size_t i = 0; i < map->record_count; i++) {
		const struct envelope *env = map->records[i];
		uint8_t type = env->key.b[0], node = env->key.b[1];

		memcpy(&agent->stamp[type][node], env->payload,
			env->payload_len);
		if (type == RECORD_REMOVAL) {
			agent->stamp[RECORD_MEMBERSHIP][node] = 0;
			agent->stamp[RECORD_KEY][node] = 0;
			agent->endpoint[node] = 0;
		}
	}
	for (size_t i = 0; i < map->endpoint_count; i++)
		agent->endpoint[map->endpoints[i].node.b[0]] =
			map->endpoints[i].endpoints[0].port;
}

static void test_delta_is_difference(void **state)
{
	struct random r = random_start();

	for (int run = 0; run < 40; run++) {
		static struct agent at[CHANGES + 1], fresh, moved;
		static struct world world;
		size_t count = 0;

		world = (struct world){ .serial = 1 };
		put(&world, RECORD_MESH, 200);
		for (int i = 0; i < CHANGES; i++) {
			struct msg_netmap map;

			build(&world, 0, NULL, &map);
			assert_true(map.full);
			lay_over(&at[count++], &map);
			msg_netmap_release(&map);
			change(&world, &r);

			build(&world, 0, NULL, &map);
			lay_over(&fresh, &map);
			msg_netmap_release(&map);
			for (size_t j = 0; j < count; j++) {
				moved = at[j];
				build(&world, moved.serial, NULL, &map);
				assert_false(map.full);
				lay_over(&moved, &map);
				msg_netmap_release(&map);
				assert_memory_equal(
					&moved, &fresh, sizeof(fresh));
			}
		}
	}
}

/* A change says no more than itself. */
static void test_delta_is_small(void **state)
{
	struct world world = { .serial = 5 };
	struct msg_netmap map;

	put(&world, RECORD_MESH, 200);
	world.serial = 6;
	put(&world, RECORD_MEMBERSHIP, 1);
	put(&world, RECORD_KEY, 1);
	world.serial = 7;
	put(&world, RECORD_MEMBERSHIP, 2);
	build(&world, 6, NULL, &map);
	assert_int_equal(map.record_count, 1);
	assert_int_equal(map.records[0]->key.b[1], 2);
	assert_int_equal(map.since, 6);
	assert_int_equal(map.serial, 7);
	msg_netmap_release(&map);
	build(&world, 7, NULL, &map);
	assert_int_equal(map.record_count, 0);
	assert_int_equal(map.endpoint_count, 0);
	msg_netmap_release(&map);
}

/* serial 0: kept, and nobody is told. */
static void test_untold(void **state)
{
	struct world world = { .serial = 9 };
	struct msg_netmap map;

	put(&world, RECORD_GRANT, 100);
	row_of(&world, RECORD_GRANT, 100)->serial = 0;
	build(&world, 0, NULL, &map);
	assert_int_equal(map.record_count, 0);
	msg_netmap_release(&map);
}

static void test_removed_viewer(void **state)
{
	static const struct {
		uint64_t since;
		size_t want;
		int line;
	} rows[] = {
		{ 0, 1, __LINE__ },
		{ 5, 1, __LINE__ },
		{ 7, 0, __LINE__ },
	};
	struct world world = { .serial = 6 };
	struct node_id self = id_for(3);

	put(&world, RECORD_MESH, 200);
	put(&world, RECORD_MEMBERSHIP, 4);
	put(&world, RECORD_REMOVAL, 5);
	world.endpoint_serial[4] = 6;
	world.serial = 7;
	put(&world, RECORD_REMOVAL, 3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct msg_netmap map;

		build(&world, rows[i].since, &self, &map);
		ROW_INT(&rows[i], map.record_count, rows[i].want);
		ROW_INT(&rows[i], map.endpoint_count, 0);
		ROW_INT(&rows[i], map.full, rows[i].since == 0);
		if (map.record_count == 1) {
			ROW_INT(&rows[i], map.records[0]->key.b[0],
				RECORD_REMOVAL);
			ROW_INT(&rows[i], map.records[0]->key.b[1], 3);
		}
		msg_netmap_release(&map);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delta_is_difference),
		cmocka_unit_test(test_delta_is_small),
		cmocka_unit_test(test_untold),
		cmocka_unit_test(test_removed_viewer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
