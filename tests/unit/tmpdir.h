/*
 * tmpdir: a directory of one test's own, gone with all it holds afterwards.
 * tmpdir_path() answers in a few static buffers: use at once.
 */
#ifndef TESTS_UNIT_TMPDIR_H
#define TESTS_UNIT_TMPDIR_H

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tmpdir_root[64];

static int tmpdir_setup(void **state)
{
	(void)snprintf(tmpdir_root, sizeof(tmpdir_root), "/tmp/wgmesh.XXXXXX");
	return mkdtemp(tmpdir_root) ? 0 : -1;
}

static int tmpdir_forget(
	const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int tmpdir_teardown(void **state)
{
	return nftw(tmpdir_root, tmpdir_forget, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *tmpdir_path(const char *name)
{
	static char paths[4][128];
	static unsigned int next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", tmpdir_root, name);
	return path;
}

/* Names in a directory of it, "." and ".." not counted. */
static inline int tmpdir_count(const char *name)
{
	DIR *dir = opendir(tmpdir_path(name));
	int count = -2;

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static inline mode_t tmpdir_mode(const char *name)
{
	struct stat st;

	return lstat(tmpdir_path(name), &st) == 0 ? st.st_mode & 07777
						  : (mode_t)-1;
}

#endif
