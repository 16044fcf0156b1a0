/*
 * tlskey: the coordinator's TLS key: ECDSA P-256 with a self-signed
 * certificate, made at the first start. Nobody checks the certificate's names
 * or dates: clients pin the SHA-256 of its SubjectPublicKeyInfo, which join
 * tokens carry. So the key stays for life; a lost certificate is made again.
 */
#ifndef MESHD_TLSKEY_H
#define MESHD_TLSKEY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "meshproto/token.h"

#define TLSKEY_FILE "tls.key"
#define TLSCRT_FILE "tls.crt"

struct tlskey {
	struct buf key, certificate; /* PEM */
	uint8_t pin[TOKEN_PIN_SIZE];
};

/* Of DIR; made 0600 when there is none. */
WARN_UNUSED int tlskey_load(const char *dir, const struct now *now,
	struct tlskey *ret_key, struct err *err);
void tlskey_release(struct tlskey *key);
AUTO_DEFINE_VALUE(struct tlskey, tlskey_release)

#endif
