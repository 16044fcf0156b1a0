/*
 * udp and sockets on the loopback interface: order, addresses, DS field, runs
 * that leave as one message, sticky source, who is dealt what, and that one bad
 * datagram costs only itself.
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

#define SLOT   2048
#define BUNDLE 65536

struct end {
	struct udp_io io;
	struct socket_group group;
};

struct pair {
	struct end from, to;
	uint8_t memory[WG_BATCH_MAX][BUNDLE];
	struct wg_packet out[WG_BATCH_MAX];
	struct wg_path out_paths[WG_BATCH_MAX];
	struct udp_bundle in[WG_BATCH_MAX];
	struct wg_packet *list[WG_BATCH_MAX];
	uint8_t bytes[WG_BATCH_MAX][SLOT];
};

static int pair_begin(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct err err = { .msg = "" };

	assert_non_null(p);
	udp_init(&p->from.io, UDP_GSO);
	udp_init(&p->to.io, UDP_GSO);
	assert_int_equal(
		socket_group_open(&p->from.group, 1, 0, 0, true, &err), 0);
	assert_int_equal(
		socket_group_open(&p->to.group, 1, 0, 0, true, &err), 0);
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

	socket_group_close(&p->from.group);
	socket_group_close(&p->to.group);
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
		.remote = { .addr = addr(to), .port = p->to.group.port },
		.local = addr(source),
	};
}

static const struct udp_sockets *sockets(const struct end *end)
{
	return &end->group.members[0];
}

static size_t send_all(struct pair *p, size_t count)
{
	enum udp_family blocked;

	return udp_send(
		&p->from.io, sockets(&p->from), p->list, count, &blocked);
}

static size_t get(struct pair *p, enum udp_family family, size_t cap)
{
	struct pollfd wait = { .fd = sockets(&p->to)->fd[family],
		.events = POLLIN };

	for (size_t i = 0; i < WG_BATCH_MAX; i++) {
		memset(&p->in[i], 0xee, sizeof(p->in[i]));
		p->in[i].data = p->memory[i];
		p->in[i].cap = cap;
	}
	if (poll(&wait, 1, 2000) <= 0)
		return 0;
	return udp_receive(
		&p->to.io, sockets(&p->to), family, p->in, WG_BATCH_MAX);
}

/* All that comes until COUNT datagrams are there, bundles taken apart; true if
 * they are out[0..COUNT). */
static bool get_same(struct pair *p, enum udp_family family, size_t count)
{
	size_t seen = 0;

	while (seen < count) {
		size_t n = get(p, family, BUNDLE);

		if (n == 0)
			return false;
		for (size_t i = 0; i < n; i++) {
			const struct udp_bundle *b = &p->in[i];

			for (size_t at = 0; at < b->len; at += b->segment) {
				const struct wg_packet *want = &p->out[seen];
				size_t left = b->len - at;
				size_t len =
					left < b->segment ? left : b->segment;

				if (seen++ == count || len != want->len ||
					b->ds != want->ds ||
					memcmp(b->data + at, want->data, len) !=
						0)
					return false;
			}
		}
	}
	return true;
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
	return can && sockets(&p->from)->fd[UDP_V6] >= 0;
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

	assert_int_not_equal(p->to.group.port, 0);
	for (size_t i = 0; i < UDP_FAMILIES; i++)
		if (sockets(&p->to)->fd[i] >= 0)
			assert_int_equal(bound_port(sockets(&p->to)->fd[i]),
				p->to.group.port);
}

/* Whether or not its owner would share it. */
static void test_port_in_use(void **state)
{
	struct pair *p = *state;

	for (size_t count = 1; count <= 3; count += 2) {
		struct err err = { .msg = "" };
		struct socket_group owner, other;

		assert_int_equal(
			socket_group_open(&owner, count, 0, 0, false, &err), 0);
		for (size_t mine = 1; mine <= 3; mine++) {
			assert_int_equal(socket_group_open(&other, mine,
						 owner.port, 0, false, &err),
				-EADDRINUSE);
			assert_non_null(strstr(err.msg, "port"));
		}
		socket_group_close(&owner);
	}
	(void)p;
}

static void check_batch(struct pair *p, const char *to, enum udp_family family)
{
	static const uint8_t ds[] = { 0, 1, 2, 3, 0x88, 0xb8 };
	struct ipaddr want = addr(to);
	size_t n;

	for (size_t i = 0; i < WG_BATCH_MAX; i++)
		put(p, i, to, NULL, 32 + i * 20, ds[i % ARRAY_SIZE(ds)]);
	assert_int_equal(send_all(p, WG_BATCH_MAX), WG_BATCH_MAX);
	n = get(p, family, SLOT);
	assert_int_equal(n, WG_BATCH_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct wg_path *path = &p->in[i].path;

		assert_int_equal(p->in[i].len, p->out[i].len);
		assert_int_equal(p->in[i].segment, p->out[i].len);
		assert_memory_equal(
			p->in[i].data, p->out[i].data, p->in[i].len);
		assert_int_equal(p->in[i].ds, p->out[i].ds);
		assert_int_equal(path->remote.port, p->from.group.port);
		assert_true(ipaddr_equal(&path->remote.addr, &want));
		assert_true(ipaddr_equal(&path->local, &want));
		assert_int_not_equal(path->ifindex, 0);
	}
}

