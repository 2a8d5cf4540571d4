/* The inside of the decision, shared by decide.c, doubles.c, leaklist.c. */
#ifndef IAD_CRAWL_DECIDE_PARTS_H
#define IAD_CRAWL_DECIDE_PARTS_H

#include "crawl/hash/copyfind.h"
#include "crawl/session/decide.h"

iad_status iad_leak_list_has(const iad_leak_list *list, const uint8_t pixel_sha256[32], const uint64_t leak_hash[4], int *leak, iad_err *err);

/* A double of what? */
typedef struct iad_double {
    const char *why;            /* NULL: of nothing; file, pixels, near */
    size_t place;               /* as it was added; 0: of an earlier decision */
    int64_t of_hit, of_category;
    int64_t alike;              /* a hit that should be looked at, 0 none */
} iad_double;

/* Compares with all that was added. */
iad_status iad_doubles_find(iad_doubles *doubles, int64_t picture_id, const uint8_t pixel_sha256[32], const iad_signature *signature,
                            iad_double *found, iad_err *err);
iad_status iad_doubles_add(iad_doubles *doubles, int64_t picture_id, const uint8_t pixel_sha256[32], const iad_signature *signature, int64_t hit_id,
                           int64_t category_id, size_t place, iad_err *err);
/* The decision is over: places are forgotten, hits stay. */
void iad_doubles_close(iad_doubles *doubles, const iad_decision *decision);

#endif
