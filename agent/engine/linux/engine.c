/*
 * engine: the loop's side of a device: which fd wakes whom, when the timer
 * fires, and what the interface's ups and downs mean for the sockets.
 *
 *   link        sockets
 *   down        closed, or open since engine_set_listen_port(); what the core
 *               wants to send, and its timers, wait until it is up
 *   down -> up  opened on the port they had
 *   up -> down  closed
 *   elsewhere   left as they are: in another namespace we cannot look; a
 *               packet read from the TUN proves that it is up there
 *
 * Control reads its own pair of sockets (handshakes) and never the TUN. A
 * wake-up takes what workers have posted, some handshakes, and sends what came
 * of it; then it lets go of what it took from the workers' view. See engine.h.
 */
#include "config.h"

#include "engine/linux/engine.h"

#include "engine/linux/crew.h"
#include "engine/linux/datapath.h"
#include "engine/linux/source.h"
#include "os/fd.h"
#include "os/netlink.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/banned.h"

/* A handshake costs up to five X25519, 200 us: whoever talks to the UAPI waits
 * for these at most. Data does not wait for any. */
#define HANDSHAKES_PER_WAKEUP 16
_Static_assert(HANDSHAKES_PER_WAKEUP <= WG_WORK_MAX, "what a turn may replace");
/* Control takes in far more than it works off: the core's queue must see a flood
 * to know it for one (at 512, of 2048), and not the socket's buffer, which drops
 * friend and foe. */
#define CONTROL_TURNS (1024 / DATAPATH_BUNDLES)

struct engine_socket {
	struct engine *engine;
	enum udp_family family;
	struct loop_source *source; /* NULL: closed */
};

struct engine {
	struct loop *loop;
	struct wg_device *dev;
	struct tun tun;
	struct socket_group group;
	struct udp_sockets sockets; /* control's of the group */
	struct udp_io udp;
	struct source source;
	struct datapath path;
	struct crew *crew;
	struct engine_options options;
	uint64_t bad_checksum; /* told */

	struct loop_source *posted_source, *news_source;
	struct engine_socket sockets_watched[UDP_FAMILIES];
	struct loop_timer *timer;
	int news_fd;

	uint16_t port; /* to come back to; 0: any */
	uint32_t fwmark;
	bool up, elsewhere, gone;
	bool handshakes_wait;
};

static void on_socket(void *arg, uint32_t events, const struct now *now);
static void look_at_link(struct engine *engine, const struct now *now);

/* --- state of the data path, told to the loop --- */

