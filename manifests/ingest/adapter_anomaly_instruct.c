/* Anomaly-Instruct-125k: questions and answers about web, medical, 3-D and MVTec pictures.
 *
 * Each part is one JSON file, a list of {"id"?, "image": path or [paths], "conversations": [{"from": "human"|"gpt", "value"}]}
 * in LLaVA's form, with the "<image>" tokens in the first human turn. The part called mvtec asks about the test pictures of
 * MVTec AD: training on it and testing on MVTec AD is a leak. It is therefore a data set of its own here,
 * anomaly-instruct-mvtec, marked eval_overlap and with part "eval"; the adapter anomaly-instruct leaves that part out, and with it
 * every record of another part whose picture lies in a folder of MVTec AD.
 *
 * Inferred from the authors' loader and not seen: the exact folders of the pictures. They are looked for below the root, beside
 * the list, and in images/ of both, with and without the first folder of the path. The label follows from a folder called good,
 * normal, bad, abnormal, ... or from MVTec's test/<defect>; otherwise it is unknown. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "manifests/ingest/adapter_scans.h"
#include "manifests/ingest/scan_dialogue.h"
#include "manifests/ingest/scan_set.h"

typedef struct part_file {
    const char *file, *part;
    int mvtec_layout; /* <class>/test/<defect>/ names the defect */
} part_file;

static const part_file part_files[] = {
    {"webad_processed.json", "webad", 0},         {"bmad_zero_shot.json", "bmad", 0},
    {"mvtec3d_zero_shot2.json", "mvtec3d", 1},    {"real3d_zero_shot2.json", "real3d", 0},
    {"anomaly_shapenet_zero_shot2.json", "anomaly_shapenet", 0}, {"mvtec_zero_shot.json", "mvtec", 1},
};
enum { N_PARTS = sizeof part_files / sizeof *part_files };

typedef struct instruct_scan {
    const iad_scan_tree *tree;
    const iad_ingest_sink *sink;
    int mvtec; /* 1: only that part, 0: all others */
    const part_file *part;
    const char *list;          /* path of the list at hand */
    const char *folders[5];    /* where pictures may lie */
    char beside[IAD_PATH_MAX], beside_images[IAD_PATH_MAX];
    iad_scan_set delivered;
    iad_buf question;
    size_t records, tasks, missing, leaks, added_tokens;
} instruct_scan;

/* One checked record. */
typedef struct record {
    const char *listed[IAD_SCAN_MAX_PICTURES], *paths[IAD_SCAN_MAX_PICTURES];
    size_t n;
    const json_t *turns;
} record;

/* ---- pictures ---- */

static int in_mvtec(const char *path) {
    iad_scan_parts parts;
    if (!iad_scan_split(&parts, path)) return 0;
    for (size_t i = 0; i + 1 < parts.n; i++)
        if (iad_scan_in_list_nocase("mvtec mvtec_ad mvtec-ad mvtec_anomaly_detection ds-mvtec", parts.part[i])) return 1;
    return 0;
}

/* "<part>_<folder after the data set's own>"; the label and the defect as far as folders tell. */
static void describe(const instruct_scan *scan, iad_scan_parts *parts, char *category, size_t size, iad_ingest_item *item) {
    const char *top = parts->n >= 3 ? parts->part[1] : parts->n == 2 ? parts->part[0] : "pictures";
    if (!iad_scan_print(category, size, "%s_%s", scan->part->part, top)) iad_text_copy(category, size, scan->part->part);
    item->category = category;
    item->label = IAD_LABEL_UNKNOWN;
    for (size_t i = 0; i + 1 < parts->n; i++) {
        const char *folder = parts->part[i];
        if (iad_scan_split_name(folder)) {
            item->split = iad_scan_split_name(folder);
            if (scan->part->mvtec_layout && strcmp(item->split, "test") == 0 && i + 2 < parts->n && !iad_scan_is_normal(parts->part[i + 1])) {
                item->label = IAD_LABEL_ANOMALOUS;
                item->defect = parts->part[i + 1];
            }
        } else if (iad_scan_is_normal(folder)) {
            item->label = IAD_LABEL_NORMAL;
        } else if ((iad_scan_is_anomalous(folder) || iad_text_equal_nocase(folder, "ungood")) && !item->defect) {
            item->label = IAD_LABEL_ANOMALOUS;
            item->defect = folder;
        }
    }
    if (item->label == IAD_LABEL_NORMAL) item->defect = NULL;
    item->exemplar_ok = item->label == IAD_LABEL_NORMAL && iad_scan_exemplar(item->split);
}

