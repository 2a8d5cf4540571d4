/* KolektorSDD: electrical commutators, 50 items with 8 surfaces, 399 pictures.
 *
 * kos01 ... kos50/Part0 ... Part7.jpg and Part0_label.bmp for EVERY picture, all zero when it is good: the label follows from
 * the mask. Two releases exist: fine outlines, and boxes drawn as filled rectangles (its folder is called KolektorSDD-boxes);
 * the files look alike, so the quality follows from the folder names or from option masks=fine|box.
 *
 * A picture without its label file is of no use and rejected.
 *
 * A widespread derivative cuts each picture into three along the height and renames: kos01_Part5_1.png, in folders good and
 * defect. Same pixels, same items: its pictures carry the same object_key. Masks of such copies are looked for beside the
 * picture and in ground_truth/.
 *
 * The official three folds are Python pickles, not read. Splitting by picture leaks items, so every picture also gets three
 * item-wise splits of ours, ksdd-items-fold1 to 3: in the k-th, items with (item - 1) mod 3 = k - 1 are test, the others train. */
#include <string.h>

#include "manifests/ingest/adapter_scans.h"

typedef struct ksdd_scan {
    const iad_scan_tree *tree;
    const iad_ingest_sink *sink;
    iad_mask_quality quality;
    size_t full, crops;
} ksdd_scan;

typedef struct ksdd_name {
    long item, part, third; /* third -1: a whole picture */
    int is_mask;
} ksdd_name;

static int number_after(const char **p, const char *word, long *value) {
    size_t n = strlen(word);
    if (strncasecmp(*p, word, n) != 0) return 0;
    *p += n;
    *value = iad_scan_number(p);
    return *value >= 0;
}

/* "kos01_Part5", "kos01_Part5_1", "Part5" in folder "kos01", each with or without "_label" / "_mask". */
static int parse_name(const char *folder, const char *stem, ksdd_name *name) {
    const char *p = stem, *f = folder;
    *name = (ksdd_name){-1, -1, -1, 0};
    if (number_after(&p, "kos", &name->item)) {
        if (*p++ != '_') return 0;
    } else {
        p = stem;
        if (!number_after(&f, "kos", &name->item) || *f) return 0;
    }
    if (!number_after(&p, "part", &name->part)) return 0;
    if (*p == '_' && p[1] >= '0' && p[1] <= '9') {
        p++;
        name->third = iad_scan_number(&p);
        if (name->third < 0) return 0;
    }
    if (iad_text_equal_nocase(p, "_label") || iad_text_equal_nocase(p, "_mask") || iad_text_equal_nocase(p, "_gt")) {
        name->is_mask = 1;
        return 1;
    }
    return *p == 0;
}

static int is_mask_folder(const char *folder) {
    return iad_scan_in_list_nocase("ground_truth gt mask masks label labels", folder);
}

static const char *find_mask(const ksdd_scan *scan, const char *path, const char *stem, const char *kind) {
    static const char *const suffixes[] = {"_label", "_mask", "_GT"};
    char dir[IAD_PATH_MAX], above[IAD_PATH_MAX], base[IAD_PATH_MAX], folder[IAD_PATH_MAX];
    const char *mask = NULL;
    iad_path_dir(dir, sizeof dir, path);
    if (strcmp(dir, ".") == 0) dir[0] = 0;
    for (size_t i = 0; i < 3 && !mask; i++) mask = iad_scan_tree_picture(scan->tree, dir, stem, suffixes[i]);
    if (mask || !kind) return mask;
    /* .../test/defect/x.png -> .../test/ground_truth/defect or .../ground_truth/defect */
    iad_path_dir(above, sizeof above, dir);
    iad_path_dir(base, sizeof base, above);
    const char *const roots[] = {above, base};
    for (size_t r = 0; r < 2; r++)
        for (size_t i = 0; i < 4 && !mask; i++) {
            int top = strcmp(roots[r], ".") == 0;
            if (iad_scan_print(folder, sizeof folder, "%s%sground_truth/%s", top ? "" : roots[r], top ? "" : "/", kind))
                mask = iad_scan_tree_picture(scan->tree, folder, stem, i < 3 ? suffixes[i] : "");
        }
    return mask;
}

