/* The heavy half of one picture: read, hash, decode, hash the pixels, read its masks. Runs on worker threads; touches no database. */
#ifndef IAD_MANIFESTS_INGEST_PICTURE_H
#define IAD_MANIFESTS_INGEST_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "manifests/ingest/ingest_file.h"
#include "manifests/ingest/ingest_list.h"
#include "manifests/records.h"

typedef enum iad_picture_outcome {
    IAD_PICTURE_READ = 0, /* row and masks are filled; row.bad says whether it decodes */
    IAD_PICTURE_KNOWN,    /* size and time are those of the stored row: nothing was read */
    IAD_PICTURE_MISSING,  /* not there or not readable: `reason` */
    IAD_PICTURE_OUTSIDE   /* a link leads out of the root */
} iad_picture_outcome;

typedef struct iad_picture_mask {
    iad_mask_row row;
    const char *role; /* gt | part */
} iad_picture_mask;

typedef struct iad_picture {
    iad_picture_outcome outcome;
    iad_image_row row;       /* strings: the item's, literals, or `reason` and `note` below */
    iad_picture_mask *masks; /* owned */
    size_t n_masks;
    int masks_failed;        /* ground truth that could not be used */
    char reason[400], note[1000];
} iad_picture;

/* What is known before: size and time of the file as stored. */
typedef struct iad_picture_before {
    int64_t bytes, mtime_ns;
    int read_again; /* 1: read it whatever size and time say */
} iad_picture_before;

/* before: NULL for a new picture. *picture is zeroed by the caller.
 * Only IAD_ERR_NOMEM and IAD_ERR_INTERNAL are failures; everything about the file is an outcome. */
iad_status iad_picture_read(const iad_ingest_root *root, const iad_ingest_entry *entry, const iad_picture_before *before, iad_picture *picture,
                            iad_err *err);
void iad_picture_deinit(iad_picture *picture);

#endif
