/*
 * form: how the project's own types look in JSON, both ways.
 *
 *   ids        32 hex digits            keys       standard base64
 *   times      RFC 3339, UTC            addresses, nets, endpoints: as text
 *   envelope   {"payload","key","sig"}, all base64
 *
 * Readers are jsonr_read functions for the tables of record and message.
 * Writers write a key and its value. A time of 0 means "none" and is left out
 * by its writer, so readers refuse it.
 */
#ifndef MESHPROTO_FORM_H
#define MESHPROTO_FORM_H

#include "base/endpoint.h"
#include "base/jsonw.h"
#include "meshproto/jsonr.h"
#include "meshproto/record.h"

jsonr_read form_read_id;	   /* struct mesh_id, node_id */
jsonr_read form_read_key;	   /* the 32 bytes of any key type */
jsonr_read form_read_name;	   /* char[NAME_MAX_LEN + 1] */
jsonr_read form_read_time_or_null; /* 0 for null */
jsonr_read form_read_time;	   /* struct wall, after 1970 */
jsonr_read form_read_net;	   /* struct ipnet */
jsonr_read form_read_endpoint;	   /* struct endpoint */
jsonr_read form_read_envelope;	   /* struct envelope * */

void form_write_node_id(
	struct jsonw *w, const char *name, const struct node_id *id);
void form_write_mesh_id(
	struct jsonw *w, const char *name, const struct mesh_id *id);
void form_write_key(
	struct jsonw *w, const char *name, const uint8_t key[static KEY_SIZE]);
void form_write_time(struct jsonw *w, const char *name, struct wall t);
/* null for none, where the other is left out. */
void form_write_time_or_null(struct jsonw *w, const char *name, struct wall t);
void form_write_nets(struct jsonw *w, const char *name,
	const struct ipnet *nets, size_t count);
void form_write_names(struct jsonw *w, const char *name,
	const char (*names)[NAME_MAX_LEN + 1], size_t count);
void form_write_endpoints(struct jsonw *w, const char *name,
	const struct endpoint *endpoints, size_t count);
/* The envelope's object alone, no key. */
void form_write_envelope(struct jsonw *w, const struct envelope *env);

#endif
