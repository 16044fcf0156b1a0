#include "config.h"

#include "tests/unit/coretest.h"

#include "base/wire.h"

#include <sodium.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

uint64_t testrng_next(struct testrng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t testrng_below(struct testrng *rng, uint64_t limit)
{
	return testrng_next(rng) % limit;
}

static void fill(void *arg, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(testrng_next(arg) >> 32);
}

struct wg_rng testrng_wg(struct testrng *rng)
{
	return (struct wg_rng){ fill, rng };
}

struct testrng testrng_seeded(void)
{
	const char *text = getenv("TEST_SEED");
	struct testrng rng;

	if (text)
		rng.state = strtoull(text, NULL, 0);
	else
		randombytes_buf(&rng.state, sizeof(rng.state));
	printf("# rerun with TEST_SEED=0x%016" PRIx64 "\n", rng.state);
	return rng;
}

size_t hex_decode(const char *hex, uint8_t *ret, size_t cap)
{
	size_t len;

	assert_int_equal(
		sodium_hex2bin(ret, cap, hex, strlen(hex), NULL, &len, NULL),
		0);
	return len;
}

const char *vector_path(const char *name)
{
	const char *srcdir = getenv("SRCDIR");
	static char path[1024];

	(void)snprintf(path, sizeof(path), "%s/../shared/vectors/%s",
		srcdir ? srcdir : ".", name);
	if (access(path, R_OK) == 0)
		return path;
	srcdir = getenv("MESH_VECTORS");
	(void)snprintf(path, sizeof(path), "%s/%s", srcdir ? srcdir : "", name);
	return srcdir && access(path, R_OK) == 0 ? path : NULL;
}

struct now test_now(double sec)
{
	struct now now = {
		{ 5000 * NSEC_PER_SEC },
		{ INT64_C(1700000000) * NSEC_PER_SEC },
	};

	now_add(&now, sec);
	return now;
}

void now_add(struct now *now, double sec)
{
	now->mono.ns += (int64_t)(sec * 1e9);
	now->wall.ns += (int64_t)(sec * 1e9);
}

struct endpoint test_endpoint(const char *text)
{
	struct endpoint ep;

	assert_true(endpoint_parse(text, &ep));
	return ep;
}

struct ipnet test_net(const char *text)
{
	struct ipnet net;

	assert_true(ipnet_parse(text, &net));
	return net;
}

static uint16_t checksum(const uint8_t *b, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

bool ipv4_checksum_ok(const uint8_t *packet)
{
	return checksum(packet, 20) == 0;
}

size_t test_packet(uint8_t *ret, const char *src, const char *dst, size_t len,
	uint8_t ds, uint32_t seq)
{
	struct ipaddr from, to;
	uint16_t sum;

	assert_true(ipaddr_parse(src, &from) && ipaddr_parse(dst, &to));
	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)(seq * 31 + i * 7 + (seq >> 8));
	if (from.family == IP_V4) {
		memset(ret, 0, 20);
		ret[0] = 0x45;
		ret[1] = ds;
		ret[2] = (uint8_t)(len >> 8);
		ret[3] = (uint8_t)len;
		ret[8] = 64;
		ret[9] = 253; /* RFC 3692: for experiments */
		memcpy(ret + 12, from.b, 4);
		memcpy(ret + 16, to.b, 4);
		sum = checksum(ret, 20);
		ret[10] = (uint8_t)(sum >> 8);
		ret[11] = (uint8_t)sum;
	} else {
		memset(ret, 0, 40);
		ret[0] = (uint8_t)(0x60 | ds >> 4);
		ret[1] = (uint8_t)(ds << 4);
		ret[4] = (uint8_t)((len - 40) >> 8);
		ret[5] = (uint8_t)(len - 40);
		ret[6] = 253;
		ret[7] = 64;
		memcpy(ret + 8, from.b, 16);
		memcpy(ret + 24, to.b, 16);
	}
	return len;
}

static void add_peer(struct side *side, const struct now *now,
	const struct pubkey *key, int other)
{
	char text[2][IPNET_TEXT_SIZE];

	assert_int_equal(
		wg_device_add_peer(side->dev, now, key, &side->peer), 0);
	(void)snprintf(text[0], sizeof(text[0]), "10.0.0.%d/32", other + 1);
	(void)snprintf(text[1], sizeof(text[1]), "fd00::%d/128", other + 1);
	for (int i = 0; i < 2; i++) {
		struct ipnet net = test_net(text[i]);

		assert_int_equal(
			wg_device_add_allowedip(side->dev, side->peer, &net),
			0);
	}
}

void pair_init(struct pair *pair, uint64_t seed)
{
	*pair = (struct pair){ .rng = { seed }, .now = test_now(0) };
	for (int i = 0; i < 2; i++) {
		struct side *side = &pair->side[i];
		struct wg_rng rng = testrng_wg(&pair->rng);
		char text[ENDPOINT_TEXT_SIZE];

		fill(&pair->rng, side->secret.b, sizeof(side->secret.b));
		seckey_clamp(&side->secret);
		side->public = seckey_public(&side->secret);
		(void)snprintf(
			text, sizeof(text), "192.0.2.%d:100%d", i + 1, i + 1);
		side->endpoint = test_endpoint(text);
		side->dev = wg_device_new(&rng, &pair->now);
		assert_non_null(side->dev);
		wg_device_set_seckey(side->dev, &pair->now, &side->secret);
		wg_device_set_mtu(side->dev, 1420);
	}
	for (int i = 0; i < 2; i++)
		add_peer(
			&pair->side[i], &pair->now, &pair->side[!i].public, !i);
}

void pair_release(struct pair *pair)
{
	wg_device_free(pair->side[ALICE].dev);
	wg_device_free(pair->side[BOB].dev);
}

void pair_introduce(struct pair *pair, int from)
{
	wg_peer_set_endpoint(pair->side[from].dev, &pair->now,
		pair->side[from].peer, &pair->side[!from].endpoint);
}

static void count_event(struct side *side, const struct wg_out *out)
{
	assert_ptr_equal(out->peer, side->peer);
	switch (out->event) {
	case WG_EVENT_SESSION:
		side->sessions++;
		break;
	case WG_EVENT_ENDPOINT:
		side->moves++;
		break;
	case WG_EVENT_UNREACHABLE:
		side->unreachables++;
		break;
	}
}

bool pair_poll(struct pair *pair, int from, struct datagram *ret)
{
	struct side *side = &pair->side[from];
	struct wg_out out;

	for (;;) {
		switch (wg_device_poll(side->dev, &pair->now, &out)) {
		case WG_OUT_NONE:
			return false;
		case WG_OUT_EVENT:
			count_event(side, &out);
			continue;
		case WG_OUT_DATAGRAM:
			break;
		}
		break;
	}
	assert_true(out.len <= DATAGRAM_MAX);
	memcpy(ret->buf + WG_HEADROOM, out.data, out.len);
	ret->len = out.len;
	ret->ds = out.ds;
	ret->path = out.path;
	return true;
}

enum wg_verdict pair_open(struct pair *pair, int to, struct datagram *d,
	struct wg_packet *ret_packet)
{
	struct side *side = &pair->side[to];
	const struct wg_path path = {
		.remote = pair->side[!to].endpoint,
		.local = side->endpoint.addr,
		.ifindex = 7,
	};
	struct wg_packet packet = {
		.data = datagram_data(d),
		.len = d->len,
		.ds = d->ds,
		.path = &path,
	};

	wg_device_open(side->dev, &pair->now, &packet, 1);
	while (wg_device_work(side->dev, &pair->now, 16))
		;
	if (ret_packet)
		*ret_packet = packet;
	return packet.verdict;
}

enum wg_verdict pair_deliver(struct pair *pair, int to, struct datagram *d)
{
	return pair_open(pair, to, d, NULL);
}

void pair_pump(struct pair *pair)
{
	struct datagram d;
	bool quiet;

	do {
		quiet = true;
		for (int from = 0; from < 2; from++) {
			while (pair_poll(pair, from, &d)) {
				(void)pair_deliver(pair, !from, &d);
				quiet = false;
			}
		}
	} while (!quiet);
}

enum wg_verdict pair_seal(struct pair *pair, int from, struct datagram *ret)
{
	struct wg_packet packet = { .data = datagram_data(ret) };

	packet.len = test_packet(packet.data, from ? "10.0.0.2" : "10.0.0.1",
		from ? "10.0.0.1" : "10.0.0.2", 100, 0, 1);
	wg_device_seal(pair->side[from].dev, &pair->now, &packet, 1);
	if (packet.verdict == WG_SEND) {
		memmove(datagram_data(ret), packet.data, packet.len);
		ret->len = packet.len;
		ret->ds = packet.ds;
		ret->path = *packet.path;
	}
	return packet.verdict;
}

void pair_connect(struct pair *pair)
{
	pair_introduce(pair, ALICE);
	wg_peer_initiate(
		pair->side[ALICE].dev, &pair->now, pair->side[ALICE].peer);
	pair_pump(pair);
	assert_true(pair_info(pair, ALICE).has_session);
	assert_true(pair_info(pair, BOB).has_session);
}

void pair_sleep(struct pair *pair, double sec)
{
	now_add(&pair->now, sec);
}

void pair_run(struct pair *pair, double sec)
{
	int64_t end = pair->now.mono.ns + (int64_t)(sec * 1e9);

	for (;;) {
		struct mono next;
		int64_t step;

		pair_pump(pair);
		next = mono_min(wg_device_deadline(pair->side[ALICE].dev),
			wg_device_deadline(pair->side[BOB].dev));
		if (next.ns > end)
			break;
		step = next.ns - pair->now.mono.ns;
		assert_true(step >= 0);
		pair->now.mono.ns += step;
		pair->now.wall.ns += step;
		for (int i = 0; i < 2; i++)
			wg_device_tick(pair->side[i].dev, &pair->now);
	}
	now_add(&pair->now, (double)(end - pair->now.mono.ns) / 1e9);
}

struct wg_peer_info pair_info(struct pair *pair, int side)
{
	struct wg_peer_info info;

	wg_peer_get_info(pair->side[side].peer, &pair->now, &info);
	return info;
}

const struct wg_counters *pair_counters(struct pair *pair, int side)
{
	return wg_device_counters(pair->side[side].dev);
}

/* Next datagram, which must be of TYPE and LEN. */
void pair_expect_out(struct pair *pair, int from, enum wg_message_type type,
	size_t len, struct datagram *ret)
{
	assert_true(pair_poll(pair, from, ret));
	assert_int_equal(datagram_type(ret), type);
	assert_int_equal(ret->len, len);
}

void pair_expect_silence(struct pair *pair, int from)
{
	struct datagram d;

	assert_false(pair_poll(pair, from, &d));
}

/* Packet SEQ from FROM is delivered by D. */
void pair_expect_delivery(struct pair *pair, int to, struct datagram *d)
{
	struct wg_packet p;
	uint8_t want[100];

	assert_int_equal(pair_open(pair, to, d, &p), WG_DELIVER);
	(void)test_packet(want, to ? "10.0.0.1" : "10.0.0.2",
		to ? "10.0.0.2" : "10.0.0.1", 100, 0, 1);
	assert_int_equal(p.len, 100);
	assert_memory_equal(p.data, want, 100);
}

void pair_exchange(struct pair *pair, int from)
{
	struct datagram d;

	assert_int_equal(pair_seal(pair, from, &d), WG_SEND);
	pair_expect_delivery(pair, !from, &d);
}

void pair_move(struct pair *pair, int side, const char *to)
{
	pair->side[side].endpoint = test_endpoint(to);
}

bool pair_is_at(struct pair *pair, int side, const char *where)
{
	struct endpoint want = test_endpoint(where);
	struct wg_peer_info info = pair_info(pair, side);

	return endpoint_equal(&info.endpoint, &want);
}
