/* What a data set adapter is: it reads directory names and lists, and says which pictures there are and what is known of
 * them. It decodes nothing and writes nothing: the ingest engine (ingest.h) hashes, decodes, checks and stores.
 *
 * One adapter = one file adapter_<name>.c with one `const iad_adapter iad_adapter_<name>`, listed in adapters.c. */
#ifndef IAD_MANIFESTS_ADAPTER_H
#define IAD_MANIFESTS_ADAPTER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/status.h"
#include "manifests/label.h"

typedef struct iad_ingest_box {
    double x0, y0, x1, y1; /* original pixels, x1 and y1 exclusive */
    const char *name;      /* class, may be NULL */
} iad_ingest_box;

/* One official split of the data set, when it has several ("visa-2cls-fewshot" -> "train"). */
typedef struct iad_ingest_split {
    const char *scheme, *part;
} iad_ingest_split;

/* One picture. Strings are borrowed for the duration of the call; NULL means unknown. Paths are relative to the root and
 * are checked by the engine (iad_path_safe and iad_path_inside): an unsafe one is refused by name, counted, and the run goes on. */
typedef struct iad_ingest_item {
    const char *path;
    const char *category;       /* required */
    const char *kind;           /* object | texture | multi | logical, or NULL */
    const char *split;          /* as the source says: train, validation, test, ... */
    iad_label label;
    const char *defect;         /* NULL for normals */
    const char *const *masks;   /* files whose union is the ground truth; none for normals and unmasked anomalies */
    size_t n_masks;
    int mask_parts;             /* 1: besides the union each file is kept as a region of its own (MVTec LOCO) */
    iad_mask_quality mask_quality;
    json_t *mask_values;        /* borrowed {"3": "scratch", ...} when the mask holds class ids; NULL: found out from the pixels */
    int label_from_mask;        /* 1: label and defect follow from whether the mask has a non-zero pixel (KolektorSDD) */
    const iad_ingest_box *boxes; /* boxes without a mask file: the engine fills them and calls the mask a box mask */
    size_t n_boxes;
    const iad_ingest_split *splits; /* besides `split` */
    size_t n_splits;
    const char *object_key;     /* pictures with the same key show the same physical object */
    const char *view, *light;
    int exemplar_ok;            /* 1: may serve as a normal example (the engine clears it for anything but normals) */
    const char *note;
} iad_ingest_item;

/* One question with its answer about pictures of the same data set (MMAD, VisA-D&R, Anomaly-Instruct). */
typedef struct iad_ingest_task {
    const char *task;           /* mmad | visa_dr | instruct | ... */
    const char *external_id;    /* unique within the data set: re-running adds nothing twice */
    const char *const *paths;   /* pictures in prompt order, relative to the root; the last is the query */
    size_t n_paths;
    const char *question, *answer;
    json_t *turns;              /* borrowed: several turns, options, question types; NULL for none */
    const char *part;           /* train | eval */
    const char *category;       /* of the query, may be NULL */
} iad_ingest_task;

/* Where an adapter delivers. Any status but IAD_OK must be passed on at once. */
typedef struct iad_ingest_sink {
    void *user;
    iad_status (*item)(void *user, const iad_ingest_item *item, iad_err *err);
    iad_status (*task)(void *user, const iad_ingest_task *task, iad_err *err);
    /* A record of the data set that cannot be used (broken row, missing file named by a list): counted and shown by name. */
    iad_status (*reject)(void *user, const char *name, const char *reason, iad_err *err);
    /* A remark for the user and the run's record ("masks found as NAME_mask.png"). */
    void (*remark)(void *user, const char *text);
} iad_ingest_sink;

/* Published number of pictures, for the table of counts. split NULL: all splits; category NULL: all categories. */
typedef struct iad_ingest_count {
    const char *category, *split;
    long normal, anomalous, unknown;
} iad_ingest_count;

/* Defect names that a category is known to have, for the same table: another one is an extra label. */
typedef struct iad_ingest_defects {
    const char *category;
    const char *names; /* separated by spaces; NULL: the category is known, its defects are not */
} iad_ingest_defects;

typedef struct iad_adapter {
    const char *name;          /* "--adapter NAME": lower case, hyphens */
    const char *title;         /* "MVTec AD" */
    const char *layout;        /* one line for --help */
    const char *options;       /* names of the --option keys it reads, separated by spaces; NULL: none */
    const char *licence, *licence_url, *citation;
    int redistributable, commercial; /* 0 no or unknown, 1 yes */
    int generic;               /* 1: a layout for anybody's pictures: the data set is called like its folder, not like the adapter */
    const char *origin;        /* real | rendered | web | generated */
    const char *eval_overlap;  /* "" or comma list: mvtec, visa, mmad: never trained on by default */
    const iad_ingest_count *counts; /* ended by {0}; NULL when nothing is published */
    const iad_ingest_defects *defects; /* ended by {0}; NULL: any name is fine */
    /* 0..100: how much the folder looks like this layout; used by --adapter auto. Cheap: reads a few directories. */
    int (*probe)(const char *root);
    /* May be NULL. A layout that several data sets share says which of them this folder is (MVTec-style folders: MVTec AD,
     * MPDD, ...); NULL or the adapter itself: none of the known ones. Licence, counts and eval_overlap come from the answer. */
    const struct iad_adapter *(*resolve)(const char *root, const json_t *options);
    /* options: --option key=value pairs as a JSON object of strings (borrowed, may be NULL). The engine refuses keys that
     * `options` does not list. */
    iad_status (*scan)(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err);
} iad_adapter;

/* The value of an option, or the fallback. */
static inline const char *iad_adapter_option(const json_t *options, const char *key, const char *fallback) {
    const char *value = options ? json_string_value(json_object_get(options, key)) : NULL;
    return value ? value : fallback;
}

/* One line per adapter, and one in the table of adapters.c. */
extern const iad_adapter iad_adapter_mvtec;
extern const iad_adapter iad_adapter_mvtec_ad;
extern const iad_adapter iad_adapter_ds_mvtec;
extern const iad_adapter iad_adapter_mpdd;
extern const iad_adapter iad_adapter_dtd_synthetic;
extern const iad_adapter iad_adapter_goodsad;
extern const iad_adapter iad_adapter_mvtec_loco;
extern const iad_adapter iad_adapter_mvtec_ad2;
extern const iad_adapter iad_adapter_visa;
extern const iad_adapter iad_adapter_btad;
extern const iad_adapter iad_adapter_miad;
extern const iad_adapter iad_adapter_folder;
extern const iad_adapter iad_adapter_list;
extern const iad_adapter iad_adapter_dagm;
extern const iad_adapter iad_adapter_eyecandies;
extern const iad_adapter iad_adapter_ksdd;
extern const iad_adapter iad_adapter_ksdd_cuts;
extern const iad_adapter iad_adapter_ksdd2;
extern const iad_adapter iad_adapter_real_iad;
extern const iad_adapter iad_adapter_std;
extern const iad_adapter iad_adapter_cid;
extern const iad_adapter iad_adapter_mmad;
extern const iad_adapter iad_adapter_anomaly_instruct;
extern const iad_adapter iad_adapter_anomaly_instruct_mvtec;
extern const iad_adapter iad_adapter_visa_dr;

/* NULL-terminated table of all adapters, and a look-up (NULL when unknown). */
const iad_adapter *const *iad_adapters(void);
const iad_adapter *iad_adapter_find(const char *name);
/* Best probe of all; NULL when none reaches 50. */
const iad_adapter *iad_adapter_guess(const char *root);

#endif
