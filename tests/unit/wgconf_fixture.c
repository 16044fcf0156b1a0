/* wgconf_fixture: see the header. */
#include "config.h"
#include "wgconf_fixture.h"

#include <string.h>

#define KEYS 6

static const char *const nets[] = { "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32",
	"0.0.0.0/0", "192.168.7.0/24", "::/0", "fd00::/8", "fd00::1/128",
	"fe80::/64" };
static const char *const endpoints[] = { "1.2.3.4:5", "[fd00::1]:51820",
	"[fe80::1%7]:65535" };

static void fill_key(uint8_t key[static KEY_SIZE], uint64_t number)
{
	for (size_t i = 0; i < KEY_SIZE; i++)
		key[i] = (uint8_t)(number * 37 + i * number + 1);
}

struct ipnet random_net(struct random *r)
{
	struct ipnet net;

	assert_true(ipnet_parse(nets[random_below(r, ARRAY_SIZE(nets))], &net));
	return net;
}

static void random_fields(struct random *r, struct wgconf_peer *peer)
{
	if (peer->flags & WGPEER_HAS_PSK && random_below(r, 2))
		fill_key(peer->psk.b, random_below(r, KEYS));
	if (peer->flags & WGPEER_HAS_ENDPOINT)
		assert_true(endpoint_parse(
			endpoints[random_below(r, ARRAY_SIZE(endpoints))],
			&peer->endpoint));
	if (peer->flags & WGPEER_HAS_KEEPALIVE)
		peer->keepalive_sec = (uint16_t)random_below(r, 3);
}

static struct wgconf_device *random_device(struct random *r)
{
	struct wgconf_device *dev = wgconf_device_new();

	assert_non_null(dev);
	if (random_below(r, 4))
		fill_key(dev->seckey.b, random_below(r, KEYS));
	dev->listen_port = (uint16_t)random_below(r, 3);
	dev->fwmark = (uint32_t)random_below(r, 3) * 0x7fffffff;
	return dev;
}

struct wgconf_device *random_state(struct random *r)
{
	struct wgconf_device *dev = random_device(r);
	struct pubkey key;

	dev->flags = WGDEV_HAS_SECKEY | WGDEV_HAS_PUBKEY |
		WGDEV_HAS_LISTEN_PORT | WGDEV_HAS_FWMARK;
	dev->pubkey = seckey_public(&dev->seckey);
	for (uint64_t i = 0; i < KEYS; i++) {
		struct wgconf_peer *peer;

		if (random_below(r, 2))
			continue;
		fill_key(key.b, i);
		peer = wgconf_peer_add(dev, &key);
		assert_non_null(peer);
		peer->flags = WGPEER_HAS_PSK | WGPEER_HAS_KEEPALIVE |
			(random_below(r, 2) ? WGPEER_HAS_ENDPOINT : 0);
		random_fields(r, peer);
		peer->last_handshake.ns = random_below(r, 2)
			? (int64_t)random_below(r, 1u << 31) * NSEC_PER_SEC +
				(int64_t)random_below(r, 1000000000)
			: 0;
		peer->rx_bytes = random_next(r);
		peer->tx_bytes = random_below(r, 1000);
		for (uint64_t n = random_below(r, 4); n > 0; n--) {
			struct ipnet net = random_net(r);

			if (!owner_of(dev, &net))
				assert_non_null(
					wgconf_allowedip_add(peer, &net));
		}
	}
	return dev;
}

struct wgconf_device *random_change(struct random *r)
{
	struct wgconf_device *dev = random_device(r);
	struct pubkey key;

	dev->flags = (unsigned int)random_below(r, 32) & ~WGDEV_HAS_PUBKEY;
	if (!(dev->flags & WGDEV_HAS_SECKEY))
		memset(&dev->seckey, 0, sizeof(dev->seckey));
	dev->listen_port *= !!(dev->flags & WGDEV_HAS_LISTEN_PORT);
	dev->fwmark *= !!(dev->flags & WGDEV_HAS_FWMARK);
	for (uint64_t i = random_below(r, KEYS + 2); i > 0; i--) {
		struct wgconf_peer *peer;

		fill_key(key.b, random_below(r, KEYS));
		peer = wgconf_peer_add(dev, &key);
		assert_non_null(peer);
		peer->flags = (unsigned int)random_below(r, 64);
		random_fields(r, peer);
		for (uint64_t n = random_below(r, 5); n > 0; n--) {
			struct ipnet net = random_net(r);
			struct wgconf_allowedip *ip =
				wgconf_allowedip_add(peer, &net);

			assert_non_null(ip);
			ip->remove = random_below(r, 8) == 0;
		}
	}
	return dev;
}

