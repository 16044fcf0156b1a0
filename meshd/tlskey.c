/* tlskey: see tlskey.h. */
#include "config.h"

#include "meshd/tlskey.h"

#include "os/atomicfile.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <string.h>

#include "base/banned.h"

#define PEM_MAX		 (16 * 1024)
#define PATH_BUF_MAX	 4096
#define SERIAL_SIZE	 16
#define CERTIFICATE_NAME "meshd"
/* RFC 5280 4.1.2.5: no well-defined expiry. */
#define CERTIFICATE_FOREVER ((time_t)253402300799)

struct work {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem, spki;
	gnutls_pubkey_t pub;
};

static void work_release(struct work *work)
{
	if (work->pem.data)
		sodium_memzero(work->pem.data, work->pem.size);
	gnutls_free(work->pem.data);
	gnutls_free(work->spki.data);
	gnutls_pubkey_deinit(work->pub);
	gnutls_x509_crt_deinit(work->crt);
	gnutls_x509_privkey_deinit(work->key);
}
AUTO_DEFINE_VALUE(struct work, work_release)

static int failed(const char *what, int code, struct err *err)
{
	return err_set(err, -EIO, "%s: %s", what, gnutls_strerror(code));
}

static void take_pem(gnutls_datum_t *pem, struct buf *out)
{
	buf_add(out, pem->data, pem->size);
	sodium_memzero(pem->data, pem->size);
	gnutls_free(pem->data);
	*pem = (gnutls_datum_t){ 0 };
}

