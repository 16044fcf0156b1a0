/*
 * meshd: the coordinator. Reads its command line, opens its state, listens,
 * and leaves the rest to http and api. One thread, one loop.
 */
#include "config.h"

#include "meshd/api.h"
#include "meshd/conf.h"
#include "meshd/http.h"
#include "meshd/listener.h"
#include "meshd/meshd.h"
#include "meshd/tlskey.h"
#include "os/args.h"
#include "os/clock.h"
#include "os/daemon.h"
#include "os/log.h"
#include "os/loop.h"

#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* A full netmap may take megabytes for a moment: such blocks are mapped, and
 * given back whole. (Left alone, malloc would soon keep them.) */
#define MAPPED_FROM   (128 * 1024)
#define TRIMMED_ABOVE (256 * 1024)

static void on_signal(void *arg, int signo, const struct now *now)
{
	loop_quit(arg, EXIT_SUCCESS);
}

/* -errno, or the loop's status once it was left. */
static int serve(const struct conf *conf, struct loop *loop,
	struct meshd *meshd, const struct tlskey *tls, struct err *err)
{
	AUTO(http_free) struct http *http = NULL;
	int tcp_fd, unix_fd, r;

	r = listener_tcp(&conf->listen_at, &tcp_fd, err);
	if (r < 0)
		return r;
	r = listener_unix(conf->socket, &unix_fd, err);
	if (r < 0) {
		(void)close(tcp_fd);
		return r;
	}
	r = http_new(meshd, loop, tcp_fd, unix_fd, tls, &http, err);
	if (r == 0 && conf->pid_file)
		r = pidfile_write(conf->pid_file, err);
	if (r == 0) {
		log_info("serving %s, socket %s", meshd->url, conf->socket);
		(void)malloc_trim(0); /* what starting up took and left */
		daemon_ready();
		r = loop_run(loop);
		if (r < 0)
			(void)err_set(err, r, "epoll: %s", strerror(-r));
		pidfile_remove(conf->pid_file);
	}
	(void)unlink(conf->socket);
	return r;
}

static int open_and_serve(const struct conf *conf, struct err *err)
{
	AUTO(meshd_release) struct meshd meshd = { .url = conf->url_text };
	AUTO(tlskey_release) struct tlskey tls = { 0 };
	AUTO(loop_free) struct loop *loop = NULL;
	struct now now = clock_now();
	size_t count;
	const struct api_route *routes = api_routes(&count);
	int r;

	if (!api_routes_valid(routes, count, err))
		return -1;
	loop = loop_new(err);
	if (!loop)
		return -1;
	r = loop_add_signal(loop, SIGTERM, on_signal, loop, err);
	if (r == 0)
		r = loop_add_signal(loop, SIGINT, on_signal, loop, err);
	if (r == 0)
		r = meshd_init(&meshd, conf->state_dir, &now, err);
	if (r == 0)
		r = tlskey_load(conf->state_dir, &now, &tls, err);
	if (r < 0)
		return r;
	memcpy(meshd.pin, tls.pin, sizeof(meshd.pin));
	return serve(conf, loop, &meshd, &tls, err);
}

static int run(void *ctx, char **operands, size_t count)
{
	struct conf *conf = ctx;
	char hostname[256] = "";
	struct err err = { 0 };

	(void)gethostname(hostname, sizeof(hostname) - 1);
	if (conf_complete(conf, hostname, &err) < 0) {
		log_error("%s", err.msg);
		return EXIT_USAGE;
	}
	if ((conf->daemon && daemon_fork(&err) < 0) ||
		open_and_serve(conf, &err) < 0) {
		log_error("%s", err.msg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct conf conf = conf_default();
	const struct args_option options[] = {
		ARGS_TEXT("state-dir", 0, "DIR",
			"database and keys (default " CONF_STATE_DIR ")",
			&conf.state_dir),
		ARGS_TEXT("socket", 0, "PATH",
			"local socket (default " CONF_SOCKET ")", &conf.socket),
		ARGS_TEXT("listen", 0, "ADDRESS:PORT",
			"where HTTPS is served (default " CONF_LISTEN ")",
			&conf.listen),
		ARGS_TEXT("url", 0, "URL",
			"where agents find it (default https://HOSTNAME:PORT)",
			&conf.url),
		ARGS_FLAG("daemon", 0, "go to the background once it serves",
			&conf.daemon),
		ARGS_TEXT("pid-file", 0, "PATH", "write the process id there",
			&conf.pid_file),
	};
	static const struct args_command commands[] = {
		{ .words = "", .help = "serve until SIGTERM", .run = run },
	};
	const struct args_program program = {
		.name = "meshd",
		.summary = "the coordinator of a mesh",
		.version = PACKAGE_VERSION,
		.options = options,
		.option_count = ARRAY_SIZE(options),
		.commands = commands,
		.command_count = ARRAY_SIZE(commands),
	};

	const struct rlimit no_core = { 0, 0 };

	log_init("meshd", LOG_LEVEL_INFO);
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
	(void)mallopt(M_TRIM_THRESHOLD, TRIMMED_ABOVE);
	(void)umask(077);
	/* Keys are in memory: no core file, no debugger of the same user. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0) {
		log_error("libsodium does not start");
		return EXIT_FAILURE;
	}
	return args_main(&program, argc, argv, &conf);
}
