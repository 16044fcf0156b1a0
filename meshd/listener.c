/* listener: see listener.h. */
#include "config.h"

#include "meshd/listener.h"

#include "os/fd.h"
#include "os/unixsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define BACKLOG 512
/* A peer that vanished is noticed, by the kernel, without traffic of ours. */
#define KEEPALIVE_IDLE_SEC     30
#define KEEPALIVE_INTERVAL_SEC 10
#define KEEPALIVE_PROBES       3
#define USER_TIMEOUT_MSEC      20000
#define PEER_GROUPS_MAX	       512
#define DIR_MODE	       0755

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_of(const struct endpoint *at, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (at->addr.family == IP_V4) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(at->port);
		memcpy(&ret->v4.sin_addr, at->addr.b, 4);
		return sizeof(ret->v4);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(at->port);
	ret->v6.sin6_scope_id = at->scope_id;
	memcpy(&ret->v6.sin6_addr, at->addr.b, 16);
	return sizeof(ret->v6);
}

/* Options of a listening socket are those of what it accepts. */
static int set_options(int fd, const struct endpoint *at)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_SEC },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SEC },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MSEC },
	};
	static const struct ipaddr any6 = { .family = IP_V6 };
	int v6only = !ipaddr_equal(&at->addr, &any6);

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (setsockopt(fd, options[i].level, options[i].name,
			    &options[i].value, sizeof(options[i].value)) < 0)
			return -1;
	if (at->addr.family != IP_V6)
		return 0;
	return setsockopt(
		fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
}

static int open_tcp(const struct endpoint *at, int *ret_fd, struct err *err)
{
	union address address;
	socklen_t len = address_of(at, &address);
	char text[ENDPOINT_TEXT_SIZE];
	AUTO(fd_close)
	int fd = socket(address.any.sa_family,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || set_options(fd, at) < 0 ||
		bind(fd, &address.any, len) < 0 || listen(fd, BACKLOG) < 0)
		return err_errno(
			err, "cannot listen on %s", endpoint_format(at, text));
	*ret_fd = fd_take(&fd);
	return 0;
}

int listener_tcp(const struct endpoint *at, int *ret_fd, struct err *err)
{
	static const struct ipaddr any6 = { .family = IP_V6 };
	struct endpoint any4 = { .addr.family = IP_V4, .port = at->port };
	int r = open_tcp(at, ret_fd, err);

	if ((r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL) &&
		ipaddr_equal(&at->addr, &any6))
		r = open_tcp(&any4, ret_fd, err);
	return r;
}

int listener_unix(const char *path, int *ret_fd, struct err *err)
{
	const struct group *group = getgrnam(LISTENER_GROUP);
	AUTO(fd_close) int fd = -1;
	int r = unixsock_listen(path, 0600, DIR_MODE, &fd, err);

	if (r < 0)
		return r;
	/* Only root can hand it over; others keep it to themselves. */
	if (group && chown(path, (uid_t)-1, group->gr_gid) == 0 &&
		chmod(path, 0660) < 0)
		return err_errno(err, "%s", path);
	*ret_fd = fd_take(&fd);
	return 0;
}

static bool peer_has_group(int fd, gid_t gid)
{
	gid_t groups[PEER_GROUPS_MAX];
	socklen_t size = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(*groups); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

bool listener_peer_allowed(int fd)
{
	const struct group *group;
	uid_t uid;
	gid_t gid;

	if (unixsock_peer_uid(fd, &uid, &gid) < 0)
		return false;
	if (uid == 0 || uid == geteuid())
		return true;
	group = getgrnam(LISTENER_GROUP);
	return group &&
		(group->gr_gid == gid || peer_has_group(fd, group->gr_gid));
}
