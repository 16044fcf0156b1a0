/*
 * showconf: an interface's configuration as a file that setconf takes.
 */
#include "config.h"

#include "wgtool/commands.h"

#include "wgconf/ini.h"
#include "wgtool/ipc.h"
#include "wgtool/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define CONF_MAX (256 << 20)

int showconf_main(int argc, char *argv[])
{
	AUTO(buf_release) struct buf out = BUF_INIT_SECRET(CONF_MAX);
	AUTO(wgconf_device_free) struct wgconf_device *dev = NULL;
	int r;

	if (argc != 2) {
		fprintf(stderr, "Usage: %s %s <interface>\n", program_name,
			argv[0]);
		return 1;
	}
	r = ipc_get(argv[1], &dev);
	if (r < 0) {
		fprintf(stderr, "Unable to access interface: %s\n",
			strerror(-r));
		return 1;
	}
	ini_format_with(dev, lookup_endpoint_text, &out);
	if (buf_failed(&out)) {
		fprintf(stderr, "Unable to write: %s\n", strerror(ENOMEM));
		return 1;
	}
	fwrite(out.data, 1, out.len, stdout);
	return finish_stdout();
}