static int make_key(struct work *work, struct buf *pem, struct err *err)
{
	int r = gnutls_x509_privkey_init(&work->key);

	if (r >= 0)
		r = gnutls_x509_privkey_generate(work->key, GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (r >= 0)
		r = gnutls_x509_privkey_export2(
			work->key, GNUTLS_X509_FMT_PEM, &work->pem);
	if (r < 0)
		return failed("making a TLS key", r, err);
	take_pem(&work->pem, pem);
	return 0;
}

static int read_key(struct work *work, const struct buf *pem, const char *path,
	struct err *err)
{
	gnutls_datum_t text = { .data = (unsigned char *)pem->data,
		.size = (unsigned int)pem->len };
	int r = gnutls_x509_privkey_init(&work->key);

	if (r >= 0)
		r = gnutls_x509_privkey_import(
			work->key, &text, GNUTLS_X509_FMT_PEM);
	return r < 0 ? failed(path, r, err) : 0;
}

static int make_certificate(struct work *work, const struct now *now,
	struct buf *pem, struct err *err)
{
	uint8_t serial[SERIAL_SIZE];
	time_t from = (time_t)(now->wall.ns / NSEC_PER_SEC);
	int r = gnutls_x509_crt_init(&work->crt);

	randombytes_buf(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, never short */
	if (r >= 0)
		r = gnutls_x509_crt_set_version(work->crt, 3);
	if (r >= 0)
		r = gnutls_x509_crt_set_serial(
			work->crt, serial, sizeof(serial));
	if (r >= 0)
		r = gnutls_x509_crt_set_activation_time(work->crt, from);
	if (r >= 0)
		r = gnutls_x509_crt_set_expiration_time(
			work->crt, CERTIFICATE_FOREVER);
	if (r >= 0)
		r = gnutls_x509_crt_set_dn_by_oid(work->crt,
			GNUTLS_OID_X520_COMMON_NAME, 0, CERTIFICATE_NAME,
			strlen(CERTIFICATE_NAME));
	if (r >= 0)
		r = gnutls_x509_crt_set_subject_alt_name(work->crt,
			GNUTLS_SAN_DNSNAME, CERTIFICATE_NAME,
			strlen(CERTIFICATE_NAME), GNUTLS_FSAN_SET);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_usage(
			work->crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (r >= 0)
		r = gnutls_x509_crt_set_key(work->crt, work->key);
	if (r >= 0)
		r = gnutls_x509_crt_sign2(
			work->crt, work->crt, work->key, GNUTLS_DIG_SHA256, 0);
	if (r >= 0)
		r = gnutls_x509_crt_export2(
			work->crt, GNUTLS_X509_FMT_PEM, &work->pem);
	if (r < 0)
		return failed("making a TLS certificate", r, err);
	take_pem(&work->pem, pem);
	return 0;
}

/* A certificate of another key would never be believed: not ours to mend. */
static int read_certificate(struct work *work, const struct buf *pem,
	const char *path, struct err *err)
{
	gnutls_datum_t text = { .data = (unsigned char *)pem->data,
		.size = (unsigned int)pem->len };
	uint8_t ours[64], theirs[64];
	size_t our_len = sizeof(ours), their_len = sizeof(theirs);
	int r = gnutls_x509_crt_init(&work->crt);

	if (r >= 0)
		r = gnutls_x509_crt_import(
			work->crt, &text, GNUTLS_X509_FMT_PEM);
	if (r >= 0)
		r = gnutls_x509_crt_get_key_id(
			work->crt, 0, theirs, &their_len);
	if (r >= 0)
		r = gnutls_x509_privkey_get_key_id(
			work->key, 0, ours, &our_len);
	if (r < 0)
		return failed(path, r, err);
	if (our_len != their_len || memcmp(ours, theirs, our_len) != 0)
		return err_set(
			err, -EBADMSG, "%s is not of the key beside it", path);
	return 0;
}

static int make_pin(struct work *work, uint8_t ret_pin[static TOKEN_PIN_SIZE],
	struct err *err)
{
	int r = gnutls_pubkey_init(&work->pub);

	if (r >= 0)
		r = gnutls_pubkey_import_x509(work->pub, work->crt, 0);
	if (r >= 0)
		r = gnutls_pubkey_export2(
			work->pub, GNUTLS_X509_FMT_DER, &work->spki);
	if (r < 0)
		return failed("the TLS key's hash", r, err);
	_Static_assert(TOKEN_PIN_SIZE == crypto_hash_sha256_BYTES,
		"a pin is a SHA-256");
	(void)crypto_hash_sha256(ret_pin, work->spki.data, work->spki.size);
	return 0;
}

/* Reads PATH, or makes it with what MAKE writes. */
static int save(const char *path, const struct buf *pem, struct err *err)
{
	if (buf_failed(pem))
		return err_set(err, -ENOMEM, "out of memory");
	return atomicfile_write(path, pem->data, pem->len, 0600, err);
}

static int load_key(
	struct work *work, const char *path, struct buf *pem, struct err *err)
{
	int r = atomicfile_read(path, pem, err);

	if (r == 0)
		return read_key(work, pem, path, err);
	if (r != -ENOENT)
		return r;
	r = make_key(work, pem, err);
	return r < 0 ? r : save(path, pem, err);
}

static int load_certificate(struct work *work, const char *path,
	const struct now *now, struct buf *pem, struct err *err)
{
	int r = atomicfile_read(path, pem, err);

	if (r == 0)
		return read_certificate(work, pem, path, err);
	if (r != -ENOENT)
		return r;
	r = make_certificate(work, now, pem, err);
	return r < 0 ? r : save(path, pem, err);
}

int tlskey_load(const char *dir, const struct now *now, struct tlskey *ret_key,
	struct err *err)
{
	AUTO(tlskey_release)
	struct tlskey key = {
		.key = BUF_INIT_SECRET(PEM_MAX),
		.certificate = BUF_INIT(PEM_MAX),
	};
	AUTO(work_release) struct work work = { 0 };
	AUTO(buf_release) struct buf path = BUF_INIT(PATH_BUF_MAX);
	int r;

	buf_addf(&path, "%s/%s", dir, TLSKEY_FILE);
	if (buf_failed(&path))
		return err_set(err, -ENAMETOOLONG, "%s: name too long", dir);
	r = load_key(&work, buf_str(&path), &key.key, err);
	if (r < 0)
		return r;
	buf_clear(&path);
	buf_addf(&path, "%s/%s", dir, TLSCRT_FILE);
	if (buf_failed(&path))
		return err_set(err, -ENAMETOOLONG, "%s: name too long", dir);
	r = load_certificate(&work, buf_str(&path), now, &key.certificate, err);
	if (r == 0)
		r = make_pin(&work, key.pin, err);
	if (r < 0)
		return r;
	*ret_key = key;
	key = (struct tlskey){ 0 };
	return 0;
}

void tlskey_release(struct tlskey *key)
{
	buf_release(&key->key);
	buf_release(&key->certificate);
}
