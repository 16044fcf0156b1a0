/*
 * enginecfg: in the order of the kernel's wg_set_device() and set_peer():
 * fwmark, port, peers dropped, private key, then each peer: removal, preshared
 * key, endpoint, allowed IPs dropped, allowed IPs, keepalive. See enginecfg.h.
 */
#include "config.h"

#include "engine/uapi/enginecfg.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/banned.h"

/* --- applying --- */

static void remove_all_peers(struct wg_device *dev)
{
	struct wg_peer *peer;

	while ((peer = wg_device_next_peer(dev, NULL)) != NULL)
		wg_device_remove_peer(dev, peer);
}

/* The same key again must not cost the sessions. */
static void apply_seckey(
	struct wg_device *dev, const struct seckey *key, const struct now *now)
{
	AUTO(seckey_wipe) struct seckey old;

	if (!wg_device_get_seckey(dev, &old))
		memset(&old, 0, sizeof(old));
	if (!key_equal(old.b, key->b))
		wg_device_set_seckey(dev, now, key);
}

static int apply_allowedips(struct wg_device *dev, struct wg_peer *peer,
	const struct wgconf_peer *change, struct err *err)
{
	if (change->flags & WGPEER_REPLACE_ALLOWEDIPS)
		wg_device_clear_allowedips(dev, peer);
	list_for_each(node, &change->allowedips) {
		const struct wgconf_allowedip *ip =
			LIST_ENTRY(node, struct wgconf_allowedip, node);
		int r;

		if (ip->remove) {
			wg_device_remove_allowedip(dev, peer, &ip->net);
			continue;
		}
		r = wg_device_add_allowedip(dev, peer, &ip->net);
		if (r < 0)
			return err_set(err, r, "cannot add an allowed IP: %s",
				strerror(-r));
	}
	return 0;
}

/* *RET_PEER is NULL on success if there is nothing to change: the peer is not
 * there and need not be, or it is ourselves (so that one list of peers can be
 * given to all of them, as the kernel does). */
static int find_or_add(struct wg_device *dev, const struct wgconf_peer *change,
	const struct now *now, struct wg_peer **ret_peer, struct err *err)
{
	struct wg_peer *peer = wg_device_find_peer(dev, &change->pubkey);
	int r;

	if (!peer && !(change->flags & (WGPEER_REMOVE | WGPEER_UPDATE_ONLY))) {
		r = wg_device_add_peer(dev, now, &change->pubkey, &peer);
		if (r < 0 && r != -EINVAL)
			return err_set(
				err, r, "cannot add a peer: %s", strerror(-r));
		if (r < 0)
			peer = NULL;
	}
	*ret_peer = peer;
	return 0;
}

static int apply_peer(struct wg_device *dev, const struct wgconf_peer *change,
	const struct now *now, struct err *err)
{
	struct wg_peer *peer = NULL;
	int r = find_or_add(dev, change, now, &peer, err);

	if (r < 0 || !peer)
		return r;
	if (change->flags & WGPEER_REMOVE) {
		wg_device_remove_peer(dev, peer);
		return 0;
	}
	if (change->flags & WGPEER_HAS_PSK)
		wg_peer_set_psk(peer, &change->psk);
	if (change->flags & WGPEER_HAS_ENDPOINT)
		wg_peer_set_endpoint(dev, now, peer, &change->endpoint);
	r = apply_allowedips(dev, peer, change, err);
	if (r < 0)
		return r;
	if (change->flags & WGPEER_HAS_KEEPALIVE)
		wg_peer_set_keepalive(dev, now, peer, change->keepalive_sec);
	return 0;
}

static int apply_all(struct engine *engine, const struct wgconf_device *change,
	const struct now *now, struct err *err)
{
	struct wg_device *dev = engine_device(engine);
	int r;

	if (change->flags & WGDEV_HAS_FWMARK) {
		r = engine_set_fwmark(engine, change->fwmark, err);
		if (r < 0)
			return r;
	}
	if (change->flags & WGDEV_HAS_LISTEN_PORT) {
		r = engine_set_listen_port(engine, change->listen_port, err);
		if (r < 0)
			return r;
	}
	if (change->flags & WGDEV_REPLACE_PEERS)
		remove_all_peers(dev);
	if (change->flags & WGDEV_HAS_SECKEY)
		apply_seckey(dev, &change->seckey, now);
	list_for_each(node, &change->peers) {
		r = apply_peer(dev, LIST_ENTRY(node, struct wgconf_peer, node),
			now, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int enginecfg_apply(struct engine *engine, const struct wgconf_device *change,
	const struct now *now, struct err *err)
{
	int r = apply_all(engine, change, now, err);

	/* What was applied may have something to send, even after an error. */
	engine_flush(engine, now);
	return r;
}

/* --- reading --- */

struct collect {
	struct wgconf_peer *peer;
	bool failed;
};

static void collect_allowedip(void *arg, const struct ipnet *net)
{
	struct collect *c = arg;

	if (!wgconf_allowedip_add(c->peer, net))
		c->failed = true;
}

static int get_peer(const struct wg_peer *peer, const struct now *now,
	struct wgconf_device *conf)
{
	struct wg_peer_info info;
	struct collect c = { .failed = false };

	wg_peer_get_info(peer, now, &info);
	c.peer = wgconf_peer_add(conf, &info.pubkey);
	if (c.peer) {
		c.peer->flags = WGPEER_HAS_PSK | WGPEER_HAS_KEEPALIVE;
		c.peer->psk = info.psk;
		c.peer->keepalive_sec = info.keepalive_sec;
		if (endpoint_known(&info.endpoint)) {
			c.peer->flags |= WGPEER_HAS_ENDPOINT;
			c.peer->endpoint = info.endpoint;
		}
		c.peer->last_handshake = info.last_handshake;
		c.peer->rx_bytes = info.rx_bytes;
		c.peer->tx_bytes = info.tx_bytes;
		wg_peer_each_allowedip(peer, collect_allowedip, &c);
	}
	sodium_memzero(&info, sizeof(info));
	return c.peer && !c.failed ? 0 : -ENOMEM;
}

static void get_device(struct engine *engine, struct wgconf_device *conf)
{
	(void)str_copy(
		conf->ifname, sizeof(conf->ifname), engine_ifname(engine));
	if (wg_device_get_seckey(engine_device(engine), &conf->seckey)) {
		conf->flags |= WGDEV_HAS_SECKEY | WGDEV_HAS_PUBKEY;
		conf->pubkey = seckey_public(&conf->seckey);
	}
	conf->listen_port = engine_listen_port(engine);
	if (conf->listen_port != 0)
		conf->flags |= WGDEV_HAS_LISTEN_PORT;
	conf->fwmark = engine_fwmark(engine);
	if (conf->fwmark != 0)
		conf->flags |= WGDEV_HAS_FWMARK;
}

int enginecfg_get(struct engine *engine, const struct now *now,
	struct wgconf_device **ret_dev)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *conf = wgconf_device_new();
	struct wg_peer *peer = NULL;

	if (!conf)
		return -ENOMEM;
	get_device(engine, conf);
	while ((peer = wg_device_next_peer(engine_device(engine), peer)))
		if (get_peer(peer, now, conf) < 0)
			return -ENOMEM;
	*ret_dev = TAKE(conf);
	return 0;
}
