/* meshctl's command line and environment, row by row. */
#include "config.h"

#include "meshd/ctl/conf.h"
#include "meshd/ctl/ctl.h"
#include "os/atomicfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define WORDS_MAX 10

static void forget_options(void)
{
	struct args_list tags = { .items = ctl_options.tag_items,
		.max = RECORD_TAGS_MAX };

	memset(&ctl_options, 0, sizeof(ctl_options));
	ctl_options.tags = tags;
}

static int parse(const char *const *words, struct args *ret_args,
	struct err *err, char **argv)
{
	int argc = 0;

	argv[argc++] = (char *)(uintptr_t) "meshctl";
	for (; *words; words++)
		argv[argc++] = (char *)(uintptr_t)*words;
	argv[argc] = NULL;
	forget_options();
	return args_parse(&ctl_program, argc, argv, ret_args, err);
}

/* Prints which rows of a table are wrong, then fails once. */
static int wrong;
#define ROW(ok, line, ...)                                                     \
	do {                                                                   \
		if (!(ok)) {                                                   \
			print_error("row at line %d: ", line);                 \
			print_error(__VA_ARGS__);                              \
			print_error("\n");                                     \
			wrong++;                                               \
		}                                                              \
	} while (0)

static const struct {
	const char *words[WORDS_MAX];
	const char *command; /* NULL: refused, saying QUOTE */
	const char *quote;
	const char *operands[2];
	int line;
} lines[] = {
#define OK(command, a, b, ...)                                                 \
	{                                                                      \
		{ __VA_ARGS__ }, (command), NULL, { (a), (b) }, __LINE__       \
	}
#define BAD(quote, ...)                                                        \
	{                                                                      \
		{ __VA_ARGS__ }, NULL, (quote), { NULL, NULL }, __LINE__       \
	}
	OK("init", NULL, NULL, "init"),
	OK("init", NULL, NULL, "init", "--name", "home"),
	OK("init", NULL, NULL, "--json", "init", "--name=home"),
	OK("init", NULL, NULL, "--dir", "/x", "init", "--ipv4", "10.0.0.0/16"),
	OK("token create", NULL, NULL, "token", "create", "--tag", "a", "--tag",
		"b"),
	OK("token create", NULL, NULL, "token", "--socket", "/s", "create"),
	OK("token create", NULL, NULL, "token", "create", "--api", "--scope",
		"nodes:read,nodes:write"),
	OK("token revoke", "0123", NULL, "token", "revoke", "0123"),
	OK("node show", "a", NULL, "node", "show", "a", "-j"),
	OK("node rename", "a", "b", "node", "rename", "a", "--json", "b"),
	OK("node remove", "a", NULL, "node", "remove", "--no-wait", "a"),
	OK("node remove", "-a", NULL, "node", "remove", "--", "-a"),
	OK("status", NULL, NULL, "status", "--check"),
	BAD("command", NULL),
	BAD("frobnicate", "frobnicate"),
	BAD("token", "token"),
	BAD("token creat", "token", "creat"),
	BAD("init", "init", "init"),
	BAD("--frob", "init", "--frob"),
	BAD("--frob", "init", "--frob=1"),
	BAD("--name", "init", "--name"),
	BAD("--json", "init", "--json=yes"),
	BAD("--name", "status", "--name", "x"),
	BAD("--check", "node", "list", "--check"),
	BAD("--scope", "node", "list", "--scope", "admin"),
	BAD("NODE", "node", "show"),
	BAD("NODE NAME", "node", "rename", "a"),
	BAD("three", "node", "rename", "a", "b", "three"),
	BAD("-x", "node", "list", "-x"),
	BAD("extra", "status", "extra"),
};

static void test_lines(void **state)
{
	wrong = 0;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char *argv[WORDS_MAX + 2];
		struct args args = { 0 };
		struct err err = { 0 };
		int r = parse(lines[i].words, &args, &err, argv);

		if (!lines[i].command) {
			ROW(r == -EINVAL && strstr(err.msg, lines[i].quote),
				lines[i].line, "%d %s", r, err.msg);
			continue;
		}
		ROW(r == 0 &&
				strcmp(args.command->words, lines[i].command) ==
					0,
			lines[i].line, "%d %s", r, err.msg);
		for (size_t k = 0; r == 0 && k < 2; k++) {
			const char *want = lines[i].operands[k];

			ROW(want ? k < args.count &&
						strcmp(want,
							args.operands[k]) == 0
				 : k >= args.count,
				lines[i].line, "operand %zu", k);
		}
	}
	assert_int_equal(wrong, 0);
}

