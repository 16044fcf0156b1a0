/*
 * udp: control messages, and what each error of a send means. See udp.h.
 */
#include "config.h"

#include "engine/linux/udp.h"

#include "engine/linux/source.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "base/banned.h"

/* The kernel's UDP_MAX_SEGMENTS of old; newer ones take 128. */
#define SEGMENTS_MAX 64
/* 65535 less the UDP header, and over IPv4 the IP header. */
#define PAYLOAD_MAX_V4 (65535 - 20 - 8)
#define PAYLOAD_MAX_V6 (65535 - 8)
/* Messages after which a size that was refused once is tried again: routes
 * change. */
#define GSO_RETRY_AFTER 4096

void udp_init(struct udp_io *io, unsigned int offloads)
{
	memset(io, 0, sizeof(*io));
	for (size_t i = 0; i < UDP_FAMILIES; i++) {
		io->gso[i].on = offloads & UDP_GSO;
		io->gso[i].size_max = SIZE_MAX;
	}
}

/* --- receiving --- */

static void read_address(const struct udp_envelope *env, enum udp_family family,
	struct endpoint *ret_ep)
{
	memset(ret_ep, 0, sizeof(*ret_ep));
	if (family == UDP_V4) {
		ret_ep->addr.family = IP_V4;
		memcpy(ret_ep->addr.b, &env->addr.v4.sin_addr, 4);
		ret_ep->port = ntohs(env->addr.v4.sin_port);
	} else {
		ret_ep->addr.family = IP_V6;
		memcpy(ret_ep->addr.b, &env->addr.v6.sin6_addr, 16);
		ret_ep->port = ntohs(env->addr.v6.sin6_port);
		ret_ep->scope_id = env->addr.v6.sin6_scope_id;
	}
}

static void read_control(struct msghdr *msg, struct udp_bundle *bundle)
{
	struct wg_path *path = &bundle->path;
	int value;

	memset(&path->local, 0, sizeof(path->local));
	path->ifindex = 0;
	bundle->ds = 0;
	bundle->segment = bundle->len;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
		c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			if (value > 0)
				bundle->segment = (size_t)value;
		} else if (c->cmsg_level == IPPROTO_IP &&
			c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			path->local.family = IP_V4;
			memcpy(path->local.b, &info.ipi_spec_dst, 4);
			path->ifindex = (uint32_t)info.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			path->local.family = IP_V6;
			memcpy(path->local.b, &info.ipi6_addr, 16);
			path->ifindex = info.ipi6_ifindex;
		} else if (c->cmsg_level == IPPROTO_IP &&
			c->cmsg_type == IP_TOS) {
			memcpy(&bundle->ds, CMSG_DATA(c), 1);
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			bundle->ds = (uint8_t)value;
		}
	}
}

size_t udp_receive(struct udp_io *io, const struct udp_sockets *sockets,
	enum udp_family family, struct udp_bundle *bundles, size_t count)
{
	int n;

	if (sockets->fd[family] < 0)
		return 0;
	if (count > WG_BATCH_MAX)
		count = WG_BATCH_MAX;
	for (size_t i = 0; i < count; i++) {
		struct udp_envelope *env = &io->envelopes[i];

		io->iov[i] = (struct iovec){ bundles[i].data, bundles[i].cap };
		io->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &env->addr,
			.msg_namelen = sizeof(env->addr),
			.msg_iov = &io->iov[i],
			.msg_iovlen = 1,
			.msg_control = env->control,
			.msg_controllen = sizeof(env->control),
		};
	}
	/* An error here is an old datagram's: nothing that should stop us. */
	n = recvmmsg(sockets->fd[family], io->messages, (unsigned int)count,
		MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		struct msghdr *msg = &io->messages[i].msg_hdr;

		bundles[i].len = io->messages[i].msg_len;
		read_address(
			&io->envelopes[i], family, &bundles[i].path.remote);
		read_control(msg, &bundles[i]);
		/* Without a part of it, or of what is said about it. */
		if (msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
			io->counters.truncated++;
			bundles[i].len = 0;
		}
	}
	return n > 0 ? (size_t)n : 0;
}

/* --- sending --- */

static enum udp_family family_of(const struct wg_packet *packet)
{
	return packet->path->remote.addr.family == IP_V6 ? UDP_V6 : UDP_V4;
}

static void write_address(
	struct udp_envelope *env, const struct endpoint *ep, struct msghdr *msg)
{
	msg->msg_name = &env->addr;
	if (ep->addr.family == IP_V4) {
		env->addr.v4 = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(ep->port),
		};
		memcpy(&env->addr.v4.sin_addr, ep->addr.b, 4);
		msg->msg_namelen = sizeof(env->addr.v4);
	} else {
		env->addr.v6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6,
			.sin6_port = htons(ep->port),
			.sin6_scope_id = ep->scope_id,
		};
		memcpy(&env->addr.v6.sin6_addr, ep->addr.b, 16);
		msg->msg_namelen = sizeof(env->addr.v6);
	}
}

