/*
 * tun: the ioctls of /dev/net/tun and of its interface. See tun.h.
 */
#include "config.h"

#include "engine/linux/tun.h"

#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

#define TUN_DEVICE "/dev/net/tun"

/* Any socket serves to ask an interface by name. */
static int ask_interface(
	const struct tun *tun, unsigned long request, struct ifreq *req)
{
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) /* a kernel without IPv4 */
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)str_copy(req->ifr_name, sizeof(req->ifr_name), tun->ifname);
	return ioctl(fd, request, req) < 0 ? -errno : 0;
}

static int open_device(struct tun *tun, struct err *err)
{
	tun->fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun->fd >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
		return err_set(err, -ENOENT,
			"there is no " TUN_DEVICE
			": load the kernel's tun module (modprobe tun), or "
			"give this container the device");
	case ENODEV:
	case ENXIO:
		return err_set(err, -ENODEV,
			"the kernel has no driver behind " TUN_DEVICE
			" (modprobe tun)");
	case EACCES:
	case EPERM:
		return err_set(err, -EPERM,
			"no permission to open " TUN_DEVICE
			": this needs root, or CAP_NET_ADMIN and the device");
	default:
		return err_errno(err, "cannot open " TUN_DEVICE);
	}
}

static int attach_failed(const char *ifname, struct err *err)
{
	int saved = errno;

	if (saved == EPERM)
		return err_set(err, -EPERM,
			"no permission to create the interface '%s': this "
			"needs root, or CAP_NET_ADMIN",
			ifname);
	/* EBUSY: a TUN somebody is attached to; EINVAL: another kind. */
	if ((saved == EBUSY || saved == EINVAL) && if_nametoindex(ifname) != 0)
		return err_set(err, -EEXIST,
			"there is an interface '%s' already", ifname);
	errno = saved;
	return err_errno(err, "cannot create the interface '%s'", ifname);
}

static int learn_index(struct tun *tun, struct err *err)
{
	tun->ifindex = if_nametoindex(tun->ifname);
	if (tun->ifindex == 0)
		return err_errno(
			err, "cannot find the interface '%s'", tun->ifname);
	return 0;
}

/* Steps down until the kernel agrees: USO is of 6.2. */
static void negotiate(struct tun *tun, unsigned int wanted)
{
	const unsigned int tso =
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	const struct {
		unsigned int bits, features;
	} steps[] = {
		{ TUN_TSO | TUN_USO, tso | TUN_F_USO4 | TUN_F_USO6 },
		{ TUN_TSO, tso },
	};
	int size = sizeof(struct virtio_net_hdr);

	tun->offloads = 0;
	if (ioctl(tun->fd, TUNSETVNETHDRSZ, &size) < 0)
		return;
	tun->offloads = TUN_VNET_HDR;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if ((steps[i].bits & wanted) != steps[i].bits)
			continue;
		if (ioctl(tun->fd, TUNSETOFFLOAD, steps[i].features) == 0) {
			tun->offloads |= steps[i].bits;
			return;
		}
	}
	/* An adopted one may have more than we want. */
	(void)ioctl(tun->fd, TUNSETOFFLOAD, 0);
}

static int attach(struct tun *tun, const char *ifname, short flags)
{
	struct ifreq req = { .ifr_flags = flags };

	if (!str_copy(req.ifr_name, sizeof(req.ifr_name), ifname))
		return -EINVAL;
	if (ioctl(tun->fd, TUNSETIFF, &req) < 0)
		return -errno;
	(void)str_copy(tun->ifname, sizeof(tun->ifname), req.ifr_name);
	return 0;
}

int tun_create(struct tun *tun, const char *ifname, unsigned int wanted,
	size_t queues, struct err *err)
{
	short flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	int r;

	*tun = TUN_INIT;
	if (!ifname_valid(ifname))
		return err_set(err, -EINVAL, "'%s' is no name for an interface",
			ifname);
	r = open_device(tun, err);
	if (r < 0)
		return r;
	tun->multi_queue = queues > 1;
	if (tun->multi_queue)
		flags |= IFF_MULTI_QUEUE;
	if (attach(tun, ifname, flags) < 0) {
		r = attach_failed(ifname, err);
		tun_release(tun);
		return r;
	}
	negotiate(tun, wanted);
	r = learn_index(tun, err);
	if (r < 0)
		tun_release(tun);
	return r;
}

int tun_add_queue(struct tun *tun, const struct tun *first, struct err *err)
{
	int r;

	*tun = TUN_INIT;
	r = open_device(tun, err);
	if (r < 0)
		return r;
	r = attach(tun, first->ifname,
		IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);
	if (r < 0) {
		r = err_set(err, r, "cannot add a queue to '%s': %s",
			first->ifname, strerror(-r));
		tun_release(tun);
		return r;
	}
	negotiate(tun, first->offloads);
	tun->ifindex = first->ifindex;
	tun->multi_queue = true;
	return 0;
}

