/* Real-IAD: 30 products, five cameras per sample, 151,050 pictures.
 *
 * Pictures: realiad_{256,512,1024,raw}/<cat>/OK/S0001/<cat>_0001_OK_C1_<stamp>.jpg and
 * <cat>/NG/<CODE>/S0001/<cat>_0001_NG_<CODE>_C1_<stamp>.jpg with ..._mask.png; some archives unpack to <cat>/<cat>/.
 * Lists: realiad_jsons/realiad_jsons[_sv|_fuiad_<share>]/<cat>.json =
 *   {"meta": {"prefix": "<cat>/", "normal_class": "OK"}, "train": [e...], "test": [e...]},
 *   e = {"category", "anomaly_class", "image_path", "mask_path" | null}, paths relative to the category's folder.
 *
 * All kinds of lists found are read. A picture's split is that of realiad_jsons (multi-view) where it is there; every kind is
 * also kept as a split scheme: real-iad, real-iad-sv, real-iad-fuiad-0.4, ... The label comes from anomaly_class only: the train
 * lists of fuiad hold anomalies on purpose, and pictures below NG/ may be labelled OK because that camera does not see
 * the defect. Such a view is normal but never an example: its object_key has an NG sibling. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "manifests/ingest/adapter_scans.h"
#include "manifests/ingest/scan_set.h"

#define MAX_KINDS 16u
#define MAX_LISTS 4096u
#define MAX_ENTRIES 5000000u /* in the lists of one category */

typedef struct list_kind {
    char folder[128]; /* "realiad_jsons_sv" */
    char scheme[128]; /* "real-iad-sv" */
    size_t train, test;
} list_kind;

typedef struct entry {
    size_t file;         /* index of the picture in the tree */
    size_t mask;         /* index of the mask, SIZE_MAX: none */
    size_t kind;         /* rank of the list */
    int train;
    const char *defect;  /* class as written, borrowed; NULL: normal */
    const char *category; /* borrowed */
} entry;

typedef struct real_iad_scan {
    const iad_scan_tree *tree;
    const iad_ingest_sink *sink;
    list_kind kinds[MAX_KINDS]; /* by rank */
    size_t n_kinds;
    char images[IAD_PATH_MAX]; /* folder of the pictures, "" for root */
    /* of the category at hand */
    entry *entries;
    size_t n, cap;
    iad_scan_set defective; /* object keys with an anomalous view */
    size_t masks_missing, nested, hidden;
} real_iad_scan;

static const struct {
    const char *code, *name;
} codes[] = {{"AK", "pit"},           {"BX", "deformation"},    {"CH", "abrasion"},       {"HS", "scratch"},
             {"PS", "damage"},        {"QS", "missing parts"},  {"YW", "foreign object"}, {"ZW", "contamination"}};

static const char *defect_name(const char *code) {
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].code, code) == 0) return codes[i].name;
    return code;
}

/* ---- which lists and which pictures are there ---- */

static int kind_order(const void *a, const void *b) {
    const char *x = ((const list_kind *)a)->folder, *y = ((const list_kind *)b)->folder;
    int rank_x = strcmp(x, "realiad_jsons") == 0 ? 0 : strcmp(x, "realiad_jsons_sv") == 0 ? 1 : 2;
    int rank_y = strcmp(y, "realiad_jsons") == 0 ? 0 : strcmp(y, "realiad_jsons_sv") == 0 ? 1 : 2;
    return rank_x != rank_y ? rank_x - rank_y : strcmp(x, y);
}

/* The folder right above a list, when it is one of the data set's; NULL otherwise. */
static const char *list_folder(const iad_scan_parts *parts) {
    if (parts->n < 2 || !iad_text_ends_nocase(parts->part[parts->n - 1], ".json")) return NULL;
    const char *folder = parts->part[parts->n - 2];
    return iad_text_starts(folder, "realiad_jsons") ? folder : NULL;
}

static iad_status add_kind(real_iad_scan *scan, const char *folder, iad_err *err) {
    for (size_t i = 0; i < scan->n_kinds; i++)
        if (strcmp(scan->kinds[i].folder, folder) == 0) return IAD_OK;
    if (scan->n_kinds == MAX_KINDS) return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %u folders realiad_jsons*", MAX_KINDS);
    list_kind *kind = &scan->kinds[scan->n_kinds];
    if (!iad_text_copy(kind->folder, sizeof kind->folder, folder) ||
        !iad_scan_print(kind->scheme, sizeof kind->scheme, "real-iad%s", folder + strlen("realiad_jsons")))
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s...: the folder's name is too long", folder);
    for (char *p = kind->scheme; *p; p++)
        if (*p == '_') *p = '-';
    scan->n_kinds++;
    return IAD_OK;
}

