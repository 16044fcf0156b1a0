/* The state directory: modes, the lock, a join cut short, damaged files. */
#include "config.h"
#include "agent/state.h"
#include "os/atomicfile.h"
#include "rows.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

static char root[] = "/tmp/test_state.XXXXXX";
static char dir[64];

static int make_root(void **state)
{
	(void)state;
	(void)umask(0); /* whatever the caller's is, files are 0600 */
	if (!mkdtemp(root))
		return -1;
	(void)snprintf(dir, sizeof(dir), "%s/a/b", root);
	return 0;
}

static void remove_tree(const char *path)
{
	DIR *stream = opendir(path);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		char child[512];

		if (entry->d_name[0] == '.' &&
			strchr("./", entry->d_name[1] ? entry->d_name[1] : '/'))
			continue;
		(void)snprintf(
			child, sizeof(child), "%s/%s", path, entry->d_name);
		if (unlink(child) < 0)
			remove_tree(child);
	}
	if (stream)
		(void)closedir(stream);
	(void)rmdir(path);
}

static int drop_root(void **state)
{
	(void)state;
	remove_tree(root);
	return 0;
}

static struct agent_conf some_conf(void)
{
	struct agent_conf conf = { .url = "https://[fd99::1]:7443",
		.name = "node-a" };

	memset(conf.operator_key.b, 1, KEY_SIZE);
	memset(conf.pin, 2, sizeof(conf.pin));
	return conf;
}

static void open_state(enum state_open mode, struct state *ret_state)
{
	struct err err = { 0 };

	if (state_open(dir, mode, ret_state, &err) < 0)
		fail_msg("%s", err.msg);
}

static enum state_stage load(struct state *st)
{
	enum state_stage stage;
	struct err err = { 0 };

	if (state_load(st, &stage, &err) < 0)
		fail_msg("%s", err.msg);
	return stage;
}

static void write_file(const char *name, const char *text)
{
	struct err err = { 0 };
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(
		atomicfile_write(path, text, strlen(text), 0600, &err), 0);
}

/* Stages follow each other; the same identity comes back each time. */
static void test_stages(void **state)
{
	AUTO(state_release) struct state st = { .lock_fd = -1 };
	AUTO(buf_release) struct buf map = BUF_INIT(100);
	AUTO(buf_release) struct buf read = BUF_INIT(100);
	struct agent_conf conf = some_conf();
	struct signseed identity;
	struct seckey wg;
	char credential[BEARER_TEXT_SIZE];
	struct err err = { 0 };

	(void)state;
	assert_int_equal(state_open(dir, STATE_EXISTING, &st, &err), -ENOENT);
	open_state(STATE_CREATE, &st);
	assert_int_equal(load(&st), STATE_NONE);
	assert_int_equal(state_begin(&st, &conf, &err), 0);
	identity = st.identity;
	wg = st.wg;
	(void)str_copy(credential, sizeof(credential), st.credential);
	assert_int_equal(strncmp(credential, "mesh_agent_", 11), 0);
	state_release(&st);
	assert_true(sodium_is_zero(st.identity.b, KEY_SIZE));
	assert_true(sodium_is_zero(st.wg.b, KEY_SIZE));

	open_state(STATE_EXISTING, &st);
	assert_int_equal(load(&st), STATE_BEGUN);
	assert_memory_equal(st.identity.b, identity.b, KEY_SIZE);
	assert_memory_equal(st.wg.b, wg.b, KEY_SIZE);
	assert_string_equal(st.credential, credential);
	assert_string_equal(st.conf.url, conf.url);
	assert_string_equal(st.conf.name, conf.name);
	assert_memory_equal(st.conf.pin, conf.pin, sizeof(conf.pin));
	buf_add_str(&map, "{}");
	assert_int_equal(state_save_netmap(&st, &map, &err), 0);
	st.conf.listen_port = 51820;
	assert_int_equal(state_save_conf(&st, &err), 0);
	state_release(&st);

	open_state(STATE_EXISTING, &st);
	assert_int_equal(load(&st), STATE_MEMBER);
	assert_int_equal(st.conf.listen_port, 51820);
	assert_int_equal(state_load_netmap(&st, &read, &err), 0);
	assert_string_equal(buf_str(&read), "{}");
	assert_true(state_netmap_time(&st).ns > 0);
}

