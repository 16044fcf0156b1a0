/*
 * meshd_lab: a coordinator without sockets, in a directory of the test's own,
 * at a clock that stands at fx_now(0) until it is moved. Requests go straight
 * to api_dispatch(). Nodes are those of mesh_fixture; token T is the grant of a
 * delegate of its own.
 */
#ifndef TESTS_MESHD_LAB_H
#define TESTS_MESHD_LAB_H

#include "mesh_fixture.h"
#include "meshd/api.h"
#include "meshd/meshd.h"

struct lab {
	struct meshd meshd;
	struct now now;
	struct api_response last;
	struct ipaddr from; /* where requests come from */
	bool out_of_time;
};

/* The directory is DIR; with lab_found() there is the mesh of fx_mesh(). */
void lab_up(struct lab *lab, const char *dir);
void lab_found(struct lab *lab);
void lab_down(struct lab *lab);
void lab_restart(struct lab *lab, const char *dir);
void lab_sleep(struct lab *lab, int64_t sec);

#define LAB_NOBODY NULL
#define LAB_LOCAL  "local" /* by the socket */
/* METHOD_PATH: "GET /v1/netmap?since=1". BODY may be NULL. The status, 0 for a
 * wait; the response is in lab->last until the next call. */
unsigned int lab_call(struct lab *lab, const char *method_path,
	const char *bearer, const char *body);
/* Fails the test unless the status is WANT. */
void lab_must(struct lab *lab, unsigned int want, const char *method_path,
	const char *bearer, const char *body);
const char *lab_body(const struct lab *lab);
/* The slug of the problem that was answered, "" for another answer. */
const char *lab_slug(const struct lab *lab);

/* Bodies, in a static buffer each: use at once. */
const char *lab_record(const struct envelope *env);
const char *lab_record_of(const struct record *rec, unsigned int who);
const char *lab_enroll_request(unsigned int node, const char *name);

/* Who signs for token T, and its bearer; static, one a T. */
#define LAB_TOKENS_MAX 16
unsigned int lab_delegate(unsigned int token);
const char *lab_bearer(unsigned int token);
const char *lab_create_token_body(unsigned int token, uint32_t uses);
void lab_create_token(struct lab *lab, unsigned int token, uint32_t uses);
/* An API token with these scopes ("nodes:read"); static. */
const char *lab_api_token(struct lab *lab, const char *scopes);

/* NODE's own bearer once it has joined; static, one a node. */
#define LAB_NODES_MAX 16
const char *lab_agent(unsigned int node);
/* What NODE signs for the offer that was just answered. */
struct lab_join {
	struct record membership, key;
	unsigned int membership_signer, key_signer;
	char credential[BEARER_TEXT_SIZE];
};
void lab_prepare(struct lab *lab, unsigned int node, unsigned int token,
	struct lab_join *ret_join);
const char *lab_join_body(const struct lab_join *join);
/* Both steps, as "node-N". */
void lab_join(struct lab *lab, unsigned int node, unsigned int token);
const char *lab_path(const char *fmt, unsigned int node); /* %s: its id */

#endif
