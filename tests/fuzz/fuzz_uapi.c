/*
 * fuzz_uapi: any bytes as a request or an answer. The first byte chooses; what
 * is taken is written, and what is written is taken and means the same.
 */
#include "config.h"

#include "wgconf/uapi.h"

#include <string.h>

#define TEXT_MAX (1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t scope_index(const char *ifname)
{
	return (uint32_t)strlen(ifname);
}

static bool parse(struct wgconf_device *dev, enum uapi_mode mode,
	const char *text, size_t size)
{
	struct uapi_parser parser;
	struct err err = { 0 };

	uapi_parser_init(&parser, mode, dev);
	parser.scope_index = scope_index;
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t len = end ? (size_t)(end - text) : size;

		if (uapi_parse_line(&parser, text, len, &err) < 0) {
			BUG_ON(err.msg[0] == '\0' || err.line == 0);
			return false;
		}
		text += len + !!end;
		size -= len + !!end;
	}
	return true;
}

static void format(
	const struct wgconf_device *dev, enum uapi_mode mode, struct buf *out)
{
	if (mode == UAPI_SET)
		uapi_format_set(dev, out);
	else
		uapi_format_get(dev, out);
	BUG_ON(buf_failed(out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = wgconf_device_new();
	AUTO(wgconf_device_free)
	struct wgconf_device *back = wgconf_device_new();
	AUTO(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	AUTO(buf_release) struct buf again = BUF_INIT(TEXT_MAX);
	enum uapi_mode mode = size && data[0] == 'g' ? UAPI_GET : UAPI_SET;
	size_t head = mode == UAPI_SET ? strlen("set=1\n") : 0;

	BUG_ON(!dev || !back);
	if (size < 1 || !parse(dev, mode, (const char *)data + 1, size - 1))
		return 0;
	format(dev, mode, &text);
	BUG_ON(!parse(back, mode, buf_str(&text) + head, text.len - head));
	format(back, mode, &again);
	BUG_ON(strcmp(buf_str(&text), buf_str(&again)) != 0);
	return 0;
}