static void test_tags_gather(void **state)
{
	const char *const words[] = { "token", "create", "--tag", "a",
		"--tag=b", NULL };
	char *argv[WORDS_MAX + 2];
	struct args args;

	assert_int_equal(parse(words, &args, NULL, argv), 0);
	assert_int_equal(ctl_options.tags.count, 2);
	assert_string_equal(ctl_options.tags.items[0], "a");
	assert_string_equal(ctl_options.tags.items[1], "b");
}

static void test_too_many_tags(void **state)
{
	char *argv[2 * RECORD_TAGS_MAX + 6];
	struct args args;
	struct err err = { 0 };
	int argc = 0;

	argv[argc++] = (char *)(uintptr_t) "meshctl";
	argv[argc++] = (char *)(uintptr_t) "token";
	argv[argc++] = (char *)(uintptr_t) "create";
	for (size_t i = 0; i <= RECORD_TAGS_MAX; i++)
		argv[argc++] = (char *)(uintptr_t) "--tag=x";
	argv[argc] = NULL;
	forget_options();
	assert_int_equal(
		args_parse(&ctl_program, argc, argv, &args, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "--tag"));
}

/* Every command explains itself, with its own options and no other's. */
static void test_help(void **state)
{
	for (size_t i = 0; i < ctl_program.command_count; i++) {
		const struct args_command *command = &ctl_program.commands[i];
		AUTO(buf_release) struct buf out = BUF_INIT(65536);
		bool is_init = strcmp(command->words, "init") == 0;

		args_help(&ctl_program, command, &out);
		assert_non_null(strstr(buf_str(&out), command->words));
		assert_non_null(strstr(buf_str(&out), command->help));
		assert_non_null(strstr(buf_str(&out), "--json"));
		assert_int_equal(
			strstr(buf_str(&out), "--ipv4") != NULL, is_init);
	}
}

/* ---- where things are ---- */

static const char *const *environment;
static char *lookup(const char *name)
{
	for (const char *const *env = environment; *env; env++) {
		size_t len = strlen(name);

		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return (char *)(uintptr_t)(*env + len + 1);
	}
	return NULL;
}

#define PIN "4f3c2b1a4f3c2b1a4f3c2b1a4f3c2b1a4f3c2b1a4f3c2b1a4f3c2b1a4f3c2b1a"
static char token_path[] = "/tmp/test_ctl_words.XXXXXX";

