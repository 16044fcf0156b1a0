/*
 * api_report: what an agent says of itself (api.h). Most of it stays in memory;
 * only endpoints that really changed are written, told and counted as a change.
 */
#include "config.h"

#include "meshd/api.h"

#include "meshd/reply.h"
#include "meshd/store.h"

#include <string.h>

#include "base/banned.h"

/* An address that says something to other hosts. */
static bool is_of_use(const struct endpoint *ep)
{
	const uint8_t *b = ep->addr.b;
	static const uint8_t loopback6[16] = { [15] = 1 };
	static const uint8_t any6[16] = { 0 };

	if (ep->port == 0)
		return false;
	switch (ep->addr.family) {
	case IP_V4:
		return b[0] != 0 && b[0] != 127 && b[0] < 224 &&
			!(b[0] == 169 && b[1] == 254);
	case IP_V6:
		return memcmp(b, loopback6, 16) != 0 &&
			memcmp(b, any6, 16) != 0 && b[0] != 0xff &&
			!(b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
	case IP_NONE:
		break;
	}
	return false;
}

static void add(struct msg_node_endpoints *at, const struct endpoint *ep)
{
	if (!is_of_use(ep) || at->count == MSG_ENDPOINTS_MAX)
		return;
	for (size_t i = 0; i < at->count; i++)
		if (endpoint_equal(&at->endpoints[i], ep))
			return;
	at->endpoints[at->count++] = *ep;
}

/* First where the report came from, which a NAT's far side sees as well. */
static void gather(const struct api_request *request,
	const struct msg_report *report, struct msg_node_endpoints *at)
{
	struct endpoint observed = { .addr = request->from,
		.port = report->listen_port };

	add(at, &observed);
	for (size_t i = 0; i < report->endpoint_count; i++)
		add(at, &report->endpoints[i]);
}

static bool equal(
	const struct msg_node_endpoints *a, const struct msg_node_endpoints *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!endpoint_equal(&a->endpoints[i], &b->endpoints[i]))
			return false;
	return true;
}

static int put_endpoints(struct api_call *call,
	const struct msg_node_endpoints *at, struct err *err)
{
	struct meshd *meshd = call->meshd;
	AUTO(change_rollback) struct change change = { 0 };
	struct msg_node_endpoints known;
	int r = store_endpoint_find(meshd->store, &at->node, &known, err);

	if (r < 0 || equal(&known, at))
		return r;
	r = change_begin(meshd, call->now, &change, err);
	if (r == 0)
		r = store_endpoint_put(meshd->store, at, change.serial, err);
	return r < 0 ? r : change_commit(&change, err);
}

void api_report(struct api_call *call)
{
	const struct api_request *request = call->request;
	const struct node_id *id = &call->caller.node.id;
	AUTO(msg_report_release) struct msg_report report = { 0 };
	struct msg_node_endpoints at = { .node = *id };
	struct err err = { 0 };
	int r;

	if (msg_report_decode(request->body, request->body_len, &report, &err) <
		0) {
		reply_malformed(call, &err);
		return;
	}
	gather(request, &report, &at);
	meshd_on_report(call->meshd, id, &report, call->now);
	r = put_endpoints(call, &at, &err);
	if (r < 0)
		reply_failed(call, r, &err);
	else
		reply_empty(call);
}