static void test_batch(void **state)
{
	check_batch(*state, "127.0.0.1", UDP_V4);
	if (has_v6(*state))
		check_batch(*state, "::1", UDP_V6);
}

/* What leaves as segments of one message arrives as the datagrams it was made
 * of: any lengths, tails shorter and longer, the DS field changing in a run. */
static void check_runs(struct pair *p, const char *to, enum udp_family family)
{
	static const struct {
		size_t count, len, tail; /* of equal ones, then one other */
		uint8_t ds;
	} rows[] = {
		{ 64, 1452, 1452, 0 },
		{ 45, 1452, 80, 2 },
		{ 2, 100, 101, 0 },
		{ 3, 32, 32, 1 },
		{ 47, 1400, 1399, 3 }, /* over 64 KiB in all */
		{ 64, 33, 33, 0 },
	};

	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		for (size_t i = 0; i < rows[r].count; i++)
			put(p, i, to, NULL,
				i + 1 == rows[r].count ? rows[r].tail
						       : rows[r].len,
				rows[r].ds);
		assert_int_equal(send_all(p, rows[r].count), rows[r].count);
		assert_true(get_same(p, family, rows[r].count));
	}
	for (size_t i = 0; i < 40; i++)
		put(p, i, to, NULL, 500, i / 7 % 4);
	assert_int_equal(send_all(p, 40), 40);
	assert_true(get_same(p, family, 40));
}

static void test_runs(void **state)
{
	struct pair *p = *state;

	for (int gso = 0; gso < 2; gso++) {
		udp_init(&p->from.io, gso ? UDP_GSO : 0);
		check_runs(p, "127.0.0.1", UDP_V4);
		if (has_v6(p))
			check_runs(p, "::1", UDP_V6);
		assert_int_equal(p->from.io.counters.refused, 0);
	}
}

/* Segmentation that is refused: each packet alone, none lost, none twice. */
static void test_refused_segments(void **state)
{
	struct pair *p = *state;

	/* lo has an MTU of 65536 at most: two of these are no GSO message, a
	 * datagram of this length is one */
	for (size_t i = 0; i < 3; i++) {
		put(p, i, "127.0.0.1", NULL, SLOT, 0);
		p->list[i]->len = SLOT;
	}
	p->from.io.gso[UDP_V4].size_max = SLOT - 1;
	p->from.io.gso[UDP_V4].retry_after = 1;
	assert_int_equal(send_all(p, 3), 3);
	assert_true(get_same(p, UDP_V4, 3));
	assert_int_equal(p->from.io.gso[UDP_V4].size_max, SLOT - 1);
	assert_int_equal(send_all(p, 3), 3);
	assert_true(get_same(p, UDP_V4, 3));
	/* tried again after a while */
	assert_true(p->from.io.gso[UDP_V4].size_max == SIZE_MAX);
}

/* Data messages by their index, everything else to the first. */
static void test_dealing(void **state)
{
	struct pair *p = *state;
	struct socket_group group;
	struct err err = { .msg = "" };
	static const struct {
		uint8_t bytes[8];
		size_t len, member;
	} rows[] = {
		{ { 1, 0, 0, 0, 9 }, 148, 0 },
		{ { 2, 0, 0, 0, 9 }, 92, 0 },
		{ { 3, 0, 0, 0, 9 }, 64, 0 },
		{ { 4, 0, 0, 0, 0 }, 32, 1 },
		{ { 4, 0, 0, 0, 1 }, 33, 2 },
		{ { 4, 0, 0, 0, 2 }, 34, 3 },
		{ { 4, 0, 0, 0, 255, 1 }, 35, 1 },
		{ { 4, 0, 0, 1, 1 }, 36, 0 },
		{ { 4, 0, 0, 0 }, 4, 0 }, /* too short to say */
		{ { 4 }, 1, 0 },
		{ { 0 }, 0, 0 },
	};

	assert_int_equal(socket_group_open(&group, 4, 0, 0, true, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows) * UDP_FAMILIES; i++) {
		size_t r = i / UDP_FAMILIES;
		enum udp_family family = (enum udp_family)(i % UDP_FAMILIES);
		const struct udp_sockets *member =
			&group.members[rows[r].member];
		struct udp_bundle bundle = { .data = p->memory[0],
			.cap = BUNDLE };
		struct pollfd wait = { .fd = member->fd[family],
			.events = POLLIN };

		if (family == UDP_V6 && !has_v6(p))
			continue;
		put(p, 0, family == UDP_V4 ? "127.0.0.1" : "::1", NULL,
			rows[r].len, 0);
		memcpy(p->out[0].data, rows[r].bytes, sizeof(rows[r].bytes));
		p->out_paths[0].remote.port = group.port;
		assert_int_equal(send_all(p, 1), 1);
		assert_int_equal(poll(&wait, 1, 2000), 1);
		assert_int_equal(
			udp_receive(&p->to.io, member, family, &bundle, 1), 1);
		assert_int_equal(bundle.len, rows[r].len);
	}
	socket_group_close(&group);
}