static const struct {
	const char *env[5];
	struct options options;
	bool is_root;
	const char *dir, *socket, *url; /* wanted; all NULL: refused */
	const char *quote;		/* what the refusal says */
	int line;
} places[] = {
#define E(...)                                                                 \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}
#define GIVEN(...)                                                             \
	{                                                                      \
		__VA_ARGS__                                                    \
	}
	{ E("HOME=/h"), GIVEN(.json = 0), true, "/etc/meshctl", CONF_SOCKET,
		NULL, NULL, __LINE__ },
	{ E("HOME=/h"), GIVEN(.json = 0), false, "/h/.config/meshctl",
		CONF_SOCKET, NULL, NULL, __LINE__ },
	{ E("HOME=/h", "XDG_CONFIG_HOME=/c"), GIVEN(.json = 0), false,
		"/c/meshctl", CONF_SOCKET, NULL, NULL, __LINE__ },
	{ E("HOME=/h", "XDG_CONFIG_HOME="), GIVEN(.json = 0), false,
		"/h/.config/meshctl", CONF_SOCKET, NULL, NULL, __LINE__ },
	{ E("HOME=/h", "MESHCTL_DIR=/m"), GIVEN(.json = 0), true, "/m",
		CONF_SOCKET, NULL, NULL, __LINE__ },
	{ E("MESHCTL_DIR=/m"), GIVEN(.dir = "/d"), true, "/d", CONF_SOCKET,
		NULL, NULL, __LINE__ },
	{ E("X=1"), GIVEN(.json = 0), false, NULL, NULL, NULL, "--dir",
		__LINE__ },
	{ E("X=1"), GIVEN(.dir = ""), true, NULL, NULL, NULL, "--dir",
		__LINE__ },
	{ E("MESHCTL_SOCKET=/e"), GIVEN(.json = 0), true, "/etc/meshctl", "/e",
		NULL, NULL, __LINE__ },
	{ E("MESHCTL_SOCKET=/e"), GIVEN(.socket = "/o"), true, "/etc/meshctl",
		"/o", NULL, NULL, __LINE__ },
	{ E("MESHCTL_URL=https://u", "MESHCTL_TOKEN_FILE=/none"),
		GIVEN(.socket = "/o"), true, "/etc/meshctl", "/o", NULL, NULL,
		__LINE__ },
	{ E("X=1"), GIVEN(.url = "https://u"), true, NULL, NULL, NULL,
		"--token-file", __LINE__ },
	{ E("X=1"), GIVEN(.pin = PIN), true, NULL, NULL, NULL, "--url",
		__LINE__ },
	{ E("X=1"), GIVEN(.socket = "/s", .url = "https://u"), true, NULL, NULL,
		NULL, "--socket", __LINE__ },
	{ E("X=1"), GIVEN(.url = "https://u", .token_file = token_path), true,
		"/etc/meshctl", NULL, "https://u", NULL, __LINE__ },
	{ E("X=1"),
		GIVEN(.url = "https://u", .token_file = token_path, .pin = PIN),
		true, "/etc/meshctl", NULL, "https://u", NULL, __LINE__ },
	{ E("X=1"),
		GIVEN(.url = "https://u", .token_file = token_path,
			.pin = "sha256//nonsense"),
		true, NULL, NULL, NULL, "nonsense", __LINE__ },
	{ E("X=1"), GIVEN(.url = "https://u", .token_file = "/dev/null"), true,
		NULL, NULL, NULL, "/dev/null", __LINE__ },
	{ E("X=1"), GIVEN(.url = "https://u", .token_file = "/none/such"), true,
		NULL, NULL, NULL, "/none/such", __LINE__ },
};

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void test_places(void **state)
{
	wrong = 0;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct conf conf;
		struct err err = { 0 };
		int r;

		environment = places[i].env;
		r = conf_resolve(&places[i].options, lookup, places[i].is_root,
			&conf, &err);
		if (places[i].quote) {
			ROW(r < 0 && r != -ENOENT && r != -EEXIST &&
					strstr(err.msg, places[i].quote),
				places[i].line, "%d %s", r, err.msg);
			continue;
		}
		ROW(r == 0 && same(conf.dir, places[i].dir) &&
				same(conf.client.socket, places[i].socket) &&
				same(conf.client.url, places[i].url),
			places[i].line, "%d %s", r, err.msg);
	}
	assert_int_equal(wrong, 0);
}

static void test_colors(void **state)
{
	static const struct {
		const char *env[3];
		bool is_terminal, want;
		int line;
	} rows[] = {
		{ E("X=1"), true, true, __LINE__ },
		{ E("X=1"), false, false, __LINE__ },
		{ E("NO_COLOR=1"), true, false, __LINE__ },
		{ E("NO_COLOR="), true, true, __LINE__ },
		{ E("NO_COLOR=1", "WG_COLOR_MODE=always"), true, false,
			__LINE__ },
		{ E("WG_COLOR_MODE=always"), false, true, __LINE__ },
		{ E("WG_COLOR_MODE=never"), true, false, __LINE__ },
		{ E("WG_COLOR_MODE=auto"), false, false, __LINE__ },
		{ E("TERM=dumb"), true, false, __LINE__ },
	};

	wrong = 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		environment = rows[i].env;
		ROW(conf_color(lookup, rows[i].is_terminal) == rows[i].want,
			rows[i].line, "colour");
	}
	assert_int_equal(wrong, 0);
}

static void test_pins(void **state)
{
	uint8_t pin[TOKEN_PIN_SIZE], again[TOKEN_PIN_SIZE];
	char text[PIN_TEXT_SIZE];

	assert_true(pin_parse(PIN, pin));
	assert_int_equal(pin[0], 0x4f);
	assert_true(pin_parse(pin_format(pin, text), again));
	assert_memory_equal(pin, again, sizeof(pin));
	assert_false(pin_parse("", pin));
	assert_false(pin_parse("sha256//", pin));
	assert_false(pin_parse(PIN "00", pin));
}

static int set_up(void **state)
{
	struct bearer bearer;
	char text[BEARER_TEXT_SIZE + 1];
	int fd = mkstemp(token_path);
	size_t len;

	if (sodium_init() < 0 || fd < 0)
		return -1;
	bearer_generate("api", &bearer);
	(void)bearer_format(&bearer, text);
	len = strlen(text);
	text[len++] = '\n';
	if (write(fd, text, len) != (ssize_t)len)
		return -1;
	return close(fd);
}

static int tear_down(void **state)
{
	return unlink(token_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_tags_gather),
		cmocka_unit_test(test_too_many_tags),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_colors),
		cmocka_unit_test(test_pins),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
