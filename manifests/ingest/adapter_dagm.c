/* DAGM 2007: ten rendered textures.
 *
 * Original: Class<k>/{Train,Test}/0576.PNG, and for the defective ones Class<k>/{Train,Test}/Label/0576_label.PNG beside a
 * Labels.txt with one line per picture. Both parts hold defects. The masks are ellipses drawn around the defect: coarse.
 * Mirrors nest Class1/Class1/..., or re-pack as Class<k>/{good,defect}/, with masks (if any) in a folder beside.
 * Without a Label folder nothing is known about the pictures of a part: they are delivered as unknown. */
#include <stdlib.h>
#include <string.h>

#include "manifests/ingest/adapter_scans.h"

typedef struct dagm_place { /* where a file stands */
    char category[32];
    const char *split; /* static, or NULL */
    const char *kind;  /* folder that says good or defect, or NULL */
    int is_mask;
} dagm_place;

typedef struct dagm_scan {
    const iad_scan_tree *tree;
    const iad_ingest_sink *sink;
    char dir[IAD_PATH_MAX]; /* folder that the two facts below are about */
    int dir_known, dir_labelled;
    iad_strings defective;  /* from Labels.txt, sorted */
    size_t unknown, unmasked;
} dagm_scan;

static long class_number(const char *folder) {
    if (strncasecmp(folder, "class", 5) != 0) return -1;
    const char *p = folder + 5;
    long k = iad_scan_number(&p);
    return *p == 0 && k >= 1 && k <= 99 ? k : -1;
}

static int is_mask_folder(const char *folder) {
    return iad_scan_in_list_nocase("label labels ground_truth mask masks gt", folder);
}

/* 0 when the file is no part of this layout. */
static int place_of(const iad_scan_parts *parts, dagm_place *place) {
    long k = -1;
    size_t after = 0;
    for (size_t i = 0; i + 1 < parts->n; i++) {
        long number = class_number(parts->part[i]);
        if (number > 0) k = number, after = i + 1;
    }
    if (k < 0) return 0;
    *place = (dagm_place){"", NULL, NULL, 0};
    if (!iad_scan_print(place->category, sizeof place->category, "Class%ld", k)) return 0;
    for (size_t i = after; i + 1 < parts->n; i++) {
        const char *folder = parts->part[i], *split = iad_scan_split_name(folder);
        if (split) place->split = split;
        else if (is_mask_folder(folder)) place->is_mask = 1;
        else if (iad_scan_is_normal(folder) || iad_scan_is_anomalous(folder)) place->kind = folder;
        else return 0;
    }
    return 1;
}

iad_status iad_dagm_labels(const char *text, size_t n, iad_strings *defective, iad_err *err) {
    const char *end = text + n;
    for (const char *line = text; line < end;) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        if (!eol) eol = end;
        const char *picture = NULL;
        size_t picture_n = 0;
        int labelled = 0;
        for (const char *p = line; p < eol;) {
            while (p < eol && (*p == ' ' || *p == '\t' || *p == '\r')) p++;
            const char *word = p;
            while (p < eol && *p != ' ' && *p != '\t' && *p != '\r') p++;
            char token[64], stem[64];
            if (p == word || (size_t)(p - word) >= sizeof token) continue;
            memcpy(token, word, (size_t)(p - word));
            token[p - word] = 0;
            if (strlen(token) != (size_t)(p - word) || !iad_scan_is_picture(token)) continue;
            iad_path_stem(stem, sizeof stem, token);
            if (iad_text_ends_nocase(stem, "_label")) labelled = 1;
            else if (!picture) picture = word, picture_n = (size_t)(p - word);
        }
        if (picture && labelled) IAD_TRY(iad_strings_addn(defective, picture, picture_n, err));
        line = eol + 1;
    }
    return IAD_OK;
}

static int by_bytes(const void *key, const void *item) { return strcmp(key, *(char *const *)item); }

