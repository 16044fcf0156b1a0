/*
 * api: the coordinator's routes as functions: encode, call, decode. Failure as
 * client_call(); -EBADMSG when the answer is not what the API promises.
 */
#ifndef MESHD_CTL_API_H
#define MESHD_CTL_API_H

#include "base/err.h"
#include "meshproto/message.h"

struct client;

WARN_UNUSED int api_mesh_get(
	struct client *client, struct msg_mesh_view *ret_mesh, struct err *err);
WARN_UNUSED int api_mesh_put(
	struct client *client, const struct envelope *record, struct err *err);

WARN_UNUSED int api_token_create(struct client *client,
	const struct msg_token_create *token, struct msg_token_view *ret_token,
	struct err *err);
WARN_UNUSED int api_token_list(struct client *client,
	struct msg_token_list *ret_list, struct err *err);
WARN_UNUSED int api_token_revoke(
	struct client *client, const char *id, struct err *err);

WARN_UNUSED int api_node_list(
	struct client *client, struct msg_node_list *ret_list, struct err *err);
/* NODE: a name or an id as it was typed; -EINVAL when it is neither. */
WARN_UNUSED int api_node_get(struct client *client, const char *node,
	struct msg_node_view *ret_node, struct err *err);
WARN_UNUSED int api_node_put(struct client *client, const struct node_id *node,
	const struct envelope *membership, struct msg_applied *ret_applied,
	struct err *err);
WARN_UNUSED int api_node_remove(struct client *client,
	const struct node_id *node, const struct envelope *removal,
	struct msg_applied *ret_applied, struct err *err);

/* Answers when nobody is pending, or after WAIT_SEC (at most 60). */
#define API_WAIT_MAX_SEC 60
WARN_UNUSED int api_applied(struct client *client, uint64_t serial,
	unsigned int wait_sec, struct msg_applied *ret_applied,
	struct err *err);

#endif
