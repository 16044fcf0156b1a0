/*
 * checksum: see checksum.h.
 */
#include "config.h"

#include "engine/linux/checksum.h"

#include <netinet/in.h>
#include <string.h>

#include "base/banned.h"

static uint32_t load32(const uint8_t *b)
{
	uint32_t v;

	memcpy(&v, b, sizeof(v));
	return v;
}

/* The last LEN < 4 bytes, zeros behind them. */
static uint32_t load_tail(const uint8_t *b, size_t len)
{
	uint8_t last[4] = { 0 };

	for (size_t i = 0; i < len; i++)
		last[i] = b[i];
	return load32(last);
}

uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t len)
{
	size_t words = len / 4;

	/* 32-bit words into 64 bits: compilers make vectors of this loop. */
	for (size_t i = 0; i < words; i++)
		sum += load32(bytes + 4 * i);
	return sum + load_tail(bytes + 4 * words, len % 4);
}

uint64_t checksum_copy(
	uint64_t sum, uint8_t *dst, const uint8_t *src, size_t len)
{
	/* Two passes over what the first has brought into the cache measured
	 * faster than one of our own that loads, adds and stores. */
	memcpy(dst, src, len);
	return checksum_add(sum, dst, len);
}

uint64_t checksum_pseudo(const uint8_t *packet, enum ip_family family,
	uint8_t protocol, size_t len)
{
	bool v4 = family == IP_V4;
	uint64_t sum = checksum_add(0, packet + (v4 ? 12 : 8), v4 ? 8 : 32);

	return sum + htons(protocol) + htonl((uint32_t)len);
}

uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}
