/* KolektorSDD2: production surfaces, about 230 x 630 pixels, the width varies.
 *
 * {train,test}/10000.png and 10000_GT.png for every picture: the label follows from the mask. Nothing whose name holds "_GT" is
 * a picture. The weak-label splits of the papers are Python pickles and are not read. */
#include <string.h>

#include "manifests/ingest/adapter_scans.h"

static int has_gt(const char *stem) { return strcasestr(stem, "_GT") != NULL; }

static iad_status check_mask(const iad_scan_tree *tree, const iad_ingest_sink *sink, const char *path, const char *dir, const char *stem,
                             iad_err *err) {
    char own[IAD_PATH_MAX];
    if (!iad_text_ends_nocase(stem, "_GT")) return iad_scan_rejectf(sink, err, path, "neither a picture nor <picture>_GT: a copy by hand?");
    iad_text_copy(own, sizeof own, stem);
    own[strlen(own) - 3] = 0;
    if (iad_scan_tree_picture(tree, dir, own, "")) return IAD_OK;
    return iad_scan_rejectf(sink, err, path, "a mask without its picture");
}

iad_status iad_ksdd2_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    (void)options;
    for (size_t i = 0; i < tree->files.n; i++) {
        const char *path = tree->files.items[i];
        iad_scan_parts parts;
        char stem[IAD_PATH_MAX], dir[IAD_PATH_MAX];
        if (!iad_scan_is_picture(path) || !iad_scan_split(&parts, path) || parts.n < 2) continue;
        const char *split = iad_scan_split_name(parts.part[parts.n - 2]);
        if (!split) continue;
        iad_path_stem(stem, sizeof stem, path);
        iad_path_dir(dir, sizeof dir, path);
        if (has_gt(stem)) {
            IAD_TRY(check_mask(tree, sink, path, dir, stem, err));
            continue;
        }
        const char *mask = iad_scan_tree_picture(tree, dir, stem, "_GT");
        if (!mask) {
            IAD_TRY(iad_scan_rejectf(sink, err, path, "there is no %s_GT beside it: whether it is good is unknown", stem));
            continue;
        }
        iad_ingest_item item = {.path = path, .category = "surface", .kind = "texture", .split = split,
                                .label = IAD_LABEL_UNKNOWN, .defect = "defect", .masks = &mask,
                                .n_masks = 1, .mask_quality = IAD_MASK_EXACT, .label_from_mask = 1, .exemplar_ok = iad_scan_exemplar(split)};
        IAD_TRY(sink->item(sink->user, &item, err));
    }
    return IAD_OK;
}

static iad_status scan_root(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_ksdd2_scan_tree, options, sink, err);
}

/* A part folder with at least one "<digits>_GT.png". */
static int is_part(const char *root, const char *relative) {
    iad_dir_list list;
    int hit = 0;
    if (!iad_scan_in_list("train test", iad_path_base(relative)) || iad_scan_list(root, relative, &list, NULL) != IAD_OK) return 0;
    for (size_t i = 0; i < list.n && !hit; i++) {
        size_t digits = strspn(list.items[i].name, "0123456789");
        hit = digits && iad_text_equal_nocase(list.items[i].name + digits, "_GT.png");
    }
    iad_dir_list_deinit(&list);
    return hit;
}

static int probe(const char *root) {
    iad_strings found = {NULL, 0, 0};
    int score = iad_scan_find_dirs(root, 2, is_part, &found, NULL) == IAD_OK && found.n ? 95 : 0;
    iad_strings_deinit(&found);
    return score;
}

static const iad_ingest_count counts[] = {{"surface", "train", 2085, 246, 0}, {"surface", "test", 894, 110, 0}, {0}};

const iad_adapter iad_adapter_ksdd2 = {
    .name = "ksdd2",
    .title = "KolektorSDD2",
    .layout = "{train,test}/10000.png with 10000_GT.png",
    .licence = "CC BY-NC-SA 4.0",
    .licence_url = "https://www.vicos.si/resources/kolektorsdd2/",
    .citation = "Bozic, Tabernik, Skocaj: Mixed supervision for surface-defect detection, Computers in Industry 2021",
    .redistributable = 1,
    .origin = "real",
    .eval_overlap = "",
    .counts = counts,
    .probe = probe,
    .scan = scan_root,
};