static void set_blocked(struct engine *engine, bool blocked)
{
	for (size_t i = 0; i < UDP_FAMILIES; i++) {
		struct engine_socket *s = &engine->sockets_watched[i];
		bool full = blocked && s->family == engine->path.blocked_on;

		if (s->source)
			loop_source_set_events(
				s->source, full ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
}

static void forget_sources(struct engine *engine)
{
	loop_source_remove(TAKE(engine->posted_source));
	loop_source_remove(TAKE(engine->news_source));
	for (size_t i = 0; i < UDP_FAMILIES; i++)
		loop_source_remove(TAKE(engine->sockets_watched[i].source));
	loop_timer_remove(TAKE(engine->timer));
}

/* Workers let go of it first. */
static void close_group(struct engine *engine)
{
	if (engine->group.count > 0)
		crew_use_sockets(engine->crew, NULL);
	engine->sockets = (struct udp_sockets){ { -1, -1 } };
	socket_group_close(&engine->group);
}

static void set_gone(struct engine *engine)
{
	if (engine->gone)
		return;
	engine->gone = true;
	forget_sources(engine);
	close_group(engine);
	if (engine->options.on_gone)
		engine->options.on_gone(engine->options.arg);
}

static void set_state(struct engine *engine, enum datapath_state state)
{
	if (engine->gone)
		return;
	switch (state) {
	case DATAPATH_OPEN:
		set_blocked(engine, false);
		break;
	case DATAPATH_BLOCKED:
		set_blocked(engine, true);
		break;
	case DATAPATH_GONE:
		set_gone(engine);
		break;
	}
}

static void arm_timer(struct engine *engine, const struct now *now)
{
	struct mono deadline = wg_device_deadline(engine->dev);

	/* What waits for a full socket: its EPOLLOUT wakes us, not the clock,
	 * which would do so again and again. */
	if (datapath_is_blocked(&engine->path) &&
		mono_reached(deadline, now->mono))
		deadline = MONO_NEVER;
	/* Just after now: the next wake-up, after others had their turn. */
	if (engine->handshakes_wait)
		deadline = mono_min(deadline, mono_add(now->mono, 1));
	loop_timer_set(engine->timer, deadline);
}

/* Known to be down: elsewhere we cannot tell. */
static bool is_down(const struct engine *engine)
{
	return !engine->up && !engine->elsewhere;
}

/* What control took from the workers' view goes when they have looked away:
 * at most the time of a turn of theirs. */
static void let_go(struct engine *engine, const struct now *now)
{
	if (!wg_device_has_retired(engine->dev))
		return;
	crew_wait();
	wg_device_reclaim(engine->dev, now);
}

void engine_flush(struct engine *engine, const struct now *now)
{
	if (engine->gone)
		return;
	if (is_down(engine)) /* the news that it came up may be on its way */
		look_at_link(engine, now);
	if (engine->gone)
		return;
	/* An initiation that nobody sends would count as tried, and the next
	 * one wait for REKEY_TIMEOUT. */
	if (is_down(engine)) {
		loop_timer_set(engine->timer, MONO_NEVER);
		return;
	}
	set_state(engine, datapath_drain(&engine->path, now));
	if (!engine->gone)
		arm_timer(engine, now);
	let_go(engine, now);
}

/* The end of each of our callbacks. */
static void settle(struct engine *engine, const struct now *now)
{
	engine->handshakes_wait =
		wg_device_work(engine->dev, now, HANDSHAKES_PER_WAKEUP);
	engine_flush(engine, now);
}

/* --- sockets --- */

/* Tells the loop that sockets were opened or closed. Those that closed have
 * left its epoll set by themselves, and their numbers are not in use again. */
static int watch_sockets(struct engine *engine, struct err *err)
{
	for (size_t i = 0; i < UDP_FAMILIES; i++) {
		struct engine_socket *s = &engine->sockets_watched[i];

		loop_source_remove(TAKE(s->source));
		if (engine->sockets.fd[i] < 0)
			continue;
		s->source = loop_add_fd(engine->loop, engine->sockets.fd[i],
			EPOLLIN, on_socket, s, err);
		if (!s->source)
			return -ENOMEM;
	}
	return 0;
}

static void close_sockets(struct engine *engine)
{
	close_group(engine);
	(void)watch_sockets(engine, NULL);
}

static int open_sockets(struct engine *engine, uint16_t port, struct err *err)
{
	struct socket_group group;
	int r = socket_group_open(&group, 1 + engine->options.workers, port,
		engine->fwmark, engine->options.offloads & ENGINE_GRO, err);

	if (r < 0)
		return r;
	close_group(engine);
	engine->group = group;
	engine->port = group.port;
	engine->sockets = group.members[0];
	crew_use_sockets(engine->crew, &engine->group);
	r = watch_sockets(engine, err);
	if (r < 0)
		close_sockets(engine);
	return r;
}

int engine_set_listen_port(
	struct engine *engine, uint16_t port, struct err *err)
{
	if (engine->gone)
		return err_set(err, -ENODEV, "the interface is gone");
	if (port != 0 && port == engine->group.port)
		return 0;
	return open_sockets(engine, port, err);
}

uint16_t engine_listen_port(const struct engine *engine)
{
	return engine->port;
}

/* Where the sticky sources are concerned. */
static void forget_routes(struct engine *engine)
{
	source_forget(&engine->source, engine->fwmark);
	crew_forget_sources(engine->crew, engine->fwmark);
}

int engine_set_fwmark(struct engine *engine, uint32_t fwmark, struct err *err)
{
	int r = socket_group_set_fwmark(&engine->group, fwmark, err);

	if (r < 0) /* no capability: the first socket said so already */
		return r;
	engine->fwmark = fwmark;
	forget_routes(engine);
	return 0;
}

uint32_t engine_fwmark(const struct engine *engine)
{
	return engine->fwmark;
}

/* --- the interface --- */

static void tell_trouble(struct engine *engine, const struct err *err)
{
	if (engine->options.on_trouble)
		engine->options.on_trouble(engine->options.arg, err);
}

/* Peers that keep alive say at once that we are here, as the kernel does. */
static void greet_peers(struct engine *engine, const struct now *now)
{
	struct wg_peer *peer = NULL;

	while ((peer = wg_device_next_peer(engine->dev, peer)) != NULL) {
		struct wg_peer_info info;

		wg_peer_get_info(peer, now, &info);
		if (info.keepalive_sec != 0)
			wg_peer_send_keepalive(engine->dev, now, peer);
		sodium_memzero(&info.psk, sizeof(info.psk));
	}
}

static void set_up(struct engine *engine, bool up, const struct now *now)
{
	struct err err = { .msg = "" };

	if (up == engine->up)
		return;
	engine->up = up;
	if (!up) {
		wg_device_down(engine->dev); /* no key outlives the link */
		close_sockets(engine);
	} else if (engine->group.port == 0 &&
		open_sockets(engine, engine->port, &err) < 0) {
		tell_trouble(engine, &err);
	} else {
		greet_peers(engine, now);
	}
}

static void look_at_link(struct engine *engine, const struct now *now)
{
	struct tun_link link;
	int r = tun_get_link(&engine->tun, &link);

	if (r == -EBADFD) {
		set_gone(engine);
		return;
	}
	engine->elsewhere = r < 0;
	if (engine->elsewhere)
		return;
	wg_device_set_mtu(engine->dev, link.mtu);
	set_up(engine, link.up, now);
}

/* --- callbacks of the loop --- */

static void on_news(void *arg, uint32_t events, const struct now *now)
{
	struct engine *engine = arg;
	unsigned int news = 0;

	if (netlink_monitor_drain(engine->news_fd, &news, NULL) < 0)
		news = NETLINK_NEWS_LOST;
	if (news != 0)
		forget_routes(engine);
	if (news & (NETLINK_NEWS_LINK | NETLINK_NEWS_LOST))
		look_at_link(engine, now);
	engine_flush(engine, now);
}

static void tell_checksums(struct engine *engine, uint64_t bad)
{
	struct err err = { .msg = "" };

	if (bad == engine->bad_checksum)
		return;
	(void)err_set(&err, -EBADMSG,
		"authentic packets with a wrong checksum inside: %" PRIu64,
		bad - engine->bad_checksum);
	engine->bad_checksum = bad;
	tell_trouble(engine, &err);
}

static void on_posted(void *arg, uint32_t events, const struct now *now)
{
	struct engine *engine = arg;
	struct crew_news news = crew_take_news(engine->crew);

	if (news.gone) {
		set_gone(engine);
		return;
	}
	tell_checksums(engine, news.bad_checksum);
	if (engine->elsewhere && engine->group.port == 0)
		(void)open_sockets(engine, engine->port, NULL);
	settle(engine, now);
}

static void on_socket(void *arg, uint32_t events, const struct now *now)
{
	struct engine_socket *s = arg;
	struct engine *engine = s->engine;
	enum datapath_state state;

	state = datapath_inward(&engine->path, s->family, now);
	if (state == DATAPATH_GONE)
		set_gone(engine);
	else
		settle(engine, now); /* sends what was held back, too */
}

static void on_timer(void *arg, const struct now *now)
{
	struct engine *engine = arg;

	wg_device_tick(engine->dev, now);
	settle(engine, now);
}

/* --- life --- */

static void fill_random(void *arg, uint8_t *bytes, size_t len)
{
	randombytes_buf(bytes, len);
}

static int open_tun(struct engine *engine, const struct engine_options *options,
	struct err *err)
{
	bool adopted = options->tun_fd >= 0;
	unsigned int wanted = (options->offloads & ENGINE_TSO ? TUN_TSO : 0) |
		(options->offloads & ENGINE_USO ? TUN_USO : 0);
	uint32_t mtu = options->mtu;
	int r;

	if (mtu > TUN_MTU_MAX) {
		int fd = options->tun_fd;

		fd_close(&fd);
		return err_set(err, -EINVAL, "an MTU of %u is over %d", mtu,
			TUN_MTU_MAX);
	}
	r = adopted ? tun_adopt(&engine->tun, options->tun_fd, wanted, err)
		    : tun_create(&engine->tun, options->ifname, wanted,
			      engine->options.workers, err);
	if (r < 0)
		return r;
	if (!adopted)
		tun_set_queue_len(&engine->tun, TUN_QUEUE_LEN);
	else if (!engine->tun.multi_queue)
		engine->options.workers = 1;
	if (mtu == 0 && !adopted)
		mtu = ENGINE_DEFAULT_MTU;
	return mtu == 0 ? 0 : tun_set_mtu(&engine->tun, mtu, err);
}

static int join_device(struct engine *engine, const struct now *now)
{
	const struct wg_rng rng = { .fill = fill_random };

	engine->dev = wg_device_new(&rng, now);
	if (!engine->dev)
		return -ENOMEM;
	engine->path.dev = engine->dev;
	engine->path.worker = wg_device_own_worker(engine->dev);
	engine->path.tun = &engine->tun;
	engine->path.udp = &engine->udp;
	engine->path.sockets = &engine->sockets;
	engine->path.verify = engine->options.verify;
	engine->path.on_event = engine->options.on_event;
	engine->path.arg = engine->options.arg;
	return datapath_init(&engine->path, CONTROL_TURNS, now);
}

static unsigned int udp_offloads(const struct engine *engine)
{
	return engine->options.offloads & ENGINE_GSO ? UDP_GSO : 0;
}

static int join_crew(struct engine *engine, struct err *err)
{
	const struct crew_options options = {
		.dev = engine->dev,
		.tun = &engine->tun,
		.workers = engine->options.workers,
		.udp_offloads = udp_offloads(engine),
		.nice = engine->options.nice,
		.verify = engine->options.verify,
	};

	return crew_start(&options, &engine->crew, err);
}

static int join_loop(struct engine *engine, struct err *err)
{
	int r = netlink_monitor_open(&engine->news_fd, err);

	if (r == 0)
		r = source_init(&engine->source, err);
	if (r < 0)
		return r;
	engine->udp.source = &engine->source;
	engine->timer = loop_add_timer(engine->loop, on_timer, engine);
	if (!engine->timer)
		return -ENOMEM;
	engine->news_source = loop_add_fd(
		engine->loop, engine->news_fd, EPOLLIN, on_news, engine, err);
	engine->posted_source = loop_add_fd(engine->loop,
		crew_posted_fd(engine->crew), EPOLLIN, on_posted, engine, err);
	return engine->news_source && engine->posted_source ? 0 : -ENOMEM;
}

static struct engine *engine_alloc(
	struct loop *loop, const struct engine_options *options)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	engine->loop = loop;
	engine->options = *options;
	if (engine->options.workers == 0)
		engine->options.workers = 1;
	engine->tun = TUN_INIT;
	engine->news_fd = -1;
	engine->sockets = (struct udp_sockets){ { -1, -1 } };
	udp_init(&engine->udp, udp_offloads(engine));
	for (size_t i = 0; i < UDP_FAMILIES; i++) {
		engine->sockets_watched[i].engine = engine;
		engine->sockets_watched[i].family = (enum udp_family)i;
	}
	return engine;
}

int engine_new(struct loop *loop, const struct engine_options *options,
	struct engine **ret_engine, struct err *err)
{
	AUTO(engine_free) struct engine *engine = engine_alloc(loop, options);
	const struct now *now = loop_now(loop);
	int r;

	if (!engine)
		return err_set(err, -ENOMEM, "out of memory");
	r = open_tun(engine, options, err);
	if (r < 0)
		return r;
	r = join_device(engine, now);
	if (r < 0)
		return err_set(err, r, "out of memory");
	r = join_crew(engine, err);
	if (r == 0)
		r = join_loop(engine, err);
	if (r < 0)
		return r;
	look_at_link(engine, now);
	arm_timer(engine, now);
	*ret_engine = TAKE(engine);
	return 0;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	forget_sources(engine);
	fd_close(&engine->news_fd);
	crew_stop(engine->crew);
	socket_group_close(&engine->group);
	source_release(&engine->source);
	tun_release(&engine->tun);
	datapath_release(&engine->path);
	wg_device_free(engine->dev);
	free(engine);
}

struct wg_device *engine_device(struct engine *engine)
{
	return engine->dev;
}

const char *engine_ifname(const struct engine *engine)
{
	return engine->tun.ifname;
}

uint32_t engine_ifindex(const struct engine *engine)
{
	return engine->tun.ifindex;
}