static iad_status deliver_pictures(instruct_scan *scan, const record *r, iad_err *err) {
    for (size_t i = 0; i < r->n; i++) {
        iad_scan_parts parts;
        char category[512], view[24];
        int added;
        IAD_TRY(iad_scan_set_add(&scan->delivered, r->paths[i], &added, err));
        if (!added || !iad_scan_split(&parts, r->listed[i])) continue;
        iad_ingest_item item = {.path = r->paths[i]};
        describe(scan, &parts, category, sizeof category, &item);
        if (r->n > 1) { /* the views of one object */
            iad_scan_print(view, sizeof view, "v%zu", i);
            item.view = view;
            item.object_key = r->paths[0];
        }
        IAD_TRY(scan->sink->item(scan->sink->user, &item, err));
    }
    return IAD_OK;
}

/* ---- one record ---- */

static iad_status read_pictures(const instruct_scan *scan, const json_t *image, const char *where, record *r, iad_err *err) {
    size_t n = json_is_array(image) ? json_array_size(image) : 1;
    if (n == 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"image\" is an empty list", where);
    if (n > IAD_SCAN_MAX_PICTURES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u pictures", where, IAD_SCAN_MAX_PICTURES);
    for (size_t i = 0; i < n; i++) {
        const char *listed = json_string_value(json_is_array(image) ? json_array_get(image, i) : image);
        if (!listed) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"image\" is neither a path nor a list of paths", where);
        while (iad_text_starts(listed, "./")) listed += 2;
        if (!iad_path_safe(listed)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: \"%.200s\" leads out of the data set", where, listed);
        r->listed[i] = listed;
        r->paths[i] = iad_scan_locate(scan->tree, scan->folders, listed);
        if (!r->paths[i]) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: there is no picture %.200s", where, listed);
    }
    r->n = n;
    return IAD_OK;
}

/* Turns alternate, human first; ends with an answer. */
static iad_status check_turns(const json_t *turns, const char *where, iad_err *err) {
    size_t n = json_array_size(turns);
    if (n < 2 || n % 2) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu turns: not questions each with its answer", where, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *turn = json_array_get(turns, i);
        const char *from, *value;
        IAD_TRY(iad_json_string(turn, "from", where, &from, err));
        IAD_TRY(iad_json_string(turn, "value", where, &value, err));
        if (!iad_scan_in_list(i % 2 ? "gpt assistant" : "human user", from))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: turn %zu is from \"%.40s\"", where, i, from);
        if (strlen(value) > IAD_SCAN_MAX_TEXT)
            return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: turn %zu is longer than %u bytes", where, i, IAD_SCAN_MAX_TEXT);
        if (i && iad_scan_image_tokens(value)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: <image> in turn %zu", where, i);
    }
    return IAD_OK;
}

static iad_status read_record(const instruct_scan *scan, const json_t *object, const char *where, record *r, iad_err *err) {
    json_t *turns;
    const json_t *image = json_object_get(object, "image");
    if (!image) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"image\" is missing", where);
    IAD_TRY(iad_json_array(object, "conversations", where, &turns, err));
    IAD_TRY(check_turns(turns, where, err));
    r->turns = turns;
    IAD_TRY(read_pictures(scan, image, where, r, err));
    size_t tokens = iad_scan_image_tokens(json_string_value(json_object_get(json_array_get(turns, 0), "value")));
    if (tokens && tokens != r->n) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu <image> tokens for %zu pictures", where, tokens, r->n);
    return IAD_OK;
}

static const char *turn_value(const json_t *turns, size_t i) { return json_string_value(json_object_get(json_array_get(turns, i), "value")); }

/* The whole dialogue, roles named human and gpt; NULL for a single question. */
static iad_status copy_turns(const record *r, const char *first, json_t **turns, iad_err *err) {
    *turns = NULL;
    if (json_array_size(r->turns) <= 2) return IAD_OK;
    json_t *out = json_array();
    if (!out) return IAD_NOMEM(err, "the turns of a task");
    iad_status status = IAD_OK;
    for (size_t i = 0; i < json_array_size(r->turns) && status == IAD_OK; i++)
        status = iad_scan_add_turn(out, i % 2 ? "gpt" : "human", i ? turn_value(r->turns, i) : first, err);
    if (status == IAD_OK) *turns = out;
    else json_decref(out);
    return status;
}

