/*
 * meshagent: one per node and mesh. This file: the command line.
 */
#include "config.h"

#include "agent/agent.h"
#include "agent/control.h"
#include "agent/join.h"
#include "agent/leave.h"
#include "agent/state.h"
#include "agent/status.h"
#include "base/num.h"
#include "os/args.h"
#include "os/clock.h"
#include "os/daemon.h"
#include "os/fd.h"
#include "os/log.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/banned.h"

#define STATE_PARENT "/var/lib/meshagent"
#define MTU_MIN	     1280 /* IPv6 wants it */
#define MTU_MAX	     65535

/* What the options said, and what follows from it. */
static struct {
	const char *ifname, *state_dir, *socket, *log_level;
	const char *name;
	const char *listen_port, *mtu, *pid_file;
	bool daemon, json, force;
} given;

static struct {
	char state_dir[STATE_DIR_MAX + 1];
	char socket[CONTROL_PATH_MAX + 1];
	uint16_t listen_port;
	uint32_t mtu;
} chosen;

static int usage(const char *what, const char *word)
{
	log_error("%s: `%s'", what, word);
	return EXIT_USAGE;
}

static int choose_path(const char *word, const char *parent, const char *suffix,
	char *ret_path, size_t size)
{
	int len = word ? snprintf(ret_path, size, "%s", word)
		       : snprintf(ret_path, size, "%s/%s%s", parent,
				 given.ifname, suffix);

	return len > 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

/* 0, or the exit status. */
static int choose(void)
{
	enum log_level level = LOG_LEVEL_INFO;
	uint64_t number = 0;

	if (!given.ifname)
		given.ifname = "mesh0";
	if (!ifname_valid(given.ifname))
		return usage("not an interface name", given.ifname);
	if (choose_path(given.state_dir, STATE_PARENT, "", chosen.state_dir,
		    sizeof(chosen.state_dir)) < 0)
		return usage("too long a path", given.state_dir);
	if (choose_path(given.socket, CONTROL_DIR, ".sock", chosen.socket,
		    sizeof(chosen.socket)) < 0)
		return usage("too long a path", given.socket);
	if (given.listen_port &&
		(!num_parse_u64(given.listen_port, UINT16_MAX, &number) ||
			number == 0))
		return usage("not a port", given.listen_port);
	chosen.listen_port = (uint16_t)number;
	number = 0;
	if (given.mtu &&
		(!num_parse_u64(given.mtu, MTU_MAX, &number) ||
			number < MTU_MIN))
		return usage("not an MTU (1280-65535)", given.mtu);
	chosen.mtu = (uint32_t)number;
	if (given.log_level && !log_level_parse(given.log_level, &level))
		return usage("not a log level", given.log_level);
	log_set_level(level);
	return 0;
}

static int run_join(void *ctx, char **operands, size_t count)
{
	const struct join_options options = {
		.token = operands[0],
		.name = given.name,
		.state_dir = chosen.state_dir,
	};
	int status = choose();

	(void)ctx;
	(void)count;
	return status ? status : join_mesh(&options);
}

static int run_run(void *ctx, char **operands, size_t count)
{
	struct agent_options options = {
		.state_dir = chosen.state_dir,
		.socket = chosen.socket,
		.pid_file = given.pid_file,
	};
	struct err err = { 0 };
	int status = choose();

	(void)ctx;
	(void)operands;
	(void)count;
	if (status)
		return status;
	options.ifname = given.ifname;
	options.listen_port = chosen.listen_port;
	options.mtu = chosen.mtu;
	if (given.daemon && daemon_fork(&err) < 0) {
		log_error("%s", err.msg);
		return EXIT_FAILURE;
	}
	return agent_run(&options);
}

static int no_agent(int result, const struct err *err)
{
	if (result == -ESRCH) {
		log_error("no agent runs on %s (nothing answers at %s)",
			given.ifname, chosen.socket);
		return EXIT_NOT_FOUND;
	}
	log_error("%s", err->msg);
	return EXIT_FAILURE;
}

static int run_status(void *ctx, char **operands, size_t count)
{
	AUTO(buf_release) struct buf out = BUF_INIT(CONTROL_ANSWER_MAX);
	AUTO(msg_agent_status_release) struct msg_agent_status status = { 0 };
	struct err err = { 0 };
	int r = choose();

	(void)ctx;
	(void)operands;
	(void)count;
	if (r)
		return r;
	r = control_ask(chosen.socket, "status", &out, &status, &err);
	if (r < 0)
		return no_agent(r, &err);
	if (given.json) {
		buf_add_str(&out, "\n");
	} else {
		buf_clear(&out);
		status_print(&status, clock_now().wall, &out);
	}
	(void)fputs(buf_str(&out), stdout);
	return fflush(stdout) == 0 && !buf_failed(&out) ? EXIT_SUCCESS
							: EXIT_FAILURE;
}

static int run_stop(void *ctx, char **operands, size_t count)
{
	AUTO(fd_close) int process = -1;
	struct err err = { 0 };
	int r = choose();

	(void)ctx;
	(void)operands;
	(void)count;
	if (r)
		return r;
	r = control_find(chosen.socket, &process, &err);
	if (r == 0)
		r = control_stop(chosen.socket, process, &err);
	return r < 0 ? no_agent(r, &err) : EXIT_SUCCESS;
}

static int run_leave(void *ctx, char **operands, size_t count)
{
	const struct leave_options options = {
		.state_dir = chosen.state_dir,
		.socket = chosen.socket,
		.force = given.force,
	};
	int status = choose();

	(void)ctx;
	(void)operands;
	(void)count;
	return status ? status : leave_mesh(&options);
}

static const struct args_option options[] = {
	ARGS_TEXT("interface", 'i', "NAME", "the mesh's interface (mesh0)",
		&given.ifname),
	ARGS_TEXT("state-dir", 0, "DIR",
		"keys and cache (" STATE_PARENT "/INTERFACE)",
		&given.state_dir),
	ARGS_TEXT("socket", 0, "PATH",
		"control socket (" CONTROL_DIR "/INTERFACE.sock)",
		&given.socket),
	ARGS_TEXT("log-level", 0, "LEVEL", "error, warn, info or debug (info)",
		&given.log_level),
	ARGS_TEXT("name", 'n', "NAME", "this node's name (the host's)",
		&given.name),
	ARGS_TEXT("listen-port", 0, "PORT",
		"UDP port (any at first, then always that one)",
		&given.listen_port),
	ARGS_TEXT("mtu", 0, "BYTES", "of the interface (1420)", &given.mtu),
	ARGS_FLAG("daemon", 'd', "go to the background when ready",
		&given.daemon),
	ARGS_TEXT("pid-file", 0, "PATH", "write the process id there",
		&given.pid_file),
	ARGS_FLAG("json", 'j', "print JSON", &given.json),
	ARGS_FLAG(
		"force", 'f', "leave even if nobody can be told", &given.force),
};

static const struct args_command commands[] = {
	{ "join", "TOKEN", 1, 1, "name",
		"make this host a node; TOKEN - reads it from stdin",
		run_join },
	{ "run", NULL, 0, 0, "listen-port mtu daemon pid-file",
		"bring the interface up and keep it in step with the mesh",
		run_run },
	{ "status", NULL, 0, 0, "json", "show the running agent and its peers",
		run_status },
	{ "stop", NULL, 0, 0, NULL, "end the running agent; the node stays",
		run_stop },
	{ "leave", NULL, 0, 0, "force",
		"take this node out of the mesh and delete its keys",
		run_leave },
};

static const struct args_program program = {
	.name = "meshagent",
	.summary = "A node of a WireGuard mesh.",
	.version = PACKAGE_VERSION,
	.options = options,
	.option_count = ARRAY_SIZE(options),
	.commands = commands,
	.command_count = ARRAY_SIZE(commands),
};

int main(int argc, char **argv)
{
	const struct rlimit no_core = { 0, 0 };

	log_init("meshagent", LOG_LEVEL_INFO);
	/* Keys are in memory: no core file, no debugger of the same user. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0) {
		log_error("libsodium does not start");
		return EXIT_FAILURE;
	}
	return args_main(&program, argc, argv, NULL);
}
