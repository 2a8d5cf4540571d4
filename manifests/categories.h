/* The 400 industrial product categories that the crawler searches for: names and search words in English and Chinese.
 */
#ifndef IAD_MANIFESTS_CATEGORIES_H
#define IAD_MANIFESTS_CATEGORIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/table.h"

typedef struct iad_product {
    int64_t id;                     /* 1 .. n in file order */
    const char *group;              /* "fasteners" */
    const char *slug;               /* "hex_bolt": a-z 0-9 _; unique; folder and category name */
    const char *name_en, *query_en; /* not empty */
    const char *name_zh, *query_zh; /* not empty, UTF-8 */
} iad_product;

typedef struct iad_products {
    iad_table table; /* owns the text */
    iad_product *items;
    size_t n;
} iad_products;

/* Parses and validates; IAD_ERR_FORMAT names the row. */
iad_status iad_products_parse(iad_products *products, const char *text, size_t n, const char *name, iad_err *err);
/* The built-in 400. */
iad_status iad_products_builtin(iad_products *products, iad_err *err);
iad_status iad_products_load(iad_products *products, const char *path, iad_err *err);
void iad_products_deinit(iad_products *products);
/* NULL when there is none. */
const iad_product *iad_products_find(const iad_products *products, const char *slug);

#endif
