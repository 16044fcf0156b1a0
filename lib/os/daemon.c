#include "config.h"
#include "os/daemon.h"
#include "os/atomicfile.h"
#include "os/fd.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

static int ready_fd = -1; /* to the waiting parent; -1: none waits */
static bool is_ready;

/* Exit status for a child that ended before it was ready. */
static int status_of(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_FAILURE;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_error("killed by signal %d before it was ready", WTERMSIG(status));
	return EXIT_FAILURE;
}

static _Noreturn void wait_for(pid_t child, int fd)
{
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	_exit(n == 1 ? EXIT_SUCCESS : status_of(child));
}

int daemon_fork(struct err *err)
{
	int fds[2];
	pid_t child;

	/* a socket, not a pipe: MSG_NOSIGNAL, should the parent be gone */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return err_errno(err, "socketpair");
	(void)fflush(NULL); /* else both would write it */
	child = fork();
	if (child < 0) {
		int r = err_errno(err, "fork");

		(void)close(fds[0]);
		(void)close(fds[1]);
		return r;
	}
	if (child > 0) {
		(void)close(fds[1]);
		wait_for(child, fds[0]);
	}
	(void)close(fds[0]);
	ready_fd = fds[1];
	return 0;
}

/* Whoever sends stderr to a file wants the log of the daemon's whole life; a
 * terminal or a pipe would only be kept from ending. */
static bool is_log_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void detach(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid(); /* a fresh child is no group leader: cannot fail */
	(void)fflush(NULL);
	if (fd < 0) {
		log_warn("cannot open /dev/null: %m");
		return;
	}
	for (int std = STDIN_FILENO; std <= STDERR_FILENO; std++) {
		if (std != STDERR_FILENO || !is_log_file(std))
			(void)dup2(fd, std);
	}
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

/* sd_notify(3): a datagram to a path, or to an abstract name after '@'. */
static void notify_manager(void)
{
	static const char message[] = "READY=1\n";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	AUTO(fd_close) int fd = -1;
	size_t len;

	if (!path || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len < 2 || len >= sizeof(addr.sun_path)) {
		log_warn("NOTIFY_SOCKET \"%s\": not a socket's name", path);
		return;
	}
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@')
		addr.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* cast: the socket API's own kind of inheritance */
	if (fd < 0 ||
		sendto(fd, message, sizeof(message) - 1, MSG_NOSIGNAL,
			(const struct sockaddr *)&addr,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				len)) < 0)
		log_warn("cannot tell NOTIFY_SOCKET \"%s\": %m", path);
}

void daemon_ready(void)
{
	if (is_ready)
		return;
	is_ready = true;
	if (ready_fd < 0) {
		notify_manager();
		return;
	}
	detach();
	/* a parent that is gone waits for nothing */
	(void)send(ready_fd, "", 1, MSG_NOSIGNAL);
	fd_close(&ready_fd);
}

int pidfile_write(const char *path, struct err *err)
{
	char text[24];
	int r;

	(void)snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	r = atomicfile_write(path, text, strlen(text), 0644, err);
	if (r < 0)
		err_prefix(err, "pid file");
	return r;
}

void pidfile_remove(const char *path)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(64);
	char ours[24];

	if (!path || atomicfile_read(path, &buf, NULL) < 0)
		return;
	(void)snprintf(ours, sizeof(ours), "%ld\n", (long)getpid());
	if (strcmp(buf_str(&buf), ours) == 0)
		(void)unlink(path);
}
