/* args: what a command line means, by table: each row tells the command and
 * every value it leads to, or the error. */
#include "config.h"
#include "rows.h"
#include "os/args.h"

#include <errno.h>
#include <string.h>

static bool verbose, force;
static const char *sock, *uses, *tag_items[2];
static struct args_list tags = { tag_items, 0, ARRAY_SIZE(tag_items) };
static int ran;

static int run(void *ctx, char **operands, size_t count)
{
	ran++;
	return 40 + (int)count;
}

static const struct args_option options[] = {
	ARGS_FLAG("verbose", 'v', "say more", &verbose),
	ARGS_TEXT("socket", 's', "PATH", "where meshd listens", &sock),
	ARGS_TEXT("uses", 0, "N", "how often it may be used", &uses),
	ARGS_FLAG("force", 'f', "whatever happens", &force),
	ARGS_LIST("tag", 't', "TAG", "what it is; may be repeated", &tags),
};
static const struct args_command commands[] = {
	{ "token", NULL, 0, 0, NULL, "list tokens", run },
	{ "token add", "NAME [FILE]", 1, 2, "uses tag", "make a token", run },
	{ "node remove", "NAME", 1, 1, "force", "remove a node", run },
	{ "status", NULL, 0, 0, NULL, "tell how things are", run },
};
static const struct args_program program = { "prog", "Does things.", "9.9",
	options, ARRAY_SIZE(options), commands, ARRAY_SIZE(commands) };
/* the same without words */
static const struct args_command lone[] = {
	{ "", "IFACE", 0, 1, NULL, "Runs.", run },
};
static const struct args_program daemon_program = { "progd", "Runs.", "9.9",
	options, ARRAY_SIZE(options), lone, ARRAY_SIZE(lone) };

/* "command|operands|socket|uses|flags", or "!error". */
static void describe(const struct args_program *prog, const char *line,
	char *ret, size_t size)
{
	char words[256], *argv[32] = { words }, *save = NULL;
	struct args args;
	struct err err = { 0 };
	char operands[128] = "";
	int argc = 1;

	(void)snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok_r(words, " ", &save); w;
		w = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(w, "''") == 0 ? w + 2 : w;
	argv[argc] = NULL;
	verbose = force = false;
	tags.count = 0;
	sock = uses = "-";
	if (args_parse(prog, argc, argv, &args, &err) < 0) {
		(void)snprintf(ret, size, "!%s", err.msg);
		return;
	}
	for (size_t i = 0; i < args.count; i++)
		(void)snprintf(operands + strlen(operands),
			sizeof(operands) - strlen(operands), "%s%s",
			i ? "," : "", args.operands[i]);
	assert_null(args.operands[args.count]);
	for (size_t i = 0; i < tags.count; i++)
		(void)snprintf(operands + strlen(operands),
			sizeof(operands) - strlen(operands), "+%s",
			tags.items[i]);
	(void)snprintf(ret, size, "%s|%s|%s|%s|%s%s%s%s",
		args.command ? args.command->words : "(none)", operands, sock,
		uses, verbose ? "v" : "", force ? "f" : "",
		args.help ? "h" : "", args.version ? "V" : "");
}

