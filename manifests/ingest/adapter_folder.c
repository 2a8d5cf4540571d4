/* Plain folders of one's own pictures. The nearest folder with a telling name decides:
 *
 *     [<category>/]{good,ok,normal}/...              normal
 *     [<category>/]{bad,ng,defect,...}/...           anomalous; a folder inside is the defect's name
 *     [<category>/]<other>/...                       beside a normal folder: anomalous, <other> is the defect's name
 *     [<category>/]{masks,mask,ground_truth,gt}/...  masks: same folders and name, with or without _mask
 *     anything else                                  label unknown (or --option label=...), the first folder is the category
 *
 * Which names tell is set by options: normal, anomalous, masks (lists separated by commas). */
#include <stddef.h>
#include <string.h>

#include "manifests/ingest/folder_scan.h"
#include "manifests/ingest/scan.h"
#include "manifests/ingest/scan_set.h"

#define NORMAL_NAMES "good,ok,normal"
#define ANOMALOUS_NAMES "bad,ko,ng,defect,defective,anomaly,anomalous,abnormal"
#define MASK_NAMES "masks,mask,ground_truth,gt"

typedef struct folder_scan {
    const iad_scan_tree *tree;
    const iad_ingest_sink *sink;
    const char *normal, *anomalous, *masks, *category, *split;
    iad_label label;       /* of pictures that no folder speaks for */
    char root_name[256];
    iad_scan_set with_normal; /* folders that hold a normal folder: "" or "a/b" */
    size_t unknown, unmasked;
} folder_scan;

/* What the folders of a path say. Indices into parts; -1: none. */
typedef struct folder_place {
    int key;         /* the telling folder */
    int is_mask;
    iad_label label;
} folder_place;

/* "a/b/c" of the first n parts. */
static void join_parts(const iad_scan_parts *parts, int from, int to, char *out, size_t size) {
    size_t len = 0;
    *out = 0;
    for (int i = from; i < to; i++) {
        if (i > from && len + 1 < size) out[len++] = '/', out[len] = 0;
        iad_text_copy(out + len, size - len, parts->part[i]);
        len = strlen(out);
    }
}

static folder_place find_place(const folder_scan *scan, const iad_scan_parts *parts) {
    int n = (int)parts->n - 1; /* without the file */
    for (int i = 0; i < n; i++) {
        if (iad_scan_in_list_nocase(scan->masks, parts->part[i])) return (folder_place){i, 1, IAD_LABEL_UNKNOWN};
        if (iad_scan_in_list_nocase(scan->normal, parts->part[i])) return (folder_place){i, 0, IAD_LABEL_NORMAL};
        if (iad_scan_in_list_nocase(scan->anomalous, parts->part[i])) return (folder_place){i, 0, IAD_LABEL_ANOMALOUS};
    }
    for (int i = n - 1; i >= 0; i--) {
        char above[IAD_PATH_MAX];
        join_parts(parts, 0, i, above, sizeof above);
        if (iad_scan_set_has(&scan->with_normal, above)) return (folder_place){i, 0, IAD_LABEL_ANOMALOUS};
    }
    return (folder_place){-1, 0, IAD_LABEL_UNKNOWN};
}

/* <category>/<masks>/<rest of the path>, or without the telling folder; NAME_mask.* before NAME.*. */
static const char *find_mask(const folder_scan *scan, const iad_scan_parts *parts, int key, const char *category_dir) {
    char stem[IAD_PATH_MAX];
    iad_path_stem(stem, sizeof stem, parts->part[parts->n - 1]);
    for (const char *p = scan->masks; *p;) {
        size_t len = strcspn(p, ",");
        for (int skip = 0; skip < 2 && len; skip++) {
            char inner[IAD_PATH_MAX], dir[IAD_PATH_MAX];
            join_parts(parts, key + skip, (int)parts->n - 1, inner, sizeof inner);
            if (!iad_scan_print(dir, sizeof dir, "%s%s%.*s%s%s", category_dir, *category_dir ? "/" : "", (int)len, p, *inner ? "/" : "", inner))
                return NULL;
            const char *found = iad_scan_tree_picture(scan->tree, dir, stem, "_mask");
            if (!found) found = iad_scan_tree_picture(scan->tree, dir, stem, "");
            if (found) return found;
        }
        p += len + (p[len] == ',');
    }
    return NULL;
}

