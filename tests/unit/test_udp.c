/*
 * udp: two pairs of sockets on the loopback interface: order, addresses, DS
 * field, sticky source, and that one bad datagram costs only itself.
 */
#include "config.h"
#include "rows.h"
#include "engine/linux/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"

#define SLOT 2048

struct pair {
	struct udp from, to;
	uint8_t memory[WG_BATCH_MAX][SLOT];
	struct wg_packet out[WG_BATCH_MAX], in[WG_BATCH_MAX];
	struct wg_path out_paths[WG_BATCH_MAX], in_paths[WG_BATCH_MAX];
	struct wg_packet *list[WG_BATCH_MAX];
	uint8_t bytes[WG_BATCH_MAX][SLOT];
};

static int pair_begin(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct err err = { .msg = "" };

	assert_non_null(p);
	udp_init(&p->from);
	udp_init(&p->to);
	assert_int_equal(udp_open(&p->from, 0, 0, &err), 0);
	assert_int_equal(udp_open(&p->to, 0, 0, &err), 0);
	for (size_t i = 0; i < WG_BATCH_MAX; i++) {
		p->list[i] = &p->out[i];
		p->out[i].data = p->bytes[i];
	}
	*state = p;
	return 0;
}

static int pair_end(void **state)
{
	struct pair *p = *state;

	udp_close(&p->from);
	udp_close(&p->to);
	free(p);
	return 0;
}

static struct ipaddr addr(const char *text)
{
	struct ipaddr a = { .family = IP_NONE };

	if (text)
		assert_true(ipaddr_parse(text, &a));
	return a;
}

/* Packet I of the batch: LEN bytes that tell which it is. */
static void put(struct pair *p, size_t i, const char *to, const char *source,
	size_t len, uint8_t ds)
{
	struct wg_packet *packet = &p->out[i];

	memset(packet->data, (int)i + 1, len);
	packet->len = len;
	packet->ds = ds;
	packet->path = &p->out_paths[i];
	p->out_paths[i] = (struct wg_path){
		.remote = { .addr = addr(to), .port = p->to.port },
		.local = addr(source),
	};
}

static size_t get(struct pair *p, enum udp_family family, size_t cap)
{
	struct pollfd wait = { .fd = p->to.fd[family], .events = POLLIN };

	for (size_t i = 0; i < WG_BATCH_MAX; i++) {
		p->in[i] = (struct wg_packet){ .data = p->memory[i] };
		memset(&p->in_paths[i], 0xee, sizeof(p->in_paths[i]));
	}
	if (poll(&wait, 1, 2000) <= 0)
		return 0;
	return udp_receive(
		&p->to, family, p->in, p->in_paths, WG_BATCH_MAX, cap);
}

static bool has_v6(const struct pair *p)
{
	struct ipaddr loopback = addr("::1");
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	bool can;

	memcpy(&sa.sin6_addr, loopback.b, 16);
	can = fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
	if (fd >= 0)
		close(fd);
	return can && p->from.fd[UDP_V6] >= 0;
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_in6 sa;
	socklen_t len = sizeof(sa);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	return ntohs(sa.sin6_port); /* at the same place in both families */
}

static void test_one_port(void **state)
{
	struct pair *p = *state;

	assert_int_not_equal(p->to.port, 0);
	for (size_t i = 0; i < UDP_FAMILIES; i++)
		if (p->to.fd[i] >= 0)
			assert_int_equal(bound_port(p->to.fd[i]), p->to.port);
}

static void test_port_in_use(void **state)
{
	struct pair *p = *state;
	struct err err = { .msg = "" };
	int before = p->from.fd[UDP_V4];
	uint16_t port = p->from.port;

	assert_int_equal(udp_open(&p->from, p->to.port, 0, &err), -EADDRINUSE);
	assert_non_null(strstr(err.msg, "port"));
	assert_int_equal(p->from.fd[UDP_V4], before);
	assert_int_equal(p->from.port, port);
	assert_int_equal(bound_port(before), port);
}

static void check_batch(struct pair *p, const char *to, enum udp_family family)
{
	static const uint8_t ds[] = { 0, 1, 2, 3, 0x88, 0xb8 };
	enum udp_family blocked;
	size_t n;

	for (size_t i = 0; i < WG_BATCH_MAX; i++)
		put(p, i, to, NULL, 32 + i * 20, ds[i % ARRAY_SIZE(ds)]);
	assert_int_equal(udp_send(&p->from, p->list, WG_BATCH_MAX, &blocked),
		WG_BATCH_MAX);
	n = get(p, family, SLOT);
	assert_int_equal(n, WG_BATCH_MAX);
	for (size_t i = 0; i < n; i++) {
		struct ipaddr want = addr(to);

		assert_int_equal(p->in[i].len, p->out[i].len);
		assert_memory_equal(
			p->in[i].data, p->out[i].data, p->in[i].len);
		assert_int_equal(p->in[i].ds, p->out[i].ds);
		assert_int_equal(p->in[i].path->remote.port, p->from.port);
		assert_true(ipaddr_equal(&p->in[i].path->remote.addr, &want));
		assert_true(ipaddr_equal(&p->in[i].path->local, &want));
		assert_int_not_equal(p->in[i].path->ifindex, 0);
	}
}

static void test_batch(void **state)
{
	check_batch(*state, "127.0.0.1", UDP_V4);
	if (has_v6(*state))
		check_batch(*state, "::1", UDP_V6);
}

