/*
 * agent: everything `meshagent run` is made of, put together: the member, and
 * around it the coordinator's follower, the host's news, the two sockets, and
 * the signals. One thread, one loop.
 *
 *   boot    lock, state, cache -> member (interface up, peers installed)
 *           -> sockets -> ready
 *   then    coordinator; it may be gone for as long as it likes
 *   end     SIGTERM, `stop`, a verified removal, the interface deleted
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct agent_options {
	const char *ifname;
	const char *state_dir;
	const char *socket;   /* of control */
	const char *pid_file; /* NULL: none */
	uint16_t listen_port; /* 0: as before, else any */
	uint32_t mtu;	      /* 0: the default */
};

/* Returns the exit status. Says itself what went wrong. */
int agent_run(const struct agent_options *options);

#endif
