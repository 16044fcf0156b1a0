#include "config.h"

#include "tests/unit/vectors.h"
#include "tests/unit/coretest.h"

#include <stdio.h>

#include "base/banned.h"

static json_t *load(const char *name)
{
	const char *path = vector_path(name);
	json_error_t error;
	json_t *root;

	if (!path) {
		printf("# %s is not here: set MESH_VECTORS\n", name);
		skip();
	}
	root = json_load_file(path, 0, &error);
	if (!root)
		fail_msg("%s:%d: %s", path, error.line, error.text);
	return root;
}

void wycheproof_each(const char *name, vector_fn fn)
{
	json_t *root = load(name), *group, *test;
	size_t i, j, count = 0;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		json_array_foreach(json_object_get(group, "tests"), j, test)
		{
			fn(group, test);
			count++;
		}
	}
	printf("# %s: %zu vectors\n", name, count);
	assert_int_equal(count, vector_int(root, "numberOfTests"));
	json_decref(root);
}

void noise_vectors_each(const char *name, void (*fn)(const json_t *vector))
{
	json_t *root = load(name), *vector;
	size_t i, count = 0;

	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		fn(vector);
		count++;
	}
	printf("# %s: %zu vectors\n", name, count);
	assert_true(count > 0);
	json_decref(root);
}

const char *vector_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		fail_msg("vector without \"%s\"", key);
	return text;
}

int vector_int(const json_t *object, const char *key)
{
	return (int)json_integer_value(json_object_get(object, key));
}

size_t vector_bytes(
	const json_t *object, const char *key, uint8_t *ret, size_t cap)
{
	return hex_decode(vector_text(object, key), ret, cap);
}
