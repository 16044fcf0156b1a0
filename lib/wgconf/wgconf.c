/*
 * wgconf: making, finding and freeing the parts of the device model. No I/O.
 */
#include "config.h"

#include "wgconf/wgconf.h"

#include <sodium.h>

#include <stdlib.h>

#include "base/banned.h"

struct wgconf_device *wgconf_device_new(void)
{
	struct wgconf_device *dev = calloc(1, sizeof(*dev));

	if (dev)
		list_init(&dev->peers);
	return dev;
}

void wgconf_device_free(struct wgconf_device *dev)
{
	if (!dev)
		return;
	list_for_each_safe(node, &dev->peers)
		wgconf_peer_free(LIST_ENTRY(node, struct wgconf_peer, node));
	sodium_memzero(dev, sizeof(*dev));
	free(dev);
}

struct wgconf_peer *wgconf_peer_add(
	struct wgconf_device *dev, const struct pubkey *pubkey)
{
	struct wgconf_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	peer->pubkey = *pubkey;
	list_init(&peer->allowedips);
	list_add_tail(&dev->peers, &peer->node);
	return peer;
}

struct wgconf_peer *wgconf_peer_find(
	const struct wgconf_device *dev, const struct pubkey *pubkey)
{
	list_for_each(node, &dev->peers) {
		struct wgconf_peer *peer =
			LIST_ENTRY(node, struct wgconf_peer, node);
		if (key_equal(peer->pubkey.b, pubkey->b))
			return peer;
	}
	return NULL;
}

void wgconf_peer_free(struct wgconf_peer *peer)
{
	if (!peer)
		return;
	wgconf_allowedips_clear(peer);
	list_del(&peer->node);
	sodium_memzero(peer, sizeof(*peer));
	free(peer);
}

struct wgconf_allowedip *wgconf_allowedip_add(
	struct wgconf_peer *peer, const struct ipnet *net)
{
	struct wgconf_allowedip *ip = calloc(1, sizeof(*ip));

	if (!ip)
		return NULL;
	ip->net = *net;
	list_add_tail(&peer->allowedips, &ip->node);
	return ip;
}

void wgconf_allowedips_clear(struct wgconf_peer *peer)
{
	list_for_each_safe(node, &peer->allowedips) {
		list_del(node);
		free(LIST_ENTRY(node, struct wgconf_allowedip, node));
	}
}
