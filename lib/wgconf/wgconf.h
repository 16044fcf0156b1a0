/*
 * wgconf: the one model of a WireGuard device that every dialect reads and
 * writes: what wg(8) shows, what setconf files hold, what the UAPI carries.
 *
 * The same struct is a state (a GET) and a change (a SET): `flags` tell which
 * fields are present. A change applies in the order of its peers, and within
 * a peer in the order of its allowed-IPs.
 */
#ifndef WGCONF_WGCONF_H
#define WGCONF_WGCONF_H

#include "base/auto.h"
#include "base/endpoint.h"
#include "base/ipnet.h"
#include "base/key.h"
#include "base/list.h"
#include "base/num.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum wgconf_device_flags {
	WGDEV_HAS_SECKEY = 1 << 0, /* all-zero: take the key away */
	WGDEV_HAS_PUBKEY = 1 << 1, /* GET only */
	WGDEV_HAS_LISTEN_PORT = 1 << 2,
	WGDEV_HAS_FWMARK = 1 << 3,
	WGDEV_REPLACE_PEERS = 1 << 4,
};

enum wgconf_peer_flags {
	WGPEER_REMOVE = 1 << 0,
	WGPEER_UPDATE_ONLY = 1 << 1, /* only if it is there */
	WGPEER_REPLACE_ALLOWEDIPS = 1 << 2,
	WGPEER_HAS_PSK = 1 << 3, /* all-zero: none */
	WGPEER_HAS_ENDPOINT = 1 << 4,
	WGPEER_HAS_KEEPALIVE = 1 << 5,
};

struct wgconf_allowedip {
	struct list node; /* in wgconf_peer.allowedips */
	struct ipnet net;
	bool remove; /* SET only: the "-" of allowed_ip, kernel's REMOVE_ME */
};

struct wgconf_peer {
	struct list node; /* in wgconf_device.peers */
	unsigned int flags;
	struct pubkey pubkey;
	struct psk psk;
	struct endpoint endpoint;
	uint16_t keepalive_sec; /* 0: off */
	struct list allowedips; /* struct wgconf_allowedip, in order */
	/* GET only */
	struct wall last_handshake; /* 0: never */
	uint64_t rx_bytes, tx_bytes;
};

struct wgconf_device {
	unsigned int flags;
	char ifname[IFNAME_MAX_LEN + 1];
	struct seckey seckey;
	struct pubkey pubkey;
	uint16_t listen_port;
	uint32_t fwmark;
	struct list peers; /* struct wgconf_peer, in order */
};

struct wgconf_device *wgconf_device_new(void);	    /* NULL: out of memory */
void wgconf_device_free(struct wgconf_device *dev); /* wipes keys */
AUTO_DEFINE(struct wgconf_device, wgconf_device_free)
/* Appended to DEV; NULL: out of memory. */
struct wgconf_peer *wgconf_peer_add(
	struct wgconf_device *dev, const struct pubkey *pubkey);
struct wgconf_peer *wgconf_peer_find(
	const struct wgconf_device *dev, const struct pubkey *pubkey);
void wgconf_peer_free(struct wgconf_peer *peer); /* takes it out of its list */
struct wgconf_allowedip *wgconf_allowedip_add(
	struct wgconf_peer *peer, const struct ipnet *net);
void wgconf_allowedips_clear(struct wgconf_peer *peer); /* all of them */

#endif