/* Option list: "uiad", "sv", "fuiad_0.4" or the folder's whole name; "all". */
static int wanted(const char *option, const char *folder) {
    if (strcmp(option, "all") == 0 || strcmp(option, folder) == 0) return 1;
    if (strcmp(option, "uiad") == 0) return strcmp(folder, "realiad_jsons") == 0;
    return iad_text_starts(folder, "realiad_jsons_") && strcmp(folder + strlen("realiad_jsons_"), option) == 0;
}

static iad_status find_lists(real_iad_scan *scan, const char *option, iad_strings *lists, iad_err *err) {
    iad_scan_parts parts;
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *path = scan->tree->files.items[i];
        if (!iad_text_ends_nocase(path, ".json") || !iad_scan_split(&parts, path)) continue;
        const char *folder = list_folder(&parts);
        if (!folder || !wanted(option, folder)) continue;
        IAD_TRY(add_kind(scan, folder, err));
        if (lists->n == MAX_LISTS) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u lists", scan->tree->name, MAX_LISTS);
        IAD_TRY(iad_strings_add(lists, path, err));
    }
    if (!lists->n)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no realiad_jsons*/<category>.json (option list=%s): labels come from these lists",
                        scan->tree->name, option);
    qsort(scan->kinds, scan->n_kinds, sizeof *scan->kinds, kind_order);
    return IAD_OK;
}

/* The folder realiad_<resolution>: the wanted one, or the first of 1024, 512, 256, raw; root when there is none. */
static iad_status find_images(real_iad_scan *scan, const char *option, iad_err *err) {
    static const char *const resolutions[] = {"1024", "512", "256", "raw"};
    char found[4][IAD_PATH_MAX] = {{0}};
    int have[4] = {0}, total = 0;
    iad_scan_parts parts;
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *path = scan->tree->files.items[i];
        if (!strstr(path, "realiad_") || !iad_scan_split(&parts, path)) continue;
        for (size_t k = 0; k + 1 < parts.n && k < 4; k++)
            for (int r = 0; r < 4; r++)
                if (!have[r] && iad_text_starts(parts.part[k], "realiad_") && strcmp(parts.part[k] + 8, resolutions[r]) == 0) {
                    have[r] = 1;
                    total++;
                    iad_scan_print(found[r], sizeof found[r], "%.*s", (int)(parts.part[k] - parts.text + (long)strlen(parts.part[k])), path);
                }
    }
    for (int r = 0; r < 4; r++)
        if (have[r] && (!*option || strcmp(option, resolutions[r]) == 0)) {
            iad_text_copy(scan->images, sizeof scan->images, found[r]);
            if (total > 1 && !*option) iad_scan_remark(scan->sink, "several resolutions: %s is taken; option resolution=NAME for another", found[r]);
            return IAD_OK;
        }
    if (*option) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no folder realiad_%s", scan->tree->name, option);
    scan->images[0] = 0;
    return IAD_OK;
}

/* ---- one list ---- */

/* Index in the tree of a listed path, SIZE_MAX when it is nowhere. */
static size_t locate(real_iad_scan *scan, const char *category, const char *listed) {
    const char *top = scan->images, *slash = *top ? "/" : "";
    char path[IAD_PATH_MAX];
    for (int form = 0; form < 3; form++) {
        int fits = form == 0   ? iad_scan_print(path, sizeof path, "%s%s%s/%s", top, slash, category, listed)
                   : form == 1 ? iad_scan_print(path, sizeof path, "%s%s%s/%s/%s", top, slash, category, category, listed)
                               : iad_scan_print(path, sizeof path, "%s%s%s", top, slash, listed);
        size_t i = fits ? iad_scan_tree_bound(scan->tree, path) : scan->tree->files.n;
        if (i < scan->tree->files.n && strcmp(scan->tree->files.items[i], path) == 0) {
            scan->nested += form == 1;
            return i;
        }
    }
    return SIZE_MAX;
}

