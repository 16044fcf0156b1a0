#include "config.h"
#include "base/wire.h"

#include "base/banned.h"

uint32_t le32_get(struct le32 v)
{
	return (uint32_t)v.b[0] | (uint32_t)v.b[1] << 8 |
		(uint32_t)v.b[2] << 16 | (uint32_t)v.b[3] << 24;
}

uint64_t le64_get(struct le64 v)
{
	uint64_t n = 0;

	for (int i = 7; i >= 0; i--)
		n = n << 8 | v.b[i];
	return n;
}

uint16_t be16_get(struct be16 v)
{
	return (uint16_t)(v.b[0] << 8 | v.b[1]);
}

uint32_t be32_get(struct be32 v)
{
	return (uint32_t)v.b[0] << 24 | (uint32_t)v.b[1] << 16 |
		(uint32_t)v.b[2] << 8 | (uint32_t)v.b[3];
}

uint64_t be64_get(struct be64 v)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | v.b[i];
	return n;
}

struct le32 le32_make(uint32_t v)
{
	return (struct le32){ { (uint8_t)v, (uint8_t)(v >> 8),
		(uint8_t)(v >> 16), (uint8_t)(v >> 24) } };
}

struct le64 le64_make(uint64_t v)
{
	struct le64 w;

	for (int i = 0; i < 8; i++)
		w.b[i] = (uint8_t)(v >> (8 * i));
	return w;
}

struct be16 be16_make(uint16_t v)
{
	return (struct be16){ { (uint8_t)(v >> 8), (uint8_t)v } };
}

struct be32 be32_make(uint32_t v)
{
	return (struct be32){ { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
		(uint8_t)(v >> 8), (uint8_t)v } };
}

struct be64 be64_make(uint64_t v)
{
	struct be64 w;

	for (int i = 0; i < 8; i++)
		w.b[i] = (uint8_t)(v >> (56 - 8 * i));
	return w;
}
