/* scope: see scope.h. */
#include "config.h"

#include "meshd/scope.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static const struct {
	unsigned int scope;
	const char *name;
} names[] = {
	{ SCOPE_PUBLIC, "public" },
	{ SCOPE_LOCAL, "local" },
	{ SCOPE_ADMIN, "admin" },
	{ SCOPE_NODES_READ, "nodes:read" },
	{ SCOPE_NODES_WRITE, "nodes:write" },
	{ SCOPE_TOKENS_WRITE, "tokens:write" },
	{ SCOPE_ENROLL, "enroll" },
	{ SCOPE_AGENT, "agent" },
};

static bool parse(const char *name, size_t len, unsigned int *ret_scope)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i].name) == len &&
			memcmp(names[i].name, name, len) == 0) {
			*ret_scope = names[i].scope;
			return true;
		}
	return false;
}

bool scope_parse(const char *name, unsigned int *ret_scope)
{
	return parse(name, strlen(name), ret_scope);
}

const char *scope_name(unsigned int scope)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].scope == scope)
			return names[i].name;
	return "?";
}

bool scopes_parse(const char *text, unsigned int *ret_scopes)
{
	unsigned int scopes = 0, one;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (!parse(text, len, &one))
			return false;
		scopes |= one;
		text += len;
		if (*text && !*++text)
			return false;
	}
	*ret_scopes = scopes;
	return true;
}

const char *scopes_format(
	unsigned int scopes, char buf[static SCOPES_TEXT_SIZE])
{
	size_t len = 0;

	buf[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (scopes & names[i].scope)
			len += (size_t)snprintf(buf + len,
				SCOPES_TEXT_SIZE - len, "%s%s", len ? " " : "",
				names[i].name);
	return buf;
}
