/* agent.conf, line by line and there and back. */
#include "config.h"
#include "agent/conf.h"
#include "rows.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

static struct agent_conf some_conf(void)
{
	struct agent_conf conf = { .url = "https://[fd99::1]:7443",
		.name = "node-a" };

	memset(conf.operator_key.b, 1, KEY_SIZE);
	memset(conf.pin, 2, sizeof(conf.pin));
	return conf;
}

#define OP  "operator-key = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
#define PIN "coordinator-pin = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
#define URL "coordinator = https://h:1\n"

static void test_conf_lines(void **state)
{
	static const struct {
		const char *text;
		unsigned int at; /* 0: it is fine */
		const char *says;
		int line;
	} rows[] = {
		{ OP PIN URL "name = a\n", 0, NULL, __LINE__ },
		{ "# c\n\n\t" OP PIN URL " name=a \r\nlisten-port = 0", 0, NULL,
			__LINE__ },
		{ OP PIN URL, 0, "name is missing", __LINE__ },
		{ "", 0, "operator-key is missing", __LINE__ },
		{ OP PIN URL "name = a\nname = b\n", 5, "twice", __LINE__ },
		{ OP "colour = red\n", 2, "`colour'", __LINE__ },
		{ OP "coordinator\n", 2, "`coordinator'", __LINE__ },
		{ "coordinator = http://h\n", 1, "`http://h'", __LINE__ },
		{ "name = Not A Name\n", 1, "`Not A Name'", __LINE__ },
		{ "listen-port = 65536\n", 1, "`65536'", __LINE__ },
		{ "listen-port = -1\n", 1, "`-1'", __LINE__ },
		{ "coordinator-pin = AA==\n", 1, "`AA=='", __LINE__ },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct agent_conf conf;
		struct err err = { 0 };
		int r = agent_conf_parse(rows[i].text, &conf, &err);

		ROW_INT(&rows[i], r, rows[i].says ? -EBADMSG : 0);
		ROW_INT(&rows[i], err.line, rows[i].at);
		if (rows[i].says)
			ROW_TRUE(&rows[i],
				strstr(err.msg, rows[i].says) != NULL);
	}
}

static void test_conf_round_trip(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(4096);
	struct agent_conf conf = some_conf(), read;
	struct err err = { 0 };

	(void)state;
	conf.listen_port = 4711;
	agent_conf_format(&conf, &text);
	assert_int_equal(agent_conf_parse(buf_str(&text), &read, &err), 0);
	assert_string_equal(read.url, conf.url);
	assert_string_equal(read.name, conf.name);
	assert_int_equal(read.listen_port, 4711);
	assert_memory_equal(read.pin, conf.pin, sizeof(conf.pin));
	assert_memory_equal(read.operator_key.b, conf.operator_key.b, KEY_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf_lines),
		cmocka_unit_test(test_conf_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
