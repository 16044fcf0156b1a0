/*
 * wgtool: gets and sets the configuration of WireGuard interfaces: wg(8), with
 * its syntax, its output and its exit status. This file is the table.
 */
#include "config.h"

#include "wgtool/commands.h"
#include "base/auto.h"

#include <sodium.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

const char *program_name = "wgtool";

static const struct subcommand {
	const char *name;
	int (*main)(int argc, char *argv[]);
	const char *help;
} subcommands[] = {
	{ "show", show_main, "print what interfaces and peers are and do" },
	{ "showconf", showconf_main,
		"print an interface's configuration, as setconf takes it" },
	{ "set", set_main, "change an interface; add, change, remove peers" },
	{ "setconf", setconf_main, "replace the configuration by a file's" },
	{ "addconf", setconf_main, "add a file's configuration" },
	{ "syncconf", setconf_main,
		"become a file's configuration without disturbing sessions" },
	{ "genkey", genkey_main, "make a private key" },
	{ "genpsk", genkey_main, "make a preshared key" },
	{ "pubkey", pubkey_main, "read a private key, print its public key" },
};

static void usage(FILE *to)
{
	fprintf(to, "Usage: %s <cmd> [<args>]\n\nAvailable subcommands:\n",
		program_name);
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		fprintf(to, "  %s: %s\n", subcommands[i].name,
			subcommands[i].help);
	fprintf(to,
		"You may pass `--help' to any of these subcommands to view"
		" usage.\n");
}

static bool one_of(
	const char *word, const char *a, const char *b, const char *c)
{
	return !strcmp(word, a) || !strcmp(word, b) || !strcmp(word, c);
}

void print_warning(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
}

int finish_stdout(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "Unable to write: %s\n", strerror(errno));
	return 1;
}

int main(int argc, char *argv[])
{
	static char show[] = "show";
	char *only_show[] = { show, NULL };

	if (argc > 0)
		program_name = argv[0];
	if (sodium_init() < 0) {
		fprintf(stderr, "Unable to start libsodium\n");
		return 1;
	}
	if (argc < 2)
		return show_main(1, only_show);
	if (argc == 2 && one_of(argv[1], "-h", "--help", "help")) {
		usage(stdout);
		return finish_stdout();
	}
	if (argc == 2 && one_of(argv[1], "-v", "--version", "version")) {
		printf("wgtool (" PACKAGE_NAME ") " PACKAGE_VERSION "\n");
		return finish_stdout();
	}
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return subcommands[i].main(argc - 1, argv + 1);
	fprintf(stderr, "Invalid subcommand: `%s'\n", argv[1]);
	usage(stderr);
	return 1;
}
