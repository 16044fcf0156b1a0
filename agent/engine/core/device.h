/*
 * device: the WireGuard protocol of one interface, sans I/O. The caller brings
 * packets, time and randomness, and takes away packets, a deadline and events.
 *
 *   inner packets --seal--> data messages            (or staged, or refused)
 *   datagrams -----open---> inner packets            (or queued handshakes)
 *   tick, work -----------> due timers, queued handshakes
 *   poll <----------------- everything that is to be sent or told because of it
 *
 * After any of the calls above, and after any change of configuration, poll
 * until WG_OUT_NONE. One thread, control, owns a device and its peers.
 *
 * Other threads may carry data for it, each through a worker of its own:
 *
 *   wg_worker_seal, wg_worker_open    by that thread alone
 *   wg_worker_has_posted -> wake control, which calls wg_device_work
 *
 * What control takes away from a worker's view is kept until every worker's
 * thread has been quiescent since (outside of these two calls, holding nothing
 * of theirs): wg_device_has_retired, wait for that, wg_device_reclaim. Without
 * workers nothing is kept.
 *
 * Memory is taken when peers and allowed-IPs are configured and never on the
 * data path. What a hostile packet can touch is fixed tables and counters.
 *
 * Knows nothing of sockets, files, clocks, threads, logging, or of which
 * program it runs in. Wire format and timers: the WireGuard paper (WP), limits
 * in limits.h.
 */
#ifndef ENGINE_CORE_DEVICE_H
#define ENGINE_CORE_DEVICE_H

#include "base/auto.h"
#include "base/endpoint.h"
#include "base/ipnet.h"
#include "base/key.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wg_device;
struct wg_worker;
struct wg_peer; /* stays valid until it is removed */

struct wg_rng {
	void (*fill)(void *arg, uint8_t *bytes, size_t len);
	void *arg;
};

/* Where a datagram goes, or came from: the far end, and our own address and
 * interface on the way to it (the sticky source). */
struct wg_path {
	struct endpoint remote;
	struct ipaddr local; /* IP_NONE: let routing choose */
	uint32_t ifindex;    /* 0: let routing choose */
};

/*
 * One packet in the caller's memory. WG_HEADROOM bytes before data and
 * WG_TAILROOM bytes after data+len are the core's to write: seal and open
 * work in place.
 *
 *   | headroom 16 | inner packet | padding <= 15 | tag 16 |
 *   `- data message header
 */
#define WG_HEADROOM  16
#define WG_TAILROOM  (15 + 16)
#define WG_BATCH_MAX 64 /* packets in one call of seal or open */

enum wg_verdict {
	WG_DROPPED,	/* counted; nothing to do */
	WG_SEND,	/* seal: data..len is a data message for `path` */
	WG_STAGED,	/* seal: copied, goes out after the handshake */
	WG_NO_PEER,	/* seal: nobody owns the destination: ICMP, WP n/a */
	WG_NO_ENDPOINT, /* seal: staged too, but there is no way to the peer */
	WG_DELIVER,	/* open: data..len is an authentic inner packet */
	WG_CONSUMED,	/* open: keepalive: dealt with; handshake: control's */
};

struct wg_packet {
	uint8_t *data;
	size_t len;
	/* seal: out, lent until the worker's next call; open: in, of the
	 * datagram, or the bundle of them, that it came in */
	const struct wg_path *path;
	uint8_t ds;		 /* outer DS field: seal: out; open: in */
	enum wg_verdict verdict; /* out */
};

/* NULL: out of memory. RNG is copied. */
struct wg_device *wg_device_new(
	const struct wg_rng *rng, const struct now *now);
/* Wipes every key. */
void wg_device_free(struct wg_device *dev);
AUTO_DEFINE(struct wg_device, wg_device_free)

/* --- data path: COUNT <= WG_BATCH_MAX; verdicts are written for all --- */
/* NULL: out of memory. Freed with the device, when its thread has ended. */
struct wg_worker *wg_device_add_worker(struct wg_device *dev);
void wg_worker_seal(struct wg_worker *worker, const struct now *now,
	struct wg_packet *packets, size_t count);
void wg_worker_open(struct wg_worker *worker, const struct now *now,
	struct wg_packet *packets, size_t count);
/* Control's own hands. */
struct wg_worker *wg_device_own_worker(struct wg_device *dev);
/* Since it was last asked. */
bool wg_worker_has_posted(struct wg_worker *worker);
/* Bytes of the data message for an inner packet of LEN. Pure. */
size_t wg_message_size(size_t len, uint32_t mtu);
/* The MTU that this worker pads to until it asks again: who lays packets closer
 * than WG_TAILROOM, by wg_message_size(), asks before the first of a batch. */
uint32_t wg_worker_mtu(struct wg_worker *worker);

/* The same with control's own hands. */
void wg_device_seal(struct wg_device *dev, const struct now *now,
	struct wg_packet *packets, size_t count);
void wg_device_open(struct wg_device *dev, const struct now *now,
	struct wg_packet *packets, size_t count);

/* --- control path --- */
#define WG_WORK_MAX 64
/* Takes in what workers have posted, and consumes at most MAX queued
 * handshake messages: with workers no more than WG_WORK_MAX between two calls
 * of wg_device_reclaim, for what they replace is kept until then. True: more
 * are waiting. */
bool wg_device_work(struct wg_device *dev, const struct now *now, size_t max);
void wg_device_tick(struct wg_device *dev, const struct now *now);
/* When to tick next; long past while poll has something, MONO_NEVER if nothing
 * will happen by itself. A tick may find nothing due: timers move lazily. */
struct mono wg_device_deadline(const struct wg_device *dev);

bool wg_device_has_retired(const struct wg_device *dev);
void wg_device_reclaim(struct wg_device *dev, const struct now *now);

