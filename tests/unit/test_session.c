/*
 * session: conversations with the UAPI socket: what is said, what is answered,
 * and what was applied (the handler here writes it down as a SET again).
 */
#include "config.h"
#include "rows.h"
#include "engine/uapi/session.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"

#define KEY_A "0011223344556677889900112233445566778899001122334455667788990011"
#define KEY_B "aa11223344556677889900112233445566778899001122334455667788990022"

struct fake {
	struct buf applied;
	int set_errno, get_errno;
	unsigned int refused;
	char last_refusal[ERR_MSG_MAX];
};

static int fake_set(
	void *arg, const struct wgconf_device *change, struct err *err)
{
	struct fake *fake = arg;

	if (fake->set_errno < 0)
		return err_set(err, fake->set_errno, "as the test wants");
	uapi_format_set(change, &fake->applied);
	buf_add_str(&fake->applied, ".\n");
	return 0;
}

static int fake_get(void *arg, struct wgconf_device **ret_dev)
{
	struct fake *fake = arg;
	struct wgconf_device *dev;

	if (fake->get_errno < 0)
		return fake->get_errno;
	dev = wgconf_device_new();
	assert_non_null(dev);
	dev->flags = WGDEV_HAS_LISTEN_PORT;
	dev->listen_port = 51820;
	*ret_dev = dev;
	return 0;
}

static void fake_refused(void *arg, const struct err *err)
{
	struct fake *fake = arg;

	fake->refused++;
	(void)str_copy(
		fake->last_refusal, sizeof(fake->last_refusal), err->msg);
}

static uint32_t fake_scope(const char *ifname)
{
	return strcmp(ifname, "eth0") == 0 ? 7 : 0;
}

#define OK   "errno=0\n\n"
#define EINV "errno=-22\n\n"
#define GOT  "listen_port=51820\n" OK

#define LINE64                                                                 \
	"x234567890123456789012345678901234567890123456789012345678901234"
#define LINE256 LINE64 LINE64 LINE64 LINE64
#define LINE257 LINE256 "5"

static const struct row {
	const char *said, *answer, *applied;
	bool open;
	int line;
} rows[] = {
#define ROW(said, answer, applied)                                             \
	{                                                                      \
		(said), (answer), (applied), true, __LINE__                    \
	}
	ROW("get=1\n\n", GOT, ""),
	ROW("set=1\n\n", OK, "set=1\n.\n"),
	ROW("set=1\nlisten_port=7\n\n", OK, "set=1\nlisten_port=7\n.\n"),
	/* several requests on one connection, of both kinds */
	ROW("get=1\n\nset=1\nfwmark=9\n\nget=1\n\n", GOT OK GOT,
		"set=1\nfwmark=9\n.\n"),
	/* whole peers, in their order */
	ROW("set=1\nprivate_key=" KEY_A
	    "\nreplace_peers=true\npublic_key=" KEY_B
	    "\nreplace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n"
	    "allowed_ip=fd00::/8\npublic_key=" KEY_A "\nremove=true\n\n",
		OK,
		"set=1\nprivate_key=" KEY_A
		"\nreplace_peers=true\npublic_key=" KEY_B
		"\nreplace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n"
		"allowed_ip=fd00::/8\npublic_key=" KEY_A "\nremove=true\n.\n"),
	/* wg(8) names the interface of a link-local endpoint */
	ROW("set=1\npublic_key=" KEY_A "\nendpoint=[fe80::1%eth0]:9\n\n", OK,
		"set=1\npublic_key=" KEY_A "\nendpoint=[fe80::1%7]:9\n.\n"),
	ROW("set=1\npublic_key=" KEY_A "\nendpoint=[fe80::1%eth9]:9\n\n", EINV,
		""),
	/* a bad line: nothing of the request is applied, and we stay in step */
	ROW("set=1\nlisten_port=7\nnonsense=1\n\nget=1\n\n", EINV GOT, ""),
	ROW("set=1\nlisten_port=65536\nprivate_key=" KEY_A "\n\n", EINV, ""),
	ROW("set=1\nlisten_port\n\n", "errno=-71\n\n", ""),
	ROW("set=1\nlisten_port=7\n\nset=1\nx=y\n\nset=1\nlisten_port=8\n\n",
		OK EINV OK,
		"set=1\nlisten_port=7\n.\nset=1\nlisten_port=8\n.\n"),
	/* get takes nothing; there are no other requests */
	ROW("get=1\nlisten_port=1\n\nget=1\n\n", EINV GOT, ""),
	ROW("get=2\n\n", EINV, ""),
	ROW("get=1\r\n\r\n\n", EINV, ""),
	ROW("hello\nprivate_key=" KEY_A "\n\nget=1\n\n", EINV GOT, ""),
	ROW("\n", EINV, ""),
	ROW("\n\nget=1\n\n", EINV EINV GOT, ""),
	/* not finished: not answered */
	ROW("get=1\n", "", ""),
	ROW("get=1", "", ""),
	ROW("set=1\nlisten_port=7\n", "", ""),
	/* a line longer than any can be: we give up on this client */
	{ "set=1\n" LINE257, EINV, "", false, __LINE__ },
	{ "get=1\n\n" LINE257, GOT EINV, "", false, __LINE__ },
	{ "set=1\n" LINE257 "\n\nget=1\n\n", EINV, "", false, __LINE__ },
	ROW("set=1\n" LINE256 "\n\nget=1\n\n", "errno=-71\n\n" GOT, ""),
};

