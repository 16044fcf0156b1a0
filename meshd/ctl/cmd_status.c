/* cmd_status: the mesh at a glance; with --check, a verdict. */
#include "config.h"

#include "meshd/ctl/api.h"
#include "meshd/ctl/client.h"
#include "meshd/ctl/ctl.h"
#include "meshd/ctl/show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/banned.h"

static size_t count_online(const struct msg_node_list *list)
{
	size_t online = 0;

	for (size_t i = 0; i < list->count; i++)
		online += list->nodes[i].online;
	return online;
}

/* -EAGAIN and the first node that is not as it should be. */
static int check(const struct msg_node_list *list, struct err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct msg_node_view *node = &list->nodes[i];

		if (!node->online)
			return err_set(
				err, -EAGAIN, "%s is not online", node->name);
		if (node->applied < list->serial)
			return err_set(err, -EAGAIN,
				"%s has applied serial %" PRIu64 " of %" PRIu64,
				node->name, node->applied, list->serial);
	}
	return 0;
}

static int show_text(struct ctl *ctl, const struct msg_mesh_view *view,
	const struct record_mesh *mesh, const struct msg_node_list *list,
	struct err *err)
{
	AUTO(table_free) struct table *facts = table_new(2, NULL);
	AUTO(table_free) struct table *nodes = show_node_table(list, &ctl->now);
	char text[SHOW_LIST_SIZE];
	bool ok = facts && nodes;

	if (ok) {
		table_add(facts, "mesh");
		table_addf(facts, "%s (%s)", view->name,
			mesh_id_format(&view->mesh, text));
		table_add(facts, "prefixes");
		if (mesh)
			table_add(facts,
				show_nets(mesh->prefixes, mesh->prefix_count,
					text));
		else
			table_add_styled(facts, TABLE_BAD,
				"the mesh record does not verify");
		table_add(facts, "coordinator");
		table_addf(facts, "%s, meshd %s", view->url, view->version);
		table_add(facts, "pin");
		table_add(facts, pin_format(view->pin, text));
		table_add(facts, "nodes");
		table_addf(facts, "%zu, %zu online, serial %" PRIu64,
			list->count, count_online(list), list->serial);
		ok = table_print(facts, ctl->color, &ctl->out);
	}
	if (ok && list->count > 0) {
		buf_add_str(&ctl->out, "\n");
		ok = table_print(nodes, ctl->color, &ctl->out);
	}
	return ok ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static void show_json(struct ctl *ctl, const struct msg_mesh_view *view,
	const struct record_mesh *mesh, const struct msg_node_list *list)
{
	struct jsonw w;

	show_json_begin(&w, &ctl->out);
	show_json_mesh(&w, view, mesh);
	jsonw_kv_uint(&w, "online_count", count_online(list));
	jsonw_key(&w, "nodes");
	jsonw_array_begin(&w);
	for (size_t i = 0; i < list->count; i++) {
		jsonw_object_begin(&w);
		show_json_node(&w, &list->nodes[i]);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	show_json_end(&w);
}

int cmd_status(struct ctl *ctl, struct err *err)
{
	AUTO(msg_mesh_view_release) struct msg_mesh_view view = { 0 };
	AUTO(msg_node_list_release) struct msg_node_list list = { 0 };
	struct record rec;
	const struct record_mesh *mesh = NULL;
	int r = api_mesh_get(ctl->client, &view, err);

	if (r == 0)
		r = api_node_list(ctl->client, &list, err);
	if (r < 0)
		return r;
	if (record_open(view.record, &rec, NULL) == 0 &&
		rec.type == RECORD_MESH)
		mesh = &rec.as_mesh;
	if (ctl->options->json)
		show_json(ctl, &view, mesh, &list);
	else
		r = show_text(ctl, &view, mesh, &list, err);
	if (r == 0 && ctl->options->check)
		r = check(&list, err);
	return r;
}
