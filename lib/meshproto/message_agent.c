/* An agent and its own host: see message_agent.h. */
#include "config.h"
#include "meshproto/message_agent.h"

#include "meshproto/message_form.h"

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

static const struct jsonr_field agent_request_fields[] = {
	JSONR_VALUE("command", struct msg_agent_request, command, jsonr_str,
		JSONR_REQUIRED),
};
MESSAGE_READER(agent_request)
MESSAGE_DECODE(agent_request, message_request_limits)

void msg_agent_request_release(struct msg_agent_request *msg)
{
	*msg = (struct msg_agent_request){ 0 };
}

int msg_agent_request_encode(
	const struct msg_agent_request *msg, struct buf *out)
{
	struct jsonw w;

	message_begin(&w, out);
	jsonw_kv_str(&w, "command", msg->command);
	return message_end(&w);
}

static const struct jsonr_field agent_peer_fields[] = {
	JSONR_VALUE("node", struct msg_agent_peer, node, form_read_id,
		JSONR_REQUIRED),
	JSONR_VALUE("name", struct msg_agent_peer, name, form_read_name,
		JSONR_REQUIRED),
	JSONR_FIXED("addresses", struct msg_agent_peer, addresses,
		address_count, form_read_net, JSONR_REQUIRED),
	JSONR_VALUE("public_key", struct msg_agent_peer, public_key,
		form_read_key, JSONR_REQUIRED),
	JSONR_VALUE("endpoint", struct msg_agent_peer, endpoint,
		form_read_endpoint, JSONR_OPTIONAL),
	JSONR_VALUE("last_handshake", struct msg_agent_peer, last_handshake,
		form_read_time_or_null, JSONR_OPTIONAL),
	JSONR_VALUE("rx_bytes", struct msg_agent_peer, rx_bytes, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_VALUE("tx_bytes", struct msg_agent_peer, tx_bytes, jsonr_uint,
		JSONR_REQUIRED),
};
MESSAGE_READER(agent_peer)

static const struct jsonr_field agent_status_fields[] = {
	JSONR_VALUE("pid", struct msg_agent_status, pid, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_VALUE("version", struct msg_agent_status, version, jsonr_str,
		JSONR_REQUIRED),
	JSONR_VALUE("node", struct msg_agent_status, node, form_read_id,
		JSONR_REQUIRED),
	JSONR_VALUE("name", struct msg_agent_status, name, form_read_name,
		JSONR_REQUIRED),
	JSONR_VALUE("mesh", struct msg_agent_status, mesh, form_read_id,
		JSONR_REQUIRED),
	JSONR_VALUE("mesh_name", struct msg_agent_status, mesh_name,
		message_read_name_or_none, JSONR_REQUIRED),
	JSONR_VALUE("interface", struct msg_agent_status, interface, jsonr_str,
		JSONR_REQUIRED),
	JSONR_VALUE("public_key", struct msg_agent_status, public_key,
		form_read_key, JSONR_REQUIRED),
	JSONR_VALUE("listen_port", struct msg_agent_status, listen_port,
		jsonr_uint, JSONR_REQUIRED),
	JSONR_VALUE("mtu", struct msg_agent_status, mtu, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_FIXED("addresses", struct msg_agent_status, addresses,
		address_count, form_read_net, JSONR_REQUIRED),
	JSONR_VALUE("coordinator", struct msg_agent_status, coordinator,
		jsonr_str, JSONR_REQUIRED),
	JSONR_VALUE("reachable", struct msg_agent_status, reachable, jsonr_bool,
		JSONR_REQUIRED),
	JSONR_VALUE("reachable_since", struct msg_agent_status, reachable_since,
		form_read_time, JSONR_OPTIONAL),
	JSONR_VALUE("problem", struct msg_agent_status, problem, jsonr_str,
		JSONR_REQUIRED),
	JSONR_VALUE("serial", struct msg_agent_status, serial, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_GROWN("peers", struct msg_agent_status, peers, peer_count,
		MSG_PEERS_MAX, read_agent_peer, JSONR_REQUIRED),
};
MESSAGE_READER(agent_status)
MESSAGE_DECODE(agent_status, message_answer_limits)

void msg_agent_status_release(struct msg_agent_status *msg)
{
	free(msg->peers);
	*msg = (struct msg_agent_status){ 0 };
}

static void write_peer(struct jsonw *w, const struct msg_agent_peer *peer)
{
	char text[ENDPOINT_TEXT_SIZE];

	jsonw_object_begin(w);
	form_write_node_id(w, "node", &peer->node);
	jsonw_kv_str(w, "name", peer->name);
	form_write_nets(w, "addresses", peer->addresses, peer->address_count);
	form_write_key(w, "public_key", peer->public_key.b);
	if (endpoint_known(&peer->endpoint))
		jsonw_kv_str(
			w, "endpoint", endpoint_format(&peer->endpoint, text));
	form_write_time_or_null(w, "last_handshake", peer->last_handshake);
	jsonw_kv_uint(w, "rx_bytes", peer->rx_bytes);
	jsonw_kv_uint(w, "tx_bytes", peer->tx_bytes);
	jsonw_object_end(w);
}

int msg_agent_status_encode(const struct msg_agent_status *msg, struct buf *out)
{
	struct jsonw w;

	if (msg->address_count > ARRAY_SIZE(msg->addresses) ||
		msg->peer_count > MSG_PEERS_MAX)
		return -EINVAL;
	message_begin(&w, out);
	jsonw_kv_uint(&w, "pid", msg->pid);
	jsonw_kv_str(&w, "version", msg->version);
	form_write_node_id(&w, "node", &msg->node);
	jsonw_kv_str(&w, "name", msg->name);
	form_write_mesh_id(&w, "mesh", &msg->mesh);
	jsonw_kv_str(&w, "mesh_name", msg->mesh_name);
	jsonw_kv_str(&w, "interface", msg->interface);
	form_write_key(&w, "public_key", msg->public_key.b);
	jsonw_kv_uint(&w, "listen_port", msg->listen_port);
	jsonw_kv_uint(&w, "mtu", msg->mtu);
	form_write_nets(&w, "addresses", msg->addresses, msg->address_count);
	jsonw_kv_str(&w, "coordinator", msg->coordinator);
	jsonw_kv_bool(&w, "reachable", msg->reachable);
	form_write_time(&w, "reachable_since", msg->reachable_since);
	jsonw_kv_str(&w, "problem", msg->problem);
	jsonw_kv_uint(&w, "serial", msg->serial);
	jsonw_key(&w, "peers");
	jsonw_array_begin(&w);
	for (size_t i = 0; i < msg->peer_count; i++)
		write_peer(&w, &msg->peers[i]);
	jsonw_array_end(&w);
	return message_end(&w);
}
