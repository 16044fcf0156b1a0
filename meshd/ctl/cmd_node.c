/* cmd_node: looks at nodes. What changes them is in cmd_change.c. */
#include "config.h"

#include "meshd/ctl/api.h"
#include "meshd/ctl/ctl.h"
#include "meshd/ctl/show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/banned.h"

int cmd_node_list(struct ctl *ctl, struct err *err)
{
	AUTO(msg_node_list_release) struct msg_node_list list = { 0 };
	AUTO(table_free) struct table *table = NULL;
	struct jsonw w;
	int r = api_node_list(ctl->client, &list, err);

	if (r < 0)
		return r;
	if (ctl->options->json) {
		show_json_begin(&w, &ctl->out);
		jsonw_kv_uint(&w, "serial", list.serial);
		jsonw_key(&w, "nodes");
		jsonw_array_begin(&w);
		for (size_t i = 0; i < list.count; i++) {
			jsonw_object_begin(&w);
			show_json_node(&w, &list.nodes[i]);
			jsonw_object_end(&w);
		}
		jsonw_array_end(&w);
		show_json_end(&w);
		return 0;
	}
	table = show_node_table(&list, &ctl->now);
	if (!table || !table_print(table, ctl->color, &ctl->out))
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* The name that LIST has for NODE; "" if it is gone since. */
static const char *name_of(
	const struct msg_node_list *list, const struct node_id *node)
{
	for (size_t i = 0; i < list->count; i++) {
		if (node_id_equal(&list->nodes[i].node, node))
			return list->nodes[i].name;
	}
	return "";
}

static void json_peers(struct jsonw *w, const struct msg_node_view *node,
	const struct msg_node_list *names)
{
	char id[MESH_ID_TEXT_SIZE], endpoint[ENDPOINT_TEXT_SIZE];

	jsonw_key(w, "peers");
	jsonw_array_begin(w);
	for (size_t i = 0; i < node->peer_count; i++) {
		const struct msg_peer_report *peer = &node->peers[i];

		jsonw_object_begin(w);
		jsonw_kv_str(w, "id", node_id_format(&peer->node, id));
		jsonw_kv_str(w, "name", name_of(names, &peer->node));
		jsonw_kv_str(w, "endpoint",
			endpoint_known(&peer->endpoint)
				? endpoint_format(&peer->endpoint, endpoint)
				: NULL);
		show_json_time(w, "last_handshake", peer->last_handshake);
		jsonw_kv_uint(w, "rx_bytes", peer->rx_bytes);
		jsonw_kv_uint(w, "tx_bytes", peer->tx_bytes);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static struct table *facts_table(
	const struct msg_node_view *node, const struct now *now)
{
	struct table *table = table_new(2, NULL);
	char text[SHOW_LIST_SIZE], age[SHOW_AGE_SIZE];

	if (!table)
		return NULL;
	table_add(table, "name");
	table_add(table, node->name);
	table_add(table, "id");
	table_add(table, node_id_format(&node->node, text));
	table_add(table, "addresses");
	table_add(table, show_nets(node->addresses, node->address_count, text));
	table_add(table, "tags");
	table_add(table, show_tags(node->tags, node->tag_count, text));
	table_add(table, "public key");
	table_add(table, key_format_base64(node->public_key.b, text));
	for (size_t i = 0; i < node->endpoint_count; i++) {
		table_add(table, i ? " " : "endpoints");
		table_add(table, endpoint_format(&node->endpoints[i], text));
	}
	table_add(table, "state");
	table_add_styled(table, node->online ? TABLE_GOOD : TABLE_BAD,
		node->online ? "online" : "offline");
	table_add(table, "last seen");
	table_add(table, show_age(node->last_seen, now, age));
	table_add(table, "applied");
	table_addf(table, "serial %" PRIu64, node->applied);
	return table;
}

static void bytes_cell(struct table *table, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	table_addf(table, unit ? "%.2f %s" : "%.0f %s", value, units[unit]);
}

static struct table *peers_table(const struct msg_node_view *node,
	const struct msg_node_list *names, const struct now *now)
{
	static const char *const heads[] = { "PEER", "ENDPOINT",
		"LAST HANDSHAKE", "RECEIVED", "SENT" };
	struct table *table = table_new(ARRAY_SIZE(heads), heads);
	char text[ENDPOINT_TEXT_SIZE], age[SHOW_AGE_SIZE];

	for (size_t i = 0; table && i < node->peer_count; i++) {
		const struct msg_peer_report *peer = &node->peers[i];
		const char *name = name_of(names, &peer->node);

		table_add(table,
			name[0] ? name : node_id_format(&peer->node, text));
		table_add(table,
			endpoint_known(&peer->endpoint)
				? endpoint_format(&peer->endpoint, text)
				: "");
		table_add(table, show_age(peer->last_handshake, now, age));
		bytes_cell(table, peer->rx_bytes);
		bytes_cell(table, peer->tx_bytes);
	}
	return table;
}

static int show_text(struct ctl *ctl, const struct msg_node_view *node,
	const struct msg_node_list *names, struct err *err)
{
	AUTO(table_free) struct table *facts = facts_table(node, &ctl->now);
	AUTO(table_free)
	struct table *peers = peers_table(node, names, &ctl->now);
	bool ok = facts && peers && table_print(facts, ctl->color, &ctl->out);

	if (ok && node->peer_count > 0) {
		buf_add_str(&ctl->out, "\n");
		ok = table_print(peers, ctl->color, &ctl->out);
	}
	return ok ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int cmd_node_show(struct ctl *ctl, struct err *err)
{
	AUTO(msg_node_view_release) struct msg_node_view node = { 0 };
	AUTO(msg_node_list_release) struct msg_node_list names = { 0 };
	struct jsonw w;
	int r = api_node_get(ctl->client, ctl->operands[0], &node, err);

	if (r == 0 && node.peer_count > 0)
		r = api_node_list(ctl->client, &names, err);
	if (r < 0)
		return r;
	if (!ctl->options->json)
		return show_text(ctl, &node, &names, err);
	show_json_begin(&w, &ctl->out);
	jsonw_key(&w, "node");
	jsonw_object_begin(&w);
	show_json_node(&w, &node);
	json_peers(&w, &node, &names);
	jsonw_object_end(&w);
	show_json_end(&w);
	return 0;
}