/* Both families in one batch, changing with every packet. */
static void test_mixed(void **state)
{
	struct pair *p = *state;

	if (!has_v6(p))
		skip();
	for (size_t i = 0; i < 10; i++)
		put(p, i, i % 2 ? "::1" : "127.0.0.1", NULL, 40, 0);
	assert_int_equal(send_all(p, 10), 10);
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

	put(p, 0, "127.0.0.5", "127.0.0.9", 50, 2);
	assert_int_equal(send_all(p, 1), 1);
	assert_int_equal(get(p, UDP_V4, SLOT), 1);
	assert_true(ipaddr_equal(&p->in[0].path.remote.addr, &source));
	assert_true(ipaddr_equal(&p->in[0].path.local, &to));
	assert_int_equal(p->in[0].ds, 2);
	assert_int_equal(p->from.io.counters.sourceless, 0);
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

	udp_init(&p->from.io, 0); /* to count them as they arrive */
	for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++) {
		const struct row *row = &bad_rows[i];

		memset(&p->from.io.counters, 0, sizeof(p->from.io.counters));
		for (size_t k = 0; k < 7; k++)
			put(p, k, "127.0.0.1", NULL, 40, 0);
		put(p, 3, row->to, row->source, row->len, 1);
		ROW_INT(row, send_all(p, 7), 7);
		ROW_INT(row, get(p, UDP_V4, SLOT), row->arrives ? 7 : 6);
		ROW_INT(row, p->in[3].data[0], row->arrives ? 4 : 5);
		ROW_INT(row, p->from.io.counters.refused, row->refused);
		ROW_INT(row, p->from.io.counters.sourceless, row->sourceless);
	}
}

/* Longer than any datagram can be. */
static void test_too_long(void **state)
{
	struct pair *p = *state;
	static uint8_t huge[65535 + 32];
	put(p, 0, "127.0.0.1", NULL, 40, 0);
	put(p, 1, "127.0.0.1", NULL, 40, 0);
	p->out[0].data = huge;
	p->out[0].len = sizeof(huge);
	assert_int_equal(send_all(p, 2), 2);
	p->out[0].data = p->bytes[0];
	assert_int_equal(get(p, UDP_V4, SLOT), 1);
	assert_int_equal(p->in[0].data[0], 2);
	assert_int_equal(p->from.io.counters.refused, 1);
}

static void test_truncated(void **state)
{
	struct pair *p = *state;

	udp_init(&p->from.io, 0);
	put(p, 0, "127.0.0.1", NULL, 101, 0);
	put(p, 1, "127.0.0.1", NULL, 100, 0);
	assert_int_equal(send_all(p, 2), 2);
	assert_int_equal(get(p, UDP_V4, 100), 2);
	assert_int_equal(p->in[0].len, 0);
	assert_int_equal(p->in[1].len, 100);
	assert_int_equal(p->to.io.counters.truncated, 1);
}

static void test_nothing_waits(void **state)
{
	struct pair *p = *state;
	struct udp_bundle bundle = { .data = p->memory[0], .cap = BUNDLE };

	assert_int_equal(
		udp_receive(&p->to.io, sockets(&p->to), UDP_V4, &bundle, 1), 0);
}

/* Closed sockets swallow; opening again on the same port works. */
static void test_closed(void **state)
{
	struct pair *p = *state;
	const struct udp_sockets none = { { -1, -1 } };
	uint16_t port = p->from.group.port;
	struct err err = { .msg = "" };
	enum udp_family blocked;

	socket_group_close(&p->from.group);
	assert_int_equal(p->from.group.port, 0);
	put(p, 0, "127.0.0.1", NULL, 40, 0);
	assert_int_equal(udp_send(&p->from.io, &none, p->list, 1, &blocked), 1);
	assert_int_equal(p->from.io.counters.refused, 1);
	assert_int_equal(
		socket_group_open(&p->from.group, 1, port, 0, true, &err), 0);
	assert_int_equal(p->from.group.port, port);
	assert_int_equal(send_all(p, 1), 1);
	assert_int_equal(get(p, UDP_V4, SLOT), 1);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, pair_begin, pair_end)
	const struct CMUnitTest tests[] = {
		T(test_one_port),
		T(test_port_in_use),
		T(test_batch),
		T(test_runs),
		T(test_refused_segments),
		T(test_dealing),
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
