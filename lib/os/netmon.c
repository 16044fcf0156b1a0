/*
 * The listening half of netlink.h. News only says that something changed: what
 * is true now is asked for, so nothing but message types is read here.
 */
#include "config.h"
#include "os/netlink.h"
#include "os/fd.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/banned.h"

/* Enough for the header of the first message, and in practice for all of it:
 * the kernel sends one message a datagram here. */
#define NEWS_SIZE 2048

int netlink_monitor_open(int *ret_fd, struct err *err)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
			RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			RTMGRP_IPV6_ROUTE };
	AUTO(fd_close)
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
		NETLINK_ROUTE);

	/* cast: the socket API's own kind of inheritance */
	if (fd < 0 ||
		bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
		return err_errno(err, "netlink monitor");
	*ret_fd = fd_take(&fd);
	return 0;
}

static unsigned int kind_of(uint16_t type)
{
	switch (type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return NETLINK_NEWS_LINK;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return NETLINK_NEWS_ADDR;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return NETLINK_NEWS_ROUTE;
	default:
		return 0;
	}
}

static unsigned int kinds_in(const char *bytes, size_t len)
{
	unsigned int news = 0;

	while (len >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr header;
		size_t step;

		__builtin_memcpy(&header, bytes, sizeof(header));
		news |= kind_of(header.nlmsg_type);
		step = NLMSG_ALIGN((size_t)header.nlmsg_len);
		if (header.nlmsg_len < sizeof(header) || step > len)
			break;
		bytes += step;
		len -= step;
	}
	return news;
}

int netlink_monitor_drain(int fd, unsigned int *ret_news, struct err *err)
{
	unsigned int news = 0;

	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		char bytes[NEWS_SIZE];
		/* cast: the socket API's own kind of inheritance */
		ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0,
			(struct sockaddr *)&from, &from_len);

		if (n >= 0) {
			if (from.nl_pid == 0) /* the kernel, nobody else */
				news |= kinds_in(bytes, (size_t)n);
		} else if (errno == ENOBUFS) {
			news |= NETLINK_NEWS_LOST;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			return err_errno(err, "netlink monitor");
		}
	}
	*ret_news = news;
	return 0;
}
