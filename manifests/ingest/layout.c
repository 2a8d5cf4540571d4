#include "manifests/ingest/layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/ingest/boxtext.h"
#include "manifests/ingest/scan.h"
#include "manifests/ingest/scan_set.h"
#include "manifests/ingest/scan_tree.h"

#define MAX_MASK_PARTS 4096u

/* One scan. `suffixes` counts how masks were named, for the remark. */
typedef struct layout_scan {
    const char *root;
    const iad_ingest_sink *sink;
    const iad_layout_rules *rules;
    iad_mask_quality quality;
    const char *box_names;
    size_t named_mask, named_same, named_folder, unmasked, stray_masks, nested;
} layout_scan;

/* One category while it is scanned. */
typedef struct layout_category {
    const char *folder; /* relative to root */
    const char *name, *kind;
    int has_boxes;
    json_t *values; /* owned, may be NULL */
} layout_category;

/* ---- what is a category ---- */

/* 1 when a sub-folder of <root>/<folder> bears a name for "nothing wrong". */
static int has_normal_folder(const char *root, const char *folder) {
    iad_dir_list list;
    int found = 0;
    if (iad_scan_list(root, folder, &list, NULL) != IAD_OK) return 0;
    for (size_t i = 0; i < list.n; i++) found |= list.items[i].is_dir && iad_scan_is_normal(list.items[i].name);
    iad_dir_list_deinit(&list);
    return found;
}

static int join_has_dir(const char *root, const char *folder, const char *name) {
    char path[IAD_PATH_MAX];
    return iad_path_join(path, sizeof path, folder, name, NULL) == IAD_OK && iad_scan_has_dir(root, path);
}

static int is_split_category(const char *root, const char *folder) {
    char path[IAD_PATH_MAX];
    for (int i = 0; i < 2; i++) {
        if (iad_path_join(path, sizeof path, folder, i ? "test" : "train", NULL) == IAD_OK && has_normal_folder(root, path)) return 1;
    }
    return join_has_dir(root, folder, "ground_truth") && (join_has_dir(root, folder, "train") || join_has_dir(root, folder, "test"));
}

/* Defect Spectrum's copy of MVTec AD. */
static int is_spectrum_category(const char *root, const char *folder) {
    return join_has_dir(root, folder, "image") && join_has_dir(root, folder, "mask");
}

int iad_layout_is_category(const char *root, const char *relative) {
    return is_split_category(root, relative) || is_spectrum_category(root, relative);
}

iad_status iad_layout_categories(const char *root, iad_strings *folders, iad_err *err) {
    return iad_scan_find_dirs(root, IAD_LAYOUT_DEPTH, iad_layout_is_category, folders, err);
}

void iad_layout_category_name(const char *root, const char *folder, int closed, char *name, size_t size) {
    if (!*folder) iad_scan_root_name(root, name, size);
    else iad_text_copy(name, size, closed ? iad_path_base(folder) : folder);
}

/* ---- masks ---- */

static iad_status add_mask(layout_scan *scan, iad_strings *masks, const char *folder, const char *name, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, folder, name, err));
    if (masks->n >= MAX_MASK_PARTS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s/%s: more than %u mask files for one picture", scan->root, folder, MAX_MASK_PARTS);
    return iad_strings_add(masks, path, err);
}

