/*
 * args: one table of options and one of commands make a program's command
 * line: parser, --help, --version and the errors. Options may stand before,
 * between or after the words; "--" ends them. --name VALUE, --name=VALUE,
 * -n VALUE, -nVALUE, and flags without a value (-ab); no abbreviations. What
 * is given twice counts as given last, but for lists. Values are not looked at
 * here.
 */
#ifndef OS_ARGS_H
#define OS_ARGS_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses of the mesh programs; 0 and 1 are stdlib's. */
enum {
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_CONFLICT = 4,
	EXIT_UNREACHABLE = 5,
};

#define ARGS_OPTIONS_MAX 64 /* bits of the mask of those given */

/* The values of an option that may be repeated. */
struct args_list {
	const char **items; /* room for MAX; borrowed from argv */
	size_t count, max;
};

struct args_option {
	const char *name;  /* long name without the dashes */
	char letter;	   /* 0: no short form */
	const char *value; /* what help calls the value; NULL: a flag */
	const char *help;
	bool *flag;		/* set to true; of flags only */
	const char **text;	/* set to the value, borrowed from argv */
	struct args_list *list; /* gets every value that is given */
};
#define ARGS_FLAG(name, letter, help, target)                                  \
	{                                                                      \
		(name), (letter), NULL, (help), (target), NULL, NULL           \
	}
#define ARGS_TEXT(name, letter, value, help, target)                           \
	{                                                                      \
		(name), (letter), (value), (help), NULL, (target), NULL        \
	}
#define ARGS_LIST(name, letter, value, help, target)                           \
	{                                                                      \
		(name), (letter), (value), (help), NULL, NULL, (target)        \
	}

struct args_command {
	const char *words;    /* "token add"; "": the program by itself */
	const char *operands; /* for help: "NAME [FILE]"; NULL: none */
	size_t operands_min, operands_max;
	const char *options; /* "uses expires": its own; NULL: only common */
	const char *help;
	/* Returns the exit status. */
	int (*run)(void *ctx, char **operands, size_t count);
};

/* An option that no command names goes with all of them. */
struct args_program {
	const char *name, *summary, *version;
	const struct args_option *options;
	size_t option_count;
	const struct args_command *commands;
	size_t command_count;
};

struct args {
	const struct args_command *command;
	char **operands; /* borrowed from argv; NULL after the last */
	size_t count;
	bool help, version; /* asked for; COMMAND is then NULL or to explain */
};

/* Sorts ARGV (words first) and fills the targets. -EINVAL: ERR quotes the
 * word that is wrong. */
WARN_UNUSED int args_parse(const struct args_program *program, int argc,
	char **argv, struct args *ret_args, struct err *err);
/* What --help prints; COMMAND may be NULL: the whole program. */
void args_help(const struct args_program *program,
	const struct args_command *command, struct buf *out);
/* The whole of main(): parses, answers --help and --version on stdout, tells
 * usage errors on stderr, runs the command with CTX. The exit status. */
int args_main(
	const struct args_program *program, int argc, char **argv, void *ctx);

#endif
