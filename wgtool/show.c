/*
 * show: what interfaces are and do: for people (pretty), for scripts (one field
 * or a dump, tabs between), for programs (--json).
 */
#include "config.h"

#include "wgtool/commands.h"

#include "wgconf/json.h"
#include "wgtool/ipc.h"
#include "wgtool/lookup.h"
#include "wgtool/pretty.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/banned.h"

#define JSON_MAX (256 << 20)

static const char *key_or_none(bool there, const uint8_t key[static KEY_SIZE],
	char text[static KEY_BASE64_SIZE])
{
	return there ? key_format_base64(key, text) : "(none)";
}

static void put_public_key(const struct wgconf_device *dev)
{
	char text[KEY_BASE64_SIZE];

	printf("%s",
		key_or_none(
			dev->flags & WGDEV_HAS_PUBKEY, dev->pubkey.b, text));
}

static void put_private_key(const struct wgconf_device *dev)
{
	char text[KEY_BASE64_SIZE];

	printf("%s",
		key_or_none(
			dev->flags & WGDEV_HAS_SECKEY, dev->seckey.b, text));
}

static void put_listen_port(const struct wgconf_device *dev)
{
	printf("%u", dev->listen_port);
}

static void put_fwmark(const struct wgconf_device *dev)
{
	if (dev->fwmark)
		printf("0x%" PRIx32, dev->fwmark);
	else
		printf("off");
}

static void put_preshared_key(const struct wgconf_peer *peer)
{
	char text[KEY_BASE64_SIZE];

	printf("%s", key_or_none(!key_is_zero(peer->psk.b), peer->psk.b, text));
}

static void put_endpoint(const struct wgconf_peer *peer)
{
	char text[ENDPOINT_TEXT_SIZE];

	printf("%s", lookup_endpoint_text(&peer->endpoint, text));
}

static void put_allowedips(const struct wgconf_peer *peer, char separator)
{
	const struct list *head = &peer->allowedips;
	char text[IPNET_TEXT_SIZE];

	if (list_empty(head))
		printf("(none)");
	list_for_each(node, head) {
		const struct wgconf_allowedip *ip =
			LIST_ENTRY(node, struct wgconf_allowedip, node);
		if (node != head->next)
			putchar(separator);
		printf("%s", ipnet_format(&ip->net, text));
	}
}

static void put_allowedips_spaced(const struct wgconf_peer *peer)
{
	put_allowedips(peer, ' ');
}

static void put_allowedips_commas(const struct wgconf_peer *peer)
{
	put_allowedips(peer, ',');
}

static void put_handshake(const struct wgconf_peer *peer)
{
	printf("%" PRId64, peer->last_handshake.ns / NSEC_PER_SEC);
}

static void put_transfer(const struct wgconf_peer *peer)
{
	printf("%" PRIu64 "\t%" PRIu64, peer->rx_bytes, peer->tx_bytes);
}

static void put_keepalive(const struct wgconf_peer *peer)
{
	if (peer->keepalive_sec)
		printf("%u", peer->keepalive_sec);
	else
		printf("off");
}

/* One field for scripts: of the device, or a line a peer with its key first. */
static const struct field {
	const char *name;
	void (*device)(const struct wgconf_device *dev);
	void (*peer)(const struct wgconf_peer *peer);
	bool prefix_once; /* wg(8) names the interface before the first */
} fields[] = {
	{ "public-key", put_public_key, NULL, false },
	{ "private-key", put_private_key, NULL, false },
	{ "listen-port", put_listen_port, NULL, false },
	{ "fwmark", put_fwmark, NULL, false },
	{ "peers", NULL, NULL, false },
	{ "preshared-keys", NULL, put_preshared_key, false },
	{ "endpoints", NULL, put_endpoint, true },
	{ "allowed-ips", NULL, put_allowedips_spaced, false },
	{ "latest-handshakes", NULL, put_handshake, false },
	{ "transfer", NULL, put_transfer, false },
	{ "persistent-keepalive", NULL, put_keepalive, false },
};

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(name, fields[i].name) == 0)
			return &fields[i];
	return NULL;
}

/* PREFIX is "", or "name\t" where all interfaces are shown. */
static void begin_peer(const char *prefix, const struct wgconf_peer *peer)
{
	char text[KEY_BASE64_SIZE];

	printf("%s%s", prefix, key_format_base64(peer->pubkey.b, text));
}

static void print_field(const struct wgconf_device *dev,
	const struct field *field, const char *prefix)
{
	if (field->device) {
		printf("%s", prefix);
		field->device(dev);
		putchar('\n');
		return;
	}
	if (field->prefix_once)
		printf("%s", prefix);
	list_for_each(node, &dev->peers) {
		const struct wgconf_peer *peer =
			LIST_ENTRY(node, struct wgconf_peer, node);
		begin_peer(field->prefix_once ? "" : prefix, peer);
		if (field->peer) {
			putchar('\t');
			field->peer(peer);
		}
		putchar('\n');
	}
}

static void print_dump(const struct wgconf_device *dev, const char *prefix)
{
	static void (*const of_device[])(const struct wgconf_device *) = {
		put_private_key, put_public_key, put_listen_port, put_fwmark
	};
	static void (*const of_peer[])(const struct wgconf_peer *) = {
		put_preshared_key, put_endpoint, put_allowedips_commas,
		put_handshake, put_transfer, put_keepalive
	};

	printf("%s", prefix);
	for (size_t i = 0; i < ARRAY_SIZE(of_device); i++) {
		if (i > 0)
			putchar('\t');
		of_device[i](dev);
	}
	putchar('\n');
	list_for_each(node, &dev->peers) {
		const struct wgconf_peer *peer =
			LIST_ENTRY(node, struct wgconf_peer, node);
		begin_peer(prefix, peer);
		for (size_t i = 0; i < ARRAY_SIZE(of_peer); i++) {
			putchar('\t');
			of_peer[i](peer);
		}
		putchar('\n');
	}
}

