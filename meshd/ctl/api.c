/* api: see api.h. */
#include "config.h"

#include "meshd/ctl/api.h"

#include "meshd/ctl/client.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

#define ANSWER_MAX   (1024 * 1024)  /* one object */
#define LIST_MAX     MSG_NETMAP_MAX /* as many nodes, as large each */
#define PATH_BUF_MAX 512

static int call(struct client *client, const struct client_request *request,
	struct buf *answer, struct err *err)
{
	if (request->body && buf_failed(request->body))
		return err_set(err, -EINVAL, "the request is too large");
	return client_call(client, request, answer, err);
}

/* Says whose fault it is that an answer does not decode. */
static int decoded(int r, const char *what, struct err *err)
{
	if (r < 0)
		err_prefix(err, "the coordinator's answer (%s)", what);
	return r;
}

int api_mesh_get(
	struct client *client, struct msg_mesh_view *ret_mesh, struct err *err)
{
	AUTO(buf_release) struct buf answer = BUF_INIT(ANSWER_MAX);
	struct client_request request = { .method = "GET", .path = "/v1/mesh" };
	int r = call(client, &request, &answer, err);

	if (r < 0)
		return r;
	return decoded(msg_mesh_view_decode(
			       buf_str(&answer), answer.len, ret_mesh, err),
		"mesh", err);
}

