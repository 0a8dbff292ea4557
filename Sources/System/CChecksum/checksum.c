#include "CChecksum.h"

#if defined(__x86_64__)

#include <nmmintrin.h>
#include <string.h>

int checksum_has_instruction(void) { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2")))
uint32_t checksum_crc32c(const void *bytes, size_t count, uint32_t seed) {
    const unsigned char *next = bytes;
    uint64_t state = (uint32_t)~seed;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        state = _mm_crc32_u64(state, word);
    }
    for (; count > 0; count--, next++) state = _mm_crc32_u8((uint32_t)state, *next);
    return ~(uint32_t)state;
}

#else

int checksum_has_instruction(void) { return 0; }

uint32_t checksum_crc32c(const void *bytes, size_t count, uint32_t seed) {
    (void)bytes;
    (void)count;
    return seed;
}

#endif
