/*
 * handshakes: how many handshake initiations an engine answers in a second, in
 * one line of JSON. For tests/bench.
 *
 *   handshakes --print-peers --count N     [Peer] sections for wg addconf
 *   handshakes --public BASE64 --endpoint ADDRESS:PORT --count N
 *
 * It is N peers, each with a socket and a static key made from its number,
 * and takes them in turn: WINDOW initiations are always under way, a response
 * with the right index makes room for the next. An engine that wants a cookie
 * gets it. N has to be large enough that no peer comes too often for the
 * engine's own limit per peer (20 to 50 a second).
 *
 * The window is below what engines call a flood (128 waiting in wireguard-go,
 * 512 in the kernel): this measures work, not refusal. An answer costs the
 * engine four X25519, us two: only every VERIFY_EVERY-th tag is checked.
 */
#include "config.h"

#include "base/endpoint.h"
#include "base/num.h"
#include "engine/core/cookie.h"
#include "engine/core/handshake.h"
#include "os/args.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

#define COUNT_MAX    10000 /* one IPv4 address of 10.0.0.0/8 each */
#define WINDOW	     32
#define VERIFY_EVERY 16
#define LOST_MS	     250 /* an initiation without an answer */
#define NS_PER_SEC   INT64_C(1000000000)
#define NS_PER_MS    INT64_C(1000000)

static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

struct peer {
	int fd; /* its own port: boringtun keeps a socket a source */
	struct cookie_jar jar;
	struct noise_identity identity;
	struct noise_remote engine;
};

struct flight { /* one initiation that waits for its answer */
	uint32_t index;
	struct mono sent;
	struct noise noise;
	struct peer *peer;
	struct seckey ephemeral;
};

struct rig {
	struct pubkey engine;
	struct peer *peers;
	size_t count, next;
	uint32_t serial;
	struct flight flights[WINDOW];
	uint64_t sent, answered, lost, cookies, wrong;
};

static const char *engine_text, *endpoint_text, *count_text = "1000",
						*ms_text = "2000";
static bool print_peers;

static struct mono mono_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){ t.tv_sec * NS_PER_SEC + t.tv_nsec };
}

/* Peer N's key. Nothing is secret here. */
static struct noise_identity identity_of(size_t n)
{
	struct noise_identity id = { .present = true };

	hash_two(id.secret.b, "bench", 5, &n, sizeof(n));
	seckey_clamp(&id.secret);
	id.public = seckey_public(&id.secret);
	return id;
}

static void say_peers(size_t count)
{
	char text[KEY_BASE64_SIZE];

	for (size_t n = 0; n < count; n++) {
		struct noise_identity id = identity_of(n);

		printf("[Peer]\nPublicKey = %s\nAllowedIPs = "
		       "10.200.%zu.%zu/32\n",
			key_format_base64(id.public.b, text), n >> 8, n & 255);
	}
}

/* --- the initiator --- */

static int connect_to(const struct endpoint *to)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(to->port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(&sa.sin_addr, to->addr.b, sizeof(sa.sin_addr));
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		perror("handshakes: connect");
		exit(EXIT_FAILURE);
	}
	return fd;
}

static void init_peers(struct rig *rig, const struct endpoint *to)
{
	rig->peers = calloc(rig->count, sizeof(*rig->peers));
	if (!rig->peers)
		abort();
	for (size_t n = 0; n < rig->count; n++) {
		struct peer *peer = &rig->peers[n];

		peer->identity = identity_of(n);
		peer->fd = connect_to(to);
		cookie_jar_init(&peer->jar, &rig->engine);
		peer->engine.public = rig->engine;
		if (!noise_prepare(&peer->engine, &peer->identity))
			abort();
	}
}

static void write_stamp(uint8_t ret[static TAI64N_SIZE])
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	tai64n_encode(ret, (struct wall){ t.tv_sec * NS_PER_SEC + t.tv_nsec });
}

static void launch(struct rig *rig, struct flight *flight)
{
	struct wg_message_initiation message = { 0 };
	uint8_t stamp[TAI64N_SIZE];

	flight->peer = &rig->peers[rig->next];
	rig->next = (rig->next + 1) % rig->count;
	flight->index =
		rig->serial++ * WINDOW + (uint32_t)(flight - rig->flights);
	seckey_generate(&flight->ephemeral);
	write_stamp(stamp);
	noise_begin(&flight->noise, identifier, sizeof(identifier) - 1,
		&rig->engine);
	message.type = le32_make(MESSAGE_INITIATION);
	message.sender_index = le32_make(flight->index);
	if (!noise_write_initiation(&flight->noise, &flight->peer->identity,
		    &flight->peer->engine, &flight->ephemeral, stamp,
		    sizeof(stamp), &message.ephemeral, message.encrypted_static,
		    message.encrypted_timestamp))
		abort();
	flight->sent = mono_now();
	cookie_add_macs(
		&flight->peer->jar, &message, sizeof(message), flight->sent);
	if (send(flight->peer->fd, &message, sizeof(message), 0) ==
		sizeof(message))
		rig->sent++;
}

