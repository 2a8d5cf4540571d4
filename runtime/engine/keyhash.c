#include <string.h>

#include "runtime/engine/engine.h"

iad_status iad_key_field(iad_sha256 *hash, const char *tag, const void *bytes, size_t n, iad_err *err) {
    uint64_t sizes[2] = {strlen(tag), n};
    IAD_TRY(iad_sha256_add(hash, sizes, sizeof sizes, err));
    IAD_TRY(iad_sha256_add(hash, tag, strlen(tag), err));
    return iad_sha256_add(hash, bytes, n, err);
}
