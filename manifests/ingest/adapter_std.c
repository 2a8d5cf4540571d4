/* STD, the Steel Tube Dataset: X-ray frames of pipe welds, 3,408 pictures, every one defective, boxes only.
 *
 * Repository huangyebiaoke/steel-pipe-weld-defect-detection: images/<name>.jpg with json/<name>.json; its release archive
 * holds the same pictures in YOLO form (labels/<name>.txt) and in Pascal VOC form (Annotations/<name>.xml, JPEGImages,
 * ImageSets/Main/{train,val,test}.txt). Folder names differ between copies, so files are joined by their stem wherever they lie:
 * a picture that is there twice is taken once (JPEGImages first), its boxes come from XML, else JSON, else YOLO lines.
 *
 * Names: "air-hole1-13" = class, video, frame; "overlap000" has no video; "air-hole(color)1-13" and "air-hole(crop)1-13" are made
 * from the frame of the same number: they are left out where that frame is there (option variants=all keeps them). A colour
 * frame without boxes takes those of the grey one. Frames of one video are near-duplicates: the object_key is class and
 * video, so that splits go by video.
 * Not known: how the release archive names its folders, and whether its VOC coordinates start at 1. The repository holds more frames
 * than the 3,408 of the publication, so that no table of counts is compared. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "manifests/ingest/adapter_scans.h"
#include "manifests/ingest/scan_set.h"

typedef enum file_kind { PICTURE = 0, XML, JSON, YOLO } file_kind;

typedef struct std_file {
    const char *stem; /* in the tree's path, stem_n bytes */
    size_t stem_n, index;
    file_kind kind;
    int rank; /* among pictures of one stem: JPEGImages first */
} std_file;

typedef struct std_scan {
    const iad_scan_tree *tree;
    const iad_ingest_sink *sink;
    std_file *files; /* sorted by stem, kind, rank, path */
    size_t n, cap;
    iad_scan_set train, validation, test; /* stems of ImageSets/Main */
    int all_variants;
    size_t pictures, copies, variants, without_boxes, from_grey, dropped;
} std_scan;

static int stem_compare(const char *a, size_t a_n, const char *b, size_t b_n) {
    int order = memcmp(a, b, a_n < b_n ? a_n : b_n);
    return order ? order : a_n < b_n ? -1 : a_n > b_n;
}

static int file_order(const void *a, const void *b) {
    const std_file *x = a, *y = b;
    int order = stem_compare(x->stem, x->stem_n, y->stem, y->stem_n);
    if (order) return order;
    if (x->kind != y->kind) return (int)x->kind - (int)y->kind;
    if (x->rank != y->rank) return x->rank - y->rank;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int kind_of(const char *path, file_kind *kind) {
    const char *ext = iad_path_ext(path);
    if (iad_scan_is_picture(path)) *kind = PICTURE;
    else if (iad_text_equal_nocase(ext, ".xml")) *kind = XML;
    else if (iad_text_equal_nocase(ext, ".json")) *kind = JSON;
    else if (iad_text_equal_nocase(ext, ".txt")) *kind = YOLO;
    else return 0;
    return 1;
}

static iad_status collect(std_scan *scan, iad_err *err) {
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *path = scan->tree->files.items[i], *base = iad_path_base(path);
        file_kind kind;
        if (!kind_of(path, &kind)) continue;
        void *items = scan->files;
        IAD_TRY(iad_grow(&items, &scan->cap, scan->n + 1, sizeof *scan->files, IAD_SCAN_MAX_FILES, "the list of files", err));
        scan->files = items;
        scan->files[scan->n++] = (std_file){base, strlen(base) - strlen(iad_path_ext(path)), i, kind, strstr(path, "JPEGImages/") == NULL};
    }
    if (scan->n) qsort(scan->files, scan->n, sizeof *scan->files, file_order);
    return IAD_OK;
}

/* First file of a stem; scan->n when there is none. */
static size_t find_stem(const std_scan *scan, const char *stem, size_t stem_n) {
    size_t lo = 0, hi = scan->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (stem_compare(scan->files[mid].stem, scan->files[mid].stem_n, stem, stem_n) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo < scan->n && stem_compare(scan->files[lo].stem, scan->files[lo].stem_n, stem, stem_n) == 0 ? lo : scan->n;
}

/* ---- splits ---- */

static iad_status read_image_set(std_scan *scan, const char *path, iad_scan_set *set, iad_err *err) {
    uint8_t *text;
    size_t n;
    iad_err why = IAD_ERR_NONE;
    if (scan->tree->read(scan->tree->user, path, IAD_SCAN_MAX_SIDE_FILE, &text, &n, &why) != IAD_OK)
        return iad_scan_reject(scan->sink, path, &why, err);
    iad_status status = IAD_OK;
    char *save = NULL;
    for (char *word = strtok_r((char *)text, " \t\r\n", &save); word && status == IAD_OK; word = strtok_r(NULL, " \t\r\n", &save))
        status = iad_scan_set_add(set, word, NULL, err);
    free(text);
    return status;
}

static iad_status read_image_sets(std_scan *scan, iad_err *err) {
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *path = scan->tree->files.items[i];
        if (iad_text_ends(path, "ImageSets/Main/train.txt")) IAD_TRY(read_image_set(scan, path, &scan->train, err));
        if (iad_text_ends(path, "ImageSets/Main/val.txt")) IAD_TRY(read_image_set(scan, path, &scan->validation, err));
        if (iad_text_ends(path, "ImageSets/Main/test.txt")) IAD_TRY(read_image_set(scan, path, &scan->test, err));
    }
    return IAD_OK;
}

