/* What the benchmark can measure: a scorer takes a few normal pictures and then gives each query a score and a map. */
#ifndef IAD_BENCH_SCORER_H
#define IAD_BENCH_SCORER_H

#include <jansson.h>

#include "base/args.h"
#include "base/image/image.h"
#include "base/status.h"

/* What the command line says about the scorer; each scorer reads what concerns it. */
typedef struct iad_scorer_options {
    const char *model, *device, *weights, *vision_weights, *image_size; /* iadgpt */
    double retention;                                                   /* iadgpt; 0: as the checkpoint says */
    int threads;                                                        /* iadgpt: of its kernels */
    int (*stopped)(void *user);                                         /* polled while a model is loaded; may be NULL */
    void *user;
} iad_scorer_options;

enum { IAD_SCORER_N_OPTIONS = 6 };
/* Defaults, and rows for an option table; returns how many were written (IAD_SCORER_N_OPTIONS). */
void iad_scorer_options_init(iad_scorer_options *options);
int iad_scorer_options_rows(iad_scorer_options *options, iad_arg *rows);

typedef struct iad_scorer iad_scorer;
struct iad_scorer {
    const char *name, *summary;
    char version[160];  /* stored with every result; changes whenever scores may change. open may add to it */
    int serial;         /* 1: uses all threads by itself; prepare and score are called from one thread */
    void *context;      /* of an opened scorer */
    /* NULL: nothing to open. Fills scorer->context; scorer is the caller's copy. */
    iad_status (*open)(const iad_scorer_options *options, iad_scorer *scorer, iad_err *err);
    void (*close)(void *context);
    /* exemplars[n] normal pictures, n >= 1, not kept. The model is immutable: unless serial, score may be called from many threads. */
    iad_status (*prepare)(void *context, const iad_image *exemplars, int n, void **model, iad_err *err);
    /* *score: higher is more anomalous. *map: initialised here, covers the whole query in any resolution. */
    iad_status (*score)(const void *model, const iad_image *query, double *score, iad_plane *map, iad_err *err);
    void (*release)(void *model); /* NULL is fine */
    /* Adds what it measured about itself (stages, memory) to the timings of the run; may be NULL. */
    iad_status (*timings)(void *context, json_t *timings, iad_err *err);
};

/* Copies the scorer of this name; IAD_ERR_ARG lists the names there are. */
iad_status iad_scorer_find(const char *name, iad_scorer *scorer, iad_err *err);

extern const iad_scorer iad_scorer_iadgpt; /* scorer_iadgpt.c */

#endif
