/*
 * list: intrusive, circular, doubly linked. A node that is in no list points
 * at itself after list_init().
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)                                                        \
	{                                                                      \
		&(name), &(name)                                               \
	}
#define LIST_ENTRY(ptr, type, member) CONTAINER_OF(ptr, type, member)
#define list_for_each(pos, head)                                               \
	for (struct list *pos = (head)->next; pos != (head); pos = pos->next)
/* POS may be taken out, or freed, inside. */
#define list_for_each_safe(pos, head)                                          \
	for (struct list *pos = (head)->next, *pos##_next = pos->next;         \
		pos != (head); pos = pos##_next, pos##_next = pos->next)

void list_init(struct list *head);
bool list_empty(const struct list *head);
void list_add_tail(struct list *head, struct list *node);
void list_add_head(struct list *head, struct list *node);
void list_del(struct list *node); /* leaves it initialised; twice is harmless */

#endif
