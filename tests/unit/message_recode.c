#include "config.h"
#include "message_recode.h"

#include "meshproto/message.h"
#include "meshproto/message_agent.h"

#include "base/banned.h"

#define RECODE(name)                                                           \
	int recode_##name(const char *json, size_t len, struct buf *out,       \
		struct err *err)                                               \
	{                                                                      \
		struct msg_##name msg;                                         \
		int r = msg_##name##_decode(json, len, &msg, err);             \
                                                                               \
		if (r < 0)                                                     \
			return r;                                              \
		r = msg_##name##_encode(&msg, out);                            \
		msg_##name##_release(&msg);                                    \
		/* released twice is harmless */                               \
		msg_##name##_release(&msg);                                    \
		return r;                                                      \
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