struct talk {
	struct fake fake;
	struct uapi_handler handler;
	struct uapi_session session;
	bool open;
};

static void talk_begin(struct talk *t)
{
	*t = (struct talk){
		.fake.applied = BUF_INIT(65536),
		.handler = { .set = fake_set,
			.get = fake_get,
			.on_refused = fake_refused,
			.scope_index = fake_scope },
		.open = true,
	};
	t->handler.arg = &t->fake;
	uapi_session_init(&t->session, &t->handler);
}

static void talk_end(struct talk *t)
{
	uapi_session_release(&t->session);
	buf_release(&t->fake.applied);
}

/* In pieces of at most STEP bytes. */
static void talk_say(struct talk *t, const char *said, size_t step)
{
	size_t len = strlen(said);

	for (size_t at = 0; at < len && t->open; at += step)
		t->open = uapi_session_feed(&t->session, said + at,
			len - at < step ? len - at : step);
}

static void check_rows(size_t step)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct talk t;

		talk_begin(&t);
		talk_say(&t, rows[i].said, step);
		ROW_STR(&rows[i], buf_str(&t.session.out), rows[i].answer);
		ROW_STR(&rows[i], buf_str(&t.fake.applied), rows[i].applied);
		ROW_INT(&rows[i], t.open, rows[i].open);
		talk_end(&t);
	}
}

static void test_rows(void **state)
{
	check_rows(SIZE_MAX);
}

/* However the bytes arrive, the conversation is the same. */
static void test_pieces(void **state)
{
	struct random random = random_start();

	check_rows(1);
	for (int i = 0; i < 50; i++)
		check_rows(1 + random_below(&random, 100));
}

static void test_errors_of_the_engine(void **state)
{
	struct talk t;

	talk_begin(&t);
	t.fake.set_errno = -EADDRINUSE;
	t.fake.get_errno = -ENOMEM;
	talk_say(&t, "set=1\nlisten_port=7\n\nget=1\n\n", SIZE_MAX);
	assert_string_equal(
		buf_str(&t.session.out), "errno=-98\n\nerrno=-12\n\n");
	assert_int_equal(t.fake.refused, 1);
	assert_string_equal(t.fake.last_refusal, "as the test wants");
	talk_end(&t);
}

/* A client that asks and does not read makes us hold little; nothing that it
 * asked is lost. */
static void test_answers_wait(void **state)
{
	enum { ASKED = 3000 };
	AUTO(buf_release) struct buf asked = BUF_INIT(UAPI_INPUT_MAX);
	size_t answers = 0, rounds = 0;
	struct talk t;

	talk_begin(&t);
	for (size_t i = 0; i < ASKED; i++)
		buf_add_str(&asked, "get=1\n\n");
	assert_true(asked.len <= UAPI_INPUT_MAX / 2);
	assert_true(uapi_session_feed(&t.session, asked.data, asked.len));
	while (t.session.out.len > 0) {
		const char *at = buf_str(&t.session.out);

		assert_true(t.session.out.len < UAPI_ANSWERS_WAITING + 256);
		for (; (at = strstr(at, "errno=0\n\n")); at++)
			answers++;
		rounds++;
		buf_clear(&t.session.out);
		assert_true(uapi_session_feed(&t.session, "", 0));
	}
	assert_int_equal(answers, ASKED);
	assert_true(rounds > 1);
	assert_int_equal(t.session.in.len, 0);
	talk_end(&t);
}

/* What is told of a refused line never holds a key. */
static void test_refusal_keeps_keys(void **state)
{
	static const char *const said[] = {
		"set=1\nprivate_key=" KEY_A "0\n\n",
		"set=1\nprivate_key=" KEY_A " \n\n",
		"set=1\npublic_key=" KEY_B "\npreshared_key=" KEY_A "ff\n\n",
		"set=1\nprivate_kez=" KEY_A "\n\n",
		"private_key=" KEY_A "\n\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		struct talk t;

		talk_begin(&t);
		talk_say(&t, said[i], SIZE_MAX);
		assert_int_equal(t.fake.refused, 1);
		assert_null(strstr(t.fake.last_refusal, "00112233"));
		talk_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_errors_of_the_engine),
		cmocka_unit_test(test_answers_wait),
		cmocka_unit_test(test_refusal_keeps_keys),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
