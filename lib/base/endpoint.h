/*
 * endpoint: where a UDP datagram comes from or goes to.
 */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

#include "base/ipnet.h"

struct endpoint {
	struct ipaddr addr; /* family IP_NONE: unknown */
	uint16_t port;	    /* host order */
	uint32_t scope_id;  /* IPv6 link-local interface, else 0 */
};

#define ENDPOINT_TEXT_SIZE 80

bool endpoint_known(const struct endpoint *ep);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* "1.2.3.4:51820", "[fe80::1%3]:51820"; numeric only, port 1-65535. */
WARN_UNUSED bool endpoint_parse(const char *text, struct endpoint *ret_ep);
const char *endpoint_format(const struct endpoint *ep,
	char buf[static ENDPOINT_TEXT_SIZE]); /* "(none)" when unknown */

#endif
