/* MVTec AD 2: ground_truth lies inside test_public, the private tests have no labels, and a name such as 012_overexposed.png says
 * which object (012) was taken under which light. Numbers restart in every folder, so that the key of an object holds the folder. */
#include <stddef.h>
#include <string.h>

#include "manifests/ingest/adapter.h"
#include "manifests/ingest/scan.h"
#include "manifests/ingest/scan_tree.h"

/* Published per split of the whole set only; how test_public divides into good and bad is not. */
static const iad_ingest_count counts[] = {{NULL, "train", 2528, 0, 0}, {NULL, "validation", 302, 0, 0}, {NULL, NULL, 0, 0, 0}};
static const iad_ingest_defects defects[] = {{"can", "bad"},         {"fabric", "bad"}, {"fruit_jelly", "bad"}, {"rice", "bad"},
                                             {"sheet_metal", "bad"}, {"vial", "bad"},   {"wallplugs", "bad"},   {"walnuts", "bad"},
                                             {NULL, NULL}};

typedef struct ad2_folder {
    const char *path;  /* below the category: "test_public/bad" */
    const char *split; /* as the source says */
    iad_label label;
    const char *masks; /* NULL: none */
} ad2_folder;

static const ad2_folder folders[] = {{"train/good", "train", IAD_LABEL_NORMAL, NULL},
                                     {"validation/good", "validation", IAD_LABEL_NORMAL, NULL},
                                     {"test_public/bad", "test_public", IAD_LABEL_ANOMALOUS, "test_public/ground_truth/bad"},
                                     {"test_public/good", "test_public", IAD_LABEL_NORMAL, NULL},
                                     {"test_private", "test_private", IAD_LABEL_UNKNOWN, NULL},
                                     {"test_private_mixed", "test_private_mixed", IAD_LABEL_UNKNOWN, NULL}};

static iad_status deliver(const char *category, const ad2_folder *folder, const char *path, const char *name, const char *mask,
                          const iad_ingest_sink *sink, iad_err *err) {
    char key[IAD_PATH_MAX], stem[IAD_PATH_MAX];
    iad_path_stem(stem, sizeof stem, name);
    char *light = strchr(stem, '_');
    if (light) *light++ = 0;
    if (!iad_scan_print(key, sizeof key, "%s/%s/%s", category, folder->path, stem))
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the path is too long", path);
    iad_ingest_item item = {.path = path,
                            .category = category,
                            .kind = iad_scan_in_list("fabric", category) ? "texture" : NULL,
                            .split = folder->split,
                            .label = folder->label,
                            .defect = folder->label == IAD_LABEL_ANOMALOUS ? "bad" : NULL,
                            .masks = &mask,
                            .n_masks = mask != NULL,
                            .object_key = key,
                            .light = light,
                            .exemplar_ok = iad_scan_exemplar(folder->split)};
    return sink->item(sink->user, &item, err);
}

static iad_status scan_folder(const char *root, const char *dir, const char *category, const ad2_folder *folder,
                              const iad_ingest_sink *sink, iad_err *err) {
    char rel[IAD_PATH_MAX], mask_dir[IAD_PATH_MAX] = "";
    iad_dir_list list, masks = {0};
    IAD_TRY(iad_path_join(rel, sizeof rel, dir, folder->path, err));
    if (folder->masks) IAD_TRY(iad_path_join(mask_dir, sizeof mask_dir, dir, folder->masks, err));
    IAD_TRY(iad_scan_list(root, rel, &list, err));
    iad_status status = folder->masks ? iad_scan_list(root, mask_dir, &masks, err) : IAD_OK;
    for (size_t i = 0; i < list.n && status == IAD_OK; i++) {
        char path[IAD_PATH_MAX], stem[IAD_PATH_MAX], mask[IAD_PATH_MAX];
        if (list.items[i].is_dir || !iad_scan_is_picture(list.items[i].name)) continue;
        iad_path_stem(stem, sizeof stem, list.items[i].name);
        const iad_dir_entry *entry = iad_scan_picture(&masks, stem, "_mask");
        status = iad_path_join(path, sizeof path, rel, list.items[i].name, err);
        if (status == IAD_OK && entry) status = iad_path_join(mask, sizeof mask, mask_dir, entry->name, err);
        if (status == IAD_OK) status = deliver(category, folder, path, list.items[i].name, entry ? mask : NULL, sink, err);
    }
    iad_dir_list_deinit(&masks);
    iad_dir_list_deinit(&list);
    return status;
}

static int is_category(const char *root, const char *dir) {
    char path[IAD_PATH_MAX];
    return iad_path_join(path, sizeof path, dir, "test_public", NULL) == IAD_OK && iad_scan_has_dir(root, path);
}

static iad_status scan(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    (void)options;
    iad_strings dirs = {0};
    iad_status status = iad_scan_find_dirs(root, 2, is_category, &dirs, err);
    if (status == IAD_OK && !dirs.n) status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no folder with test_public in it", root);
    for (size_t i = 0; i < dirs.n && status == IAD_OK; i++) {
        char category[IAD_PATH_MAX];
        if (*dirs.items[i]) iad_text_copy(category, sizeof category, iad_path_base(dirs.items[i]));
        else iad_scan_root_name(root, category, sizeof category);
        for (size_t k = 0; k < sizeof folders / sizeof *folders && status == IAD_OK; k++)
            status = scan_folder(root, dirs.items[i], category, &folders[k], sink, err);
    }
    iad_strings_deinit(&dirs);
    return status;
}

static int probe(const char *root) {
    iad_strings dirs = {0};
    int found = iad_scan_find_dirs(root, 2, is_category, &dirs, NULL) == IAD_OK && dirs.n > 0;
    /* Eyecandies has test_public too, with a folder data/ in it. */
    for (size_t i = 0; i < dirs.n && found; i++) {
        char path[IAD_PATH_MAX];
        found = iad_path_join(path, sizeof path, dirs.items[i], "train/good", NULL) == IAD_OK && iad_scan_has_dir(root, path);
    }
    iad_strings_deinit(&dirs);
    return found ? 96 : 0;
}

const iad_adapter iad_adapter_mvtec_ad2 = {
    .name = "mvtec-ad2",
    .title = "MVTec AD 2",
    .layout = "CATEGORY/{train/good, validation/good, test_public/{good,bad,ground_truth/bad}, test_private, test_private_mixed}",
    .licence = "CC BY-NC-SA 4.0",
    .licence_url = "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    .citation = "Heckler-Kram, Neudeck, Scheler, Koenig, Steger: The MVTec AD 2 Dataset: Advanced Scenarios for Unsupervised Anomaly "
                "Detection, 2025",
    .origin = "real",
    .eval_overlap = "",
    .counts = counts,
    .defects = defects,
    .probe = probe,
    .scan = scan};
