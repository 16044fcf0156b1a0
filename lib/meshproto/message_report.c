/* What an agent tells the coordinator: see message.h. */
#include "config.h"
#include "meshproto/message.h"

#include "meshproto/message_form.h"

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

static const struct jsonr_field report_fields[] = {
	JSONR_VALUE("applied", struct msg_report, applied, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_VALUE("listen_port", struct msg_report, listen_port, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_FIXED("endpoints", struct msg_report, endpoints, endpoint_count,
		form_read_endpoint, JSONR_REQUIRED),
	JSONR_GROWN("peers", struct msg_report, peers, peer_count,
		MSG_REPORT_PEERS_MAX, message_read_peer_report, JSONR_REQUIRED),
};
MESSAGE_READER(report)
MESSAGE_DECODE(report, message_request_limits)

void msg_report_release(struct msg_report *msg)
{
	free(msg->peers);
	*msg = (struct msg_report){ 0 };
}

int msg_report_encode(const struct msg_report *msg, struct buf *out)
{
	size_t peers = msg->peer_count;
	struct jsonw w;

	if (msg->endpoint_count > ARRAY_SIZE(msg->endpoints))
		return -EINVAL;
	if (peers > MSG_REPORT_PEERS_MAX)
		peers = MSG_REPORT_PEERS_MAX;
	message_begin(&w, out);
	jsonw_kv_uint(&w, "applied", msg->applied);
	jsonw_kv_uint(&w, "listen_port", msg->listen_port);
	form_write_endpoints(
		&w, "endpoints", msg->endpoints, msg->endpoint_count);
	message_write_peer_reports(&w, "peers", msg->peers, peers);
	return message_end(&w);
}