static iad_status deliver(ksdd_scan *scan, const char *path, const char *stem, const iad_scan_parts *parts,
                          const ksdd_name *name, iad_err *err) {
    char key[32], note[160];
    const char *kind = NULL, *split = NULL;
    for (size_t i = 0; i + 1 < parts->n; i++) {
        const char *folder = parts->part[i], *s = iad_scan_split_name(folder);
        if (s) split = s;
        if (iad_scan_is_normal(folder) || iad_scan_is_anomalous(folder)) kind = folder;
    }
    int normal = kind && iad_scan_is_normal(kind);
    const char *mask = normal ? NULL : find_mask(scan, path, stem, kind);
    iad_scan_print(key, sizeof key, "kos%02ld", name->item);
    const long fold = (name->item + 2) % 3;
    const iad_ingest_split splits[] = {{"ksdd-items-fold1", fold == 0 ? "test" : "train"},
                                       {"ksdd-items-fold2", fold == 1 ? "test" : "train"},
                                       {"ksdd-items-fold3", fold == 2 ? "test" : "train"}};
    iad_ingest_item item = {.path = path, .category = "electrical_commutators", .kind = "texture", .split = split,
                            .mask_quality = scan->quality, .object_key = key, .splits = splits, .n_splits = 3};
    if (mask) item.masks = &mask, item.n_masks = 1;
    if (kind) item.label = normal ? IAD_LABEL_NORMAL : IAD_LABEL_ANOMALOUS;
    else if (mask) item.label_from_mask = 1, item.label = IAD_LABEL_UNKNOWN;
    else return iad_scan_rejectf(scan->sink, err, path, "there is no %s_label beside it: whether it is good is unknown", stem);
    if (item.label == IAD_LABEL_ANOMALOUS || item.label_from_mask) item.defect = "defect";
    item.exemplar_ok = iad_scan_exemplar(split) && (item.label_from_mask || item.label == IAD_LABEL_NORMAL);
    if (name->item == 21 && name->part == 7) {
        item.exemplar_ok = 0;
        item.note = "kos21 Part7: left out by the authors' own loader";
    } else if (name->third >= 0) {
        iad_scan_print(note, sizeof note, "cut %ld of kos%02ld Part%ld: the same pixels as the whole picture", name->third, name->item, name->part);
        item.note = note;
    }
    if (name->third >= 0) scan->crops++;
    else scan->full++;
    return scan->sink->item(scan->sink->user, &item, err);
}

static iad_status check_mask(const ksdd_scan *scan, const char *path, const char *stem, iad_err *err) {
    char dir[IAD_PATH_MAX], own[IAD_PATH_MAX];
    iad_path_dir(dir, sizeof dir, path);
    iad_text_copy(own, sizeof own, stem);
    *strrchr(own, '_') = 0; /* parse_name saw the suffix */
    if (iad_scan_tree_picture(scan->tree, strcmp(dir, ".") == 0 ? "" : dir, own, "")) return IAD_OK;
    return iad_scan_rejectf(scan->sink, err, path, "a mask without its picture");
}

static iad_status scan_files(ksdd_scan *scan, iad_err *err) {
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *path = scan->tree->files.items[i];
        iad_scan_parts parts;
        ksdd_name name;
        char stem[IAD_PATH_MAX];
        if (!iad_scan_is_picture(path) || !iad_scan_split(&parts, path)) continue;
        int in_masks = 0;
        for (size_t k = 0; k + 1 < parts.n; k++) in_masks |= is_mask_folder(parts.part[k]);
        iad_path_stem(stem, sizeof stem, path);
        if (in_masks || !parse_name(parts.n >= 2 ? parts.part[parts.n - 2] : "", stem, &name)) continue;
        if (name.is_mask) IAD_TRY(check_mask(scan, path, stem, err));
        else IAD_TRY(deliver(scan, path, stem, &parts, &name, err));
    }
    return IAD_OK;
}

/* The box release names itself in its folder: the root's own name or a folder on the way. */
static int named_boxes(const iad_scan_tree *tree) {
    char name[IAD_PATH_MAX];
    iad_scan_root_name(tree->name, name, sizeof name);
    if (iad_text_ends_nocase(name, "boxes")) return 1;
    for (size_t i = 0; i < tree->files.n; i++) {
        const char *path = tree->files.items[i], *slash = strchr(path, '/');
        if (slash && slash - path >= 5 && strncasecmp(slash - 5, "boxes", 5) == 0) return 1;
    }
    return 0;
}

