/*
 * wire: integers as they travel. A struct of bytes has no alignment and cannot
 * be used without saying which order was meant.
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stdint.h>

struct le32 {
	uint8_t b[4];
};
struct le64 {
	uint8_t b[8];
};
struct be16 {
	uint8_t b[2];
};
struct be32 {
	uint8_t b[4];
};
struct be64 {
	uint8_t b[8];
};

uint32_t le32_get(struct le32 v);
uint64_t le64_get(struct le64 v);
uint16_t be16_get(struct be16 v);
uint32_t be32_get(struct be32 v);
uint64_t be64_get(struct be64 v);
struct le32 le32_make(uint32_t v);
struct le64 le64_make(uint64_t v);
struct be16 be16_make(uint16_t v);
struct be32 be32_make(uint32_t v);
struct be64 be64_make(uint64_t v);

#endif
