/*
 * transport: data messages (WP 5.4.6) sealed and opened in runs of one keypair,
 * in place. Pure on the keypair: no device, no timers, no peers. Any thread may
 * seal with a keypair: counters are taken from it atomically, a run at a time.
 * Opening takes turns for the replay window, after the cryptography.
 *
 *   data -16        data                data+len
 *    | header 16     | inner packet      | padding <= 15 | tag 16 |
 *
 * seal: DATA moves to the header. open: DATA moves behind it.
 */
#ifndef ENGINE_CORE_TRANSPORT_H
#define ENGINE_CORE_TRANSPORT_H

#include "base/auto.h"
#include "engine/core/device.h"
#include "engine/core/keyring.h"

#include <stddef.h>
#include <stdint.h>

struct aead;

/* Zeros to add to LEN: to a multiple of 16 that does not exceed the MTU (0:
 * none is known). A packet above the MTU is padded as its last MTU-sized piece
 * would be, as the kernel does with what offloading left over. */
size_t transport_padding(size_t len, uint32_t mtu);

/* Seals as many as KP's counter allows; the rest is untouched. The counters
 * are spent even if nothing is sent then. Caller asked keypair_may_seal(). */
WARN_UNUSED size_t wg_transport_seal(struct keypair *kp, struct aead *aead,
	struct wg_packet *packets, size_t count, uint32_t mtu);

enum transport_verdict {
	TRANSPORT_OPENED,
	TRANSPORT_BAD_TAG,
	TRANSPORT_REPLAYED,
};

/* PACKETS are data messages for KP, at least KEEPALIVE_SIZE long. Counters are
 * marked in the order of the packets, and only after the tag was right. Caller
 * asked keypair_may_open(). */
void wg_transport_open(struct keypair *kp, struct aead *aead,
	struct wg_packet *packets, size_t count,
	enum transport_verdict *ret_verdicts);

#endif
