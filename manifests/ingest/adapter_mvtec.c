/* MVTec-style folders, and the published data sets that use exactly this layout. Numbers: counted in published file lists. */
#include <stddef.h>
#include <string.h>

#include "manifests/ingest/adapter.h"
#include "manifests/ingest/known.h"
#include "manifests/ingest/layout.h"

#define CC_BY_NC_SA "CC BY-NC-SA 4.0"
#define CC_BY_NC_SA_URL "https://creativecommons.org/licenses/by-nc-sa/4.0/"

/* ---- MVTec AD ---- */

#define MVTEC_ROW(name, train, good, bad) {name, "train", train, 0, 0}, {name, "test", good, bad, 0}

static const iad_ingest_count mvtec_counts[] = {
    MVTEC_ROW("bottle", 209, 20, 63),    MVTEC_ROW("cable", 224, 58, 92),      MVTEC_ROW("capsule", 219, 23, 109),
    MVTEC_ROW("carpet", 280, 28, 89),    MVTEC_ROW("grid", 264, 21, 57),       MVTEC_ROW("hazelnut", 391, 40, 70),
    MVTEC_ROW("leather", 245, 32, 92),   MVTEC_ROW("metal_nut", 220, 22, 93),  MVTEC_ROW("pill", 267, 26, 141),
    MVTEC_ROW("screw", 320, 41, 119),    MVTEC_ROW("tile", 230, 33, 84),       MVTEC_ROW("toothbrush", 60, 12, 30),
    MVTEC_ROW("transistor", 213, 60, 40), MVTEC_ROW("wood", 247, 19, 60),      MVTEC_ROW("zipper", 240, 32, 119),
    {NULL, NULL, 0, 0, 0}};

static const iad_ingest_defects mvtec_defects[] = {
    {"bottle", "broken_large broken_small contamination"},
    {"cable", "bent_wire cable_swap combined cut_inner_insulation cut_outer_insulation missing_cable missing_wire poke_insulation"},
    {"capsule", "crack faulty_imprint poke scratch squeeze"},
    {"carpet", "color cut hole metal_contamination thread"},
    {"grid", "bent broken glue metal_contamination thread"},
    {"hazelnut", "crack cut hole print"},
    {"leather", "color cut fold glue poke"},
    {"metal_nut", "bent color flip scratch"},
    {"pill", "color combined contamination crack faulty_imprint pill_type scratch"},
    {"screw", "manipulated_front scratch_head scratch_neck thread_side thread_top"},
    {"tile", "crack glue_strip gray_stroke oil rough"},
    {"toothbrush", "defective"},
    {"transistor", "bent_lead cut_lead damaged_case misplaced"},
    {"wood", "color combined hole liquid scratch"},
    {"zipper", "broken_teeth combined fabric_border fabric_interior rough split_teeth squeezed_teeth"},
    {NULL, NULL}};

#define MVTEC_CITATION \
    "Bergmann, Fauser, Sattlegger, Steger: MVTec AD - A Comprehensive Real-World Dataset for Unsupervised Anomaly Detection, CVPR 2019"

static const iad_layout_rules mvtec_rules = {.closed = 1, .textures = "carpet grid leather tile wood", .default_kind = "object"};

static iad_status scan_mvtec(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_layout_scan(root, options, sink, &mvtec_rules, err);
}

static int probe_none(const char *root) {
    (void)root; /* reached through "mvtec", which sees which of them it is */
    return 0;
}

const iad_adapter iad_adapter_mvtec_ad = {
    .name = "mvtec-ad",
    .title = "MVTec AD",
    .layout = "CATEGORY/{train/good, test/DEFECT, ground_truth/DEFECT/NNN_mask.png}, the 15 categories",
    .options = IAD_LAYOUT_OPTIONS,
    .licence = CC_BY_NC_SA,
    .licence_url = CC_BY_NC_SA_URL,
    .citation = MVTEC_CITATION,
    .origin = "real",
    .eval_overlap = "mvtec,mmad",
    .counts = mvtec_counts,
    .defects = mvtec_defects,
    .probe = probe_none,
    .scan = scan_mvtec};

/* ---- Defect Spectrum's relabelled MVTec AD: the same pictures, masks with class ids ---- */

