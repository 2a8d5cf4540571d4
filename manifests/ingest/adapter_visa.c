/* VisA, raw and in every re-packed form that is around.
 *
 * Raw: <category>/Data/{Images/Normal,Images/Anomaly,Masks/Anomaly}, class ids in the masks, defect names in image_anno.csv, splits
 * in the split_csv folder. The folder says the label; lists add split and names. Re-packed: MVTec-style folders below 1cls/, 2cls_.../
 * or directly, bad/ or ko/, masks 0/255 under the picture's name. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "manifests/ingest/adapter.h"
#include "manifests/ingest/known.h"
#include "manifests/ingest/layout.h"
#include "manifests/ingest/scan.h"
#include "manifests/ingest/scan_tree.h"
#include "manifests/ingest/visa_classes.h"
#include "manifests/ingest/visa_lists.h"

#define MAX_LIST_BYTES (256u << 20)
#define MULTI "candle capsules macaroni1 macaroni2"

/* Totals only: what is train and test differs between the three official splits. */
static const iad_ingest_count counts[] = {
    {"candle", NULL, 1000, 100, 0},    {"capsules", NULL, 602, 100, 0},   {"cashew", NULL, 500, 100, 0},
    {"chewinggum", NULL, 503, 100, 0}, {"fryum", NULL, 500, 100, 0},      {"macaroni1", NULL, 1000, 100, 0},
    {"macaroni2", NULL, 1000, 100, 0}, {"pcb1", NULL, 1004, 100, 0},      {"pcb2", NULL, 1001, 100, 0},
    {"pcb3", NULL, 1006, 100, 0},      {"pcb4", NULL, 1005, 100, 0},      {"pipe_fryum", NULL, 500, 100, 0},
    {NULL, NULL, 0, 0, 0}};

/* The official splits, by file. The first one that is there and asked for is the picture's `split`. */
#define N_SPLITS 3
static const char *const split_files[N_SPLITS] = {"1cls", "2cls_fewshot", "2cls_highshot"};
static const char *const split_schemes[N_SPLITS] = {"visa-1cls", "visa-2cls-fewshot", "visa-2cls-highshot"};

typedef struct visa_scan {
    const char *root;
    const iad_ingest_sink *sink;
    char lists_of[IAD_PATH_MAX]; /* folder that the lists were read from */
    int have_lists;
    iad_visa_list splits[N_SPLITS];
    int main_split; /* index, -1: none */
    size_t unlisted, unmasked;
} visa_scan;

/* ---- lists ---- */

typedef iad_status (*list_parser)(iad_visa_list *list, const char *text, size_t n, const char *name, iad_err *err);

/* Missing file: an empty list. */
static iad_status load_list(const char *root, const char *rel, list_parser parse, iad_visa_list *list, iad_err *err) {
    char path[IAD_PATH_MAX];
    uint8_t *text;
    size_t n;
    *list = (iad_visa_list){0};
    if (!iad_scan_has_file(root, rel)) return IAD_OK;
    IAD_TRY(iad_path_join(path, sizeof path, root, rel, err));
    IAD_TRY(iad_file_read(path, MAX_LIST_BYTES, &text, &n, err));
    iad_status status = parse(list, (const char *)text, n, rel, err);
    free(text);
    return status;
}

static void drop_splits(visa_scan *scan) {
    for (int i = 0; i < N_SPLITS; i++) iad_visa_list_deinit(&scan->splits[i]);
    scan->have_lists = 0;
}

/* Rows of the category that no picture answered to. */
static iad_status report_missing(const visa_scan *scan, const char *category, iad_err *err) {
    size_t n = strlen(category);
    for (int s = 0; s < N_SPLITS; s++)
        for (size_t i = 0; i < scan->splits[s].n; i++) {
            const iad_visa_row *row = &scan->splits[s].rows[i];
            if (row->used || strncmp(row->image, category, n) != 0 || row->image[n] != '/') continue;
            IAD_TRY(iad_scan_rejectf(scan->sink, err, row->image, "named by split_csv/%s.csv, not in the folder", split_files[s]));
        }
    return IAD_OK;
}

static iad_status load_splits(visa_scan *scan, const char *above, const char *wanted, iad_err *err) {
    if (scan->have_lists && strcmp(scan->lists_of, above) == 0) return IAD_OK;
    drop_splits(scan);
    scan->have_lists = 1;
    iad_text_copy(scan->lists_of, sizeof scan->lists_of, above);
    scan->main_split = -1;
    for (int i = 0; i < N_SPLITS; i++) {
        char rel[IAD_PATH_MAX];
        if (!iad_scan_print(rel, sizeof rel, "%s%ssplit_csv/%s.csv", above, *above ? "/" : "", split_files[i]))
            return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the path is too long", above);
        IAD_TRY(load_list(scan->root, rel, iad_visa_split_parse, &scan->splits[i], err));
        if (scan->splits[i].n && strcmp(split_files[i], wanted) == 0) scan->main_split = i;
    }
    if (scan->main_split < 0 && strcmp(wanted, "none") != 0)
        iad_scan_remark(scan->sink, "no split_csv/%s.csv beside the categories: pictures have no split", wanted);
    return IAD_OK;
}