static void add_control(struct udp_envelope *env, size_t *at, int level,
	int type, const void *bytes, size_t len)
{
	struct cmsghdr c = {
		.cmsg_len = CMSG_LEN(len),
		.cmsg_level = level,
		.cmsg_type = type,
	};

	memcpy(env->control + *at, &c, sizeof(c));
	memcpy(env->control + *at + CMSG_LEN(0), bytes, len);
	*at += CMSG_SPACE(len);
}

/* The source is an address only: naming the interface too would send against
 * the routes. A link-local one has its interface in the scope id. */
static void add_source(
	struct udp_envelope *env, size_t *at, const struct ipaddr *local)
{
	if (local->family == IP_V4) {
		struct in_pktinfo info = { .ipi_ifindex = 0 };

		memcpy(&info.ipi_spec_dst, local->b, 4);
		add_control(
			env, at, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_ifindex = 0 };

		memcpy(&info.ipi6_addr, local->b, 16);
		add_control(env, at, IPPROTO_IPV6, IPV6_PKTINFO, &info,
			sizeof(info));
	}
}

static bool has_source(const struct wg_packet *packet)
{
	return packet->path->local.family != IP_NONE &&
		packet->path->local.family == packet->path->remote.addr.family;
}

/* --- messages: one datagram each, or a run of them with UDP_SEGMENT --- */

static bool same_way(const struct wg_packet *a, const struct wg_packet *b)
{
	return a->ds == b->ds &&
		(a->path == b->path ||
			(endpoint_equal(&a->path->remote, &b->path->remote) &&
				ipaddr_equal(
					&a->path->local, &b->path->local) &&
				a->path->ifindex == b->path->ifindex));
}

/* How many of COUNT packets can leave as one message. */
static size_t run_of(const struct udp_io *io, enum udp_family family,
	struct wg_packet *const *packets, size_t count)
{
	size_t max = family == UDP_V4 ? PAYLOAD_MAX_V4 : PAYLOAD_MAX_V6;
	size_t size = packets[0]->len, total = size, n = 1;

	if (!io->gso[family].on || size > io->gso[family].size_max)
		return 1;
	while (n < count && n < SEGMENTS_MAX && packets[n - 1]->len == size &&
		packets[n]->len <= size && total + packets[n]->len <= max &&
		same_way(packets[0], packets[n]))
		total += packets[n++]->len;
	return n;
}

/* Those that lie one behind the other are one piece. */
static size_t gather(
	struct iovec *iov, struct wg_packet *const *packets, size_t count)
{
	size_t pieces = 0;

	for (size_t i = 0; i < count; i++) {
		struct iovec *last = pieces ? &iov[pieces - 1] : NULL;

		if (last &&
			(uint8_t *)last->iov_base + last->iov_len ==
				packets[i]->data)
			last->iov_len += packets[i]->len;
		else
			iov[pieces++] = (struct iovec){ packets[i]->data,
				packets[i]->len };
	}
	return pieces;
}

enum with { WITH_SOURCE, WITHOUT_SOURCE };

/* Message I: COUNT packets that lie in iov from AT on. */
static void prepare(struct udp_io *io, size_t i, size_t at,
	struct wg_packet *const *packets, size_t count, enum with with)
{
	const struct wg_packet *packet = packets[0];
	struct udp_envelope *env = &io->envelopes[i];
	struct msghdr *msg = &io->messages[i].msg_hdr;
	size_t used = 0;

	memset(msg, 0, sizeof(*msg));
	write_address(env, &packet->path->remote, msg);
	msg->msg_iov = &io->iov[at];
	msg->msg_iovlen = gather(&io->iov[at], packets, count);
	if (with == WITH_SOURCE && has_source(packet) &&
		(!io->source || source_holds(io->source, packet->path)))
		add_source(env, &used, &packet->path->local);
	if (packet->ds != 0) {
		int ds = packet->ds;

		if (family_of(packet) == UDP_V4)
			add_control(env, &used, IPPROTO_IP, IP_TOS, &ds,
				sizeof(ds));
		else
			add_control(env, &used, IPPROTO_IPV6, IPV6_TCLASS, &ds,
				sizeof(ds));
	}
	if (count > 1) {
		uint16_t size = (uint16_t)packet->len;

		add_control(env, &used, IPPROTO_UDP, UDP_SEGMENT, &size,
			sizeof(size));
	}
	msg->msg_control = used > 0 ? env->control : NULL;
	msg->msg_controllen = used;
}

/* --- errors --- */

