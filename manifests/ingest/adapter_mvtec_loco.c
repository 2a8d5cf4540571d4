/* MVTec LOCO AD: MVTec layout with validation/good, two defect folders, and masks as folders ground_truth/<type>/<stem>/000.png,
 * 001.png, ...: one file per region, whose pixel value names the defect by defects_config.json. All files count. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "manifests/ingest/adapter.h"
#include "manifests/ingest/layout.h"
#include "manifests/ingest/loco_config.h"
#include "manifests/ingest/scan.h"

#define MAX_CONFIG_BYTES (4u << 20)

#define ROW(name, train, val, good, structural, logical) \
    {name, "train", train, 0, 0}, {name, "validation", val, 0, 0}, {name, "test", good, (structural) + (logical), 0}
static const iad_ingest_count counts[] = {
    ROW("breakfast_box", 351, 62, 102, 83, 90), ROW("juice_bottle", 335, 54, 94, 94, 142),
    ROW("pushpins", 372, 69, 138, 81, 91),      ROW("screw_bag", 360, 60, 122, 82, 137),
    ROW("splicing_connectors", 360, 60, 119, 85, 108), {NULL, NULL, 0, 0, 0}};

#define BOTH "logical_anomalies structural_anomalies"
static const iad_ingest_defects defects[] = {{"breakfast_box", BOTH}, {"juice_bottle", BOTH},        {"pushpins", BOTH},
                                             {"screw_bag", BOTH},     {"splicing_connectors", BOTH}, {NULL, NULL}};

iad_status iad_loco_config_parse(const char *text, size_t n, const char *name, json_t **values, iad_err *err) {
    json_t *config = NULL, *map = json_object();
    *values = NULL;
    if (!map) return IAD_FAIL(err, IAD_ERR_NOMEM, "%s: out of memory", name);
    iad_status status = iad_json_parse(text, n, 0, name, &config, err);
    if (status == IAD_OK && !json_is_array(config)) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a list of defects", name);
    for (size_t i = 0; status == IAD_OK && i < json_array_size(config); i++) {
        const json_t *entry = json_array_get(config, i);
        const char *defect = NULL;
        int64_t value = 0;
        char key[8];
        status = json_is_object(entry) ? iad_json_string(entry, "defect_name", name, &defect, err)
                                       : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: entry %zu is not an object", name, i);
        if (status == IAD_OK) status = iad_json_int(entry, "pixel_value", 1, 255, name, &value, err);
        if (status != IAD_OK) break;
        snprintf(key, sizeof key, "%d", (int)value);
        if (json_object_set_new(map, key, json_string(defect)) != 0) status = IAD_FAIL(err, IAD_ERR_NOMEM, "%s: out of memory", name);
    }
    json_decref(config);
    if (status == IAD_OK && json_object_size(map)) *values = map;
    else json_decref(map);
    return status;
}

static iad_status read_values(const char *root, const char *folder, json_t **values, iad_err *err) {
    char rel[IAD_PATH_MAX], path[IAD_PATH_MAX];
    uint8_t *text;
    size_t n;
    IAD_TRY(iad_path_join(rel, sizeof rel, folder, "defects_config.json", err));
    if (!iad_scan_has_file(root, rel)) return IAD_OK; /* then the values keep no names */
    IAD_TRY(iad_path_join(path, sizeof path, root, rel, err));
    IAD_TRY(iad_file_read(path, MAX_CONFIG_BYTES, &text, &n, err));
    iad_status status = iad_loco_config_parse((const char *)text, n, rel, values, err);
    free(text);
    return status;
}

static const iad_layout_rules rules = {.closed = 1, .default_kind = "logical", .mask_parts = 1, .values = read_values};

static iad_status scan(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_layout_scan(root, options, sink, &rules, err);
}

static int is_loco(const char *root, const char *folder) {
    char path[IAD_PATH_MAX];
    return iad_path_join(path, sizeof path, folder, "test/logical_anomalies", NULL) == IAD_OK && iad_scan_has_dir(root, path) &&
           iad_layout_is_category(root, folder);
}

static int probe(const char *root) {
    iad_strings folders = {0};
    int found = iad_scan_find_dirs(root, IAD_LAYOUT_DEPTH, is_loco, &folders, NULL) == IAD_OK && folders.n > 0;
    iad_strings_deinit(&folders);
    return found ? 96 : 0;
}

const iad_adapter iad_adapter_mvtec_loco = {
    .name = "mvtec-loco",
    .title = "MVTec LOCO AD",
    .layout = "CATEGORY/{train/good, validation/good, test/{good,logical_anomalies,structural_anomalies}, ground_truth/TYPE/NNN/*.png}",
    .options = IAD_LAYOUT_OPTIONS,
    .licence = "CC BY-NC-SA 4.0",
    .licence_url = "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    .citation = "Bergmann, Batzner, Fauser, Sattlegger, Steger: Beyond Dents and Scratches: Logical Constraints in Unsupervised Anomaly "
                "Detection and Localization, IJCV 2022",
    .origin = "real",
    .eval_overlap = "mmad",
    .counts = counts,
    .defects = defects,
    .probe = probe,
    .scan = scan};
