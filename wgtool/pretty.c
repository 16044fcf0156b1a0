#include "config.h"

#include "wgtool/pretty.h"

#include "wgtool/lookup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

/* Escapes of ECMA-48, or empty strings where colour is not wanted. */
static struct {
	const char *reset, *bold, *red, *green, *yellow, *cyan;
} ink = { "", "", "", "", "", "" };

/* WG_COLOR_MODE decides; else colour is for terminals, unless NO_COLOR. */
static bool colour_wanted(void)
{
	const char *mode = getenv("WG_COLOR_MODE");
	const char *no_color = getenv("NO_COLOR");

	if (mode && strcmp(mode, "always") == 0)
		return true;
	if (mode && strcmp(mode, "never") == 0)
		return false;
	return !(no_color && no_color[0]) && isatty(STDOUT_FILENO);
}

static void choose_ink(void)
{
	if (!colour_wanted())
		return;
	ink.reset = "\x1b[0m";
	ink.bold = "\x1b[1m";
	ink.red = "\x1b[31m";
	ink.green = "\x1b[32m";
	ink.yellow = "\x1b[33m";
	ink.cyan = "\x1b[36m";
}

bool pretty_shows_keys(void)
{
	const char *hide = getenv("WG_HIDE_KEYS");

	return hide && strcmp(hide, "never") == 0;
}

static void print_label(const char *label)
{
	printf("  %s%s%s: ", ink.bold, label, ink.reset);
}

static void print_key(
	const char *label, const uint8_t key[static KEY_SIZE], bool shown)
{
	char text[KEY_BASE64_SIZE];

	print_label(label);
	printf("%s\n", shown ? key_format_base64(key, text) : "(hidden)");
}

/* "1 hour, 2 seconds": units that are zero are left out. */
static void print_duration(uint64_t left)
{
	static const struct unit {
		uint64_t seconds;
		const char *name;
	} units[] = {
		{ 365 * 24 * 60 * 60, "year" },
		{ 24 * 60 * 60, "day" },
		{ 60 * 60, "hour" },
		{ 60, "minute" },
		{ 1, "second" },
	};
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		uint64_t count = left / units[i].seconds;

		left %= units[i].seconds;
		if (count == 0)
			continue;
		printf("%s%" PRIu64 " %s%s%s%s", separator, count, ink.cyan,
			units[i].name, count == 1 ? "" : "s", ink.reset);
		separator = ", ";
	}
}

static void print_handshake(struct wall handshake, struct wall now)
{
	int64_t ago = now.ns / NSEC_PER_SEC - handshake.ns / NSEC_PER_SEC;

	print_label("latest handshake");
	if (ago == 0) {
		printf("Now");
	} else if (ago < 0) {
		printf("(%sSystem clock wound backward; connection problems"
		       " may ensue.%s)",
			ink.red, ink.reset);
	} else {
		print_duration((uint64_t)ago);
		printf(" ago");
	}
	printf("\n");
}

static void print_bytes(uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double amount = (double)bytes;
	size_t i = 0;

	if (bytes < 1024) {
		printf("%" PRIu64 " %sB%s", bytes, ink.cyan, ink.reset);
		return;
	}
	for (amount /= 1024;
		i + 1 < ARRAY_SIZE(units) && (bytes >> (10 * (i + 2))) > 0; i++)
		amount /= 1024;
	printf("%.2f %s%s%s", amount, ink.cyan, units[i], ink.reset);
}

static void print_allowedips(const struct list *head)
{
	char text[IPADDR_TEXT_SIZE];

	print_label("allowed ips");
	if (list_empty(head))
		printf("(none)");
	list_for_each(node, head) {
		const struct wgconf_allowedip *ip =
			LIST_ENTRY(node, struct wgconf_allowedip, node);
		printf("%s%s%s/%s%u", node == head->next ? "" : ", ",
			ipaddr_format(&ip->net.addr, text), ink.cyan, ink.reset,
			ip->net.prefix_len);
	}
	printf("\n");
}

static void print_peer(
	const struct wgconf_peer *peer, bool show_keys, struct wall now)
{
	char text[ENDPOINT_TEXT_SIZE];

	printf("\n%s%speer%s: %s%s%s\n", ink.yellow, ink.bold, ink.reset,
		ink.yellow, key_format_base64(peer->pubkey.b, text), ink.reset);
	if (!key_is_zero(peer->psk.b))
		print_key("preshared key", peer->psk.b, show_keys);
	if (endpoint_known(&peer->endpoint)) {
		print_label("endpoint");
		printf("%s\n", lookup_endpoint_text(&peer->endpoint, text));
	}
	print_allowedips(&peer->allowedips);
	if (peer->last_handshake.ns / NSEC_PER_SEC > 0)
		print_handshake(peer->last_handshake, now);
	if (peer->rx_bytes || peer->tx_bytes) {
		print_label("transfer");
		print_bytes(peer->rx_bytes);
		printf(" received, ");
		print_bytes(peer->tx_bytes);
		printf(" sent\n");
	}
	if (peer->keepalive_sec) {
		print_label("persistent keepalive");
		printf("every ");
		print_duration(peer->keepalive_sec);
		printf("\n");
	}
}

static struct wall handshake_of(struct list *node)
{
	return LIST_ENTRY(node, struct wgconf_peer, node)->last_handshake;
}

/* Moves the nodes of B and A, both newest first, to OUT; A's first if equal. */
static void merge(struct list *a, struct list *b, struct list *out)
{
	while (!list_empty(a) || !list_empty(b)) {
		bool from_b = list_empty(a) ||
			(!list_empty(b) &&
				handshake_of(b->next).ns >
					handshake_of(a->next).ns);
		struct list *node = from_b ? b->next : a->next;

		list_del(node);
		list_add_tail(out, node);
	}
}

/* Merge sort: as many levels as there are bits in COUNT. */
static void sort_peers(struct list *peers, size_t count)
{
	struct list a = LIST_INIT(a), b = LIST_INIT(b);

	if (count < 2)
		return;
	for (size_t i = 0; i < count; i++) {
		struct list *node = peers->next;

		list_del(node);
		list_add_tail(i < count / 2 ? &a : &b, node);
	}
	sort_peers(&a, count / 2);
	sort_peers(&b, count - count / 2);
	merge(&a, &b, peers);
}

void pretty_print(struct wgconf_device *dev, struct wall now)
{
	bool show_keys = pretty_shows_keys();
	size_t count = 0;

	choose_ink();
	list_for_each(node, &dev->peers)
		count++;
	sort_peers(&dev->peers, count);
	printf("%s%s%sinterface%s: %s%s%s\n", ink.reset, ink.green, ink.bold,
		ink.reset, ink.green, dev->ifname, ink.reset);
	if (dev->flags & WGDEV_HAS_PUBKEY)
		print_key("public key", dev->pubkey.b, true);
	if (dev->flags & WGDEV_HAS_SECKEY)
		print_key("private key", dev->seckey.b, show_keys);
	if (dev->listen_port) {
		print_label("listening port");
		printf("%u\n", dev->listen_port);
	}
	if (dev->fwmark) {
		print_label("fwmark");
		printf("0x%" PRIx32 "\n", dev->fwmark);
	}
	list_for_each(node, &dev->peers)
		print_peer(LIST_ENTRY(node, struct wgconf_peer, node),
			show_keys, now);
}
