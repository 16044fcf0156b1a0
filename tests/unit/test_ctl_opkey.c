/* operator.key: made once, private, never overwritten. */
#include "config.h"

#include "meshd/ctl/opkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

static char top[64];
static char dir[128]; /* TOP/a/b: not there yet */
static char file[OPKEY_PATH_MAX];

static int set_up(void **state)
{
	(void)snprintf(top, sizeof(top), "/tmp/test_ctl_opkey.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	(void)snprintf(dir, sizeof(dir), "%s/a/b", top);
	return opkey_path(dir, file) ? 0 : -1;
}

static int tear_down(void **state)
{
	char parent[80];

	(void)snprintf(parent, sizeof(parent), "%s/a", top);
	(void)unlink(file);
	(void)rmdir(dir);
	(void)rmdir(parent);
	return rmdir(top); /* fails if anything else was left behind */
}

static void put_file(const char *text, mode_t mode)
{
	int fd;

	(void)unlink(file);
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static void make_dirs(void)
{
	AUTO(opkey_free) struct opkey *key = NULL;
	bool made;

	assert_int_equal(opkey_ensure(dir, &key, &made, NULL), 0);
}

static void test_made_once(void **state)
{
	AUTO(opkey_free) struct opkey *first = NULL;
	AUTO(opkey_free) struct opkey *second = NULL;
	AUTO(opkey_free) struct opkey *loaded = NULL;
	struct signpub a, b;
	struct stat st;
	bool made;
	mode_t old = umask(0);

	assert_int_equal(opkey_load(dir, &first, NULL), -ENOKEY);
	assert_int_equal(opkey_ensure(dir, &first, &made, NULL), 0);
	(void)umask(old);
	assert_true(made);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(opkey_ensure(dir, &second, &made, NULL), 0);
	assert_false(made);
	assert_int_equal(opkey_load(dir, &loaded, NULL), 0);
	a = opkey_public(first);
	b = opkey_public(second);
	assert_memory_equal(&a, &b, sizeof(a));
	b = opkey_public(loaded);
	assert_memory_equal(&a, &b, sizeof(a));
}

static void test_modes(void **state)
{
	static const struct {
		mode_t mode;
		int want;
	} rows[] = { { 0600, 0 }, { 0400, 0 }, { 0640, -EPERM },
		{ 0604, -EPERM }, { 0620, -EPERM }, { 0602, -EPERM },
		{ 0610, -EPERM }, { 0644, -EPERM }, { 0666, -EPERM },
		{ 0700, 0 } };

	make_dirs();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(opkey_free) struct opkey *key = NULL;
		struct err err = { 0 };
		bool made;

		assert_int_equal(chmod(file, rows[i].mode), 0);
		if (opkey_load(dir, &key, &err) != rows[i].want)
			fail_msg("mode %04o: %s", (unsigned int)rows[i].mode,
				err.msg);
		if (rows[i].want == 0)
			continue;
		assert_non_null(strstr(err.msg, "chmod 600"));
		assert_non_null(strstr(err.msg, file));
		/* and a key that cannot be used is not replaced either */
		assert_int_equal(opkey_ensure(dir, &key, &made, NULL), -EPERM);
	}
}

#define SEED "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = { { SEED "\n", 0 }, { SEED, 0 }, { SEED "\n\n", -EBADMSG },
		{ SEED "\nx", -EBADMSG }, { " " SEED "\n", -EBADMSG },
		{ "", -EBADMSG }, { "\n", -EBADMSG },
		{ "nonsense\n", -EBADMSG },
		{ SEED SEED SEED SEED SEED "\n", -EBADMSG } };

	make_dirs();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(opkey_free) struct opkey *key = NULL;
		struct err err = { 0 };

		put_file(rows[i].text, 0600);
		if (opkey_load(dir, &key, &err) != rows[i].want)
			fail_msg("row %zu: %s", i, err.msg);
		if (rows[i].want < 0)
			assert_null(strstr(err.msg, "AAECAwQF"));
	}
}

static void test_not_a_file(void **state)
{
	AUTO(opkey_free) struct opkey *key = NULL;
	bool made;

	make_dirs();
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkfifo(file, 0600), 0); /* must not block */
	assert_int_equal(opkey_load(dir, &key, NULL), -EPERM);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	assert_int_equal(opkey_load(dir, &key, NULL), -EPERM);
	assert_int_equal(opkey_ensure(dir, &key, &made, NULL), -EPERM);
	assert_int_equal(rmdir(file), 0);
}

/* RFC 8032 7.1 TEST 1: the public key of this seed. */
static void test_public(void **state)
{
	static const char seed_hex[] = "9d61b19deffd5a60ba844af492ec2cc4"
				       "4449c5697b326919703bac031cae7f60";
	static const char public_hex[] = "d75a980182b10ab7d54bfed3c964073a"
					 "0ee172f3daa62325af021a68f707511a";
	AUTO(opkey_free) struct opkey *key = NULL;
	uint8_t seed[KEY_SIZE];
	char line[KEY_BASE64_SIZE + 1], hex[KEY_HEX_SIZE];
	struct signpub pub;

	make_dirs();
	assert_true(key_parse_hex(seed, seed_hex));
	(void)key_format_base64(seed, line);
	line[KEY_BASE64_SIZE - 1] = '\n';
	line[KEY_BASE64_SIZE] = '\0';
	put_file(line, 0600);
	assert_int_equal(opkey_load(dir, &key, NULL), 0);
	pub = opkey_public(key);
	assert_string_equal(key_format_hex(pub.b, hex), public_hex);
}

#define RACERS 8
/* Many first runs at once: one key, and all got that one. */
static void test_race(void **state)
{
	struct signpub first = { { 0 } }, pub;
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < RACERS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			struct opkey *key = NULL;
			bool made;

			if (opkey_ensure(dir, &key, &made, NULL) < 0)
				_exit(1);
			pub = opkey_public(key);
			opkey_free(key);
			_exit(write(pipes[1], &pub, sizeof(pub)) !=
				sizeof(pub));
		}
	}
	for (int i = 0; i < RACERS; i++) {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		assert_int_equal(
			read(pipes[0], &pub, sizeof(pub)), sizeof(pub));
		if (i == 0)
			first = pub;
		assert_memory_equal(&first, &pub, sizeof(pub));
	}
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

static int sodium_up(void **state)
{
	return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_made_once),
		TEST(test_modes),
		TEST(test_texts),
		TEST(test_not_a_file),
		TEST(test_public),
		TEST(test_race),
	};

	return cmocka_run_group_tests(tests, sodium_up, NULL);
}
