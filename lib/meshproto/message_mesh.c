/* The mesh as operators see it: see message.h. */
#include "config.h"
#include "meshproto/message.h"

#include "meshproto/message_form.h"

#include <errno.h>

#include "base/banned.h"

_Static_assert(TOKEN_PIN_SIZE == KEY_SIZE, "a pin travels in a key's form");

static const struct jsonr_field mesh_view_fields[] = {
	JSONR_VALUE("mesh", struct msg_mesh_view, mesh, form_read_id,
		JSONR_REQUIRED),
	JSONR_VALUE("name", struct msg_mesh_view, name, form_read_name,
		JSONR_REQUIRED),
	JSONR_VALUE("record", struct msg_mesh_view, record, form_read_envelope,
		JSONR_REQUIRED),
	JSONR_VALUE("serial", struct msg_mesh_view, serial, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_VALUE("node_count", struct msg_mesh_view, node_count, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_VALUE(
		"url", struct msg_mesh_view, url, jsonr_str, JSONR_REQUIRED),
	JSONR_VALUE("pin", struct msg_mesh_view, pin, form_read_key,
		JSONR_REQUIRED),
	JSONR_VALUE("version", struct msg_mesh_view, version, jsonr_str,
		JSONR_REQUIRED),
};
MESSAGE_READER(mesh_view)
MESSAGE_DECODE(mesh_view, message_answer_limits)

void msg_mesh_view_release(struct msg_mesh_view *msg)
{
	envelope_free(msg->record);
	*msg = (struct msg_mesh_view){ 0 };
}

int msg_mesh_view_encode(const struct msg_mesh_view *msg, struct buf *out)
{
	struct jsonw w;

	if (!msg->record)
		return -EINVAL;
	message_begin(&w, out);
	form_write_mesh_id(&w, "mesh", &msg->mesh);
	jsonw_kv_str(&w, "name", msg->name);
	message_write_envelope(&w, "record", msg->record);
	jsonw_kv_uint(&w, "serial", msg->serial);
	jsonw_kv_uint(&w, "node_count", msg->node_count);
	jsonw_kv_str(&w, "url", msg->url);
	form_write_key(&w, "pin", msg->pin);
	jsonw_kv_str(&w, "version", msg->version);
	return message_end(&w);
}