enum wg_out_kind { WG_OUT_NONE, WG_OUT_DATAGRAM, WG_OUT_EVENT };
enum wg_event {
	WG_EVENT_SESSION,     /* a session was established or renewed */
	WG_EVENT_ENDPOINT,    /* an authentic packet moved the endpoint */
	WG_EVENT_UNREACHABLE, /* the handshake was given up (WP 6.4) */
};
struct wg_out {
	enum wg_out_kind kind;
	/* WG_OUT_DATAGRAM: borrowed until the next call of any kind */
	const uint8_t *data;
	size_t len;
	struct wg_path path;
	uint8_t ds;
	/* WG_OUT_EVENT; also set for a peer's datagrams, else NULL */
	struct wg_peer *peer;
	enum wg_event event;
};
enum wg_out_kind wg_device_poll(
	struct wg_device *dev, const struct now *now, struct wg_out *ret_out);

/* Every datagram that poll gave has left. Until then workers do not send to a
 * peer whose staged packets are on their way: they could overtake them. */
void wg_device_flushed(struct wg_device *dev);

/* --- configuration: each call takes effect at once --- */
/* All-zero takes the identity away. A peer with our own key is removed;
 * sessions of all others must be made anew, as the kernel does. */
void wg_device_set_seckey(
	struct wg_device *dev, const struct now *now, const struct seckey *key);
bool wg_device_get_seckey(const struct wg_device *dev, struct seckey *ret_key);
void wg_device_set_mtu(struct wg_device *dev, uint32_t mtu); /* for padding */
/* The interface went down, or the host slept: sessions, handshakes, timers and
 * staged packets are gone; configuration stays. Coming up, the caller sends a
 * keepalive to each peer that keeps alive. */
void wg_device_down(struct wg_device *dev);
/* The greatest handshake timestamp sent (0: none). A caller that keeps it over
 * restarts and raises it at start is answered even if the wall clock went back;
 * peers refuse anything not above it. */
struct wall wg_device_timestamp(const struct wg_device *dev);
void wg_device_raise_timestamp(struct wg_device *dev, struct wall least);

struct wg_peer *wg_device_find_peer(
	struct wg_device *dev, const struct pubkey *key);
/* -EEXIST, -ENOMEM, -EINVAL for our own key, -ENOSPC at 2^20 peers. */
WARN_UNUSED int wg_device_add_peer(struct wg_device *dev, const struct now *now,
	const struct pubkey *key, struct wg_peer **ret_peer);
void wg_device_remove_peer(struct wg_device *dev, struct wg_peer *peer);
/* In the order they were added. PREV NULL: the first. */
struct wg_peer *wg_device_next_peer(
	const struct wg_device *dev, const struct wg_peer *prev);

void wg_peer_set_psk(struct wg_peer *peer, const struct psk *psk);
/* A peer with staged packets, or that never had an endpoint and keeps alive,
 * sends its initiation at once. */
void wg_peer_set_endpoint(struct wg_device *dev, const struct now *now,
	struct wg_peer *peer, const struct endpoint *ep);
void wg_peer_set_keepalive(struct wg_device *dev, const struct now *now,
	struct wg_peer *peer, uint16_t seconds); /* 0: off */
/* Begins a handshake now if none is under way and no session is fresh. */
void wg_peer_initiate(
	struct wg_device *dev, const struct now *now, struct wg_peer *peer);
/* Sends an empty data message on a live session (roaming news), else
 * initiates. */
void wg_peer_send_keepalive(
	struct wg_device *dev, const struct now *now, struct wg_peer *peer);

/* NET's host bits are cleared. A prefix that belongs to another peer moves, as
 * in the kernel. -ENOMEM. */
WARN_UNUSED int wg_device_add_allowedip(
	struct wg_device *dev, struct wg_peer *peer, const struct ipnet *net);
/* Only if PEER owns exactly this prefix. */
void wg_device_remove_allowedip(
	struct wg_device *dev, struct wg_peer *peer, const struct ipnet *net);
void wg_device_clear_allowedips(struct wg_device *dev, struct wg_peer *peer);
/* Calls FN for each of the peer's prefixes, in the kernel's order: as added;
 * adding one again moves it to the end. */
void wg_peer_each_allowedip(const struct wg_peer *peer,
	void (*fn)(void *arg, const struct ipnet *net), void *arg);

struct wg_peer_info {
	struct pubkey pubkey;
	struct psk psk;
	struct endpoint endpoint; /* family IP_NONE: unknown */
	uint16_t keepalive_sec;
	struct wall last_handshake;  /* 0: never */
	struct mono last_receive;    /* last authentic packet; ns 0: never */
	uint64_t rx_bytes, tx_bytes; /* outer UDP payload, as wg(8) shows */
	bool has_session;	     /* a current keypair that may still seal */
};
void wg_peer_get_info(const struct wg_peer *peer, const struct now *now,
	struct wg_peer_info *ret_info);
/* One pointer of the owner's, handed back with events. */
void wg_peer_set_tag(struct wg_peer *peer, void *tag);
void *wg_peer_get_tag(const struct wg_peer *peer);

/* Why packets were dropped; grows only. */
struct wg_counters {
	uint64_t bad_length, bad_type, bad_mac1, bad_mac2, rate_limited,
		queue_full, bad_handshake, replayed_timestamp, flooded_peer,
		unknown_index, bad_tag, replayed_counter, wrong_source,
		bad_inner, no_peer, no_endpoint, staged_overflow, cookies_sent,
		outbox_full; /* control did not keep up with a worker */
};
/* The sum over all threads; valid until it is asked again. */
const struct wg_counters *wg_device_counters(struct wg_device *dev);

#endif
