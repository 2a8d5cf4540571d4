#include "manifests/ingest/visa_lists.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static int by_image(const void *a, const void *b) {
    return strcmp(((const iad_visa_row *)a)->image, ((const iad_visa_row *)b)->image);
}

static iad_status parse(iad_visa_list *list, const char *text, size_t n, const char *name, int annotation, iad_err *err) {
    size_t image, label, mask, split = 0;
    *list = (iad_visa_list){0};
    IAD_TRY(iad_table_parse(&list->table, text, n, ',', name, err));
    IAD_TRY(iad_table_need(&list->table, "image", &image, err));
    IAD_TRY(iad_table_need(&list->table, "label", &label, err));
    IAD_TRY(iad_table_need(&list->table, "mask", &mask, err));
    if (!annotation) IAD_TRY(iad_table_need(&list->table, "split", &split, err));
    list->rows = iad_calloc(list->table.n_rows, sizeof *list->rows);
    if (!list->rows) return IAD_NOMEM(err, name);
    for (size_t i = 0; i < list->table.n_rows; i++) {
        iad_visa_row *row = &list->rows[i];
        const char *word = iad_table_cell(&list->table, i, label);
        row->image = iad_table_cell(&list->table, i, image);
        row->mask = iad_table_cell(&list->table, i, mask);
        row->label = strcmp(word, "normal") == 0 ? IAD_LABEL_NORMAL : IAD_LABEL_ANOMALOUS;
        row->text = annotation ? word : iad_table_cell(&list->table, i, split);
        if (!annotation && row->label != IAD_LABEL_NORMAL && strcmp(word, "anomaly") != 0)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %.200s: label \"%.60s\" is neither normal nor anomaly", name, row->image, word);
    }
    list->n = list->table.n_rows;
    if (list->n) qsort(list->rows, list->n, sizeof *list->rows, by_image);
    for (size_t i = 1; i < list->n; i++)
        if (strcmp(list->rows[i].image, list->rows[i - 1].image) == 0)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %.200s is named twice", name, list->rows[i].image);
    return IAD_OK;
}

iad_status iad_visa_split_parse(iad_visa_list *list, const char *text, size_t n, const char *name, iad_err *err) {
    iad_status status = parse(list, text, n, name, 0, err);
    if (status != IAD_OK) iad_visa_list_deinit(list);
    return status;
}

iad_status iad_visa_annotation_parse(iad_visa_list *list, const char *text, size_t n, const char *name, iad_err *err) {
    iad_status status = parse(list, text, n, name, 1, err);
    if (status != IAD_OK) iad_visa_list_deinit(list);
    return status;
}

void iad_visa_list_deinit(iad_visa_list *list) {
    free(list->rows);
    iad_table_deinit(&list->table);
    *list = (iad_visa_list){0};
}

iad_visa_row *iad_visa_find(const iad_visa_list *list, const char *image) {
    size_t lo = 0, hi = list->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(list->rows[mid].image, image);
        if (order == 0) return &list->rows[mid];
        if (order < 0) lo = mid + 1;
        else hi = mid;
    }
    return NULL;
}
