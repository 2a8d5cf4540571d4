#include "crawl/session/signatureblob.h"

#include <zlib.h>

iad_status iad_signature_blob_make(const iad_signature *signature, uint8_t blob[IAD_SIGNATURE_BLOB_MAX], size_t *n, iad_err *err) {
    uint8_t packed[IAD_SIGNATURE_BYTES];
    uLongf size = IAD_SIGNATURE_BLOB_MAX;
    iad_signature_pack(signature, packed);
    if (compress2(blob, &size, packed, sizeof packed, 1) != Z_OK) return IAD_FAIL(err, IAD_ERR_INTERNAL, "a signature cannot be compressed");
    *n = size;
    return IAD_OK;
}

iad_status iad_signature_blob_read(const void *blob, size_t n, iad_signature *signature, iad_err *err) {
    uint8_t packed[IAD_SIGNATURE_BYTES];
    uLongf size = sizeof packed;
    if (!blob || n > IAD_SIGNATURE_BLOB_MAX || uncompress(packed, &size, blob, (uLong)n) != Z_OK)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "damaged signature of a picture");
    return iad_signature_unpack(packed, size, signature, err);
}
