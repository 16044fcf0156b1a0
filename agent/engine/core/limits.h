/*
 * limits: the constants of the protocol (WP 6.1) and the sizes of everything
 * that a stranger can make us fill. Where WP leaves freedom, the value is the
 * kernel's (drivers/net/wireguard, 6.x).
 */
#ifndef ENGINE_CORE_LIMITS_H
#define ENGINE_CORE_LIMITS_H

#include "base/time.h"

#include <stdint.h>

/* Bits remembered behind the newest counter; one word of the ring is always
 * being cleared (RFC 6479 s3). */
#define REPLAY_RING_BITS      8192
#define REPLAY_WINDOW	      (REPLAY_RING_BITS - 64)

#define REKEY_AFTER_MESSAGES  (UINT64_C(1) << 60)
#define REJECT_AFTER_MESSAGES (UINT64_MAX - REPLAY_WINDOW - 1)

#define REKEY_AFTER_TIME_NS   (120 * NSEC_PER_SEC)
#define REJECT_AFTER_TIME_NS  (180 * NSEC_PER_SEC)
#define REKEY_TIMEOUT_NS      (5 * NSEC_PER_SEC)
#define REKEY_ATTEMPT_NS      (90 * NSEC_PER_SEC)
#define KEEPALIVE_TIMEOUT_NS  (10 * NSEC_PER_SEC)
#define ZERO_KEYS_AFTER_NS    (3 * REJECT_AFTER_TIME_NS)
/* A third of a second, as HZ/3: spreads peers that lost us together. */
#define JITTER_MAX_NS (333 * NSEC_PER_MSEC)
/* The first initiation and 19 retries: 20 in about 90 s. */
#define HANDSHAKE_RETRIES_MAX (REKEY_ATTEMPT_NS / REKEY_TIMEOUT_NS + 1)

#define INITIATIONS_PER_SEC   50
#define INITIATION_GAP_NS     (NSEC_PER_SEC / INITIATIONS_PER_SEC)
/* Timestamps are cut to 2^24 ns, the power of two below INITIATION_GAP_NS, so
 * that they tell nothing finer than the peer could use. */
#define TIMESTAMP_GRAIN_NS (INT64_C(1) << 24)
/* The year 2200. A clock beyond it is wrong, and 62 years of room are left for
 * stamps that must still rise before 64 bits are full. */
#define TIMESTAMP_MAX_NS	 (INT64_C(7258118400) * NSEC_PER_SEC)

#define COOKIE_SECRET_MAX_AGE_NS (120 * NSEC_PER_SEC)
#define COOKIE_SECRET_LATENCY_NS (5 * NSEC_PER_SEC)
#define COOKIE_REPLIES_MAX	 64 /* waiting to be polled: WG_BATCH_MAX */

#define HANDSHAKE_QUEUE_MAX	 4096
#define HANDSHAKE_QUEUE_LOADED	 (HANDSHAKE_QUEUE_MAX / 8)
#define HANDSHAKE_QUEUE_DROP	 (HANDSHAKE_QUEUE_MAX / 2)
#define UNDER_LOAD_STICKS_NS	 NSEC_PER_SEC
#define RATELIMIT_PER_SEC	 20
#define RATELIMIT_BURST		 5
#define RATELIMIT_SETS		 2048 /* x 4 sources x 32 bytes = 256 KiB */
#define RATELIMIT_WAYS		 4

#define PEERS_MAX		 (1u << 20)

/* Staged packets: 128 a peer; one pool for the device, 1024 chunks of 2 KiB,
 * of which only those ever used cost memory. */
#define STAGED_PER_PEER_MAX 128
#define STAGING_CHUNKS	    1024
#define STAGING_CHUNK_SIZE  2048

/* Largest inner packet: what is left of a UDP datagram over IPv4
 * (65535 - 20 - 8) after header and tag (32), in whole blocks of 16. */
#define INNER_PACKET_MAX 65472

#define HANDSHAKE_DS	 0x88 /* AF41, no ECN */

#endif