iad_status iad_ksdd_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    const char *masks = iad_adapter_option(options, "masks", "");
    if (*masks && !iad_scan_in_list("fine box", masks))
        return IAD_FAIL(err, IAD_ERR_ARG, "option masks=%s: it is \"fine\" or \"box\"", masks);
    int box = *masks ? strcmp(masks, "box") == 0 : named_boxes(tree);
    ksdd_scan scan = {.tree = tree, .sink = sink, .quality = box ? IAD_MASK_BOX : IAD_MASK_EXACT};
    IAD_TRY(scan_files(&scan, err));
    if (box) iad_scan_remark(sink, "masks are taken as filled boxes (the box release)");
    else if (!*masks && scan.full) iad_scan_remark(sink, "masks are taken as fine outlines; option masks=box for the box release");
    if (scan.crops)
        iad_scan_remark(sink, "%zu pictures are cuts of whole ones (1,197 when complete): the same pixels as KolektorSDD", scan.crops);
    if (scan.crops && scan.full) iad_scan_remark(sink, "whole pictures and cuts of them lie in the same folder: they overlap");
    return IAD_OK;
}

static iad_status scan_root(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_ksdd_scan_tree, options, sink, err);
}

static int is_item(const char *root, const char *relative) {
    const char *name = iad_path_base(relative), *p = name;
    char path[IAD_PATH_MAX];
    long k;
    if (!number_after(&p, "kos", &k) || *p) return 0;
    for (int part = 0; part < 8; part++)
        if (iad_scan_print(path, sizeof path, "%s/Part%d_label.bmp", relative, part) && iad_scan_has_file(root, path)) return 1;
    return 0;
}

/* A folder that holds a cut of a picture. */
static int is_cuts(const char *root, const char *relative) {
    iad_dir_list list;
    int hit = 0;
    if (iad_scan_list(root, relative, &list, NULL) != IAD_OK) return 0;
    for (size_t i = 0; i < list.n && !hit; i++) {
        char stem[IAD_PATH_MAX];
        ksdd_name name;
        iad_path_stem(stem, sizeof stem, list.items[i].name);
        hit = !list.items[i].is_dir && iad_scan_is_picture(list.items[i].name) && parse_name("", stem, &name) && name.third >= 0;
    }
    iad_dir_list_deinit(&list);
    return hit;
}

static int has(const char *root, int depth, int (*is)(const char *, const char *)) {
    iad_strings found = {NULL, 0, 0};
    int hit = iad_scan_find_dirs(root, depth, is, &found, NULL) == IAD_OK && found.n;
    iad_strings_deinit(&found);
    return hit;
}

static int probe(const char *root) { return has(root, 2, is_item) ? 95 : 0; }
static int probe_cuts(const char *root) { return has(root, 4, is_cuts) && !has(root, 2, is_item) ? 95 : 0; }

static const iad_adapter *resolve(const char *root, const json_t *options) {
    (void)options;
    return probe_cuts(root) ? &iad_adapter_ksdd_cuts : NULL;
}

static const iad_ingest_count counts[] = {{"electrical_commutators", NULL, 347, 52, 0}, {0}};
static const iad_ingest_count counts_of_cuts[] = {{"electrical_commutators", NULL, 1143, 54, 0}, {0}};

#define LICENCE "CC BY-NC-SA 4.0"
#define URL "https://www.vicos.si/resources/kolektorsdd/"
#define CITATION "Tabernik et al.: Segmentation-based deep-learning approach for surface-defect detection, J. Intell. Manuf. 2020"

const iad_adapter iad_adapter_ksdd = {
    .name = "ksdd",
    .title = "KolektorSDD",
    .layout = "kos<NN>/Part<M>.jpg with Part<M>_label.bmp",
    .options = "masks",
    .licence = LICENCE,
    .licence_url = URL,
    .citation = CITATION,
    .redistributable = 1,
    .origin = "real",
    .eval_overlap = "",
    .counts = counts,
    .probe = probe,
    .resolve = resolve,
    .scan = scan_root,
};

const iad_adapter iad_adapter_ksdd_cuts = {
    .name = "ksdd-cuts",
    .title = "KolektorSDD cut into thirds",
    .layout = "cuts kos<NN>_Part<M>_<K>.png in good/ and defect/",
    .options = "masks",
    .licence = LICENCE,
    .licence_url = URL,
    .citation = CITATION,
    .redistributable = 1,
    .origin = "real",
    .eval_overlap = "",
    .counts = counts_of_cuts,
    .probe = probe_cuts,
    .scan = scan_root,
};
