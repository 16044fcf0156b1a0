/*
 * tun: one TUN interface, or one more queue of it: IP packets, and with
 * offloads super-packets of up to 64 KiB, each behind a virtio_net_hdr; never
 * blocking.
 *
 * The fd is the truth about the interface: it follows renames and moves to
 * other network namespaces, and answers EBADFD once the interface is deleted.
 * Facts that only its namespace knows (MTU, up) are asked for by name.
 *
 * Each queue is one thread's to read; any thread may write. Knows nothing of
 * what is in the packets.
 */
#ifndef ENGINE_LINUX_TUN_H
#define ENGINE_LINUX_TUN_H

#include "base/auto.h"
#include "base/err.h"
#include "base/num.h"
#include "engine/linux/vnet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define TUN_MTU_MAX 65535 /* an IPv4 packet's total length is 16 bits */
/* The kernel's default of 500 lost bursts of small packets; a queue is counted
 * in frames, so that 1000 of them are 1 ms of ACKs or 64 MB of super-packets. */
#define TUN_QUEUE_LEN 1000
/* Pieces of one written frame. */
#define TUN_PIECES_MAX 80

/* What the kernel and we do for each other. */
enum {
	TUN_VNET_HDR = 1 << 0, /* frames have a header at all */
	TUN_TSO = 1 << 1,      /* super-packets of TCP, checksums left out */
	TUN_USO = 1 << 2,      /* of UDP */
	TUN_OFFLOADS = TUN_TSO | TUN_USO,
};

struct tun {
	int fd; /* -1: none */
	char ifname[IFNAME_MAX_LEN + 1];
	uint32_t ifindex;
	unsigned int offloads; /* TUN_* bits: what was got */
	bool multi_queue;
};
#define TUN_INIT ((struct tun){ .fd = -1 })

/* Makes the interface IFNAME, which goes when the fds close. WANTED: TUN_*
 * bits; what the kernel lacks is done without. More than one of QUEUES: more
 * may be added. -EEXIST: the name is taken; -EPERM; -ENOENT and -ENODEV: no TUN
 * driver here. A persistent TUN interface nobody is attached to is taken
 * over. */
WARN_UNUSED int tun_create(struct tun *tun, const char *ifname,
	unsigned int wanted, size_t queues, struct err *err);
/* One more queue of FIRST. */
WARN_UNUSED int tun_add_queue(
	struct tun *tun, const struct tun *first, struct err *err);
/* Takes over FD, also on failure. It must be IFF_TUN and IFF_NO_PI; offloads
 * are used if it has IFF_VNET_HDR. */
WARN_UNUSED int tun_adopt(
	struct tun *tun, int fd, unsigned int wanted, struct err *err);
void tun_release(struct tun *tun);

enum tun_io {
	TUN_DONE,    /* one frame moved */
	TUN_EMPTY,   /* nothing to read now */
	TUN_LOST,    /* not this frame: interface down, no memory */
	TUN_REFUSED, /* not such a frame: a super-packet the kernel does not
		      * take though it said it would (6.6.44 and others) */
	TUN_GONE,    /* the interface was deleted */
};
WARN_UNUSED enum tun_io tun_read(const struct tun *tun,
	struct virtio_net_hdr *ret_hdr, uint8_t *ret_packet, size_t cap,
	size_t *ret_len);
/* COUNT < TUN_PIECES_MAX. Without TUN_VNET_HDR, HDR is left out. */
enum tun_io tun_write(const struct tun *tun, const struct virtio_net_hdr *hdr,
	const struct iovec *iov, size_t count);

struct tun_link {
	bool up;
	uint32_t mtu;
};
/* How the interface is now; also learns a new name. -EBADFD: it was deleted.
 * -ENODEV: it lives in another network namespace, where we cannot ask. */
WARN_UNUSED int tun_get_link(struct tun *tun, struct tun_link *ret_link);
WARN_UNUSED int tun_set_mtu(
	const struct tun *tun, uint32_t mtu, struct err *err);
/* Frames the interface holds for us to read; a wish. */
void tun_set_queue_len(const struct tun *tun, uint32_t frames);

#endif
