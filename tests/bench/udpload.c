/*
 * udpload: sends UDP datagrams from one network namespace to another and tells
 * how many arrived, in one line of JSON. For tests/bench.
 *
 *   sender thread   sendmmsg, at a fixed rate or as fast as it can
 *   receiver        recvmmsg into a buffer that is large enough not to be what
 *                   drops; ends when nothing has come for QUIET_MS after the
 *                   last was sent
 *
 * Every datagram carries its number and a pattern that depends on it, and all
 * of it is compared: what arrives changed is counted, not taken. A rate is kept
 * by sending what is due at each wake-up. What is not sent in time (another
 * program had the core) is not made up for: the burst would measure nothing
 * but the queue behind it. So `sent` tells what was really offered.
 */
#include "config.h"

#include "base/num.h"
#include "os/args.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

#define BATCH	     64
#define BURST_MAX    128 /* of what is due, late or not */
#define SIZE_MIN     sizeof(uint64_t)
#define SIZE_MAX_UDP 9000
#define SECONDS_MAX  3600
#define RATE_MAX     100000000
#define TICK_NS	     100000 /* between wake-ups of a paced sender */
#define QUIET_MS     150    /* longer than any queue on the way takes */
#define RCVBUF_BYTES (64 << 20)
#define NS_PER_SEC   1000000000

struct load {
	int sender, receiver;
	size_t size;
	int64_t duration_ns;
	uint64_t rate; /* datagrams a second; 0: as many as go */

	uint64_t sent;
	int64_t sending_ns;
	_Atomic bool done;

	uint64_t received, changed, reordered, next;
	int64_t first_ns, last_ns;
};

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH];
	uint8_t bytes[BATCH][SIZE_MAX_UDP];
};

static struct batch outgoing, incoming;
static uint8_t pattern[SIZE_MAX_UDP + UINT8_MAX];

__attribute__((noreturn, format(printf, 1, 2))) static void die(
	const char *format, ...)
{
	va_list ap;

	(void)fprintf(stderr, "udpload: ");
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fprintf(stderr, "\n");
	exit(EXIT_FAILURE);
}

static int64_t monotonic_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec t = { ns / NS_PER_SEC, ns % NS_PER_SEC };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void batch_init(struct batch *b, size_t size)
{
	for (size_t i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){ b->bytes[i], size };
		b->messages[i].msg_hdr = (struct msghdr){
			.msg_iov = &b->iov[i],
			.msg_iovlen = 1,
		};
	}
}

/* What follows the number of datagram N. */
static const uint8_t *content(uint64_t n)
{
	return pattern + (n & UINT8_MAX);
}

/* --- sending --- */

static size_t send_some(struct load *load, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t n = load->sent + i;

		memcpy(outgoing.bytes[i], &n, sizeof(n));
		memcpy(outgoing.bytes[i] + SIZE_MIN, content(n),
			load->size - SIZE_MIN);
	}

	int r = sendmmsg(load->sender, outgoing.messages, (unsigned)count, 0);

	if (r < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
		die("send: %s", strerror(errno));
	return r < 0 ? 0 : (size_t)r;
}

/* How many of RATE fall due between THEN and NOW: at most a burst. */
static size_t due(uint64_t rate, int64_t then, int64_t now)
{
	double count = (double)(now - then) * (double)rate / NS_PER_SEC;

	return count > BURST_MAX ? BURST_MAX : (size_t)count;
}

static void send_burst(struct load *load, size_t count)
{
	while (count > 0) {
		size_t some = count < BATCH ? count : BATCH;

		load->sent += send_some(load, some);
		count -= some;
	}
}

static void *run_sender(void *arg)
{
	struct load *load = arg;
	int64_t start = monotonic_ns(), now = start, paid = start;

	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	while (now - start < load->duration_ns) {
		size_t count = BATCH;

		if (load->rate) {
			count = due(load->rate, paid, now);
			/* What is beyond a burst is given up; what is less
			 * than one datagram is kept. */
			paid = count == BURST_MAX ? now
						  : paid +
					(int64_t)(count * NS_PER_SEC /
						load->rate);
		}
		send_burst(load, count);
		if (load->rate)
			sleep_until(now + TICK_NS);
		now = monotonic_ns();
	}
	load->sending_ns = monotonic_ns() - start;
	atomic_store(&load->done, true);
	return NULL;
}

/* --- receiving --- */

static void take(struct load *load, const uint8_t *bytes, size_t len)
{
	uint64_t n = 0;

	if (len >= sizeof(n))
		memcpy(&n, bytes, sizeof(n));
	if (len != load->size ||
		memcmp(bytes + SIZE_MIN, content(n), len - SIZE_MIN) != 0) {
		load->changed++;
		return;
	}
	if (n < load->next)
		load->reordered++;
	else
		load->next = n + 1;
	load->received++;
}

