/*
 * mesh_fixture: a small mesh out of fixed seeds, for tests. The same numbers
 * give the same keys and bytes in every run.
 */
#ifndef TESTS_MESH_FIXTURE_H
#define TESTS_MESH_FIXTURE_H

#include "meshproto/record.h"
#include "meshproto/trust.h"

/* Who can sign: the numbers are seeds; nodes' identities count from FX_NODE. */
enum fx_who { FX_OPERATOR, FX_DELEGATE, FX_STRANGER, FX_NODE };

#define FX_NOW_SEC   INT64_C(1800000000) /* 2027-01-15T08:00:00Z */
#define FX_GRANT_SEC 3600		 /* the grant's life, from FX_NOW_SEC */
#define FX_USES	     100

struct now fx_now(int64_t offset_sec);
struct wall fx_wall(int64_t offset_sec);
struct signseed fx_seed(unsigned int who);
struct signpub fx_public(unsigned int who);
struct node_id fx_node_id(unsigned int node);
struct ipnet fx_net(const char *text);

/* Records that every rule allows: prefixes 100.64.0.0/16 and fd00:1::/48; node
 * N is "node-N" with 100.64.1.N and fd00:1::1:N, tag "web". */
struct record fx_mesh(void);
struct record fx_grant(void);
struct record fx_member(unsigned int node);
struct record fx_key(unsigned int node);
struct record fx_removal(unsigned int node);

/* Signs, and fails the test if that fails. Caller frees. */
struct envelope *fx_sign(const struct record *rec, unsigned int who);
/* Signs any text at all, as nobody would. Caller frees. */
struct envelope *fx_sign_text(const char *text, unsigned int who);
/* Signs, offers at fx_now(0), frees. */
enum trust_verdict fx_offer(struct trust *trust, const struct record *rec,
	unsigned int who, struct err *err);

/* The same, and fails the test if the record is not accepted. */
void fx_must(struct trust *trust, struct record rec, unsigned int who);
struct record fx_with_serial(struct record rec, uint64_t serial);

/*
 * The world in which every row is judged:
 *   node 0  admitted by the delegate, key epoch 2 in serial 5
 *   node 1  of the operator, serial 5, key epoch 1
 *   node 2  admitted by the delegate, restated by the operator in serial 2
 *   node 3  removed by the operator, after it was admitted
 *   node 4  removed before anybody here saw it
 *   node 5  not known
 */
enum {
	FX_ADMITTED,
	FX_STATED,
	FX_RESTATED,
	FX_REMOVED,
	FX_NEVER_SEEN,
	FX_UNKNOWN
};
struct trust *fx_world(void);

#endif
