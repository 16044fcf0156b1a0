#include "config.h"
#include "meshproto/message_form.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/banned.h"

const struct jsonr_limits message_request_limits = { MSG_REQUEST_MAX, 4096 };
const struct jsonr_limits message_answer_limits = { MSG_NETMAP_MAX,
	4 * 1024 * 1024 };

void message_begin(struct jsonw *w, struct buf *out)
{
	jsonw_init(w, out, false);
	jsonw_object_begin(w);
	jsonw_kv_str(w, "schema", MESH_SCHEMA);
}

int message_end(struct jsonw *w)
{
	jsonw_object_end(w);
	return buf_failed(w->out) ? -ENOMEM : 0;
}

bool message_read_name_or_none(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);

	if (!text)
		return false;
	if (!*text)
		return str_copy(target, size, "");
	return form_read_name(r, value, target, size);
}

bool message_read_bearer(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);
	AUTO(bearer_wipe) struct bearer bearer = { 0 };

	BUG_ON(size != BEARER_TEXT_SIZE);
	if (!text)
		return false;
	if (!bearer_parse(text, &bearer))
		return jsonr_fail(r, "is not a bearer token");
	return str_copy(target, size, text);
}

static const struct jsonr_field peer_report_fields[] = {
	JSONR_VALUE("node", struct msg_peer_report, node, form_read_id,
		JSONR_REQUIRED),
	JSONR_VALUE("endpoint", struct msg_peer_report, endpoint,
		form_read_endpoint, JSONR_OPTIONAL),
	JSONR_VALUE("last_handshake", struct msg_peer_report, last_handshake,
		form_read_time, JSONR_OPTIONAL),
	JSONR_VALUE("rx_bytes", struct msg_peer_report, rx_bytes, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_VALUE("tx_bytes", struct msg_peer_report, tx_bytes, jsonr_uint,
		JSONR_REQUIRED),
};

bool message_read_peer_report(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	BUG_ON(size != sizeof(struct msg_peer_report));
	return jsonr_object(r, value, peer_report_fields,
		ARRAY_SIZE(peer_report_fields), target);
}

void message_write_envelope(
	struct jsonw *w, const char *name, const struct envelope *env)
{
	if (!env)
		return;
	jsonw_key(w, name);
	form_write_envelope(w, env);
}

void message_write_peer_reports(struct jsonw *w, const char *name,
	const struct msg_peer_report *peers, size_t count)
{
	char text[ENDPOINT_TEXT_SIZE];

	jsonw_key(w, name);
	jsonw_array_begin(w);
	for (size_t i = 0; i < count; i++) {
		const struct msg_peer_report *peer = &peers[i];

		jsonw_object_begin(w);
		form_write_node_id(w, "node", &peer->node);
		if (endpoint_known(&peer->endpoint))
			jsonw_kv_str(w, "endpoint",
				endpoint_format(&peer->endpoint, text));
		form_write_time(w, "last_handshake", peer->last_handshake);
		jsonw_kv_uint(w, "rx_bytes", peer->rx_bytes);
		jsonw_kv_uint(w, "tx_bytes", peer->tx_bytes);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}