/* The files of one picture's mask: <stem>_mask.*, else <stem>.*, else all pictures of the folder <stem>/. */
static iad_status find_masks(layout_scan *scan, const char *folder, const iad_dir_list *list, const char *stem, iad_strings *masks,
                             iad_err *err) {
    const iad_dir_entry *entry = iad_scan_picture(list, stem, "_mask");
    scan->named_mask += entry != NULL;
    if (!entry && (entry = iad_scan_picture(list, stem, ""))) scan->named_same++;
    if (entry) return add_mask(scan, masks, folder, entry->name, err);
    entry = iad_scan_entry(list, stem);
    if (!entry || !entry->is_dir) return IAD_OK;
    char inner[IAD_PATH_MAX];
    iad_dir_list parts;
    IAD_TRY(iad_path_join(inner, sizeof inner, folder, stem, err));
    IAD_TRY(iad_scan_list(scan->root, inner, &parts, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < parts.n && status == IAD_OK; i++)
        if (!parts.items[i].is_dir && iad_scan_is_picture(parts.items[i].name))
            status = add_mask(scan, masks, inner, parts.items[i].name, err);
    scan->named_folder += masks->n > 0;
    iad_dir_list_deinit(&parts);
    return status;
}

/* Folder with the masks of <split>/<defect>, relative to root; "" when there is none. */
static iad_status mask_folder(const layout_scan *scan, const layout_category *category, const char *split, const char *defect,
                              int spectrum, char *folder, size_t size, iad_err *err) {
    const char *cat = category->folder, *slash = *cat ? "/" : "";
    int fits = 1;
    if (spectrum) {
        fits = iad_scan_print(folder, size, "%s%smask/%s", cat, slash, defect);
    } else {
        fits = iad_scan_print(folder, size, "%s%sground_truth/%s/%s", cat, slash, split, defect);
        if (fits && iad_scan_has_dir(scan->root, folder)) return IAD_OK;
        /* ground_truth/<defect> numbers the test pictures: it says nothing about those in train. */
        *folder = 0;
        if (!iad_text_starts(split, "test")) return IAD_OK;
        if (fits) fits = iad_scan_print(folder, size, "%s%sground_truth/%s", cat, slash, defect);
    }
    if (!fits) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s/%s: the path is too long", scan->root, cat);
    if (!iad_scan_has_dir(scan->root, folder)) *folder = 0;
    return IAD_OK;
}

/* ---- pictures ---- */

/* Boxes beside the picture; a broken file is a reject, the picture stays. */
static iad_status read_boxes(const layout_scan *scan, const layout_category *category, const char *stem, iad_boxtext *boxes, iad_err *err) {
    char rel[IAD_PATH_MAX], path[IAD_PATH_MAX];
    *boxes = (iad_boxtext){0};
    if (!category->has_boxes || !iad_scan_print(rel, sizeof rel, "%s%sboxes/%s.txt", category->folder, *category->folder ? "/" : "", stem) ||
        !iad_scan_has_file(scan->root, rel))
        return IAD_OK;
    IAD_TRY(iad_path_join(path, sizeof path, scan->root, rel, err));
    uint8_t *text = NULL;
    size_t n = 0;
    iad_err why = IAD_ERR_NONE;
    iad_status status = iad_file_read(path, IAD_BOXTEXT_MAX_BYTES, &text, &n, &why);
    if (status == IAD_OK) status = iad_boxtext_parse(boxes, (const char *)text, n, scan->box_names, rel, &why);
    free(text);
    if (status == IAD_OK) return IAD_OK;
    iad_boxtext_deinit(boxes);
    return iad_scan_reject(scan->sink, rel, &why, err);
}

/* Everything that the pictures of one folder have in common. */
typedef struct layout_folder {
    const layout_category *category;
    const char *path, *split, *defect; /* relative to root; defect NULL for normals */
    iad_label label;
    char masks[IAD_PATH_MAX]; /* "" when there are none */
    iad_dir_list mask_list;
} layout_folder;

static iad_status deliver(layout_scan *scan, const layout_folder *folder, const char *name, size_t *used, iad_err *err) {
    char path[IAD_PATH_MAX], stem[IAD_PATH_MAX];
    iad_strings masks = {0};
    iad_boxtext boxes = {0};
    IAD_TRY(iad_path_join(path, sizeof path, folder->path, name, err));
    iad_path_stem(stem, sizeof stem, name);
    iad_status status = IAD_OK;
    if (folder->label == IAD_LABEL_ANOMALOUS) {
        status = find_masks(scan, folder->masks, &folder->mask_list, stem, &masks, err);
        if (status == IAD_OK) status = read_boxes(scan, folder->category, stem, &boxes, err);
        scan->unmasked += masks.n == 0;
        *used += masks.n > 0;
    }
    if (status == IAD_OK) {
        iad_ingest_item item = {.path = path,
                                .category = folder->category->name,
                                .kind = folder->category->kind,
                                .split = folder->split,
                                .label = folder->label,
                                .defect = folder->defect,
                                .masks = (const char *const *)masks.items,
                                .n_masks = masks.n,
                                .mask_parts = scan->rules->mask_parts,
                                .mask_values = folder->category->values,
                                .mask_quality = boxes.n ? IAD_MASK_BOX : scan->quality,
                                .boxes = boxes.items,
                                .n_boxes = boxes.n,
                                .exemplar_ok = iad_scan_exemplar(folder->split)};
        status = scan->sink->item(scan->sink->user, &item, err);
    }
    iad_boxtext_deinit(&boxes);
    iad_strings_deinit(&masks);
    return status;
}

/* All pictures of one folder. `defect`: the folder's own name, or NULL for pictures that lie directly in the split's folder. */
static iad_status scan_folder(layout_scan *scan, const layout_category *category, const char *path, const char *split,
                              const char *defect, int spectrum, iad_err *err) {
    layout_folder folder = {.category = category, .path = path, .split = split, .label = IAD_LABEL_UNKNOWN};
    if (defect) folder.label = iad_scan_is_normal(defect) ? IAD_LABEL_NORMAL : IAD_LABEL_ANOMALOUS;
    iad_dir_list list;
    IAD_TRY(iad_scan_list(scan->root, path, &list, err));
    iad_status status = IAD_OK;
    if (folder.label == IAD_LABEL_ANOMALOUS) {
        folder.defect = defect;
        status = mask_folder(scan, category, split, defect, spectrum, folder.masks, sizeof folder.masks, err);
        if (status == IAD_OK && *folder.masks) status = iad_scan_list(scan->root, folder.masks, &folder.mask_list, err);
    }
    size_t used = 0;
    for (size_t i = 0; i < list.n && status == IAD_OK; i++) {
        if (list.items[i].is_dir) scan->nested += defect != NULL;
        else if (iad_scan_is_picture(list.items[i].name)) status = deliver(scan, &folder, list.items[i].name, &used, err);
    }
    size_t there = 0;
    for (size_t i = 0; i < folder.mask_list.n; i++)
        there += folder.mask_list.items[i].is_dir || iad_scan_is_picture(folder.mask_list.items[i].name);
    if (there > used) scan->stray_masks += there - used;
    iad_dir_list_deinit(&folder.mask_list);
    iad_dir_list_deinit(&list);
    return status;
}

static iad_status scan_split(layout_scan *scan, const layout_category *category, const char *name, const char *split, int spectrum,
                             iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_dir_list list;
    IAD_TRY(iad_path_join(path, sizeof path, category->folder, name, err));
    IAD_TRY(iad_scan_list(scan->root, path, &list, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < list.n && status == IAD_OK; i++) {
        char folder[IAD_PATH_MAX];
        if (!list.items[i].is_dir) continue;
        status = iad_path_join(folder, sizeof folder, path, list.items[i].name, err);
        if (status == IAD_OK) status = scan_folder(scan, category, folder, split, list.items[i].name, spectrum, err);
    }
    iad_dir_list_deinit(&list);
    /* Pictures without a folder that says what they are: unknown, never guessed. */
    if (status == IAD_OK) status = scan_folder(scan, category, path, split, NULL, spectrum, err);
    return status;
}

static const char *kind_of(const iad_layout_rules *rules, const char *category) {
    const char *name = iad_path_base(category);
    if (rules->textures && iad_scan_in_list(rules->textures, name)) return "texture";
    if (rules->multi && iad_scan_in_list(rules->multi, name)) return "multi";
    return rules->default_kind;
}

static iad_status scan_category(layout_scan *scan, const char *folder, iad_err *err) {
    static const char *const splits[] = {"train", "validation", "val", "valid", "test"};
    char name[IAD_PATH_MAX];
    iad_layout_category_name(scan->root, folder, scan->rules->closed, name, sizeof name);
    layout_category category = {.folder = folder,
                                .name = name,
                                .kind = kind_of(scan->rules, name),
                                .has_boxes = join_has_dir(scan->root, folder, "boxes")};
    iad_status status = IAD_OK;
    if (scan->rules->values) status = scan->rules->values(scan->root, folder, &category.values, err);
    if (!is_split_category(scan->root, folder)) {
        if (status == IAD_OK) status = scan_split(scan, &category, "image", "test", 1, err);
    } else {
        for (size_t i = 0; i < sizeof splits / sizeof *splits && status == IAD_OK; i++)
            if (join_has_dir(scan->root, folder, splits[i])) status = scan_split(scan, &category, splits[i], splits[i], 0, err);
    }
    json_decref(category.values);
    return status;
}

/* ---- the whole ---- */

static iad_status check_names(const char *root, const iad_strings *folders, const iad_layout_rules *rules, iad_err *err) {
    if (!folders->n) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no folder with train/good or test/good in it", root);
    if (!rules->closed) return IAD_OK;
    iad_scan_set names = {0};
    iad_status status = IAD_OK;
    for (size_t i = 0; i < folders->n && status == IAD_OK; i++) {
        char name[IAD_PATH_MAX];
        int added = 0;
        iad_layout_category_name(root, folders->items[i], 1, name, sizeof name);
        status = iad_scan_set_add(&names, name, &added, err);
        if (status == IAD_OK && !added)
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: category \"%s\" is there twice (once as %s): give one of the copies as root",
                              root, name, folders->items[i]);
    }
    iad_scan_set_deinit(&names);
    return status;
}

static void remarks(const layout_scan *scan) {
    const iad_ingest_sink *sink = scan->sink;
    if (scan->named_mask) iad_scan_remark(sink, "%zu masks found as NAME_mask.*", scan->named_mask);
    if (scan->named_same) iad_scan_remark(sink, "%zu masks found as NAME.*", scan->named_same);
    if (scan->named_folder) iad_scan_remark(sink, "%zu masks found as folders NAME/", scan->named_folder);
    if (scan->unmasked) iad_scan_remark(sink, "%zu anomalous pictures have no mask", scan->unmasked);
    if (scan->stray_masks) iad_scan_remark(sink, "%zu masks belong to no picture", scan->stray_masks);
    if (scan->nested) iad_scan_remark(sink, "%zu folders inside defect folders were not looked at", scan->nested);
}

iad_status iad_layout_scan(const char *root, const json_t *options, const iad_ingest_sink *sink, const iad_layout_rules *rules,
                           iad_err *err) {
    layout_scan scan = {.root = root, .sink = sink, .rules = rules, .quality = rules->quality};
    const char *quality = iad_adapter_option(options, "mask-quality", NULL);
    if (quality) IAD_TRY(iad_mask_quality_parse(quality, &scan.quality, err));
    scan.box_names = iad_adapter_option(options, "box-names", NULL);
    iad_strings folders = {0};
    iad_status status = iad_layout_categories(root, &folders, err);
    if (status == IAD_OK) status = check_names(root, &folders, rules, err);
    for (size_t i = 0; i < folders.n && status == IAD_OK; i++) status = scan_category(&scan, folders.items[i], err);
    if (status == IAD_OK) remarks(&scan);
    iad_strings_deinit(&folders);
    return status;
}
