/*
 * message_agent: what an agent and those on its own host say to each other over
 * its control socket, as JSON lines: one request a connection, one answer. Made
 * as the messages of message.h are.
 */
#ifndef MESHPROTO_MESSAGE_AGENT_H
#define MESHPROTO_MESSAGE_AGENT_H

#include "meshproto/message.h"

/* "status": say how you are. "stop": say how you are, then end. */
struct msg_agent_request {
	char command[16];
};

struct msg_agent_peer {
	struct node_id node;
	char name[NAME_MAX_LEN + 1];
	struct ipnet addresses[RECORD_ADDRESSES_MAX];
	size_t address_count;
	struct pubkey public_key;
	struct endpoint endpoint;   /* as the engine has it; may be unknown */
	struct wall last_handshake; /* 0: never */
	uint64_t rx_bytes, tx_bytes;
};

struct msg_agent_status {
	uint32_t pid;
	char version[32];
	struct node_id node;
	char name[NAME_MAX_LEN + 1];
	struct mesh_id mesh;
	char mesh_name[NAME_MAX_LEN + 1];
	char interface[IFNAME_MAX_LEN + 1];
	struct pubkey public_key;
	uint16_t listen_port;
	uint32_t mtu;
	struct ipnet addresses[RECORD_ADDRESSES_MAX]; /* as on the interface */
	size_t address_count;
	char coordinator[TOKEN_URL_MAX + 1];
	bool reachable;
	struct wall reachable_since; /* of `reachable`; 0: not tried yet */
	char problem[ERR_MSG_MAX];   /* "" while reachable */
	uint64_t serial;
	struct msg_agent_peer *peers; /* in order of node id */
	size_t peer_count;
};

MSG_DECLARE(agent_request)
MSG_DECLARE(agent_status)

#endif