/* Under umask 0, as set above. */
static void test_modes(void **state)
{
	struct dirent *entry;
	struct stat st;
	DIR *stream;
	unsigned int count = 0;

	(void)state;
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	stream = opendir(dir);
	assert_non_null(stream);
	while ((entry = readdir(stream))) {
		if (entry->d_name[0] == '.')
			continue;
		assert_int_equal(
			fstatat(dirfd(stream), entry->d_name, &st, 0), 0);
		if ((st.st_mode & 07777) != 0600)
			fail_msg(
				"%s is %o", entry->d_name, st.st_mode & 07777u);
		count++;
	}
	assert_int_equal(count, 6);
	assert_int_equal(closedir(stream), 0);
}

static void test_lock(void **state)
{
	AUTO(state_release) struct state first = { .lock_fd = -1 };
	AUTO(state_release) struct state second = { .lock_fd = -1 };
	AUTO(state_release) struct state look = { .lock_fd = -1 };
	enum state_stage stage;
	struct err err = { 0 };

	(void)state;
	open_state(STATE_EXISTING, &first);
	assert_int_equal(
		state_open(dir, STATE_EXISTING, &second, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "another meshagent"));
	/* looking is not locking */
	assert_int_equal(state_peek(dir, &look, &stage, &err), 0);
	assert_int_equal(stage, STATE_MEMBER);
	state_release(&first);
	open_state(STATE_EXISTING, &second);
}

static void test_open_to_others(void **state)
{
	static const struct {
		mode_t mode;
		int result;
		int line;
	} rows[] = {
		{ 0770, -EPERM, __LINE__ },
		{ 0702, -EPERM, __LINE__ },
		{ 0755, 0, __LINE__ },
		{ 0700, 0, __LINE__ },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(state_release) struct state st = { .lock_fd = -1 };
		struct err err = { 0 };

		assert_int_equal(chmod(dir, rows[i].mode), 0);
		ROW_INT(&rows[i], state_open(dir, STATE_EXISTING, &st, &err),
			rows[i].result);
	}
}

/* A damaged file is told by name, and nothing is made anew. */
static void test_damage(void **state)
{
	static const struct {
		const char *file, *text, *says;
		int line;
	} rows[] = {
		{ "identity.key", "", "identity.key", __LINE__ },
		{ "identity.key", "AAAA\n", "identity.key", __LINE__ },
		{ "wg.key", "not a key at all\n", "wg.key", __LINE__ },
		{ "credential", "mesh_agent_x\n", "credential", __LINE__ },
		{ "agent.conf", "operator-key = x\n", "operator-key",
			__LINE__ },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(state_release) struct state st = { .lock_fd = -1 };
		AUTO(buf_release) struct buf good = BUF_INIT(4096);
		enum state_stage stage = STATE_NONE;
		struct err err = { 0 };
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, rows[i].file);
		ROW_INT(&rows[i], atomicfile_read(path, &good, &err), 0);
		write_file(rows[i].file, rows[i].text);
		open_state(STATE_EXISTING, &st);
		ROW_TRUE(&rows[i], state_load(&st, &stage, &err) < 0);
		ROW_TRUE(&rows[i], strstr(err.msg, rows[i].says) != NULL);
		write_file(rows[i].file, good.data);
		ROW_INT(&rows[i], load(&st), STATE_MEMBER);
	}
}

static void test_delete(void **state)
{
	AUTO(state_release) struct state st = { .lock_fd = -1 };
	struct stat unused;
	struct err err = { 0 };

	(void)state;
	write_file("notes.txt", "the admin's own");
	open_state(STATE_EXISTING, &st);
	assert_int_equal(state_delete(&st, &err), 0);
	state_release(&st);
	open_state(STATE_EXISTING, &st);
	assert_int_equal(load(&st), STATE_NONE);
	assert_int_equal(state_delete(&st, &err), 0);
	write_file("notes.txt", "");
	remove_tree(dir);
	assert_int_equal(stat(dir, &unused), -1);
}

/* A deletion that was cut short has taken agent.conf, and left the netmap. */
static void test_begin_after_half_a_deletion(void **state)
{
	AUTO(state_release) struct state st = { .lock_fd = -1 };
	struct agent_conf conf = some_conf();
	struct err err = { 0 };

	(void)state;
	open_state(STATE_CREATE, &st);
	write_file("netmap.json", "{}");
	assert_int_equal(load(&st), STATE_NONE);
	assert_int_equal(state_begin(&st, &conf, &err), 0);
	assert_int_equal(load(&st), STATE_BEGUN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_open_to_others),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_delete),
		cmocka_unit_test(test_begin_after_half_a_deletion),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, make_root, drop_root);
}
