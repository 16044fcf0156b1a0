/*
 * conf: agent.conf, what a node knows of its mesh besides keys and records.
 * "key = value" lines, '#' comments; unknown keys are errors. One table parses
 * and formats: parse(format(x)) == x. Pure.
 */
#ifndef AGENT_CONF_H
#define AGENT_CONF_H

#include "base/buf.h"
#include "base/err.h"
#include "base/key.h"
#include "base/num.h"
#include "meshproto/token.h"

#include <stdint.h>

struct agent_conf {
	struct signpub operator_key; /* pinned: the mesh's root */
	char url[TOKEN_URL_MAX + 1];
	uint8_t pin[TOKEN_PIN_SIZE];
	char name[NAME_MAX_LEN + 1]; /* as asked for when joining */
	uint16_t listen_port;	     /* 0: not chosen yet */
};

/* -EBADMSG, with ERR telling the line and quoting what is wrong in it. */
WARN_UNUSED int agent_conf_parse(
	const char *text, struct agent_conf *ret_conf, struct err *err);
void agent_conf_format(const struct agent_conf *conf, struct buf *out);

#endif