static iad_status deliver_task(instruct_scan *scan, const record *r, size_t index, iad_err *err) {
    char id[64], category[512];
    iad_scan_parts parts;
    iad_ingest_item item = {.path = NULL};
    const char *first = turn_value(r->turns, 0);
    size_t tokens = iad_scan_image_tokens(first) ? 0 : r->n; /* a list without tokens means: all pictures first */
    scan->added_tokens += tokens > 0;
    IAD_TRY(iad_scan_question(&scan->question, tokens, first, err));
    iad_scan_print(id, sizeof id, "%s#%zu", scan->part->part, index);
    if (!iad_scan_split(&parts, r->listed[r->n - 1])) return IAD_OK;
    describe(scan, &parts, category, sizeof category, &item);
    json_t *turns;
    IAD_TRY(copy_turns(r, iad_buf_str(&scan->question), &turns, err));
    iad_ingest_task task = {.task = "instruct", .external_id = id, .paths = r->paths, .n_paths = r->n, .question = iad_buf_str(&scan->question),
                            .answer = turn_value(r->turns, 1), .turns = turns, .part = scan->mvtec ? "eval" : "train", .category = category};
    iad_status status = scan->sink->task(scan->sink->user, &task, err);
    json_decref(turns);
    scan->tasks++;
    return status;
}

static iad_status scan_record(instruct_scan *scan, const json_t *object, size_t index, int tasks, iad_err *err) {
    char where[512];
    record r = {.n = 0};
    iad_err why = IAD_ERR_NONE;
    iad_scan_print(where, sizeof where, "record %zu of %.400s", index, scan->list);
    if (read_record(scan, object, where, &r, &why) != IAD_OK) {
        const char *id = json_string_value(json_object_get(object, "id"));
        scan->missing += !tasks && why.code == IAD_ERR_NOT_FOUND;
        return tasks ? IAD_OK : iad_scan_reject(scan->sink, id ? id : where, &why, err);
    }
    for (size_t i = 0; i < r.n && !scan->mvtec; i++)
        if (in_mvtec(r.listed[i]) || in_mvtec(r.paths[i])) {
            scan->leaks += (size_t)tasks;
            return IAD_OK;
        }
    if (tasks) return deliver_task(scan, &r, index, err);
    scan->records++;
    return deliver_pictures(scan, &r, err);
}

/* ---- the lists ---- */

static iad_status scan_list(instruct_scan *scan, const char *path, const part_file *part, iad_err *err) {
    json_t *list;
    IAD_TRY(iad_scan_tree_json(scan->tree, path, &list, err));
    if (!json_is_array(list)) {
        json_decref(list);
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a list of records", path);
    }
    scan->part = part;
    scan->list = path;
    iad_path_dir(scan->beside, sizeof scan->beside, path);
    if (strcmp(scan->beside, ".") == 0) scan->beside[0] = 0;
    if (!iad_scan_print(scan->beside_images, sizeof scan->beside_images, "%s%simages", scan->beside, *scan->beside ? "/" : ""))
        scan->beside_images[0] = 0;
    const char *const folders[5] = {"", scan->beside, scan->beside_images, "images", NULL};
    memcpy(scan->folders, folders, sizeof folders);
    iad_status status = IAD_OK;
    for (int tasks = 0; tasks < 2; tasks++) /* all pictures first */
        for (size_t i = 0; i < json_array_size(list) && status == IAD_OK; i++)
            status = scan_record(scan, json_array_get(list, i), i, tasks, err);
    json_decref(list);
    return status;
}

static iad_status scan_lists(instruct_scan *scan, const char *wanted, iad_err *err) {
    size_t lists = 0, left_out = 0;
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *path = scan->tree->files.items[i];
        for (size_t k = 0; k < N_PARTS; k++) {
            const part_file *part = &part_files[k];
            if (strcmp(iad_path_base(path), part->file) != 0) continue;
            if ((strcmp(part->part, "mvtec") == 0) != scan->mvtec) {
                left_out++;
                if (!scan->mvtec)
                    iad_scan_remark(scan->sink,
                                    "%s is left out: it asks about the test pictures of MVTec AD; adapter anomaly-instruct-mvtec reads it", path);
            } else if (!*wanted || iad_scan_in_list(wanted, part->part)) {
                IAD_TRY(scan_list(scan, path, part, err));
                lists++;
            }
        }
    }
    if (!lists)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: none of the lists %s%s", scan->tree->name,
                        scan->mvtec ? "mvtec_zero_shot.json" : "webad_processed.json, bmad_zero_shot.json, mvtec3d_zero_shot2.json, ...",
                        left_out ? " (others are there)" : "");
    return IAD_OK;
}

