/* run: one command, from its options to its exit status. See ctl.h. */
#include "config.h"

#include "meshd/ctl/client.h"
#include "meshd/ctl/conf.h"
#include "meshd/ctl/ctl.h"
#include "os/clock.h"
#include "os/fd.h"

#include <sodium.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/banned.h"

#define OUT_MAX (256 * 1024 * 1024) /* 65536 nodes of 4 KiB */

void ctl_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("meshctl: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputs("\n", stderr);
	va_end(ap);
}

static int exit_status(int r)
{
	switch (r) {
	case 0:
		return EXIT_SUCCESS;
	case -EINVAL:
		return EXIT_USAGE;
	case -ENOENT:
		return EXIT_NOT_FOUND;
	case -EEXIST:
		return EXIT_CONFLICT;
	case -EHOSTUNREACH:
		return EXIT_UNREACHABLE;
	default:
		return EXIT_FAILURE;
	}
}

static int run(struct ctl *ctl, cmd_fn cmd, struct err *err)
{
	AUTO(client_free) struct client *client = NULL;
	struct conf *conf = sodium_malloc(sizeof(*conf));
	int r;

	if (!conf)
		return err_set(err, -ENOMEM, "out of memory");
	r = conf_resolve(ctl->options, getenv, geteuid() == 0, conf, err);
	if (r == 0)
		r = client_new(&conf->client, &client, err);
	if (r == 0) {
		ctl->dir = conf->dir;
		ctl->client = client;
		ctl->color = conf_color(getenv, isatty(STDOUT_FILENO));
		ctl->now = clock_now();
		r = cmd(ctl, err);
	}
	sodium_free(conf);
	return r;
}

/* What a failed command had to show (status --check) is shown as well. */
static int print(const struct buf *out, struct err *err)
{
	int r;

	if (buf_failed(out))
		return err_set(err, -ENOMEM, "out of memory");
	if (out->len == 0)
		return 0;
	r = fd_write_all(STDOUT_FILENO, out->data, out->len, err);
	return r < 0 ? -EIO : 0;
}

int ctl_run(cmd_fn cmd, char *const *operands)
{
	struct ctl ctl = { .options = &ctl_options,
		.operands = operands,
		.out = BUF_INIT_SECRET(OUT_MAX) };
	struct err err = { 0 }, print_err = { 0 };
	char text[2 * ERR_MSG_MAX];
	int r = run(&ctl, cmd, &err);
	int printed = print(&ctl.out, &print_err);

	if (r == 0 && printed < 0) {
		r = printed;
		err = print_err;
	}
	buf_release(&ctl.out);
	if (r < 0)
		ctl_say("%s", err_text(&err, text, sizeof(text)));
	return exit_status(r);
}