/* Both families in one batch, changing with every packet. */
static void test_mixed(void **state)
{
	struct pair *p = *state;
	enum udp_family blocked;

	if (!has_v6(p))
		skip();
	for (size_t i = 0; i < 10; i++)
		put(p, i, i % 2 ? "::1" : "127.0.0.1", NULL, 40, 0);
	assert_int_equal(udp_send(&p->from, p->list, 10, &blocked), 10);
	for (size_t family = 0; family < UDP_FAMILIES; family++) {
		assert_int_equal(get(p, (enum udp_family)family, SLOT), 5);
		for (size_t i = 0; i < 5; i++)
			assert_int_equal(p->in[i].data[0], i * 2 + family + 1);
	}
}

/* 127.0.0.9 is as much ours as 127.0.0.1: an answer can come from it. */
static void test_sticky_source(void **state)
{
	struct pair *p = *state;
	struct ipaddr source = addr("127.0.0.9"), to = addr("127.0.0.5");
	enum udp_family blocked;

	put(p, 0, "127.0.0.5", "127.0.0.9", 50, 2);
	assert_int_equal(udp_send(&p->from, p->list, 1, &blocked), 1);
	assert_int_equal(get(p, UDP_V4, SLOT), 1);
	assert_true(ipaddr_equal(&p->in[0].path->remote.addr, &source));
	assert_true(ipaddr_equal(&p->in[0].path->local, &to));
	assert_int_equal(p->in[0].ds, 2);
	assert_int_equal(p->from.counters.sourceless, 0);
}

static const struct row {
	const char *to, *source;
	size_t len;
	uint64_t refused, sourceless;
	bool arrives;
	int line;
} bad_rows[] = {
	/* an address we do not have (any more), RFC 5737 */
	{ "127.0.0.1", "192.0.2.1", 40, 0, 1, true, __LINE__ },
	/* a source of the other family says nothing */
	{ "127.0.0.1", "::1", 40, 0, 0, true, __LINE__ },
	/* to everybody, without asking for that */
	{ "255.255.255.255", NULL, 40, 1, 0, false, __LINE__ },
	{ "255.255.255.255", "192.0.2.1", 40, 1, 0, false, __LINE__ },
};

/* In the middle of a batch: those before and behind arrive. */
static void test_one_bad(void **state)
{
	struct pair *p = *state;
	enum udp_family blocked;

	for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++) {
		const struct row *row = &bad_rows[i];

		memset(&p->from.counters, 0, sizeof(p->from.counters));
		for (size_t k = 0; k < 7; k++)
			put(p, k, "127.0.0.1", NULL, 40, 0);
		put(p, 3, row->to, row->source, row->len, 1);
		ROW_INT(row, udp_send(&p->from, p->list, 7, &blocked), 7);
		ROW_INT(row, get(p, UDP_V4, SLOT), row->arrives ? 7 : 6);
		ROW_INT(row, p->in[3].data[0], row->arrives ? 4 : 5);
		ROW_INT(row, p->from.counters.refused, row->refused);
		ROW_INT(row, p->from.counters.sourceless, row->sourceless);
	}
}

/* Longer than any datagram can be. */
static void test_too_long(void **state)
{
	struct pair *p = *state;
	static uint8_t huge[65535 + 32];
	enum udp_family blocked;

	put(p, 0, "127.0.0.1", NULL, 40, 0);
	put(p, 1, "127.0.0.1", NULL, 40, 0);
	p->out[0].data = huge;
	p->out[0].len = sizeof(huge);
	assert_int_equal(udp_send(&p->from, p->list, 2, &blocked), 2);
	p->out[0].data = p->bytes[0];
	assert_int_equal(get(p, UDP_V4, SLOT), 1);
	assert_int_equal(p->in[0].data[0], 2);
	assert_int_equal(p->from.counters.refused, 1);
}

static void test_truncated(void **state)
{
	struct pair *p = *state;
	enum udp_family blocked;

	put(p, 0, "127.0.0.1", NULL, 101, 0);
	put(p, 1, "127.0.0.1", NULL, 100, 0);
	assert_int_equal(udp_send(&p->from, p->list, 2, &blocked), 2);
	assert_int_equal(get(p, UDP_V4, 100), 2);
	assert_int_equal(p->in[0].len, 0);
	assert_int_equal(p->in[1].len, 100);
	assert_int_equal(p->to.counters.truncated, 1);
}

static void test_nothing_waits(void **state)
{
	struct pair *p = *state;

	for (size_t i = 0; i < WG_BATCH_MAX; i++)
		p->in[i].data = p->memory[i];
	assert_int_equal(udp_receive(&p->to, UDP_V4, p->in, p->in_paths,
				 WG_BATCH_MAX, SLOT),
		0);
}

/* Closed sockets swallow; opening again on the same port works. */
static void test_closed(void **state)
{
	struct pair *p = *state;
	enum udp_family blocked;
	uint16_t port = p->from.port;
	struct err err = { .msg = "" };

	udp_close(&p->from);
	assert_int_equal(p->from.port, 0);
	put(p, 0, "127.0.0.1", NULL, 40, 0);
	assert_int_equal(udp_send(&p->from, p->list, 1, &blocked), 1);
	assert_int_equal(p->from.counters.refused, 1);
	assert_int_equal(udp_open(&p->from, port, 0, &err), 0);
	assert_int_equal(p->from.port, port);
	assert_int_equal(udp_send(&p->from, p->list, 1, &blocked), 1);
	assert_int_equal(get(p, UDP_V4, SLOT), 1);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, pair_begin, pair_end)
	const struct CMUnitTest tests[] = {
		T(test_one_port),
		T(test_port_in_use),
		T(test_batch),
		T(test_mixed),
		T(test_sticky_source),
		T(test_one_bad),
		T(test_too_long),
		T(test_truncated),
		T(test_nothing_waits),
		T(test_closed),
	};

	return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
