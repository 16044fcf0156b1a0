/* conf: see conf.h. */
#include "config.h"

#include "agent/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static bool parse_operator(const char *text, struct agent_conf *conf)
{
	return key_parse_base64(conf->operator_key.b, text);
}

static void format_operator(const struct agent_conf *conf, struct buf *out)
{
	char text[KEY_BASE64_SIZE];

	buf_add_str(out, key_format_base64(conf->operator_key.b, text));
}

static bool parse_url(const char *text, struct agent_conf *conf)
{
	return strncmp(text, "https://", 8) == 0 &&
		str_copy(conf->url, sizeof(conf->url), text);
}

static void format_url(const struct agent_conf *conf, struct buf *out)
{
	buf_add_str(out, conf->url);
}

static bool parse_pin(const char *text, struct agent_conf *conf)
{
	return key_parse_base64(conf->pin, text);
}

static void format_pin(const struct agent_conf *conf, struct buf *out)
{
	char text[KEY_BASE64_SIZE];

	buf_add_str(out, key_format_base64(conf->pin, text));
}

static bool parse_name(const char *text, struct agent_conf *conf)
{
	return name_valid(text) &&
		str_copy(conf->name, sizeof(conf->name), text);
}

static void format_name(const struct agent_conf *conf, struct buf *out)
{
	buf_add_str(out, conf->name);
}

static bool parse_port(const char *text, struct agent_conf *conf)
{
	uint64_t port;

	if (!num_parse_u64(text, UINT16_MAX, &port))
		return false;
	conf->listen_port = (uint16_t)port;
	return true;
}

static void format_port(const struct agent_conf *conf, struct buf *out)
{
	buf_addf(out, "%u", conf->listen_port);
}

static const struct keyword {
	const char *name;
	bool (*parse)(const char *text, struct agent_conf *conf);
	void (*format)(const struct agent_conf *conf, struct buf *out);
	bool is_required;
} keywords[] = {
	{ "operator-key", parse_operator, format_operator, true },
	{ "coordinator", parse_url, format_url, true },
	{ "coordinator-pin", parse_pin, format_pin, true },
	{ "name", parse_name, format_name, true },
	{ "listen-port", parse_port, format_port, false },
};
_Static_assert(TOKEN_PIN_SIZE == KEY_SIZE, "a pin is written as a key is");

static int parse_line(const char *key, const char *value, unsigned int *seen,
	struct agent_conf *conf, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		if (strcmp(keywords[i].name, key) != 0)
			continue;
		if (*seen & (1u << i))
			return err_set(err, -EBADMSG, "%s: given twice", key);
		*seen |= 1u << i;
		if (!keywords[i].parse(value, conf))
			return err_set(err, -EBADMSG, "%s: not valid: `%s'",
				key, value);
		return 0;
	}
	return err_set(err, -EBADMSG, "unknown key `%s'", key);
}

static char *trim(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && strchr(" \t\r", text[len - 1]))
		text[--len] = 0;
	return text + strspn(text, " \t");
}

int agent_conf_parse(
	const char *text, struct agent_conf *ret_conf, struct err *err)
{
	AUTO(free_ptr) char *copy = strdup(text);
	struct agent_conf conf = { 0 };
	char *next = copy, *line;
	unsigned int seen = 0, number = 0;
	int r;

	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	while ((line = strsep(&next, "\n"))) {
		char *value;

		number++;
		line = trim(line);
		if (*line == 0 || *line == '#')
			continue;
		value = strchr(line, '=');
		if (!value) {
			r = err_set(err, -EBADMSG, "no `=' in `%s'", line);
			err_at(err, NULL, number, 0);
			return r;
		}
		*value++ = 0;
		r = parse_line(trim(line), trim(value), &seen, &conf, err);
		if (r < 0) {
			err_at(err, NULL, number, 0);
			return r;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		if (keywords[i].is_required && !(seen & (1u << i)))
			return err_set(err, -EBADMSG, "%s is missing",
				keywords[i].name);
	}
	*ret_conf = conf;
	return 0;
}

void agent_conf_format(const struct agent_conf *conf, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		buf_addf(out, "%s = ", keywords[i].name);
		keywords[i].format(conf, out);
		buf_add_str(out, "\n");
	}
}
