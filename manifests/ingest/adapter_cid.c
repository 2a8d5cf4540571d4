/* CID, the Catenary Insulator Dataset.
 *
 * insulator/{train/good, test_all|test_real|test_sim/{good, breakage, contamination, crack, dirt, missing, shelter},
 * ground_truth/{test_all,test_real,test_sim}/...}; the authors' description spells one folder teat_all: both are read.
 * test_all is test_real and test_sim together, so only one of the two forms is taken: option part=all (the default where the
 * folder is there), real, sim, or parts (both, with their names as split). Whether a defect is real or simulated goes into the
 * note when the other folders tell.
 *
 * Not known: how masks are named. Tried are ground_truth/<test>/<defect>/<stem>{,_mask,_label} and the same without
 * <defect>; what matched is reported. */
#include <string.h>

#include "manifests/ingest/adapter_scans.h"

typedef struct cid_scan {
    const iad_scan_tree *tree;
    const iad_ingest_sink *sink;
    int use_all, use_real, use_sim;
    size_t skipped, unmasked, masked[6];
} cid_scan;

typedef struct cid_place {
    char base[IAD_PATH_MAX]; /* folder that holds train and the tests, "" for root */
    const char *test;        /* "test_all" ... as it is spelt, NULL for train */
    const char *kind;        /* good or the defect */
    char category[256];
} cid_place;

static const char *const forms[6] = {"<defect>/<stem>", "<defect>/<stem>_mask", "<defect>/<stem>_label", "<stem>", "<stem>_mask", "<stem>_label"};

static int is_all(const char *folder) { return iad_scan_in_list("test_all teat_all", folder); }

/* .../<category>/{train|test_*}/<kind>/<file> */
static int place_of(const iad_scan_parts *parts, const char *path, cid_place *place) {
    if (parts->n < 3) return 0;
    const char *part = parts->part[parts->n - 3];
    int train = strcmp(part, "train") == 0;
    if (!train && !is_all(part) && !iad_scan_in_list("test_real test_sim", part)) return 0;
    for (size_t i = 0; i + 3 < parts->n; i++)
        if (strcmp(parts->part[i], "ground_truth") == 0) return 0;
    place->test = train ? NULL : part;
    place->kind = parts->part[parts->n - 2];
    int base_n = (int)(part - parts->text);
    iad_scan_print(place->base, sizeof place->base, "%.*s", base_n > 0 ? base_n - 1 : 0, path);
    return iad_text_copy(place->category, sizeof place->category, parts->n >= 4 ? parts->part[parts->n - 4] : "insulator");
}

static const char *find_mask(cid_scan *scan, const cid_place *place, const char *stem) {
    static const char *const suffixes[] = {"", "_mask", "_label"};
    static const char *const spellings[] = {"test_all", "teat_all"};
    const char *slash = *place->base ? "/" : "";
    char dir[IAD_PATH_MAX];
    for (int spelling = -1; spelling < (is_all(place->test) ? 2 : 0); spelling++)
        for (int form = 0; form < 6; form++) {
            const char *test = spelling < 0 ? place->test : spellings[spelling];
            int fits = form < 3 ? iad_scan_print(dir, sizeof dir, "%s%sground_truth/%s/%s", place->base, slash, test, place->kind)
                                : iad_scan_print(dir, sizeof dir, "%s%sground_truth/%s", place->base, slash, test);
            const char *mask = fits ? iad_scan_tree_picture(scan->tree, dir, stem, suffixes[form % 3]) : NULL;
            if (mask) {
                scan->masked[form]++;
                return mask;
            }
        }
    return NULL;
}

/* "real" or "simulated" for a picture of test_all, from the folder that holds the same name; NULL when both or none do. */
static const char *origin_of(const cid_scan *scan, const cid_place *place, const char *name) {
    static const char *const tests[] = {"test_real", "test_sim"};
    int there[2] = {0, 0};
    char path[IAD_PATH_MAX];
    for (int i = 0; i < 2; i++) {
        if (strcmp(place->test, tests[i]) == 0) return i ? "simulated" : "real";
        there[i] = iad_scan_print(path, sizeof path, "%s%s%s/%s/%s", place->base, *place->base ? "/" : "", tests[i], place->kind, name) &&
                   iad_scan_tree_has(scan->tree, path);
    }
    return there[0] == there[1] ? NULL : there[0] ? "real" : "simulated";
}

static int wanted(const cid_scan *scan, const cid_place *place) {
    if (!place->test) return 1;
    return is_all(place->test) ? scan->use_all : strcmp(place->test, "test_real") == 0 ? scan->use_real : scan->use_sim;
}

