/* body: see body.h. */
#include "config.h"

#include "meshd/body.h"

#include <stdlib.h>

#include "base/banned.h"

struct body *body_new(struct buf *buf, const char *type)
{
	struct body *body = malloc(sizeof(*body));

	if (!body) {
		buf_release(buf);
		return NULL;
	}
	*body = (struct body){ .refs = 1, .buf = *buf, .type = type };
	*buf = BUF_INIT(buf->max);
	return body;
}

struct body *body_ref(struct body *body)
{
	if (body)
		body->refs++;
	return body;
}

void body_unref(struct body *body)
{
	if (!body || --body->refs > 0)
		return;
	buf_release(&body->buf);
	free(body);
}
