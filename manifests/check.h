/* Is the manifest sound? Every invariant as one named rule. */
#ifndef IAD_MANIFESTS_CHECK_H
#define IAD_MANIFESTS_CHECK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "manifests/manifest.h"

typedef struct iad_check_options {
    int files;              /* 1: every picture's file must exist and have its stored hash */
    int masks;              /* 1: every stored mask is decoded and measured */
    int no_leakage;         /* 1: skip the comparison of training with evaluation pictures */
    int store_leaks;        /* 1: mark leaking training pictures (dup_of, note); they are then no violation */
    int threads;            /* for files, >= 1 */
    const atomic_int *stop; /* may be NULL */
} iad_check_options;

/* One violation. rule: short name with hyphens; item: what it is about ("mvtec/screw/test/good/000.png", "task 17");
 * text: what is wrong. */
typedef struct iad_check_sink {
    void *user;
    iad_status (*violation)(void *user, const char *rule, const char *item, const char *text, iad_err *err);
} iad_check_sink;

typedef struct iad_check_counts {
    int64_t rules, violations, leaks, leaks_stored, files, masks;
} iad_check_counts;

/* Runs all rules. IAD_OK means that the check was carried out, whatever it found. Errors: the database cannot be read,
 * IAD_ERR_INTERRUPTED, or what the sink returned. */
iad_status iad_check_run(iad_manifest *manifest, const iad_check_options *options, const iad_check_sink *sink,
                         iad_check_counts *counts, iad_err *err);

/* Names of all rules and what each demands, for --help: the first n into out; returns how many there are. */
typedef struct iad_check_rule_info {
    const char *name, *text;
} iad_check_rule_info;
size_t iad_check_rules(iad_check_rule_info *out, size_t n);

#endif
