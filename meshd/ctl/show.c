/* show: see show.h. */
#include "config.h"

#include "meshd/ctl/show.h"

#include "meshd/ctl/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

/* ---- times ---- */

static void span_text(int64_t sec, char *buf, size_t size)
{
	if (sec < 120)
		(void)snprintf(buf, size, "%" PRId64 " s", sec);
	else if (sec < 2 * 3600)
		(void)snprintf(buf, size, "%" PRId64 " min", sec / 60);
	else if (sec < 2 * 86400)
		(void)snprintf(buf, size, "%" PRId64 " h", sec / 3600);
	else
		(void)snprintf(buf, size, "%" PRId64 " d", sec / 86400);
}

const char *show_age(
	struct wall then, const struct now *now, char buf[static SHOW_AGE_SIZE])
{
	int64_t sec = (now->wall.ns - then.ns) / NSEC_PER_SEC;
	char span[SHOW_AGE_SIZE - 8];

	if (then.ns <= 0)
		return "unknown";
	if (sec < 1)
		return "now";
	span_text(sec, span, sizeof(span));
	(void)snprintf(buf, SHOW_AGE_SIZE, "%s ago", span);
	return buf;
}

const char *show_until(
	struct wall then, const struct now *now, char buf[static SHOW_AGE_SIZE])
{
	int64_t sec =
		(then.ns - now->wall.ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC;
	char span[SHOW_AGE_SIZE - 8];

	if (then.ns <= now->wall.ns)
		return "expired";
	span_text(sec, span, sizeof(span));
	(void)snprintf(buf, SHOW_AGE_SIZE, "in %s", span);
	return buf;
}

struct wall show_handshake(const struct msg_node_view *node)
{
	struct wall latest = { 0 };

