/* Eyecandies: ten rendered candies under six lights.
 *
 * <Category>/{train,val,test_public,test_private}/data/<index>_<item>.<ext>. The index has three digits in some parts and two
 * in others: it is whatever stands before the first '_'. Per sample: image_0 ... image_5 (all spots, bottom, right, top,
 * left, global light), a 16-bit depth map and normals (left out: no photographs), four masks by kind of anomaly and their
 * union `mask` (all zero for good samples), metadata.yaml with `anomalous: 0|1`. test_private has no labels.
 *
 * Loaders disagree on which light is "the" picture. Here image_5 is; the other five are delivered as the same object under
 * another light and never serve as examples. Option lights=primary leaves them out. The number of samples is a sixth of the
 * number of pictures.
 *
 * Inferred, not seen: that metadata.yaml is plain "key: value" lines. Where it is missing or says nothing, the label follows
 * from the mask; where that is missing too, train and val are normal by the authors' table. */
#include <stdlib.h>
#include <string.h>

#include "manifests/ingest/adapter_scans.h"

enum { LIGHTS = 6, PRIMARY = 5 };
static const char *const light_names[LIGHTS] = {"spots-all", "spot-bottom", "spot-right", "spot-top", "spot-left", "global"};

typedef struct sample {
    const char *images[LIGHTS]; /* borrowed from the tree */
    const char *mask, *metadata;
    char category[256], split[32], key[IAD_PATH_MAX];
} sample;

typedef struct eyecandies_scan {
    const iad_scan_tree *tree;
    const iad_ingest_sink *sink;
    int all_lights;
    size_t samples, without_primary, from_mask;
} eyecandies_scan;

int iad_eyecandies_anomalous(const char *text, size_t n) {
    static const char key[] = "anomalous";
    const char *end = text + n;
    for (const char *line = text; line < end;) {
        const char *eol = memchr(line, '\n', (size_t)(end - line)), *p = line;
        if (!eol) eol = end;
        while (p < eol && (*p == ' ' || *p == '\t' || *p == '"' || *p == '\'' || *p == '{' || *p == '-')) p++;
        if ((size_t)(eol - p) > sizeof key - 1 && strncmp(p, key, sizeof key - 1) == 0) {
            p += sizeof key - 1;
            while (p < eol && (*p == '"' || *p == '\'' || *p == ' ')) p++;
            if (p < eol && *p == ':') {
                char value[8];
                size_t len = 0;
                for (p++; p < eol && (*p == ' ' || *p == '\t' || *p == '"' || *p == '\''); p++) continue;
                while (p < eol && len + 1 < sizeof value && *p > ' ' && !strchr(",}\"'#", *p)) value[len++] = *p++;
                value[len] = 0;
                if (iad_scan_in_list_nocase("1 true yes 1.0", value)) return 1;
                if (iad_scan_in_list_nocase("0 false no 0.0", value)) return 0;
                return -1;
            }
        }
        line = eol + 1;
    }
    return -1;
}

/* "<index>_<item>": the item's name, index[0..*index_n). NULL when the name is of another form. */
static const char *item_name(const char *name, size_t *index_n) {
    size_t digits = strspn(name, "0123456789");
    if (!digits || name[digits] != '_') return NULL;
    *index_n = digits;
    return name + digits + 1;
}

static const char *const candies[] = {"CandyCane",       "ChocolateCookie", "ChocolatePraline", "Confetto",    "GummyBear",
                                      "HazelnutTruffle", "LicoriceSandwich", "Lollipop",        "Marshmallow", "PeppermintCandy"};

/* The authors' spelling of a category's folder: mirrors write candy_cane or "Candy Cane". */
static const char *spell(const char *folder) {
    char plain[64];
    size_t n = 0;
    for (const char *p = folder; *p && n + 1 < sizeof plain; p++)
        if (!strchr("_- ", *p)) plain[n++] = *p;
    plain[n] = 0;
    for (size_t i = 0; i < sizeof candies / sizeof *candies; i++)
        if (iad_text_equal_nocase(plain, candies[i])) return candies[i];
    return folder;
}

