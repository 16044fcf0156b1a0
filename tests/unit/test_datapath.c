/*
 * datapath: two engines without interfaces: a datagram socketpair stands for
 * each TUN, the sockets are real ones on the loopback interface.
 */
#include "config.h"
#include "rows.h"
#include "engine/linux/datapath.h"
#include "os/clock.h"

#include <sodium.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"

#define BUFFER (256 * 1024)

static uint8_t got[65536]; /* what a host received last */

struct node {
	struct datapath path;
	struct tun tun;
	struct udp_io udp;
	struct socket_group group;
	struct wg_device *dev;
	struct seckey key;
	int host; /* the host's end of the "interface" */
	unsigned int sessions;
};

struct pair {
	struct node a, b; /* 10.0.0.1, 10.0.0.2 */
	struct now now;
};

static void fill_random(void *arg, uint8_t *bytes, size_t len)
{
	randombytes_buf(bytes, len);
}

static void on_event(void *arg, struct wg_peer *peer, enum wg_event event,
	const struct now *now)
{
	struct node *node = arg;

	if (event == WG_EVENT_SESSION)
		node->sessions++;
	/* What an owner may do: configure, and flush, from inside. */
	wg_peer_set_keepalive(node->dev, now, peer, 25);
	(void)datapath_drain(&node->path, now);
}

static void node_begin(struct node *node, const struct now *now)
{
	const struct wg_rng rng = { .fill = fill_random };
	struct err err = { .msg = "" };
	int fds[2], size = BUFFER;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF,
					 &size, sizeof(size)),
			0);
	node->tun = TUN_INIT;
	node->tun.fd = fds[0];
	node->host = fds[1];
	udp_init(&node->udp, 0);
	assert_int_equal(
		socket_group_open(&node->group, 1, 0, 0, false, &err), 0);
	node->dev = wg_device_new(&rng, now);
	assert_non_null(node->dev);
	seckey_generate(&node->key);
	wg_device_set_seckey(node->dev, now, &node->key);
	wg_device_set_mtu(node->dev, TUN_MTU_MAX);
	node->path.dev = node->dev;
	node->path.tun = &node->tun;
	node->path.udp = &node->udp;
	node->path.sockets = &node->group.members[0];
	node->path.worker = wg_device_own_worker(node->dev);
	node->path.on_event = on_event;
	node->path.arg = node;
	assert_int_equal(datapath_init(&node->path, DATAPATH_BUDGET, now), 0);
}

static void node_end(struct node *node)
{
	datapath_release(&node->path);
	wg_device_free(node->dev);
	socket_group_close(&node->group);
	tun_release(&node->tun);
	close(node->host);
}

static struct wg_peer *add_peer(struct pair *p, struct node *node,
	const struct node *other, const char *allowed)
{
	struct pubkey key = seckey_public(&other->key);
	struct wg_peer *peer;
	struct ipnet net;

	assert_int_equal(
		wg_device_add_peer(node->dev, &p->now, &key, &peer), 0);
	assert_true(ipnet_parse(allowed, &net));
	assert_int_equal(wg_device_add_allowedip(node->dev, peer, &net), 0);
	return peer;
}

static void set_endpoint(
	struct pair *p, struct node *node, const struct node *other)
{
	struct endpoint ep = { .port = other->group.port };

	assert_true(ipaddr_parse("127.0.0.1", &ep.addr));
	wg_peer_set_endpoint(
		node->dev, &p->now, wg_device_next_peer(node->dev, NULL), &ep);
}

static int pair_begin(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->now = clock_now();
	node_begin(&p->a, &p->now);
	node_begin(&p->b, &p->now);
	(void)add_peer(p, &p->a, &p->b, "10.0.0.2/32");
	(void)add_peer(p, &p->b, &p->a, "10.0.0.1/32");
	*state = p;
	return 0;
}

static int pair_end(void **state)
{
	struct pair *p = *state;

	node_end(&p->a);
	node_end(&p->b);
	free(p);
	return 0;
}

/* What the loop would do, until a few rounds moved nothing (the loopback
 * interface delivers at once). */