static void on_response(struct rig *rig, struct flight *flight,
	const struct wg_message_response *message)
{
	if (le32_get(message->receiver_index) != flight->index)
		return; /* given up before */
	if (rig->answered % VERIFY_EVERY == 0 &&
		!noise_read_response(&flight->noise, &flight->peer->identity,
			&flight->peer->engine, &flight->ephemeral,
			&message->ephemeral, message->encrypted_nothing, 0,
			NULL))
		rig->wrong++;
	rig->answered++;
	launch(rig, flight);
}

/* The peer has it when its turn comes again. */
static void on_cookie(struct rig *rig, struct flight *flight,
	const struct wg_message_cookie *message)
{
	if (le32_get(message->receiver_index) != flight->index)
		return;
	rig->cookies++;
	if (!cookie_consume_reply(&flight->peer->jar, message, mono_now()))
		rig->wrong++;
	launch(rig, flight);
}

static void receive(struct rig *rig, struct flight *flight)
{
	union {
		uint8_t bytes[256];
		struct le32 type;
		struct wg_message_response response;
		struct wg_message_cookie cookie;
	} in;
	ssize_t len = recv(flight->peer->fd, &in, sizeof(in), MSG_DONTWAIT);

	if (len == sizeof(in.response) && le32_get(in.type) == MESSAGE_RESPONSE)
		on_response(rig, flight, &in.response);
	else if (len == sizeof(in.cookie) &&
		le32_get(in.type) == MESSAGE_COOKIE)
		on_cookie(rig, flight, &in.cookie);
}

static void give_up_old(struct rig *rig, struct mono now)
{
	for (size_t i = 0; i < WINDOW; i++) {
		struct flight *flight = &rig->flights[i];

		if (now.ns - flight->sent.ns < LOST_MS * NS_PER_MS)
			continue;
		rig->lost++;
		launch(rig, flight);
	}
}

static void measure(struct rig *rig, int64_t duration_ns)
{
	struct mono start = mono_now(), now = start;

	for (size_t i = 0; i < WINDOW; i++)
		launch(rig, &rig->flights[i]);
	while (now.ns - start.ns < duration_ns) {
		struct pollfd waits[WINDOW];

		for (size_t i = 0; i < WINDOW; i++)
			waits[i] = (struct pollfd){ rig->flights[i].peer->fd,
				POLLIN, 0 };
		(void)poll(waits, WINDOW, 10);
		for (size_t i = 0; i < WINDOW; i++)
			if (waits[i].revents)
				receive(rig, &rig->flights[i]);
		now = mono_now();
		give_up_old(rig, now);
	}
	printf("{\"sent\": %llu, \"answered\": %llu, \"lost\": %llu, "
	       "\"cookies\": %llu, \"wrong\": %llu, \"per_second\": %.1f}\n",
		(unsigned long long)rig->sent,
		(unsigned long long)rig->answered,
		(unsigned long long)rig->lost, (unsigned long long)rig->cookies,
		(unsigned long long)rig->wrong,
		(double)rig->answered * NS_PER_SEC /
			(double)(now.ns - start.ns));
}

static void allow_files(rlim_t count)
{
	struct rlimit limit = { count, count };

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		perror("handshakes: RLIMIT_NOFILE");
		exit(EXIT_FAILURE);
	}
}

static int run(void *ctx, char **operands, size_t operand_count)
{
	static struct rig rig;
	struct endpoint to;
	uint64_t count, ms;

	if (!num_parse_u64(count_text, COUNT_MAX, &count) || count < WINDOW ||
		!num_parse_u64(ms_text, 600000, &ms))
		return EXIT_USAGE;
	if (print_peers) {
		say_peers(count);
		return EXIT_SUCCESS;
	}
	if (!engine_text || !key_parse_base64(rig.engine.b, engine_text) ||
		!endpoint_text || !endpoint_parse(endpoint_text, &to) ||
		to.addr.family != IP_V4)
		return EXIT_USAGE;
	rig.count = count;
	allow_files(count + 64);
	init_peers(&rig, &to);
	measure(&rig, (int64_t)ms * NS_PER_MS);
	free(rig.peers);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct args_option options[] = {
		ARGS_TEXT("public", 'p', "BASE64", "the engine's key",
			&engine_text),
		ARGS_TEXT("endpoint", 'e', "ADDRESS:PORT", "the engine's",
			&endpoint_text),
		ARGS_TEXT("count", 'n', "N", "peers (1000)", &count_text),
		ARGS_TEXT("ms", 'm', "MS", "how long (2000)", &ms_text),
		ARGS_FLAG("print-peers", 0, "as wg addconf takes them",
			&print_peers),
	};
	static const struct args_command commands[] = {
		{ "", NULL, 0, 0, NULL, "initiate, count and tell", run },
	};
	static const struct args_program program = { "handshakes",
		"initiations of many peers, answers counted", PACKAGE_VERSION,
		options, sizeof(options) / sizeof(*options), commands, 1 };

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	return args_main(&program, argc, argv, NULL);
}