/* Fills category, split and key ("CandyCane/train/000"); 0 when the file is no part of this layout. */
static int place_of(const char *path, sample *s, const char **item) {
    iad_scan_parts parts;
    size_t index_n;
    if (!iad_scan_split(&parts, path) || parts.n < 3 || strcmp(parts.part[parts.n - 2], "data") != 0) return 0;
    const char *split = parts.part[parts.n - 3], *name = item_name(parts.part[parts.n - 1], &index_n);
    if (!name || !iad_scan_in_list("train val test_public test_private", split)) return 0;
    const char *category = parts.n >= 4 ? spell(parts.part[parts.n - 4]) : "candy";
    if (!iad_text_copy(s->category, sizeof s->category, category) || !iad_text_copy(s->split, sizeof s->split, split) ||
        !iad_scan_print(s->key, sizeof s->key, "%s/%s/%.*s", category, split, (int)index_n, parts.part[parts.n - 1]))
        return 0;
    *item = iad_path_base(path) + (name - parts.part[parts.n - 1]);
    return 1;
}

static void note_item(sample *s, const char *path, const char *item) {
    char stem[64];
    iad_path_stem(stem, sizeof stem, item);
    if (strcmp(stem, "mask") == 0 && iad_scan_is_picture(item)) s->mask = path;
    else if (strcmp(item, "metadata.yaml") == 0 || strcmp(item, "metadata.yml") == 0) s->metadata = path;
    else if (strlen(stem) == 7 && iad_text_starts(stem, "image_") && stem[6] >= '0' && stem[6] < '0' + LIGHTS && iad_scan_is_picture(item))
        s->images[stem[6] - '0'] = path;
}

static iad_status read_label(eyecandies_scan *scan, const sample *s, iad_ingest_item *item, iad_err *err) {
    int anomalous = -1;
    if (s->metadata) {
        uint8_t *text;
        size_t n;
        iad_err why = IAD_ERR_NONE;
        if (scan->tree->read(scan->tree->user, s->metadata, IAD_SCAN_MAX_SIDE_FILE, &text, &n, &why) == IAD_OK) {
            anomalous = iad_eyecandies_anomalous((const char *)text, n);
            free(text);
            if (anomalous < 0) IAD_TRY(iad_scan_rejectf(scan->sink, err, s->metadata, "no line \"anomalous: 0\" or \"anomalous: 1\""));
        } else {
            IAD_TRY(iad_scan_reject(scan->sink, s->metadata, &why, err));
        }
    }
    item->label = anomalous == 1 ? IAD_LABEL_ANOMALOUS : anomalous == 0 ? IAD_LABEL_NORMAL : IAD_LABEL_UNKNOWN;
    if (anomalous < 0 && s->mask) item->label_from_mask = 1, scan->from_mask++;
    else if (anomalous < 0 && iad_scan_in_list("train val", s->split)) item->label = IAD_LABEL_NORMAL;
    return IAD_OK;
}

static iad_status deliver(eyecandies_scan *scan, const sample *s, iad_err *err) {
    iad_ingest_item item = {.category = s->category, .kind = "object", .object_key = s->key, .mask_quality = IAD_MASK_EXACT};
    item.split = strcmp(s->split, "val") == 0 ? "validation" : s->split;
    IAD_TRY(read_label(scan, s, &item, err));
    if (s->mask && (item.label == IAD_LABEL_ANOMALOUS || item.label_from_mask)) item.masks = &s->mask, item.n_masks = 1;
    if (item.label == IAD_LABEL_ANOMALOUS || item.label_from_mask) item.defect = "defect";
    int primary = PRIMARY; /* a copy without image_5 still has one light that stands for the sample */
    for (int light = 0; !s->images[primary] && light < LIGHTS; light++)
        if (s->images[light]) primary = light;
    if (!s->images[primary]) return IAD_OK;
    scan->samples++;
    scan->without_primary += primary != PRIMARY;
    for (int k = 0; k < LIGHTS; k++) {
        int light = (primary + k) % LIGHTS; /* the primary one first */
        if (!s->images[light] || (k && !scan->all_lights)) continue;
        item.path = s->images[light];
        item.light = light_names[light];
        item.exemplar_ok = light == primary && iad_scan_exemplar(item.split) &&
                           (item.label == IAD_LABEL_NORMAL || item.label_from_mask);
        item.note = light == primary ? NULL : "another light of the same sample: no independent picture";
        IAD_TRY(scan->sink->item(scan->sink->user, &item, err));
    }
    return IAD_OK;
}

