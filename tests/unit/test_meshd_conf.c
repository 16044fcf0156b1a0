/* meshd's command line: which URLs and addresses it takes. */
#include "config.h"
#include "rows.h"
#include "base/auto.h"
#include "meshd/conf.h"

#include <errno.h>
#include <string.h>

static void test_url(void **state)
{
	static const struct {
		const char *url;
		bool valid;
		int line;
	} rows[] = {
		{ "https://a:7443", true, __LINE__ },
		{ "https://a", true, __LINE__ },
		{ "https://mesh.example.net:443", true, __LINE__ },
		{ "https://10.99.0.1:7443", true, __LINE__ },
		{ "https://[fd00::1]:7443", true, __LINE__ },
		{ "https://[fd00::1]", true, __LINE__ },
		{ "", false, __LINE__ },
		{ "https://", false, __LINE__ },
		{ "http://a:7443", false, __LINE__ },
		{ "a:7443", false, __LINE__ },
		{ "https://a:7443/", false, __LINE__ },
		{ "https://a/v1", false, __LINE__ },
		{ "https://a:", false, __LINE__ },
		{ "https://a:0", false, __LINE__ },
		{ "https://a:65536", false, __LINE__ },
		{ "https://a:7443 ", false, __LINE__ },
		{ "https://user@a", false, __LINE__ },
		{ "https://a?b", false, __LINE__ },
		{ "https://-a", false, __LINE__ },
		{ "https://.a", false, __LINE__ },
		{ "https://[fd00::1", false, __LINE__ },
		{ "https://[]", false, __LINE__ },
		{ "https://[10.0.0.1]", false, __LINE__ },
		{ "https://[fd00::1]x", false, __LINE__ },
		{ "https://\xc3\xa4:1", false, __LINE__ },
	};
	char name[TOKEN_URL_MAX + 16] = "https://";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ROW_INT(&rows[i], conf_url_valid(rows[i].url), rows[i].valid);
	memset(name + 8, 'a', TOKEN_URL_MAX - 8);
	assert_true(conf_url_valid(name));
	name[TOKEN_URL_MAX] = 'a';
	assert_false(conf_url_valid(name));
}

static void test_complete(void **state)
{
	static const struct {
		const char *listen, *url, *hostname;
		const char *want; /* NULL: refused, and */
		const char *says;
		int line;
	} rows[] = {
		{ NULL, NULL, "alpha", "https://alpha:7443", NULL, __LINE__ },
		{ "10.0.0.1:99", NULL, "alpha", "https://alpha:99", NULL,
			__LINE__ },
		{ NULL, "https://b:1", "", "https://b:1", NULL, __LINE__ },
		{ "7443", NULL, "alpha", NULL, "`7443'", __LINE__ },
		{ "localhost:7443", NULL, "alpha", NULL, "`localhost:7443'",
			__LINE__ },
		{ NULL, "http://b", "alpha", NULL, "`http://b'", __LINE__ },
		{ NULL, NULL, "", NULL, "--url", __LINE__ },
		{ NULL, NULL, "(none)", NULL, "`(none)'", __LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct conf conf = conf_default();
		struct err err = { 0 };
		int r;

		if (rows[i].listen)
			conf.listen = rows[i].listen;
		conf.url = rows[i].url;
		r = conf_complete(&conf, rows[i].hostname, &err);
		ROW_INT(&rows[i], r, rows[i].want ? 0 : -EINVAL);
		if (rows[i].want)
			ROW_STR(&rows[i], conf.url_text, rows[i].want);
		else
			ROW_TRUE(&rows[i], strstr(err.msg, rows[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