/* "<category>/NG/BX/S0001": the folder names the sample; without folders, the name without camera and time stamp. */
static void object_key(char *key, size_t size, const char *category, const char *path) {
    iad_scan_parts parts;
    key[0] = 0;
    if (!iad_scan_split(&parts, path)) return;
    size_t first = parts.n - 1;
    for (size_t k = 0; k + 1 < parts.n; k++)
        if (strcmp(parts.part[k], "OK") == 0 || strcmp(parts.part[k], "NG") == 0) first = k;
    if (first + 1 < parts.n && parts.n >= 2 && parts.part[parts.n - 2][0] == 'S') {
        const char *start = path + (parts.part[first] - parts.text);
        int len = (int)(parts.part[parts.n - 1] - parts.part[first]) - 1;
        iad_scan_print(key, size, "%s/%.*s", category, len, start);
        return;
    }
    char name[IAD_PATH_MAX];
    iad_text_copy(name, sizeof name, parts.part[parts.n - 1]);
    for (int cut = 0; cut < 2; cut++) {
        char *bar = strrchr(name, '_');
        if (bar) *bar = 0;
    }
    iad_scan_print(key, size, "%s/%s", category, name);
}

/* The camera: the second-to-last '_' field of the name when it is C and digits. */
static int camera(char *view, size_t size, const char *path) {
    char stem[IAD_PATH_MAX];
    iad_path_stem(stem, sizeof stem, path);
    char *bar = strrchr(stem, '_');
    if (!bar) return 0;
    *bar = 0;
    bar = strrchr(stem, '_');
    const char *field = bar ? bar + 1 : "";
    size_t digits = *field == 'C' ? strspn(field + 1, "0123456789") : 0;
    return digits && field[1 + digits] == 0 && iad_text_copy(view, size, field);
}

static iad_status read_entry(real_iad_scan *scan, const json_t *record, const char *where, const char *category, const char *normal,
                             entry *out, iad_err *err) {
    const char *code, *image, *mask, *named;
    IAD_TRY(iad_json_string(record, "anomaly_class", where, &code, err));
    IAD_TRY(iad_json_string(record, "image_path", where, &image, err));
    IAD_TRY(iad_json_string_opt(record, "mask_path", NULL, where, &mask, err));
    IAD_TRY(iad_json_string_opt(record, "category", category, where, &named, err));
    if (!iad_path_safe(image)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: image_path \"%.200s\" leads out of the data set", where, image);
    if (mask && *mask && !iad_path_safe(mask)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: mask_path \"%.200s\" leads out of the data set", where, mask);
    if (strcmp(named, category) != 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"category\" is \"%.100s\", the file is of %s", where, named, category);
    *out = (entry){.file = locate(scan, category, image), .mask = SIZE_MAX, .defect = strcmp(code, normal) == 0 ? NULL : code, .category = category};
    if (out->file == SIZE_MAX) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: there is no picture %.200s", where, image);
    if (out->defect && mask && *mask) {
        out->mask = locate(scan, category, mask);
        scan->masks_missing += out->mask == SIZE_MAX;
    }
    return IAD_OK;
}

static iad_status read_part(real_iad_scan *scan, const json_t *list, const char *file, const char *category, const char *normal, size_t kind,
                            int train, iad_err *err) {
    const char *part = train ? "train" : "test";
    const json_t *records = json_object_get(list, part), *record;
    size_t i;
    if (!records) return IAD_OK;
    if (!json_is_array(records)) return iad_scan_rejectf(scan->sink, err, file, "\"%s\" is not an array", part);
    json_array_foreach(records, i, record) {
        char where[512];
        entry e;
        iad_err why = IAD_ERR_NONE;
        iad_scan_print(where, sizeof where, "%s[%zu] of %.400s", part, i, file);
        if (read_entry(scan, record, where, category, normal, &e, &why) != IAD_OK) {
            const char *image = json_string_value(json_object_get(record, "image_path"));
            IAD_TRY(iad_scan_reject(scan->sink, image ? image : where, &why, err));
            continue;
        }
        e.kind = kind;
        e.train = train;
        void *items = scan->entries;
        IAD_TRY(iad_grow(&items, &scan->cap, scan->n + 1, sizeof *scan->entries, MAX_ENTRIES, "the lists of a category", err));
        scan->entries = items;
        scan->entries[scan->n++] = e;
        if (train) scan->kinds[kind].train++;
        else scan->kinds[kind].test++;
        if (e.defect) {
            char key[IAD_PATH_MAX];
            object_key(key, sizeof key, category, scan->tree->files.items[e.file]);
            IAD_TRY(iad_scan_set_add(&scan->defective, key, NULL, err));
        }
    }
    return IAD_OK;
}

/* ---- one category ---- */

static int entry_order(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->file != y->file) return x->file < y->file ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return y->train - x->train;
}

