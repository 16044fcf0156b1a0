/*
 * ini: see the header. One table of keywords reads and writes the file, in the
 * order in which it is written.
 */
#include "config.h"

#include "wgconf/ini.h"

#include <sodium.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/banned.h"

/* What is being written: a section of DEV, of PEER if it is a peer's. */
struct view {
	const struct wgconf_device *dev;
	const struct wgconf_peer *peer;
	ini_endpoint_text_fn endpoint_text;
};

static int parse_private_key(
	struct ini_parser *parser, const char *value, struct err *err)
{
	parser->dev->flags |= WGDEV_HAS_SECKEY;
	return value_parse_key(value, parser->dev->seckey.b, err);
}

static int parse_listen_port(
	struct ini_parser *parser, const char *value, struct err *err)
{
	parser->dev->flags |= WGDEV_HAS_LISTEN_PORT;
	if (!parser->port)
		return value_parse_port(value, &parser->dev->listen_port, err);
	return parser->port(parser->resolve_arg, value,
		       &parser->dev->listen_port, err)
		? 0
		: -EINVAL;
}

static int parse_fwmark(
	struct ini_parser *parser, const char *value, struct err *err)
{
	parser->dev->flags |= WGDEV_HAS_FWMARK;
	return value_parse_fwmark(value, &parser->dev->fwmark, err);
}

static int parse_public_key(
	struct ini_parser *parser, const char *value, struct err *err)
{
	parser->peer_has_key = true;
	return value_parse_key(value, parser->peer->pubkey.b, err);
}

static int parse_preshared_key(
	struct ini_parser *parser, const char *value, struct err *err)
{
	parser->peer->flags |= WGPEER_HAS_PSK;
	return value_parse_key(value, parser->peer->psk.b, err);
}

static int parse_allowedips(
	struct ini_parser *parser, const char *value, struct err *err)
{
	return value_parse_allowedips(parser->peer, value, VALUE_PLAIN,
		parser->warn, parser->resolve_arg, err);
}

static int parse_endpoint(
	struct ini_parser *parser, const char *value, struct err *err)
{
	struct endpoint *ep = &parser->peer->endpoint;

	parser->peer->flags |= WGPEER_HAS_ENDPOINT;
	if (parser->resolve)
		return parser->resolve(parser->resolve_arg, value, ep, err)
			? 0
			: -EINVAL;
	if (!endpoint_parse(value, ep))
		return err_set(err, -EINVAL,
			"Endpoint is not an address and a port: `%s'", value);
	return 0;
}

static int parse_keepalive(
	struct ini_parser *parser, const char *value, struct err *err)
{
	parser->peer->flags |= WGPEER_HAS_KEEPALIVE;
	return value_parse_keepalive(value, &parser->peer->keepalive_sec, err);
}

static void format_key(
	const char *name, const uint8_t key[static KEY_SIZE], struct buf *out)
{
	char text[KEY_BASE64_SIZE];

	buf_addf(out, "%s = %s\n", name, key_format_base64(key, text));
	sodium_memzero(text, sizeof(text));
}

static void format_private_key(
	const struct view *view, const char *name, struct buf *out)
{
	if (view->dev->flags & WGDEV_HAS_SECKEY)
		format_key(name, view->dev->seckey.b, out);
}

static void format_listen_port(
	const struct view *view, const char *name, struct buf *out)
{
	if (view->dev->listen_port)
		buf_addf(out, "%s = %u\n", name, view->dev->listen_port);
}

static void format_fwmark(
	const struct view *view, const char *name, struct buf *out)
{
	if (view->dev->fwmark)
		buf_addf(out, "%s = 0x%x\n", name, view->dev->fwmark);
}

static void format_public_key(
	const struct view *view, const char *name, struct buf *out)
{
	format_key(name, view->peer->pubkey.b, out);
}

static void format_preshared_key(
	const struct view *view, const char *name, struct buf *out)
{
	if (!key_is_zero(view->peer->psk.b))
		format_key(name, view->peer->psk.b, out);
}

static void format_allowedips(
	const struct view *view, const char *name, struct buf *out)
{
	const struct list *head = &view->peer->allowedips;
	char text[IPNET_TEXT_SIZE];

	if (list_empty(head))
		return;
	buf_addf(out, "%s = ", name);
	list_for_each(node, head) {
		const struct wgconf_allowedip *ip =
			LIST_ENTRY(node, struct wgconf_allowedip, node);
		buf_addf(out, "%s%s", node == head->next ? "" : ", ",
			ipnet_format(&ip->net, text));
	}
	buf_add_str(out, "\n");
}

static void format_endpoint(
	const struct view *view, const char *name, struct buf *out)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (endpoint_known(&view->peer->endpoint))
		buf_addf(out, "%s = %s\n", name,
			view->endpoint_text(&view->peer->endpoint, text));
}

