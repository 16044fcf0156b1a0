/*
 * ipc_uapi: interfaces of user-space daemons: /var/run/wireguard/NAME.sock,
 * which speaks the UAPI. A socket whose daemon died is taken away when met, as
 * wg(8) does.
 */
#include "config.h"

#include "wgtool/ipc.h"

#include "base/buf.h"
#include "wgconf/uapi.h"
#include "wgtool/lookup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/banned.h"

#define SOCKET_DIR    "/var/run/wireguard"
#define SOCKET_SUFFIX ".sock"

/* A hundred thousand peers at 1 KiB each, with room to spare. */
#define REQUEST_MAX (256 << 20)
#define ANSWER_MAX  (256 << 20)
#define CHUNK_SIZE  65536

static bool socket_path(const char *ifname, struct sockaddr_un *ret_addr)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int len = snprintf(addr.sun_path, sizeof(addr.sun_path),
		SOCKET_DIR "/%s" SOCKET_SUFFIX, ifname);

	if (len < 0 || (size_t)len >= sizeof(addr.sun_path))
		return false;
	*ret_addr = addr;
	return true;
}

/* An fd or -errno. */
static int open_socket(const char *ifname)
{
	struct sockaddr_un addr;
	struct stat st;
	int fd, saved;

	if (!socket_path(ifname, &addr))
		return -ENAMETOOLONG;
	if (stat(addr.sun_path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EBADF;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	saved = errno;
	if (saved == ECONNREFUSED)
		(void)unlink(addr.sun_path);
	(void)close(fd);
	return -saved;
}

static bool uapi_has(const char *ifname)
{
	int fd = open_socket(ifname);

	if (fd >= 0)
		(void)close(fd);
	/* A socket that is not ours to use is one all the same. */
	return fd >= 0 || fd == -EACCES || fd == -EPERM;
}

/* "NAME.sock" of a live daemon to "NAME". */
static bool interface_of(const char *file, char name[static IFNAME_MAX_LEN + 1])
{
	size_t len = strlen(file), suffix = strlen(SOCKET_SUFFIX);

	if (len <= suffix || len - suffix > IFNAME_MAX_LEN ||
		strcmp(file + len - suffix, SOCKET_SUFFIX) != 0)
		return false;
	memcpy(name, file, len - suffix);
	name[len - suffix] = '\0';
	return uapi_has(name);
}

static int uapi_list(ipc_name_fn fn, void *arg)
{
	char name[IFNAME_MAX_LEN + 1];
	struct dirent *entry;
	DIR *dir = opendir(SOCKET_DIR);
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (entry = readdir(dir)))
		if (interface_of(entry->d_name, name))
			r = fn(arg, name);
	(void)closedir(dir);
	return r;
}

static int send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Feeds the whole lines of IN to PARSER and drops them. 1 after the empty line
 * that ends an answer, 0 if there is more to come, or -errno. */
static int parse_lines(struct uapi_parser *parser, struct buf *in)
{
	size_t used = 0;
	const char *line, *end;
	int r = 0;

	while (r == 0 && used < in->len) {
		line = in->data + used;
		end = memchr(line, '\n', in->len - used);
		if (!end)
			break;
		used += (size_t)(end - line) + 1;
		if (end == line)
			r = 1;
		else if (uapi_parse_line(
				 parser, line, (size_t)(end - line), NULL) < 0)
			r = -EPROTO;
	}
	buf_consume(in, used);
	return r;
}

static int receive_answer(int fd, struct wgconf_device *dev)
{
	AUTO(buf_release) struct buf in = BUF_INIT_SECRET(2 * CHUNK_SIZE);
	struct uapi_parser parser;
	size_t total = 0;
	ssize_t n;
	char *room;
	int r = 0;

	uapi_parser_init(&parser, UAPI_GET, dev);
	parser.scope_index = lookup_scope_index;
	while (r == 0) {
		room = buf_reserve(&in, CHUNK_SIZE);
		if (!room)
			return in.len > UAPI_LINE_MAX ? -EPROTO : -ENOMEM;
		n = recv(fd, room, CHUNK_SIZE, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		total += (size_t)n;
		if (n == 0 || total > ANSWER_MAX)
			return -EPROTO;
		in.len += (size_t)n;
		r = parse_lines(&parser, &in);
	}
	if (r < 0)
		return r;
	return parser.answered ? -parser.peer_errno : -EPROTO;
}

/* Sends REQUEST, reads the answer into DEV. */
static int transact(const char *ifname, const struct buf *request,
	struct wgconf_device *dev)
{
	int fd, r, sent;

	if (buf_failed(request))
		return -ENOMEM;
	fd = open_socket(ifname);
	if (fd < 0)
		return fd;
	/* A daemon that refuses early has said why before it hung up. */
	sent = send_all(fd, request->data, request->len);
	r = sent < 0 && sent != -EPIPE ? sent : receive_answer(fd, dev);
	(void)close(fd);
	return r;
}

static int uapi_get(const char *ifname, struct wgconf_device *dev)
{
	AUTO(buf_release) struct buf request = BUF_INIT(16);

	buf_add_str(&request, "get=1\n\n");
	return transact(ifname, &request, dev);
}

static int uapi_set(const char *ifname, const struct wgconf_device *change)
{
	AUTO(buf_release) struct buf request = BUF_INIT_SECRET(REQUEST_MAX);
	AUTO(wgconf_device_free)
	struct wgconf_device *nothing = wgconf_device_new();

	if (!nothing)
		return -ENOMEM;
	uapi_format_set(change, &request);
	buf_add_str(&request, "\n");
	return transact(ifname, &request, nothing);
}

const struct ipc_backend ipc_uapi = {
	.list = uapi_list,
	.has = uapi_has,
	.get = uapi_get,
	.set = uapi_set,
};
