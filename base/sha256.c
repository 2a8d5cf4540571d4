#include "base/sha256.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

iad_status iad_sha256_init(iad_sha256 *hash, iad_err *err) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    hash->ctx = ctx;
    if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        iad_sha256_deinit(hash);
        return IAD_FAIL(err, IAD_ERR_INTERNAL, "libcrypto offers no SHA-256");
    }
    return IAD_OK;
}

iad_status iad_sha256_add(iad_sha256 *hash, const void *bytes, size_t n, iad_err *err) {
    if (EVP_DigestUpdate(hash->ctx, bytes, n) != 1) return IAD_FAIL(err, IAD_ERR_INTERNAL, "SHA-256 update failed");
    return IAD_OK;
}

iad_status iad_sha256_final(iad_sha256 *hash, uint8_t digest[IAD_SHA256_BYTES], iad_err *err) {
    unsigned n = 0;
    int ok = EVP_DigestFinal_ex(hash->ctx, digest, &n) == 1 && n == IAD_SHA256_BYTES;
    iad_sha256_deinit(hash);
    return ok ? IAD_OK : IAD_FAIL(err, IAD_ERR_INTERNAL, "SHA-256 failed");
}

void iad_sha256_deinit(iad_sha256 *hash) {
    EVP_MD_CTX_free(hash->ctx);
    hash->ctx = NULL;
}

iad_status iad_sha256_end(iad_sha256 *hash, iad_status status, uint8_t digest[IAD_SHA256_BYTES], iad_err *err) {
    if (status == IAD_OK) return iad_sha256_final(hash, digest, err);
    iad_sha256_deinit(hash);
    return status;
}

iad_status iad_sha256_end_hex(iad_sha256 *hash, iad_status status, char hex[IAD_SHA256_HEX], iad_err *err) {
    uint8_t digest[IAD_SHA256_BYTES];
    IAD_TRY(iad_sha256_end(hash, status, digest, err));
    iad_hex(digest, sizeof digest, hex);
    return IAD_OK;
}

iad_status iad_sha256_bytes(const void *bytes, size_t n, uint8_t digest[IAD_SHA256_BYTES], iad_err *err) {
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    return iad_sha256_end(&hash, iad_sha256_add(&hash, bytes, n, err), digest, err);
}

iad_status iad_sha256_hex(const void *bytes, size_t n, char hex[IAD_SHA256_HEX], iad_err *err) {
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    return iad_sha256_end_hex(&hash, iad_sha256_add(&hash, bytes, n, err), hex, err);
}

iad_status iad_sha256_file(const char *path, uint8_t digest[IAD_SHA256_BYTES], iad_err *err) {
    FILE *file = fopen(path, "rbe");
    if (!file) return IAD_FAIL(err, errno == ENOENT ? IAD_ERR_NOT_FOUND : IAD_ERR_IO, "%s: %s", path, strerror(errno));
    iad_sha256 hash;
    iad_status status = iad_sha256_init(&hash, err);
    if (status != IAD_OK) {
        fclose(file);
        return status;
    }
    uint8_t chunk[1 << 16];
    size_t n;
    while (status == IAD_OK && (n = fread(chunk, 1, sizeof chunk, file)) > 0) status = iad_sha256_add(&hash, chunk, n, err);
    if (status == IAD_OK && ferror(file)) status = IAD_FAIL(err, IAD_ERR_IO, "%s: %s", path, strerror(errno));
    fclose(file);
    return iad_sha256_end(&hash, status, digest, err);
}

void iad_hex(const uint8_t *bytes, size_t n, char *text) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * n] = 0;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

iad_status iad_unhex(const char *text, uint8_t *bytes, size_t n, iad_err *err) {
    if (strlen(text) != 2 * n) return IAD_FAIL(err, IAD_ERR_FORMAT, "\"%.70s\" is not %zu hexadecimal digits", text, 2 * n);
    for (size_t i = 0; i < n; i++) {
        int hi = hex_digit(text[2 * i]), lo = hex_digit(text[2 * i + 1]);
        if (hi < 0 || lo < 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "\"%.70s\" is not %zu hexadecimal digits", text, 2 * n);
        bytes[i] = (uint8_t)(hi << 4 | lo);
    }
    return IAD_OK;
}
