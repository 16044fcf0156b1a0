/* opkey: see opkey.h. */
#include "config.h"

#include "meshd/ctl/opkey.h"

#include "os/atomicfile.h"
#include "os/fd.h"

#include <sodium.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define OPKEY_FILE     "operator.key"
#define OPKEY_FILE_MAX 128 /* a line of 44 characters, and room to see more */

struct opkey {
	struct signseed seed;
};

static bool path_in(
	const char *dir, const char *file, char ret_path[static OPKEY_PATH_MAX])
{
	int len = snprintf(ret_path, OPKEY_PATH_MAX, "%s/%s", dir, file);

	return len > 0 && len < OPKEY_PATH_MAX;
}

bool opkey_path(const char *dir, char ret_path[static OPKEY_PATH_MAX])
{
	return path_in(dir, OPKEY_FILE, ret_path);
}

static struct opkey *opkey_new(void)
{
	return sodium_malloc(sizeof(struct opkey));
}

void opkey_free(struct opkey *key)
{
	sodium_free(key); /* wipes; NULL is fine */
}

/* Is what FD holds kept from everyone but its owner? */
static int check_private(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EPERM, "%s is not a regular file", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, -EPERM,
			"%s is open to others (mode %04o): chmod 600 %s", path,
			(unsigned int)(st.st_mode & 07777), path);
	return 0;
}

/* One line; its end may be missing, as in a copy made by hand. */
static bool parse_seed(struct buf *text, struct signseed *ret_seed)
{
	if (text->len > 0 && text->data[text->len - 1] == '\n')
		text->data[text->len - 1] = '\0';
	return key_parse_base64(ret_seed->b, text->data);
}

int opkey_load(const char *dir, struct opkey **ret_key, struct err *err)
{
	AUTO(opkey_free) struct opkey *key = NULL;
	AUTO(buf_release) struct buf text = BUF_INIT_SECRET(OPKEY_FILE_MAX);
	AUTO(fd_close) int fd = -1;
	char path[OPKEY_PATH_MAX];
	int r;

	if (!opkey_path(dir, path))
		return err_set(err, -ENAMETOOLONG, "%s: name too long", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, -ENOKEY,
			"no operator key at %s (meshctl init makes it; --dir "
			"names another place)",
			path);
	if (fd < 0)
		return err_errno(err, "%s", path);
	r = check_private(fd, path, err);
	if (r < 0)
		return r;
	r = fd_read_all(fd, &text, err);
	if (r < 0 && r != -EFBIG) {
		err_prefix(err, "%s", path);
		return r;
	}
	key = opkey_new();
	if (!key)
		return err_set(err, -ENOMEM, "out of memory");
	if (r < 0 || text.len == 0 || !parse_seed(&text, &key->seed))
		return err_set(err, -EBADMSG, "%s holds no operator key", path);
	*ret_key = TAKE(key);
	return 0;
}

/* Gives the file at TMP its name PATH too, unless one is there. */
static int publish(
	const char *dir, const char *tmp, const char *path, struct err *err)
{
	AUTO(fd_close) int fd = -1;

	if (link(tmp, path) < 0)
		return err_errno(err, "%s", path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, "%s", dir);
	return 0;
}

/* What the file system refused is no "not found", "conflict" or "usage" of a
 * command (ctl.h). */
static int plain(int r)
{
	return r == -ENOENT || r == -EEXIST || r == -EINVAL ? -EIO : r;
}

/* -EEXIST when another process was faster. */
static int save(const char *dir, const struct opkey *key, struct err *err)
{
	struct {
		char line[KEY_BASE64_SIZE + 1];
	} secret;
	char path[OPKEY_PATH_MAX], tmp[OPKEY_PATH_MAX], file[64];
	size_t len;
	int r;

	(void)snprintf(
		file, sizeof(file), OPKEY_FILE ".new-%ld", (long)getpid());
	if (!opkey_path(dir, path) || !path_in(dir, file, tmp))
		return err_set(err, -ENAMETOOLONG, "%s: name too long", dir);
	(void)key_format_base64(key->seed.b, secret.line);
	len = strlen(secret.line);
	secret.line[len++] = '\n';
	r = atomicfile_write(tmp, secret.line, len, 0600, err);
	sodium_memzero(&secret, sizeof(secret));
	if (r < 0)
		return r;
	r = publish(dir, tmp, path, err);
	(void)unlink(tmp);
	return r;
}

int opkey_ensure(const char *dir, struct opkey **ret_key, bool *ret_made,
	struct err *err)
{
	AUTO(opkey_free) struct opkey *key = NULL;
	int r;

	*ret_made = false;
	r = opkey_load(dir, ret_key, err);
	if (r != -ENOKEY)
		return r;
	r = dir_ensure(dir, 0700, err);
	if (r < 0)
		return plain(r);
	key = opkey_new();
	if (!key)
		return err_set(err, -ENOMEM, "out of memory");
	signseed_generate(&key->seed);
	r = save(dir, key, err);
	if (r == -EEXIST)
		return opkey_load(dir, ret_key, err);
	if (r < 0)
		return plain(r);
	*ret_key = TAKE(key);
	*ret_made = true;
	return 0;
}

struct signpub opkey_public(const struct opkey *key)
{
	return signseed_public(&key->seed);
}

int opkey_sign(const struct opkey *key, const struct record *rec,
	struct envelope **ret_env, struct err *err)
{
	return record_sign(rec, &key->seed, ret_env, err);
}
