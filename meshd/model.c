/* model: see model.h. */
#include "config.h"

#include "meshd/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define ROWS_FIRST 16

/* Room for one more of SIZE bytes; the array, moved, or NULL. */
static void *grow(void *rows, size_t count, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : ROWS_FIRST;
	void *moved;

	if (count < *cap)
		return rows;
	moved = reallocarray(rows, want, size);
	if (moved)
		*cap = want;
	return moved;
}

static struct subject subject_of(const void *bytes, size_t len)
{
	struct subject subject = { .len = len };

	memcpy(subject.b, bytes, len);
	return subject;
}

struct subject subject_of_mesh(const struct mesh_id *id)
{
	return subject_of(id->b, sizeof(id->b));
}

struct subject subject_of_node(const struct node_id *id)
{
	return subject_of(id->b, sizeof(id->b));
}

struct subject subject_of_delegate(const struct signpub *delegate)
{
	return subject_of(delegate->b, sizeof(delegate->b));
}

struct subject subject_of_record(const struct record *rec)
{
	switch (rec->type) {
	case RECORD_MESH:
		return subject_of_mesh(&rec->mesh);
	case RECORD_GRANT:
		return subject_of_delegate(&rec->grant.delegate);
	case RECORD_MEMBERSHIP:
		return subject_of_node(&rec->membership.node);
	case RECORD_KEY:
		return subject_of_node(&rec->key.node);
	case RECORD_REMOVAL:
		return subject_of_node(&rec->removal.node);
	}
	BUG_ON(true);
}

void record_rows_release(struct record_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		envelope_free(rows->rows[i].envelope);
	free(rows->rows);
	*rows = (struct record_rows){ 0 };
}

int record_rows_add(struct record_rows *rows, enum record_type type,
	const struct subject *subject, uint64_t serial, struct envelope *env)
{
	struct record_row *moved =
		grow(rows->rows, rows->count, &rows->cap, sizeof(*rows->rows));

	if (!moved) {
		envelope_free(env);
		return -ENOMEM;
	}
	rows->rows = moved;
	rows->rows[rows->count++] = (struct record_row){ .type = type,
		.subject = *subject,
		.serial = serial,
		.envelope = env };
	return 0;
}

void endpoint_rows_release(struct endpoint_rows *rows)
{
	free(rows->rows);
	*rows = (struct endpoint_rows){ 0 };
}

struct endpoint_row *endpoint_rows_add(
	struct endpoint_rows *rows, const struct node_id *node, uint64_t serial)
{
	struct endpoint_row *moved =
		grow(rows->rows, rows->count, &rows->cap, sizeof(*rows->rows));
	struct endpoint_row *row;

	if (!moved)
		return NULL;
	rows->rows = moved;
	row = &rows->rows[rows->count++];
	*row = (struct endpoint_row){ .at.node = *node, .serial = serial };
	return row;
}

void node_rows_release(struct node_rows *rows)
{
	free(rows->rows);
	*rows = (struct node_rows){ 0 };
}

int node_rows_add(struct node_rows *rows, const struct node_row *row)
{
	struct node_row *moved =
		grow(rows->rows, rows->count, &rows->cap, sizeof(*rows->rows));

	if (!moved)
		return -ENOMEM;
	rows->rows = moved;
	rows->rows[rows->count++] = *row;
	return 0;
}
