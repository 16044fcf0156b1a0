/* The two steps of enrolment: see message.h. */
#include "config.h"
#include "meshproto/message.h"

#include "meshproto/message_form.h"

#include <errno.h>
#include <sodium.h>

#include "base/banned.h"

static const struct jsonr_field enroll_request_fields[] = {
	JSONR_VALUE("identity", struct msg_enroll_request, identity,
		form_read_key, JSONR_REQUIRED),
	JSONR_VALUE("name", struct msg_enroll_request, name, form_read_name,
		JSONR_REQUIRED),
};
MESSAGE_READER(enroll_request)
MESSAGE_DECODE(enroll_request, message_request_limits)

void msg_enroll_request_release(struct msg_enroll_request *msg)
{
	*msg = (struct msg_enroll_request){ 0 };
}

int msg_enroll_request_encode(
	const struct msg_enroll_request *msg, struct buf *out)
{
	struct jsonw w;

	message_begin(&w, out);
	form_write_key(&w, "identity", msg->identity.b);
	jsonw_kv_str(&w, "name", msg->name);
	return message_end(&w);
}

static const struct jsonr_field enroll_offer_fields[] = {
	JSONR_VALUE("node", struct msg_enroll_offer, node, form_read_id,
		JSONR_REQUIRED),
	JSONR_FIXED("addresses", struct msg_enroll_offer, addresses,
		address_count, form_read_net, JSONR_REQUIRED),
	JSONR_VALUE("mesh", struct msg_enroll_offer, mesh, form_read_envelope,
		JSONR_REQUIRED),
	JSONR_VALUE("grant", struct msg_enroll_offer, grant, form_read_envelope,
		JSONR_REQUIRED),
};
MESSAGE_READER(enroll_offer)
MESSAGE_DECODE(enroll_offer, message_answer_limits)

void msg_enroll_offer_release(struct msg_enroll_offer *msg)
{
	envelope_free(msg->mesh);
	envelope_free(msg->grant);
	*msg = (struct msg_enroll_offer){ 0 };
}

int msg_enroll_offer_encode(const struct msg_enroll_offer *msg, struct buf *out)
{
	struct jsonw w;

	if (msg->address_count > ARRAY_SIZE(msg->addresses) || !msg->mesh ||
		!msg->grant)
		return -EINVAL;
	message_begin(&w, out);
	form_write_node_id(&w, "node", &msg->node);
	form_write_nets(&w, "addresses", msg->addresses, msg->address_count);
	message_write_envelope(&w, "mesh", msg->mesh);
	message_write_envelope(&w, "grant", msg->grant);
	return message_end(&w);
}

static const struct jsonr_field enroll_complete_fields[] = {
	JSONR_VALUE("membership", struct msg_enroll_complete, membership,
		form_read_envelope, JSONR_REQUIRED),
	JSONR_VALUE("key", struct msg_enroll_complete, key, form_read_envelope,
		JSONR_REQUIRED),
	JSONR_VALUE("credential", struct msg_enroll_complete, credential,
		message_read_bearer, JSONR_REQUIRED),
};
MESSAGE_READER(enroll_complete)
MESSAGE_DECODE(enroll_complete, message_request_limits)

void msg_enroll_complete_release(struct msg_enroll_complete *msg)
{
	envelope_free(msg->membership);
	envelope_free(msg->key);
	sodium_memzero(msg, sizeof(*msg)); /* the credential is a secret */
}

int msg_enroll_complete_encode(
	const struct msg_enroll_complete *msg, struct buf *out)
{
	struct jsonw w;

	if (!msg->membership || !msg->key)
		return -EINVAL;
	message_begin(&w, out);
	message_write_envelope(&w, "membership", msg->membership);
	message_write_envelope(&w, "key", msg->key);
	jsonw_kv_str(&w, "credential", msg->credential);
	return message_end(&w);
}
