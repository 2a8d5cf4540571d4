/* The inside of exemplar selection: what a rule sees and what it returns. For refs*.c only. */
#ifndef IAD_MANIFESTS_REFS_RULE_H
#define IAD_MANIFESTS_REFS_RULE_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "manifests/pictures.h"
#include "manifests/refs.h"

/* "anomalydino:2" taken apart. */
typedef struct iad_refs_rule {
    char name[32];          /* before the ':' */
    char arg[IAD_PATH_MAX]; /* behind it, "" when absent */
    int has_arg;
    uint64_t number;     /* arg as a number, or the default; for rules with a number */
    char canonical[256]; /* how the rule is stored and compared */
} iad_refs_rule;

/* Everything of one view of one category. */
typedef struct iad_refs_pool {
    iad_manifest *manifest;
    const char *dataset, *category, *view;
    const char *root; /* absolute folder of the data set */
    int64_t category_id;
    const iad_image_row **train; /* eligible exemplars in order of their paths: train, normal, exemplar_ok, this view,
                                  * no object that is also among the tests */
    size_t n_train;
    const iad_image_row **train_all; /* the same without the last condition */
    size_t n_train_all;
    const iad_image_row **normals; /* of any part but test: for rules that name files */
    size_t n_normals;
    const iad_image_row **tests; /* queries of this view */
    size_t n_tests;
} iad_refs_pool;

/* Chosen for one query. */
typedef struct iad_refs_own {
    const iad_image_row *query;
    const iad_image_row *picks[IAD_REFS_MAX_SHOTS];
    size_t n;
} iad_refs_own;

typedef struct iad_refs_choice {
    const iad_image_row *picks[IAD_REFS_MAX_SHOTS]; /* for all queries */
    size_t n;
    iad_refs_own *own; /* owned */
    size_t n_own, cap_own;
    size_t n_unpaired;
    int same_object_fine; /* 1: the rule shows the query's own object on purpose */
    char note[256];
} iad_refs_choice;

typedef struct iad_refs_method {
    const char *name;
    enum { IAD_REFS_NO_ARG, IAD_REFS_SEED, IAD_REFS_ROUND, IAD_REFS_FILE } arg;
    uint64_t fallback;   /* ROUND: when no number is given */
    int nested;          /* 1 always, 0 never, -1 when the number is 0 */
    const char *summary; /* for --help */
    iad_status (*choose)(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                         iad_refs_choice *choice, iad_err *err);
} iad_refs_method;

/* NULL-named entry ends the table. */
const iad_refs_method *iad_refs_methods(void);
/* Takes the text apart; seed is used by rules without their own. IAD_ERR_ARG lists the known rules. */
iad_status iad_refs_rule_parse(const char *text, uint64_t seed, iad_refs_rule *rule, const iad_refs_method **method,
                               iad_err *err);

/* A new entry for `query`; NULL when memory is out (err is set). */
iad_refs_own *iad_refs_own_add(iad_refs_choice *choice, const iad_image_row *query, iad_err *err);

/* train[first .. first + shots) into the choice; IAD_ERR_NOT_FOUND names category and count when the list is too short.
 */
iad_status iad_refs_take_slice(const iad_refs_pool *pool, const iad_refs_rule *rule, size_t first, int shots,
                               iad_refs_choice *choice, iad_err *err);
/* The eligible picture whose file name without extension is `stem`; NULL when there is none. */
const iad_image_row *iad_refs_by_stem(const iad_refs_pool *pool, const char *stem);
/* "no exemplar 012 among the 5 training normals of mvtec/screw": what every name-based rule says. */
iad_status iad_refs_missing(const iad_refs_pool *pool, const iad_refs_rule *rule, const char *wanted, iad_err *err);

/* refs_published.c */
iad_status iad_refs_choose_anomalygpt(const iad_refs_pool *, const iad_refs_rule *, int, int, iad_refs_choice *,
                                      iad_err *);
iad_status iad_refs_choose_kagprompt(const iad_refs_pool *, const iad_refs_rule *, int, int, iad_refs_choice *,
                                     iad_err *);
iad_status iad_refs_choose_iipad(const iad_refs_pool *, const iad_refs_rule *, int, int, iad_refs_choice *, iad_err *);
iad_status iad_refs_choose_promptad(const iad_refs_pool *, const iad_refs_rule *, int, int, iad_refs_choice *,
                                    iad_err *);
iad_status iad_refs_choose_metauas(const iad_refs_pool *, const iad_refs_rule *, int, int, iad_refs_choice *,
                                   iad_err *);
/* refs_lists.c */
iad_status iad_refs_choose_mmad(const iad_refs_pool *, const iad_refs_rule *, int, int, iad_refs_choice *, iad_err *);
iad_status iad_refs_choose_list(const iad_refs_pool *, const iad_refs_rule *, int, int, iad_refs_choice *, iad_err *);
/* The text of a list file (n bytes and a NUL behind them) into the choice. */
iad_status iad_refs_list_read(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, const char *text,
                              size_t n, iad_refs_choice *choice, iad_err *err);
/* refs_paired.c */
iad_status iad_refs_choose_paired(const iad_refs_pool *, const iad_refs_rule *, int, int, iad_refs_choice *, iad_err *);

/* refs_store.c: writes one set, replacing the one with the same key; *set gets its id. */
iad_status iad_refs_store(iad_manifest *manifest, iad_refs_set *set, const char *scheme, iad_err *err);

#endif