static void run(struct pair *p)
{
	struct node *nodes[] = { &p->a, &p->b };

	for (int round = 0; round < 16; round++) {
		struct node *node = nodes[round % 2];

		assert_int_not_equal(
			datapath_outward(&node->path, &p->now), DATAPATH_GONE);
		for (size_t i = 0; i < UDP_FAMILIES; i++)
			if (node->group.members[0].fd[i] >= 0)
				assert_int_equal(
					datapath_inward(&node->path,
						(enum udp_family)i, &p->now),
					DATAPATH_OPEN);
		while (wg_device_work(node->dev, &p->now, 1))
			;
		assert_int_equal(
			datapath_drain(&node->path, &p->now), DATAPATH_OPEN);
	}
}

/* An IPv4 packet of LEN bytes from 10.0.0.1 to 10.0.0.DST. */
static void make_packet(
	struct random *random, uint8_t *ret, size_t len, uint8_t dst)
{
	for (size_t i = 20; i < len; i++)
		ret[i] = (uint8_t)random_next(random);
	memset(ret, 0, 20);
	ret[0] = 0x45;
	ret[2] = (uint8_t)(len >> 8);
	ret[3] = (uint8_t)len;
	ret[8] = 64;
	ret[9] = 17;
	memcpy(ret + 12, "\x0a\0\0\x01\x0a\0\0", 7);
	ret[19] = dst;
}

static void host_send(struct node *node, const uint8_t *packet, size_t len)
{
	assert_int_equal(write(node->host, packet, len), len);
}

/* 0: nothing came. */
static size_t host_receive(struct node *node)
{
	ssize_t n = read(node->host, got, sizeof(got));

	if (n < 0)
		assert_int_equal(errno, EAGAIN);
	return n < 0 ? 0 : (size_t)n;
}

static void check_arrives(struct pair *p, const uint8_t *packet, size_t len)
{
	run(p);
	assert_int_equal(host_receive(&p->b), len);
	assert_memory_equal(got, packet, len);
	assert_int_equal(host_receive(&p->b), 0);
}

/* The very first packet brings the session up and is not lost. */
static void test_first_packet(void **state)
{
	struct pair *p = *state;
	struct random random = random_start();
	uint8_t packet[100];

	set_endpoint(p, &p->a, &p->b);
	make_packet(&random, packet, sizeof(packet), 2);
	host_send(&p->a, packet, sizeof(packet));
	check_arrives(p, packet, sizeof(packet));
	assert_int_equal(p->a.sessions, 1);
	assert_int_equal(p->b.sessions, 1);
	assert_int_equal(host_receive(&p->a), 0);
}

/* Full batches of every size, in order; both headroom and tailroom hold. */
static void test_sizes(void **state)
{
	struct pair *p = *state;
	struct random random = random_start();
	static uint8_t packets[60][9000];
	size_t len[60];

	set_endpoint(p, &p->a, &p->b);
	for (size_t round = 0; round < 20; round++) {
		size_t max = round % 2 ? 9000 : 1420,
		       count = round % 2 ? 10 : 60;

		for (size_t i = 0; i < count; i++) {
			len[i] = 20 + random_below(&random, max - 19);
			make_packet(&random, packets[i], len[i], 2);
			host_send(&p->a, packets[i], len[i]);
		}
		run(p);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(host_receive(&p->b), len[i]);
			assert_memory_equal(got, packets[i], len[i]);
		}
	}
}

/* The largest that fits a datagram (65507 - 32, whole blocks), and a packet
 * that cannot: it is dropped, and nothing else happens. */
static void test_huge(void **state)
{
	struct pair *p = *state;
	struct random random = random_start();
	static uint8_t packet[65535];
	size_t fits = (65507 - 32) / 16 * 16;

	set_endpoint(p, &p->a, &p->b);
	make_packet(&random, packet, fits, 2);
	host_send(&p->a, packet, fits);
	check_arrives(p, packet, fits);
	make_packet(&random, packet, sizeof(packet), 2);
	host_send(&p->a, packet, sizeof(packet));
	run(p);
	assert_int_equal(host_receive(&p->b), 0);
	make_packet(&random, packet, 1000, 2);
	host_send(&p->a, packet, 1000);
	check_arrives(p, packet, 1000);
}

