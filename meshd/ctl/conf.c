/* conf: see conf.h. */
#include "config.h"

#include "meshd/ctl/conf.h"

#include "base/buf.h"
#include "os/atomicfile.h"

#include <sodium.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define TOKEN_FILE_MAX 4096

typedef char *(*lookup_fn)(const char *name);

void conf_wipe(struct conf *conf)
{
	sodium_memzero(conf->bearer, sizeof(conf->bearer));
}

/* NULL when it is not set, or empty. */
static const char *env(lookup_fn lookup, const char *name)
{
	const char *value = lookup(name);

	return value && value[0] ? value : NULL;
}

static int set_dir(
	struct conf *conf, const char *base, const char *rest, struct err *err)
{
	int len = snprintf(conf->dir, sizeof(conf->dir), "%s%s", base, rest);

	if (len < 0 || (size_t)len >= sizeof(conf->dir))
		return err_set(err, -ENAMETOOLONG, "%s: name too long", base);
	return 0;
}

static int resolve_dir(const struct options *options, lookup_fn lookup,
	bool is_root, struct conf *conf, struct err *err)
{
	const char *dir = options->dir;

	if (dir && !dir[0])
		return err_set(err, -EINVAL, "--dir needs DIR");
	if (!dir)
		dir = env(lookup, "MESHCTL_DIR");
	if (dir)
		return set_dir(conf, dir, "", err);
	if (is_root)
		return set_dir(conf, CONF_ROOT_DIR, "", err);
	dir = env(lookup, "XDG_CONFIG_HOME");
	if (dir)
		return set_dir(conf, dir, "/meshctl", err);
	dir = env(lookup, "HOME");
	if (dir)
		return set_dir(conf, dir, "/.config/meshctl", err);
	return err_set(err, -EINVAL,
		"no place for the operator key: neither HOME nor "
		"XDG_CONFIG_HOME is set (--dir names one)");
}

/* The first line of FILE, which must be all there is. */
static int read_bearer(
	const char *file, char ret[static BEARER_TEXT_SIZE], struct err *err)
{
	AUTO(buf_release) struct buf text = BUF_INIT_SECRET(TOKEN_FILE_MAX);
	struct bearer bearer;
	int r = atomicfile_read(file, &text, err);
	size_t len;
	bool ok;

	if (r < 0)
		return r == -ENOENT ? -ENOKEY : r; /* 3 is for nodes */
	len = strcspn(buf_str(&text), "\n");
	ok = len < BEARER_TEXT_SIZE && len + 1 >= text.len;
	if (ok) {
		memcpy(ret, buf_str(&text), len);
		ret[len] = '\0';
		ok = bearer_parse(ret, &bearer) &&
			strcmp(bearer.kind, "api") == 0;
		bearer_wipe(&bearer);
	}
	if (!ok)
		return err_set(err, -EBADMSG, "%s holds no API token", file);
	return 0;
}

static int resolve_remote(const char *url, const struct options *options,
	lookup_fn lookup, struct conf *conf, struct err *err)
{
	const char *pin = options->pin;
	const char *file = options->token_file;
	int r;

	if (!pin)
		pin = env(lookup, "MESHCTL_PIN");
	if (!file)
		file = env(lookup, "MESHCTL_TOKEN_FILE");
	if (!file)
		return err_set(err, -EINVAL,
			"a coordinator elsewhere needs --token-file");
	if (pin && !pin_parse(pin, conf->client.pin))
		return err_set(err, -EINVAL,
			"not a pin (sha256//..., or 64 hex digits): \"%s\"",
			pin);
	r = read_bearer(file, conf->bearer, err);
	if (r < 0)
		return r;
	conf->client.url = url;
	conf->client.has_pin = pin != NULL;
	conf->client.bearer = conf->bearer;
	return 0;
}

static int resolve_place(const struct options *options, lookup_fn lookup,
	struct conf *conf, struct err *err)
{
	const char *socket = options->socket;
	const char *url = options->url;
	bool remote_words = options->pin || options->token_file;

	if (socket && (url || remote_words))
		return err_set(err, -EINVAL,
			"--socket is here, %s is elsewhere: which?",
			url		       ? "--url"
				: options->pin ? "--pin"
					       : "--token-file");
	if (!url && !socket)
		url = env(lookup, "MESHCTL_URL");
	if (url)
		return resolve_remote(url, options, lookup, conf, err);
	if (remote_words)
		return err_set(err, -EINVAL, "%s needs --url",
			options->pin ? "--pin" : "--token-file");
	if (!socket)
		socket = env(lookup, "MESHCTL_SOCKET");
	conf->client.socket = socket ? socket : CONF_SOCKET;
	return 0;
}

int conf_resolve(const struct options *options, lookup_fn lookup, bool is_root,
	struct conf *ret_conf, struct err *err)
{
	int r;

	memset(ret_conf, 0, sizeof(*ret_conf));
	r = resolve_dir(options, lookup, is_root, ret_conf, err);
	if (r < 0)
		return r;
	return resolve_place(options, lookup, ret_conf, err);
}

bool conf_color(lookup_fn lookup, bool is_terminal)
{
	const char *mode = env(lookup, "WG_COLOR_MODE");
	const char *term = env(lookup, "TERM");

	if (env(lookup, "NO_COLOR"))
		return false;
	if (mode && strcmp(mode, "always") == 0)
		return true;
	if (mode && strcmp(mode, "never") == 0)
		return false;
	return is_terminal && !(term && strcmp(term, "dumb") == 0);
}