static iad_status deliver(folder_scan *scan, const char *path, const iad_scan_parts *parts, iad_err *err) {
    char category[IAD_PATH_MAX] = "", defect[IAD_PATH_MAX] = "";
    folder_place place = find_place(scan, parts);
    if (place.is_mask) return IAD_OK;
    if (place.key >= 0) join_parts(parts, 0, place.key, category, sizeof category);
    else if (parts->n > 1) iad_text_copy(category, sizeof category, parts->part[0]);
    const char *mask = NULL;
    iad_label label = place.key >= 0 ? place.label : scan->label;
    if (label == IAD_LABEL_ANOMALOUS && place.key >= 0) {
        mask = find_mask(scan, parts, place.key, category);
        int named_inside = (size_t)place.key + 2 < parts->n && iad_scan_in_list_nocase(scan->anomalous, parts->part[place.key]);
        iad_text_copy(defect, sizeof defect, parts->part[place.key + named_inside]);
    }
    scan->unknown += label == IAD_LABEL_UNKNOWN;
    scan->unmasked += label == IAD_LABEL_ANOMALOUS && !mask;
    if (scan->category) iad_text_copy(category, sizeof category, scan->category);
    iad_ingest_item item = {.path = path,
                            .category = *category ? category : scan->root_name,
                            .split = scan->split,
                            .label = label,
                            .defect = *defect ? defect : NULL,
                            .masks = &mask,
                            .n_masks = mask != NULL,
                            .exemplar_ok = label == IAD_LABEL_NORMAL && iad_scan_exemplar(scan->split)};
    return scan->sink->item(scan->sink->user, &item, err);
}

static iad_status note_normal_folders(folder_scan *scan, iad_err *err) {
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        iad_scan_parts parts;
        if (!iad_scan_is_picture(scan->tree->files.items[i]) || !iad_scan_split(&parts, scan->tree->files.items[i])) continue;
        folder_place place = find_place(scan, &parts);
        if (place.key < 0 || place.is_mask || place.label != IAD_LABEL_NORMAL) continue;
        char above[IAD_PATH_MAX];
        join_parts(&parts, 0, place.key, above, sizeof above);
        IAD_TRY(iad_scan_set_add(&scan->with_normal, above, NULL, err));
    }
    return IAD_OK;
}

static iad_status run(folder_scan *scan, iad_err *err) {
    /* In a second pass: a normal folder may sort behind the defect folders beside it. */
    IAD_TRY(note_normal_folders(scan, err));
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *path = scan->tree->files.items[i];
        iad_scan_parts parts;
        if (!iad_scan_is_picture(path)) continue;
        if (iad_scan_split(&parts, path)) IAD_TRY(deliver(scan, path, &parts, err));
        else IAD_TRY(iad_scan_rejectf(scan->sink, err, path, "nested too deep"));
    }
    if (scan->unknown) iad_scan_remark(scan->sink, "%zu pictures lie in no folder that says what they are: label unknown", scan->unknown);
    if (scan->unmasked) iad_scan_remark(scan->sink, "%zu anomalous pictures have no mask", scan->unmasked);
    return IAD_OK;
}

iad_status iad_folder_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    folder_scan scan = {.tree = tree,
                        .sink = sink,
                        .normal = iad_adapter_option(options, "normal", NORMAL_NAMES),
                        .anomalous = iad_adapter_option(options, "anomalous", ANOMALOUS_NAMES),
                        .masks = iad_adapter_option(options, "masks", MASK_NAMES),
                        .category = iad_adapter_option(options, "category", NULL),
                        .split = iad_adapter_option(options, "split", NULL)};
    IAD_TRY(iad_label_parse(iad_adapter_option(options, "label", "unknown"), &scan.label, err));
    iad_scan_root_name(tree->name, scan.root_name, sizeof scan.root_name);
    iad_status status = run(&scan, err);
    iad_scan_set_deinit(&scan.with_normal);
    return status;
}

static iad_status scan(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_folder_scan_tree, options, sink, err);
}

static int has_picture(const char *root, const char *relative) {
    iad_dir_list list;
    int found = 0;
    if (iad_scan_list(root, relative, &list, NULL) != IAD_OK) return 0;
    for (size_t i = 0; i < list.n && !found; i++) found = !list.items[i].is_dir && iad_scan_is_picture(list.items[i].name);
    iad_dir_list_deinit(&list);
    return found;
}

static int probe(const char *root) {
    iad_strings folders = {0};
    int found = iad_scan_find_dirs(root, 3, has_picture, &folders, NULL) == IAD_OK && folders.n > 0;
    iad_strings_deinit(&folders);
    return found ? 50 : 0;
}

const iad_adapter iad_adapter_folder = {
    .name = "folder",
    .title = "plain folders",
    .layout = "[CATEGORY/]{good,bad,...}/*; which folder names tell is set by --option normal=A,B --option anomalous=C,D --option masks=E",
    .options = "normal anomalous masks category split label",
    .licence = "not stated",
    .generic = 1,
    .origin = "real",
    .eval_overlap = "",
    .probe = probe,
    .scan = scan};
