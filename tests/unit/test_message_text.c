/* message: the texts on the wire, and hostile ones. */
#include "config.h"
#include "meshproto/message.h"

#include "message_recode.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

/* ---- the texts themselves: every field with a value of its own ---- */

#define S      "{\"schema\":\"mesh/v1\","
#define KEY    "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""
#define ID     "\"89eb0d6a8a691dae2cd15ed0369931ce\""
#define REPORT S "\"applied\":1,\"listen_port\":1,\"endpoints\":[],"
#define NETMAP S "\"serial\":5,\"records\":[],\"endpoints\":[],"
#define BEARER(kind)                                                           \
	"\"mesh_" kind "_0123456789abcdef_"                                    \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\""
#define ENV                                                                    \
	"{\"payload\":\"\",\"key\":" KEY ",\"sig\":"                           \
	"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"   \
	"AAAAAAAAAAAAAAAAAAAAAA==\"}"

#define ID2 "\"00112233445566778899aabbccddeeff\""
#define ENV2                                                                   \
	"{\"payload\":\"aGk=\",\"key\":" KEY ",\"sig\":"                       \
	"\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"   \
	"AAAAAAAAAAAAAAAAAAAAAA==\"}"
#define TIME(day) "\"2027-01-" day "T08:00:00Z\""
#define NODE                                                                   \
	"\"node\":" ID ",\"name\":\"a\",\"membership\":" ENV                   \
	",\"grant\":" ENV2 ",\"public_key\":" KEY                              \
	",\"addresses\":[\"100.64.0.1/32\","                                   \
	"\"fd00::1/128\"],\"tags\":[\"t\",\"u\"],\"endpoints\":"               \
	"[\"192.0.2.1:1\",\"[fe80::1%3]:2\"],\"online\":true,\"last_"          \
	"seen\":" TIME("01") ",\"applied\":4,\"peers\":[{\"node\":" ID2        \
			     ",\"endpoint\":\"192.0.2.9:9\",\"last_"           \
			     "handshake\":" TIME(                              \
				     "02") ",\"rx_bytes\":5,\"tx_bytes\":6}]"
#define TOKEN                                                                  \
	"\"id\":\"0123456789abcdef\",\"kind\":\"join\",\"note\":\"n\","        \
	"\"uses_max\":3,\"uses\":2,\"tags\":[\"t\"],\"created\":" TIME(        \
		"01") ",\"expires\":" TIME("02") ",\"revoked\":true"

/* What other programs in the field read and write: changing a row breaks them.
 */
