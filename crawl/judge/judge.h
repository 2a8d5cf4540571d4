/* Everything that can be said about one picture from its bytes alone: a pure function, for worker threads. */
#ifndef IAD_CRAWL_JUDGE_H
#define IAD_CRAWL_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/image/decode.h"
#include "base/status.h"
#include "crawl/hash/copyfind.h"
#include "crawl/judge/exiftext.h"
#include "crawl/judge/pixelstats.h"
#include "crawl/outcome.h"

typedef struct iad_judge_options {
    size_t min_bytes;     /* smaller files are icons and pixels of counters */
    double max_aspect;    /* longer side by shorter side */
    uint64_t max_pixels;
    int keep_animated;    /* 1: the first picture of an animation counts */
    int max_side;         /* > 0: keep a JPEG of at most this side instead of the file as received */
    int quality;          /* of that JPEG, 1..100 */
} iad_judge_options;
#define IAD_JUDGE_OPTIONS ((iad_judge_options){8192, 3.0, 64u << 20, 0, 0, 90})

typedef struct iad_judgement {
    iad_outcome outcome;  /* OK or why the picture is of no use to anybody */
    char detail[200];
    uint8_t sha256[32];   /* of the bytes */
    const char *kind;     /* "jpeg", "gif", "html" ... */
    iad_image_info info;  /* zeros when it cannot be decoded */
    iad_exif_text exif;
    int has_pixels;       /* 1: the fields below are set */
    uint8_t pixel_sha256[32];
    uint64_t leak_hash[4];
    iad_signature signature;
    iad_pixel_stats stats;
    iad_buf stored;       /* the file to keep when it is not the one received; empty otherwise */
    uint8_t stored_sha256[32];
    int stored_width, stored_height;
} iad_judgement;

/* Fills *judgement (owned, also on failure). Errors: IAD_ERR_NOMEM and the like only; everything that can be wrong with a picture is an outcome. */
iad_status iad_judge_picture(const void *bytes, size_t n, const iad_judge_options *options, iad_judgement *judgement, iad_err *err);
void iad_judgement_deinit(iad_judgement *judgement);

#endif
