#include "config.h"
#include "base/list.h"

#include "base/banned.h"

void list_init(struct list *head)
{
	head->next = head->prev = head;
}

bool list_empty(const struct list *head)
{
	return head->next == head;
}

static void link_between(
	struct list *node, struct list *prev, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

void list_add_tail(struct list *head, struct list *node)
{
	link_between(node, head->prev, head);
}

void list_add_head(struct list *head, struct list *node)
{
	link_between(node, head, head->next);
}

void list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}
