/* The server's end: it may come while polls wait, and while more arrive. */
#include "config.h"
#include "rows.h"
#include "tmpdir.h"
#include "base/auto.h"
#include "meshd/http.h"
#include "meshd/listener.h"
#include "meshd/tlskey.h"
#include "meshd_lab.h"
#include "os/fd.h"
#include "os/loop.h"
#include "os/unixsock.h"

#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HANG_SEC    10 /* then SIGALRM ends the test */
#define CLIENTS_MAX 2
#define REQUEST_MAX 512

static struct lab lab;
static struct tlskey tls;
static struct loop *loop;
static struct http *http;
static int clients[CLIENTS_MAX];

static int setup(void **state)
{
	const struct endpoint at = { .addr = { .family = IP_V4,
					     .b = { 127, 0, 0, 1 } } };
	int tcp_fd, unix_fd;

	if (tmpdir_setup(state) < 0)
		return -1;
	(void)alarm(HANG_SEC);
	lab_up(&lab, tmpdir_path("s"));
	lab_found(&lab);
	lab_create_token(&lab, 0, 0);
	lab_join(&lab, 0, 0);
	tls = (struct tlskey){ 0 };
	loop = loop_new(NULL);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		clients[i] = -1;
	if (!loop || tlskey_load(tmpdir_path("s"), &lab.now, &tls, NULL) < 0 ||
		listener_tcp(&at, &tcp_fd, NULL) < 0 ||
		listener_unix(tmpdir_path("sock"), &unix_fd, NULL) < 0 ||
		http_new(&lab.meshd, loop, tcp_fd, unix_fd, &tls, &http, NULL) <
			0)
		return -1;
	return 0;
}

/* Every test has ended the server itself. */
static int teardown(void **state)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		fd_close(&clients[i]);
	loop_free(loop);
	tlskey_release(&tls);
	lab_down(&lab);
	(void)alarm(0);
	return tmpdir_teardown(state);
}

/* BEARER NULL: as whoever may use the socket. */
static void ask(size_t client, const char *path, const char *bearer)
{
	char text[REQUEST_MAX];
	struct err err = { 0 };
	int len = snprintf(text, sizeof(text),
		"GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n", path,
		bearer ? "Authorization: Bearer " : "", bearer ? bearer : "",
		bearer ? "\r\n" : "");

	if (clients[client] < 0 &&
		unixsock_connect(tmpdir_path("sock"), &clients[client], &err) <
			0)
		fail_msg("%s", err.msg);
	assert_int_equal(
		fd_write_all(clients[client], text, (size_t)len, &err), 0);
}

static void ask_netmap(size_t client)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/v1/netmap?since=%llu&wait=60",
		(unsigned long long)lab.meshd.mesh.serial);
	ask(client, path, lab_agent(0));
}

static void run_until_waiting(size_t count)
{
	while (lab.meshd.events.count != count)
		assert_int_equal(loop_step(loop, -1), 0);
}

static void stop(void)
{
	http_free(http);
	assert_int_equal(lab.meshd.events.count, 0);
}

/* A node whose poll is hung up on goes offline, and that is what the next in
 * the list waits for: it leaves the list while the list is walked. */
static void test_stop_while_one_wakes_another(void **state)
{
	struct msg_report report = { .applied = 1 };
	struct node_id node = fx_node_id(0);
	char path[96];

	(void)state;
	ask_netmap(0);
	run_until_waiting(1);
	meshd_on_report(&lab.meshd, &node, &report, loop_now(loop));
	(void)snprintf(path, sizeof(path), "/v1/applied?serial=%llu&wait=60",
		(unsigned long long)lab.meshd.mesh.serial);
	ask(1, path, NULL);
	run_until_waiting(2);
	stop();
}

/* What arrived since the last turn is read once more, and must not wait. */
static void test_stop_while_a_poll_arrives(void **state)
{
	char byte;

	(void)state;
	ask(0, "/healthz", NULL);
	while (recv(clients[0], &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
		assert_int_equal(loop_step(loop, -1), 0);
	ask_netmap(0);
	stop();
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_stop_while_one_wakes_another),
		T(test_stop_while_a_poll_arrives),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