static void test_texts(void **state)
{
	static const struct {
		int line;
		recode_fn *recode;
		const char *json;
	} rows[] = {
		{ __LINE__, recode_enroll_request,
			S "\"identity\":" KEY ",\"name\":\"a\"}" },
		{ __LINE__, recode_enroll_offer,
			S "\"node\":" ID ",\"addresses\":[\"100.64.0.1/32\"]"
			  ",\"mesh\":" ENV ",\"grant\":" ENV2 "}" },
		{ __LINE__, recode_enroll_complete,
			S "\"membership\":" ENV ",\"key\":" ENV2
			  ",\"credential\":" BEARER("agent") "}" },
		{ __LINE__, recode_netmap,
			S "\"serial\":9,\"full\":false,\"since\":8,"
			  "\"records\":[" ENV "," ENV2 "],\"withheld\":[" ID
			  "],\"endpoints\":[{\"node\":" ID2
			  ",\"endpoints\":[\"192.0.2.1:1\"]}]}" },
		{ __LINE__, recode_netmap,
			S "\"serial\":9,\"full\":true,\"records\":[" ENV
			  "],\"endpoints\":[]}" },
		{ __LINE__, recode_report,
			S "\"applied\":1,\"listen_port\":2,\"endpoints\":"
			  "[\"192.0.2.1:3\"],\"peers\":[{\"node\":" ID
			  ",\"endpoint\":\"[2001:db8::1]:4\","
			  "\"last_handshake\":" TIME(
				  "05") ",\"rx_bytes\":6,\"tx_bytes\":7}]}" },
		{ __LINE__, recode_mesh_view,
			S "\"mesh\":" ID ",\"name\":\"m\",\"record\":" ENV
			  ",\"serial\":1,\"node_count\":2,"
			  "\"url\":\"https://h\",\"pin\":" KEY
			  ",\"version\":\"0.1\"}" },
		{ __LINE__, recode_token_create,
			S "\"kind\":\"join\",\"grant\":" ENV2
			  ",\"bearer\":" BEARER("join") ",\"note\":\"n\"}" },
		{ __LINE__, recode_token_create,
			S "\"kind\":\"api\",\"scopes\":[\"nodes:read\",\"a\"]"
			  ",\"expires\":" TIME("03") ",\"note\":\"\"}" },
		{ __LINE__, recode_token_view, S TOKEN "}" },
		{ __LINE__, recode_token_view,
			S "\"id\":\"fedcba9876543210\",\"kind\":\"api\","
			  "\"note\":\"\",\"scopes\":[\"admin\"],"
			  "\"revoked\":false,\"bearer\":" BEARER("api") "}" },
		{ __LINE__, recode_token_list,
			S "\"tokens\":[{" TOKEN "},{" TOKEN "}]}" },
		{ __LINE__, recode_node_view, S NODE "}" },
		{ __LINE__, recode_node_list,
			S "\"serial\":3,\"nodes\":[{" NODE "},{" NODE "}]}" },
		{ __LINE__, recode_record, S "\"record\":" ENV2 "}" },
		{ __LINE__, recode_applied,
			S "\"serial\":1,\"pending\":2,\"waiting_for\":\"w\"}" },
		{ __LINE__, recode_problem,
			S "\"type\":\"https://wgmesh.invalid/problems/no-x\","
			  "\"title\":\"no x\",\"status\":404,"
			  "\"detail\":\"d\",\"field\":\"/f\"}" },
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(buf_release) struct buf out = BUF_INIT(MSG_NETMAP_MAX);
		struct err err = { 0 };
		int r = rows[i].recode(
			rows[i].json, strlen(rows[i].json), &out, &err);

		if (r != 0 || strcmp(rows[i].json, buf_str(&out))) {
			print_error("line %d: %d %s\n%s\n%s\n", rows[i].line, r,
				err.msg, rows[i].json, buf_str(&out));
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* ---- hostile texts ---- */

static const struct hostile {
	int line;
	recode_fn *recode;
	const char *json, *want; /* how the message begins; "": it is taken */
} hostile[] = {
	/* any message at all */
	{ __LINE__, recode_enroll_request, "", "is not JSON" },
	{ __LINE__, recode_enroll_request, "nul", "is not JSON" },
	{ __LINE__, recode_enroll_request, "null", "is not an object" },
	{ __LINE__, recode_enroll_request, "[]", "is not an object" },
	{ __LINE__, recode_enroll_request, "{}", "/schema: is missing" },
	{ __LINE__, recode_enroll_request, "{\"schema\":null}",
		"/schema: is missing" },
	{ __LINE__, recode_enroll_request, "{\"schema\":\"mesh/v10\"}",
		"/schema: is not mesh/v1" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"a\"}", "" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"a\"}}",
		"is not JSON: end of file expected" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"a\"} \n\t", "" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"a\",}", "is not JSON" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"a\",\"schema\":\"mesh/v1\"}",
		"is not JSON: duplicate object key" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"a\",\"name\":\"b\"}",
		"is not JSON: duplicate object key" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"a\",\"n\\u0061me\":\"b\"}",
		"is not JSON: duplicate object key" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"a\",\"admin\":true}",
		"/admin: is not a known field" },
	{ __LINE__, recode_enroll_request, S "\"identity\":" KEY "}",
		"/name: is missing" },
	{ __LINE__, recode_enroll_request, S "\"name\":\"a\"}",
		"/identity: is missing" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"\xc0\xaf\"}",
		"is not JSON: " },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"\xed\xa0\x80\"}",
		"is not JSON: " },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"\\ud800\"}",
		"is not JSON: " },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"a\\u0000b\"}",
		"is not JSON: " },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"Web\"}",
		"/name: is not a name" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"-a\"}",
		"/name: is not a name" },
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":"
		  "{\"a\":{\"a\":{\"a\":{\"a\":{"
		  "\"a\":{\"a\":{\"a\":{}}}}}}}}}",
		"is nested deeper than 8" },
	/* the brackets in a string are no depth */
	{ __LINE__, recode_enroll_request,
		S "\"identity\":" KEY ",\"name\":\"[[[[[[[[[[\\\"[[[\"}",
		"/name: is not a name" },
	/* names of foreign fields are made printable and cut */
	{ __LINE__, recode_enroll_request, S "\"\\u001b]0;x\\u0007\":1}",
		"/?]0;x?: is not a known field" },
	{ __LINE__, recode_enroll_request,
		S
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}",
		"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: is not a" },
	/* reports */
	{ __LINE__, recode_report, REPORT "\"peers\":[]}", "" },
	{ __LINE__, recode_report, REPORT "\"peers\":{}}",
		"/peers: is not a list" },
	{ __LINE__, recode_report, REPORT "\"peers\":[[]]}",
		"/peers/0: is not an object" },
	{ __LINE__, recode_report, REPORT "\"peers\":[{\"node\":" ID "}]}",
		"/peers/0/rx_bytes: is missing" },
	{ __LINE__, recode_report,
		REPORT "\"peers\":[{\"node\":" ID
		       ",\"rx_bytes\":0,\"tx_bytes\":0},{\"node\":" ID
		       ",\"rx_bytes\":-1,\"tx_bytes\":0}]}",
		"/peers/1/rx_bytes: is not between 0 and 9223372036854775807" },
	{ __LINE__, recode_report,
		REPORT "\"peers\":[{\"node\":" ID
		       ",\"rx_bytes\":0,\"tx_bytes\":18446744073709551616}]}",
		"is not JSON: too big integer" },
	{ __LINE__, recode_report,
		REPORT "\"peers\":[{\"node\":" ID ",\"endpoint\":\"1.2.3.4\","
		       "\"rx_bytes\":0,\"tx_bytes\":0}]}",
		"/peers/0/endpoint: is not an address with a port" },
	{ __LINE__, recode_report,
		REPORT "\"peers\":[{\"node\":" ID ",\"endpoint\":\"h.org:1\","
		       "\"rx_bytes\":0,\"tx_bytes\":0}]}",
		"/peers/0/endpoint: is not an address with a port" },
	{ __LINE__, recode_report,
		REPORT "\"peers\":[{\"node\":" ID ",\"last_handshake\":"
		       "\"1970-01-01T00:00:00Z\","
		       "\"rx_bytes\":0,\"tx_bytes\":0}]}",
		"/peers/0/last_handshake: is not a time" },
	{ __LINE__, recode_report,
		S "\"applied\":1,\"listen_port\":65536,\"endpoints\":[],"
		  "\"peers\":[]}",
		"/listen_port: is not between 0 and 65535" },
	{ __LINE__, recode_report,
		S "\"applied\":1,\"listen_port\":true,\"endpoints\":[],"
		  "\"peers\":[]}",
		"/listen_port: is not a whole number" },
	/* netmaps */
	{ __LINE__, recode_netmap, NETMAP "\"full\":true}", "" },
	{ __LINE__, recode_netmap, NETMAP "\"full\":1}",
		"/full: is neither true nor false" },
	{ __LINE__, recode_netmap, NETMAP "\"full\":true,\"since\":3}",
		"is a full netmap, and yet" },
	{ __LINE__, recode_netmap,
		NETMAP "\"full\":true,\"withheld\":[" ID "]}",
		"is a full netmap, and yet" },
	{ __LINE__, recode_netmap, NETMAP "\"full\":false}",
		"is a delta that begins nowhere" },
	{ __LINE__, recode_netmap, NETMAP "\"full\":false,\"since\":6}",
		"is a delta that begins nowhere" },
	{ __LINE__, recode_netmap, NETMAP "\"full\":false,\"since\":5}", "" },
	{ __LINE__, recode_netmap,
		S "\"serial\":5,\"full\":true,\"endpoints\":[],\"records\":"
		  "[" ENV "," ENV "]}",
		"" },
	{ __LINE__, recode_netmap,
		S "\"serial\":5,\"full\":true,\"endpoints\":[],\"records\":"
		  "[" ENV ",{}]}",
		"/records/1/payload: is missing" },
	{ __LINE__, recode_netmap,
		S "\"serial\":5,\"full\":true,\"endpoints\":[],\"records\":"
		  "[null]}",
		"/records/0: is not an object" },
	/* enrolment */
	{ __LINE__, recode_enroll_complete,
		S "\"membership\":" ENV ",\"key\":" ENV
		  ",\"credential\":" BEARER("agent") "}",
		"" },
	{ __LINE__, recode_enroll_complete,
		S "\"membership\":" ENV ",\"key\":" ENV
		  ",\"credential\":\"secret\"}",
		"/credential: is not a bearer token" },
	{ __LINE__, recode_enroll_offer,
		S "\"mesh\":" ENV ",\"grant\":" ENV ",\"node\":" ID
		  ",\"addresses\":[\"1.1.1.1\",\"1.1.1.2\",\"1.1.1.3\","
		  "\"1.1.1.4\",\"1.1.1.5\"]}",
		"/addresses: has 5 items, the maximum is 4" },
	/* tokens */
	{ __LINE__, recode_token_create, S "\"kind\":\"root\"}",
		"/kind: is neither join nor api" },
	{ __LINE__, recode_token_create, S "\"kind\":\"join\"}",
		"is a join token: wants grant and bearer" },
	{ __LINE__, recode_token_create,
		S "\"kind\":\"join\",\"grant\":" ENV "}",
		"is a join token: wants grant and bearer" },
	{ __LINE__, recode_token_create,
		S "\"kind\":\"join\",\"grant\":" ENV
		  ",\"bearer\":" BEARER("join") "}",
		"" },
	{ __LINE__, recode_token_create,
		S "\"kind\":\"join\",\"grant\":" ENV
		  ",\"bearer\":" BEARER("join") ",\"scopes\":[\"admin\"]}",
		"is a join token: wants grant and bearer, nothing" },
	{ __LINE__, recode_token_create, S "\"kind\":\"api\"}",
		"is an API token: wants scopes" },
	{ __LINE__, recode_token_create,
		S "\"kind\":\"api\",\"scopes\":[\"nodes:read\"]}", "" },
	{ __LINE__, recode_token_create,
		S "\"kind\":\"api\",\"scopes\":[\"nodes:read\"],"
		  "\"bearer\":" BEARER("api") "}",
		"is an API token: wants scopes, nothing" },
	{ __LINE__, recode_token_create,
		S "\"kind\":\"api\",\"scopes\":[\"\"]}",
		"/scopes/0: is not a scope" },
	{ __LINE__, recode_token_create,
		S "\"kind\":\"api\",\"scopes\":[\"nodes read\"]}",
		"/scopes/0: is not a scope" },
	{ __LINE__, recode_token_create,
		S "\"kind\":\"api\",\"scopes\":[\"aaaaaaaaaaaaaaaaaaaaaaaa\"]}",
		"/scopes/0: is longer than 23 bytes" },
	{ __LINE__, recode_token_create,
		S "\"kind\":\"api\",\"scopes\":[\"a\"],\"note\":\"\\u009b2J\"}",
		"/note: holds a control character" },
	{ __LINE__, recode_token_create,
		S "\"kind\":\"api\",\"scopes\":[\"a\"],\"note\":\"a\\nb\"}",
		"/note: holds a control character" },
	{ __LINE__, recode_token_view,
		S "\"id\":\"0123\",\"kind\":\"api\",\"note\":\"\","
		  "\"revoked\":false}",
		"/id: is not a token's id" },
	/* problems */
	{ __LINE__, recode_problem,
		S "\"type\":\"https://wgmesh.invalid/problems/x\","
		  "\"status\":1,\"detail\":\"\"}",
		"" },
	{ __LINE__, recode_problem,
		S "\"type\":\"about:blank\",\"status\":1,\"detail\":\"\"}",
		"/type: is not a problem of ours" },
	{ __LINE__, recode_problem,
		S "\"type\":\"https://wgmesh.invalid/problems/\","
		  "\"status\":1,\"detail\":\"\"}",
		"/type: is not a problem of ours" },
	{ __LINE__, recode_problem,
		S "\"type\":\"https://wgmesh.invalid/problems/"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
		  "\"status\":1,\"detail\":\"\"}",
		"/type: is too long" },
	{ __LINE__, recode_applied,
		S "\"serial\":1,\"pending\":4294967296,\"waiting_for\":\"\"}",
		"/pending: is not between 0 and 4294967295" },
	{ __LINE__, recode_applied,
		S "\"serial\":1,\"pending\":0,\"waiting_for\":\"a b\"}",
		"/waiting_for: is not a name" },
};