static void usage(void)
{
	fprintf(stderr,
		"Usage: %s show { <interface> | all | interfaces }"
		" [public-key | private-key | listen-port | fwmark | peers |"
		" preshared-keys | endpoints | allowed-ips |"
		" latest-handshakes | transfer | persistent-keepalive | dump |"
		" --json]\n",
		program_name);
}

static bool wants_json(const char *parameter)
{
	return parameter && strcmp(parameter, "--json") == 0;
}

/* False, and told: there is no such PARAMETER. */
static bool print_parameter(const struct wgconf_device *dev,
	const char *parameter, const char *prefix)
{
	const struct field *field = find_field(parameter);

	if (field) {
		print_field(dev, field, prefix);
	} else if (strcmp(parameter, "dump") == 0) {
		print_dump(dev, prefix);
	} else {
		fprintf(stderr, "Invalid parameter: `%s'\n", parameter);
		usage();
		return false;
	}
	return true;
}

static int print_json(struct buf *out)
{
	buf_add_str(out, "\n");
	if (buf_failed(out)) {
		fprintf(stderr, "Unable to write: %s\n", strerror(ENOMEM));
		return 1;
	}
	fwrite(out->data, 1, out->len, stdout);
	return finish_stdout();
}

static struct wall wall_now(void)
{
	return (struct wall){ (int64_t)time(NULL) * NSEC_PER_SEC };
}

static int show_one(const char *ifname, const char *parameter)
{
	AUTO(buf_release) struct buf json = BUF_INIT_SECRET(JSON_MAX);
	AUTO(wgconf_device_free) struct wgconf_device *dev = NULL;
	struct jsonw w;
	int r = ipc_get(ifname, &dev);

	if (r < 0) {
		fprintf(stderr, "Unable to access interface: %s\n",
			strerror(-r));
		return 1;
	}
	if (wants_json(parameter)) {
		jsonw_init(&w, &json, true);
		wgconf_json(dev, pretty_shows_keys(), &w);
		return print_json(&json);
	}
	if (!parameter)
		pretty_print(dev, wall_now());
	else if (!print_parameter(dev, parameter, ""))
		return 1;
	return finish_stdout();
}

struct all {
	const char *parameter;
	struct jsonw *json; /* NULL: text */
	bool any;	    /* was shown: then failures are only told */
	bool failed;
};

/* What ends the listing early; anything but 0 and -errno. */
#define INVALID_PARAMETER 1

static int show_next(void *arg, const char *ifname)
{
	struct all *all = arg;
	AUTO(wgconf_device_free) struct wgconf_device *dev = NULL;
	char prefix[IFNAME_MAX_LEN + 2];
	int r = ipc_get(ifname, &dev);

	if (r < 0) {
		fprintf(stderr, "Unable to access interface %s: %s\n", ifname,
			strerror(-r));
		all->failed = true;
		return 0;
	}
	if (all->json) {
		jsonw_key(all->json, ifname);
		wgconf_json(dev, pretty_shows_keys(), all->json);
	} else if (all->parameter) {
		(void)snprintf(prefix, sizeof(prefix), "%s\t", ifname);
		if (!print_parameter(dev, all->parameter, prefix))
			return INVALID_PARAMETER;
	} else {
		if (all->any)
			putchar('\n');
		pretty_print(dev, wall_now());
	}
	all->any = true;
	return 0;
}

static int show_all(const char *parameter)
{
	AUTO(buf_release) struct buf out = BUF_INIT_SECRET(JSON_MAX);
	struct all all = { .parameter = parameter };
	struct jsonw w;
	int r;

	jsonw_init(&w, &out, true);
	if (wants_json(parameter)) {
		all.json = &w;
		jsonw_object_begin(&w);
		jsonw_kv_str(&w, "schema", "mesh/v1");
		jsonw_key(&w, "interfaces");
		jsonw_object_begin(&w);
	}
	r = ipc_list(show_next, &all);
	if (r < 0) {
		fprintf(stderr, "Unable to list interfaces: %s\n",
			strerror(-r));
		return 1;
	}
	if (r == INVALID_PARAMETER)
		return 1;
	if (all.json) {
		jsonw_object_end(&w);
		jsonw_object_end(&w);
		r = print_json(&out);
	} else {
		r = finish_stdout();
	}
	return r || (all.failed && !all.any);
}

static int print_name(void *arg, const char *ifname)
{
	bool *any = arg;

	printf("%s%s", *any ? " " : "", ifname);
	*any = true;
	return 0;
}

static int show_interfaces(void)
{
	bool any = false;
	int r = ipc_list(print_name, &any);

	if (r < 0) {
		fprintf(stderr, "Unable to list interfaces: %s\n",
			strerror(-r));
		return 1;
	}
	if (any)
		putchar('\n');
	return finish_stdout();
}

int show_main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "all";
	const char *parameter = argc > 2 ? argv[2] : NULL;

	bool help = !strcmp(what, "-h") || !strcmp(what, "--help") ||
		!strcmp(what, "help");
	bool too_much =
		argc > 3 || (parameter && strcmp(what, "interfaces") == 0);

	if ((argc == 2 && help) || too_much) {
		usage();
		return too_much;
	}
	if (argc == 2 && wants_json(what))
		return show_all(what);
	if (strcmp(what, "all") == 0)
		return show_all(parameter);
	if (strcmp(what, "interfaces") == 0)
		return show_interfaces();
	return show_one(what, parameter);
}