static const struct {
	const char *words, *want;
	int line;
	const struct args_program *program;
} rows[] = {
#define P(l, w)                                                                \
	{                                                                      \
		(l), (w), __LINE__, &program                                   \
	}
#define D(l, w)                                                                \
	{                                                                      \
		(l), (w), __LINE__, &daemon_program                            \
	}
	P("status", "status||-|-|"),
	P("status -v", "status||-|-|v"),
	P("-v status", "status||-|-|v"),
	P("token", "token||-|-|"),
	P("token add a", "token add|a|-|-|"),
	P("token add a b", "token add|a,b|-|-|"),
	P("token --uses 3 add a --socket=/s", "token add|a|/s|3|"),
	P("--uses 3 -s/s token add a", "token add|a|/s|3|"),
	P("-s /s status", "status||/s|-|"),
	P("-vs /s status", "status||/s|-|v"),
	P("-vs/s status", "status||/s|-|v"),
	P("token add a --tag x -ty", "token add|a+x+y|-|-|"),
	P("--tag x token add a", "token add|a+x|-|-|"),
	P("token add a -tx -ty -tz", "!option \"--tag\" more than 2 times"),
	P("status --tag x", "!option \"--tag\" does not go with \"status\""),
	P("--socket= status", "status|||-|"),
	P("--socket '' status", "status|||-|"),
	P("-s a -s b status", "status||b|-|"),
	P("node -f remove x", "node remove|x|-|-|f"),
	P("token add -- -v", "token add|-v|-|-|"),
	P("token add -", "token add|-|-|-|"),
	P("token add ''", "token add||-|-|"),
	P("--socket --verbose status", "status||--verbose|-|"),
	P("--help", "(none)||-|-|h"),
	P("-h", "(none)||-|-|h"),
	P("token add --help", "token add||-|-|h"),
	P("nonsense --help", "(none)|nonsense|-|-|h"),
	P("--version", "(none)||-|-|V"),
	P("token add --version", "(none)|token,add|-|-|V"),
	P("", "!a command is missing"),
	P("-v", "!a command is missing"),
	P("staus", "!unknown command \"staus\""),
	P("STATUS", "!unknown command \"STATUS\""),
	P("stat", "!unknown command \"stat\""),
	P("''", "!unknown command \"\""),
	P("node", "!\"node\" is not a whole command"),
	P("node delete", "!unknown command \"node delete\""),
	P("token ad x", "!\"ad\" is one word too many"),
	P("status x", "!\"x\" is one word too many"),
	P("token add a b c", "!\"c\" is one word too many"),
	P("token add", "!\"token add\" needs: NAME [FILE]"),
	P("node remove", "!\"node remove\" needs: NAME"),
	P("--nope status", "!unknown option \"--nope\""),
	P("--nope=secret status", "!unknown option \"--nope\""),
	P("--verb status", "!unknown option \"--verb\""),
	P("--help=x", "!unknown option \"--help\""),
	P("---v status", "!unknown option \"---v\""),
	P("-x status", "!unknown option \"-x\""),
	P("-vx status", "!unknown option \"-x\" in \"-vx\""),
	P("--verbose=1 status", "!option \"--verbose\" takes no value"),
	P("status --socket", "!option \"--socket\" needs a value: PATH"),
	P("status -s", "!option \"-s\" needs a value: PATH"),
	P("status --uses 3", "!option \"--uses\" does not go with \"status\""),
	P("token -f", "!option \"--force\" does not go with \"token\""),
	D("", "||-|-|"),
	D("-vf", "||-|-|vf"),
	D("wg0 -v", "|wg0|-|-|v"),
	D("wg0 wg1", "!\"wg1\" is one word too many"),
	D("--help", "||-|-|h"),
};

static void test_lines(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char said[512];

		describe(rows[i].program, rows[i].words, said, sizeof(said));
		ROW_STR(&rows[i], said, rows[i].want);
	}
}

static void test_help(void **state)
{
	AUTO(buf_release) struct buf all = BUF_INIT(10000);
	AUTO(buf_release) struct buf one = BUF_INIT(10000);
	AUTO(buf_release) struct buf lonely = BUF_INIT(10000);

	args_help(&program, NULL, &all);
	assert_string_equal(buf_str(&all),
		"Usage: prog COMMAND [OPTION]...\n"
		"Does things.\n"
		"\n"
		"Commands:\n"
		"  token                     list tokens\n"
		"  token add NAME [FILE]     make a token\n"
		"  node remove NAME          remove a node\n"
		"  status                    tell how things are\n"
		"\n"
		"Options:\n"
		"  -v, --verbose             say more\n"
		"  -s, --socket PATH         where meshd listens\n"
		"  -h, --help                print this and exit\n"
		"      --version             print the version and exit\n"
		"\n"
		"\"prog COMMAND --help\" tells more of a command.\n");
	args_help(&program, &commands[1], &one);
	assert_string_equal(buf_str(&one),
		"Usage: prog token add [OPTION]... NAME [FILE]\n"
		"make a token\n"
		"\n"
		"Options:\n"
		"  -v, --verbose             say more\n"
		"  -s, --socket PATH         where meshd listens\n"
		"      --uses N              how often it may be used\n"
		"  -t, --tag TAG             what it is; may be repeated\n"
		"  -h, --help                print this and exit\n"
		"      --version             print the version and exit\n");
	args_help(&daemon_program, NULL, &lonely);
	assert_ptr_equal(strstr(buf_str(&lonely),
				 "Usage: progd [OPTION]... IFACE\nRuns.\n"),
		buf_str(&lonely));
	assert_non_null(strstr(buf_str(&lonely), "--force"));
}

static void test_main_runs(void **state)
{
	char words[] = "prog\0token\0add\0x\0y";
	char *argv[] = { words, words + 5, words + 11, words + 15, words + 17,
		NULL };

	ran = 0;
	assert_int_equal(args_main(&program, 5, argv, NULL), 42);
	assert_int_equal(ran, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_main_runs),
	};

	return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