static void format_keepalive(
	const struct view *view, const char *name, struct buf *out)
{
	if (view->peer->keepalive_sec)
		buf_addf(out, "%s = %u\n", name, view->peer->keepalive_sec);
}

static const struct keyword {
	int section;
	const char *name;
	int (*parse)(
		struct ini_parser *parser, const char *value, struct err *err);
	/* Writes nothing for what is not set. */
	void (*format)(
		const struct view *view, const char *name, struct buf *out);
} keywords[] = {
	{ INI_INTERFACE, "ListenPort", parse_listen_port, format_listen_port },
	{ INI_INTERFACE, "FwMark", parse_fwmark, format_fwmark },
	{ INI_INTERFACE, "PrivateKey", parse_private_key, format_private_key },
	{ INI_PEER, "PublicKey", parse_public_key, format_public_key },
	{ INI_PEER, "PresharedKey", parse_preshared_key, format_preshared_key },
	{ INI_PEER, "AllowedIPs", parse_allowedips, format_allowedips },
	{ INI_PEER, "Endpoint", parse_endpoint, format_endpoint },
	{ INI_PEER, "PersistentKeepalive", parse_keepalive, format_keepalive },
};

void ini_parser_init(struct ini_parser *parser, struct wgconf_device *dev,
	bool append, ini_resolve_fn resolve, void *resolve_arg)
{
	*parser = (struct ini_parser){ .dev = dev,
		.append = append,
		.resolve = resolve,
		.resolve_arg = resolve_arg };
	if (!append)
		dev->flags |= WGDEV_REPLACE_PEERS | WGDEV_HAS_SECKEY |
			WGDEV_HAS_LISTEN_PORT | WGDEV_HAS_FWMARK;
}

static void end_section(struct ini_parser *parser)
{
	if (parser->section == INI_PEER && !parser->peer_has_key)
		parser->key_missing = true;
	parser->section = INI_NONE;
	parser->peer = NULL;
	parser->peer_has_key = false;
}

static int begin_peer(struct ini_parser *parser, struct err *err)
{
	static const struct pubkey no_key_yet;

	end_section(parser);
	parser->peer = wgconf_peer_add(parser->dev, &no_key_yet);
	if (!parser->peer)
		return err_set(err, -ENOMEM, "Out of memory");
	parser->peer->flags |= WGPEER_REPLACE_ALLOWEDIPS;
	parser->section = INI_PEER;
	return 0;
}

/* WORD is a line without blanks and comment. */
static int parse_word(
	struct ini_parser *parser, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	size_t name_len = equals ? (size_t)(equals - word) : 0;

	if (strcasecmp(word, "[Interface]") == 0) {
		end_section(parser);
		parser->section = INI_INTERFACE;
		return 0;
	}
	if (strcasecmp(word, "[Peer]") == 0)
		return begin_peer(parser, err);
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		const struct keyword *kw = &keywords[i];
		bool named = kw->section == (int)parser->section &&
			strlen(kw->name) == name_len &&
			strncasecmp(word, kw->name, name_len) == 0;

		if (named && equals && equals[1] != '\0')
			return kw->parse(parser, equals + 1, err);
	}
	return err_set(err, -EINVAL, "Line unrecognized: `%s'", word);
}

int ini_parse_line(struct ini_parser *parser, const char *line, struct err *err)
{
	size_t len = strcspn(line, "#");
	char *word = value_without_blanks(line, len);
	int r = 0;

	parser->line++;
	if (!word)
		return err_set(err, -ENOMEM, "Out of memory");
	if (word[0] != '\0')
		r = parse_word(parser, word, err);
	if (r < 0)
		err_at(err, NULL, parser->line, 0);
	sodium_memzero(word, len); /* may hold a private key */
	free(word);
	return r;
}

int ini_parser_finish(struct ini_parser *parser, struct err *err)
{
	end_section(parser);
	if (parser->key_missing)
		return err_set(err, -EINVAL, "A peer is missing a public key");
	return 0;
}

static void format_section(
	int section, const struct view *view, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (keywords[i].section == section)
			keywords[i].format(view, keywords[i].name, out);
}

void ini_format_with(const struct wgconf_device *dev,
	ini_endpoint_text_fn endpoint_text, struct buf *out)
{
	struct view view = { .dev = dev, .endpoint_text = endpoint_text };

	buf_add_str(out, "[Interface]\n");
	format_section(INI_INTERFACE, &view, out);
	buf_add_str(out, "\n");
	list_for_each(node, &dev->peers) {
		view.peer = LIST_ENTRY(node, struct wgconf_peer, node);
		buf_add_str(out, "[Peer]\n");
		format_section(INI_PEER, &view, out);
		if (node->next != &dev->peers)
			buf_add_str(out, "\n");
	}
}

void ini_format(const struct wgconf_device *dev, struct buf *out)
{
	ini_format_with(dev, endpoint_format, out);
}