static void run_receiver(struct load *load)
{
	for (;;) {
		bool was_done = atomic_load(&load->done);
		int r = recvmmsg(load->receiver, incoming.messages, BATCH,
			MSG_WAITFORONE, NULL);

		if (r < 0 && errno != EAGAIN && errno != EINTR)
			die("receive: %s", strerror(errno));
		if (r <= 0 && was_done)
			return;
		if (r <= 0)
			continue;
		load->last_ns = monotonic_ns();
		if (load->first_ns == 0)
			load->first_ns = load->last_ns;
		for (int i = 0; i < r; i++)
			take(load, incoming.bytes[i],
				incoming.messages[i].msg_len);
	}
}

static uint32_t sink_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	(void)getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len);
	return info[SK_MEMINFO_DROPS];
}

/* --- set-up --- */

static int socket_in(const char *netns)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die("namespace '%s': %s", netns, strerror(errno));
	(void)close(fd);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket: %s", strerror(errno));
	return fd;
}

static void open_sockets(struct load *load, const char *from, const char *to,
	const char *address)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	struct timeval quiet = { .tv_usec = QUIET_MS * 1000 };
	int bytes = RCVBUF_BYTES;

	if (inet_pton(AF_INET, address, &sa.sin_addr) != 1)
		die("'%s' is no IPv4 address", address);
	load->receiver = socket_in(to);
	if (bind(load->receiver, (struct sockaddr *)&sa, len) < 0 ||
		getsockname(load->receiver, (struct sockaddr *)&sa, &len) < 0 ||
		setsockopt(load->receiver, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
			sizeof(bytes)) < 0 ||
		setsockopt(load->receiver, SOL_SOCKET, SO_RCVTIMEO, &quiet,
			sizeof(quiet)) < 0)
		die("receiver: %s", strerror(errno));
	load->sender = socket_in(from);
	if (connect(load->sender, (struct sockaddr *)&sa, len) < 0)
		die("sender: %s", strerror(errno));
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

static void print_result(const struct load *load)
{
	double sending = (double)load->sending_ns / NS_PER_SEC;
	double arriving = (double)(load->last_ns - load->first_ns) / NS_PER_SEC;
	double received = (double)load->received;

	printf("{\"sent\": %llu, \"received\": %llu, \"changed\": %llu, "
	       "\"reordered\": %llu, \"sink_drops\": %u, "
	       "\"sent_kpps\": %.2f, \"received_kpps\": %.2f, "
	       "\"received_gbps\": %.4f, \"loss_percent\": %.4f}\n",
		(unsigned long long)load->sent,
		(unsigned long long)load->received,
		(unsigned long long)load->changed,
		(unsigned long long)load->reordered, sink_drops(load->receiver),
		ratio((double)load->sent, sending) / 1e3,
		ratio(received, arriving) / 1e3,
		ratio(received * (double)load->size * 8, arriving) / 1e9,
		100 * (1 - ratio(received, (double)load->sent)));
}

static const char *from, *to, *address, *size_text = "64", *ms_text = "1000",
					*rate_text = "0";

static uint64_t number(const char *name, const char *text, uint64_t max)
{
	uint64_t value;

	if (!num_parse_u64(text, max, &value))
		die("%s: '%s' is no number up to %llu", name, text,
			(unsigned long long)max);
	return value;
}

static int run(void *ctx, char **operands, size_t count)
{
	struct load load = {
		.size = (size_t)number("--size", size_text, SIZE_MAX_UDP),
		.duration_ns = (int64_t)number("--ms", ms_text,
				       SECONDS_MAX * UINT64_C(1000)) *
			1000000,
		.rate = number("--rate", rate_text, RATE_MAX),
	};
	pthread_t sender;

	if (!from || !to || !address)
		die("--from, --to and --address are needed");
	if (load.size < SIZE_MIN)
		die("--size: at least %zu", SIZE_MIN);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 167 + (i >> 8) * 13);
	batch_init(&outgoing, load.size);
	batch_init(&incoming, SIZE_MAX_UDP);
	open_sockets(&load, from, to, address);
	if (pthread_create(&sender, NULL, run_sender, &load) != 0)
		die("no thread");
	run_receiver(&load);
	(void)pthread_join(sender, NULL);
	print_result(&load);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct args_option options[] = {
		ARGS_TEXT("from", 'f', "NETNS", "where the sender is", &from),
		ARGS_TEXT("to", 't', "NETNS", "where the receiver is", &to),
		ARGS_TEXT("address", 'a', "IPV4", "the receiver's", &address),
		ARGS_TEXT(
			"size", 's', "BYTES", "of a datagram (64)", &size_text),
		ARGS_TEXT("ms", 'm', "MS", "how long to send (1000)", &ms_text),
		ARGS_TEXT("rate", 'r', "PPS", "datagrams a second (no limit)",
			&rate_text),
	};
	static const struct args_command commands[] = {
		{ "", NULL, 0, 0, NULL, "send, count and tell", run },
	};
	static const struct args_program program = { "udpload",
		"UDP from one namespace to another, counted", PACKAGE_VERSION,
		options, sizeof(options) / sizeof(*options), commands, 1 };

	return args_main(&program, argc, argv, NULL);
}