static const char *split_of(const std_scan *scan, const char *stem, const char *path) {
    iad_scan_parts parts;
    if (iad_scan_set_has(&scan->test, stem)) return "test";
    if (iad_scan_set_has(&scan->validation, stem)) return "validation";
    if (iad_scan_set_has(&scan->train, stem)) return "train";
    if (!iad_scan_split(&parts, path)) return NULL;
    for (size_t k = parts.n - 1; k-- > 0;)
        if (iad_scan_split_name(parts.part[k])) return iad_scan_split_name(parts.part[k]);
    return NULL;
}

/* ---- boxes ---- */

static iad_status parse_file(const std_scan *scan, const std_file *file, const char *picture, iad_std_boxes *boxes, iad_err *err) {
    const char *path = scan->tree->files.items[file->index];
    uint8_t *text;
    size_t n;
    int width = 0, height = 0;
    if (file->kind == JSON) {
        json_t *root;
        IAD_TRY(iad_scan_tree_json(scan->tree, path, &root, err));
        iad_status status = iad_std_parse_json(root, path, boxes, err);
        json_decref(root);
        return status;
    }
    if (file->kind == YOLO) IAD_TRY(iad_scan_tree_size(scan->tree, picture, &width, &height, err));
    IAD_TRY(scan->tree->read(scan->tree->user, path, IAD_SCAN_MAX_SIDE_FILE, &text, &n, err));
    iad_status status = file->kind == XML ? iad_std_parse_voc((const char *)text, n, path, boxes, err)
                                          : iad_std_parse_yolo((const char *)text, n, width, height, path, boxes, err);
    free(text);
    return status;
}

/* "air-hole(color)1-13" -> "air-hole1-13"; 0 when there is no variant. */
static int plain_stem(const char *stem, const iad_std_name *name, char *plain, size_t size) {
    if (!name->variant) return 0;
    return iad_scan_print(plain, size, "%.*s%s", (int)(name->variant - 1 - stem), stem, name->variant + name->variant_n + 1);
}

/* The first label file of the stem that can be read; each that cannot is rejected by name. */
static iad_status read_boxes(std_scan *scan, const char *stem, size_t stem_n, const char *picture, iad_std_boxes *boxes, int *found, iad_err *err) {
    *found = 0;
    for (size_t i = find_stem(scan, stem, stem_n); i < scan->n; i++) {
        const std_file *file = &scan->files[i];
        iad_err why = IAD_ERR_NONE;
        if (stem_compare(file->stem, file->stem_n, stem, stem_n) != 0) break;
        if (file->kind == PICTURE) continue;
        if (parse_file(scan, file, picture, boxes, &why) == IAD_OK) {
            *found = 1;
            return IAD_OK;
        }
        iad_std_boxes_deinit(boxes);
        IAD_TRY(iad_scan_reject(scan->sink, scan->tree->files.items[file->index], &why, err));
    }
    return IAD_OK;
}

static iad_status deliver_with(std_scan *scan, const char *path, const char *stem, iad_std_boxes *boxes, iad_err *err) {
    iad_std_name name;
    char key[96];
    int found = 0, known = iad_std_parse_name(stem, &name);
    char plain[IAD_PATH_MAX], note[96];
    int variant = known && plain_stem(stem, &name, plain, sizeof plain);
    if (variant && !scan->all_variants) {
        size_t i = find_stem(scan, plain, strlen(plain));
        if (i < scan->n && scan->files[i].kind == PICTURE) {
            scan->variants++;
            return IAD_OK;
        }
    }
    IAD_TRY(read_boxes(scan, stem, strlen(stem), path, boxes, &found, err));
    if (!found && variant && name.variant_n == 5 && strncmp(name.variant, "color", 5) == 0) {
        IAD_TRY(read_boxes(scan, plain, strlen(plain), path, boxes, &found, err));
        scan->from_grey += (size_t)found;
    }
    scan->dropped += boxes->dropped;
    if (!found && !known) return iad_scan_rejectf(scan->sink, err, path, "no label file, and its name starts with no class of this data set");
    scan->without_boxes += boxes->n == 0;
    iad_ingest_item item = {.path = path, .category = "steel_tube_weld", .kind = "object", .split = split_of(scan, stem, path),
                            .label = IAD_LABEL_ANOMALOUS, .mask_quality = IAD_MASK_BOX, .boxes = boxes->items, .n_boxes = boxes->n};
    item.defect = known ? name.defect : boxes->n ? boxes->items[0].name : "defect";
    if (known) {
        if (name.video >= 0) iad_scan_print(key, sizeof key, "%s/%ld", name.defect, name.video);
        else iad_scan_print(key, sizeof key, "%s", name.defect);
        item.object_key = key;
        if (variant && iad_scan_print(note, sizeof note, "made from the frame of the same number: %.*s", (int)name.variant_n, name.variant))
            item.note = note;
    }
    scan->pictures++;
    return scan->sink->item(scan->sink->user, &item, err);
}

