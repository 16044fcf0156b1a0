/*
 * fuzz_agent: any bytes as what an agent reads: the first says which.
 *
 *   c  agent.conf: what is taken, formats to what is taken again, the same
 *   n  a netmap, merged into a roster: nobody is believed whom no operator
 *      signed; what the roster is saved as can be read again
 *   q  a request, s  an answer on the control socket: as c
 */
#include "config.h"

#include "agent/conf.h"
#include "agent/roster.h"
#include "meshproto/message_agent.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX ((size_t)1 << 20)

static void same(const struct buf *a, const struct buf *b)
{
	BUG_ON(buf_failed(a) || buf_failed(b));
	BUG_ON(a->len != b->len || memcmp(a->data, b->data, a->len) != 0);
}

static void try_conf(const char *text)
{
	AUTO(buf_release) struct buf one = BUF_INIT(TEXT_MAX);
	AUTO(buf_release) struct buf two = BUF_INIT(TEXT_MAX);
	struct agent_conf conf;
	struct err err = { 0 };

	if (agent_conf_parse(text, &conf, &err) < 0) {
		BUG_ON(err.msg[0] == '\0');
		return;
	}
	agent_conf_format(&conf, &one);
	BUG_ON(agent_conf_parse(buf_str(&one), &conf, &err) < 0);
	agent_conf_format(&conf, &two);
	same(&one, &two);
}

static void try_netmap(const char *text, size_t len)
{
	static const struct signpub op = { { 9 } };
	static const struct node_id self = { { 1 } };
	AUTO(buf_release) struct buf saved = BUF_INIT(TEXT_MAX);
	AUTO(roster_free) struct roster *roster = roster_new(&op, &self);
	AUTO(roster_free) struct roster *again = roster_new(&op, &self);
	struct now now = { .wall = { INT64_C(1800000000) * NSEC_PER_SEC } };
	struct msg_netmap map;
	struct err err = { 0 };
	bool changed;

	if (!roster || !again || msg_netmap_decode(text, len, &map, &err) < 0)
		return;
	if (roster_merge(roster, &map, &now, NULL, NULL, &changed, &err) == 0) {
		BUG_ON(roster_mesh(roster) || roster_has_self(roster));
		for (size_t i = 0; i < trust_node_count(roster_trust(roster));
			i++)
			BUG_ON(roster_at(roster, i).verified.membership);
	}
	msg_netmap_release(&map);
	BUG_ON(roster_encode(roster, &saved) < 0);
	BUG_ON(msg_netmap_decode(saved.data, saved.len, &map, &err) < 0);
	BUG_ON(roster_restore(again, &map, &now, NULL, NULL, &err) < 0);
	msg_netmap_release(&map);
}

static void try_request(const char *text, size_t len)
{
	AUTO(buf_release) struct buf one = BUF_INIT(TEXT_MAX);
	struct msg_agent_request request;

	if (msg_agent_request_decode(text, len, &request, NULL) < 0)
		return;
	BUG_ON(msg_agent_request_encode(&request, &one) < 0);
	msg_agent_request_release(&request);
	BUG_ON(msg_agent_request_decode(one.data, one.len, &request, NULL) < 0);
}

static void try_status(const char *text, size_t len)
{
	AUTO(buf_release) struct buf one = BUF_INIT(TEXT_MAX);
	AUTO(buf_release) struct buf two = BUF_INIT(TEXT_MAX);
	struct msg_agent_status status;

	if (msg_agent_status_decode(text, len, &status, NULL) < 0)
		return;
	BUG_ON(msg_agent_status_encode(&status, &one) < 0);
	msg_agent_status_release(&status);
	BUG_ON(msg_agent_status_decode(one.data, one.len, &status, NULL) < 0);
	BUG_ON(msg_agent_status_encode(&status, &two) < 0);
	msg_agent_status_release(&status);
	same(&one, &two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(free_ptr) char *text = NULL;

	if (size < 1)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0]) {
	case 'c':
		try_conf(text);
		break;
	case 'n':
		try_netmap(text, size - 1);
		break;
	case 'q':
		try_request(text, size - 1);
		break;
	case 's':
		try_status(text, size - 1);
		break;
	default:
		return -1;
	}
	return 0;
}
