/* Nodes as operators see and change them: see message.h. */
#include "config.h"
#include "meshproto/message.h"

#include "meshproto/message_form.h"

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

static const struct jsonr_field node_view_fields[] = {
	JSONR_VALUE("node", struct msg_node_view, node, form_read_id,
		JSONR_REQUIRED),
	JSONR_VALUE("name", struct msg_node_view, name, form_read_name,
		JSONR_REQUIRED),
	JSONR_VALUE("membership", struct msg_node_view, membership,
		form_read_envelope, JSONR_REQUIRED),
	JSONR_VALUE("grant", struct msg_node_view, grant, form_read_envelope,
		JSONR_OPTIONAL),
	JSONR_VALUE("public_key", struct msg_node_view, public_key,
		form_read_key, JSONR_OPTIONAL),
	JSONR_FIXED("addresses", struct msg_node_view, addresses, address_count,
		form_read_net, JSONR_REQUIRED),
	JSONR_FIXED("tags", struct msg_node_view, tags, tag_count,
		form_read_name, JSONR_REQUIRED),
	JSONR_FIXED("endpoints", struct msg_node_view, endpoints,
		endpoint_count, form_read_endpoint, JSONR_REQUIRED),
	JSONR_VALUE("online", struct msg_node_view, online, jsonr_bool,
		JSONR_REQUIRED),
	JSONR_VALUE("last_seen", struct msg_node_view, last_seen,
		form_read_time, JSONR_OPTIONAL),
	JSONR_VALUE("applied", struct msg_node_view, applied, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_GROWN("peers", struct msg_node_view, peers, peer_count,
		MSG_REPORT_PEERS_MAX, message_read_peer_report, JSONR_REQUIRED),
};
MESSAGE_READER(node_view)
MESSAGE_DECODE(node_view, message_answer_limits)

void msg_node_view_release(struct msg_node_view *msg)
{
	envelope_free(msg->membership);
	envelope_free(msg->grant);
	free(msg->peers);
	*msg = (struct msg_node_view){ 0 };
}

static int write_node(struct jsonw *w, const struct msg_node_view *msg)
{
	if (!msg->membership ||
		msg->address_count > ARRAY_SIZE(msg->addresses) ||
		msg->tag_count > ARRAY_SIZE(msg->tags) ||
		msg->endpoint_count > ARRAY_SIZE(msg->endpoints) ||
		msg->peer_count > MSG_REPORT_PEERS_MAX)
		return -EINVAL;
	form_write_node_id(w, "node", &msg->node);
	jsonw_kv_str(w, "name", msg->name);
	message_write_envelope(w, "membership", msg->membership);
	message_write_envelope(w, "grant", msg->grant);
	if (!key_is_zero(msg->public_key.b))
		form_write_key(w, "public_key", msg->public_key.b);
	form_write_nets(w, "addresses", msg->addresses, msg->address_count);
	form_write_names(w, "tags", msg->tags, msg->tag_count);
	form_write_endpoints(
		w, "endpoints", msg->endpoints, msg->endpoint_count);
	jsonw_kv_bool(w, "online", msg->online);
	form_write_time(w, "last_seen", msg->last_seen);
	jsonw_kv_uint(w, "applied", msg->applied);
	message_write_peer_reports(w, "peers", msg->peers, msg->peer_count);
	return 0;
}

int msg_node_view_encode(const struct msg_node_view *msg, struct buf *out)
{
	struct jsonw w;

	message_begin(&w, out);
	if (write_node(&w, msg) < 0)
		return -EINVAL;
	return message_end(&w);
}

static const struct jsonr_field node_list_fields[] = {
	JSONR_VALUE("serial", struct msg_node_list, serial, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_GROWN("nodes", struct msg_node_list, nodes, count, MSG_PEERS_MAX,
		read_node_view, JSONR_REQUIRED),
};
MESSAGE_READER(node_list)
MESSAGE_DECODE(node_list, message_answer_limits)

void msg_node_list_release(struct msg_node_list *msg)
{
	for (size_t i = 0; i < msg->count; i++)
		msg_node_view_release(&msg->nodes[i]);
	free(msg->nodes);
	*msg = (struct msg_node_list){ 0 };
}

int msg_node_list_encode(const struct msg_node_list *msg, struct buf *out)
{
	struct jsonw w;

	if (msg->count > MSG_PEERS_MAX)
		return -EINVAL;
	message_begin(&w, out);
	jsonw_kv_uint(&w, "serial", msg->serial);
	jsonw_key(&w, "nodes");
	jsonw_array_begin(&w);
	for (size_t i = 0; i < msg->count; i++) {
		jsonw_object_begin(&w);
		if (write_node(&w, &msg->nodes[i]) < 0)
			return -EINVAL;
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	return message_end(&w);
}

static const struct jsonr_field record_fields[] = {
	JSONR_VALUE("record", struct msg_record, record, form_read_envelope,
		JSONR_REQUIRED),
};
MESSAGE_READER(record)
MESSAGE_DECODE(record, message_request_limits)

void msg_record_release(struct msg_record *msg)
{
	envelope_free(msg->record);
	*msg = (struct msg_record){ 0 };
}

int msg_record_encode(const struct msg_record *msg, struct buf *out)
{
	struct jsonw w;

	if (!msg->record)
		return -EINVAL;
	message_begin(&w, out);
	message_write_envelope(&w, "record", msg->record);
	return message_end(&w);
}

static const struct jsonr_field applied_fields[] = {
	JSONR_VALUE("serial", struct msg_applied, serial, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_VALUE("pending", struct msg_applied, pending, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_VALUE("waiting_for", struct msg_applied, waiting_for,
		message_read_name_or_none, JSONR_REQUIRED),
};
MESSAGE_READER(applied)
MESSAGE_DECODE(applied, message_answer_limits)

void msg_applied_release(struct msg_applied *msg)
{
	*msg = (struct msg_applied){ 0 };
}

int msg_applied_encode(const struct msg_applied *msg, struct buf *out)
{
	struct jsonw w;

	message_begin(&w, out);
	jsonw_kv_uint(&w, "serial", msg->serial);
	jsonw_kv_uint(&w, "pending", msg->pending);
	jsonw_kv_str(&w, "waiting_for", msg->waiting_for);
	return message_end(&w);
}
