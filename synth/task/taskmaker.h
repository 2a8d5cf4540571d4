/* Makers of training records. A maker gets the pool of one category and calls emit once per record; every draw of a record comes from a seed made of
 * the master seed, the maker's name, the key of the record's leading picture and an ordinal: adding pictures or categories changes no other record.
 */
#ifndef IAD_SYNTH_TASKMAKER_H
#define IAD_SYNTH_TASKMAKER_H

#include "base/rng.h"
#include "manifests/records.h"
#include "synth/task/taskpool.h"
#include "synth/task/templates.h"

typedef struct iad_task_options {
    uint64_t seed;
    const iad_templates *templates;
    double per_picture;    /* records per leading picture and maker (the fraction by chance) */
    double zh_share;       /* share of Chinese records; 0.5 */
    double real_share;     /* of anomalous leading pictures where both kinds exist; 0.5 */
    /* stage 2 */
    double none_share;     /* outlier groups without outlier: 0.15; pairs without difference: 0.15 */
    double original_share; /* groups that hold the outlier's own original: 0.2 */
    double irregular_normal_share; /* 0.25 */
    double share[3];       /* outlier, difference, irregular: 0.35, 0.40, 0.25; relative rates */
    /* stage 3 */
    double stage3_share[3]; /* detection, localisation, reasoning: 0.55, 0.25, 0.20 */
    double shots_share[3];  /* 1, 2, 4 shots: 0.4, 0.3, 0.3 */
    double canonical_share; /* of detection records: 0.5 */
    double bare_share;      /* answers that are only Yes or No: 0.5 */
    double light_share;     /* exemplars from another light: 0.1 */
    int codec_jitter;       /* 1: every picture gets a jitter with a codec step */
} iad_task_options;
iad_task_options iad_task_options_default(void);

typedef struct iad_task_sink {
    /* Borrowed for the call. row->dataset_id, category_id, seed, external_id ("<maker>/<hex of the seed>"), part are set by the maker. */
    iad_status (*emit)(void *user, const iad_task_row *row, iad_err *err);
    /* A leading picture that could not be used, and why (static text): counted and reported, e.g. "no caption", "mask unknown", "too few normals". */
    void (*skip)(void *user, const char *maker, const char *reason);
    void *user;
} iad_task_sink;

typedef struct iad_task_maker {
    const char *name; /* "caption", "outlier", "difference", "irregular", "detect", "localise", "reason" */
    int stage;
    /* manifest: for what the pool does not hold (captions, masks). */
    iad_status (*make)(iad_manifest *manifest, const iad_task_pool *pool, const iad_task_options *options, const iad_task_sink *sink, iad_err *err);
} iad_task_maker;
extern const iad_task_maker iad_maker_caption, iad_maker_outlier, iad_maker_difference, iad_maker_irregular, iad_maker_detect, iad_maker_localise,
    iad_maker_reason;
const iad_task_maker *const *iad_task_makers(size_t *n);

/* ---- for makers (makerkit.c) ---- */

/* Seed of record number `ordinal` that item leads. */
uint64_t iad_task_seed(uint64_t master, const char *maker, const iad_pool_item *item, uint32_t ordinal);
/* Draws n different items that may stand beside `lead` as normals (same view and light unless other_light, good, not test, exemplar_ok, not lead, not
 * its original, not its object). Returns how many there were (<= n). */
size_t iad_draw_normals(const iad_task_pool *pool, const iad_pool_item *lead, iad_rng *rng, int other_light, size_t n, const iad_pool_item **items);
/* Number of records for a leading item: per_picture * rate, the fraction decided by its key. */
uint32_t iad_record_count(uint64_t master, const char *maker, const iad_pool_item *item, double expected);
/* "<image>\n" n times; with numbers 1: "Image 1: <image>\n". Appended. */
iad_status iad_image_marks(size_t n, int numbered, iad_buf *out, iad_err *err);
/* What a defect is called in a sentence ("scratch_head" -> "scratch head"; the generators' kinds -> what they look like; NULL -> "defect"), in en or
 * zh. Appended. */
iad_status iad_defect_words(const char *defect, const char *lang, iad_buf *out, iad_err *err);

#endif
