/* report: see report.h. */
#include "config.h"

#include "agent/report.h"

#include "agent/candidates.h"

#include <errno.h>
#include <sodium.h>

#include "base/banned.h"

/* False: nothing is known of this node's path, so nothing is said of it. */
static bool describe_peer(const struct report_input *in,
	const struct roster_node *node, const struct now *now,
	struct msg_peer_report *ret_peer)
{
	struct wg_peer_info info;
	const struct wg_peer *peer;

	if (!node->verified.key)
		return false;
	peer = wg_device_find_peer(
		engine_device(in->engine), &node->verified.key->public_key);
	if (!peer)
		return false;
	wg_peer_get_info(peer, now, &info);
	sodium_memzero(&info.psk, sizeof(info.psk));
	*ret_peer = (struct msg_peer_report){
		.node = node->verified.node,
		.endpoint = info.endpoint,
		.last_handshake = info.last_handshake,
		.rx_bytes = info.rx_bytes,
		.tx_bytes = info.tx_bytes,
	};
	return info.last_handshake.ns != 0;
}

static void fill_peers(const struct report_input *in, const struct now *now,
	struct msg_report *report)
{
	size_t count = trust_node_count(roster_trust(in->roster));

	for (size_t i = 0;
		i < count && report->peer_count < MSG_REPORT_PEERS_MAX; i++) {
		struct roster_node node;

		*in->turn = *in->turn < count ? *in->turn : 0;
		node = roster_at(in->roster, (*in->turn)++);
		if (describe_peer(
			    in, &node, now, &report->peers[report->peer_count]))
			report->peer_count++;
	}
}

int report_make(
	const struct report_input *in, struct buf *out, const struct now *now)
{
	struct msg_report report = {
		.applied = roster_applied(in->roster),
		.listen_port = engine_listen_port(in->engine),
	};
	int r;

	report.peers = calloc(MSG_REPORT_PEERS_MAX, sizeof(*report.peers));
	if (!report.peers)
		return -ENOMEM;
	report.endpoint_count = candidates_own(in->addrs, in->addr_count,
		report.listen_port, roster_mesh(in->roster), report.endpoints,
		MSG_ENDPOINTS_MAX);
	fill_peers(in, now, &report);
	r = msg_report_encode(&report, out);
	free(report.peers);
	return r;
}
