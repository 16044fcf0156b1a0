/*
 * message: what programs say to each other, one struct a message, each with
 * _encode (to JSON text in a buf) and _decode (from it). The same texts travel
 * as HTTP bodies and, later, as JSON lines over SSH. Every object carries
 * "schema": "mesh/v1". Decoders refuse unknown fields, duplicate keys, depth
 * over 8, and counts over the maxima here; -EBADMSG with ERR naming the field
 * by its JSON pointer: "/peers/3/node: ...". Encoders return 0, -ENOMEM (OUT is
 * full, too) or -EINVAL for what no decoder would take.
 *
 * Ownership: a decoded message owns what it points to; x_release() frees it.
 */
#ifndef MESHPROTO_MESSAGE_H
#define MESHPROTO_MESSAGE_H

#include "base/endpoint.h"
#include "meshproto/record.h"
#include "meshproto/token.h"

#define MSG_ENDPOINTS_MAX 16 /* candidates of one node */
#define MSG_PEERS_MAX	  65536
#define MSG_RECORDS_MAX	  (4 * MSG_PEERS_MAX) /* node, key, grant, some spare */
#define MSG_TOKENS_MAX	  65536
/* 256 peers of 240 bytes and 16 endpoints of 64 fit in MSG_REQUEST_MAX. A report
 * with more is sent without the rest: put what changed first. */
#define MSG_REPORT_PEERS_MAX 256
#define MSG_REQUEST_MAX	     (64 * 1024)	 /* any client's body */
#define MSG_NETMAP_MAX	     (128 * 1024 * 1024) /* 65536 nodes of 2 KiB */

/* ---- enrolment: two steps, both idempotent for the same identity ---- */

/* POST /v1/enrollments, bearer: the join token's. */
struct msg_enroll_request {
	struct signpub identity;
	char name[NAME_MAX_LEN + 1];
};
/* Its answer: what to sign. Reserved for MSG_ENROLL_RESERVED_SEC. */
#define MSG_ENROLL_RESERVED_SEC 600
struct msg_enroll_offer {
	struct node_id node;
	struct ipnet addresses[RECORD_ADDRESSES_MAX];
	size_t address_count;
	struct envelope *mesh;	/* owned */
	struct envelope *grant; /* owned */
};
/* PUT /v1/enrollments/NODE, bearer: the join token's. CREDENTIAL is the
 * agent's own bearer ("agent") from now on; it made it itself. */
struct msg_enroll_complete {
	struct envelope *membership; /* owned */
	struct envelope *key;	     /* owned */
	char credential[BEARER_TEXT_SIZE];
};
/* Its answer is a netmap. */

/* ---- distribution ---- */

struct msg_node_endpoints {
	struct node_id node;
	struct endpoint endpoints[MSG_ENDPOINTS_MAX]; /* best guess first */
	size_t count;
};
/* GET /v1/netmap?since=SERIAL&wait=SECONDS, bearer: the agent's.
 * full: the records and endpoints are all there are, and a node that is not
 * named is withheld. Otherwise a delta from `since`. */
struct msg_netmap {
	uint64_t serial;
	bool full;
	uint64_t since;		   /* of a delta */
	struct envelope **records; /* form only: trust.h judges them */
	size_t record_count;
	struct node_id *withheld; /* delta: drop them, without a record */
	size_t withheld_count;
	struct msg_node_endpoints *endpoints;
	size_t endpoint_count;
};

/* POST /v1/report, bearer: the agent's. Sent after every change applied, when
 * candidates change, and now and then. */
struct msg_peer_report {
	struct node_id node;
	struct endpoint endpoint; /* as the engine sees it now */
	struct wall last_handshake;
	uint64_t rx_bytes, tx_bytes;
};
struct msg_report {
	uint64_t applied; /* netmap serial */
	uint16_t listen_port;
	struct endpoint endpoints[MSG_ENDPOINTS_MAX]; /* own candidates */
	size_t endpoint_count;
	struct msg_peer_report *peers;
	size_t peer_count;
};

/* ---- operators ---- */

/* PUT /v1/mesh (init): the mesh record. GET answers msg_mesh_view. */
struct msg_mesh_view {
	struct mesh_id mesh;
	char name[NAME_MAX_LEN + 1];
	struct envelope *record; /* owned */
	uint64_t serial;	 /* of the netmap */
	uint32_t node_count;
	char url[TOKEN_URL_MAX + 1]; /* where agents find this coordinator */
	uint8_t pin[TOKEN_PIN_SIZE]; /* its TLS key */
	char version[32];
};