int parse_uapi(enum uapi_mode mode, const char *text, struct wgconf_device *dev,
	struct err *err)
{
	struct uapi_parser parser;
	int r = 0;

	uapi_parser_init(&parser, mode, dev);
	while (r == 0 && *text) {
		size_t len = strcspn(text, "\n");

		r = uapi_parse_line(&parser, text, len, err);
		text += len + (text[len] == '\n');
	}
	return r;
}

struct wgconf_device *uapi_device(enum uapi_mode mode, const char *text)
{
	struct wgconf_device *dev = wgconf_device_new();
	struct err err = { 0 };

	assert_non_null(dev);
	if (parse_uapi(mode, text, dev, &err) < 0)
		fail_msg("line %u: %s", err.line, err.msg);
	return dev;
}

static bool differ(const char *what)
{
	print_message("# they differ in: %s\n", what);
	return false;
}

static bool same_allowedips(
	const struct wgconf_peer *a, const struct wgconf_peer *b)
{
	struct list *x = a->allowedips.next, *y = b->allowedips.next;

	for (; x != &a->allowedips && y != &b->allowedips;
		x = x->next, y = y->next) {
		const struct wgconf_allowedip *i =
			LIST_ENTRY(x, struct wgconf_allowedip, node);
		const struct wgconf_allowedip *j =
			LIST_ENTRY(y, struct wgconf_allowedip, node);
		if (!ipnet_equal(&i->net, &j->net) || i->remove != j->remove)
			return differ("an allowed-IP");
	}
	return (x == &a->allowedips && y == &b->allowedips) ||
		differ("the number of allowed-IPs");
}

static bool same_peer(const struct wgconf_peer *a, const struct wgconf_peer *b)
{
	if (a->flags != b->flags)
		return differ("a peer's flags");
	if (!key_equal(a->pubkey.b, b->pubkey.b))
		return differ("a peer's key");
	if (!key_equal(a->psk.b, b->psk.b))
		return differ("a preshared key");
	if (!endpoint_equal(&a->endpoint, &b->endpoint))
		return differ("an endpoint");
	if (a->keepalive_sec != b->keepalive_sec)
		return differ("a keepalive");
	if (a->last_handshake.ns != b->last_handshake.ns ||
		a->rx_bytes != b->rx_bytes || a->tx_bytes != b->tx_bytes)
		return differ("what a peer did");
	return same_allowedips(a, b);
}

bool same_device(const struct wgconf_device *a, const struct wgconf_device *b)
{
	struct list *x = a->peers.next, *y = b->peers.next;

	if (a->flags != b->flags)
		return differ("the device's flags");
	if (!key_equal(a->seckey.b, b->seckey.b) ||
		!key_equal(a->pubkey.b, b->pubkey.b))
		return differ("the device's key");
	if (a->listen_port != b->listen_port || a->fwmark != b->fwmark)
		return differ("the device's port or mark");
	for (; x != &a->peers && y != &b->peers; x = x->next, y = y->next)
		if (!same_peer(LIST_ENTRY(x, struct wgconf_peer, node),
			    LIST_ENTRY(y, struct wgconf_peer, node)))
			return false;
	return (x == &a->peers && y == &b->peers) ||
		differ("the number of peers");
}

static struct wgconf_allowedip *find_net(
	const struct wgconf_peer *peer, const struct ipnet *net)
{
	list_for_each(node, &peer->allowedips) {
		struct wgconf_allowedip *ip =
			LIST_ENTRY(node, struct wgconf_allowedip, node);
		if (ipnet_equal(&ip->net, net))
			return ip;
	}
	return NULL;
}

const struct wgconf_peer *owner_of(
	const struct wgconf_device *dev, const struct ipnet *net)
{
	list_for_each(node, &dev->peers) {
		const struct wgconf_peer *peer =
			LIST_ENTRY(node, struct wgconf_peer, node);
		if (find_net(peer, net))
			return peer;
	}
	return NULL;
}

