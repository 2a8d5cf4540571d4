/* Exemplar sets: which normal pictures a few-shot method is shown. One set per category, view, rule, number of shots
 * and seed; stored with the files' hashes, so that a result names exactly what it was measured with.
 *
 * Rules; "sorted" is the bytewise order of the paths of the training normals that are eligible (exemplar_ok, the same
 * view, no object that is also among the test pictures): first                 the first k of the sorted list
 *   random:SEED           k drawn by a counter-based generator, anew for each k
 *   random-nested:SEED    ordered by SHA-256(seed as 8 bytes little endian, pixel hash), the first k: nested, stable
 * when pictures are added anomalygpt[:ROUND]    file names 4 ROUND .. of MVTec AD (round 3: 012 013 014 015), training
 * rows 4 ROUND .. of VisA's split_csv/1cls.csv (round 14, whose files are built in); other sets: positions in the
 * sorted list kagprompt             MVTec AD: names from 195 (k = 1, 2) or 194 (k = 4) up to the first missing one;
 * VisA: rounds 14, 57, 78 iipad                 file numbers 0 3 6 9 anomalydino:SEED      sorted, slice [seed k, (seed
 * + 1) k) univad[:ROUND]        sorted, slice [round, round + k), round 3 promptad-sorted       the published numbers
 * as positions in the sorted list metauas:1             k = 1; only the categories whose file is published in text, the
 * rest by list:FILE mmad[:FILE]           mmad.json: the first k of each query's random_templates (without FILE:
 * mmad.json in the data set's folder) mmad-similar[:FILE]   the same with similar_templates paired                the
 * training normal with the query's number (same file name without extension, else the same digits), then the first
 * others; queries without a partner get the first k and are counted list:FILE             pictures named by a file: one
 * path per line; or TSV, CSV or JSON lines with "path" and optional dataset, category, view, shots, query, sha256 (what
 * iad_refs_tsv and iad_refs_json write) */
#ifndef IAD_MANIFESTS_REFS_H
#define IAD_MANIFESTS_REFS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "manifests/arena.h"
#include "manifests/manifest.h"
#include "manifests/records.h"

#define IAD_REFS_MAX_SHOTS 64

/* Exemplars of one query that has its own. */
typedef struct iad_refs_query {
    int64_t query_id;
    const char *query_path;
    size_t first, n; /* in iad_refs_set.pictures */
} iad_refs_query;

typedef struct iad_refs_set {
    int64_t id; /* row, 0: not stored */
    int64_t category_id;
    const char *dataset, *category;
    const char *view; /* "" when the category has no views */
    const char *rule; /* as asked, with its seed or file name: "random:3" */
    int shots;
    uint64_t seed;
    int nested;              /* 1: the set with fewer shots is a prefix of this one, by the rule's construction */
    iad_image_row *pictures; /* first n_common for every query without its own, then those of `queries` */
    size_t n_pictures,
        n_common; /* n_common < shots only where the rule says so (kagprompt), or 0 when every query has its own */
    iad_refs_query *queries; /* sorted by query_id */
    size_t n_queries;
    size_t n_unpaired; /* test pictures without an own exemplar under a per-query rule */
    const char *note;  /* what the user should know, or NULL */
} iad_refs_set;

typedef struct iad_refs {
    iad_refs_set *sets; /* one per view of the category */
    size_t n, cap;
    iad_arena arena;
} iad_refs;
void iad_refs_deinit(iad_refs *refs);

typedef struct iad_refs_options {
    const char *scheme; /* split scheme, NULL: the source's */
    uint64_t seed;      /* for rules without ":SEED" of their own */
    int strict;         /* 1: a per-query rule fails when a test picture has no partner */
    int store;          /* 1: write the sets into the manifest (replacing equal keys) */
} iad_refs_options;

/* Chooses the exemplars of one category. Never from the test split, only normals that may serve (exemplar_ok), the same
 * view, no object that also appears among the queries. options may be NULL. *refs is filled (append). Errors name the
 * category and the wanted file: IAD_ERR_NOT_FOUND (rule cannot be met), IAD_ERR_ARG (unknown rule, shots),
 * IAD_ERR_FORMAT (bad list file). */
iad_status iad_refs_make(iad_manifest *manifest, int64_t category_id, const char *rule, int shots,
                         const iad_refs_options *options, iad_refs *refs, iad_err *err);

/* Reads stored sets back. category_id 0: all; rule NULL: all; shots 0: all. */
iad_status iad_refs_load(iad_manifest *manifest, int64_t category_id, const char *rule, int shots, iad_refs *refs,
                         iad_err *err);

/* The exemplars of one query: its own where it has some, else the common ones of the set with its view. Borrowed from
 * refs. IAD_ERR_NOT_FOUND when there is no set for the view or the set has no common pictures. */
iad_status iad_refs_for(const iad_refs *refs, const iad_image_row *query, const iad_image_row **pictures, size_t *n,
                        iad_err *err);

/* Text forms: JSON lines of {dataset, category, view, rule, seed, shots, rank, query, path, sha256}, or the same as TSV
 * with a header. Appended to out. */
iad_status iad_refs_json(const iad_refs *refs, iad_buf *out, iad_err *err);
iad_status iad_refs_tsv(const iad_refs *refs, int header, iad_buf *out, iad_err *err);

#endif
