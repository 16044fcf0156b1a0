/*
 * uapi: see the header. One table of keys serves both directions; a row says in
 * which a key may be met, and where.
 */
#include "config.h"

#include "wgconf/uapi.h"

#include <sodium.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

/* Each returns 0, -EINVAL for a bad value, or -ENOMEM. */

static int valid(bool ok)
{
	return ok ? 0 : -EINVAL;
}

static int parse_private_key(struct uapi_parser *parser, const char *value)
{
	struct wgconf_device *dev = parser->dev;

	if (!key_parse_hex(dev->seckey.b, value))
		return -EINVAL;
	dev->flags |= WGDEV_HAS_SECKEY;
	if (parser->mode == UAPI_GET) {
		dev->pubkey = seckey_public(&dev->seckey);
		dev->flags |= WGDEV_HAS_PUBKEY;
	}
	return 0;
}

static int parse_u16(const char *value, uint16_t *ret)
{
	uint64_t number;

	if (!num_parse_u64(value, UINT16_MAX, &number))
		return -EINVAL;
	*ret = (uint16_t)number;
	return 0;
}

static int parse_listen_port(struct uapi_parser *parser, const char *value)
{
	parser->dev->flags |= WGDEV_HAS_LISTEN_PORT;
	return parse_u16(value, &parser->dev->listen_port);
}

static int parse_fwmark(struct uapi_parser *parser, const char *value)
{
	uint64_t number;

	if (!num_parse_u64(value, UINT32_MAX, &number))
		return -EINVAL;
	parser->dev->flags |= WGDEV_HAS_FWMARK;
	parser->dev->fwmark = (uint32_t)number;
	return 0;
}

static int parse_replace_peers(struct uapi_parser *parser, const char *value)
{
	parser->dev->flags |= WGDEV_REPLACE_PEERS;
	return valid(strcmp(value, "true") == 0);
}

static int parse_public_key(struct uapi_parser *parser, const char *value)
{
	struct pubkey key;

	if (!key_parse_hex(key.b, value))
		return -EINVAL;
	parser->peer = wgconf_peer_add(parser->dev, &key);
	return parser->peer ? 0 : -ENOMEM;
}

static int parse_remove(struct uapi_parser *parser, const char *value)
{
	parser->peer->flags |= WGPEER_REMOVE;
	return valid(strcmp(value, "true") == 0);
}

static int parse_update_only(struct uapi_parser *parser, const char *value)
{
	parser->peer->flags |= WGPEER_UPDATE_ONLY;
	return valid(strcmp(value, "true") == 0);
}

static int parse_preshared_key(struct uapi_parser *parser, const char *value)
{
	parser->peer->flags |= WGPEER_HAS_PSK;
	return valid(key_parse_hex(parser->peer->psk.b, value));
}

/* endpoint_parse() with the two things that wg(8) may write and it refuses:
 * "[fe80::1%name]:port", and port 0. Changes TEXT. */
static bool parse_odd_endpoint(
	const struct uapi_parser *parser, char *text, struct endpoint *ret_ep)
{
	char *percent = strchr(text, '%');
	char *bracket = strchr(text, ']');
	char *port = strrchr(text, ':');
	bool no_port = port && strcmp(port, ":0") == 0;
	bool scoped = percent && bracket > percent && parser->scope_index;
	struct endpoint ep;
	uint32_t scope_id = 0;

	if (no_port)
		port[1] = '1';
	if (scoped && !endpoint_parse(text, &ep)) {
		*bracket = '\0';
		scope_id = parser->scope_index(percent + 1);
		*bracket = ']';
		if (scope_id == 0)
			return false;
		memmove(percent, bracket, strlen(bracket) + 1);
	}
	if (!endpoint_parse(text, &ep))
		return false;
	if (scope_id)
		ep.scope_id = scope_id;
	if (no_port)
		ep.port = 0;
	*ret_ep = ep;
	return true;
}

static int parse_endpoint(struct uapi_parser *parser, const char *value)
{
	char text[UAPI_LINE_MAX + 1];

	parser->peer->flags |= WGPEER_HAS_ENDPOINT;
	if (endpoint_parse(value, &parser->peer->endpoint))
		return 0;
	return valid(str_copy(text, sizeof(text), value) &&
		parse_odd_endpoint(parser, text, &parser->peer->endpoint));
}

static int parse_keepalive(struct uapi_parser *parser, const char *value)
{
	parser->peer->flags |= WGPEER_HAS_KEEPALIVE;
	return parse_u16(value, &parser->peer->keepalive_sec);
}

static int parse_replace_allowedips(
	struct uapi_parser *parser, const char *value)
{
	parser->peer->flags |= WGPEER_REPLACE_ALLOWEDIPS;
	return valid(strcmp(value, "true") == 0);
}

static int parse_allowedip(struct uapi_parser *parser, const char *value)
{
	bool remove = parser->mode == UAPI_SET && value[0] == '-';
	struct wgconf_allowedip *ip;
	struct ipnet net;

	if (!ipnet_parse(value + remove, &net))
		return -EINVAL;
	ip = wgconf_allowedip_add(parser->peer, &net);
	if (!ip)
		return -ENOMEM;
	ip->remove = remove;
	return 0;
}

