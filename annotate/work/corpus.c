#include "annotate/work/corpus.h"

#include <stdlib.h>
#include <string.h>

#include "annotate/check/minhash.h"
#include "base/alloc.h"
#include "base/sha256.h"
#include "manifests/query.h"

#define MAX_TEXTS 50000000u

typedef struct text_row {
    int64_t caption, image;
    uint64_t normal;
    uint32_t size; /* of its group */
    uint8_t unit[32];
} text_row;

typedef struct corpus {
    text_row *rows;
    uint32_t *signatures, *group;
    size_t n, cap, sig_cap;
} corpus;

static iad_status load(iad_manifest *m, const char *aspect, const char *lang, corpus *c, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "caption",
                           "SELECT id,image_id,text,json_extract(params,'$.unit') FROM caption WHERE aspect=? AND lang=? AND json_valid(params)"
                           " AND json_extract(params,'$.unit') IS NOT NULL ORDER BY id",
                           err));
    iad_query_text(&q, aspect);
    iad_query_text(&q, lang);
    iad_status status = IAD_OK;
    c->n = 0;
    while (status == IAD_OK && iad_query_next(&q)) {
        const char *text = iad_query_col_text(&q, 2), *unit = iad_query_col_text(&q, 3);
        void *rows = c->rows, *signatures = c->signatures;
        if (!text || !unit) continue;
        status = iad_grow(&rows, &c->cap, c->n + 1, sizeof *c->rows, MAX_TEXTS, "texts", err);
        c->rows = rows;
        if (status == IAD_OK)
            status = iad_grow(&signatures, &c->sig_cap, (c->n + 1) * IAD_MINHASH_N, sizeof *c->signatures, MAX_TEXTS * (size_t)IAD_MINHASH_N, "texts",
                              err);
        c->signatures = signatures;
        if (status != IAD_OK) break;
        text_row *r = &c->rows[c->n];
        *r = (text_row){.caption = iad_query_col_i64(&q, 0), .image = iad_query_col_i64(&q, 1), .normal = iad_minhash_normal(text)};
        if (iad_unhex(unit, r->unit, 32, NULL) != IAD_OK) continue;
        iad_minhash_text(text, &c->signatures[c->n++ * IAD_MINHASH_N]);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static int by_normal(const void *a, const void *b) {
    const text_row *const *x = a, *const *y = b;
    if ((*x)->normal != (*y)->normal) return (*x)->normal < (*y)->normal ? -1 : 1;
    return (*x)->image < (*y)->image ? -1 : (*x)->image > (*y)->image;
}

static iad_status flag(iad_manifest *m, const text_row *r, const char *aspect, const char *what, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "annotate_verdict",
                           "INSERT INTO annotate_verdict(unit,check_name,field,weight,detail) VALUES(?,'template',?,'note',?)"
                           " ON CONFLICT(unit,check_name,field) DO UPDATE SET detail=excluded.detail",
                           err));
    iad_query_blob(&q, r->unit, 32);
    iad_query_text(&q, aspect);
    iad_query_text(&q, what);
    return iad_query_run(&q, "a verdict", err);
}

static iad_status show(iad_manifest *m, const text_row *r, int64_t n, iad_buf *worst, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "caption", "SELECT substr(replace(replace(text,char(9),' '),char(10),' '),1,160) FROM caption WHERE id=?", err));
    iad_query_i64(&q, r->caption);
    iad_status status = IAD_OK;
    if (iad_query_next(&q)) status = iad_buf_addf(worst, err, "%lld\t%s\n", (long long)n, iad_query_col_text(&q, 0));
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static iad_status judge(iad_manifest *m, const char *aspect, corpus *c, iad_corpus_counts *counts, iad_buf *worst, int *shown, iad_err *err) {
    text_row **order = iad_alloc(c->n, sizeof *order);
    c->group = iad_alloc(c->n, sizeof *c->group);
    iad_status status = order && c->group ? iad_minhash_groups(c->signatures, c->n, c->group, err) : IAD_NOMEM(err, "texts");
    for (size_t i = 0; status == IAD_OK && i < c->n; i++) {
        order[i] = &c->rows[i];
        c->rows[c->group[i]].size++;
    }
    for (size_t i = 0; status == IAD_OK && i < c->n; i++) {
        const text_row *head = &c->rows[c->group[i]];
        if (head->size <= IAD_CORPUS_MAX_LIKE) continue;
        counts->flagged++;
        status = flag(m, &c->rows[i], aspect, "nearly the same text as many other pictures", err);
        if (head != &c->rows[i]) continue;
        counts->like_groups++;
        if (status == IAD_OK && (*shown)++ < 10) status = show(m, head, head->size, worst, err);
    }
    if (status == IAD_OK) qsort(order, c->n, sizeof *order, by_normal);
    for (size_t i = 0, j; status == IAD_OK && i < c->n; i = j) {
        for (j = i; j < c->n && order[j]->normal == order[i]->normal; j++) {
        }
        int64_t pictures = 0;
        for (size_t k = i; k < j; k++) pictures += k == i || order[k]->image != order[k - 1]->image;
        if (pictures <= IAD_CORPUS_MAX_SAME) continue;
        counts->same_groups++;
        for (size_t k = i; k < j && status == IAD_OK; k++) {
            counts->flagged++;
            status = flag(m, order[k], aspect, "the same text as other pictures", err);
        }
        if (status == IAD_OK && (*shown)++ < 10) status = show(m, order[i], pictures, worst, err);
    }
    free(order);
    free(c->group);
    c->group = NULL;
    return status;
}

iad_status iad_corpus_templates(iad_manifest *m, iad_corpus_counts *counts, iad_buf *worst, iad_err *err) {
    static const char *const aspects[] = {"overall", "material", "structure", "surface", "defect"}, *const langs[] = {"en", "zh"};
    corpus c = {0};
    int shown = 0;
    memset(counts, 0, sizeof *counts);
    IAD_TRY(iad_manifest_begin(m, err));
    iad_status status = iad_query_exec(m, "DELETE FROM annotate_verdict WHERE check_name='template'", err);
    for (int i = 0; status == IAD_OK && i < 10; i++) {
        status = load(m, aspects[i / 2], langs[i % 2], &c, err);
        counts->texts += (int64_t)c.n;
        if (status == IAD_OK && c.n) status = judge(m, aspects[i / 2], &c, counts, worst, &shown, err);
    }
    free(c.rows);
    free(c.signatures);
    if (status == IAD_OK) return iad_manifest_commit(m, err);
    iad_manifest_rollback(m);
    return status;
}
