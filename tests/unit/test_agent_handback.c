/*
 * Giving removals back: each is sent once, one after the other; again when the
 * answer was lost; not again when it was no.
 */
#include "config.h"
#include "agent/handback.h"
#include "os/clock.h"
#include "rows.h"
#include "tls_stub.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

#define PATIENCE_NS (20 * NSEC_PER_SEC)

/* Owed are nodes 1 to OWED. */
struct fixture {
	struct tls_stub stub;
	struct loop *loop;
	struct coord *coord;
	struct handback *handback;
	unsigned int owed, asked, settled;
};

static int next_owed(void *arg, struct node_id *ret_node, struct buf *body)
{
	struct fixture *fx = arg;

	if (fx->owed == 0)
		return -ENOENT;
	fx->asked++;
	*ret_node = (struct node_id){ .b = { (uint8_t)fx->owed } };
	buf_add_str(body, "{}");
	return 0;
}

static void settle(void *arg, const struct node_id *node)
{
	struct fixture *fx = arg;

	assert_int_equal(node->b[0], fx->owed);
	fx->owed--;
	fx->settled++;
}

static void begin(struct fixture *fx, const char *mode, unsigned int owed)
{
	struct handback_options options = {
		.credential = "mesh_agent_x",
		.next = next_owed,
		.settle = settle,
		.arg = fx,
	};
	struct err err = { 0 };

	*fx = (struct fixture){ .owed = owed };
	tls_stub_start(&fx->stub, mode);
	fx->loop = loop_new(&err);
	assert_non_null(fx->loop);
	fx->coord = coord_new(fx->loop, fx->stub.url, fx->stub.pin, &err);
	assert_non_null(fx->coord);
	options.loop = fx->loop;
	options.coord = fx->coord;
	fx->handback = handback_new(&options, &err);
	assert_non_null(fx->handback);
	handback_start(fx->handback, loop_now(fx->loop));
	/* asked for once more, sent once */
	handback_start(fx->handback, loop_now(fx->loop));
}

static void end(struct fixture *fx)
{
	handback_free(fx->handback);
	coord_free(fx->coord);
	loop_free(fx->loop);
	tls_stub_stop(&fx->stub);
}

static void run_until(
	struct fixture *fx, const unsigned int *count, unsigned int want)
{
	struct mono patience = mono_add(clock_now().mono, PATIENCE_NS);

	while (*count < want) {
		assert_true(mono_before(clock_now().mono, patience));
		assert_true(loop_step(fx->loop, NSEC_PER_SEC) >= 0);
	}
}

static void test_modes(void **state)
{
	static const struct {
		const char *mode;
		unsigned int owed, asked;
		int line;
	} rows[] = {
		{ "", 0, 0, __LINE__ }, { "", 1, 1, __LINE__ },
		{ "", 3, 3, __LINE__ },
		{ "firm", 2, 2, __LINE__ },  /* no is an answer */
		{ "flaky", 2, 4, __LINE__ }, /* two are lost */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture fx;

		begin(&fx, rows[i].mode, rows[i].owed);
		run_until(&fx, &fx.settled, rows[i].owed);
		ROW_INT(&rows[i], fx.asked, rows[i].asked);
		ROW_INT(&rows[i], fx.settled, rows[i].owed);
		end(&fx);
	}
}

/* Out of reach, it waits; and what is owed stays owed. */
static void test_deaf(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx, "deaf", 1);
	run_until(&fx, &fx.asked, 3);
	assert_int_equal(fx.settled, 0);
	end(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_deaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
