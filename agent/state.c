/* state: see state.h. */
#include "config.h"

#include "agent/state.h"

#include "meshproto/message.h"
#include "os/atomicfile.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define FILE_IDENTITY	"identity.key"
#define FILE_WG		"wg.key"
#define FILE_CREDENTIAL "credential"
#define FILE_CONF	"agent.conf"
#define FILE_NETMAP	"netmap.json"
#define FILE_LOCK	"lock"

#define SECRET_MODE	0600
#define SMALL_MAX	4096 /* agent.conf with comments; a key is 45 */
#define PATH_TEXT_SIZE	(STATE_DIR_MAX + 32)

static const char *path_of(const struct state *state, const char *file,
	char buf[static PATH_TEXT_SIZE])
{
	(void)snprintf(buf, PATH_TEXT_SIZE, "%s/%s", state->dir, file);
	return buf;
}

/* ---- the directory ---- */

static int check_dir(const char *dir, struct err *err)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return err_errno(err, "%s", dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "%s is not a directory", dir);
	if (st.st_uid != geteuid())
		return err_set(err, -EPERM, "%s belongs to another user", dir);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, -EPERM,
			"%s can be written by other users: chmod 0700 it", dir);
	return 0;
}

static int state_init(const char *dir, struct state *state, struct err *err)
{
	*state = (struct state){ .lock_fd = -1 };
	if (!str_copy(state->dir, sizeof(state->dir), dir))
		return err_set(err, -ENAMETOOLONG,
			"state directory longer than %d bytes", STATE_DIR_MAX);
	return 0;
}

int state_open(const char *dir, enum state_open mode, struct state *ret_state,
	struct err *err)
{
	struct state state;
	char path[PATH_TEXT_SIZE];
	int r = state_init(dir, &state, err);

	if (r == 0 && mode == STATE_CREATE)
		r = dir_ensure(dir, 0700, err);
	if (r == 0)
		r = check_dir(dir, err);
	if (r < 0)
		return r;
	r = lockfile_acquire(
		path_of(&state, FILE_LOCK, path), &state.lock_fd, err);
	if (r == -EBUSY)
		return err_set(err, r,
			"%s is locked: another meshagent is running on it",
			dir);
	if (r < 0)
		return r;
	*ret_state = state;
	return 0;
}

int state_peek(const char *dir, struct state *ret_state,
	enum state_stage *ret_stage, struct err *err)
{
	AUTO(state_release) struct state state = { .lock_fd = -1 };
	int r = state_init(dir, &state, err);

	if (r == 0)
		r = check_dir(dir, err);
	if (r == 0)
		r = state_load(&state, ret_stage, err);
	if (r < 0)
		return r;
	*ret_state = state;
	return 0;
}

void state_release(struct state *state)
{
	fd_close(&state->lock_fd);
	signseed_wipe(&state->identity);
	seckey_wipe(&state->wg);
	sodium_memzero(state->credential, sizeof(state->credential));
}

/* ---- files ---- */

/* One line without its '\n', in a buffer that is wiped. */
static int read_small(const struct state *state, const char *file,
	struct buf *buf, struct err *err)
{
	char path[PATH_TEXT_SIZE];
	int r = atomicfile_read(path_of(state, file, path), buf, err);

	if (r < 0)
		return r;
	if (strlen(buf_str(buf)) != buf->len)
		return err_set(err, -EBADMSG, "%s holds a zero byte", path);
	return 0;
}

static void cut_newline(struct buf *buf)
{
	if (buf->len > 0 && buf->data[buf->len - 1] == '\n')
		buf->data[--buf->len] = 0;
}

static int load_key(const struct state *state, const char *file,
	uint8_t ret_key[static KEY_SIZE], struct err *err)
{
	AUTO(buf_release) struct buf buf = BUF_INIT_SECRET(SMALL_MAX);
	int r = read_small(state, file, &buf, err);

	if (r < 0)
		return r;
	cut_newline(&buf);
	if (!key_parse_base64(ret_key, buf_str(&buf)))
		return err_set(err, -EBADMSG, "%s/%s does not hold a key",
			state->dir, file);
	return 0;
}

static int load_credential(struct state *state, struct err *err)
{
	AUTO(buf_release) struct buf buf = BUF_INIT_SECRET(SMALL_MAX);
	AUTO(bearer_wipe) struct bearer bearer = { 0 };
	int r = read_small(state, FILE_CREDENTIAL, &buf, err);

	if (r < 0)
		return r;
	cut_newline(&buf);
	if (!bearer_parse(buf_str(&buf), &bearer) ||
		!str_copy(state->credential, sizeof(state->credential),
			buf_str(&buf)))
		return err_set(err, -EBADMSG, "%s/%s does not hold a token",
			state->dir, FILE_CREDENTIAL);
	return 0;
}

static int load_conf(struct state *state, struct err *err)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(SMALL_MAX);
	char path[PATH_TEXT_SIZE];
	int r = read_small(state, FILE_CONF, &buf, err);

	if (r < 0)
		return r;
	r = agent_conf_parse(buf_str(&buf), &state->conf, err);
	if (r < 0)
		err_at(err, path_of(state, FILE_CONF, path), err->line,
			err->col);
	return r;
}

