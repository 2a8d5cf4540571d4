/* Sums that shrink pixels 32 times before a cryptographic hash sees them.
 *
 * SHA-256 over the pixels of a photograph costs as much as half its JPEG decoding. NH (Black, Halevi, Krawczyk,
 * Krovetz, Rogaway: UMAC, CRYPTO 1999, section 4) sums products of neighbouring 32-bit words under a key; two different
 * blocks of the same length agree in one 64-bit sum with probability at most 2^-32 over the key, in four sums under
 * shifted keys (the Toeplitz form of the same paper) with at most 2^-128. The key is fixed and public: this tells
 * pictures apart, it does not resist somebody who constructs a collision on purpose. */
#ifndef IAD_MANIFESTS_NHSUM_H
#define IAD_MANIFESTS_NHSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "base/status.h"

#define IAD_NHSUM_BLOCK 1024 /* bytes that become one group of sums */
#define IAD_NHSUM_BYTES 32   /* of one group: four 64-bit sums, little endian */
#define IAD_NHSUM_PASSES 4
#define IAD_NHSUM_SHIFT 4 /* 32-bit words of the key between two passes */

typedef struct iad_nhsum_key {
    uint32_t words[IAD_NHSUM_BLOCK / 4 + (IAD_NHSUM_PASSES - 1) * IAD_NHSUM_SHIFT];
} iad_nhsum_key;

/* The one key: Philox of a fixed seed, the same for ever and everywhere. About 2 microseconds. */
void iad_nhsum_key_init(iad_nhsum_key *key);

/* Sums of n bytes: one group per started block, the last block padded with zeros (the caller's hash must cover n).
 * sums[IAD_NHSUM_BYTES * blocks]. The fast form uses AVX2 where there is one; both give the same bytes on every
 * machine. */
void iad_nhsum(const iad_nhsum_key *key, const uint8_t *bytes, size_t n, uint8_t *sums);
void iad_nhsum_scalar(const iad_nhsum_key *key, const uint8_t *bytes, size_t n, uint8_t *sums);

/* Feeds the sums of bytes[n] to a hash. n must be a multiple of IAD_NHSUM_BLOCK but for the last piece. */
iad_status iad_nhsum_hash(const iad_nhsum_key *key, iad_sha256 *hash, const uint8_t *bytes, size_t n, iad_err *err);

#endif