static void test_nobody_there(void **state)
{
	struct pair *p = *state;
	struct random random = random_start();
	uint8_t packet[100];

	set_endpoint(p, &p->a, &p->b);
	make_packet(&random, packet, sizeof(packet), 3);
	host_send(&p->a, packet, sizeof(packet));
	run(p);
	assert_int_equal(host_receive(&p->a), 128);
	assert_int_equal(got[20], 3);
	assert_memory_equal(got + 28, packet, sizeof(packet));
	assert_int_equal(host_receive(&p->b), 0);
}

/* Told, and kept: it leaves as soon as it is known whereto. */
static void test_no_endpoint_yet(void **state)
{
	struct pair *p = *state;
	struct random random = random_start();
	uint8_t packet[100];

	make_packet(&random, packet, sizeof(packet), 2);
	host_send(&p->a, packet, sizeof(packet));
	run(p);
	assert_int_equal(host_receive(&p->a), 128);
	assert_int_equal(got[20], 3);
	assert_int_equal(host_receive(&p->b), 0);
	set_endpoint(p, &p->a, &p->b);
	(void)datapath_drain(&p->a.path, &p->now);
	check_arrives(p, packet, sizeof(packet));
}

/* More unreachable packets than the limiter lets us answer. */
static void test_unreachable_flood(void **state)
{
	struct pair *p = *state;
	struct random random = random_start();
	uint8_t packet[40];
	size_t answers = 0;

	make_packet(&random, packet, sizeof(packet), 3);
	for (size_t i = 0; i < 3 * ICMP_BURST; i++) {
		host_send(&p->a, packet, sizeof(packet));
		assert_int_equal(
			datapath_outward(&p->a.path, &p->now), DATAPATH_OPEN);
		while (host_receive(&p->a) > 0)
			answers++;
	}
	assert_int_equal(answers, ICMP_BURST);
}

/* Bytes that are no IP packet, from the host or from anybody outside. */
static void test_rubbish(void **state)
{
	struct pair *p = *state;
	struct random random = random_start();
	uint8_t bytes[1500];
	struct wg_path path = { .ifindex = 0 };
	struct wg_packet packet = { .data = bytes, .path = &path };
	struct wg_packet *const list[] = { &packet };
	enum udp_family blocked;
	static struct udp_io stranger;
	struct socket_group group;

	udp_init(&stranger, 0);
	assert_int_equal(socket_group_open(&group, 1, 0, 0, false, NULL), 0);
	assert_true(ipaddr_parse("127.0.0.1", &path.remote.addr));
	path.remote.port = p->a.group.port;
	for (int i = 0; i < 500; i++) {
		packet.len = random_below(&random, sizeof(bytes));
		for (size_t k = 0; k < packet.len; k++)
			bytes[k] = (uint8_t)random_next(&random);
		if (packet.len >= 4 && i % 2) /* one of the message types */
			memcpy(bytes, (uint8_t[4]){ (uint8_t)(i % 5) }, 4);
		assert_int_equal(udp_send(&stranger, &group.members[0], list, 1,
					 &blocked),
			1);
		bytes[0] &= 0x3f; /* never IPv4 or IPv6 */
		if (packet.len > 0)
			host_send(&p->a, bytes, packet.len);
		run(p);
		assert_int_equal(host_receive(&p->a), 0);
		assert_int_equal(host_receive(&p->b), 0);
	}
	socket_group_close(&group);
	test_first_packet(state);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, pair_begin, pair_end)
	const struct CMUnitTest tests[] = {
		T(test_first_packet),
		T(test_sizes),
		T(test_huge),
		T(test_nobody_there),
		T(test_no_endpoint_yet),
		T(test_unreachable_flood),
		T(test_rubbish),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("datapath", tests, NULL, NULL);
}