static void test_hostile(void **state)
{
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		const struct hostile *h = &hostile[i];
		AUTO(buf_release) struct buf out = BUF_INIT(MSG_NETMAP_MAX);
		struct err err = { 0 };
		int r = h->recode(h->json, strlen(h->json), &out, &err);

		if (r != (*h->want ? -EBADMSG : 0) ||
			strncmp(err.msg, h->want, strlen(h->want))) {
			print_error(
				"line %d: %d \"%s\"\n", h->line, r, err.msg);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* Every prefix of a text is refused, and leaks nothing (sanitizers look). */
static void test_cut_short(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		const struct hostile *h = &hostile[i];
		AUTO(buf_release) struct buf out = BUF_INIT(MSG_NETMAP_MAX);
		size_t len = *h->want ? 0 : strcspn(h->json, " ");

		while (len-- > 0)
			assert_int_equal(
				h->recode(h->json, len, &out, NULL), -EBADMSG);
	}
}

/* A string that is no end, a million brackets, a million values: refused before
 * any memory is taken for them. */
static void test_floods(void **state)
{
	enum { SIZE = MSG_REQUEST_MAX };
	static const char *const units[] = { "[", "{\"a\":", "1,", "\"", "\\",
		"[],", "{},", ",", " " };
	char *flood = malloc(SIZE + 1);
	AUTO(buf_release) struct buf out = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(free_ptr) char *owned = flood;

	assert_non_null(owned);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t unit = strlen(units[i]), len = 1;

		flood[0] = '[';
		while (len + unit <= SIZE) {
			memcpy(flood + len, units[i], unit);
			len += unit;
		}
		assert_int_equal(
			recode_report(flood, len, &out, NULL), -EBADMSG);
		assert_int_equal(
			recode_netmap(flood, len, &out, NULL), -EBADMSG);
	}
}