static void drop_net(const struct wgconf_peer *peer, const struct ipnet *net)
{
	struct wgconf_allowedip *ip = find_net(peer, net);

	if (!ip)
		return;
	list_del(&ip->node);
	free(ip);
}

void apply_peer(struct wgconf_device *dev, const struct wgconf_peer *change)
{
	struct wgconf_peer *peer = wgconf_peer_find(dev, &change->pubkey);

	if (change->flags & WGPEER_REMOVE) {
		wgconf_peer_free(peer);
		return;
	}
	if (!peer && (change->flags & WGPEER_UPDATE_ONLY))
		return;
	if (!peer)
		peer = wgconf_peer_add(dev, &change->pubkey);
	assert_non_null(peer);
	if (change->flags & WGPEER_HAS_PSK)
		peer->psk = change->psk;
	if (change->flags & WGPEER_HAS_ENDPOINT)
		peer->endpoint = change->endpoint;
	if (change->flags & WGPEER_HAS_KEEPALIVE)
		peer->keepalive_sec = change->keepalive_sec;
	if (change->flags & WGPEER_REPLACE_ALLOWEDIPS)
		wgconf_allowedips_clear(peer);
	list_for_each(node, &change->allowedips) {
		const struct wgconf_allowedip *ip =
			LIST_ENTRY(node, struct wgconf_allowedip, node);
		struct ipnet net = ip->net;

		ipnet_mask(&net);
		if (ip->remove) {
			drop_net(peer, &net);
			continue;
		}
		while (owner_of(dev, &net))
			drop_net(owner_of(dev, &net), &net);
		assert_non_null(wgconf_allowedip_add(peer, &net));
	}
}

void apply_device(struct wgconf_device *dev, const struct wgconf_device *change)
{
	if (change->flags & WGDEV_HAS_SECKEY)
		dev->seckey = change->seckey;
	if (change->flags & WGDEV_HAS_LISTEN_PORT)
		dev->listen_port = change->listen_port;
	if (change->flags & WGDEV_HAS_FWMARK)
		dev->fwmark = change->fwmark;
	if (change->flags & WGDEV_REPLACE_PEERS)
		list_for_each_safe(node, &dev->peers)
			wgconf_peer_free(
				LIST_ENTRY(node, struct wgconf_peer, node));
}

struct wgconf_device *copy_device(const struct wgconf_device *dev)
{
	struct wgconf_device *copy = wgconf_device_new();

	assert_non_null(copy);
	apply_device(copy, dev);
	list_for_each(node, &dev->peers)
		apply_peer(copy, LIST_ENTRY(node, struct wgconf_peer, node));
	return copy;
}

static int by_net(const void *a, const void *b)
{
	const struct ipnet *x = a, *y = b;

	return ipnet_compare(x, y);
}

static void sort_nets(struct wgconf_peer *peer)
{
	struct ipnet sorted[64];
	size_t count = 0;

	list_for_each(node, &peer->allowedips) {
		assert_true(count < ARRAY_SIZE(sorted));
		sorted[count++] =
			LIST_ENTRY(node, struct wgconf_allowedip, node)->net;
	}
	qsort(sorted, count, sizeof(sorted[0]), by_net);
	wgconf_allowedips_clear(peer);
	for (size_t i = 0; i < count; i++)
		assert_non_null(wgconf_allowedip_add(peer, &sorted[i]));
}

void sort_device(struct wgconf_device *dev)
{
	struct list sorted = LIST_INIT(sorted);

	while (!list_empty(&dev->peers)) {
		struct wgconf_peer *least =
			LIST_ENTRY(dev->peers.next, struct wgconf_peer, node);

		list_for_each(node, &dev->peers) {
			struct wgconf_peer *peer =
				LIST_ENTRY(node, struct wgconf_peer, node);
			if (memcmp(peer->pubkey.b, least->pubkey.b, KEY_SIZE) <
				0)
				least = peer;
		}
		sort_nets(least);
		list_del(&least->node);
		list_add_tail(&sorted, &least->node);
	}
	list_for_each_safe(node, &sorted) {
		list_del(node);
		list_add_tail(&dev->peers, node);
	}
}