static iad_status scan_parts(const iad_scan_tree *tree, int mvtec, const char *wanted, const iad_ingest_sink *sink, iad_err *err) {
    instruct_scan *scan = iad_calloc(1, sizeof *scan);
    if (!scan) return IAD_NOMEM(err, "Anomaly-Instruct");
    scan->tree = tree;
    scan->sink = sink;
    scan->mvtec = mvtec;
    iad_buf_init(&scan->question, 2 * IAD_SCAN_MAX_TEXT);
    iad_status status = scan_lists(scan, wanted, err);
    if (status == IAD_OK) {
        iad_scan_remark(sink, "%zu records, %zu tasks, %zu pictures", scan->records, scan->tasks, scan->delivered.words.n);
        if (scan->missing) iad_scan_remark(sink, "%zu records name a picture that is not there", scan->missing);
        if (scan->leaks) iad_scan_remark(sink, "%zu records of other parts show pictures of MVTec AD: left out", scan->leaks);
        if (scan->added_tokens) iad_scan_remark(sink, "%zu questions had no <image> token: the pictures are put in front", scan->added_tokens);
    }
    iad_buf_deinit(&scan->question);
    iad_scan_set_deinit(&scan->delivered);
    free(scan);
    return status;
}

iad_status iad_anomaly_instruct_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return scan_parts(tree, 0, iad_adapter_option(options, "parts", ""), sink, err);
}

iad_status iad_anomaly_instruct_mvtec_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    (void)options;
    return scan_parts(tree, 1, "", sink, err);
}

static iad_status scan_root(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_anomaly_instruct_scan_tree, options, sink, err);
}

static iad_status scan_root_mvtec(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_anomaly_instruct_mvtec_scan_tree, options, sink, err);
}

static int has_part_list(const char *root, const char *relative) {
    char path[IAD_PATH_MAX];
    for (size_t k = 0; k < N_PARTS; k++)
        if (strcmp(part_files[k].part, "mvtec") != 0 &&
            iad_scan_print(path, sizeof path, "%s%s%s", relative, *relative ? "/" : "", part_files[k].file) &&
            iad_scan_has_file(root, path))
            return 1;
    return 0;
}

static int probe(const char *root) {
    iad_strings found = {NULL, 0, 0};
    int score = iad_scan_find_dirs(root, 2, has_part_list, &found, NULL) == IAD_OK && found.n ? 97 : 0;
    iad_strings_deinit(&found);
    return score;
}

/* Never chosen by itself: one asks for this part by name. */
static int probe_never(const char *root) {
    (void)root;
    return 0;
}

#define LICENCE "on request, terms not seen"
#define CITATION "Xu et al.: Towards zero-shot anomaly detection and reasoning with multimodal large language models, CVPR 2025"
#define URL "https://github.com/honda-research-institute/Anomaly-OneVision"

const iad_adapter iad_adapter_anomaly_instruct = {
    .name = "anomaly-instruct",
    .title = "Anomaly-Instruct-125k without its MVTec part",
    .layout = "webad_processed.json, bmad_zero_shot.json, {mvtec3d,real3d,anomaly_shapenet}_zero_shot2.json and their pictures",
    .options = "parts",
    .licence = LICENCE,
    .licence_url = URL,
    .citation = CITATION,
    .origin = "web",
    .eval_overlap = "",
    .probe = probe,
    .scan = scan_root,
};

const iad_adapter iad_adapter_anomaly_instruct_mvtec = {
    .name = "anomaly-instruct-mvtec",
    .title = "Anomaly-Instruct-125k, its MVTec part",
    .layout = "mvtec_zero_shot.json and the pictures of MVTec AD",
    .licence = LICENCE,
    .licence_url = URL,
    .citation = CITATION,
    .origin = "real",
    .eval_overlap = "mvtec",
    .probe = probe_never,
    .scan = scan_root_mvtec,
};
