/*
 * setconf, addconf, syncconf: a file's configuration onto an interface.
 */
#include "config.h"

#include "wgtool/commands.h"

#include "wgconf/diff.h"
#include "wgconf/ini.h"
#include "wgtool/ipc.h"
#include "wgtool/lookup.h"

#include <sodium.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Every line of FILE; 0, or what ini_parse_line() said. */
static int parse_lines(FILE *file, struct ini_parser *parser, struct err *err)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int r = 0;

	while (r == 0 && (len = getline(&line, &size, file)) >= 0) {
		if (len > 0 && line[len - 1] == '\n')
			line[len - 1] = '\0';
		r = ini_parse_line(parser, line, err);
	}
	if (line)
		sodium_memzero(line, size);
	free(line);
	return r;
}

/* False, and told, if the file is not wholly understood. */
static bool parse_file(const char *path, struct ini_parser *parser)
{
	static char buffer[BUFSIZ]; /* wiped: it may hold keys */
	FILE *file = fopen(path, "re");
	struct err err = { 0 };
	bool unread;
	int r;

	if (!file) {
		perror("fopen");
		return false;
	}
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	r = parse_lines(file, parser, &err);
	unread = ferror(file);
	if (r < 0)
		fprintf(stderr, "%s\nConfiguration parsing error\n", err.msg);
	else if (unread)
		fprintf(stderr, "Unable to read `%s': %s\n", path,
			strerror(errno));
	else if ((r = ini_parser_finish(parser, &err)) < 0)
		fprintf(stderr, "%s\nInvalid configuration\n", err.msg);
	(void)fclose(file);
	sodium_memzero(buffer, sizeof(buffer));
	return r == 0 && !unread;
}

/* *DEV becomes what is left to do. */
static bool sync_with(const char *ifname, struct wgconf_device **dev)
{
	AUTO(wgconf_device_free) struct wgconf_device *have = NULL;
	struct wgconf_device *change;
	int r;

	if (list_empty(&(*dev)->peers))
		return true; /* no peer to be spared */
	r = ipc_get(ifname, &have);
	if (r == 0)
		r = wgconf_diff(have, *dev,
			DIFF_SET_ENDPOINTS | DIFF_WHOLE_ALLOWEDIPS, &change);
	if (r < 0) {
		fprintf(stderr,
			"Unable to retrieve current interface configuration:"
			" %s\n",
			strerror(-r));
		return false;
	}
	wgconf_device_free(*dev);
	*dev = change;
	return true;
}

int setconf_main(int argc, char *argv[])
{
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = wgconf_device_new();
	struct ini_parser parser;
	bool add = strcmp(argv[0], "addconf") == 0;
	bool sync = strcmp(argv[0], "syncconf") == 0;
	int r;

	if (argc != 3) {
		fprintf(stderr,
			"Usage: %s %s <interface> <configuration filename>\n",
			program_name, argv[0]);
		return 1;
	}
	if (!dev) {
		fprintf(stderr, "Out of memory\n");
		return 1;
	}
	ini_parser_init(&parser, dev, add, lookup_endpoint, NULL);
	parser.port = lookup_port;
	parser.warn = print_warning;
	if (!parse_file(argv[2], &parser) ||
		(sync && !sync_with(argv[1], &dev)))
		return 1;
	r = ipc_set(argv[1], dev);
	if (r < 0) {
		fprintf(stderr, "Unable to modify interface: %s\n",
			strerror(-r));
		return 1;
	}
	return 0;
}