/* entries[0..n) are about one picture, the best list first. */
static iad_status deliver(real_iad_scan *scan, const entry *entries, size_t n, iad_err *err) {
    const entry *e = entries;
    const char *path = scan->tree->files.items[e->file];
    iad_ingest_split splits[MAX_KINDS];
    size_t n_splits = 0;
    char key[IAD_PATH_MAX], view[16];
    for (size_t i = 0; i < n; i++) {
        const entry *other = &entries[i];
        const char *folder = scan->kinds[other->kind].folder;
        if (i && other->kind == entries[i - 1].kind)
            IAD_TRY(iad_scan_rejectf(scan->sink, err, path, "listed twice in %s: the first one counts", folder));
        else if (strcmp(other->defect ? other->defect : "", e->defect ? e->defect : "") != 0)
            IAD_TRY(iad_scan_rejectf(scan->sink, err, path, "%s calls it %.40s, %s calls it %.40s: the latter counts", folder,
                                     other->defect ? other->defect : "normal", scan->kinds[e->kind].folder, e->defect ? e->defect : "normal"));
        else splits[n_splits++] = (iad_ingest_split){scan->kinds[other->kind].scheme, other->train ? "train" : "test"};
    }
    iad_ingest_item item = {.path = path, .category = e->category, .kind = "object", .split = e->train ? "train" : "test",
                            .label = e->defect ? IAD_LABEL_ANOMALOUS : IAD_LABEL_NORMAL, .mask_quality = IAD_MASK_EXACT,
                            .splits = splits, .n_splits = n_splits, .object_key = key};
    object_key(key, sizeof key, e->category, path);
    if (camera(view, sizeof view, path)) item.view = view;
    const char *mask = e->mask == SIZE_MAX ? NULL : scan->tree->files.items[e->mask];
    if (e->defect) {
        item.defect = defect_name(e->defect);
        if (mask) item.masks = &mask, item.n_masks = 1;
    } else if (iad_scan_set_has(&scan->defective, key) || strstr(path, "/NG/") || iad_text_starts(path, "NG/")) {
        item.note = "a view of a defective sample on which the defect is not seen";
        scan->hidden++;
    } else {
        item.exemplar_ok = iad_scan_exemplar(item.split);
    }
    return scan->sink->item(scan->sink->user, &item, err);
}

static iad_status deliver_category(real_iad_scan *scan, iad_err *err) {
    if (!scan->n) return IAD_OK;
    qsort(scan->entries, scan->n, sizeof *scan->entries, entry_order);
    for (size_t i = 0, end; i < scan->n; i = end) {
        for (end = i + 1; end < scan->n && scan->entries[end].file == scan->entries[i].file; end++) continue;
        IAD_TRY(deliver(scan, scan->entries + i, end - i, err));
    }
    return IAD_OK;
}

static iad_status read_list(real_iad_scan *scan, const char *file, const char *category, size_t kind, json_t **list, iad_err *err) {
    const char *normal;
    iad_err why = IAD_ERR_NONE;
    if (iad_scan_tree_json(scan->tree, file, list, &why) != IAD_OK) return iad_scan_reject(scan->sink, file, &why, err);
    if (!json_object_get(*list, "train") && !json_object_get(*list, "test"))
        return iad_scan_rejectf(scan->sink, err, file, "neither \"train\" nor \"test\" is there");
    if (iad_json_string_opt(json_object_get(*list, "meta"), "normal_class", "OK", file, &normal, &why) != IAD_OK)
        return iad_scan_reject(scan->sink, file, &why, err);
    IAD_TRY(read_part(scan, *list, file, category, normal, kind, 1, err));
    return read_part(scan, *list, file, category, normal, kind, 0, err);
}

static size_t kind_of(const real_iad_scan *scan, const char *file) {
    iad_scan_parts parts;
    if (!iad_scan_split(&parts, file)) return 0;
    for (size_t k = 0; k < scan->n_kinds; k++)
        if (strcmp(scan->kinds[k].folder, parts.part[parts.n - 2]) == 0) return k;
    return 0;
}

/* All lists of one category; their JSON stays alive until its pictures are delivered. */
static iad_status scan_category(real_iad_scan *scan, const iad_strings *lists, const char *category, iad_err *err) {
    json_t **open = iad_calloc(lists->n, sizeof(json_t *)); /* mirrors may hold a kind twice */
    iad_status status = open ? IAD_OK : IAD_NOMEM(err, category);
    scan->n = 0;
    for (size_t i = 0; i < lists->n && status == IAD_OK; i++) {
        char stem[IAD_PATH_MAX];
        iad_path_stem(stem, sizeof stem, lists->items[i]);
        if (strcmp(stem, category) == 0) status = read_list(scan, lists->items[i], category, kind_of(scan, lists->items[i]), &open[i], err);
    }
    if (status == IAD_OK) status = deliver_category(scan, err);
    for (size_t i = 0; open && i < lists->n; i++) json_decref(open[i]);
    free(open);
    iad_scan_set_deinit(&scan->defective);
    return status;
}

