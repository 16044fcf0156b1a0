/*
 * message_recode: one shape for all messages, for tests: decode a text, encode
 * what came out, release it.
 */
#ifndef TESTS_MESSAGE_RECODE_H
#define TESTS_MESSAGE_RECODE_H

#include "base/buf.h"
#include "base/err.h"

/* 0, or what the decoder or the encoder said. */
typedef int recode_fn(
	const char *json, size_t len, struct buf *out, struct err *err);

recode_fn recode_enroll_request;
recode_fn recode_enroll_offer;
recode_fn recode_enroll_complete;
recode_fn recode_netmap;
recode_fn recode_report;
recode_fn recode_mesh_view;
recode_fn recode_token_create;
recode_fn recode_token_view;
recode_fn recode_token_list;
recode_fn recode_node_view;
recode_fn recode_node_list;
recode_fn recode_record;
recode_fn recode_applied;
recode_fn recode_problem;
recode_fn recode_agent_request;
recode_fn recode_agent_status;

#endif