static int parse_protocol_version(struct uapi_parser *parser, const char *value)
{
	return valid(strcmp(value, "1") == 0);
}

static int parse_handshake_sec(struct uapi_parser *parser, const char *value)
{
	int64_t *ns = &parser->peer->last_handshake.ns;
	uint64_t sec;

	if (!num_parse_u64(value, INT64_MAX / NSEC_PER_SEC - 1, &sec))
		return -EINVAL;
	*ns = (int64_t)sec * NSEC_PER_SEC + *ns % NSEC_PER_SEC;
	return 0;
}

static int parse_handshake_nsec(struct uapi_parser *parser, const char *value)
{
	int64_t *ns = &parser->peer->last_handshake.ns;
	uint64_t nsec;

	if (!num_parse_u64(value, (uint64_t)NSEC_PER_SEC - 1, &nsec))
		return -EINVAL;
	*ns += (int64_t)nsec - *ns % NSEC_PER_SEC;
	return 0;
}

static int parse_rx_bytes(struct uapi_parser *parser, const char *value)
{
	return valid(num_parse_u64(value, UINT64_MAX, &parser->peer->rx_bytes));
}

static int parse_tx_bytes(struct uapi_parser *parser, const char *value)
{
	return valid(num_parse_u64(value, UINT64_MAX, &parser->peer->tx_bytes));
}

static int parse_errno(struct uapi_parser *parser, const char *value)
{
	uint64_t number;

	/* Some daemons negate it. */
	if (!num_parse_u64(value + (value[0] == '-'), INT32_MAX, &number))
		return -EINVAL;
	parser->peer_errno = (int)number;
	parser->answered = true;
	return 0;
}

enum {
	IN_SET = 1 << 0,
	IN_GET = 1 << 1,
	OF_PEER = 1 << 2,   /* follows a public_key */
	OF_DEVICE = 1 << 3, /* comes before any public_key */
};

static const struct uapi_key {
	const char *name;
	unsigned int where;
	int (*parse)(struct uapi_parser *parser, const char *value);
} keys[] = {
	{ "private_key", IN_SET | IN_GET | OF_DEVICE, parse_private_key },
	{ "listen_port", IN_SET | IN_GET | OF_DEVICE, parse_listen_port },
	{ "fwmark", IN_SET | IN_GET | OF_DEVICE, parse_fwmark },
	{ "replace_peers", IN_SET | OF_DEVICE, parse_replace_peers },
	{ "public_key", IN_SET | IN_GET, parse_public_key },
	{ "remove", IN_SET | OF_PEER, parse_remove },
	{ "update_only", IN_SET | OF_PEER, parse_update_only },
	{ "preshared_key", IN_SET | IN_GET | OF_PEER, parse_preshared_key },
	{ "endpoint", IN_SET | IN_GET | OF_PEER, parse_endpoint },
	{ "persistent_keepalive_interval", IN_SET | IN_GET | OF_PEER,
		parse_keepalive },
	{ "replace_allowed_ips", IN_SET | OF_PEER, parse_replace_allowedips },
	{ "allowed_ip", IN_SET | IN_GET | OF_PEER, parse_allowedip },
	{ "protocol_version", IN_SET | OF_PEER, parse_protocol_version },
	{ "last_handshake_time_sec", IN_GET | OF_PEER, parse_handshake_sec },
	{ "last_handshake_time_nsec", IN_GET | OF_PEER, parse_handshake_nsec },
	{ "rx_bytes", IN_GET | OF_PEER, parse_rx_bytes },
	{ "tx_bytes", IN_GET | OF_PEER, parse_tx_bytes },
	{ "errno", IN_GET, parse_errno },
};

