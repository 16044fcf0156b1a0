/*
 * tls_stub: tests/unit/tls_stub.py as a child process: a HTTPS server on
 * loopback. The tests that need it are skipped where there is no python3.
 */
#ifndef TESTS_TLS_STUB_H
#define TESTS_TLS_STUB_H

#include "meshproto/token.h"

#include <stdbool.h>
#include <sys/types.h>

struct tls_stub {
	pid_t pid;
	int stdin_fd;
	char url[64];
	uint8_t pin[TOKEN_PIN_SIZE];
};

/* Skips the test if there is no python3. */
void tls_stub_start(struct tls_stub *stub, const char *mode);
/* The server is gone, its port closed, when this returns. */
void tls_stub_stop(struct tls_stub *stub);

#endif
