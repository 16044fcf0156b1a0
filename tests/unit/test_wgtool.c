/*
 * wgtool as people and scripts run it: keys through pipes. Its conversation
 * with daemons is compared with stock wg's in tests/e2e/20_wgtool_diff.sh.
 */
#include "config.h"
#include "rows.h"

#include "base/buf.h"
#include "base/key.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 4

struct outcome {
	int status;
	struct buf out, err;
};

static void outcome_release(struct outcome *outcome)
{
	buf_release(&outcome->out);
	buf_release(&outcome->err);
}
AUTO_DEFINE_VALUE(struct outcome, outcome_release)

static void read_file(int fd, struct buf *buf)
{
	char bytes[1024];
	ssize_t n;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		buf_add(buf, bytes, (size_t)n);
	assert_int_equal(n, 0);
}

/* A file that has no name, so no other test sees it. */
static int anonymous_file(const char *text)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static const char *program(void)
{
	static char path[4096];
	const char *dir = getenv("BUILDDIR");

	(void)snprintf(path, sizeof(path), "%s/bin/wgtool", dir ? dir : ".");
	return path;
}

/* OUT_FD -1: kept in the outcome. */
static struct outcome run(
	const char *const args[], const char *input, int out_fd)
{
	struct outcome outcome = { .out = BUF_INIT(65536),
		.err = BUF_INIT(65536) };
	int in = anonymous_file(input), err = anonymous_file("");
	int out = out_fd >= 0 ? dup(out_fd) : anonymous_file("");
	char name[] = "wgtool", words[ARGS_MAX][64];
	char *argv[ARGS_MAX + 2] = { name };
	pid_t pid;

	for (size_t i = 0; i < ARGS_MAX && args[i]; i++) {
		(void)snprintf(words[i], sizeof(words[i]), "%s", args[i]);
		argv[i + 1] = words[i];
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2)
			execv(program(), argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &outcome.status, 0), pid);
	assert_true(WIFEXITED(outcome.status));
	outcome.status = WEXITSTATUS(outcome.status);
	if (out_fd < 0)
		read_file(out, &outcome.out);
	read_file(err, &outcome.err);
	(void)close(in);
	(void)close(out);
	(void)close(err);
	return outcome;
}

#define RUN(input, ...)                                                        \
	run((const char *const[]){ __VA_ARGS__, NULL }, input, -1)

