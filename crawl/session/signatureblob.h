/* A picture's signature as a column of the manifest: packed, then deflated (the small grey picture in it is half of what it could be). */
#ifndef IAD_CRAWL_SIGNATUREBLOB_H
#define IAD_CRAWL_SIGNATUREBLOB_H

#include "crawl/hash/copyfind.h"

#define IAD_SIGNATURE_BLOB_MAX (IAD_SIGNATURE_BYTES + IAD_SIGNATURE_BYTES / 100 + 64)

/* *n: bytes of blob that are used. Errors: IAD_ERR_INTERNAL. */
iad_status iad_signature_blob_make(const iad_signature *signature, uint8_t blob[IAD_SIGNATURE_BLOB_MAX], size_t *n, iad_err *err);
/* IAD_ERR_FORMAT for anything that make did not write. */
iad_status iad_signature_blob_read(const void *blob, size_t n, iad_signature *signature, iad_err *err);

#endif
