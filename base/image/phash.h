/* 64-bit perceptual hash by DCT. */
#ifndef IAD_IMAGE_PHASH_H
#define IAD_IMAGE_PHASH_H

#include "base/image/image.h"

/* Grey, area-resized to 32x32, 2-D DCT-II, the 8x8 lowest frequencies without the row and column of the constant term's
 * axis mixed in (documented in phash.c), bit = coefficient > median. Integer or double arithmetic only, the same bits on every machine. */
iad_status iad_phash(const iad_image *image, uint64_t *hash, iad_err *err);

/* The hash after cutting `percent` (0..40) of each border, and of the picture turned by 90 * turns degrees. */
iad_status iad_phash_variant(const iad_image *image, int percent, int turns, uint64_t *hash, iad_err *err);

static inline int iad_hamming64(uint64_t a, uint64_t b) { return __builtin_popcountll(a ^ b); }

#endif