static iad_status scan_files(std_scan *scan, iad_err *err) {
    for (size_t i = 0, end; i < scan->n; i = end) {
        const std_file *file = &scan->files[i];
        size_t pictures = 0;
        for (end = i; end < scan->n && stem_compare(scan->files[end].stem, scan->files[end].stem_n, file->stem, file->stem_n) == 0; end++)
            pictures += scan->files[end].kind == PICTURE;
        if (!pictures) continue;
        char stem[IAD_PATH_MAX];
        if (!iad_scan_print(stem, sizeof stem, "%.*s", (int)file->stem_n, file->stem)) continue;
        scan->copies += pictures - 1;
        iad_std_boxes boxes = {NULL, 0, 0, {NULL, 0, 0}, 0};
        iad_status status = deliver_with(scan, scan->tree->files.items[file->index], stem, &boxes, err);
        iad_std_boxes_deinit(&boxes);
        if (status != IAD_OK) return status;
    }
    return IAD_OK;
}

iad_status iad_std_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    const char *variants = iad_adapter_option(options, "variants", "");
    if (*variants && strcmp(variants, "all") != 0) return IAD_FAIL(err, IAD_ERR_ARG, "option variants=%s: it is \"all\"", variants);
    std_scan scan = {.tree = tree, .sink = sink, .all_variants = *variants != 0};
    iad_status status = collect(&scan, err);
    if (status == IAD_OK) status = read_image_sets(&scan, err);
    if (status == IAD_OK) status = scan_files(&scan, err);
    free(scan.files);
    iad_scan_set_deinit(&scan.train);
    iad_scan_set_deinit(&scan.validation);
    iad_scan_set_deinit(&scan.test);
    if (status != IAD_OK) return status;
    iad_scan_remark(sink, "%zu pictures (3,408 were published)", scan.pictures);
    if (scan.variants) iad_scan_remark(sink, "%zu pictures made from another frame are left out; option variants=all keeps them", scan.variants);
    if (scan.copies) iad_scan_remark(sink, "%zu further copies of pictures (another format's folder) are left out", scan.copies);
    if (scan.from_grey) iad_scan_remark(sink, "%zu colour frames take the boxes of their grey frame", scan.from_grey);
    if (scan.without_boxes) iad_scan_remark(sink, "%zu pictures have no boxes", scan.without_boxes);
    if (scan.dropped) iad_scan_remark(sink, "%zu boxes are dropped: no area, or a class that the data set does not have", scan.dropped);
    return IAD_OK;
}

static iad_status scan_root(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_std_scan_tree, options, sink, err);
}

/* A folder with a picture whose name is class, video and frame. */
static int is_frames(const char *root, const char *relative) {
    iad_dir_list list;
    int hit = 0;
    if (iad_scan_list(root, relative, &list, NULL) != IAD_OK) return 0;
    for (size_t i = 0; i < list.n && !hit; i++) {
        iad_std_name name;
        hit = !list.items[i].is_dir && iad_scan_is_picture(list.items[i].name) && iad_std_parse_name(list.items[i].name, &name) &&
              name.video >= 0 && name.frame >= 0;
    }
    iad_dir_list_deinit(&list);
    return hit;
}

static int probe(const char *root) {
    iad_strings found = {NULL, 0, 0};
    int score = iad_scan_find_dirs(root, 2, is_frames, &found, NULL) == IAD_OK && found.n ? 80 : 0;
    iad_strings_deinit(&found);
    return score;
}

static const iad_ingest_defects defects[] = {
    {"steel_tube_weld", "air-hole bite-edge broken-arc crack hollow-bead overlap slag-inclusion unfused"}, {0}};

const iad_adapter iad_adapter_std = {
    .name = "std",
    .title = "STD (Steel Tube Dataset)",
    .layout = "<class><video>-<frame>.jpg with .xml (VOC), .json or .txt (YOLO) of the same stem in any folder",
    .options = "variants",
    .licence = "GPL-3.0 (of the repository)",
    .licence_url = "https://github.com/huangyebiaoke/steel-pipe-weld-defect-detection",
    .citation = "Yang et al.: Deep learning based steel pipe weld defect detection, Applied Artificial Intelligence 2021",
    .redistributable = 1,
    .commercial = 1,
    .origin = "real",
    .eval_overlap = "",
    .defects = defects,
    .probe = probe,
    .scan = scan_root,
};
