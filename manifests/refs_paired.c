/* Template and test pictures that belong together by number: each query is shown the defect-free picture of its own
 * board. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/refs_rule.h"

/* Two names for a picture: its stem, and the digit runs of the stem ("00041000_temp" -> "00041000", "a1_b22" ->
 * "1.22"). */
typedef struct pair_key {
    char stem[200], digits[200];
    const iad_image_row *picture;
    size_t index;
} pair_key;

static void make_key(pair_key *key, const iad_image_row *picture, size_t index) {
    size_t n = 0;
    iad_path_stem(key->stem, sizeof key->stem, picture->path);
    for (const char *p = key->stem; *p; p++) {
        int digit = isdigit((unsigned char)*p);
        if (!digit && (n == 0 || key->digits[n - 1] == '.')) continue;
        key->digits[n++] = digit ? *p : '.';
    }
    while (n && key->digits[n - 1] == '.') n--;
    key->digits[n] = 0;
    key->picture = picture;
    key->index = index;
}

static int by_stem(const void *a, const void *b) {
    const pair_key *x = a, *y = b;
    int order = strcmp(x->stem, y->stem);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int by_digits(const void *a, const void *b) {
    const pair_key *x = a, *y = b;
    int order = strcmp(x->digits, y->digits);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* First entry with this text in keys[n], sorted by it. */
static const pair_key *lookup(const pair_key *keys, size_t n, const char *text, int digits) {
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(digits ? keys[mid].digits : keys[mid].stem, text) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo < n && !strcmp(digits ? keys[lo].digits : keys[lo].stem, text) ? &keys[lo] : NULL;
}

static iad_status pair_query(const iad_refs_pool *pool, const iad_image_row *query, const pair_key *partner, int shots,
                             iad_refs_choice *choice, iad_err *err) {
    iad_refs_own *own = iad_refs_own_add(choice, query, err);
    if (!own) return err ? err->code : IAD_ERR_NOMEM;
    own->picks[own->n++] = partner->picture;
    for (size_t i = 0; i < pool->n_train_all && own->n < (size_t)shots; i++) {
        const iad_image_row *other = pool->train_all[i];
        int same_object = query->object_key && other->object_key && !strcmp(query->object_key, other->object_key);
        if (other != partner->picture && !same_object) own->picks[own->n++] = other;
    }
    if (own->n < (size_t)shots)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "rule paired: %s/%s: %d shots wanted, %zu training normals",
                        pool->dataset, pool->category, shots, pool->n_train_all);
    return IAD_OK;
}

iad_status iad_refs_choose_paired(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                  iad_refs_choice *choice, iad_err *err) {
    /* An aligned template may share its object with the query: that is the point. */
    size_t n = pool->n_train_all;
    choice->same_object_fine = 1;
    pair_key *stems = iad_alloc(n, sizeof *stems), *digits = iad_alloc(n, sizeof *digits);
    iad_status status = stems && digits ? IAD_OK : IAD_NOMEM(err, "numbers of pictures");
    for (size_t i = 0; status == IAD_OK && i < n; i++) make_key(&stems[i], pool->train_all[i], i);
    if (status == IAD_OK) {
        memcpy(digits, stems, n * sizeof *stems);
        qsort(stems, n, sizeof *stems, by_stem);
        qsort(digits, n, sizeof *digits, by_digits);
    }
    for (size_t i = 0; status == IAD_OK && i < pool->n_tests; i++) {
        pair_key key;
        make_key(&key, pool->tests[i], i);
        const pair_key *partner = lookup(stems, n, key.stem, 0);
        if (!partner && key.digits[0]) partner = lookup(digits, n, key.digits, 1);
        if (partner) status = pair_query(pool, pool->tests[i], partner, shots, choice, err);
        else if (strict)
            status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "rule paired: %s/%s: no training normal with the number of %s",
                              pool->dataset, pool->category, pool->tests[i]->path);
        else choice->n_unpaired++;
    }
    free(stems);
    free(digits);
    if (status != IAD_OK) return status;
    if (choice->n_own == 0 && pool->n_tests)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND,
                        "rule paired: %s/%s: no test picture has the number of a training normal (first: %s)",
                        pool->dataset, pool->category, pool->tests[0]->path);
    if (choice->n_unpaired)
        snprintf(choice->note, sizeof choice->note,
                 "%zu of %zu test pictures have no partner: they get the first %d of the sorted list",
                 choice->n_unpaired, pool->n_tests, shots);
    if (!choice->n_unpaired && pool->n_train < (size_t)shots) return IAD_OK; /* nobody needs common ones */
    return iad_refs_take_slice(pool, rule, 0, shots, choice, err);
}
