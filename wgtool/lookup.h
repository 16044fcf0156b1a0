/*
 * lookup: names to numbers and back: hosts, services, scopes. May block on DNS.
 * Sentences are those of wg(8); waiting for a name server is told on stderr.
 */
#ifndef WGTOOL_LOOKUP_H
#define WGTOOL_LOOKUP_H

#include "base/endpoint.h"
#include "base/err.h"

/* "host:port", "[address]:port". Tries again WG_ENDPOINT_RESOLUTION_RETRIES
 * times while the failure may pass. ARG is not used. */
bool lookup_endpoint(
	void *arg, const char *text, struct endpoint *ret_ep, struct err *err);
/* A number or a service. ARG is not used. */
bool lookup_port(
	void *arg, const char *text, uint16_t *ret_port, struct err *err);

/* Interface name to index, 0: none. */
uint32_t lookup_scope_index(const char *ifname);
/* endpoint_format() with the name of the scope, if it has one. */
const char *lookup_endpoint_text(
	const struct endpoint *ep, char buf[static ENDPOINT_TEXT_SIZE]);

#endif
