#include "manifests/ingest/known.h"

#include <string.h>

#include "manifests/ingest/layout.h"
#include "manifests/ingest/scan.h"

int iad_known_category(const iad_adapter *adapter, const char *category) {
    for (const iad_ingest_count *c = adapter->counts; c && (c->category || c->split || c->normal || c->anomalous || c->unknown); c++)
        if (c->category && strcmp(c->category, category) == 0) return 1;
    for (const iad_ingest_defects *d = adapter->defects; d && d->category; d++)
        if (strcmp(d->category, category) == 0) return 1;
    return 0;
}

int iad_known_defect(const iad_adapter *adapter, const char *category, const char *defect) {
    for (const iad_ingest_defects *d = adapter->defects; d && d->category; d++)
        if (strcmp(d->category, category) == 0) return !d->names || iad_scan_in_list(d->names, defect);
    return 1;
}

/* Pictures in <root>/<folder>/train/<anything normal>. */
static long train_normals(const char *root, const char *folder) {
    static const char *const names[] = {"good", "ok", "normal"};
    long n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char train[IAD_PATH_MAX], path[IAD_PATH_MAX];
        iad_dir_list list;
        if (iad_path_join(train, sizeof train, folder, "train", NULL) != IAD_OK ||
            iad_path_join(path, sizeof path, train, names[i], NULL) != IAD_OK || iad_scan_list(root, path, &list, NULL) != IAD_OK)
            continue;
        for (size_t k = 0; k < list.n; k++) n += !list.items[k].is_dir && iad_scan_is_picture(list.items[k].name);
        iad_dir_list_deinit(&list);
    }
    return n;
}

static int defects_known(const iad_adapter *adapter, const char *root, const char *folder, const char *category) {
    static const char *const parts[] = {"test", "image"};
    int known = 1;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char path[IAD_PATH_MAX];
        iad_dir_list list;
        if (iad_path_join(path, sizeof path, folder, parts[i], NULL) != IAD_OK || iad_scan_list(root, path, &list, NULL) != IAD_OK)
            continue;
        for (size_t k = 0; k < list.n; k++)
            if (list.items[k].is_dir && !iad_scan_is_normal(list.items[k].name))
                known = known && iad_known_defect(adapter, category, list.items[k].name);
        iad_dir_list_deinit(&list);
    }
    return known;
}

static int train_fits(const iad_adapter *adapter, const char *root, const char *folder, const char *category) {
    for (const iad_ingest_count *c = adapter->counts; c && c->category; c++)
        if (strcmp(c->category, category) == 0 && c->split && strcmp(c->split, "train") == 0)
            return train_normals(root, folder) <= c->normal;
    return 1;
}

int iad_known_is(const iad_adapter *adapter, const char *root, const iad_strings *folders) {
    for (size_t i = 0; i < folders->n; i++) {
        char name[IAD_PATH_MAX];
        iad_layout_category_name(root, folders->items[i], 1, name, sizeof name);
        if (!iad_known_category(adapter, name) || !defects_known(adapter, root, folders->items[i], name) ||
            !train_fits(adapter, root, folders->items[i], name))
            return 0;
    }
    return folders->n > 0;
}

int iad_known_probe(const iad_adapter *adapter, const char *root) {
    iad_strings folders = {0};
    int is = iad_layout_categories(root, &folders, NULL) == IAD_OK && iad_known_is(adapter, root, &folders);
    iad_strings_deinit(&folders);
    return is ? 95 : 0;
}
