/*
 * The cache on disk: what was merged is there after a boot, whatever the clock
 * says; a burst of changes is written once; a damaged file is an error.
 */
#include "config.h"
#include "agent/cache.h"
#include "agent_fixture.h"
#include "os/atomicfile.h"
#include "os/clock.h"
#include "rows.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define AUTO_ROSTER AUTO(roster_free) struct roster *

static char dir[] = "/tmp/test_cache.XXXXXX";

struct fixture {
	struct loop *loop;
	struct state state;
	struct cache *cache;
	unsigned int saves;
};

static void count_saves(void *arg)
{
	struct fixture *fx = arg;

	fx->saves++;
}

static void begin(struct fixture *fx, struct roster *roster)
{
	struct err err = { 0 };

	*fx = (struct fixture){ .state = { .lock_fd = -1 } };
	fx->loop = loop_new(&err);
	assert_non_null(fx->loop);
	if (state_open(dir, STATE_EXISTING, &fx->state, &err) < 0 ||
		cache_new(fx->loop, &fx->state, roster, count_saves, fx,
			&fx->cache, &err) < 0)
		fail_msg("%s", err.msg);
}

static void end(struct fixture *fx)
{
	cache_free(fx->cache);
	state_release(&fx->state);
	loop_free(fx->loop);
}

static void test_boot(void **state)
{
	static const struct {
		int64_t wall_sec;
		int line;
	} clocks[] = {
		{ FX_NOW_SEC, __LINE__ },
		{ FX_NOW_SEC + 365 * 86400, __LINE__ },
		{ 0, __LINE__ }, /* no battery */
	};
	struct record removal = fx_removal(2);
	struct fixture fx;

	(void)state;
	{
		AUTO_ROSTER roster = fx_roster_of(3);
		struct fx_map map;

		fx_map_delta(&map, 1, 9);
		fx_map_add(&map, &removal, FX_OPERATOR);
		fx_map_hint(&map, 1, "10.0.0.1:1");
		assert_true(fx_merge(roster, &map, 0));
		fx_map_release(&map);
		begin(&fx, roster);
		cache_save(fx.cache);
		end(&fx);
	}
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		AUTO_ROSTER roster = fx_roster();
		struct now now = {
			.wall = { clocks[i].wall_sec * NSEC_PER_SEC },
		};
		struct fx_refusals refusals = { 0 };
		struct err err = { 0 };

		begin(&fx, roster);
		/* the fixture's mesh is of 2027: pretend it was saved then */
		if (now.wall.ns == 0) {
			struct timespec times[2] = { { .tv_sec = FX_NOW_SEC },
				{ .tv_sec = FX_NOW_SEC } };
			char path[64];

			(void)snprintf(
				path, sizeof(path), "%s/netmap.json", dir);
			assert_int_equal(
				utimensat(AT_FDCWD, path, times, 0), 0);
			end(&fx);
			begin(&fx, roster);
		}
		ROW_INT(&clocks[i],
			cache_load(fx.cache, roster, &now, fx_hear_refusal,
				&refusals, &err),
			0);
		ROW_STR(&clocks[i], refusals.last, "");
		ROW_TRUE(&clocks[i], roster_has_self(roster));
		ROW_INT(&clocks[i], roster_serial(roster), 9);
		ROW_INT(&clocks[i], fx_node(roster, 1).endpoint_count, 1);
		ROW_TRUE(&clocks[i], fx_node(roster, 2).verified.removed);
		end(&fx);
	}
}

static void test_burst(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(2);
	struct fixture fx;
	struct now now;
	struct mono began;

	(void)state;
	begin(&fx, roster);
	/* a few are written in the wake-up that wants them */
	for (unsigned int i = 1; i <= 3; i++) {
		now = clock_now();
		cache_save_soon(fx.cache, &now, 0);
		assert_true(loop_step(fx.loop, NSEC_PER_SEC) >= 0);
		assert_int_equal(fx.saves, i);
	}
	/* one that may wait does, and many become one in the end */
	began = clock_now().mono;
	for (unsigned int i = 0; i < 100; i++) {
		now = clock_now();
		cache_save_soon(fx.cache, &now, 0);
		cache_save_soon(fx.cache, &now, 60 * NSEC_PER_SEC);
		assert_true(loop_step(fx.loop, 0) >= 0);
	}
	while (mono_sub(clock_now().mono, began) < 2 * NSEC_PER_SEC &&
		fx.saves < 6)
		assert_true(loop_step(fx.loop, NSEC_PER_SEC / 4) >= 0);
	assert_in_range(fx.saves, 4, 6);
	end(&fx);
}

static void test_damage(void **state)
{
	static const struct {
		const char *text;
		int line;
	} rows[] = {
		{ "", __LINE__ },
		{ "{", __LINE__ },
		{ "{\"schema\":\"mesh/v1\",\"serial\":1}", __LINE__ },
	};
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/netmap.json", dir);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_ROSTER roster = fx_roster();
		struct now now = fx_now(0);
		struct fixture fx;
		struct err err = { 0 };

		ROW_INT(&rows[i],
			atomicfile_write(path, rows[i].text,
				strlen(rows[i].text), 0600, &err),
			0);
		begin(&fx, roster);
		ROW_TRUE(&rows[i],
			cache_load(fx.cache, roster, &now, NULL, NULL, &err) <
				0);
		ROW_TRUE(&rows[i], strstr(err.msg, "cached netmap") != NULL);
		end(&fx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_damage),
	};
	AUTO(state_release) struct state st = { .lock_fd = -1 };
	struct err err = { 0 };
	int failed;

	if (sodium_init() < 0 || !mkdtemp(dir))
		return 99;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (state_open(dir, STATE_EXISTING, &st, &err) < 0 ||
		state_delete(&st, &err) < 0)
		return 99;
	return failed;
}
