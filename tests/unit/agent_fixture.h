/*
 * agent_fixture: netmaps out of the fixture mesh. Node 0 is "this node".
 */
#ifndef TESTS_AGENT_FIXTURE_H
#define TESTS_AGENT_FIXTURE_H

#include "agent/roster.h"
#include "mesh_fixture.h"
#include "meshproto/message.h"

#define FX_MAP_RECORDS_MAX 64

/* A netmap that is put together one record at a time. */
struct fx_map {
	struct msg_netmap map;
	struct envelope *records[FX_MAP_RECORDS_MAX];
	struct node_id withheld[FX_MAP_RECORDS_MAX];
	struct msg_node_endpoints endpoints[FX_MAP_RECORDS_MAX];
};
void fx_map_full(struct fx_map *fx, uint64_t serial);
void fx_map_delta(struct fx_map *fx, uint64_t since, uint64_t serial);
void fx_map_release(struct fx_map *fx);

void fx_map_add(struct fx_map *fx, const struct record *rec, unsigned int who);
void fx_map_roots(struct fx_map *fx); /* mesh record and grant */
/* Membership (by the delegate) and key of NODE. */
void fx_map_node(struct fx_map *fx, unsigned int node);
void fx_map_withhold(struct fx_map *fx, unsigned int node);
/* ENDPOINTS "1.2.3.4:5 [::1]:6". */
void fx_map_hint(struct fx_map *fx, unsigned int node, const char *endpoints);

struct roster *fx_roster(void); /* of node 0, empty */
/* A roster that believes nodes 0 to COUNT - 1, at serial 1. */
struct roster *fx_roster_of(unsigned int count);
/* Merges at fx_now(0); fails the test unless the result is WANT. Returns
 * whether something changed. */
bool fx_merge(struct roster *roster, const struct fx_map *fx, int want);

/* Sentences heard by on_refused. */
struct fx_refusals {
	unsigned int count;
	char last[ERR_MSG_MAX];
};
void fx_hear_refusal(void *arg, const struct err *err);

struct roster_node fx_node(const struct roster *roster, unsigned int node);

#endif
