/* A contact sheet of a manifest's pictures: one HTML file without outside parts, thumbnails inside, ground truth
 * outlined. */
#ifndef IAD_MANIFESTS_GALLERY_H
#define IAD_MANIFESTS_GALLERY_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"
#include "manifests/manifest.h"

#define IAD_GALLERY_MAX_BYTES (1024u * 1024u * 1024u)

typedef struct iad_gallery_options {
    const char *dataset;           /* NULL: all */
    const iad_strings *categories; /* names; NULL or empty: all */
    const char *scheme;            /* split scheme, NULL: the source's */
    int per_category;              /* at most so many pictures, spread evenly over parts, labels and defects; >= 1 */
    int side;                      /* longest side of a thumbnail, pixels, 16..1024 */
    int quality;                   /* JPEG, 1..100 */
    int threads;                   /* >= 1 */
    const atomic_int *stop;        /* may be NULL */
    void (*progress)(void *user, size_t done, size_t failed); /* per picture; may be NULL */
    void *user;
} iad_gallery_options;

typedef struct iad_gallery_counts {
    size_t categories, pictures, failed; /* failed: shown with the reason instead of a thumbnail */
} iad_gallery_counts;

/* Appends the page to *html. The same manifest and files give the same bytes for any number of threads. Errors:
 * IAD_ERR_NOT_FOUND (nothing to show), IAD_ERR_LIMIT (page beyond the buffer's limit), IAD_ERR_INTERRUPTED, database
 * errors. */
iad_status iad_gallery_html(iad_manifest *manifest, const iad_gallery_options *options, iad_buf *html,
                            iad_gallery_counts *counts, iad_err *err);

#endif
