#include "synth/export/task_export_tar.h"

#include <inttypes.h>
#include <string.h>

/* POSIX.1-1988 ustar header; numbers are octal texts. */
static void fill_header(char block[IAD_EXPORT_TAR_BLOCK], const char *name, uint64_t n) {
    memset(block, 0, IAD_EXPORT_TAR_BLOCK);
    memcpy(block, name, strlen(name));
    memcpy(block + 100, "0000644", 8);
    memcpy(block + 108, "0000000", 8); /* owner */
    memcpy(block + 116, "0000000", 8); /* group */
    snprintf(block + 124, 12, "%011" PRIo64, n);
    memcpy(block + 136, "00000000000", 12); /* time */
    memset(block + 148, ' ', 8);            /* the checksum counts as blanks */
    block[156] = '0';
    memcpy(block + 257, "ustar", 6);
    memcpy(block + 263, "00", 2);
    memcpy(block + 329, "0000000", 8);
    memcpy(block + 337, "0000000", 8);
    unsigned sum = 0;
    for (int i = 0; i < IAD_EXPORT_TAR_BLOCK; i++) sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum & 0777777u); /* NUL, then the blank that is there */
}

iad_status iad_export_tar_add(iad_export_stream *tar, const char *name, const void *bytes, uint64_t n, iad_err *err) {
    static const char zeros[IAD_EXPORT_TAR_BLOCK];
    char block[IAD_EXPORT_TAR_BLOCK];
    if (strlen(name) >= IAD_EXPORT_TAR_MAX_NAME || !iad_path_safe(name))
        return IAD_FAIL(err, IAD_ERR_ARG, "\"%.120s\" cannot name a member of a tar file", name);
    if (n > 077777777777u) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: too large for a tar file", name);
    fill_header(block, name, n);
    IAD_TRY(iad_export_stream_add(tar, block, sizeof block, err));
    IAD_TRY(iad_export_stream_add(tar, bytes, (size_t)n, err));
    return iad_export_stream_add(tar, zeros, (IAD_EXPORT_TAR_BLOCK - n % IAD_EXPORT_TAR_BLOCK) % IAD_EXPORT_TAR_BLOCK, err);
}

iad_status iad_export_tar_end(iad_export_stream *tar, iad_err *err) {
    static const char zeros[2 * IAD_EXPORT_TAR_BLOCK];
    return iad_export_stream_add(tar, zeros, sizeof zeros, err);
}
