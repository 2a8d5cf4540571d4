/* What encode_jpeg.c and encode_png.c share. */
#ifndef IAD_IMAGE_ENCODE_INTERNAL_H
#define IAD_IMAGE_ENCODE_INTERNAL_H

#include "base/buf.h"

/* A failed encoder leaves the buffer as it found it, `length` bytes long. */
static inline void iad_encode_undo(iad_buf *out, size_t length) {
    out->len = length;
    if (out->data) out->data[length] = 0;
}

#endif