/* Files of one sample stand one after the other: they share the start "<index>_". */
static iad_status scan_files(eyecandies_scan *scan, sample *now, sample *next, iad_err *err) {
    int open = 0;
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *path = scan->tree->files.items[i], *item;
        *next = (sample){.mask = NULL};
        if (!place_of(path, next, &item)) continue;
        if (open && strcmp(now->key, next->key) != 0) {
            IAD_TRY(deliver(scan, now, err));
            open = 0;
        }
        if (!open) *now = *next, open = 1;
        note_item(now, path, item);
    }
    return open ? deliver(scan, now, err) : IAD_OK;
}

iad_status iad_eyecandies_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    const char *lights = iad_adapter_option(options, "lights", "all");
    if (!iad_scan_in_list("all primary", lights))
        return IAD_FAIL(err, IAD_ERR_ARG, "option lights=%s: it is \"all\" or \"primary\"", lights);
    eyecandies_scan scan = {.tree = tree, .sink = sink, .all_lights = strcmp(lights, "all") == 0};
    sample now = {.mask = NULL}, next;
    IAD_TRY(scan_files(&scan, &now, &next, err));
    if (scan.samples) iad_scan_remark(sink, "%zu samples; the published table counts one light of each", scan.samples);
    if (scan.without_primary) iad_scan_remark(sink, "%zu samples have no image_5: their first light stands for them", scan.without_primary);
    if (scan.from_mask) iad_scan_remark(sink, "%zu samples have no usable metadata.yaml: their label follows from the mask", scan.from_mask);
    return IAD_OK;
}

static iad_status scan_root(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_eyecandies_scan_tree, options, sink, err);
}

static int is_candy(const char *root, const char *relative) {
    static const char *const splits[] = {"train", "test_public", "val", "test_private"};
    char path[IAD_PATH_MAX];
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++)
        if (iad_scan_print(path, sizeof path, "%s%s%s/data", relative, *relative ? "/" : "", splits[i]) && iad_scan_has_dir(root, path))
            return 1;
    return 0;
}

static int probe(const char *root) {
    iad_strings found = {NULL, 0, 0};
    int score = iad_scan_find_dirs(root, 2, is_candy, &found, NULL) == IAD_OK && found.n ? 92 : 0;
    iad_strings_deinit(&found);
    return score;
}

/* Per category 1000 + 100 + 50 + 400 samples, each under six lights. */
#define CANDY(name)                                                                       \
    {name, "train", 6000, 0, 0}, {name, "validation", 600, 0, 0}, {name, "test_public", 150, 150, 0}, \
        {name, "test_private", 0, 0, 2400}
static const iad_ingest_count counts[] = {
    CANDY("CandyCane"),         CANDY("ChocolateCookie"), CANDY("ChocolatePraline"), CANDY("Confetto"),    CANDY("GummyBear"),
    CANDY("HazelnutTruffle"),   CANDY("LicoriceSandwich"), CANDY("Lollipop"),        CANDY("Marshmallow"), CANDY("PeppermintCandy"),
    {0},
};

const iad_adapter iad_adapter_eyecandies = {
    .name = "eyecandies",
    .title = "Eyecandies",
    .layout = "<Category>/{train,val,test_public,test_private}/data/<index>_{image_0..5,mask,...}.png",
    .options = "lights",
    .licence = "not stated for the data (code: GPL-3.0)",
    .licence_url = "https://github.com/eyecan-ai/eyecandies",
    .citation = "Bonfiglioli et al.: The Eyecandies dataset for unsupervised multimodal anomaly detection and localization, ACCV 2022",
    .origin = "rendered",
    .eval_overlap = "",
    .counts = counts,
    .probe = probe,
    .scan = scan_root,
};
