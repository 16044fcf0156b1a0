/* status: see status.h. */
#include "config.h"

#include "agent/status.h"

#include "agent/plan.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

/* ---- gathering ---- */

static bool fill_peer(const struct roster_node *node, struct engine *engine,
	const struct now *now, struct msg_agent_peer *peer)
{
	const struct record_membership *membership = node->verified.membership;
	const struct pubkey *key = &node->verified.key->public_key;
	const struct wg_peer *running =
		wg_device_find_peer(engine_device(engine), key);
	struct wg_peer_info info;

	if (!running)
		return false;
	wg_peer_get_info(running, now, &info);
	sodium_memzero(&info.psk, sizeof(info.psk));
	peer->node = node->verified.node;
	(void)str_copy(peer->name, sizeof(peer->name), membership->name);
	peer->address_count = membership->address_count;
	memcpy(peer->addresses, membership->addresses, sizeof(peer->addresses));
	peer->public_key = *key;
	peer->endpoint = info.endpoint;
	peer->last_handshake = info.last_handshake;
	peer->rx_bytes = info.rx_bytes;
	peer->tx_bytes = info.tx_bytes;
	return true;
}

static void fill_self(
	const struct roster *roster, struct msg_agent_status *status)
{
	const struct record_mesh *mesh = roster_mesh(roster);
	struct roster_node self;

	status->node = *roster_self(roster);
	status->mesh = trust_mesh_id(roster_trust(roster));
	if (mesh)
		(void)str_copy(status->mesh_name, sizeof(status->mesh_name),
			mesh->name);
	if (!roster_find(roster, roster_self(roster), &self) ||
		!self.verified.membership)
		return;
	(void)str_copy(status->name, sizeof(status->name),
		self.verified.membership->name);
	if (self.verified.key)
		status->public_key = self.verified.key->public_key;
}

int status_fill(const struct roster *roster, struct engine *engine,
	struct msg_agent_status *ret_status, const struct now *now)
{
	size_t count = trust_node_count(roster_trust(roster));
	struct msg_agent_status status = {
		.pid = (uint32_t)getpid(),
		.version = PACKAGE_VERSION,
		.listen_port = engine_listen_port(engine),
		.serial = roster_serial(roster),
	};

	(void)str_copy(status.interface, sizeof(status.interface),
		engine_ifname(engine));
	fill_self(roster, &status);
	status.peers = calloc(count + 1, sizeof(*status.peers));
	if (!status.peers)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct roster_node node = roster_at(roster, i);

		if (plan_is_peer(roster, &node, now->wall) &&
			fill_peer(&node, engine, now,
				&status.peers[status.peer_count]))
			status.peer_count++;
	}
	*ret_status = status;
	return 0;
}

/* ---- printing ---- */

#define AGO_SIZE   32
#define BYTES_SIZE 32
#define NETS_SIZE  (RECORD_ADDRESSES_MAX * IPNET_TEXT_SIZE)

static const char *format_ago(
	struct wall then, struct wall now, char buf[static AGO_SIZE])
{
	static const struct {
		int64_t seconds;
		const char *one, *many;
	} units[] = {
		{ 86400, "day", "days" },
		{ 3600, "hour", "hours" },
		{ 60, "minute", "minutes" },
		{ 1, "second", "seconds" },
	};
	int64_t seconds = (now.ns - then.ns) / NSEC_PER_SEC;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		int64_t n = seconds / units[i].seconds;

		if (n < 1)
			continue;
		(void)snprintf(buf, AGO_SIZE, "%lld %s ago", (long long)n,
			n == 1 ? units[i].one : units[i].many);
		return buf;
	}
	(void)snprintf(buf, AGO_SIZE, "now");
	return buf;
}

static const char *format_bytes(uint64_t bytes, char buf[static BYTES_SIZE])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)snprintf(buf, BYTES_SIZE, "%u B", (unsigned int)bytes);
		return buf;
	}
	for (value /= 1024; value >= 1024 && unit + 1 < ARRAY_SIZE(units);
		unit++)
		value /= 1024;
	(void)snprintf(buf, BYTES_SIZE, "%.2f %s", value, units[unit]);
	return buf;
}

