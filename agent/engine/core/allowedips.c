#include "config.h"

#include "engine/core/allowedips.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* An address as 128 bits, first bit highest; IPv4 fills the top 32. */
struct bits {
	uint64_t hi, lo;
};

struct allowedip {
	struct allowedip *child[2];
	struct allowedip *parent;
	struct wg_peer *peer; /* NULL: only joins its children */
	struct list owned;    /* in the peer's list if there is a peer */
	struct bits bits;     /* host bits are 0 */
	uint8_t len;
	enum ip_family family;
};

static uint64_t load64(const uint8_t *b)
{
	uint64_t v;

	memcpy(&v, b, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static void store64(uint8_t *b, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	memcpy(b, &v, sizeof(v));
}

static struct bits bits4(const uint8_t *b)
{
	return (struct bits){ .hi = (uint64_t)b[0] << 56 |
			(uint64_t)b[1] << 48 | (uint64_t)b[2] << 40 |
			(uint64_t)b[3] << 32 };
}

static struct bits bits6(const uint8_t *b)
{
	return (struct bits){ load64(b), load64(b + 8) };
}

static uint64_t mask64(unsigned int len)
{
	return len ? UINT64_MAX << (64 - len) : 0;
}

static struct bits cut(struct bits a, unsigned int len)
{
	a.hi &= mask64(len < 64 ? len : 64);
	a.lo &= mask64(len > 64 ? len - 64 : 0);
	return a;
}

static unsigned int common_len(struct bits a, struct bits b)
{
	if (a.hi != b.hi)
		return (unsigned int)__builtin_clzll(a.hi ^ b.hi);
	if (a.lo != b.lo)
		return 64 + (unsigned int)__builtin_clzll(a.lo ^ b.lo);
	return 128;
}

static unsigned int bit_at(struct bits a, unsigned int at)
{
	return at < 64 ? a.hi >> (63 - at) & 1 : a.lo >> (127 - at) & 1;
}

static struct allowedip *lookup(struct allowedip *node, struct bits key,
	unsigned int width, bool exact, unsigned int exact_len)
{
	struct allowedip *best = NULL;

	while (node && common_len(node->bits, key) >= node->len) {
		if (exact ? node->len == exact_len : node->peer != NULL)
			best = node;
		if (node->len >= width)
			break;
		node = node->child[bit_at(key, node->len)];
	}
	return best;
}

struct wg_peer *allowedips_find4(
	const struct allowedips *table, const uint8_t bytes[static 4])
{
	const struct allowedip *best =
		lookup(table->root4, bits4(bytes), 32, false, 0);

	return best ? best->peer : NULL;
}

struct wg_peer *allowedips_find6(
	const struct allowedips *table, const uint8_t bytes[static 16])
{
	const struct allowedip *best =
		lookup(table->root6, bits6(bytes), 128, false, 0);

	return best ? best->peer : NULL;
}

static struct allowedip **root_of(
	struct allowedips *table, enum ip_family family)
{
	return family == IP_V4 ? &table->root4 : &table->root6;
}

static bool key_of(const struct ipnet *net, struct bits *ret_key)
{
	bool ok = net->addr.family != IP_NONE &&
		net->prefix_len <= ip_bits(net->addr.family);

	if (ok)
		*ret_key = cut(net->addr.family == IP_V4 ? bits4(net->addr.b)
							 : bits6(net->addr.b),
			net->prefix_len);
	return ok;
}

static struct allowedip *new_node(
	enum ip_family family, struct bits bits, unsigned int len)
{
	struct allowedip *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	list_init(&node->owned);
	node->family = family;
	node->bits = cut(bits, len);
	node->len = (uint8_t)len;
	return node;
}

static void adopt(struct allowedip *parent, struct allowedip *child)
{
	parent->child[bit_at(child->bits, parent->len)] = child;
	child->parent = parent;
}

static void own(
	struct allowedip *node, struct wg_peer *peer, struct list *owned)
{
	list_del(&node->owned);
	node->peer = peer;
	list_add_tail(owned, &node->owned);
}

/* Where PARENT, or the root, points at a child on KEY's side. */
static struct allowedip **link_to(
	struct allowedip **root, struct allowedip *parent, struct bits key)
{
	return parent ? &parent->child[bit_at(key, parent->len)] : root;
}

int allowedips_add(struct allowedips *table, const struct ipnet *net,
	struct wg_peer *peer, struct list *owned)
{
	struct allowedip **root, **link, *parent = NULL, *down, *node, *join;
	unsigned int len = net->prefix_len, common = 0;
	struct bits key;

	if (!key_of(net, &key))
		return -EINVAL;
	root = root_of(table, net->addr.family);

	/* Down to the first node that does not hold all of KEY. */
	for (down = *root; down; down = *link_to(root, parent, key)) {
		common = common_len(down->bits, key);
		if (common < down->len || down->len > len)
			break;
		if (down->len == len) {
			own(down, peer, owned);
			return 0;
		}
		parent = down;
	}
	node = new_node(net->addr.family, key, len);
	if (!node)
		return -ENOMEM;
	link = link_to(root, parent, key);
	node->parent = parent;
	if (!down) {
		*link = node;
	} else if (common >= len) { /* NODE holds DOWN */
		*link = node;
		adopt(node, down);
	} else { /* they part after COMMON bits */
		join = new_node(net->addr.family, key, common);
		if (!join) {
			free(node);
			return -ENOMEM;
		}
		*link = join;
		join->parent = parent;
		adopt(join, down);
		adopt(join, node);
	}
	own(node, peer, owned);
	return 0;
}

/* Takes the owner away, and the node and a parent that have no use then. */
static void disown(struct allowedips *table, struct allowedip *node)
{
	struct allowedip **root = root_of(table, node->family);

	list_del(&node->owned);
	node->peer = NULL;
	while (node && !node->peer && !(node->child[0] && node->child[1])) {
		struct allowedip *child =
			node->child[0] ? node->child[0] : node->child[1];
		struct allowedip *parent = node->parent;

		*link_to(root, parent, node->bits) = child;
		if (child)
			child->parent = parent;
		free(node);
		node = parent;
	}
}

void allowedips_remove(struct allowedips *table, const struct ipnet *net,
	const struct wg_peer *peer)
{
	struct allowedip *node;
	struct bits key;

	if (!key_of(net, &key))
		return;
	node = lookup(*root_of(table, net->addr.family), key,
		ip_bits(net->addr.family), true, net->prefix_len);
	if (node && node->peer == peer)
		disown(table, node);
}

void allowedips_clear(struct allowedips *table, struct list *owned)
{
	list_for_each_safe(pos, owned)
		disown(table, LIST_ENTRY(pos, struct allowedip, owned));
}

static void release_tree(struct allowedip *node)
{
	/* Depth first by parent pointers: no recursion on foreign depth. */
	while (node) {
		struct allowedip *child = node->child[0] ? TAKE(node->child[0])
							 : TAKE(node->child[1]);
		struct allowedip *parent = node->parent;

		if (child) {
			node = child;
			continue;
		}
		free(node);
		node = parent;
	}
}

void allowedips_release(struct allowedips *table)
{
	release_tree(TAKE(table->root4));
	release_tree(TAKE(table->root6));
}

struct ipnet allowedips_net(const struct list *element)
{
	const struct allowedip *node =
		(const struct allowedip *)(const void *)((const char *)element -
			offsetof(struct allowedip, owned));
	struct ipnet net = { .addr.family = node->family,
		.prefix_len = node->len };
	uint8_t b[16];

	store64(b, node->bits.hi);
	store64(b + 8, node->bits.lo);
	memcpy(net.addr.b, b, ip_bits(node->family) / 8);
	return net;
}
