/*
 * wgengine: the engine alone, as wg(8) and wg-quick(8) know wireguard-go: it
 * makes the interface, serves its UAPI socket, and is ready when it returns to
 * the shell. It ends when the interface or the socket's file is taken away, or
 * by a signal; the other of the two goes with it.
 */
#include "config.h"

#include "base/num.h"
#include "engine/aead/aead.h"
#include "engine/linux/engine.h"
#include "engine/uapi/server.h"
#include "os/args.h"
#include "os/daemon.h"
#include "os/log.h"
#include "os/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/banned.h"

struct program {
	bool foreground, silent, verify;
	int tun_fd, uapi_fd;
	const char *workers_text, *offload_text, *nice_text, *aead;
	uint64_t workers;
	unsigned int offloads;
	int nice;
	struct loop *loop;
};

/* --- what the engine tells --- */

static void on_event(void *arg, struct wg_peer *peer, enum wg_event event,
	const struct now *now)
{
	static const char *const texts[] = {
		[WG_EVENT_SESSION] = "has a session",
		[WG_EVENT_ENDPOINT] = "is at a new endpoint",
		[WG_EVENT_UNREACHABLE] = "does not answer",
	};
	char key[KEY_BASE64_SIZE], endpoint[ENDPOINT_TEXT_SIZE];
	struct wg_peer_info info;

	wg_peer_get_info(peer, now, &info);
	log_debug("peer %s %s (%s)", key_format_base64(info.pubkey.b, key),
		texts[event], endpoint_format(&info.endpoint, endpoint));
	sodium_memzero(&info, sizeof(info));
}

static void on_gone(void *arg)
{
	struct program *program = arg;

	log_info("the interface was deleted");
	loop_quit(program->loop, EXIT_SUCCESS);
}

static void on_removed(void *arg)
{
	struct program *program = arg;

	log_info("the UAPI socket was removed");
	loop_quit(program->loop, EXIT_SUCCESS);
}

static void on_trouble(void *arg, const struct err *err)
{
	const struct program *program = arg;

	if (!program->silent)
		log_error("%s", err->msg);
}

static void on_signal(void *arg, int signo, const struct now *now)
{
	struct program *program = arg;

	log_info("ended by signal %d", signo);
	loop_quit(program->loop, EXIT_SUCCESS);
}

/* --- the environment --- */

/* Levels of wireguard-go. Errors that keep us from starting are told always. */
static int read_log_level(struct program *program, struct err *err)
{
	const char *level = getenv("LOG_LEVEL");

	if (!level || !*level || strcmp(level, "error") == 0)
		log_set_level(LOG_LEVEL_ERROR);
	else if (strcmp(level, "verbose") == 0 || strcmp(level, "debug") == 0)
		log_set_level(LOG_LEVEL_DEBUG);
	else if (strcmp(level, "silent") == 0)
		program->silent = true;
	else
		return err_set(err, -EINVAL,
			"LOG_LEVEL: '%s' is none of verbose, debug, error, "
			"silent",
			level);
	return 0;
}

static int read_fd(const char *name, int *ret_fd, struct err *err)
{
	const char *text = getenv(name);
	uint64_t fd;

	*ret_fd = -1;
	if (!text || !*text)
		return 0;
	if (!num_parse_u64(text, INT_MAX, &fd))
		return err_set(err, -EINVAL, "%s: '%s' is no file descriptor",
			name, text);
	*ret_fd = (int)fd;
	return 0;
}

static int read_environment(struct program *program, struct err *err)
{
	const char *foreground = getenv("WG_PROCESS_FOREGROUND");
	const char *verify = getenv("WG_VERIFY");
	int r = read_log_level(program, err);

	if (foreground && strcmp(foreground, "1") == 0)
		program->foreground = true;
	if (verify && strcmp(verify, "1") == 0)
		program->verify = true;
	if (r == 0)
		r = read_fd("WG_TUN_FD", &program->tun_fd, err);
	if (r == 0)
		r = read_fd("WG_UAPI_FD", &program->uapi_fd, err);
	return r;
}

/* --- options --- */

static const struct {
	const char *name;
	unsigned int bits;
} offload_names[] = {
	{ "tso", ENGINE_TSO },
	{ "uso", ENGINE_USO },
	{ "gso", ENGINE_GSO },
	{ "gro", ENGINE_GRO },
	{ "all", ENGINE_OFFLOADS_ALL },
	{ "none", 0 },
};

static bool add_offload(const char *name, size_t len, unsigned int *offloads)
{
	for (size_t i = 0; i < ARRAY_SIZE(offload_names); i++) {
		if (strlen(offload_names[i].name) == len &&
			strncmp(name, offload_names[i].name, len) == 0) {
			*offloads |= offload_names[i].bits;
			return true;
		}
	}
	return false;
}

static int read_offloads(struct program *program, struct err *err)
{
	const char *at = program->offload_text;

	if (!at)
		return 0;
	program->offloads = 0;
	for (;;) {
		size_t len = strcspn(at, ",");

		if (!add_offload(at, len, &program->offloads))
			return err_set(err, -EINVAL,
				"--offload: '%.*s' is none of tso, uso, gso, "
				"gro, all, none",
				(int)len, at);
		if (at[len] == '\0')
			return 0;
		at += len + 1;
	}
}

