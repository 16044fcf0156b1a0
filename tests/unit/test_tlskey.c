/* tlskey: made once, kept, and refused when it is not whole. */
#include "config.h"
#include "rows.h"
#include "tmpdir.h"
#include "base/auto.h"
#include "mesh_fixture.h"
#include "meshd/tlskey.h"

#include <errno.h>
#include <sodium.h>

static int load(struct tlskey *key, struct err *err)
{
	struct now now = fx_now(0);

	*key = (struct tlskey){ 0 };
	return tlskey_load(tmpdir_root, &now, key, err);
}

static void test_kept(void **state)
{
	struct tlskey first, again;
	mode_t before = umask(0);

	assert_int_equal(load(&first, NULL), 0);
	(void)umask(before);
	assert_int_equal(tmpdir_mode(TLSKEY_FILE), 0600);
	assert_int_equal(tmpdir_mode(TLSCRT_FILE), 0600);
	assert_int_equal(load(&again, NULL), 0);
	assert_memory_equal(first.pin, again.pin, sizeof(first.pin));
	assert_string_equal(
		buf_str(&first.certificate), buf_str(&again.certificate));
	tlskey_release(&again);
	/* the pin is the key's, so a new certificate has it as well */
	assert_int_equal(unlink(tmpdir_path(TLSCRT_FILE)), 0);
	assert_int_equal(load(&again, NULL), 0);
	assert_memory_equal(first.pin, again.pin, sizeof(first.pin));
	assert_string_not_equal(
		buf_str(&first.certificate), buf_str(&again.certificate));
	tlskey_release(&again);
	tlskey_release(&first);
}

/* openssl(1) reckons the pin as curl's --pinnedpubkey has it. */
static void test_pin(void **state)
{
	char command[256], line[128] = "", want[KEY_BASE64_SIZE];
	struct tlskey key;
	FILE *pipe;

	assert_int_equal(load(&key, NULL), 0);
	(void)snprintf(command, sizeof(command),
		"openssl x509 -in %s -pubkey -noout | "
		"openssl pkey -pubin -outform DER | "
		"openssl dgst -sha256 -binary | base64",
		tmpdir_path(TLSCRT_FILE));
	pipe = popen(command, "r");
	assert_non_null(pipe);
	if (!fgets(line, sizeof(line), pipe) || pclose(pipe) != 0) {
		tlskey_release(&key);
		print_message("# no openssl here\n");
		return;
	}
	line[strcspn(line, "\n")] = 0;
	assert_string_equal(line, key_format_base64(key.pin, want));
	tlskey_release(&key);
}

static void test_spoiled(void **state)
{
	struct tlskey key, other;
	struct err err = { 0 };
	FILE *file;

	assert_int_equal(load(&key, NULL), 0);
	assert_int_equal(unlink(tmpdir_path(TLSKEY_FILE)), 0);
	/* a new key does not fit the old certificate */
	assert_int_equal(load(&other, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, TLSCRT_FILE));
	file = fopen(tmpdir_path(TLSKEY_FILE), "w");
	assert_non_null(file);
	fputs("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		file);
	fclose(file);
	assert_int_equal(load(&other, &err), -EIO);
	assert_non_null(strstr(err.msg, TLSKEY_FILE));
	tlskey_release(&key);
}

int main(void)
{
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)
	const struct CMUnitTest tests[] = {
		T(test_kept),
		T(test_pin),
		T(test_spoiled),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