/* "100.64.3.1 fd12::1": lengths only where they say something. */
static const char *format_nets(
	const struct ipnet *nets, size_t count, char buf[static NETS_SIZE])
{
	size_t used = 0;

	buf[0] = 0;
	for (size_t i = 0; i < count; i++) {
		bool is_host =
			nets[i].prefix_len == ip_bits(nets[i].addr.family);
		char text[IPNET_TEXT_SIZE];

		used += (size_t)snprintf(buf + used, NETS_SIZE - used, "%s%s",
			i > 0 ? " " : "",
			is_host ? ipaddr_format(&nets[i].addr, text)
				: ipnet_format(&nets[i], text));
	}
	return buf;
}

static void print_coordinator(
	const struct msg_agent_status *status, struct wall now, struct buf *out)
{
	char ago[AGO_SIZE], time[TIME_TEXT_SIZE];

	buf_addf(out, "coordinator  %s, ", status->coordinator);
	if (status->reachable_since.ns == 0)
		buf_add_str(out, "not tried yet\n");
	else if (status->reachable)
		buf_add_str(out, "reachable\n");
	else
		buf_addf(out, "out of reach since %s (%s): %s\n",
			wall_format(status->reachable_since, time),
			format_ago(status->reachable_since, now, ago),
			status->problem);
}

/* Widths of the peer table's columns, wide enough for its heads. */
struct widths {
	int name, addresses, endpoint;
};

static int wider(int width, const char *text)
{
	int len = (int)strlen(text);

	return len > width ? len : width;
}

static struct widths measure(const struct msg_agent_status *status)
{
	struct widths w = { 4, 9, 8 };
	char nets[NETS_SIZE], endpoint[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < status->peer_count; i++) {
		const struct msg_agent_peer *peer = &status->peers[i];

		w.name = wider(w.name, peer->name);
		w.addresses = wider(w.addresses,
			format_nets(
				peer->addresses, peer->address_count, nets));
		w.endpoint = wider(
			w.endpoint, endpoint_format(&peer->endpoint, endpoint));
	}
	return w;
}

static void print_peers(
	const struct msg_agent_status *status, struct wall now, struct buf *out)
{
	struct widths w = measure(status);

	if (status->peer_count == 0)
		return;
	buf_addf(out, "\n%-*s  %-*s  %-*s  %-16s  %-10s  %s\n", w.name, "PEER",
		w.addresses, "ADDRESSES", w.endpoint, "ENDPOINT",
		"LAST HANDSHAKE", "RECEIVED", "SENT");
	for (size_t i = 0; i < status->peer_count; i++) {
		const struct msg_agent_peer *peer = &status->peers[i];
		char nets[NETS_SIZE], endpoint[ENDPOINT_TEXT_SIZE],
			ago[AGO_SIZE], rx[BYTES_SIZE], tx[BYTES_SIZE];
		bool had_handshake = peer->last_handshake.ns != 0;

		buf_addf(out, "%-*s  %-*s  %-*s  %-16s  %-10s  %s\n", w.name,
			peer->name, w.addresses,
			format_nets(peer->addresses, peer->address_count, nets),
			w.endpoint, endpoint_format(&peer->endpoint, endpoint),
			had_handshake
				? format_ago(peer->last_handshake, now, ago)
				: "never",
			format_bytes(peer->rx_bytes, rx),
			format_bytes(peer->tx_bytes, tx));
	}
}

void status_print(
	const struct msg_agent_status *status, struct wall now, struct buf *out)
{
	char id[MESH_ID_TEXT_SIZE], nets[NETS_SIZE], key[KEY_BASE64_SIZE];

	buf_addf(out, "node         %s (%s)\n", status->name,
		node_id_format(&status->node, id));
	buf_addf(out, "mesh         %s (%s)\n", status->mesh_name,
		mesh_id_format(&status->mesh, id));
	buf_addf(out, "interface    %s, port %u, MTU %u\n", status->interface,
		status->listen_port, status->mtu);
	buf_addf(out, "public key   %s\n",
		key_format_base64(status->public_key.b, key));
	buf_addf(out, "addresses    %s\n",
		format_nets(status->addresses, status->address_count, nets));
	print_coordinator(status, now, out);
	buf_addf(
		out, "serial       %llu\n", (unsigned long long)status->serial);
	buf_addf(out, "peers        %zu\n", status->peer_count);
	print_peers(status, now, out);
}
