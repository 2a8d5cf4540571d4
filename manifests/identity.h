/* What makes two pictures the same: hashes of pixels, and everything that is computed from a mask. Pure functions for
 * worker threads. */
#ifndef IAD_MANIFESTS_IDENTITY_H
#define IAD_MANIFESTS_IDENTITY_H

#include <stdint.h>

#include "base/image/image.h"
#include "base/image/phash.h"
#include "base/status.h"
#include "manifests/records.h"

/* Percent of each border that is cut before the perceptual hash (frames, watermarks), and the largest Hamming distance
 * of a hit. */
#define IAD_LEAK_CROP_PERCENT 8
#define IAD_LEAK_MAX_DISTANCE IAD_PHASH_SAME

/* Identity of the decoded pixels: SHA-256 of "iadpix2\0", width, height, channels (32-bit little endian) and the XXH3-128
 * of the pixels (xxHash; most significant byte first). A picture without colour counts as one channel, so that a grey
 * picture and its RGB copy are equal, whatever the file format. SHA-256 over the pixels themselves would cost half as
 * much as decoding a JPEG. This tells pictures apart; it does not resist somebody who constructs a collision: the
 * file's own SHA-256 is there for that. */
iad_status iad_pixel_sha256(const iad_image *image, uint8_t digest[32], iad_err *err);

/* Perceptual hashes after the border crop, turned clockwise by 0, 90, 180, 270 degrees; the picture is read once. */
iad_status iad_leak_hash(const iad_image *image, uint64_t hash[4], iad_err *err);

/* Fills *row from mask pixels (1 channel, non-zero = defect). value_map: canonical JSON object text, or NULL for a
 * plain mask (then all non-zero values are the same). Computes hash, area, 8-connected components, boxes, PNG. Free
 * with iad_mask_row_deinit. */
iad_status iad_mask_prepare(const iad_image *mask, const char *value_map, iad_mask_quality quality, iad_mask_row *row,
                            iad_err *err);

#endif
