/* CRC-32C: the Castagnoli polynomial 0x1EDC6F41, reflected, initial value and final XOR 0xFFFFFFFF (RFC 3720, appendix B.4). Not zlib's crc32. */
#ifndef IAD_BASE_CRC32C_H
#define IAD_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Checksum of n more bytes behind those that gave `crc` (0 at the start). With the processor's instruction where there is one. */
uint32_t iad_crc32c(uint32_t crc, const void *bytes, size_t n);

/* The same in portable C: where there is no instruction, and its oracle. */
uint32_t iad_crc32c_plain(uint32_t crc, const void *bytes, size_t n);

#endif