/* Reads what <dir>/Label says, once per folder: files of one folder come one after the other. */
static iad_status enter(dagm_scan *scan, const char *dir, iad_err *err) {
    char path[IAD_PATH_MAX];
    if (scan->dir_known && strcmp(scan->dir, dir) == 0) return IAD_OK;
    iad_strings_deinit(&scan->defective);
    iad_text_copy(scan->dir, sizeof scan->dir, dir);
    scan->dir_known = 1;
    scan->dir_labelled = 0;
    static const char *const names[] = {"Label", "label", "Labels", "labels"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!iad_scan_print(path, sizeof path, "%s/%s", dir, names[i]) || !iad_scan_tree_has_dir(scan->tree, path)) continue;
        scan->dir_labelled = 1;
        if (!iad_scan_print(path, sizeof path, "%s/%s/Labels.txt", dir, names[i]) || !iad_scan_tree_has(scan->tree, path)) continue;
        uint8_t *text;
        size_t n;
        iad_err why = IAD_ERR_NONE;
        if (scan->tree->read(scan->tree->user, path, IAD_SCAN_MAX_SIDE_FILE, &text, &n, &why) != IAD_OK) {
            IAD_TRY(iad_scan_reject(scan->sink, path, &why, err));
            continue;
        }
        iad_status status = iad_dagm_labels((const char *)text, n, &scan->defective, err);
        free(text);
        if (status != IAD_OK) return status;
    }
    iad_strings_sort(&scan->defective);
    return IAD_OK;
}

static const char *find_mask(const dagm_scan *scan, const iad_scan_parts *parts, const char *dir, const char *stem, const dagm_place *place) {
    static const char *const folders[] = {"Label", "label", "Labels", "labels", "mask", "masks", "ground_truth"};
    static const char *const suffixes[] = {"_label", "_mask", ""};
    char base[IAD_PATH_MAX], path[IAD_PATH_MAX];
    const char *mask = NULL;
    iad_path_dir(base, sizeof base, dir);
    for (size_t s = 0; s < 3 && !mask; s++) {
        if (*suffixes[s]) mask = iad_scan_tree_picture(scan->tree, dir, stem, suffixes[s]);
        for (size_t f = 0; f < sizeof folders / sizeof *folders && !mask; f++) {
            if (iad_scan_print(path, sizeof path, "%s/%s", dir, folders[f]))
                mask = iad_scan_tree_picture(scan->tree, path, stem, suffixes[s]);
            if (mask || !place->kind || parts->n < 2) continue;
            if (iad_scan_print(path, sizeof path, "%s/%s", base, folders[f]))
                mask = iad_scan_tree_picture(scan->tree, path, stem, suffixes[s]);
            if (!mask && iad_scan_print(path, sizeof path, "%s/%s/%s", base, folders[f], place->kind))
                mask = iad_scan_tree_picture(scan->tree, path, stem, suffixes[s]);
        }
    }
    return mask;
}

/* A label file must belong to a picture. */
static iad_status check_label(const dagm_scan *scan, const char *path, const char *stem, iad_err *err) {
    char dir[IAD_PATH_MAX], above[IAD_PATH_MAX], own[IAD_PATH_MAX];
    if (!iad_text_ends_nocase(stem, "_label")) return IAD_OK;
    iad_text_copy(own, sizeof own, stem);
    own[strlen(own) - strlen("_label")] = 0;
    iad_path_dir(dir, sizeof dir, path);
    iad_path_dir(above, sizeof above, dir);
    if (iad_scan_tree_picture(scan->tree, above, own, "") || iad_scan_tree_picture(scan->tree, dir, own, "")) return IAD_OK;
    return iad_scan_rejectf(scan->sink, err, path, "a label without its picture");
}

static iad_status deliver(dagm_scan *scan, const char *path, const iad_scan_parts *parts, const dagm_place *place,
                          const char *stem, iad_err *err) {
    char dir[IAD_PATH_MAX];
    iad_path_dir(dir, sizeof dir, path);
    const char *mask = place->kind && iad_scan_is_normal(place->kind) ? NULL : find_mask(scan, parts, dir, stem, place);
    iad_ingest_item item = {.path = path, .category = place->category, .kind = "texture", .split = place->split,
                            .mask_quality = IAD_MASK_COARSE, .label = IAD_LABEL_NORMAL};
    if (place->kind) {
        item.label = iad_scan_is_normal(place->kind) ? IAD_LABEL_NORMAL : IAD_LABEL_ANOMALOUS;
    } else {
        IAD_TRY(enter(scan, dir, err));
        if (mask || (scan->defective.n && bsearch(parts->part[parts->n - 1], scan->defective.items, scan->defective.n,
                                                  sizeof *scan->defective.items, by_bytes)))
            item.label = IAD_LABEL_ANOMALOUS;
        else if (!scan->dir_labelled) item.label = IAD_LABEL_UNKNOWN, scan->unknown++;
    }
    if (item.label == IAD_LABEL_ANOMALOUS) {
        item.defect = "defect";
        if (mask) item.masks = &mask, item.n_masks = 1;
        else scan->unmasked++;
    }
    item.exemplar_ok = item.label == IAD_LABEL_NORMAL && iad_scan_exemplar(place->split);
    return scan->sink->item(scan->sink->user, &item, err);
}