/* Its pictures are MVTec AD's test pictures; a copy without the good ones is common. */
#define SPECTRUM_ROW(name, good, bad) {name, "test", good, bad, 0}
static const iad_ingest_count spectrum_counts[] = {
    SPECTRUM_ROW("bottle", 20, 63),   SPECTRUM_ROW("cable", 58, 92),       SPECTRUM_ROW("capsule", 23, 109),
    SPECTRUM_ROW("carpet", 28, 89),   SPECTRUM_ROW("grid", 21, 57),        SPECTRUM_ROW("hazelnut", 40, 70),
    SPECTRUM_ROW("leather", 32, 92),  SPECTRUM_ROW("metal_nut", 22, 93),   SPECTRUM_ROW("pill", 26, 141),
    SPECTRUM_ROW("screw", 41, 119),   SPECTRUM_ROW("tile", 33, 84),        SPECTRUM_ROW("toothbrush", 12, 30),
    SPECTRUM_ROW("transistor", 60, 40), SPECTRUM_ROW("wood", 19, 60),      SPECTRUM_ROW("zipper", 32, 119),
    {NULL, NULL, 0, 0, 0}};

const iad_adapter iad_adapter_ds_mvtec = {
    .name = "ds-mvtec",
    .title = "Defect Spectrum, MVTec part",
    .layout = "CATEGORY/{image/DEFECT/NNN.png, mask/DEFECT/NNN_mask.png with class ids}",
    .options = IAD_LAYOUT_OPTIONS,
    .licence = CC_BY_NC_SA,
    .licence_url = CC_BY_NC_SA_URL,
    .citation = "Yang et al.: Defect Spectrum: A Granular Look of Large-Scale Defect Datasets with Rich Semantics, ECCV 2024; "
                "pictures: MVTec AD",
    .origin = "real",
    .eval_overlap = "mvtec,mmad",
    .counts = spectrum_counts,
    .defects = mvtec_defects,
    .probe = probe_none,
    .scan = scan_mvtec};

/* ---- MPDD ---- */

static const iad_ingest_count mpdd_counts[] = {
    MVTEC_ROW("bracket_black", 289, 32, 47), MVTEC_ROW("bracket_brown", 185, 26, 51), MVTEC_ROW("bracket_white", 110, 30, 30),
    MVTEC_ROW("connector", 128, 30, 14),     MVTEC_ROW("metal_plate", 54, 26, 71),    MVTEC_ROW("tubes", 122, 32, 69),
    {NULL, NULL, 0, 0, 0}};

#define MPDD_DEFECTS \
    "hole scratches parts_mismatch bend_and_parts_mismatch defective_painting major_rust total_rust anomalous"
static const iad_ingest_defects mpdd_defects[] = {
    {"bracket_black", MPDD_DEFECTS}, {"bracket_brown", MPDD_DEFECTS}, {"bracket_white", MPDD_DEFECTS},
    {"connector", MPDD_DEFECTS},     {"metal_plate", MPDD_DEFECTS},   {"tubes", MPDD_DEFECTS},
    {NULL, NULL}};

static const iad_layout_rules object_rules = {.closed = 1, .default_kind = "object"};

static iad_status scan_objects(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_layout_scan(root, options, sink, &object_rules, err);
}

const iad_adapter iad_adapter_mpdd = {
    .name = "mpdd",
    .title = "MPDD",
    .layout = "as mvtec-ad, the 6 categories of painted metal parts",
    .options = IAD_LAYOUT_OPTIONS,
    .licence = CC_BY_NC_SA,
    .licence_url = CC_BY_NC_SA_URL,
    .citation = "Jezek, Jonak, Burget, Dvorak, Skotak: Deep learning-based defect detection of metal parts, ICUMT 2021",
    .origin = "real",
    .eval_overlap = "",
    .counts = mpdd_counts,
    .defects = mpdd_defects,
    .probe = probe_none,
    .scan = scan_objects};

/* ---- DTD-Synthetic ---- */

static const iad_ingest_defects dtd_defects[] = {
    {"Blotchy_099", "bad"},    {"Fibrous_183", "bad"},    {"Marbled_078", "bad"}, {"Matted_069", "bad"},
    {"Mesh_114", "bad"},       {"Perforated_037", "bad"}, {"Stratified_154", "bad"}, {"Woven_001", "bad"},
    {"Woven_068", "bad"},      {"Woven_104", "bad"},      {"Woven_125", "bad"},   {"Woven_127", "bad"},
    {NULL, NULL}};

