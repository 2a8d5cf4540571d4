/* Near copies among the pictures of a crawl: the same picture scaled, compressed again, cut by a few percent, mirrored, turned, or with a
 * watermark. One place that says what of a picture is kept and what makes a copy.
 *
 * Hashes and coarse grey levels bring candidates; a comparison of small grey pictures, aligned, decides. Hashes alone do not: a cut of 5 percent or a
 * line of text moves a PDQ hash by 60 bits and more, while two circuit boards of one make are 28 bits apart.
 *
 * A worker makes the signature of a picture (iad_signature_make); one thread asks and adds (iad_copies_find, iad_copies_add), in the order
 * of the pictures. On a restart the signatures of the kept pictures are read from the manifest and added again. */
#ifndef IAD_CRAWL_COPYFIND_H
#define IAD_CRAWL_COPYFIND_H

#include <stddef.h>
#include <stdint.h>

#include "base/image/image.h"
#include "crawl/hash/pdq.h"

#define IAD_SIGNATURE_SIDE 80                                                                        /* pixels of the small grey picture */
#define IAD_SIGNATURE_BYTES (2 + IAD_PDQ_TURNS * (8 + 32) + IAD_SIGNATURE_SIDE * IAD_SIGNATURE_SIDE) /* packed: version, quality, hashes, pixels */

/* Likeness in thousandths (see gridmatch.h) from which on two pictures are the same, and from which on they are when their PDQ hashes are near, too.
 */
#define IAD_COPY_LIKENESS 963
#define IAD_COPY_LIKENESS_NEAR 850

typedef struct iad_signature {
    uint64_t dct[IAD_PDQ_TURNS]; /* iad_phash of the picture in its eight positions, as iad_phash_turns numbers them; [0] is the picture as it is */
    iad_pdq pdq[IAD_PDQ_TURNS];
    int quality;                                          /* of pdq, 0..100 */
    uint8_t grey[IAD_SIGNATURE_SIDE][IAD_SIGNATURE_SIDE]; /* the whole picture, whatever its shape, as means of areas */
} iad_signature;

/* Pure, for worker threads. Errors: as iad_pdq_turns, IAD_ERR_NOMEM. */
iad_status iad_signature_make(const iad_image *image, iad_signature *signature, iad_err *err);

/* A blob for the manifest, the same on every machine. Errors: IAD_ERR_FORMAT (length, version, quality). */
void iad_signature_pack(const iad_signature *signature, uint8_t bytes[IAD_SIGNATURE_BYTES]);
iad_status iad_signature_unpack(const void *bytes, size_t n, iad_signature *signature, iad_err *err);

typedef enum iad_copy_kind {
    IAD_COPY_NONE = 0,
    IAD_COPY_ALIKE, /* to be looked at: PDQ's published distance, which different parts on white ground reach too */
    IAD_COPY_SAME   /* a copy: only one of the two is kept */
} iad_copy_kind;

typedef struct iad_copy_hit {
    int64_t id; /* of the picture added before */
    iad_copy_kind kind;
    int turn;     /* position of the asking picture that matched, 0..7 */
    int pdq, dct; /* distances in bits */
    int likeness; /* 0..1000; IAD_MATCH_UNKNOWN: too flat to say, the hashes decided */
} iad_copy_hit;

typedef struct iad_copies iad_copies;

/* Memory: about 2.2 KB per picture. */
iad_status iad_copies_new(iad_copies **copies, iad_err *err);
void iad_copies_free(iad_copies *copies);
size_t iad_copies_count(const iad_copies *copies);

/* id: the caller's number of the picture, any value. Errors: IAD_ERR_NOMEM, IAD_ERR_LIMIT. */
iad_status iad_copies_add(iad_copies *copies, int64_t id, const iad_signature *signature, iad_err *err);

/* The best hit: SAME before ALIKE, then the largest likeness, then the smallest PDQ distance, then the picture that was added first;
 * hit->kind = IAD_COPY_NONE when there is none. Errors: IAD_ERR_NOMEM. */
iad_status iad_copies_find(iad_copies *copies, const iad_signature *signature, iad_copy_hit *hit, iad_err *err);

#endif
