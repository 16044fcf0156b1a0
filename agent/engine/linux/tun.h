/*
 * tun: one TUN interface: bare IP packets by read and write, never blocking.
 *
 * The fd is the truth about the interface: it follows renames and moves to
 * other network namespaces, and answers EBADFD once the interface is deleted.
 * Facts that only its namespace knows (MTU, up) are asked for by name.
 *
 * Owned by one thread. Knows nothing of what is in the packets.
 */
#ifndef ENGINE_LINUX_TUN_H
#define ENGINE_LINUX_TUN_H

#include "base/auto.h"
#include "base/err.h"
#include "base/num.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TUN_MTU_MAX 65535 /* an IPv4 packet's total length is 16 bits */

struct tun {
	int fd; /* -1: none */
	char ifname[IFNAME_MAX_LEN + 1];
	uint32_t ifindex;
};
#define TUN_INIT ((struct tun){ .fd = -1 })

/* Makes the interface IFNAME, which goes when the fd closes. -EEXIST: the name
 * is taken; -EPERM; -ENOENT and -ENODEV: no TUN driver here. A persistent TUN
 * interface nobody is attached to is taken over. */
WARN_UNUSED int tun_create(
	struct tun *tun, const char *ifname, struct err *err);
/* Takes over FD, also on failure. It must be IFF_TUN and IFF_NO_PI. */
WARN_UNUSED int tun_adopt(struct tun *tun, int fd, struct err *err);
void tun_release(struct tun *tun);

enum tun_io {
	TUN_DONE,  /* one packet moved */
	TUN_EMPTY, /* nothing to read now */
	TUN_LOST,  /* not this packet: interface down, no memory, refused */
	TUN_GONE,  /* the interface was deleted */
};
WARN_UNUSED enum tun_io tun_read(const struct tun *tun, uint8_t *ret_packet,
	size_t cap, size_t *ret_len);
enum tun_io tun_write(const struct tun *tun, const uint8_t *packet, size_t len);

struct tun_link {
	bool up;
	uint32_t mtu;
};
/* How the interface is now; also learns a new name. -EBADFD: it was deleted.
 * -ENODEV: it lives in another network namespace, where we cannot ask. */
WARN_UNUSED int tun_get_link(struct tun *tun, struct tun_link *ret_link);
WARN_UNUSED int tun_set_mtu(
	const struct tun *tun, uint32_t mtu, struct err *err);

#endif