static iad_status deliver(cid_scan *scan, const char *path, const cid_place *place, iad_err *err) {
    char stem[IAD_PATH_MAX];
    int normal = iad_scan_is_normal(place->kind);
    iad_path_stem(stem, sizeof stem, path);
    iad_ingest_item item = {.path = path, .category = place->category, .kind = "object", .mask_quality = IAD_MASK_EXACT,
                            .label = normal ? IAD_LABEL_NORMAL : IAD_LABEL_ANOMALOUS};
    item.split = !place->test ? "train" : is_all(place->test) ? "test" : place->test;
    item.exemplar_ok = normal && iad_scan_exemplar(item.split);
    const char *mask = NULL;
    if (!normal) {
        item.defect = place->kind;
        if (place->test) mask = find_mask(scan, place, stem), item.note = origin_of(scan, place, iad_path_base(path));
        if (mask) item.masks = &mask, item.n_masks = 1;
        else scan->unmasked++;
    }
    return scan->sink->item(scan->sink->user, &item, err);
}

static iad_status choose_parts(cid_scan *scan, const char *option, iad_err *err) {
    int have_all = 0;
    iad_scan_parts parts;
    cid_place place;
    if (*option && !iad_scan_in_list("all real sim parts", option))
        return IAD_FAIL(err, IAD_ERR_ARG, "option part=%s: it is \"all\", \"real\", \"sim\" or \"parts\"", option);
    for (size_t i = 0; i < scan->tree->files.n && !have_all; i++)
        have_all = iad_scan_split(&parts, scan->tree->files.items[i]) && place_of(&parts, scan->tree->files.items[i], &place) &&
                   place.test && is_all(place.test);
    if (!*option) option = have_all ? "all" : "parts";
    scan->use_all = strcmp(option, "all") == 0;
    scan->use_real = iad_scan_in_list("real parts", option);
    scan->use_sim = iad_scan_in_list("sim parts", option);
    return IAD_OK;
}

iad_status iad_cid_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    cid_scan scan = {.tree = tree, .sink = sink};
    IAD_TRY(choose_parts(&scan, iad_adapter_option(options, "part", ""), err));
    for (size_t i = 0; i < tree->files.n; i++) {
        const char *path = tree->files.items[i];
        iad_scan_parts parts;
        cid_place place;
        if (!iad_scan_is_picture(path) || !iad_scan_split(&parts, path) || !place_of(&parts, path, &place)) continue;
        if (wanted(&scan, &place)) IAD_TRY(deliver(&scan, path, &place, err));
        else scan.skipped++;
    }
    if (scan.skipped)
        iad_scan_remark(sink, "%zu pictures are left out: test_all holds those of test_real and test_sim; option part=NAME chooses", scan.skipped);
    for (int form = 0; form < 6; form++)
        if (scan.masked[form]) iad_scan_remark(sink, "%zu masks found as ground_truth/<test>/%s", scan.masked[form], forms[form]);
    if (scan.unmasked) iad_scan_remark(sink, "%zu defective pictures have no mask", scan.unmasked);
    return IAD_OK;
}

static iad_status scan_root(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_cid_scan_tree, options, sink, err);
}

static int is_cid(const char *root, const char *relative) {
    static const char *const tests[] = {"test_all", "teat_all", "test_real", "test_sim"};
    char path[IAD_PATH_MAX];
    if (!iad_scan_print(path, sizeof path, "%s%strain/good", relative, *relative ? "/" : "") || !iad_scan_has_dir(root, path)) return 0;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (iad_scan_print(path, sizeof path, "%s%s%s", relative, *relative ? "/" : "", tests[i]) && iad_scan_has_dir(root, path)) return 1;
    return 0;
}

static int probe(const char *root) {
    iad_strings found = {NULL, 0, 0};
    int score = iad_scan_find_dirs(root, 2, is_cid, &found, NULL) == IAD_OK && found.n ? 95 : 0;
    iad_strings_deinit(&found);
    return score;
}

/* 360 = 127 real and 233 simulated; the 33 good ones belong to test_real, whose total of 160 in the authors' table counts them. */
static const iad_ingest_count counts[] = {{"insulator", "train", 3900, 0, 0}, {"insulator", "test", 33, 360, 0}, {"insulator", NULL, 3933, 360, 0},
                                          {0}};
static const iad_ingest_defects defects[] = {{"insulator", "breakage contamination crack dirt missing shelter"}, {0}};

const iad_adapter iad_adapter_cid = {
    .name = "cid",
    .title = "CID (Catenary Insulator Dataset)",
    .layout = "insulator/{train/good,test_all|test_real|test_sim/<defect>,ground_truth/<test>/...}",
    .options = "part",
    .licence = "MIT (of the repository)",
    .licence_url = "https://github.com/LightZH/Insulator-Defect-Detection",
    .citation = "Zhang et al.: Catenary insulator defects detection: a dataset and an unsupervised baseline, IEEE TIM 2024",
    .redistributable = 1,
    .commercial = 1,
    .origin = "real",
    .eval_overlap = "",
    .counts = counts,
    .defects = defects,
    .probe = probe,
    .scan = scan_root,
};
