/*
 * auto: scope cleanup (STYLE 4). AUTO(thing_free) struct thing *t = ...;
 * frees T when it leaves scope, unless TAKE(t) moved it away first.
 */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <stddef.h>
#include <stdlib.h>

#define WARN_UNUSED	       __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Makes fn##_auto for a FN(TYPE *) that accepts NULL. */
#define AUTO_DEFINE(type, fn)                                                  \
	static inline void fn##_auto(type **p)                                 \
	{                                                                      \
		fn(*p);                                                        \
	}
/* The same for contents that live in the caller's own memory. */
#define AUTO_DEFINE_VALUE(type, fn)                                            \
	static inline void fn##_auto(type *p)                                  \
	{                                                                      \
		fn(p);                                                         \
	}
#define AUTO(fn) __attribute__((cleanup(fn##_auto), unused))
#define TAKE(p)                                                                \
	__extension__({                                                        \
		__typeof__(p) take_ = (p);                                     \
		(p) = NULL;                                                    \
		take_;                                                         \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Memory or key safety is at stake: always compiled, never returns. */
#define BUG_ON(cond)                                                           \
	do {                                                                   \
		if (__builtin_expect(!!(cond), 0))                             \
			__builtin_trap();                                      \
	} while (0)

static inline void free_ptr(void *p)
{
	free(p);
}
AUTO_DEFINE(char, free_ptr)

#endif