/* ---- raw ---- */

typedef struct visa_category {
    char folder[IAD_PATH_MAX]; /* relative to root */
    char above[IAD_PATH_MAX];  /* the folder that lists are relative to */
    char name[IAD_PATH_MAX];
    iad_visa_list notes;
    iad_dir_list masks;
    json_t *values;
} visa_category;

static iad_status deliver(visa_scan *scan, const visa_category *category, const char *path, const char *name, iad_label label, iad_err *err) {
    char stem[IAD_PATH_MAX], mask[IAD_PATH_MAX], key[IAD_PATH_MAX];
    iad_ingest_split splits[N_SPLITS];
    size_t n_splits = 0;
    const char *listed_mask = NULL, *defect = NULL, *mask_path = NULL, *split = NULL;
    iad_path_stem(stem, sizeof stem, name);
    if (!iad_scan_print(key, sizeof key, "%s/Data/Images/%s/%s", category->name, label == IAD_LABEL_NORMAL ? "Normal" : "Anomaly", name))
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the path is too long", path);
    for (int i = 0; i < N_SPLITS; i++) {
        iad_visa_row *row = iad_visa_find(&scan->splits[i], key);
        if (!row) continue;
        row->used = 1;
        if (row->label != label) {
            IAD_TRY(iad_scan_rejectf(scan->sink, err, path, "split_csv/%s.csv says %s, the folder says %s: the folder counts",
                                     split_files[i], iad_label_name(row->label), iad_label_name(label)));
            continue;
        }
        splits[n_splits++] = (iad_ingest_split){split_schemes[i], row->text};
        if (i == scan->main_split) split = row->text;
        if (*row->mask) listed_mask = row->mask;
    }
    scan->unlisted += scan->main_split >= 0 && !split;
    if (label == IAD_LABEL_ANOMALOUS) {
        const iad_visa_row *note = iad_visa_find(&category->notes, key);
        defect = note && note->label == IAD_LABEL_ANOMALOUS && *note->text ? note->text : "anomaly";
        const iad_dir_entry *entry = iad_scan_picture(&category->masks, stem, "");
        int fits = 1;
        if (entry) fits = iad_scan_print(mask, sizeof mask, "%s%sData/Masks/Anomaly/%s", category->folder, *category->folder ? "/" : "", entry->name);
        else if (listed_mask) fits = iad_scan_print(mask, sizeof mask, "%s%s%s", category->above, *category->above ? "/" : "", listed_mask);
        if (!fits) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the path of its mask is too long", path);
        mask_path = entry || listed_mask ? mask : NULL;
        scan->unmasked += !mask_path;
    }
    iad_ingest_item item = {.path = path,
                            .category = category->name,
                            .kind = iad_scan_in_list(MULTI, category->name) ? "multi" : "object",
                            .split = split,
                            .label = label,
                            .defect = defect,
                            .masks = &mask_path,
                            .n_masks = mask_path != NULL,
                            .mask_values = category->values,
                            .splits = splits,
                            .n_splits = n_splits,
                            .exemplar_ok = iad_scan_exemplar(split)};
    return scan->sink->item(scan->sink->user, &item, err);
}