static int encode_record(
	const struct envelope *record, struct buf *out, struct err *err)
{
	AUTO(envelope_free) struct envelope *copy = envelope_dup(record);
	struct msg_record msg = { .record = copy };

	if (!copy || msg_record_encode(&msg, out) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

int api_mesh_put(
	struct client *client, const struct envelope *record, struct err *err)
{
	AUTO(buf_release) struct buf answer = BUF_INIT(ANSWER_MAX);
	AUTO(buf_release) struct buf body = BUF_INIT(MSG_REQUEST_MAX);
	struct client_request request = {
		.method = "PUT", .path = "/v1/mesh", .body = &body
	};
	int r = encode_record(record, &body, err);

	if (r < 0)
		return r;
	return call(client, &request, &answer, err);
}

int api_token_create(struct client *client,
	const struct msg_token_create *token, struct msg_token_view *ret_token,
	struct err *err)
{
	AUTO(buf_release) struct buf answer = BUF_INIT_SECRET(ANSWER_MAX);
	AUTO(buf_release) struct buf body = BUF_INIT_SECRET(MSG_REQUEST_MAX);
	struct client_request request = {
		.method = "POST", .path = "/v1/tokens", .body = &body
	};
	int r = msg_token_create_encode(token, &body);

	if (r < 0)
		return err_set(err, r, "out of memory");
	r = call(client, &request, &answer, err);
	if (r < 0)
		return r;
	return decoded(msg_token_view_decode(
			       buf_str(&answer), answer.len, ret_token, err),
		"token", err);
}

int api_token_list(
	struct client *client, struct msg_token_list *ret_list, struct err *err)
{
	AUTO(buf_release) struct buf answer = BUF_INIT(LIST_MAX);
	struct client_request request = { .method = "GET",
		.path = "/v1/tokens" };
	int r = call(client, &request, &answer, err);

	if (r < 0)
		return r;
	return decoded(msg_token_list_decode(
			       buf_str(&answer), answer.len, ret_list, err),
		"tokens", err);
}

int api_token_revoke(struct client *client, const char *id, struct err *err)
{
	AUTO(buf_release) struct buf answer = BUF_INIT(ANSWER_MAX);
	AUTO(buf_release) struct buf path = BUF_INIT(PATH_BUF_MAX);
	struct client_request request = { .method = "DELETE" };

	if (strlen(id) != TOKEN_ID_TEXT_SIZE - 1 ||
		strspn(id, "0123456789abcdef") != TOKEN_ID_TEXT_SIZE - 1)
		return err_set(err, -EINVAL, "not a token's id: \"%s\"", id);
	buf_addf(&path, "/v1/tokens/%s", id);
	request.path = buf_str(&path);
	return call(client, &request, &answer, err);
}

int api_node_list(
	struct client *client, struct msg_node_list *ret_list, struct err *err)
{
	AUTO(buf_release) struct buf answer = BUF_INIT(LIST_MAX);
	struct client_request request = { .method = "GET",
		.path = "/v1/nodes" };
	int r = call(client, &request, &answer, err);

	if (r < 0)
		return r;
	return decoded(msg_node_list_decode(
			       buf_str(&answer), answer.len, ret_list, err),
		"nodes", err);
}

int api_node_get(struct client *client, const char *node,
	struct msg_node_view *ret_node, struct err *err)
{
	AUTO(buf_release) struct buf answer = BUF_INIT(LIST_MAX);
	AUTO(buf_release) struct buf path = BUF_INIT(PATH_BUF_MAX);
	struct client_request request = { .method = "GET" };
	int r;

	if (!name_valid(node)) /* an id is one too: 32 hex digits */
		return err_set(
			err, -EINVAL, "not a node's name or id: \"%s\"", node);
	buf_addf(&path, "/v1/nodes/%s", node);
	request.path = buf_str(&path);
	r = call(client, &request, &answer, err);
	if (r < 0)
		return r;
	return decoded(msg_node_view_decode(
			       buf_str(&answer), answer.len, ret_node, err),
		"node", err);
}

/* METHOD PATH with a record; answered by the serial that came of it. */
static int send_record(struct client *client, const char *method,
	const char *path, const struct envelope *record,
	struct msg_applied *ret_applied, struct err *err)
{
	AUTO(buf_release) struct buf answer = BUF_INIT(ANSWER_MAX);
	AUTO(buf_release) struct buf body = BUF_INIT(MSG_REQUEST_MAX);
	struct client_request request = {
		.method = method, .path = path, .body = &body
	};
	int r = encode_record(record, &body, err);

	if (r < 0)
		return r;
	r = call(client, &request, &answer, err);
	if (r < 0)
		return r;
	return decoded(msg_applied_decode(
			       buf_str(&answer), answer.len, ret_applied, err),
		"applied", err);
}

int api_node_put(struct client *client, const struct node_id *node,
	const struct envelope *membership, struct msg_applied *ret_applied,
	struct err *err)
{
	AUTO(buf_release) struct buf path = BUF_INIT(PATH_BUF_MAX);
	char id[MESH_ID_TEXT_SIZE];

	buf_addf(&path, "/v1/nodes/%s", node_id_format(node, id));
	return send_record(
		client, "PUT", buf_str(&path), membership, ret_applied, err);
}

int api_node_remove(struct client *client, const struct node_id *node,
	const struct envelope *removal, struct msg_applied *ret_applied,
	struct err *err)
{
	AUTO(buf_release) struct buf path = BUF_INIT(PATH_BUF_MAX);
	char id[MESH_ID_TEXT_SIZE];

	buf_addf(&path, "/v1/nodes/%s/removal", node_id_format(node, id));
	return send_record(
		client, "POST", buf_str(&path), removal, ret_applied, err);
}

int api_applied(struct client *client, uint64_t serial, unsigned int wait_sec,
	struct msg_applied *ret_applied, struct err *err)
{
	AUTO(buf_release) struct buf answer = BUF_INIT(ANSWER_MAX);
	AUTO(buf_release) struct buf path = BUF_INIT(PATH_BUF_MAX);
	struct client_request request = { .method = "GET",
		.wait_sec = wait_sec };
	int r;

	buf_addf(&path, "/v1/applied?serial=%" PRIu64 "&wait=%u", serial,
		wait_sec);
	request.path = buf_str(&path);
	r = call(client, &request, &answer, err);
	if (r < 0)
		return r;
	return decoded(msg_applied_decode(
			       buf_str(&answer), answer.len, ret_applied, err),
		"applied", err);
}
