/*
 * checksum: the Internet checksum (RFC 1071): one's complement sums that are
 * carried as 64 bits and folded once at the end. Sums are of the bytes as they
 * lie in memory, so no byte is ever swapped (RFC 1071 s2 (B)). Pure.
 */
#ifndef ENGINE_LINUX_CHECKSUM_H
#define ENGINE_LINUX_CHECKSUM_H

#include "base/ipnet.h"

#include <stddef.h>
#include <stdint.h>

/* Adds LEN <= 64 KiB bytes to SUM, an odd last one as if a zero followed. SUM
 * has room for 2^16 such calls. */
uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t len);
/* The same, and copies them to DST. */
uint64_t checksum_copy(
	uint64_t sum, uint8_t *dst, const uint8_t *src, size_t len);
/* Of the pseudo header (RFC 9293 s3.1, RFC 8200 s8.1) before LEN bytes of
 * PROTOCOL. PACKET begins with its IP header. */
uint64_t checksum_pseudo(const uint8_t *packet, enum ip_family family,
	uint8_t protocol, size_t len);
/* 16 bits, not inverted; to be stored with memcpy. */
uint16_t checksum_fold(uint64_t sum);

#endif
