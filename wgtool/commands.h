/*
 * commands: the subcommands of wgtool, as main's table lists them. Each gets
 * argv with its own name first and returns an exit status, 0 or 1. Data goes to
 * stdout, talk to stderr in the words of wg(8).
 */
#ifndef WGTOOL_COMMANDS_H
#define WGTOOL_COMMANDS_H

#include <stdbool.h>

extern const char *program_name; /* argv[0], as wg(8) calls itself */

int show_main(int argc, char *argv[]);
int showconf_main(int argc, char *argv[]);
int set_main(int argc, char *argv[]);
int setconf_main(int argc, char *argv[]); /* addconf and syncconf too */
int genkey_main(int argc, char *argv[]);  /* genpsk too */
int pubkey_main(int argc, char *argv[]);

/* A wgconf_warn_fn to stderr. */
void print_warning(void *arg, const char *text);
/* Flushes stdout; 1, and a line, if what was printed did not arrive. */
int finish_stdout(void);

#endif
