/*
 * The first byte picks a message, the rest is its text. What decodes must
 * encode to a text that decodes and encodes to itself.
 */
#include "config.h"
#include "meshproto/message.h"
#include "meshproto/message_agent.h"

#include <sodium.h>
#include <string.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECODE(name)                                                           \
	static int recode_##name(                                              \
		const char *json, size_t len, struct buf *out)                 \
	{                                                                      \
		struct msg_##name msg;                                         \
		struct err err = { 0 };                                        \
		int r = msg_##name##_decode(json, len, &msg, &err);            \
                                                                               \
		BUG_ON((r < 0) != (*err.msg != '\0'));                         \
		if (r < 0)                                                     \
			return r;                                              \
		BUG_ON(msg_##name##_encode(&msg, out) != 0);                   \
		msg_##name##_release(&msg);                                    \
		return 0;                                                      \
	}
RECODE(enroll_request)
RECODE(enroll_offer)
RECODE(enroll_complete)
RECODE(netmap)
RECODE(report)
RECODE(mesh_view)
RECODE(token_create)
RECODE(token_view)
RECODE(token_list)
RECODE(node_view)
RECODE(node_list)
RECODE(record)
RECODE(applied)
RECODE(problem)
RECODE(agent_request)
RECODE(agent_status)

static int (*const recodes[])(const char *json, size_t len, struct buf *out) = {
	recode_enroll_request,
	recode_enroll_offer,
	recode_enroll_complete,
	recode_netmap,
	recode_report,
	recode_mesh_view,
	recode_token_create,
	recode_token_view,
	recode_token_list,
	recode_node_view,
	recode_node_list,
	recode_record,
	recode_applied,
	recode_problem,
	recode_agent_request,
	recode_agent_status,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_release) struct buf first = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(buf_release) struct buf second = BUF_INIT(MSG_NETMAP_MAX);
	size_t which;

	if (!size || sodium_init() < 0)
		return 0;
	which = data[0] % ARRAY_SIZE(recodes);
	/* cast: fuzzed bytes as the text they may be */
	if (recodes[which]((const char *)data + 1, size - 1, &first) < 0)
		return 0;
	BUG_ON(recodes[which](first.data, first.len, &second) != 0);
	BUG_ON(strcmp(first.data, second.data) != 0);
	return 0;
}
