/*
 * ctl: what a command of meshctl is given, and what it gives back.
 *
 * A command fills `out`, which is printed when the command is over: data is
 * there whole, or not at all. It returns 0 or -errno, of which ctl_run() makes
 * the exit status:
 *   -EINVAL        2  what was typed
 *   -ENOENT        3  no such node or token (404, 410)
 *   -EEXIST        4  it is otherwise by now, or another's (409, 412)
 *   -EHOSTUNREACH  5  no coordinator
 *   any other      1
 * Only client.c and the parsers of words return the first four.
 */
#ifndef MESHD_CTL_CTL_H
#define MESHD_CTL_CTL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "meshproto/record.h"
#include "os/args.h"

#include <stdbool.h>

struct client;

/* What the command line said; NULL: it did not. */
struct options {
	const char *dir, *socket, *url, *pin, *token_file;
	bool json;
	/* of commands */
	const char *name, *ipv4, *ipv6;
	const char *uses, *ttl, *note, *join_url, *scope;
	const char *tag_items[RECORD_TAGS_MAX];
	struct args_list tags;
	bool api, no_wait, check;
};

struct ctl {
	const struct options *options;
	char *const *operands;
	const char *dir; /* holds operator.key; borrowed */
	struct client *client;
	struct now now; /* when meshctl started */
	bool color;
	struct buf out; /* for stdout */
};

/* The program: its options fill *ctl_options. */
extern const struct args_program ctl_program;
extern struct options ctl_options;

typedef int (*cmd_fn)(struct ctl *ctl, struct err *err);
/* Finds key and coordinator, runs CMD, prints; the exit status. */
int ctl_run(cmd_fn cmd, char *const *operands);
/* A line of talk on stderr, "meshctl: …". */
void ctl_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

int cmd_init(struct ctl *ctl, struct err *err);
int cmd_token_create(struct ctl *ctl, struct err *err);
int cmd_token_list(struct ctl *ctl, struct err *err);
int cmd_token_revoke(struct ctl *ctl, struct err *err);
int cmd_node_list(struct ctl *ctl, struct err *err);
int cmd_node_show(struct ctl *ctl, struct err *err);
int cmd_node_remove(struct ctl *ctl, struct err *err);
int cmd_node_rename(struct ctl *ctl, struct err *err);
int cmd_status(struct ctl *ctl, struct err *err);

#endif
