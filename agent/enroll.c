/* enroll: see enroll.h. */
#include "config.h"

#include "agent/enroll.h"

#include "meshproto/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* A record is 2 KiB: not for the stack. */
static void record_free(struct record *record)
{
	free(record);
}
AUTO_DEFINE(struct record, record_free)

static int offer_to(struct trust *trust, const struct envelope *env,
	const struct now *now, struct err *err)
{
	if (trust_offer(trust, env, now, err) == TRUST_ACCEPTED)
		return 0;
	err_prefix(err, "the coordinator's offer does not verify");
	return -EBADMSG;
}

/* Mesh record and grant go into TRUST. */
static int check_offer(const struct enroll_input *in, struct trust *trust,
	const struct now *now, struct record *ret_grant, struct err *err)
{
	struct signpub delegate = signseed_public(&in->token->delegate);
	struct signpub identity = signseed_public(&in->state->identity);
	struct node_id self = node_id_of(&identity);
	int r;

	if (!node_id_equal(&in->offer->node, &self))
		return err_set(err, -EBADMSG,
			"the coordinator's offer is for another node");
	r = offer_to(trust, in->offer->mesh, now, err);
	if (r == 0)
		r = offer_to(trust, in->offer->grant, now, err);
	if (r == 0)
		r = record_open(in->offer->grant, ret_grant, err);
	if (r < 0)
		return r;
	if (!trust_mesh(trust) || ret_grant->type != RECORD_GRANT ||
		!key_equal(ret_grant->grant.delegate.b, delegate.b))
		return err_set(err, -EBADMSG,
			"the coordinator's offer is not for this token");
	return 0;
}

static int sign_membership(const struct enroll_input *in,
	const struct record_grant *grant, struct envelope **ret_env,
	struct err *err)
{
	AUTO(record_free) struct record *record = calloc(1, sizeof(*record));
	struct record_membership *membership;

	if (!record)
		return err_set(err, -ENOMEM, "out of memory");
	record->type = RECORD_MEMBERSHIP;
	record->mesh = mesh_id_of(&in->token->operator_key);
	record->serial = 1;
	membership = &record->membership;
	membership->identity = signseed_public(&in->state->identity);
	membership->node = node_id_of(&membership->identity);
	(void)str_copy(membership->name, sizeof(membership->name), in->name);
	memcpy(membership->addresses, in->offer->addresses,
		sizeof(membership->addresses));
	membership->address_count = in->offer->address_count;
	memcpy(membership->tags, grant->tags, sizeof(membership->tags));
	membership->tag_count = grant->tag_count;
	membership->issued_at = grant->issued_at;
	return record_sign(record, &in->token->delegate, ret_env, err);
}

static int sign_key(const struct enroll_input *in, struct envelope **ret_env,
	struct err *err)
{
	AUTO(record_free) struct record *record = calloc(1, sizeof(*record));
	struct signpub identity = signseed_public(&in->state->identity);

	if (!record)
		return err_set(err, -ENOMEM, "out of memory");
	record->type = RECORD_KEY;
	record->mesh = mesh_id_of(&in->token->operator_key);
	record->serial = 1;
	record->key.node = node_id_of(&identity);
	record->key.epoch = 1;
	record->key.public_key = seckey_public(&in->state->wg);
	return record_sign(record, &in->state->identity, ret_env, err);
}

int enroll_complete(const struct enroll_input *in, const struct now *now,
	struct msg_enroll_complete *ret_complete, struct err *err)
{
	AUTO(trust_free)
	struct trust *trust = trust_new(&in->token->operator_key);
	AUTO(msg_enroll_complete_release)
	struct msg_enroll_complete done = { 0 };
	AUTO(record_free) struct record *grant = calloc(1, sizeof(*grant));
	int r;

	if (!trust || !grant)
		return err_set(err, -ENOMEM, "out of memory");
	r = check_offer(in, trust, now, grant, err);
	if (r == 0)
		r = sign_membership(in, &grant->grant, &done.membership, err);
	if (r == 0)
		r = sign_key(in, &done.key, err);
	if (r == 0)
		r = offer_to(trust, done.membership, now, err);
	if (r == 0)
		r = offer_to(trust, done.key, now, err);
	if (r < 0)
		return r;
	(void)str_copy(done.credential, sizeof(done.credential),
		in->state->credential);
	*ret_complete = done;
	done = (struct msg_enroll_complete){ 0 };
	return 0;
}
