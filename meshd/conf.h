/*
 * conf: what meshd was told on its command line, checked and completed. Texts
 * are borrowed from argv or made here.
 */
#ifndef MESHD_CONF_H
#define MESHD_CONF_H

#include "base/auto.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "meshproto/token.h"

#include <stdbool.h>

#define CONF_STATE_DIR "/var/lib/meshd"
#define CONF_SOCKET    "/run/meshd/meshd.sock"
#define CONF_LISTEN    "[::]:7443"

struct conf {
	/* as given, or the default */
	const char *state_dir;
	const char *socket;
	const char *listen;
	const char *url;      /* NULL: from the host's name */
	const char *pid_file; /* NULL: none */
	bool daemon;
	/* made of them */
	struct endpoint listen_at;
	char url_text[TOKEN_URL_MAX + 1];
};

struct conf conf_default(void);
/* Fills what is made of the rest; HOSTNAME is the host's. -EINVAL. */
WARN_UNUSED int conf_complete(
	struct conf *conf, const char *hostname, struct err *err);
/* "https://HOST[:PORT]" and no more: agents put the paths behind it. */
bool conf_url_valid(const char *url);

#endif
