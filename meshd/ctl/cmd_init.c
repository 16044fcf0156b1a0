/* cmd_init: makes the operator's key and the mesh; says what is there. */
#include "config.h"

#include "meshd/ctl/api.h"
#include "meshd/ctl/ctl.h"
#include "meshd/ctl/opkey.h"
#include "meshd/ctl/prefix.h"
#include "meshd/ctl/show.h"
#include "meshd/ctl/subject.h"

#include <sodium.h>

#include <errno.h>
#include <string.h>

#include "base/banned.h"

#define DEFAULT_NAME "mesh"

/* What was asked for; NULL and IP_NONE: left to us. */
struct wish {
	const char *name;
	struct ipnet v4, v6;
};

static int parse_wish(
	const struct options *options, struct wish *wish, struct err *err)
{
	const char *name = options->name;
	const char *v4 = options->ipv4, *v6 = options->ipv6;
	int r = 0;

	memset(wish, 0, sizeof(*wish));
	if (name && !name_valid(name))
		return err_set(err, -EINVAL,
			"not a name (1-63 of a-z 0-9 -): \"%s\"", name);
	wish->name = name;
	if (v4)
		r = prefix_parse(IP_V4, v4, &wish->v4, err);
	if (r == 0 && v6)
		r = prefix_parse(IP_V6, v6, &wish->v6, err);
	return r;
}

static bool has_prefix(const struct record_mesh *mesh, const struct ipnet *net)
{
	for (size_t i = 0; i < mesh->prefix_count; i++) {
		if (ipnet_equal(&mesh->prefixes[i], net))
			return true;
	}
	return net->addr.family == IP_NONE;
}

/* A mesh that is there must be ours, and what was wished. */
static int check_existing(const struct ctl *ctl, const struct wish *wish,
	const struct msg_mesh_view *view, struct record **ret_mesh,
	struct err *err)
{
	AUTO(opkey_free) struct opkey *key = NULL;
	AUTO(subject_free) struct record *mesh = NULL;
	struct signpub op;
	int r = opkey_load(ctl->dir, &key, err);

	if (r == -ENOKEY)
		return err_set(err, -EEXIST,
			"the coordinator has a mesh of another operator "
			"(%s): its key is not in %s",
			view->name, ctl->dir);
	if (r < 0)
		return r;
	op = opkey_public(key);
	r = subject_mesh(&op, view, &mesh, err);
	if (r < 0)
		return r;
	if ((wish->name && strcmp(wish->name, mesh->as_mesh.name) != 0) ||
		!has_prefix(&mesh->as_mesh, &wish->v4) ||
		!has_prefix(&mesh->as_mesh, &wish->v6))
		return err_set(err, -EEXIST,
			"the mesh is there with another name or prefix "
			"(meshctl init shows it): init does not change a mesh");
	*ret_mesh = TAKE(mesh);
	return 0;
}

static void state_mesh(
	const struct signpub *op, const struct wish *wish, struct record *rec)
{
	struct record_mesh *mesh = &rec->as_mesh;
	uint8_t random[2][PREFIX_RANDOM_SIZE];

	randombytes_buf(random, sizeof(random));
	rec->type = RECORD_MESH;
	rec->mesh = mesh_id_of(op);
	rec->serial = 1;
	mesh->operator_key = *op;
	(void)str_copy(mesh->name, sizeof(mesh->name),
		wish->name ? wish->name : DEFAULT_NAME);
	mesh->prefixes[0] = wish->v4.addr.family != IP_NONE
		? wish->v4
		: prefix_choose(IP_V4, random[0]);
	mesh->prefixes[1] = wish->v6.addr.family != IP_NONE
		? wish->v6
		: prefix_choose(IP_V6, random[1]);
	mesh->prefix_count = 2;
}

static int create(struct ctl *ctl, const struct wish *wish,
	struct record **ret_mesh, struct err *err)
{
	AUTO(opkey_free) struct opkey *key = NULL;
	AUTO(envelope_free) struct envelope *env = NULL;
	AUTO(subject_free) struct record *rec = calloc(1, sizeof(*rec));
	struct signpub op;
	bool made;
	int r;

	if (!rec)
		return err_set(err, -ENOMEM, "out of memory");
	r = opkey_ensure(ctl->dir, &key, &made, err);
	if (r < 0)
		return r;
	if (made)
		ctl_say("made the operator key %s/operator.key: keep a copy "
			"where nobody else reads it",
			ctl->dir);
	op = opkey_public(key);
	state_mesh(&op, wish, rec);
	r = opkey_sign(key, rec, &env, err);
	if (r == 0)
		r = api_mesh_put(ctl->client, env, err);
	if (r < 0)
		return r;
	*ret_mesh = TAKE(rec);
	return 0;
}

static int show(struct ctl *ctl, const struct msg_mesh_view *view,
	const struct record_mesh *mesh, bool created, struct err *err)
{
	AUTO(table_free) struct table *table = NULL;
	char text[SHOW_LIST_SIZE], id[MESH_ID_TEXT_SIZE], path[OPKEY_PATH_MAX];
	struct jsonw w;

	if (!opkey_path(ctl->dir, path))
		path[0] = '\0';
	if (ctl->options->json) {
		show_json_begin(&w, &ctl->out);
		jsonw_kv_bool(&w, "created", created);
		jsonw_kv_str(&w, "operator_key", path);
		show_json_mesh(&w, view, mesh);
		show_json_end(&w);
		return 0;
	}
	table = table_new(2, NULL);
	if (!table)
		return err_set(err, -ENOMEM, "out of memory");
	table_add(table, "mesh");
	table_addf(
		table, "%s (%s)", view->name, mesh_id_format(&view->mesh, id));
	table_add(table, "prefixes");
	table_add(table, show_nets(mesh->prefixes, mesh->prefix_count, text));
	table_add(table, "coordinator");
	table_add(table, view->url);
	table_add(table, "operator key");
	table_add(table, path);
	if (!table_print(table, ctl->color, &ctl->out))
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

int cmd_init(struct ctl *ctl, struct err *err)
{
	AUTO(msg_mesh_view_release) struct msg_mesh_view view = { 0 };
	AUTO(subject_free) struct record *mesh = NULL;
	struct wish wish;
	bool created = false;
	int r = parse_wish(ctl->options, &wish, err);

	if (r < 0)
		return r;
	r = api_mesh_get(ctl->client, &view, err);
	if (r == 0) {
		r = check_existing(ctl, &wish, &view, &mesh, err);
	} else if (r == -ENOENT) {
		created = true;
		r = create(ctl, &wish, &mesh, err);
		if (r == 0)
			r = api_mesh_get(ctl->client, &view, err);
	}
	if (r < 0)
		return r;
	if (!created)
		ctl_say("the mesh is there already; nothing was changed");
	return show(ctl, &view, &mesh->as_mesh, created, err);
}
