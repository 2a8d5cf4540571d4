/* 64-bit perceptual hash by DCT: copies of one picture, resized or compressed again, lie a few bits apart. Hashes of unrelated
 * pictures differ in about half of the bits. Pictures of one aligned industrial category are near-duplicates of each other by
 * any such hash: it finds copies between data sets, it does not tell parts apart. */
#ifndef IAD_IMAGE_PHASH_H
#define IAD_IMAGE_PHASH_H

#include "base/image/image.h"

/* Distance up to which two pictures count as copies of one another. */
#define IAD_PHASH_SAME 6

/* Exact area means on 32 x 32 per channel, weighted to grey (Pillow's weights), 2-D DCT-II in integers; frequencies 1..8 by 1..8 (nothing that a
 * change of brightness or a ramp along one axis alone would move), bit 8 (v - 1) + (u - 1) set when the coefficient of horizontal frequency u and
 * vertical frequency v is above the median of the 64. The same bits on every machine. Errors: IAD_ERR_ARG (no picture), IAD_ERR_LIMIT (a side beyond
 * IAD_IMAGE_MAX_SIDE). */
iad_status iad_phash(const iad_image *image, uint64_t *hash, iad_err *err);

/* The hash after cutting `percent` (0..40) of the width off both sides and of the height off top and bottom, and of the picture
 * turned clockwise by 90 * turns degrees; turns 4..7: mirrored left to right first, then turned by turns - 4. Equal to iad_phash of
 * the picture so changed. Errors: IAD_ERR_ARG, IAD_ERR_LIMIT. */
iad_status iad_phash_variant(const iad_image *image, int percent, int turns, uint64_t *hash, iad_err *err);

/* All eight turns of iad_phash_variant at the price of one. */
iad_status iad_phash_turns(const iad_image *image, int percent, uint64_t hash[8], iad_err *err);

static inline int iad_hamming64(uint64_t a, uint64_t b) { return __builtin_popcountll(a ^ b); }

#endif
