/* Pictures that a benchmark judges with: a crawl must not hold them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "crawl/session/decide_parts.h"
#include "manifests/identity.h"
#include "manifests/query.h"

#define MAX_PICTURES 50000000u

struct iad_leak_list {
    iad_hamming *index;
    uint8_t (*pixels)[32]; /* sorted before the first question */
    size_t n, cap;
    int sorted;
};

iad_status iad_leak_list_new(iad_leak_list **out, iad_err *err) {
    iad_leak_list *list = iad_calloc(1, sizeof *list);
    *out = list;
    if (!list) return IAD_NOMEM(err, "benchmark pictures");
    iad_status status = iad_hamming_new(1, &list->index, err);
    if (status != IAD_OK) {
        free(list);
        *out = NULL;
    }
    return status;
}

void iad_leak_list_free(iad_leak_list *list) {
    if (!list) return;
    iad_hamming_free(list->index);
    free(list->pixels);
    free(list);
}

size_t iad_leak_list_count(const iad_leak_list *list) {
    return list ? list->n : 0;
}

static int by_bytes(const void *a, const void *b) {
    return memcmp(a, b, 32);
}

iad_status iad_leak_list_add(iad_leak_list *list, iad_manifest *m, iad_err *err) {
    iad_query q;
    IAD_TRY(
        iad_query_open(&q, m, "image",
                       "SELECT i.pixel_sha256,i.phash FROM image i JOIN dataset d ON d.id=i.dataset_id WHERE i.bad=0 AND coalesce(d.origin,'')<>'web'"
                       " AND (i.part='test' OR d.eval_overlap<>'') ORDER BY i.id",
                       err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        void *pixels = list->pixels;
        status = iad_grow(&pixels, &list->cap, list->n + 1, sizeof *list->pixels, MAX_PICTURES, "benchmark pictures", err);
        list->pixels = pixels;
        if (status != IAD_OK || !iad_query_col_bytes(&q, 0, list->pixels[list->n], 32) || iad_query_col_null(&q, 1)) continue;
        uint64_t hash = (uint64_t)iad_query_col_i64(&q, 1);
        status = iad_hamming_add(list->index, &hash, err);
        list->n += status == IAD_OK;
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (list->n) qsort(list->pixels, list->n, 32, by_bytes);
    return status != IAD_OK ? status : closed;
}

iad_status iad_leak_list_has(const iad_leak_list *list, const uint8_t pixel_sha256[32], const uint64_t leak_hash[4], int *leak, iad_err *err) {
    *leak = 0;
    if (!list || !list->n) return IAD_OK;
    if (bsearch(pixel_sha256, list->pixels, list->n, 32, by_bytes)) {
        *leak = 1;
        return IAD_OK;
    }
    iad_hamming_hits hits = {0};
    iad_status status = IAD_OK;
    for (int turn = 0; turn < 4 && status == IAD_OK && !*leak; turn++) {
        status = iad_hamming_find(list->index, &leak_hash[turn], IAD_LEAK_MAX_DISTANCE, &hits, err);
        *leak = status == IAD_OK && hits.n > 0;
    }
    iad_hamming_hits_deinit(&hits);
    return status;
}