static int read_nice(struct program *program, struct err *err)
{
	const char *text = program->nice_text;
	bool negative = text && text[0] == '-';
	uint64_t value;

	if (!text)
		return 0;
	if (!num_parse_u64(text + negative, 20, &value) ||
		(!negative && value > 19))
		return err_set(err, -EINVAL,
			"--nice: '%s' is no priority from -20 to 19", text);
	program->nice = negative ? -(int)value : (int)value;
	return 0;
}

static int read_options(struct program *program, struct err *err)
{
	int r = read_offloads(program, err);

	if (r == 0)
		r = read_nice(program, err);
	if (r == 0 && program->workers_text &&
		(!num_parse_u64(program->workers_text, ENGINE_WORKERS_MAX,
			 &program->workers) ||
			program->workers == 0))
		r = err_set(err, -EINVAL,
			"--workers: '%s' is no number from 1 to %d",
			program->workers_text, ENGINE_WORKERS_MAX);
	return r;
}

/* --- running --- */

static int watch_signals(struct loop *loop, void *arg, struct err *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

	(void)signal(SIGPIPE, SIG_IGN); /* a log that nobody reads */
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		int r = loop_add_signal(loop, signals[i], on_signal, arg, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int serve(struct program *program, const char *ifname, struct err *err)
{
	const struct engine_options options = {
		.ifname = ifname,
		.tun_fd = program->tun_fd,
		.workers = (size_t)program->workers,
		.offloads = program->offloads,
		.nice = program->nice,
		.verify = program->verify,
		.on_event = on_event,
		.on_gone = on_gone,
		.on_trouble = on_trouble,
		.arg = program,
	};
	/* freed in the opposite order */
	AUTO(loop_free) struct loop *loop = loop_new(err);
	AUTO(engine_free) struct engine *engine = NULL;
	AUTO(uapi_server_free) struct uapi_server *server = NULL;
	int r;

	if (!loop)
		return -ENOMEM;
	program->loop = loop;
	r = watch_signals(loop, program, err);
	if (r == 0)
		r = engine_new(loop, &options, &engine, err);
	if (r == 0)
		r = uapi_server_new(
			loop, engine, program->uapi_fd, &server, err);
	if (r == 0)
		r = uapi_server_watch(server, on_removed, program, err);
	if (r < 0)
		return r;
	log_info("%s is ready", engine_ifname(engine));
	daemon_ready();
	r = loop_run(loop);
	if (r < 0)
		return err_set(
			err, r, "the event loop failed: %s", strerror(-r));
	return 0;
}

static int start(struct program *program, const char *ifname, struct err *err)
{
	int r;

	if (!ifname_valid(ifname))
		return err_set(err, -EINVAL,
			"'%s' is no name for an interface: 1 to %d letters, "
			"digits and _=+.-",
			ifname, IFNAME_MAX_LEN);
	r = read_options(program, err);
	if (r == 0)
		r = read_environment(program, err);
	if (r < 0)
		return r;
	if (!program->foreground) {
		r = daemon_fork(err);
		if (r < 0)
			return r;
	}
	/* Keys live here: no core dump, and no ptrace by the same user. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_errno(err, "cannot forbid core dumps");
	if (sodium_init() < 0)
		return err_set(err, -ENOSYS, "libsodium does not start");
	r = aead_select(program->aead, err);
	if (r < 0)
		return r;
	log_debug("cryptography: %s", aead_selected());
	return serve(program, ifname, err);
}

static int run(void *ctx, char **operands, size_t count)
{
	struct err err = { .msg = "" };

	if (start(ctx, operands[0], &err) < 0) {
		log_error("%s", err.msg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct program program = {
		.tun_fd = -1,
		.uapi_fd = -1,
		.offloads = ENGINE_OFFLOADS_ALL,
		.nice = ENGINE_NICE_DEFAULT,
	};
	const struct args_option options[] = {
		ARGS_FLAG("foreground", 'f', "stay in the foreground",
			&program.foreground),
		ARGS_TEXT("workers", 0, "N", "threads that carry data (1)",
			&program.workers_text),
		ARGS_TEXT("offload", 0, "LIST",
			"of tso,uso,gso,gro; none; all (all)",
			&program.offload_text),
		ARGS_TEXT("nice", 0, "N", "priority of these threads (-10)",
			&program.nice_text),
		ARGS_TEXT("aead", 0, "NAME",
			"cryptography: avx512, sodium (the best that runs)",
			&program.aead),
		ARGS_FLAG("verify", 0, "check every inner checksum",
			&program.verify),
	};
	static const struct args_command commands[] = {
		{ "", "INTERFACE", 1, 1, NULL, "make INTERFACE and serve it",
			run },
	};
	const struct args_program cli = {
		.name = "wgengine",
		.summary = "WireGuard in user space",
		.version = PACKAGE_VERSION,
		.options = options,
		.option_count = ARRAY_SIZE(options),
		.commands = commands,
		.command_count = ARRAY_SIZE(commands),
	};

	log_init("wgengine", LOG_LEVEL_ERROR);
	return args_main(&cli, argc, argv, &program);
}