/* POST /v1/tokens: a join token (grant and the bearer derived from its
 * delegate) or an API token (scopes). */
#define MSG_SCOPES_MAX 8
#define MSG_SCOPE_SIZE 24
struct msg_token_create {
	bool is_join;
	/* join */
	struct envelope *grant; /* owned */
	char bearer[BEARER_TEXT_SIZE];
	/* api; the answer carries the bearer once */
	char scopes[MSG_SCOPES_MAX][MSG_SCOPE_SIZE];
	size_t scope_count;
	struct wall expires;
	char note[NAME_MAX_LEN + 1]; /* for people; may be "" */
};
struct msg_token_view {
	char id[TOKEN_ID_TEXT_SIZE];
	bool is_join;
	char note[NAME_MAX_LEN + 1];
	char scopes[MSG_SCOPES_MAX][MSG_SCOPE_SIZE];
	size_t scope_count;
	uint32_t uses_max, uses; /* join; max 0: any number */
	char tags[RECORD_TAGS_MAX][NAME_MAX_LEN + 1];
	size_t tag_count;
	struct wall created, expires;
	bool revoked;
	char bearer[BEARER_TEXT_SIZE]; /* only in the answer that made it */
};
struct msg_token_list {
	struct msg_token_view *tokens;
	size_t count;
};

/* GET /v1/nodes, /v1/nodes/ID-OR-NAME */
struct msg_node_view {
	struct node_id node;
	char name[NAME_MAX_LEN + 1];
	struct envelope *membership; /* owned */
	struct envelope *grant;	     /* owned; NULL: the operator signed it */
	struct pubkey public_key;
	struct ipnet addresses[RECORD_ADDRESSES_MAX];
	size_t address_count;
	char tags[RECORD_TAGS_MAX][NAME_MAX_LEN + 1];
	size_t tag_count;
	struct endpoint endpoints[MSG_ENDPOINTS_MAX];
	size_t endpoint_count;
	bool online;	       /* a long poll is open, or was a moment ago */
	struct wall last_seen; /* 0: never */
	uint64_t applied;
	struct msg_peer_report *peers; /* as it last reported */
	size_t peer_count;
};
struct msg_node_list {
	uint64_t serial;
	struct msg_node_view *nodes;
	size_t count;
};

/* PUT /v1/nodes/ID {record}: a new membership (rename, tags), signed.
 * POST /v1/nodes/ID/removal {record}: the removal record. Answer of both, and
 * of /v1/applied?serial=N&wait=S. */
struct msg_record {
	struct envelope *record; /* owned */
};
struct msg_applied {
	uint64_t serial;  /* the change asked about */
	uint32_t pending; /* online nodes that have not applied it */
	char waiting_for[NAME_MAX_LEN + 1]; /* one of them, "" if none */
};

/* RFC 9457 problem details: type "https://wgmesh.invalid/problems/<slug>". */
#define MSG_PROBLEM_SLUG_SIZE 40
struct msg_problem {
	char slug[MSG_PROBLEM_SLUG_SIZE]; /* "token-expired", "name-taken" */
	unsigned int status;
	char detail[ERR_MSG_MAX];
	char field[64]; /* JSON pointer of the field at fault, or "" */
};

#define MSG_DECLARE(name)                                                      \
	void msg_##name##_release(struct msg_##name *msg);                     \
	AUTO_DEFINE_VALUE(struct msg_##name, msg_##name##_release)             \
	WARN_UNUSED int msg_##name##_encode(                                   \
		const struct msg_##name *msg, struct buf *out);                \
	WARN_UNUSED int msg_##name##_decode(const char *json, size_t len,      \
		struct msg_##name *ret_msg, struct err *err);
MSG_DECLARE(enroll_request)
MSG_DECLARE(enroll_offer)
MSG_DECLARE(enroll_complete)
MSG_DECLARE(netmap)
MSG_DECLARE(report)
MSG_DECLARE(mesh_view)
MSG_DECLARE(token_create)
MSG_DECLARE(token_view)
MSG_DECLARE(token_list)
MSG_DECLARE(node_view)
MSG_DECLARE(node_list)
MSG_DECLARE(record)
MSG_DECLARE(applied)
MSG_DECLARE(problem)

#endif
