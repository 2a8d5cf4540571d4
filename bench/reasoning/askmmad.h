/* MMAD: multiple-choice questions, each asked alone. */
#ifndef IAD_BENCH_ASKMMAD_H
#define IAD_BENCH_ASKMMAD_H

#include "bench/reasoning/asklist.h"

typedef struct iad_mmad_options {
    const char *root; /* folder of the pictures */
    int shots;        /* templates shown with every question, 0..8; 1 in the published tables */
    int similar;      /* 1: the similar templates instead of the random ones */
    const char
        *knowledge; /* domain_knowledge.json, NULL: none is given. All that it says about the product is given, never only of the kind at hand */
} iad_mmad_options;

/* Text of mmad.json or of a file of that form: an object keyed by picture path, see manifests/ingest/adapter_mmad.c. Options are lettered A, B ... in
 * their order, as the published scripts do. Ids: "<path>#<number of the question from 0>". A template that is not there means fewer shots, noted.
 * Errors name the entry: IAD_ERR_FORMAT (no options, an answer that is none of them ...), IAD_ERR_LIMIT. */
iad_status iad_asks_mmad(iad_asks *asks, const char *text, size_t n, const char *name, const iad_mmad_options *options, iad_err *err);

#endif
