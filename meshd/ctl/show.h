/*
 * show: how meshes, nodes and times look, in tables and in JSON. The JSON is a
 * promise (meshctl(1), schema mesh/v1): fields are added, never changed.
 */
#ifndef MESHD_CTL_SHOW_H
#define MESHD_CTL_SHOW_H

#include "base/jsonw.h"
#include "base/time.h"
#include "meshd/ctl/table.h"
#include "meshproto/message.h"

#define SHOW_AGE_SIZE  32
#define SHOW_LIST_SIZE 512 /* RECORD_ADDRESSES_MAX prefixes, or eight tags */

/* "unknown", "now", "12 s ago", "3 min ago", "5 h ago", "9 d ago". */
const char *show_age(struct wall then, const struct now *now,
	char buf[static SHOW_AGE_SIZE]);
/* "in 23 h", "expired". */
const char *show_until(struct wall then, const struct now *now,
	char buf[static SHOW_AGE_SIZE]);

/* "a, b"; what does not fit becomes "…". Prefixes of one host without /32. */
const char *show_nets(const struct ipnet *nets, size_t count,
	char buf[static SHOW_LIST_SIZE]);
const char *show_tags(const char (*tags)[NAME_MAX_LEN + 1], size_t count,
	char buf[static SHOW_LIST_SIZE]);

/* The latest handshake that the node tells of; 0: none. */
struct wall show_handshake(const struct msg_node_view *node);

/* {"schema": …  left open for the rest. */
void show_json_begin(struct jsonw *w, struct buf *out);
void show_json_end(struct jsonw *w);
void show_json_time(struct jsonw *w, const char *key, struct wall t);
void show_json_nets(struct jsonw *w, const char *key, const struct ipnet *nets,
	size_t count);
void show_json_strings(struct jsonw *w, const char *key, const char *first,
	size_t stride, size_t count);
/* "mesh": {...}. MESH may be NULL: its record did not open. */
void show_json_mesh(struct jsonw *w, const struct msg_mesh_view *view,
	const struct record_mesh *mesh);
/* One object of a node, without its peers. */
void show_json_node(struct jsonw *w, const struct msg_node_view *node);

/* The rows of `status` and `node list`. */
struct table *show_node_table(
	const struct msg_node_list *list, const struct now *now);

#endif
