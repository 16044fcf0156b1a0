/*
 * join: enrolment, from a token to a saved netmap. The keys are made here and
 * saved before anybody hears of them; the coordinator's offer is believed only
 * as far as it verifies under the token's operator key.
 *
 *   token -> keys, agent.conf         saved
 *   POST enrollments {identity, name} -> addresses, mesh record, grant
 *   membership (signed by the token's delegate key), key record (by the identity)
 *   PUT enrollments/NODE              -> netmap, verified, saved
 *
 * Cut short anywhere, the same command takes it up again: the same identity, and
 * the same bytes signed. Once it is done, it says the same and changes nothing.
 */
#ifndef AGENT_JOIN_H
#define AGENT_JOIN_H

struct join_options {
	char *token; /* "-": from stdin; else wiped once it was read, because
			everybody on the host can read a command line */
	const char *name; /* NULL: the host's */
	const char *state_dir;
};

/* Prints "NAME ADDRESS..."; returns the exit status; says what went wrong. */
int join_mesh(const struct join_options *options);

#endif
