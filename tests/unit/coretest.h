/*
 * coretest: what the tests of the engine's core share: repeatable randomness,
 * hex, published vectors, and a pair of devices with a wire between them that
 * the test holds in its hands.
 */
#ifndef TESTS_UNIT_CORETEST_H
#define TESTS_UNIT_CORETEST_H

#include "engine/core/device.h"
#include "engine/core/messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A row of a table fails in its own line. */
#define ROW_TRUE(row, cond) _assert_true(!!(cond), #cond, __FILE__, (row)->line)
#define ROW_EQUAL(row, a, b)                                                   \
	_assert_int_equal((uintmax_t)(a), (uintmax_t)(b), __FILE__, (row)->line)
#define ROW_MEMORY(row, a, b, len)                                             \
	_assert_memory_equal((a), (b), (len), __FILE__, (row)->line)

/* splitmix64 */
struct testrng {
	uint64_t state;
};
uint64_t testrng_next(struct testrng *rng);
uint64_t testrng_below(struct testrng *rng, uint64_t limit);
struct wg_rng testrng_wg(struct testrng *rng); /* borrows RNG */
/* TEST_SEED of the environment, or a fresh one; printed either way. */
struct testrng testrng_seeded(void);

/* At most CAP bytes; the test fails on bad hex. */
size_t hex_decode(const char *hex, uint8_t *ret, size_t cap);
/* Path of a file of the shared vectors, or NULL: skip the test. */
const char *vector_path(const char *name);

struct now test_now(double sec); /* some time in 2023, plus SEC */
void now_add(struct now *now, double sec);
struct endpoint test_endpoint(const char *text);
struct ipnet test_net(const char *text);

/* An inner packet from SRC to DST of LEN bytes in all, headers right, the rest
 * filled from SEQ. Returns LEN. */
size_t test_packet(uint8_t *ret, const char *src, const char *dst, size_t len,
	uint8_t ds, uint32_t seq);
bool ipv4_checksum_ok(const uint8_t *packet);

/* One datagram on the wire, in a buffer that open() may work in. */
#define DATAGRAM_MAX 384
struct datagram {
	uint8_t buf[WG_HEADROOM + DATAGRAM_MAX + WG_TAILROOM];
	size_t len;
	struct wg_path path;
	uint8_t ds;
};
static inline uint8_t *datagram_data(struct datagram *d)
{
	return d->buf + WG_HEADROOM;
}
/* The first byte, which is the message type. */
static inline uint8_t datagram_type(const struct datagram *d)
{
	return d->buf[WG_HEADROOM];
}

/* Alice is 0, 10.0.0.1 and fd00::1, at 192.0.2.1:1001 and so on for Bob. */
struct side {
	struct wg_device *dev;
	struct wg_peer *peer; /* the other one */
	struct seckey secret;
	struct pubkey public;
	struct endpoint endpoint; /* where datagrams from here come from */
	unsigned int sessions, moves, unreachables; /* events seen */
};
struct pair {
	struct testrng rng;
	struct now now;
	struct side side[2];
};
enum { ALICE, BOB };

void pair_init(struct pair *pair, uint64_t seed);
void pair_release(struct pair *pair);
/* Neither knows where the other is until this. */
void pair_introduce(struct pair *pair, int from);
/* Next datagram FROM has to send; counts events. False: none. */
bool pair_poll(struct pair *pair, int from, struct datagram *ret);
/* Hands D to TO, handshake work included. */
enum wg_verdict pair_deliver(struct pair *pair, int to, struct datagram *d);
/* Same, and keeps the packet as open left it. */
enum wg_verdict pair_open(struct pair *pair, int to, struct datagram *d,
	struct wg_packet *ret_packet);
/* Delivers both ways until it is quiet. */
void pair_pump(struct pair *pair);
/* An inner packet FROM sends; on WG_SEND it is in RET. */
enum wg_verdict pair_seal(struct pair *pair, int from, struct datagram *ret);
void pair_connect(struct pair *pair);		/* session both ways */
void pair_sleep(struct pair *pair, double sec); /* no ticks */
/* Time passes, ticks at every deadline, everything is delivered. */
void pair_run(struct pair *pair, double sec);
struct wg_peer_info pair_info(struct pair *pair, int side);
const struct wg_counters *pair_counters(struct pair *pair, int side);
/* From now on its datagrams come from there. */
void pair_move(struct pair *pair, int side, const char *to);
/* Where SIDE thinks that the other is. */
bool pair_is_at(struct pair *pair, int side, const char *where);

/* The next datagram FROM has, which must be of TYPE and LEN. */
void pair_expect_out(struct pair *pair, int from, enum wg_message_type type,
	size_t len, struct datagram *ret);
void pair_expect_silence(struct pair *pair, int from);
/* D brings the packet that pair_seal() makes. */
void pair_expect_delivery(struct pair *pair, int to, struct datagram *d);
void pair_exchange(struct pair *pair, int from); /* one such packet */

/* A test of one pair begins so. */
#define SETUP(pair)                                                            \
	struct pair pair;                                                      \
	(void)state;                                                           \
	pair_init(&(pair), 1)

#endif
