/*
 * fuzz_ini: any bytes as a configuration file. What is taken means the same
 * after a trip through the UAPI, and is nothing to change twice.
 */
#include "config.h"

#include "wgconf/diff.h"
#include "wgconf/ini.h"
#include "wgconf/uapi.h"

#include <string.h>

#define FILE_MAX (1 << 16)
#define TEXT_MAX (1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wgconf_device *parse(const uint8_t *data, size_t size)
{
	struct wgconf_device *dev = wgconf_device_new();
	struct ini_parser parser;
	struct err err = { 0 };
	bool ok = dev;

	if (!dev)
		return NULL;
	ini_parser_init(&parser, dev, size % 2, NULL, NULL);
	while (ok && size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;
		static char line[FILE_MAX + 1];

		memcpy(line, data, len);
		line[len] = '\0';
		ok = ini_parse_line(&parser, line, &err) == 0;
		data += len + !!end;
		size -= len + !!end;
	}
	if (ok && ini_parser_finish(&parser, &err) == 0)
		return dev;
	BUG_ON(err.msg[0] == '\0');
	wgconf_device_free(dev);
	return NULL;
}

static struct wgconf_device *through_uapi(
	const struct wgconf_device *dev, struct buf *ret_text)
{
	struct wgconf_device *back = wgconf_device_new();
	struct uapi_parser parser;
	const char *line;

	BUG_ON(!back);
	uapi_format_set(dev, ret_text);
	BUG_ON(buf_failed(ret_text));
	uapi_parser_init(&parser, UAPI_SET, back);
	line = strchr(buf_str(ret_text), '\n') + 1;
	while (*line) {
		size_t len = strcspn(line, "\n");

		BUG_ON(uapi_parse_line(&parser, line, len, NULL) < 0);
		line += len + 1;
	}
	return back;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = size <= FILE_MAX ? parse(data, size) : NULL;
	AUTO(wgconf_device_free) struct wgconf_device *back = NULL;
	AUTO(wgconf_device_free) struct wgconf_device *change = NULL;
	AUTO(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	AUTO(buf_release) struct buf again = BUF_INIT(TEXT_MAX);
	AUTO(buf_release) struct buf file = BUF_INIT(TEXT_MAX);

	if (!dev)
		return 0;
	back = through_uapi(dev, &text);
	uapi_format_set(back, &again);
	BUG_ON(strcmp(buf_str(&text), buf_str(&again)) != 0);
	ini_format(dev, &file);
	BUG_ON(buf_failed(&file));
	BUG_ON(wgconf_diff(back, dev, DIFF_KEEP_ENDPOINTS, &change) < 0);
	return 0;
}
