/* SHA-256 (FIPS 180-4) over libcrypto. */
#ifndef IAD_BASE_SHA256_H
#define IAD_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_SHA256_BYTES 32
#define IAD_SHA256_HEX 65 /* with the final NUL */

typedef struct iad_sha256 {
    void *ctx; /* EVP_MD_CTX, owned */
} iad_sha256;

/* Streaming: init, add ..., final (which also frees) or deinit to give up. */
iad_status iad_sha256_init(iad_sha256 *hash, iad_err *err);
iad_status iad_sha256_add(iad_sha256 *hash, const void *bytes, size_t n, iad_err *err);
iad_status iad_sha256_final(iad_sha256 *hash, uint8_t digest[IAD_SHA256_BYTES], iad_err *err);
void iad_sha256_deinit(iad_sha256 *hash);
/* The end of a hash whose additions may have failed: `status` is how they went. Final when it is IAD_OK, else deinit and `status` again. */
iad_status iad_sha256_end(iad_sha256 *hash, iad_status status, uint8_t digest[IAD_SHA256_BYTES], iad_err *err);
/* The same as lower-case hexadecimal. */
iad_status iad_sha256_end_hex(iad_sha256 *hash, iad_status status, char hex[IAD_SHA256_HEX], iad_err *err);

/* One shot, as bytes and as lower-case hexadecimal. */
iad_status iad_sha256_bytes(const void *bytes, size_t n, uint8_t digest[IAD_SHA256_BYTES], iad_err *err);
iad_status iad_sha256_hex(const void *bytes, size_t n, char hex[IAD_SHA256_HEX], iad_err *err);
/* Hash of a whole file, streamed. */
iad_status iad_sha256_file(const char *path, uint8_t digest[IAD_SHA256_BYTES], iad_err *err);

/* Lower-case hexadecimal. */
void iad_hex(const uint8_t *bytes, size_t n, char *text /* 2n + 1 */);
/* Reads exactly 2n hexadecimal digits; IAD_ERR_FORMAT otherwise. */
iad_status iad_unhex(const char *text, uint8_t *bytes, size_t n, iad_err *err);

#endif
