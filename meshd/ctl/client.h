/*
 * client: one HTTP exchange at a time with a coordinator, over its Unix socket
 * or over https. The only file of meshctl that knows curl. What the
 * coordinator refuses becomes one sentence and a code (ctl.h).
 *
 * A remote coordinator is known by its pin, the SHA-256 of its TLS key; by a
 * certificate of the system's authorities if no pin was given.
 */
#ifndef MESHD_CTL_CLIENT_H
#define MESHD_CTL_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "meshproto/token.h"

#include <stdbool.h>
#include <stdint.h>

struct client_conf {
	const char *socket; /* path, or NULL: URL */
	const char *url;
	bool has_pin;
	uint8_t pin[TOKEN_PIN_SIZE];
	const char *bearer; /* NULL: none, as on the socket */
};
struct client_request {
	const char *method;
	const char *path;	/* "/v1/mesh", already safe for a URL */
	const struct buf *body; /* NULL: none */
	unsigned int wait_sec;	/* how long the answer may be held back */
	size_t answer_max;	/* bytes */
};

struct client;

/* Copies what it needs of CONF. */
WARN_UNUSED int client_new(const struct client_conf *conf,
	struct client **ret_client, struct err *err);
void client_free(struct client *client);
AUTO_DEFINE(struct client, client_free)

/* The body of a 2xx answer in ANSWER. -EHOSTUNREACH, -ENOENT (404, 410),
 * -EEXIST (409, 412), -EACCES (401, 403), -EPROTO (the rest). */
WARN_UNUSED int client_call(struct client *client,
	const struct client_request *request, struct buf *answer,
	struct err *err);

/* "sha256//BASE64" as curl writes it, or 64 hex digits. */
WARN_UNUSED bool pin_parse(
	const char *text, uint8_t ret_pin[static TOKEN_PIN_SIZE]);
#define PIN_TEXT_SIZE (8 + KEY_BASE64_SIZE)
const char *pin_format(const uint8_t pin[static TOKEN_PIN_SIZE],
	char buf[static PIN_TEXT_SIZE]);

#endif