/* RFC 7748 s6.1, Alice and Bob, in base64; the zero key from wg(8). */
static void test_pubkey_vectors(void **state)
{
	static const struct {
		int line;
		const char *private, *public;
	} rows[] = {
		{ __LINE__, "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=",
			"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=" },
		{ __LINE__, "XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=",
			"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=" },
		{ __LINE__, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
			"L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(buf_release) struct buf want = BUF_INIT(256);
		AUTO(outcome_release)
		struct outcome bare = RUN(rows[i].private, "pubkey");
		AUTO(outcome_release) struct outcome blanks = { 0 };
		char text[64];

		(void)snprintf(text, sizeof(text), "%s \n\n", rows[i].private);
		blanks = RUN(text, "pubkey");
		buf_addf(&want, "%s\n", rows[i].public);
		ROW_STR(&rows[i], buf_str(&bare.out), buf_str(&want));
		ROW_STR(&rows[i], buf_str(&blanks.out), buf_str(&want));
		ROW_INT(&rows[i], bare.status | blanks.status, 0);
	}
}

static void test_pubkey_refuses(void **state)
{
#define KEY "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
	static const struct {
		int line;
		const char *input, *talk;
	} rows[] = {
		{ __LINE__, "", "Key is not the correct length or format" },
		{ __LINE__, "abc\n",
			"Key is not the correct length or format" },
		{ __LINE__, "!" KEY, "Trailing characters found after key" },
		{ __LINE__, KEY "x", "Trailing characters found after key" },
		{ __LINE__, KEY "\n\nx",
			"Trailing characters found after key" },
		{ __LINE__, "ewdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC=o",
			"Key is not the correct length or format" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(outcome_release)
		struct outcome got = RUN(rows[i].input, "pubkey");
		char want[128];

		(void)snprintf(
			want, sizeof(want), "wgtool: %s\n", rows[i].talk);
		ROW_INT(&rows[i], got.status, 1);
		ROW_STR(&rows[i], buf_str(&got.out), "");
		ROW_STR(&rows[i], buf_str(&got.err), want);
	}
}

static void test_genkey_to_pubkey(void **state)
{
	char last[KEY_BASE64_SIZE] = "";

	for (int i = 0; i < 20; i++) {
		AUTO(outcome_release) struct outcome key = RUN("", "genkey");
		AUTO(outcome_release) struct outcome public = { 0 };
		char text[KEY_BASE64_SIZE], want[KEY_BASE64_SIZE];
		struct seckey seckey;
		struct pubkey pubkey;

		assert_int_equal(key.status, 0);
		assert_int_equal(key.out.len, KEY_BASE64_SIZE);
		memcpy(text, key.out.data, sizeof(text));
		assert_int_equal(text[sizeof(text) - 1], '\n');
		text[sizeof(text) - 1] = '\0';
		assert_true(key_parse_base64(seckey.b, text));
		assert_int_equal(seckey.b[0] & 7, 0);
		assert_int_equal(seckey.b[31] & 0xc0, 0x40);
		assert_string_not_equal(text, last);
		memcpy(last, text, sizeof(last));
		public = RUN(buf_str(&key.out), "pubkey");
		pubkey = seckey_public(&seckey);
		assert_memory_equal(key_format_base64(pubkey.b, want),
			buf_str(&public.out), sizeof(want) - 1);
	}
}

static void test_genpsk(void **state)
{
	unsigned int seen = 0;

	/* Not clamped: over 64 of them a bit that genkey clears is set. */
	for (int i = 0; i < 64; i++) {
		AUTO(outcome_release) struct outcome got = RUN("", "genpsk");
		uint8_t key[KEY_SIZE];

		assert_int_equal(got.status, 0);
		assert_int_equal(got.out.len, KEY_BASE64_SIZE);
		got.out.data[KEY_BASE64_SIZE - 1] = '\0';
		assert_true(key_parse_base64(key, got.out.data));
		seen |= key[0] & 7;
	}
	assert_int_equal(seen, 7);
}

static void test_where_keys_go(void **state)
{
	static const char *const args[] = { "genkey", NULL };
	int file = anonymous_file(""), full = open("/dev/full", O_WRONLY);
	AUTO(outcome_release) struct outcome closed = run(args, "", file);
	AUTO(outcome_release) struct outcome open_to_all = { 0 };
	AUTO(outcome_release) struct outcome lost = { 0 };

	assert_string_equal(buf_str(&closed.err), "");
	assert_int_equal(fchmod(file, 0604), 0);
	open_to_all = run(args, "", file);
	assert_int_equal(open_to_all.status, 0);
	assert_non_null(strstr(buf_str(&open_to_all.err), "world accessible"));
	assert_true(full >= 0);
	lost = run(args, "", full);
	assert_int_equal(lost.status, 1);
	assert_string_equal(buf_str(&lost.err),
		"Unable to write: No space left on device\n");
	(void)close(file);
	(void)close(full);
}

static void test_words(void **state)
{
	static const struct {
		int line;
		const char *word;
		int status;
		const char *out, *err;
	} rows[] = {
		{ __LINE__, "--version", 0, "wgtool (", "" },
		{ __LINE__, "--help", 0, "Available subcommands:", "" },
		{ __LINE__, "frobnicate", 1, "",
			"Invalid subcommand: `frobnicate'" },
		{ __LINE__, "", 1, "", "Invalid subcommand: `'" },
		{ __LINE__, "set", 1, "", "Usage: wgtool set <interface>" },
		{ __LINE__, "showconf", 1, "", "Usage: wgtool showconf" },
		{ __LINE__, "syncconf", 1, "", "Usage: wgtool syncconf" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(outcome_release)
		struct outcome got = RUN("", rows[i].word);

		ROW_INT(&rows[i], got.status, rows[i].status);
		ROW_TRUE(&rows[i], strstr(buf_str(&got.out), rows[i].out));
		ROW_TRUE(&rows[i], strstr(buf_str(&got.err), rows[i].err));
		ROW_INT(&rows[i], rows[i].out[0] == 0, got.out.len == 0);
		ROW_INT(&rows[i], rows[i].err[0] == 0, got.err.len == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pubkey_vectors),
		cmocka_unit_test(test_pubkey_refuses),
		cmocka_unit_test(test_genkey_to_pubkey),
		cmocka_unit_test(test_genpsk),
		cmocka_unit_test(test_where_keys_go),
		cmocka_unit_test(test_words),
	};

	if (access(program(), X_OK) != 0)
		return skip_all("bin/wgtool is not built");
	return cmocka_run_group_tests_name("wgtool", tests, NULL, NULL);
}
