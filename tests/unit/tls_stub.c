#include "config.h"
#include "tls_stub.h"

#include "base/key.h"
#include "os/fd.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/banned.h"

static void run_child(int in, int out, const char *mode)
{
	const char *srcdir = getenv("SRCDIR");
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/tests/unit/tls_stub.py",
		srcdir ? srcdir : ".");
	(void)dup2(in, STDIN_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	(void)close(in);
	(void)close(out);
	(void)execlp("python3", "python3", path, mode, (char *)NULL);
	_exit(127);
}

void tls_stub_start(struct tls_stub *stub, const char *mode)
{
	int to[2], from[2];
	char line[128] = "", pin[64];
	unsigned int port;
	ssize_t n = 0, total = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	stub->pid = fork();
	assert_true(stub->pid >= 0);
	if (stub->pid == 0) {
		(void)close(to[1]);
		(void)close(from[0]);
		run_child(to[0], from[1], mode);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	stub->stdin_fd = to[1];
	do {
		n = read(from[0], line + total,
			sizeof(line) - 1 - (size_t)total);
		total += n > 0 ? n : 0;
	} while (n > 0 && !strchr(line, '\n'));
	(void)close(from[0]);
	if (!strchr(line, '\n')) {
		tls_stub_stop(stub);
		skip();
	}
	assert_int_equal(sscanf(line, "%5u %63s", &port, pin), 2);
	assert_true(key_parse_base64(stub->pin, pin));
	(void)snprintf(
		stub->url, sizeof(stub->url), "https://127.0.0.1:%u", port);
}

void tls_stub_stop(struct tls_stub *stub)
{
	fd_close(&stub->stdin_fd);
	if (stub->pid > 0) {
		(void)kill(stub->pid, SIGKILL);
		(void)waitpid(stub->pid, NULL, 0);
	}
	stub->pid = 0;
}