static const struct uapi_key *find_key(const char *name, enum uapi_mode mode)
{
	unsigned int in = mode == UAPI_SET ? IN_SET : IN_GET;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if ((keys[i].where & in) && strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

void uapi_parser_init(struct uapi_parser *parser, enum uapi_mode mode,
	struct wgconf_device *dev)
{
	*parser = (struct uapi_parser){ .mode = mode, .dev = dev };
}

static int parse_pair(struct uapi_parser *parser, const char *name,
	const char *value, struct err *err)
{
	const struct uapi_key *key = find_key(name, parser->mode);
	bool misplaced = key &&
		(parser->peer ? (key->where & OF_DEVICE)
			      : (key->where & OF_PEER));
	int r;

	/* A newer daemon may answer with more than we know, and an odd one in
	 * an odd order. What a SET says is all understood or refused. */
	if (!key || (misplaced && parser->mode == UAPI_GET)) {
		if (parser->mode == UAPI_GET)
			return 0;
		return err_set(err, -EINVAL, "unknown key: `%s'", name);
	}
	if (misplaced)
		return err_set(err, -EINVAL, "key out of place: `%s'", name);
	r = key->parse(parser, value);
	if (r == -ENOMEM)
		return err_set(err, r, "out of memory");
	if (r < 0) /* the value may be a key: it is not quoted */
		return err_set(err, r, "bad value of `%s'", name);
	return 0;
}

int uapi_parse_line(struct uapi_parser *parser, const char *line, size_t len,
	struct err *err)
{
	char text[UAPI_LINE_MAX + 1];
	char *equals;
	int r;

	parser->line++;
	if (len > UAPI_LINE_MAX) {
		r = err_set(err, -EPROTO, "line too long");
	} else if (memchr(line, '\0', len) || !memchr(line, '=', len)) {
		r = err_set(err, -EPROTO, "line is not key=value");
	} else {
		memcpy(text, line, len);
		text[len] = '\0';
		equals = strchr(text, '=');
		*equals = '\0';
		r = parse_pair(parser, text, equals + 1, err);
		sodium_memzero(text, len);
	}
	if (r < 0)
		err_at(err, NULL, parser->line, 0);
	return r;
}

static void format_key(
	struct buf *out, const char *name, const uint8_t key[static KEY_SIZE])
{
	char text[KEY_HEX_SIZE];

	buf_addf(out, "%s=%s\n", name, key_format_hex(key, text));
	sodium_memzero(text, sizeof(text));
}

static void format_device(const struct wgconf_device *dev, struct buf *out)
{
	if (dev->flags & WGDEV_HAS_SECKEY)
		format_key(out, "private_key", dev->seckey.b);
	if (dev->flags & WGDEV_HAS_LISTEN_PORT)
		buf_addf(out, "listen_port=%u\n", dev->listen_port);
	if (dev->flags & WGDEV_HAS_FWMARK)
		buf_addf(out, "fwmark=%" PRIu32 "\n", dev->fwmark);
}

static void format_allowedips(const struct wgconf_peer *peer, struct buf *out)
{
	char text[IPNET_TEXT_SIZE];

	list_for_each(node, &peer->allowedips) {
		const struct wgconf_allowedip *ip =
			LIST_ENTRY(node, struct wgconf_allowedip, node);
		buf_addf(out, "allowed_ip=%s%s\n", ip->remove ? "-" : "",
			ipnet_format(&ip->net, text));
	}
}

static void format_endpoint(const struct wgconf_peer *peer, struct buf *out)
{
	char text[ENDPOINT_TEXT_SIZE];

	if ((peer->flags & WGPEER_HAS_ENDPOINT) &&
		endpoint_known(&peer->endpoint))
		buf_addf(out, "endpoint=%s\n",
			endpoint_format(&peer->endpoint, text));
}

static void format_peer_get(const struct wgconf_peer *peer, struct buf *out)
{
	int64_t sec = peer->last_handshake.ns / NSEC_PER_SEC;
	int64_t nsec = peer->last_handshake.ns % NSEC_PER_SEC;

	format_key(out, "public_key", peer->pubkey.b);
	if (peer->flags & WGPEER_HAS_PSK)
		format_key(out, "preshared_key", peer->psk.b);
	buf_add_str(out, "protocol_version=1\n");
	format_endpoint(peer, out);
	buf_addf(out, "last_handshake_time_sec=%" PRId64 "\n", sec);
	buf_addf(out, "last_handshake_time_nsec=%" PRId64 "\n", nsec);
	buf_addf(out, "tx_bytes=%" PRIu64 "\n", peer->tx_bytes);
	buf_addf(out, "rx_bytes=%" PRIu64 "\n", peer->rx_bytes);
	if (peer->flags & WGPEER_HAS_KEEPALIVE)
		buf_addf(out, "persistent_keepalive_interval=%u\n",
			peer->keepalive_sec);
	format_allowedips(peer, out);
}

void uapi_format_get(const struct wgconf_device *dev, struct buf *out)
{
	format_device(dev, out);
	list_for_each(node, &dev->peers)
		format_peer_get(
			LIST_ENTRY(node, struct wgconf_peer, node), out);
}

static void format_peer_set(const struct wgconf_peer *peer, struct buf *out)
{
	format_key(out, "public_key", peer->pubkey.b);
	if (peer->flags & WGPEER_REMOVE) {
		buf_add_str(out, "remove=true\n");
		return;
	}
	if (peer->flags & WGPEER_UPDATE_ONLY)
		buf_add_str(out, "update_only=true\n");
	if (peer->flags & WGPEER_HAS_PSK)
		format_key(out, "preshared_key", peer->psk.b);
	format_endpoint(peer, out);
	if (peer->flags & WGPEER_HAS_KEEPALIVE)
		buf_addf(out, "persistent_keepalive_interval=%u\n",
			peer->keepalive_sec);
	if (peer->flags & WGPEER_REPLACE_ALLOWEDIPS)
		buf_add_str(out, "replace_allowed_ips=true\n");
	format_allowedips(peer, out);
}

void uapi_format_set(const struct wgconf_device *dev, struct buf *out)
{
	buf_add_str(out, "set=1\n");
	format_device(dev, out);
	if (dev->flags & WGDEV_REPLACE_PEERS)
		buf_add_str(out, "replace_peers=true\n");
	list_for_each(node, &dev->peers)
		format_peer_set(
			LIST_ENTRY(node, struct wgconf_peer, node), out);
}
