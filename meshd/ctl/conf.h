/*
 * conf: where the operator's key and the coordinator are: options first, then
 * the environment, then the defaults. Reads the API token's file.
 */
#ifndef MESHD_CTL_CONF_H
#define MESHD_CTL_CONF_H

#include "base/err.h"
#include "meshd/ctl/ctl.h"
#include "meshd/ctl/client.h"
#include "meshd/ctl/opkey.h"
#include "meshproto/token.h"

#define CONF_SOCKET   "/run/meshd/meshd.sock"
#define CONF_ROOT_DIR "/etc/meshctl"

struct conf {
	char dir[OPKEY_PATH_MAX];
	struct client_conf
		client; /* points into options, environment, bearer */
	char bearer[BEARER_TEXT_SIZE];
};
void conf_wipe(struct conf *conf);

/* LOOKUP is getenv(), or a test's. IS_ROOT decides DIR's default. */
WARN_UNUSED int conf_resolve(const struct options *options,
	char *(*lookup)(const char *name), bool is_root, struct conf *ret_conf,
	struct err *err);

/* Colours: WG_COLOR_MODE (always, never, auto), NO_COLOR, and only for a
 * terminal that is not dumb. */
bool conf_color(char *(*lookup)(const char *name), bool is_terminal);

#endif
