/* Distribution: the netmap, whole or as a delta. See message.h. */
#include "config.h"
#include "meshproto/message.h"

#include "meshproto/message_form.h"

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

static const struct jsonr_field node_endpoints_fields[] = {
	JSONR_VALUE("node", struct msg_node_endpoints, node, form_read_id,
		JSONR_REQUIRED),
	JSONR_FIXED("endpoints", struct msg_node_endpoints, endpoints, count,
		form_read_endpoint, JSONR_REQUIRED),
};
MESSAGE_READER(node_endpoints)

static const struct jsonr_field netmap_fields[] = {
	JSONR_VALUE("serial", struct msg_netmap, serial, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_VALUE(
		"full", struct msg_netmap, full, jsonr_bool, JSONR_REQUIRED),
	JSONR_VALUE(
		"since", struct msg_netmap, since, jsonr_uint, JSONR_OPTIONAL),
	JSONR_GROWN("records", struct msg_netmap, records, record_count,
		MSG_RECORDS_MAX, form_read_envelope, JSONR_REQUIRED),
	JSONR_GROWN("withheld", struct msg_netmap, withheld, withheld_count,
		MSG_PEERS_MAX, form_read_id, JSONR_OPTIONAL),
	JSONR_GROWN("endpoints", struct msg_netmap, endpoints, endpoint_count,
		MSG_PEERS_MAX, read_node_endpoints, JSONR_REQUIRED),
};

/* A delta says from where; a full map has nothing to take away. */
static bool read_netmap(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	struct msg_netmap *map = target;

	BUG_ON(size != sizeof(*map));
	if (!jsonr_object(
		    r, value, netmap_fields, ARRAY_SIZE(netmap_fields), map))
		return false;
	if (map->full && (map->since || map->withheld_count))
		return jsonr_fail(
			r, "is a full netmap, and yet has what a delta has");
	if (!map->full && (!map->since || map->since > map->serial))
		return jsonr_fail(r, "is a delta that begins nowhere");
	return true;
}
MESSAGE_DECODE(netmap, message_answer_limits)

void msg_netmap_release(struct msg_netmap *msg)
{
	for (size_t i = 0; i < msg->record_count; i++)
		envelope_free(msg->records[i]);
	free(msg->records);
	free(msg->withheld);
	free(msg->endpoints);
	*msg = (struct msg_netmap){ 0 };
}

static int write_endpoints(struct jsonw *w, const struct msg_netmap *map)
{
	jsonw_key(w, "endpoints");
	jsonw_array_begin(w);
	for (size_t i = 0; i < map->endpoint_count; i++) {
		const struct msg_node_endpoints *node = &map->endpoints[i];

		if (node->count > ARRAY_SIZE(node->endpoints))
			return -EINVAL;
		jsonw_object_begin(w);
		form_write_node_id(w, "node", &node->node);
		form_write_endpoints(
			w, "endpoints", node->endpoints, node->count);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	return 0;
}

int msg_netmap_encode(const struct msg_netmap *msg, struct buf *out)
{
	char text[MESH_ID_TEXT_SIZE];
	struct jsonw w;

	if (msg->record_count > MSG_RECORDS_MAX ||
		msg->withheld_count > MSG_PEERS_MAX ||
		msg->endpoint_count > MSG_PEERS_MAX)
		return -EINVAL;
	message_begin(&w, out);
	jsonw_kv_uint(&w, "serial", msg->serial);
	jsonw_kv_bool(&w, "full", msg->full);
	if (!msg->full)
		jsonw_kv_uint(&w, "since", msg->since);
	jsonw_key(&w, "records");
	jsonw_array_begin(&w);
	for (size_t i = 0; i < msg->record_count; i++)
		form_write_envelope(&w, msg->records[i]);
	jsonw_array_end(&w);
	if (!msg->full) {
		jsonw_key(&w, "withheld");
		jsonw_array_begin(&w);
		for (size_t i = 0; i < msg->withheld_count; i++)
			jsonw_str(&w, node_id_format(&msg->withheld[i], text));
		jsonw_array_end(&w);
	}
	if (write_endpoints(&w, msg) < 0)
		return -EINVAL;
	return message_end(&w);
}