static void test_size_limits(void **state)
{
	static const char request[] = S "\"identity\":" KEY ",\"name\":\"a\"}";
	AUTO(free_ptr) char *text = malloc(MSG_REQUEST_MAX + 1);
	AUTO(buf_release) struct buf out = BUF_INIT(MSG_NETMAP_MAX);
	struct err err = { 0 };

	assert_non_null(text);
	memset(text, ' ', MSG_REQUEST_MAX + 1);
	memcpy(text, request, strlen(request));
	assert_int_equal(
		recode_enroll_request(text, MSG_REQUEST_MAX, &out, &err), 0);
	assert_int_equal(
		recode_enroll_request(text, MSG_REQUEST_MAX + 1, &out, &err),
		-EBADMSG);
	assert_string_equal(
		err.msg, "is 65537 bytes long, the maximum is 65536");
}

static void test_count_limits(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(buf_release) struct buf out = BUF_INIT(MSG_NETMAP_MAX);
	struct err err = { 0 };

	buf_add_str(&text, REPORT "\"peers\":[");
	for (int i = 0; i <= MSG_REPORT_PEERS_MAX; i++)
		buf_addf(&text,
			"%s{\"node\":" ID ",\"rx_bytes\":0,"
			"\"tx_bytes\":0}",
			i ? "," : "");
	buf_add_str(&text, "]}");
	assert_int_equal(
		recode_report(text.data, text.len, &out, &err), -EBADMSG);
	assert_string_equal(
		err.msg, "/peers: has 257 items, the maximum is 256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_size_limits),
		cmocka_unit_test(test_count_limits),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