static iad_status scan_lists(real_iad_scan *scan, const iad_strings *lists, iad_err *err) {
    iad_scan_set categories = {{NULL, 0, 0}, NULL, 0};
    iad_status status = IAD_OK;
    for (size_t i = 0; i < lists->n && status == IAD_OK; i++) {
        char stem[IAD_PATH_MAX];
        iad_path_stem(stem, sizeof stem, lists->items[i]);
        status = iad_scan_set_add(&categories, stem, NULL, err);
    }
    iad_strings_sort(&categories.words); /* only read from here on */
    for (size_t i = 0; i < categories.words.n && status == IAD_OK; i++) status = scan_category(scan, lists, categories.words.items[i], err);
    iad_scan_set_deinit(&categories);
    return status;
}

/* Totals over the 30 categories, counted in a full copy. */
static const struct {
    const char *folder;
    size_t train, test;
} published[] = {{"realiad_jsons", 36465, 114585},     {"realiad_jsons_sv", 10408, 19802},    {"realiad_jsons_fuiad_0.0", 57840, 30000},
                 {"realiad_jsons_fuiad_0.1", 57840, 30000}, {"realiad_jsons_fuiad_0.2", 57840, 30000}, {"realiad_jsons_fuiad_0.4", 57840, 30000}};

static void remarks(const real_iad_scan *scan) {
    for (size_t k = 0; k < scan->n_kinds; k++) {
        const list_kind *kind = &scan->kinds[k];
        char total[64] = "";
        for (size_t p = 0; p < sizeof published / sizeof *published; p++)
            if (strcmp(published[p].folder, kind->folder) == 0)
                iad_scan_print(total, sizeof total, " (of %zu and %zu in all)", published[p].train, published[p].test);
        iad_scan_remark(scan->sink, "%s: %zu train and %zu test pictures%s", kind->folder, kind->train, kind->test, total);
    }
    if (scan->nested) iad_scan_remark(scan->sink, "pictures lie in <category>/<category>/: a nested archive");
    if (scan->hidden) iad_scan_remark(scan->sink, "%zu normal views of defective samples are kept out of the examples", scan->hidden);
    if (scan->masks_missing) iad_scan_remark(scan->sink, "%zu masks named by the lists are missing", scan->masks_missing);
}

iad_status iad_real_iad_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    real_iad_scan *scan = iad_calloc(1, sizeof *scan);
    iad_strings lists = {NULL, 0, 0};
    if (!scan) return IAD_NOMEM(err, "Real-IAD");
    scan->tree = tree;
    scan->sink = sink;
    iad_status status = find_lists(scan, iad_adapter_option(options, "list", "all"), &lists, err);
    if (status == IAD_OK) status = find_images(scan, iad_adapter_option(options, "resolution", ""), err);
    if (status == IAD_OK) status = scan_lists(scan, &lists, err);
    if (status == IAD_OK) remarks(scan);
    iad_strings_deinit(&lists);
    free(scan->entries);
    free(scan);
    return status;
}

static iad_status scan_root(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_real_iad_scan_tree, options, sink, err);
}

static int is_lists(const char *root, const char *relative) {
    (void)root;
    return iad_text_starts(iad_path_base(relative), "realiad_jsons");
}

static int probe(const char *root) {
    iad_strings found = {NULL, 0, 0};
    int score = iad_scan_find_dirs(root, 2, is_lists, &found, NULL) == IAD_OK && found.n ? 96 : 0;
    iad_strings_deinit(&found);
    return score;
}

/* All pictures; how they divide into train and test depends on the list. */
static const iad_ingest_count counts[] = {{NULL, NULL, 99721, 51329, 0}, {0}};

const iad_adapter iad_adapter_real_iad = {
    .name = "real-iad",
    .title = "Real-IAD",
    .layout = "realiad_jsons/realiad_jsons[_sv|_fuiad_*]/<cat>.json with realiad_{256,512,1024,raw}/<cat>/{OK,NG}/...",
    .options = "list resolution",
    .licence = "CC BY-NC-SA 4.0, download on request",
    .licence_url = "https://realiad4ad.github.io/Real-IAD/",
    .citation = "Wang et al.: Real-IAD: a real-world multi-view dataset for benchmarking versatile industrial anomaly detection, CVPR 2024",
    .origin = "real",
    .eval_overlap = "",
    .counts = counts,
    .probe = probe,
    .scan = scan_root,
};
