/* buf, err, list, wire: the small ones. */
#include "config.h"
#include "rows.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/wire.h"

#include <errno.h>
#include <string.h>

static void test_against_naive(void **state)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(5000);
	struct random r = random_start();
	static char twin[5001];
	size_t len = 0;

	for (int step = 0; step < 5000; step++) {
		char piece[200];
		size_t n = random_below(&r, sizeof(piece));
		bool fits = len + n <= 5000;

		memset(piece, 'a' + (int)random_below(&r, 26), n);
		if (!fits || random_below(&r, 3) == 0) {
			n = random_below(&r, 2 * len + 10);
			buf_consume(&buf, n);
			n = n < len ? n : len;
			memmove(twin, twin + n, len - n);
			len -= n;
		} else if (random_below(&r, 2)) {
			char *at = buf_reserve(&buf, n + 5000 - len - n);

			assert_non_null(at);
			memcpy(at, piece, n);
			buf.len += n;
			memcpy(twin + len, piece, n);
			len += n;
		} else {
			buf_add(&buf, piece, n);
			memcpy(twin + len, piece, n);
			len += n;
		}
		twin[len] = 0;
		assert_int_equal(buf.len, len);
		assert_memory_equal(buf_str(&buf), twin, len + 1);
	}
	assert_false(buf_failed(&buf));
}

static void test_maximum(void **state)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(8);

	assert_string_equal(buf_str(&buf), "");
	buf_addf(&buf, "%d-%s", 1234, "abc");
	assert_false(buf_failed(&buf));
	assert_string_equal(buf_str(&buf), "1234-abc");
	buf_add_str(&buf, "");
	assert_false(buf_failed(&buf));
	buf_add_str(&buf, "x");
	assert_true(buf_failed(&buf));
	buf_consume(&buf, 8);
	buf_add_str(&buf, "y"); /* swallowed */
	assert_true(buf_failed(&buf));
	assert_null(buf_reserve(&buf, 1));
	assert_string_equal(buf_str(&buf), "");
	buf_clear(&buf);
	assert_null(buf_reserve(&buf, SIZE_MAX));
	buf_clear(&buf);
	buf_addf(&buf, "%s", "ninechars");
	assert_true(buf_failed(&buf));
	assert_int_equal(buf.len, 0);
}

static void test_secret_is_wiped(void **state)
{
	AUTO(buf_release) struct buf buf = BUF_INIT_SECRET(100000);

	buf_add_str(&buf, "hunter2hunter2");
	buf_consume(&buf, 7);
	assert_string_equal(buf_str(&buf), "hunter2");
	for (size_t i = buf.len; i < 14; i++)
		assert_int_equal(buf.data[i], 0);
	for (int i = 0; i < 1000; i++) /* grows several times */
		buf_add_str(&buf, "0123456789");
	assert_int_equal(buf.len, 10007);
	assert_memory_equal(buf.data, "hunter20123456789", 17);
	buf_clear(&buf);
	for (size_t i = 0; i < buf.cap; i++)
		assert_int_equal(buf.data[i], 0);
}

static void test_err_texts(void **state)
{
	struct err err = { 0 };
	char text[500], long_name[400];

	err_prefix(&err, "nothing to prefix");
	assert_string_equal(err.msg, "");
	assert_int_equal(err_set(&err, -ENOENT, "no \"%s\"", "x"), -ENOENT);
	err_prefix(&err, "load %d", 1);
	assert_string_equal(
		err_text(&err, text, sizeof(text)), "load 1: no \"x\"");
	err_at(&err, "wg0.conf", 3, 14);
	assert_string_equal(err_text(&err, text, sizeof(text)),
		"wg0.conf:3:14: load 1: no \"x\"");
	err_at(&err, NULL, 3, 0);
	assert_string_equal(
		err_text(&err, text, sizeof(text)), "3: load 1: no \"x\"");
	err_at(&err, "f", 0, 9);
	assert_string_equal(
		err_text(&err, text, sizeof(text)), "f: load 1: no \"x\"");
	assert_string_equal(err_text(&err, text, 5), "f: l");
	err_set(&err, -EIO, "again: %s", err.msg); /* its own text */
	assert_string_equal(err.msg, "again: load 1: no \"x\"");
	memset(long_name, 'n', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = 0;
	errno = ENOSPC;
	assert_int_equal(err_errno(&err, "%s", long_name), -ENOSPC);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	assert_non_null(strstr(err.msg, "n: No space left on device"));
	err_prefix(&err, "%s", long_name);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
}

static void test_err_without_listener(void **state)
{
	assert_int_equal(err_set(NULL, -EPERM, "x"), -EPERM);
	errno = EACCES;
	assert_int_equal(err_errno(NULL, "x"), -EACCES);
	assert_int_equal(errno, EACCES);
	errno = 0;
	assert_int_equal(err_errno(NULL, "x"), -EIO);
	err_prefix(NULL, "x");
	err_at(NULL, "f", 1, 1);
}

struct item {
	struct list link;
	int value;
};

static void expect(const struct list *head, const char *want)
{
	char text[16] = "";
	size_t len = 0;

	for (struct list *pos = head->next; pos != head; pos = pos->next) {
		text[len++] =
			(char)('0' + LIST_ENTRY(pos, struct item, link)->value);
		assert_ptr_equal(pos->prev->next, pos);
	}
	assert_string_equal(text, want);
}

static void test_list(void **state)
{
	struct list head = LIST_INIT(head);
	struct item items[5];

	assert_true(list_empty(&head));
	for (int i = 0; i < 5; i++) {
		items[i].value = i;
		if (i % 2)
			list_add_head(&head, &items[i].link);
		else
			list_add_tail(&head, &items[i].link);
	}
	expect(&head, "31024");
	list_del(&items[1].link);
	list_del(&items[1].link); /* twice is harmless */
	expect(&head, "3024");
	list_for_each_safe(pos, &head) {
		if (LIST_ENTRY(pos, struct item, link)->value % 2 == 0)
			list_del(pos);
	}
	expect(&head, "3");
	list_del(&items[3].link);
	assert_true(list_empty(&head));
}

static void test_wire(void **state)
{
	static const uint8_t up[] = { 1, 2, 3, 4, 5, 6, 7, 0xf8 };
	static const uint8_t down[] = { 0xf8, 7, 6, 5, 4, 3, 2, 1 };
	uint64_t n64 = UINT64_C(0xf807060504030201);
	uint32_t n32 = 0xf8070605;

	assert_memory_equal(le64_make(n64).b, up, 8);
	assert_memory_equal(be64_make(n64).b, down, 8);
	assert_memory_equal(le32_make(n32).b, up + 4, 4);
	assert_memory_equal(be32_make(n32).b, down, 4);
	assert_memory_equal(be16_make(0xf807).b, down, 2);
	assert_true(le64_get(le64_make(n64)) == n64);
	assert_true(be64_get(be64_make(n64)) == n64);
	assert_int_equal(le32_get(le32_make(n32)), n32);
	assert_int_equal(be32_get(be32_make(n32)), n32);
	assert_int_equal(be16_get(be16_make(0xf807)), 0xf807);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_secret_is_wiped),
		cmocka_unit_test(test_err_texts),
		cmocka_unit_test(test_err_without_listener),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_wire),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