static const iad_layout_rules texture_rules = {.closed = 1, .default_kind = "texture"};

static iad_status scan_textures(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_layout_scan(root, options, sink, &texture_rules, err);
}

const iad_adapter iad_adapter_dtd_synthetic = {
    .name = "dtd-synthetic",
    .title = "DTD-Synthetic",
    .layout = "as mvtec-ad, 12 textures such as Woven_001, masks with the picture's name",
    .options = IAD_LAYOUT_OPTIONS,
    .licence = "not stated",
    .citation = "Aota, Tong, Okatani: Zero-shot versus Many-shot: Unsupervised Texture Anomaly Detection, WACV 2023",
    .origin = "generated",
    .eval_overlap = "",
    .defects = dtd_defects,
    .probe = probe_none,
    .scan = scan_textures};

/* ---- GoodsAD ---- */

/* Names of its defects and its numbers are not in a list that we know. */
static const iad_ingest_defects goods_defects[] = {{"cigarette_box", NULL}, {"drink_bottle", NULL}, {"drink_can", NULL},
                                                   {"food_bottle", NULL},   {"food_box", NULL},     {"food_package", NULL},
                                                   {NULL, NULL}};

const iad_adapter iad_adapter_goodsad = {
    .name = "goodsad",
    .title = "GoodsAD",
    .layout = "as mvtec-ad, 6 categories of supermarket goods",
    .options = IAD_LAYOUT_OPTIONS,
    .licence = "not stated",
    .citation = "Zhang, Ding, Gao, Wu, Liu, Sun: PKU-GoodsAD: A Supermarket Goods Dataset for Unsupervised Anomaly Detection and "
                "Segmentation, RA-L 2024",
    .origin = "real",
    .eval_overlap = "mmad",
    .defects = goods_defects,
    .probe = probe_none,
    .scan = scan_objects};

/* ---- anything in this layout ---- */

static const iad_layout_rules open_rules = {.closed = 0};

static iad_status scan_open(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_layout_scan(root, options, sink, &open_rules, err);
}

static int probe_open(const char *root) {
    iad_strings folders = {0};
    int found = iad_layout_categories(root, &folders, NULL) == IAD_OK && folders.n > 0;
    iad_strings_deinit(&folders);
    return found ? 80 : 0;
}

/* Defect Spectrum has MVTec AD's category names: its folders are called image and mask. */
static int has_spectrum_folders(const char *root, const iad_strings *folders) {
    for (size_t i = 0; i < folders->n; i++) {
        char path[IAD_PATH_MAX], image[IAD_PATH_MAX];
        if (iad_path_join(path, sizeof path, root, folders->items[i], NULL) == IAD_OK &&
            iad_path_join(image, sizeof image, path, "image", NULL) == IAD_OK && iad_file_is_dir(image))
            return 1;
    }
    return 0;
}

static const iad_adapter *resolve_open(const char *root, const json_t *options) {
    const iad_adapter *const known[] = {&iad_adapter_mvtec_ad, &iad_adapter_ds_mvtec, &iad_adapter_mpdd, &iad_adapter_dtd_synthetic,
                                        &iad_adapter_goodsad};
    const char *set = iad_adapter_option(options, "set", "auto");
    const iad_adapter *found = NULL;
    iad_strings folders = {0};
    if (strcmp(set, "auto") == 0 && iad_layout_categories(root, &folders, NULL) == IAD_OK) {
        int spectrum = has_spectrum_folders(root, &folders);
        for (size_t i = 0; i < sizeof known / sizeof *known && !found; i++)
            if ((known[i] == &iad_adapter_ds_mvtec) == spectrum && iad_known_is(known[i], root, &folders)) found = known[i];
    }
    iad_strings_deinit(&folders);
    return found;
}

const iad_adapter iad_adapter_mvtec = {
    .name = "mvtec",
    .title = "MVTec-style folders",
    .layout = "CATEGORY/{train/good, test/good, test/DEFECT, ground_truth/DEFECT}; known data sets are recognised (--option set=none: not)",
    .options = IAD_LAYOUT_OPTIONS " set",
    .licence = "not stated",
    .generic = 1,
    .origin = "real",
    .eval_overlap = "",
    .probe = probe_open,
    .resolve = resolve_open,
    .scan = scan_open};