static iad_status scan_images(visa_scan *scan, const visa_category *category, const char *folder, iad_label label, iad_err *err) {
    char rel[IAD_PATH_MAX];
    iad_dir_list list;
    if (!iad_scan_print(rel, sizeof rel, "%s%sData/Images/%s", category->folder, *category->folder ? "/" : "", folder))
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the path is too long", category->folder);
    IAD_TRY(iad_scan_list(scan->root, rel, &list, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < list.n && status == IAD_OK; i++) {
        char path[IAD_PATH_MAX];
        if (list.items[i].is_dir || !iad_scan_is_picture(list.items[i].name)) continue;
        status = iad_path_join(path, sizeof path, rel, list.items[i].name, err);
        if (status == IAD_OK) status = deliver(scan, category, path, list.items[i].name, label, err);
    }
    iad_dir_list_deinit(&list);
    return status;
}

static iad_status open_category(visa_scan *scan, const char *folder, const char *wanted, visa_category *category, iad_err *err) {
    char rel[IAD_PATH_MAX];
    *category = (visa_category){.notes = {.n = 0}};
    iad_text_copy(category->folder, sizeof category->folder, folder);
    iad_layout_category_name(scan->root, folder, 1, category->name, sizeof category->name);
    if (strchr(folder, '/')) iad_path_dir(category->above, sizeof category->above, folder);
    IAD_TRY(load_splits(scan, category->above, wanted, err));
    IAD_TRY(iad_path_join(rel, sizeof rel, folder, "image_anno.csv", err));
    IAD_TRY(load_list(scan->root, rel, iad_visa_annotation_parse, &category->notes, err));
    IAD_TRY(iad_path_join(rel, sizeof rel, folder, "Data/Masks/Anomaly", err));
    IAD_TRY(iad_scan_list(scan->root, rel, &category->masks, err));
    return iad_visa_classes(category->name, &category->values, err);
}

static iad_status scan_category(visa_scan *scan, const char *folder, const char *wanted, iad_err *err) {
    visa_category category;
    iad_status status = open_category(scan, folder, wanted, &category, err);
    if (status == IAD_OK) status = scan_images(scan, &category, "Normal", IAD_LABEL_NORMAL, err);
    if (status == IAD_OK) status = scan_images(scan, &category, "Anomaly", IAD_LABEL_ANOMALOUS, err);
    if (status == IAD_OK) status = report_missing(scan, category.name, err);
    iad_visa_list_deinit(&category.notes);
    iad_dir_list_deinit(&category.masks);
    json_decref(category.values);
    return status;
}

static int is_raw(const char *root, const char *folder) {
    char path[IAD_PATH_MAX];
    return iad_path_join(path, sizeof path, folder, "Data/Images/Normal", NULL) == IAD_OK && iad_scan_has_dir(root, path);
}

static iad_status scan_raw(const char *root, const json_t *options, const iad_ingest_sink *sink, const iad_strings *folders, iad_err *err) {
    const char *wanted = iad_adapter_option(options, "split", "1cls");
    if (!iad_scan_in_list("1cls 2cls_fewshot 2cls_highshot none", wanted))
        return IAD_FAIL(err, IAD_ERR_ARG, "option split: \"%s\" is none of 1cls, 2cls_fewshot, 2cls_highshot, none", wanted);
    visa_scan *scan = iad_calloc(1, sizeof *scan);
    if (!scan) return IAD_NOMEM(err, root);
    scan->root = root, scan->sink = sink, scan->main_split = -1;
    iad_status status = IAD_OK;
    for (size_t i = 0; i < folders->n && status == IAD_OK; i++) status = scan_category(scan, folders->items[i], wanted, err);
    if (status == IAD_OK && scan->unlisted) iad_scan_remark(sink, "%zu pictures are in no row of split_csv/%s.csv", scan->unlisted, wanted);
    if (status == IAD_OK && scan->unmasked) iad_scan_remark(sink, "%zu anomalous pictures have no mask", scan->unmasked);
    drop_splits(scan);
    free(scan);
    return status;
}

/* ---- both forms ---- */

static const iad_layout_rules rules = {.closed = 1, .multi = MULTI, .default_kind = "object"};

static iad_status scan(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    iad_strings raw = {0};
    iad_status status = iad_scan_find_dirs(root, 2, is_raw, &raw, err);
    if (status == IAD_OK) status = raw.n ? scan_raw(root, options, sink, &raw, err) : iad_layout_scan(root, options, sink, &rules, err);
    iad_strings_deinit(&raw);
    return status;
}

static int probe(const char *root) {
    iad_strings raw = {0};
    int found = iad_scan_find_dirs(root, 2, is_raw, &raw, NULL) == IAD_OK && raw.n > 0;
    iad_strings_deinit(&raw);
    return found ? 96 : iad_known_probe(&iad_adapter_visa, root);
}

const iad_adapter iad_adapter_visa = {
    .name = "visa",
    .title = "VisA",
    .layout = "CATEGORY/Data/{Images,Masks} with split_csv/ (raw), or re-packed: [1cls/]CATEGORY/{train,test}/{good,bad} or {ok,ko}",
    .options = IAD_LAYOUT_OPTIONS " split",
    .licence = "CC BY 4.0",
    .licence_url = "https://creativecommons.org/licenses/by/4.0/",
    .citation = "Zou, Jeong, Pemula, Zhang, Dabeer: SPot-the-Difference Self-Supervised Pre-training for Anomaly Detection and "
                "Segmentation, ECCV 2022",
    .redistributable = 1,
    .commercial = 1,
    .origin = "real",
    .eval_overlap = "visa,mmad",
    .counts = counts,
    .probe = probe,
    .scan = scan};
