#include "config.h"

#include "engine/core/allowedips.h"
#include "engine/core/retire.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* An address as 128 bits, first bit highest; IPv4 fills the top 32. */
struct bits {
	uint64_t hi, lo;
};

struct allowedip {
	_Atomic(struct allowedip *) child[2];
	_Atomic(struct wg_peer *) peer; /* NULL: only joins its children */
	struct allowedip *parent;	/* the writer's */
	struct list owned; /* in the peer's list if there is a peer */
	struct bits bits;  /* host bits are 0 */
	struct retired retired;
	uint8_t len;
	uint8_t family; /* enum ip_family */
};

#define LOAD(p)	    atomic_load_explicit((p), memory_order_acquire)
#define STORE(p, v) atomic_store_explicit((p), (v), memory_order_release)

void allowedips_init(struct allowedips *table, struct retirement *retirement)
{
	*table = (struct allowedips){ .retirement = retirement };
}

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

/* The owner of the longest prefix that holds KEY. */
static struct wg_peer *find(
	struct allowedip *node, struct bits key, unsigned int width)
{
	struct wg_peer *best = NULL;

	while (node && common_len(node->bits, key) >= node->len) {
		struct wg_peer *peer = LOAD(&node->peer);

		if (peer)
			best = peer;
		if (node->len >= width)
			break;
		node = LOAD(&node->child[bit_at(key, node->len)]);
	}
	return best;
}

static struct allowedip *find_exact(
	struct allowedip *node, struct bits key, unsigned int len)
{
	while (node && node->len <= len &&
		common_len(node->bits, key) >= node->len) {
		if (node->len == len)
			return node;
		node = LOAD(&node->child[bit_at(key, node->len)]);
	}
	return NULL;
}

struct wg_peer *allowedips_find4(
	const struct allowedips *table, const uint8_t bytes[static 4])
{
	return find(LOAD(&table->root4), bits4(bytes), 32);
}

struct wg_peer *allowedips_find6(
	const struct allowedips *table, const uint8_t bytes[static 16])
{
	return find(LOAD(&table->root6), bits6(bytes), 128);
}

static _Atomic(struct allowedip *) *root_of(
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
	node->family = (uint8_t)family;
	node->bits = cut(bits, len);
	node->len = (uint8_t)len;
	return node;
}

static void adopt(struct allowedip *parent, struct allowedip *child)
{
	STORE(&parent->child[bit_at(child->bits, parent->len)], child);
	child->parent = parent;
}

static void own(
	struct allowedip *node, struct wg_peer *peer, struct list *owned)
{
	list_del(&node->owned);
	STORE(&node->peer, peer);
	list_add_tail(owned, &node->owned);
}

/* Where PARENT, or the root, points at a child on KEY's side. */
static _Atomic(struct allowedip *) *link_to(_Atomic(struct allowedip *) *root,
	struct allowedip *parent, struct bits key)
{
	return parent ? &parent->child[bit_at(key, parent->len)] : root;
}

int allowedips_add(struct allowedips *table, const struct ipnet *net,
	struct wg_peer *peer, struct list *owned)
{
	_Atomic(struct allowedip *) *root, *link;
	struct allowedip *parent = NULL, *down, *node, *join;
	unsigned int len = net->prefix_len, common = 0;
	struct bits key;

	if (!key_of(net, &key))
		return -EINVAL;
	root = root_of(table, net->addr.family);

	/* Down to the first node that does not hold all of KEY. */
	for (down = LOAD(root); down; down = LOAD(link_to(root, parent, key))) {
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
	/* Owned and pointing down before the one store that shows it. */
	link = link_to(root, parent, key);
	node->parent = parent;
	own(node, peer, owned);
	if (!down) {
		STORE(link, node);
	} else if (common >= len) { /* NODE holds DOWN */
		adopt(node, down);
		STORE(link, node);
	} else { /* they part after COMMON bits */
		join = new_node(net->addr.family, key, common);
		if (!join) {
			list_del(&node->owned);
			free(node);
			return -ENOMEM;
		}
		join->parent = parent;
		adopt(join, down);
		adopt(join, node);
		STORE(link, join);
	}
	return 0;
}

static void free_node(struct retired *retired)
{
	free(CONTAINER_OF(retired, struct allowedip, retired));
}

/* Takes the owner away, and the node and a parent that have no use then. */
static void disown(struct allowedips *table, struct allowedip *node)
{
	_Atomic(struct allowedip *) *root =
		root_of(table, (enum ip_family)node->family);

	list_del(&node->owned);
	STORE(&node->peer, NULL);
	while (node && !LOAD(&node->peer) &&
		!(LOAD(&node->child[0]) && LOAD(&node->child[1]))) {
		struct allowedip *child = LOAD(&node->child[0]);
		struct allowedip *parent = node->parent;

		if (!child)
			child = LOAD(&node->child[1]);
		STORE(link_to(root, parent, node->bits), child);
		if (child)
			child->parent = parent;
		if (table->retirement)
			retire(table->retirement, &node->retired, free_node);
		else
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
	node = find_exact(
		LOAD(root_of(table, net->addr.family)), key, net->prefix_len);
	if (node && LOAD(&node->peer) == peer)
		disown(table, node);
}

void allowedips_clear(struct allowedips *table, struct list *owned)
{
	list_for_each_safe(pos, owned)
		disown(table, LIST_ENTRY(pos, struct allowedip, owned));
}

static struct allowedip *take_child(struct allowedip *node)
{
	for (size_t i = 0; i < 2; i++) {
		struct allowedip *child = LOAD(&node->child[i]);

		if (child) {
			STORE(&node->child[i], NULL);
			return child;
		}
	}
	return NULL;
}

/* Depth first by parent pointers: no recursion on foreign depth. */
static void release_tree(struct allowedip *node)
{
	while (node) {
		struct allowedip *child = take_child(node);
		struct allowedip *parent = node->parent;

		if (!child)
			free(node);
		node = child ? child : parent;
	}
}

void allowedips_release(struct allowedips *table)
{
	release_tree(LOAD(&table->root4));
	release_tree(LOAD(&table->root6));
	allowedips_init(table, table->retirement);
}

struct ipnet allowedips_net(const struct list *element)
{
	const struct allowedip *node =
		(const struct allowedip *)(const void *)((const char *)element -
			offsetof(struct allowedip, owned));
	struct ipnet net = { .addr.family = (enum ip_family)node->family,
		.prefix_len = node->len };
	uint8_t b[16];

	store64(b, node->bits.hi);
	store64(b + 8, node->bits.lo);
	memcpy(net.addr.b, b, ip_bits((enum ip_family)node->family) / 8);
	return net;
}
