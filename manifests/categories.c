#include "manifests/categories.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "manifests/tables.h"

#define MAX_FILE_BYTES (16u * 1024u * 1024u)
#define MAX_SLUG 64

static iad_status check_slug(const char *slug, iad_err *err) {
    size_t n = strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (n == 0 || slug[n] || n > MAX_SLUG || slug[0] == '_')
        return IAD_FAIL(err, IAD_ERR_FORMAT, "slug '%.80s': wants a-z 0-9 _ (at most %d)", slug, MAX_SLUG);
    return IAD_OK;
}

static iad_status parse_item(char *const *cells, size_t number, iad_product *item, iad_err *err) {
    static const char *const names[] = {"id", "group", "slug", "name_en", "query_en", "name_zh", "query_zh"};
    *item = (iad_product){0, cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]};
    IAD_TRY(iad_parse_i64(cells[0], 1, INT32_MAX, "id", &item->id, err));
    if ((size_t)item->id != number)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "id %lld: ids count from 1 without gaps", (long long)item->id);
    for (int i = 1; i < 7; i++) {
        size_t n = strlen(cells[i]);
        if (n == 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "no %s", names[i]);
        if (iad_utf8_valid(cells[i], n) != n) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s is not UTF-8", names[i]);
    }
    return check_slug(item->slug, err);
}

static int by_slug(const void *a, const void *b) {
    return strcmp((*(const iad_product *const *)a)->slug, (*(const iad_product *const *)b)->slug);
}

static iad_status check_unique(const iad_products *products, iad_err *err) {
    const iad_product **sorted = iad_alloc(products->n, sizeof *sorted);
    if (!sorted) return IAD_NOMEM(err, "categories");
    for (size_t i = 0; i < products->n; i++) sorted[i] = &products->items[i];
    qsort(sorted, products->n, sizeof *sorted, by_slug);
    iad_status status = IAD_OK;
    for (size_t i = 1; status == IAD_OK && i < products->n; i++)
        if (!strcmp(sorted[i - 1]->slug, sorted[i]->slug))
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: slug %s twice (ids %lld and %lld)", products->table.name,
                              sorted[i]->slug, (long long)sorted[i - 1]->id, (long long)sorted[i]->id);
    free(sorted);
    return status;
}

static iad_status build(iad_products *products, iad_err *err) {
    static const char *const names[] = {"id", "group", "slug", "name_en", "query_en", "name_zh", "query_zh"};
    size_t columns[7];
    for (int i = 0; i < 7; i++) IAD_TRY(iad_table_need(&products->table, names[i], &columns[i], err));
    products->items = iad_calloc(products->table.n_rows, sizeof *products->items);
    if (!products->items) return IAD_NOMEM(err, "categories");
    for (size_t r = 0; r < products->table.n_rows; r++) {
        char *cells[7];
        for (int i = 0; i < 7; i++) cells[i] = products->table.cells[r * products->table.n_columns + columns[i]];
        if (parse_item(cells, r + 1, &products->items[r], err) != IAD_OK) {
            if (err->code == IAD_ERR_ARG) err->code = IAD_ERR_FORMAT; /* a bad number in a file is no bad option */
            return iad_err_prefix(err, "%s: row %zu", products->table.name, r + 1);
        }
        products->n++;
    }
    return check_unique(products, err);
}

iad_status iad_products_parse(iad_products *products, const char *text, size_t n, const char *name, iad_err *err) {
    iad_err local = IAD_ERR_NONE;
    if (!err) err = &local;
    memset(products, 0, sizeof *products);
    IAD_TRY(iad_table_parse(&products->table, text, n, '\t', name, err));
    iad_status status = build(products, err);
    if (status != IAD_OK) iad_products_deinit(products);
    return status;
}

iad_status iad_products_builtin(iad_products *products, iad_err *err) {
    return iad_products_parse(products, iad_text_categories400, iad_text_categories400_size, "categories400.tsv", err);
}

iad_status iad_products_load(iad_products *products, const char *path, iad_err *err) {
    uint8_t *data = NULL;
    size_t n = 0;
    memset(products, 0, sizeof *products);
    IAD_TRY(iad_file_read(path, MAX_FILE_BYTES, &data, &n, err));
    iad_status status = iad_products_parse(products, (const char *)data, n, path, err);
    free(data);
    return status;
}

void iad_products_deinit(iad_products *products) {
    free(products->items);
    iad_table_deinit(&products->table);
    memset(products, 0, sizeof *products);
}

const iad_product *iad_products_find(const iad_products *products, const char *slug) {
    for (size_t i = 0; i < products->n; i++)
        if (!strcmp(products->items[i].slug, slug)) return &products->items[i];
    return NULL;
}