	for (size_t i = 0; i < node->peer_count; i++) {
		if (node->peers[i].last_handshake.ns > latest.ns)
			latest = node->peers[i].last_handshake;
	}
	return latest;
}

/* ---- lists in a cell ---- */

static void list_add(char *buf, size_t size, const char *text)
{
	size_t used = strlen(buf);

	(void)snprintf(buf + used, size - used, "%s%s", used ? ", " : "", text);
}

static const char *net_text(
	const struct ipnet *net, char buf[static IPNET_TEXT_SIZE])
{
	if (net->prefix_len == ip_bits(net->addr.family))
		return ipaddr_format(&net->addr, buf);
	return ipnet_format(net, buf);
}

const char *show_nets(
	const struct ipnet *nets, size_t count, char buf[static SHOW_LIST_SIZE])
{
	char text[IPNET_TEXT_SIZE];

	buf[0] = '\0';
	for (size_t i = 0; i < count; i++)
		list_add(buf, SHOW_LIST_SIZE, net_text(&nets[i], text));
	return buf;
}

const char *show_tags(const char (*tags)[NAME_MAX_LEN + 1], size_t count,
	char buf[static SHOW_LIST_SIZE])
{
	buf[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (strlen(buf) + 3 + strlen(tags[i]) + 5 > SHOW_LIST_SIZE) {
			list_add(buf, SHOW_LIST_SIZE, "...");
			break;
		}
		list_add(buf, SHOW_LIST_SIZE, tags[i]);
	}
	return buf;
}

/* ---- JSON ---- */

void show_json_begin(struct jsonw *w, struct buf *out)
{
	jsonw_init(w, out, true);
	jsonw_object_begin(w);
	jsonw_kv_str(w, "schema", MESH_SCHEMA);
}

void show_json_end(struct jsonw *w)
{
	jsonw_object_end(w);
	buf_add_str(w->out, "\n");
}

void show_json_time(struct jsonw *w, const char *key, struct wall t)
{
	char text[TIME_TEXT_SIZE];

	jsonw_kv_str(w, key, t.ns > 0 ? wall_format(t, text) : NULL);
}

void show_json_nets(struct jsonw *w, const char *key, const struct ipnet *nets,
	size_t count)
{
	char text[IPNET_TEXT_SIZE];

	jsonw_key(w, key);
	jsonw_array_begin(w);
	for (size_t i = 0; i < count; i++)
		jsonw_str(w, net_text(&nets[i], text));
	jsonw_array_end(w);
}

void show_json_strings(struct jsonw *w, const char *key, const char *first,
	size_t stride, size_t count)
{
	jsonw_key(w, key);
	jsonw_array_begin(w);
	for (size_t i = 0; i < count; i++)
		jsonw_str(w, first + i * stride);
	jsonw_array_end(w);
}

void show_json_mesh(struct jsonw *w, const struct msg_mesh_view *view,
	const struct record_mesh *mesh)
{
	char id[MESH_ID_TEXT_SIZE], pin[PIN_TEXT_SIZE];

	jsonw_key(w, "mesh");
	jsonw_object_begin(w);
	jsonw_kv_str(w, "id", mesh_id_format(&view->mesh, id));
	jsonw_kv_str(w, "name", view->name);
	show_json_nets(w, "prefixes", mesh ? mesh->prefixes : NULL,
		mesh ? mesh->prefix_count : 0);
	jsonw_kv_uint(w, "serial", view->serial);
	jsonw_kv_uint(w, "node_count", view->node_count);
	jsonw_kv_str(w, "url", view->url);
	jsonw_kv_str(w, "pin", pin_format(view->pin, pin));
	jsonw_kv_str(w, "version", view->version);
	jsonw_object_end(w);
}

void show_json_node(struct jsonw *w, const struct msg_node_view *node)
{
	char id[MESH_ID_TEXT_SIZE], key[KEY_BASE64_SIZE];
	char endpoint[ENDPOINT_TEXT_SIZE];

	jsonw_kv_str(w, "id", node_id_format(&node->node, id));
	jsonw_kv_str(w, "name", node->name);
	show_json_nets(w, "addresses", node->addresses, node->address_count);
	show_json_strings(w, "tags", node->tags[0], sizeof(node->tags[0]),
		node->tag_count);
	jsonw_kv_str(
		w, "public_key", key_format_base64(node->public_key.b, key));
	jsonw_key(w, "endpoints");
	jsonw_array_begin(w);
	for (size_t i = 0; i < node->endpoint_count; i++)
		jsonw_str(w, endpoint_format(&node->endpoints[i], endpoint));
	jsonw_array_end(w);
	jsonw_kv_bool(w, "online", node->online);
	show_json_time(w, "last_seen", node->last_seen);
	show_json_time(w, "last_handshake", show_handshake(node));
	jsonw_kv_uint(w, "applied", node->applied);
}

/* ---- the table of nodes ---- */

static void add_state(struct table *table, const struct msg_node_view *node,
	const struct now *now)
{
	char age[SHOW_AGE_SIZE], text[SHOW_AGE_SIZE + 16];

	if (node->online) {
		table_add_styled(table, TABLE_GOOD, "online");
	} else if (node->last_seen.ns <= 0) {
		table_add_styled(table, TABLE_DIM, "unknown");
	} else {
		(void)snprintf(text, sizeof(text), "seen %s",
			show_age(node->last_seen, now, age));
		table_add_styled(table, TABLE_BAD, text);
	}
}

struct table *show_node_table(
	const struct msg_node_list *list, const struct now *now)
{
	static const char *const heads[] = { "NAME", "ADDRESSES", "ENDPOINT",
		"STATE", "APPLIED", "LAST HANDSHAKE" };
	struct table *table = table_new(ARRAY_SIZE(heads), heads);
	char text[SHOW_LIST_SIZE], age[SHOW_AGE_SIZE];
	struct wall handshake;

	for (size_t i = 0; table && i < list->count; i++) {
		const struct msg_node_view *node = &list->nodes[i];

		table_add(table, node->name);
		table_add(table,
			show_nets(node->addresses, node->address_count, text));
		table_add(table,
			node->endpoint_count
				? endpoint_format(&node->endpoints[0], text)
				: "");
		add_state(table, node, now);
		if (node->applied >= list->serial)
			table_add(table, "yes");
		else
			table_addf(table, "%" PRIu64 " of %" PRIu64,
				node->applied, list->serial);
		handshake = show_handshake(node);
		table_add(table,
			handshake.ns > 0 ? show_age(handshake, now, age) : "");
	}
	return table;
}
