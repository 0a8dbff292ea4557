#ifndef CCHECKSUM_H
#define CCHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Whether this processor has an instruction for CRC-32C; where it has none, the other function must not be called. */
int checksum_has_instruction(void);
/* The CRC-32C of bytes; seed is the checksum of the bytes before them. */
uint32_t checksum_crc32c(const void *bytes, size_t count, uint32_t seed);

#endif
