/*
 * leave: the way out: a removal record signed by this node's own identity, told
 * to the coordinator; then the interface, the keys and the state go.
 */
#ifndef AGENT_LEAVE_H
#define AGENT_LEAVE_H

#include <stdbool.h>

struct leave_options {
	const char *state_dir;
	const char *socket;
	bool force; /* the local part even if nobody could be told */
};

/* Returns the exit status; says what went wrong. */
int leave_mesh(const struct leave_options *options);

#endif
