/* Any bytes as a manifest: refused or opened, and then read in every way, without a crash. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "manifests/check.h"
#include "manifests/gallery.h"
#include "manifests/manifest.h"
#include "manifests/pictures.h"
#include "manifests/refs.h"
#include "manifests/show.h"
#include "manifests/stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static iad_status ignore(void *user, const char *rule, const char *item, const char *text, iad_err *err) {
    (void)user, (void)rule, (void)item, (void)text, (void)err;
    return IAD_OK;
}

static void read_pictures(iad_manifest *m, int64_t category) {
    iad_err err;
    iad_image_list list = {0};
    iad_refs refs = {0};
    if (iad_image_tests(m, category, NULL, &list, &err) == IAD_OK)
        for (size_t i = 0; i < list.n && i < 20; i++) {
            iad_image mask = {0};
            char path[4096];
            (void)iad_image_path(m, list.items[i].id, path, sizeof path, &err);
            /* Sizes are the file's word: pictures of gigapixels are within the limits but take a while. */
            if ((int64_t)list.items[i].width * list.items[i].height > 1 << 20) continue;
            if (iad_image_mask(m, list.items[i].id, &mask, NULL, &err) == IAD_OK) iad_image_deinit(&mask);
        }
    iad_image_list_deinit(&list);
    static const char *const rules[] = {"first", "random-nested:1", "paired", "anomalygpt"};
    for (int i = 0; i < 4; i++) (void)iad_refs_make(m, category, rules[i], 2, NULL, &refs, &err);
    (void)iad_refs_load(m, category, NULL, 0, &refs, &err);
    iad_refs_deinit(&refs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    iad_manifest *m = NULL;
    if (size > 1u << 20 || iad_manifest_open_bytes(data, size, &m, &err) != IAD_OK) return 0;
    iad_check_counts counts;
    iad_check_options check = {.threads = 1};
    iad_check_sink sink = {NULL, ignore};
    (void)iad_check_run(m, &check, &sink, &counts, &err);
    json_t *json = NULL;
    if (iad_stats_json(m, NULL, NULL, &json, &err) == IAD_OK) json_decref(json);
    if (iad_show(m, "picture", "1", &json, &err) == IAD_OK) json_decref(json);
    iad_category_list categories = {0};
    if (iad_category_all(m, 0, &categories, &err) == IAD_OK)
        for (size_t i = 0; i < categories.n && i < 10; i++) read_pictures(m, categories.items[i].id);
    iad_category_list_deinit(&categories);
    iad_manifest_close(m);
    return 0;
}
