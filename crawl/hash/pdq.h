/* 256-bit perceptual hash of the PDQ class (Facebook, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", 2019):
 * grey picture, tent filter, 64 x 64 samples, DCT, frequencies 1..16 by 1..16, one bit per coefficient above the median; a quality that
 * says whether the picture has enough structure for the hash to mean anything.
 *
 * Two things differ from the published program, so that the result is the same on every machine and for every turn: everything is integer
 * arithmetic, and the filter lies symmetrically in the picture (theirs is shifted by up to a pixel). For pictures of 512 pixels and more
 * the two differ in 5 of the 256 bits on average and 14 at most; for smaller ones their shift counts and they differ in more. Compare hashes
 * of one program only. */
#ifndef IAD_CRAWL_PDQ_H
#define IAD_CRAWL_PDQ_H

#include <stdint.h>

#include "base/image/image.h"

/* Published advice: pictures at most so many bits apart are copies; below this quality the hash says nothing. */
#define IAD_PDQ_SAME 31
#define IAD_PDQ_MIN_QUALITY 50

#define IAD_PDQ_TURNS 8
#define IAD_PDQ_TEXT 65 /* 64 hexadecimal digits and the terminator */

/* Bit 16 (v - 1) + (u - 1) belongs to the coefficient of horizontal frequency u and vertical frequency v; word[0] holds bits 0..63. */
typedef struct iad_pdq {
    uint64_t word[4];
} iad_pdq;

/* hash[t] is the hash of the picture turned clockwise by 90 * t degrees, t = 0..3; 4..7: mirrored left to right first, then turned by
 * t - 4 (the numbering of iad_phash_turns). Each equals the hash of the picture so changed, bit for bit. `percent` (0..40) of the width
 * is cut off both sides and of the height off top and bottom. *quality: 0..100, the same for all turns. image: 1 or 3 channels.
 * Errors: IAD_ERR_ARG, IAD_ERR_LIMIT (a side beyond IAD_IMAGE_MAX_SIDE). */
iad_status iad_pdq_turns(const iad_image *image, int percent, iad_pdq hash[IAD_PDQ_TURNS], int *quality, iad_err *err);

/* hash[0] of iad_pdq_turns without a cut. */
iad_status iad_pdq_hash(const iad_image *image, iad_pdq *hash, int *quality, iad_err *err);

static inline int iad_pdq_distance(const iad_pdq *a, const iad_pdq *b) {
    return __builtin_popcountll(a->word[0] ^ b->word[0]) + __builtin_popcountll(a->word[1] ^ b->word[1]) +
           __builtin_popcountll(a->word[2] ^ b->word[2]) + __builtin_popcountll(a->word[3] ^ b->word[3]);
}

/* The usual text form: 64 lower-case hexadecimal digits, bit 255 first. Reading also takes upper case. Errors: IAD_ERR_FORMAT. */
void iad_pdq_text(const iad_pdq *hash, char text[IAD_PDQ_TEXT]);
iad_status iad_pdq_parse(const char *text, iad_pdq *hash, iad_err *err);

#endif
