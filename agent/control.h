/*
 * control: the agent's socket for its own host, /run/meshagent/IFACE.sock, 0600:
 * whoever may open it may do what it offers. One JSON line in, one out
 * (meshproto/message_agent.h), then it is closed; but for "stop", where the
 * connection ends with the process.
 *
 * Loop thread only. Knows no agent: what to say comes by callbacks.
 */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include "base/auto.h"
#include "base/err.h"
#include "meshproto/message_agent.h"
#include "os/loop.h"

#define CONTROL_DIR	    "/run/meshagent"
#define CONTROL_PATH_MAX    100 /* sun_path is 108 */
#define CONTROL_CLIENTS_MAX 16	/* one more, and the oldest has to go */
#define CONTROL_LINE_MAX    256
#define CONTROL_ANSWER_MAX  (32 * 1024 * 1024) /* 65536 peers of 400 bytes */

struct control;

struct control_options {
	struct loop *loop;
	const char *path;
	/* Fills *RET_STATUS, whose contents control releases. */
	int (*get_status)(void *arg, struct msg_agent_status *ret_status,
		const struct now *now);
	void (*on_stop)(void *arg);
	void *arg;
};

/* -EADDRINUSE: another agent answers there. */
WARN_UNUSED int control_new(const struct control_options *options,
	struct control **ret_control, struct err *err);
void control_free(struct control *control); /* unlinks the socket */
AUTO_DEFINE(struct control, control_free)

/* The other side: asks the agent at PATH. Blocks, for 5 s at most. *RET_LINE is
 * the answer as it came. -ESRCH: no agent runs there. */
WARN_UNUSED int control_ask(const char *path, const char *command,
	struct buf *ret_line, struct msg_agent_status *ret_status,
	struct err *err);
/* A pidfd of the agent at PATH, to wait for its end; -1 where it is of another
 * pid namespace. -ESRCH: none runs. */
WARN_UNUSED int control_find(
	const char *path, int *ret_process, struct err *err);
/* Asks it to stop, unless it is doing so already, and waits until PROCESS is
 * gone: what it locked is free then. */
WARN_UNUSED int control_stop(const char *path, int process, struct err *err);

#endif