/* Errors that a source address may be the cause of. */
static bool source_may_be_wrong(int code)
{
	return code == EINVAL || code == EADDRNOTAVAIL || code == ENETUNREACH ||
		code == EHOSTUNREACH || code == ENODEV || code == ENXIO;
}

/* EIO: the way out cannot do checksums, or is IPsec. EINVAL, EMSGSIZE: longer
 * than the path's MTU: each alone may be fragmented. */
static bool segmentation_may_be_wrong(int code)
{
	return code == EIO || code == EINVAL || code == EMSGSIZE;
}

static bool send_now(const struct udp_io *io, int fd)
{
	return sendmsg(fd, &io->messages[0].msg_hdr, MSG_DONTWAIT) >= 0;
}

/* One message of COUNT packets failed with CODE. How many of them were dealt
 * with: all, unless the socket is full. Everything but that costs this message
 * only: a firewall's EPERM, ENOBUFS, no route, too long. */
static size_t send_failed(struct udp_io *io, int fd,
	struct wg_packet *const *packets, size_t count, int code)
{
	if (code == EAGAIN)
		return 0;
	if (has_source(packets[0]) && source_may_be_wrong(code)) {
		prepare(io, 0, 0, packets, count, WITHOUT_SOURCE);
		if (send_now(io, fd)) {
			io->counters.sourceless += count;
			return count;
		}
		if (errno == EAGAIN)
			return 0;
	}
	io->counters.refused += count;
	return count;
}

/* The same packets, one by one. */
static size_t send_singly(struct udp_io *io, int fd,
	struct wg_packet *const *packets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		prepare(io, 0, 0, packets + i, 1, WITH_SOURCE);
		if (!send_now(io, fd) &&
			send_failed(io, fd, packets + i, 1, errno) == 0)
			return i;
	}
	return count;
}

static size_t message_failed(struct udp_io *io, int fd, enum udp_family family,
	struct wg_packet *const *packets, size_t count, int code)
{
	struct udp_gso *gso = &io->gso[family];

	if (count == 1 || !segmentation_may_be_wrong(code))
		return send_failed(io, fd, packets, count, code);
	if (code == EIO)
		gso->on = false;
	else
		gso->size_max = packets[0]->len - 1;
	gso->retry_after = GSO_RETRY_AFTER;
	io->counters.unsegmented++;
	return send_singly(io, fd, packets, count);
}

/* --- runs of one family --- */

/* Prepares messages for COUNT packets; how many. RET_COUNTS: packets in each. */
static size_t prepare_all(struct udp_io *io, enum udp_family family,
	struct wg_packet *const *packets, size_t count, uint8_t *ret_counts)
{
	struct udp_gso *gso = &io->gso[family];
	size_t messages = 0;

	if (gso->size_max != SIZE_MAX && gso->retry_after-- == 0)
		gso->size_max = SIZE_MAX;
	for (size_t at = 0; at < count;) {
		size_t n = run_of(io, family, packets + at, count - at);

		prepare(io, messages, at, packets + at, n, WITH_SOURCE);
		ret_counts[messages++] = (uint8_t)n;
		at += n;
	}
	return messages;
}

/* COUNT packets of one family; how many were dealt with. */
static size_t send_run(struct udp_io *io, int fd, enum udp_family family,
	struct wg_packet *const *packets, size_t count)
{
	uint8_t counts[WG_BATCH_MAX];
	size_t done = 0;

	while (done < count) {
		size_t messages = prepare_all(
			io, family, packets + done, count - done, counts);
		int n = sendmmsg(
			fd, io->messages, (unsigned int)messages, MSG_DONTWAIT);
		int code = errno;
		size_t dealt;

		for (int i = 0; i < n; i++)
			done += counts[i];
		/* An error after the first message is told by the next call. */
		if (n > 0)
			continue;
		dealt = message_failed(io, fd, family, packets + done,
			counts[0], n < 0 ? code : EAGAIN);
		done += dealt;
		if (dealt < counts[0])
			break;
	}
	return done;
}

size_t udp_send(struct udp_io *io, const struct udp_sockets *sockets,
	struct wg_packet *const *packets, size_t count,
	enum udp_family *ret_blocked)
{
	size_t done = 0;

	while (done < count) {
		enum udp_family family = family_of(packets[done]);
		int fd = sockets->fd[family];
		size_t run = 1, sent;

		while (done + run < count && run < WG_BATCH_MAX &&
			family_of(packets[done + run]) == family)
			run++;
		if (fd < 0) {
			io->counters.refused += run;
			done += run;
			continue;
		}
		sent = send_run(io, fd, family, packets + done, run);
		done += sent;
		if (sent < run) {
			*ret_blocked = family;
			break;
		}
	}
	return done;
}