int tun_adopt(struct tun *tun, int fd, unsigned int wanted, struct err *err)
{
	struct ifreq req = { .ifr_flags = 0 };
	int r;

	*tun = TUN_INIT;
	tun->fd = fd;
	r = fd_set_nonblock(fd);
	if (r < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
		ioctl(fd, TUNGETIFF, &req) < 0) {
		r = err_set(err, -EINVAL,
			"file descriptor %d is no TUN interface", fd);
	} else if ((req.ifr_flags & (IFF_TUN | IFF_NO_PI)) !=
		(IFF_TUN | IFF_NO_PI)) {
		r = err_set(err, -EINVAL,
			"interface '%s' of file descriptor %d must be made "
			"with IFF_TUN and IFF_NO_PI",
			req.ifr_name, fd);
	} else {
		(void)str_copy(tun->ifname, sizeof(tun->ifname), req.ifr_name);
		if (req.ifr_flags & IFF_VNET_HDR)
			negotiate(tun, wanted);
		tun->multi_queue = req.ifr_flags & IFF_MULTI_QUEUE;
		r = learn_index(tun, err);
	}
	if (r < 0)
		tun_release(tun);
	return r;
}

void tun_release(struct tun *tun)
{
	fd_close(&tun->fd);
}

enum tun_io tun_read(const struct tun *tun, struct virtio_net_hdr *ret_hdr,
	uint8_t *ret_packet, size_t cap, size_t *ret_len)
{
	bool has_hdr = tun->offloads & TUN_VNET_HDR;
	size_t hdr_len = has_hdr ? sizeof(*ret_hdr) : 0;
	const struct iovec iov[] = { { ret_hdr, hdr_len },
		{ ret_packet, cap } };
	ssize_t n;

	if (!has_hdr)
		memset(ret_hdr, 0, sizeof(*ret_hdr));
	n = readv(tun->fd, iov, ARRAY_SIZE(iov));
	if (n > (ssize_t)hdr_len) {
		*ret_len = (size_t)n - hdr_len;
		return TUN_DONE;
	}
	if (n >= 0)
		return TUN_LOST;
	switch (errno) {
	case EAGAIN:
		return TUN_EMPTY;
	case EBADFD:
		return TUN_GONE;
	default: /* EIO, EFAULT: down; ENOMEM */
		return TUN_LOST;
	}
}

enum tun_io tun_write(const struct tun *tun, const struct virtio_net_hdr *hdr,
	const struct iovec *iov, size_t count)
{
	struct iovec pieces[TUN_PIECES_MAX];
	bool has_hdr = tun->offloads & TUN_VNET_HDR;

	BUG_ON(count >= TUN_PIECES_MAX);
	if (has_hdr) { /* writev does not write to it */
		pieces[0].iov_base = (void *)(uintptr_t)hdr;
		pieces[0].iov_len = sizeof(*hdr);
	}
	memcpy(pieces + has_hdr, iov, count * sizeof(*iov));
	if (writev(tun->fd, pieces, (int)(count + has_hdr)) >= 0)
		return TUN_DONE;
	if (errno == EBADFD)
		return TUN_GONE;
	return errno == EINVAL && hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE
		? TUN_REFUSED
		: TUN_LOST;
}

int tun_get_link(struct tun *tun, struct tun_link *ret_link)
{
	struct ifreq req = { .ifr_flags = 0 };
	struct tun_link link;
	int r;

	if (ioctl(tun->fd, TUNGETIFF, &req) < 0)
		return -errno;
	(void)str_copy(tun->ifname, sizeof(tun->ifname), req.ifr_name);
	/* The name may be another interface's here if ours moved away. */
	if (if_nametoindex(tun->ifname) != tun->ifindex)
		return -ENODEV;
	r = ask_interface(tun, SIOCGIFFLAGS, &req);
	if (r < 0)
		return r;
	link.up = (req.ifr_flags & IFF_UP) != 0;
	r = ask_interface(tun, SIOCGIFMTU, &req);
	if (r < 0)
		return r;
	link.mtu = (uint32_t)req.ifr_mtu;
	*ret_link = link;
	return 0;
}

int tun_set_mtu(const struct tun *tun, uint32_t mtu, struct err *err)
{
	struct ifreq req = { .ifr_mtu = (int)mtu };
	int r = ask_interface(tun, SIOCSIFMTU, &req);

	if (r < 0)
		return err_set(err, r, "cannot set the MTU of '%s' to %u: %s",
			tun->ifname, mtu, strerror(-r));
	return 0;
}

void tun_set_queue_len(const struct tun *tun, uint32_t frames)
{
	struct ifreq req = { .ifr_qlen = (int)frames };

	(void)ask_interface(tun, SIOCSIFTXQLEN, &req);
}