int state_load(
	struct state *state, enum state_stage *ret_stage, struct err *err)
{
	char path[PATH_TEXT_SIZE];
	int r;

	if (access(path_of(state, FILE_CONF, path), F_OK) < 0) {
		if (errno != ENOENT)
			return err_errno(err, "%s", path);
		*ret_stage = STATE_NONE;
		return 0;
	}
	r = load_conf(state, err);
	if (r < 0)
		return r;
	r = load_key(state, FILE_IDENTITY, state->identity.b, err);
	if (r < 0)
		return r;
	r = load_key(state, FILE_WG, state->wg.b, err);
	if (r < 0)
		return r;
	r = load_credential(state, err);
	if (r < 0)
		return r;
	if (access(path_of(state, FILE_NETMAP, path), F_OK) == 0)
		*ret_stage = STATE_MEMBER;
	else if (errno == ENOENT)
		*ret_stage = STATE_BEGUN;
	else
		return err_errno(err, "%s", path);
	return 0;
}

static int save_text(const struct state *state, const char *file,
	const struct buf *buf, struct err *err)
{
	char path[PATH_TEXT_SIZE];

	if (buf_failed(buf))
		return err_set(err, -ENOMEM, "out of memory");
	return atomicfile_write(path_of(state, file, path), buf->data, buf->len,
		SECRET_MODE, err);
}

static int save_key(const struct state *state, const char *file,
	const uint8_t key[static KEY_SIZE], struct err *err)
{
	AUTO(buf_release) struct buf buf = BUF_INIT_SECRET(SMALL_MAX);
	char text[KEY_BASE64_SIZE];

	buf_addf(&buf, "%s\n", key_format_base64(key, text));
	sodium_memzero(text, sizeof(text));
	return save_text(state, file, &buf, err);
}

/* What a deletion that was cut short left: it would make a member of what was
 * only begun. */
static int forget_netmap(const struct state *state, struct err *err)
{
	char path[PATH_TEXT_SIZE];

	if (unlink(path_of(state, FILE_NETMAP, path)) < 0 && errno != ENOENT)
		return err_errno(err, "%s", path);
	return 0;
}

int state_begin(
	struct state *state, const struct agent_conf *conf, struct err *err)
{
	AUTO(buf_release) struct buf buf = BUF_INIT_SECRET(SMALL_MAX);
	AUTO(bearer_wipe) struct bearer bearer = { 0 };
	int r;

	state->conf = *conf;
	signseed_generate(&state->identity);
	seckey_generate(&state->wg);
	bearer_generate("agent", &bearer);
	(void)bearer_format(&bearer, state->credential);
	buf_addf(&buf, "%s\n", state->credential);
	r = forget_netmap(state, err);
	if (r < 0)
		return r;
	r = save_key(state, FILE_IDENTITY, state->identity.b, err);
	if (r < 0)
		return r;
	r = save_key(state, FILE_WG, state->wg.b, err);
	if (r < 0)
		return r;
	r = save_text(state, FILE_CREDENTIAL, &buf, err);
	if (r < 0)
		return r;
	/* Last: it is what tells that the others are there. */
	return state_save_conf(state, err);
}

int state_save_conf(const struct state *state, struct err *err)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(SMALL_MAX);

	agent_conf_format(&state->conf, &buf);
	return save_text(state, FILE_CONF, &buf, err);
}

int state_load_netmap(
	const struct state *state, struct buf *buf, struct err *err)
{
	char path[PATH_TEXT_SIZE];

	return atomicfile_read(path_of(state, FILE_NETMAP, path), buf, err);
}

struct wall state_netmap_time(const struct state *state)
{
	char path[PATH_TEXT_SIZE];
	struct stat st;

	if (stat(path_of(state, FILE_NETMAP, path), &st) < 0)
		return (struct wall){ 0 };
	return (struct wall){ st.st_mtim.tv_sec * NSEC_PER_SEC +
		st.st_mtim.tv_nsec };
}

int state_save_netmap(
	const struct state *state, const struct buf *buf, struct err *err)
{
	return save_text(state, FILE_NETMAP, buf, err);
}

int state_delete(struct state *state, struct err *err)
{
	/* agent.conf first: without it, the rest is no state. */
	static const char *const files[] = { FILE_CONF, FILE_CREDENTIAL,
		FILE_IDENTITY, FILE_WG, FILE_NETMAP, FILE_LOCK };
	char path[PATH_TEXT_SIZE];
	AUTO(fd_close) int dir_fd = -1;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (unlink(path_of(state, files[i], path)) < 0 &&
			errno != ENOENT)
			return err_errno(err, "%s", path);
	}
	/* Keys that are said to be gone must not come back with the power. */
	dir_fd = open(state->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || fsync(dir_fd) < 0)
		return err_errno(err, "%s", state->dir);
	if (rmdir(state->dir) < 0 && errno != ENOTEMPTY && errno != EEXIST &&
		errno != EBUSY)
		return err_errno(err, "%s", state->dir);
	return 0;
}
