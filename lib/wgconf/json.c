/*
 * json: see the header. Fields that are not set are not written.
 */
#include "config.h"

#include "wgconf/json.h"

#include <sodium.h>

#include "base/banned.h"

static void write_key(
	struct jsonw *w, const char *name, const uint8_t key[static KEY_SIZE])
{
	char text[KEY_BASE64_SIZE];

	jsonw_kv_str(w, name, key_format_base64(key, text));
	sodium_memzero(text, sizeof(text));
}

static void write_peer(
	const struct wgconf_peer *peer, bool show_keys, struct jsonw *w)
{
	char text[ENDPOINT_TEXT_SIZE];

	jsonw_key(w, key_format_base64(peer->pubkey.b, text));
	jsonw_object_begin(w);
	if (show_keys && !key_is_zero(peer->psk.b))
		write_key(w, "presharedKey", peer->psk.b);
	if (endpoint_known(&peer->endpoint))
		jsonw_kv_str(
			w, "endpoint", endpoint_format(&peer->endpoint, text));
	jsonw_kv_int(
		w, "latestHandshake", peer->last_handshake.ns / NSEC_PER_SEC);
	jsonw_kv_uint(w, "transferRx", peer->rx_bytes);
	jsonw_kv_uint(w, "transferTx", peer->tx_bytes);
	jsonw_kv_uint(w, "persistentKeepalive", peer->keepalive_sec);
	jsonw_key(w, "allowedIps");
	jsonw_array_begin(w);
	list_for_each(node, &peer->allowedips) {
		const struct wgconf_allowedip *ip =
			LIST_ENTRY(node, struct wgconf_allowedip, node);
		jsonw_str(w, ipnet_format(&ip->net, text));
	}
	jsonw_array_end(w);
	jsonw_object_end(w);
}

void wgconf_json(
	const struct wgconf_device *dev, bool show_keys, struct jsonw *w)
{
	jsonw_object_begin(w);
	jsonw_kv_str(w, "schema", "mesh/v1");
	jsonw_kv_str(w, "interface", dev->ifname);
	if (show_keys && (dev->flags & WGDEV_HAS_SECKEY))
		write_key(w, "privateKey", dev->seckey.b);
	if (dev->flags & WGDEV_HAS_PUBKEY)
		write_key(w, "publicKey", dev->pubkey.b);
	jsonw_kv_uint(w, "listenPort", dev->listen_port);
	jsonw_kv_uint(w, "fwmark", dev->fwmark);
	jsonw_key(w, "peers");
	jsonw_object_begin(w);
	list_for_each(node, &dev->peers)
		write_peer(LIST_ENTRY(node, struct wgconf_peer, node),
			show_keys, w);
	jsonw_object_end(w);
	jsonw_object_end(w);
}