static iad_status scan_files(dagm_scan *scan, iad_err *err) {
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *path = scan->tree->files.items[i];
        iad_scan_parts parts;
        dagm_place place;
        char stem[IAD_PATH_MAX];
        if (!iad_scan_is_picture(path) || !iad_scan_split(&parts, path) || !place_of(&parts, &place)) continue;
        iad_path_stem(stem, sizeof stem, path);
        if (place.is_mask || iad_text_ends_nocase(stem, "_label") || iad_text_ends_nocase(stem, "_mask"))
            IAD_TRY(check_label(scan, path, stem, err));
        else IAD_TRY(deliver(scan, path, &parts, &place, stem, err));
    }
    return IAD_OK;
}

iad_status iad_dagm_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    (void)options;
    dagm_scan scan = {.tree = tree, .sink = sink};
    iad_status status = scan_files(&scan, err);
    iad_strings_deinit(&scan.defective);
    if (status != IAD_OK) return status;
    if (scan.unknown)
        iad_scan_remark(sink, "%zu pictures lie in a part without a Label folder: whether they are good is unknown", scan.unknown);
    if (scan.unmasked) iad_scan_remark(sink, "%zu defective pictures have no mask", scan.unmasked);
    return IAD_OK;
}

static iad_status scan_root(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_dagm_scan_tree, options, sink, err);
}

static int is_class(const char *root, const char *relative) {
    static const char *const inside[] = {"Train", "Test", "train", "test", "good", "defect"};
    char path[IAD_PATH_MAX];
    if (class_number(iad_path_base(relative)) < 0) return 0;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (iad_scan_print(path, sizeof path, "%s/%s", relative, inside[i]) && iad_scan_has_dir(root, path)) return 1;
    return 0;
}

static int probe(const char *root) {
    iad_strings found = {NULL, 0, 0};
    int score = iad_scan_find_dirs(root, 2, is_class, &found, NULL) == IAD_OK && found.n ? 92 : 0;
    iad_strings_deinit(&found);
    return score;
}

/* Test counts read from published lists, train counts as their complement (150 defects per class and part in 7 to 10). The
 * totals are for re-packed copies, which have no parts. */
static const iad_ingest_count counts[] = {
    {"Class1", "test", 504, 71, 0},    {"Class1", "train", 496, 79, 0},    {"Class2", "test", 491, 84, 0},
    {"Class2", "train", 509, 66, 0},   {"Class3", "test", 491, 84, 0},     {"Class3", "train", 509, 66, 0},
    {"Class4", "test", 507, 68, 0},    {"Class4", "train", 493, 82, 0},    {"Class5", "test", 495, 80, 0},
    {"Class5", "train", 505, 70, 0},   {"Class6", "test", 508, 67, 0},     {"Class6", "train", 492, 83, 0},
    {"Class7", "test", 1000, 150, 0},  {"Class7", "train", 1000, 150, 0},  {"Class8", "test", 1000, 150, 0},
    {"Class8", "train", 1000, 150, 0}, {"Class9", "test", 1000, 150, 0},   {"Class9", "train", 1000, 150, 0},
    {"Class10", "test", 1000, 150, 0}, {"Class10", "train", 1000, 150, 0},
    {"Class1", NULL, 1000, 150, 0},
    {"Class2", NULL, 1000, 150, 0},
    {"Class3", NULL, 1000, 150, 0},
    {"Class4", NULL, 1000, 150, 0},
    {"Class5", NULL, 1000, 150, 0},
    {"Class6", NULL, 1000, 150, 0},
    {"Class7", NULL, 2000, 300, 0},
    {"Class8", NULL, 2000, 300, 0},
    {"Class9", NULL, 2000, 300, 0},
    {"Class10", NULL, 2000, 300, 0},
    {0},
};

const iad_adapter iad_adapter_dagm = {
    .name = "dagm",
    .title = "DAGM 2007",
    .layout = "Class<k>/{Train,Test}/0576.PNG with Label/0576_label.PNG for defective ones; or Class<k>/{good,defect}/",
    .licence = "unclear: public download page, no terms stated",
    .licence_url = "https://hci.iwr.uni-heidelberg.de/content/weakly-supervised-learning-industrial-optical-inspection",
    .citation = "Wieler, Hahn: Weakly supervised learning for industrial optical inspection, DAGM symposium 2007",
    .origin = "rendered",
    .eval_overlap = "",
    .counts = counts,
    .probe = probe,
    .scan = scan_root,
};
