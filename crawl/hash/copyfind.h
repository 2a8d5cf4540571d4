/* Near copies among the pictures of a crawl: the same picture scaled, compressed again, cut by a few percent, mirrored, turned, or with a
 * watermark. One place that says which hashes of a picture are kept and what distance makes a copy.
 *
 * A worker makes the signature of a picture (iad_signature_make); one thread asks and adds (iad_copies_find, iad_copies_add), in the order
 * of the pictures. On a restart the signatures of the kept pictures are read from the manifest and added again. */
#ifndef IAD_CRAWL_COPYFIND_H
#define IAD_CRAWL_COPYFIND_H

#include <stddef.h>
#include <stdint.h>

#include "base/image/image.h"
#include "crawl/hash/pdq.h"

#define IAD_SIGNATURE_SIDE 40     /* pixels of the small grey picture */
#define IAD_SIGNATURE_BYTES (2 + 8 + 32 + IAD_SIGNATURE_SIDE * IAD_SIGNATURE_SIDE) /* packed: version, quality, hashes, pixels */

/* What is kept of one picture in one position. */
typedef struct iad_signature {
    uint64_t dct; /* iad_phash */
    iad_pdq pdq;
    int quality;  /* of pdq, 0..100 */
    uint8_t grey[IAD_SIGNATURE_SIDE][IAD_SIGNATURE_SIDE]; /* the whole picture, whatever its shape, as means of areas */
} iad_signature;

/* turn[0] is what to keep; all eight positions (numbered as in iad_pdq_turns) are what to ask with. Pure, for worker threads. Errors:
 * as iad_pdq_turns, IAD_ERR_NOMEM. */
iad_status iad_signature_make(const iad_image *image, iad_signature turn[IAD_PDQ_TURNS], iad_err *err);

/* A blob for the manifest, the same on every machine. Errors: IAD_ERR_FORMAT (length, version, quality). */
void iad_signature_pack(const iad_signature *signature, uint8_t bytes[IAD_SIGNATURE_BYTES]);
iad_status iad_signature_unpack(const void *bytes, size_t n, iad_signature *signature, iad_err *err);

typedef enum iad_copy_kind {
    IAD_COPY_NONE = 0,
    IAD_COPY_ALIKE, /* to be looked at: the published distance, which different parts on white ground reach too */
    IAD_COPY_SAME   /* a copy: only one of the two is kept */
} iad_copy_kind;

typedef struct iad_copy_hit {
    int64_t id;      /* of the picture added before */
    iad_copy_kind kind;
    int turn;        /* position of the asking picture that matched, 0..7 */
    int pdq, dct;    /* distances in bits */
} iad_copy_hit;

typedef struct iad_copies iad_copies;

iad_status iad_copies_new(iad_copies **copies, iad_err *err);
void iad_copies_free(iad_copies *copies);
size_t iad_copies_count(const iad_copies *copies);

/* id: the caller's number of the picture, any value. Errors: IAD_ERR_NOMEM, IAD_ERR_LIMIT. */
iad_status iad_copies_add(iad_copies *copies, int64_t id, const iad_signature *signature, iad_err *err);

/* The best hit: SAME before ALIKE, then the smallest PDQ distance, then the smallest turn, then the picture that was added first;
 * hit->kind = IAD_COPY_NONE when there is none. Errors: IAD_ERR_NOMEM. */
iad_status iad_copies_find(iad_copies *copies, const iad_signature turn[IAD_PDQ_TURNS], iad_copy_hit *hit, iad_err *err);

#endif
