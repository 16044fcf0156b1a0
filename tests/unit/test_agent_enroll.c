/*
 * What a joining node signs: nothing on the word of a coordinator that is not
 * the operator's, the same bytes each time, and only what peers will accept.
 */
#include "config.h"
#include "agent/enroll.h"
#include "mesh_fixture.h"
#include "rows.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

/* Node 5 joins with the fixture's delegate key. */
struct fixture {
	struct join_token token;
	struct state state;
	struct msg_enroll_offer offer;
	struct record mesh, grant;
	unsigned int mesh_signer, grant_signer;
};

static void fill(struct fixture *fx)
{
	struct record member = fx_member(5);

	*fx = (struct fixture){ .state = { .lock_fd = -1 } };
	fx->token.operator_key = fx_public(FX_OPERATOR);
	fx->token.delegate = fx_seed(FX_DELEGATE);
	fx->state.identity = fx_seed(FX_NODE + 5);
	memset(fx->state.wg.b, 0x40, KEY_SIZE);
	(void)str_copy(fx->state.credential, sizeof(fx->state.credential),
		"mesh_agent_secret");
	fx->offer.node = fx_node_id(5);
	memcpy(fx->offer.addresses, member.membership.addresses,
		sizeof(fx->offer.addresses));
	fx->offer.address_count = 2;
	fx->mesh = fx_mesh();
	fx->grant = fx_grant();
	fx->mesh_signer = fx->grant_signer = FX_OPERATOR;
}

static int complete(struct fixture *fx, const char *name, int64_t offset_sec,
	struct msg_enroll_complete *ret_done, struct err *err)
{
	const struct enroll_input in = {
		.token = &fx->token,
		.state = &fx->state,
		.name = name,
		.offer = &fx->offer,
	};
	struct now now = fx_now(offset_sec);
	int r;

	fx->offer.mesh = fx_sign(&fx->mesh, fx->mesh_signer);
	fx->offer.grant = fx_sign(&fx->grant, fx->grant_signer);
	r = enroll_complete(&in, &now, ret_done, err);
	envelope_free(fx->offer.mesh);
	envelope_free(fx->offer.grant);
	return r;
}

static void test_signs(void **state)
{
	AUTO(msg_enroll_complete_release)
	struct msg_enroll_complete done = { 0 };
	AUTO(msg_enroll_complete_release)
	struct msg_enroll_complete again = { 0 };
	struct record member, key;
	struct fixture fx;
	struct err err = { 0 };

	(void)state;
	fill(&fx);
	if (complete(&fx, "five", 60, &done, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(done.credential, "mesh_agent_secret");
	assert_int_equal(record_open(done.membership, &member, &err), 0);
	assert_int_equal(record_open(done.key, &key, &err), 0);
	assert_memory_equal(
		done.membership->key.b, fx_public(FX_DELEGATE).b, KEY_SIZE);
	assert_memory_equal(
		done.key->key.b, fx_public(FX_NODE + 5).b, KEY_SIZE);
	assert_string_equal(member.membership.name, "five");
	assert_string_equal(member.membership.tags[0], "web");
	assert_int_equal(member.membership.route_count, 0);
	assert_int_equal(member.membership.address_count, 2);
	assert_int_equal(key.key.epoch, 1);
	assert_memory_equal(
		key.key.public_key.b, seckey_public(&fx.state.wg).b, KEY_SIZE);
	/* taken up later: the same bytes */
	assert_int_equal(complete(&fx, "five", 3000, &again, &err), 0);
	assert_true(envelope_equal(done.membership, again.membership));
	assert_true(envelope_equal(done.key, again.key));
}

static void spoil_node(struct fixture *fx)
{
	fx->offer.node = fx_node_id(6);
}
static void spoil_mesh_signer(struct fixture *fx)
{
	fx->mesh_signer = FX_STRANGER;
}
static void spoil_grant_signer(struct fixture *fx)
{
	fx->grant_signer = FX_STRANGER;
}
static void spoil_self_grant(struct fixture *fx)
{
	fx->grant_signer = FX_DELEGATE;
}
static void spoil_delegate(struct fixture *fx)
{
	fx->grant.grant.delegate = fx_public(FX_STRANGER);
}
static void spoil_operator(struct fixture *fx)
{
	fx->token.operator_key = fx_public(FX_STRANGER);
}
static void spoil_swapped(struct fixture *fx)
{
	fx->mesh = fx_grant();
	fx->grant = fx_mesh();
}
static void spoil_address(struct fixture *fx)
{
	fx->offer.addresses[0] = fx_net("10.0.0.1");
}
static void spoil_width(struct fixture *fx)
{
	fx->offer.addresses[0] = fx_net("100.64.0.0/16");
}
static void spoil_default_route(struct fixture *fx)
{
	fx->offer.addresses[0] = fx_net("0.0.0.0/0");
}
static void spoil_no_address(struct fixture *fx)
{
	fx->offer.address_count = 0;
}

static void test_refuses(void **state)
{
	static const struct {
		void (*spoil)(struct fixture *fx);
		int line;
	} rows[] = {
		{ spoil_node, __LINE__ },
		{ spoil_mesh_signer, __LINE__ },
		{ spoil_grant_signer, __LINE__ },
		{ spoil_self_grant, __LINE__ },
		{ spoil_delegate, __LINE__ },
		{ spoil_operator, __LINE__ },
		{ spoil_swapped, __LINE__ },
		{ spoil_address, __LINE__ },
		{ spoil_width, __LINE__ },
		{ spoil_default_route, __LINE__ },
		{ spoil_no_address, __LINE__ },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(msg_enroll_complete_release)
		struct msg_enroll_complete done = { 0 };
		struct fixture fx;
		struct err err = { 0 };

		fill(&fx);
		rows[i].spoil(&fx);
		ROW_TRUE(&rows[i], complete(&fx, "five", 60, &done, &err) < 0);
		ROW_TRUE(&rows[i], err.msg[0] != 0);
		ROW_TRUE(&rows[i], !done.membership && !done.key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signs),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
