/* MMAD: 39,672 multiple-choice questions about 8,366 pictures of MVTec AD (in the Defect Spectrum copy), VisA, MVTec LOCO and
 * GoodsAD. Evaluation only.
 *
 * mmad.json: an object keyed by picture path "<data set>/<class>/<test or image>/<good or defect>/<name>", each
 *   {"image_path", "conversation...": [{"Question", "Answer": "B", "Options": {"A": ...}, "type"}], "mask_path",
 *    "similar_templates": [path], "random_templates": [path]}.
 * Every member whose name starts with "conversation" is read. mask_path is relative to <data set>/<class>/, or, as the authors'
 * own script has it, to the first three components of the path: both are tried. A picture is normal when its folder is "good";
 * with a shorter path its detection question says so. Other files of this form (IAD-R1's ..._format.json) are read too.
 *
 * Each question becomes one task: the chosen templates (options shots=0..8, default 1; templates=random|similar), then the
 * query. Options, question type and both template lists go into the task's turns.
 *
 * Known fault of early copies: DS-MVTec/pill/image/good/000 to 021.png show metal nuts (MMAD issues 15, 19, 21). Pill pictures
 * of MVTec AD are 800 pixels wide, metal nuts 700: such a file is noted and never an example. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "manifests/ingest/adapter_scans.h"
#include "manifests/ingest/mmad_fault.h"
#include "manifests/ingest/scan_dialogue.h"
#include "manifests/ingest/scan_set.h"

enum { MAX_SHOTS = 8 };

typedef struct mmad_scan {
    const iad_scan_tree *tree;
    const iad_ingest_sink *sink;
    const char *folders[5]; /* where pictures may lie */
    char beside[IAD_PATH_MAX];
    const char *template_list;
    size_t shots;
    json_t *list; /* at hand */
    iad_scan_set delivered; /* paths in the tree */
    iad_buf question;
    size_t pictures, tasks, missing_pictures, missing_masks, missing_templates, contradictions, wrong_pills;
} mmad_scan;

typedef struct mmad_place {
    char category[512];
    const char *set;   /* borrowed from parts */
    const char *class_name, *third, *kind;
    iad_scan_parts parts;
} mmad_place;

static void place_of(const char *key, mmad_place *place) {
    place->set = place->class_name = place->third = place->kind = NULL;
    iad_text_copy(place->category, sizeof place->category, "mmad");
    if (!iad_scan_split(&place->parts, key) || place->parts.n < 3) return;
    place->set = place->parts.part[0];
    place->class_name = place->parts.part[1];
    if (!iad_scan_print(place->category, sizeof place->category, "%s_%s", place->set, place->class_name))
        iad_text_copy(place->category, sizeof place->category, "mmad");
    if (place->parts.n < 4) return;
    place->third = place->parts.part[2];
    place->kind = place->parts.part[place->parts.n - 2];
}

/* ---- pictures ---- */

/* What the detection question answers: "Yes" there is a defect, "No" there is none. */
static iad_label label_by_question(const json_t *entry) {
    const char *key;
    const json_t *questions, *question;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)entry, key, questions) {
        if (!iad_text_starts(key, "conversation") || !json_is_array(questions)) continue;
        json_array_foreach(questions, i, question) {
            const char *type = json_string_value(json_object_get(question, "type"));
            const char *answer = json_string_value(json_object_get(question, "Answer"));
            if (!type || !answer || strcmp(type, "Anomaly Detection") != 0) continue;
            const char *text = json_string_value(json_object_get(json_object_get(question, "Options"), answer));
            if (text && iad_text_starts(text, "Yes")) return IAD_LABEL_ANOMALOUS;
            if (text && iad_text_starts(text, "No")) return IAD_LABEL_NORMAL;
        }
    }
    return IAD_LABEL_UNKNOWN;
}

static const char *find_mask(mmad_scan *scan, const mmad_place *place, const char *listed) {
    char path[IAD_PATH_MAX];
    const char *found = NULL;
    if (place->class_name && iad_scan_print(path, sizeof path, "%s/%s/%s", place->set, place->class_name, listed))
        found = iad_scan_locate(scan->tree, scan->folders, path);
    if (!found && place->third && iad_scan_print(path, sizeof path, "%s/%s/%s/%s", place->set, place->class_name, place->third, listed))
        found = iad_scan_locate(scan->tree, scan->folders, path);
    return found ? found : iad_scan_locate(scan->tree, scan->folders, listed);
}

/* 1 when this is one of the 22 pill pictures and the file is as large as a metal nut. */
static int is_wrong_pill(const mmad_scan *scan, const char *key, const char *path) {
    int width, height;
    return iad_mmad_faulty_pill(key) && iad_scan_tree_size(scan->tree, path, &width, &height, NULL) == IAD_OK && width == IAD_METAL_NUT_SIDE &&
           height == IAD_METAL_NUT_SIDE;
}

static iad_status deliver_picture(mmad_scan *scan, const char *key, const json_t *entry, iad_err *err) {
    mmad_place place;
    int added;
    const char *image, *mask_path, *mask = NULL;
    iad_err why = IAD_ERR_NONE;
    if (!json_is_object(entry)) return iad_scan_rejectf(scan->sink, err, key, "its entry is not an object");
    if (iad_json_string_opt(entry, "image_path", key, key, &image, &why) != IAD_OK) return iad_scan_reject(scan->sink, key, &why, err);
    if (iad_json_string_opt(entry, "mask_path", "", key, &mask_path, &why) != IAD_OK) return iad_scan_reject(scan->sink, key, &why, err);
    if (!iad_path_safe(image)) return iad_scan_rejectf(scan->sink, err, key, "its path leads out of the data set");
    const char *path = iad_scan_locate(scan->tree, scan->folders, image);
    if (!path) {
        scan->missing_pictures++;
        return iad_scan_rejectf(scan->sink, err, key, "there is no such picture");
    }
    IAD_TRY(iad_scan_set_add(&scan->delivered, path, &added, err));
    if (!added) return IAD_OK;
    place_of(image, &place);
    iad_label asked = label_by_question(entry);
    iad_ingest_item item = {.path = path, .category = place.category, .split = "test", .label = asked, .mask_quality = IAD_MASK_EXACT};
    if (place.kind) item.label = iad_scan_is_normal(place.kind) ? IAD_LABEL_NORMAL : IAD_LABEL_ANOMALOUS;
    if (item.label != asked && asked != IAD_LABEL_UNKNOWN) scan->contradictions++;
    if (place.set && strcmp(place.set, "MVTec-LOCO") == 0) item.kind = "logical";
    if (item.label == IAD_LABEL_ANOMALOUS) {
        item.defect = place.kind ? place.kind : "defect";
        if (*mask_path) mask = find_mask(scan, &place, mask_path);
        if (mask) item.masks = &mask, item.n_masks = 1;
        scan->missing_masks += *mask_path && !mask;
    }
    if (is_wrong_pill(scan, image, path)) {
        item.note = "wrong picture: a metal nut in the folder of pills (MMAD issue 15)";
        scan->wrong_pills++;
    }
    scan->pictures++;
    return scan->sink->item(scan->sink->user, &item, err);
}

/* Templates are normal pictures that the list only names as company; the class is that of the query. */
static iad_status deliver_templates(mmad_scan *scan, const char *key, const json_t *entry, const char *member, iad_err *err) {
    const json_t *list = json_object_get(entry, member), *value;
    mmad_place place;
    size_t i;
    if (!json_is_array(list)) return IAD_OK;
    place_of(key, &place);
    json_array_foreach(list, i, value) {
        const char *listed = json_string_value(value), *split = NULL;
        const char *path = listed ? iad_scan_locate(scan->tree, scan->folders, listed) : NULL;
        iad_scan_parts parts;
        int added;
        if (!path) {
            scan->missing_templates++;
            continue;
        }
        IAD_TRY(iad_scan_set_add(&scan->delivered, path, &added, err));
        if (!added || !iad_scan_split(&parts, path)) continue;
        for (size_t k = 0; k + 1 < parts.n; k++)
            if (iad_scan_split_name(parts.part[k])) split = iad_scan_split_name(parts.part[k]);
        iad_ingest_item item = {.path = path, .category = place.category, .split = split ? split : "template", .label = IAD_LABEL_NORMAL,
                                .exemplar_ok = iad_scan_exemplar(split), .note = "a template: named as a normal sample beside queries"};
        IAD_TRY(scan->sink->item(scan->sink->user, &item, err));
    }
    return IAD_OK;
}

static iad_status deliver_pictures(mmad_scan *scan, iad_err *err) {
    const char *key;
    json_t *entry;
    json_object_foreach(scan->list, key, entry) IAD_TRY(deliver_picture(scan, key, entry, err));
    json_object_foreach(scan->list, key, entry) {
        IAD_TRY(deliver_templates(scan, key, entry, "random_templates", err));
        IAD_TRY(deliver_templates(scan, key, entry, "similar_templates", err));
    }
    return IAD_OK;
}

/* ---- questions ---- */

static size_t choose_pictures(const mmad_scan *scan, const json_t *entry, const char *query, const char **paths) {
    const json_t *list = json_object_get(entry, scan->template_list);
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list) && n < scan->shots; i++) {
        const char *listed = json_string_value(json_array_get(list, i));
        const char *path = listed ? iad_scan_locate(scan->tree, scan->folders, listed) : NULL;
        if (path) paths[n++] = path;
    }
    paths[n++] = query;
    return n;
}

/* {"type", "options", "similar_templates", "random_templates"}, each only when it is there. */
static iad_status make_extras(const json_t *entry, const json_t *question, json_t **extras, iad_err *err) {
    static const char *const lists[] = {"similar_templates", "random_templates"};
    const json_t *type = json_object_get(question, "type"), *options = json_object_get(question, "Options");
    json_t *out = json_object();
    int bad = !out;
    if (!bad && json_is_string(type)) bad |= json_object_set_new(out, "type", json_deep_copy(type)) != 0;
    if (!bad && json_is_object(options)) bad |= json_object_set_new(out, "options", json_deep_copy(options)) != 0;
    for (size_t i = 0; i < 2 && !bad; i++) {
        const json_t *list = json_object_get(entry, lists[i]);
        if (json_is_array(list)) bad |= json_object_set_new(out, lists[i], json_deep_copy(list)) != 0;
    }
    if (bad) {
        json_decref(out);
        return IAD_NOMEM(err, "the options of a question");
    }
    *extras = out;
    return IAD_OK;
}

static iad_status check_question(const json_t *question, const char *id, const char **text, const char **answer, iad_err *err) {
    IAD_TRY(iad_json_string(question, "Question", id, text, err));
    IAD_TRY(iad_json_string(question, "Answer", id, answer, err));
    const json_t *options = json_object_get(question, "Options");
    if (options && !json_is_object(options)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"Options\" is not an object", id);
    if (options && !json_is_string(json_object_get(options, *answer)))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the answer \"%.40s\" is none of the options", id, *answer);
    if (strlen(*text) > IAD_SCAN_MAX_TEXT) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the question is longer than %u bytes", id, IAD_SCAN_MAX_TEXT);
    return IAD_OK;
}

static iad_status deliver_question(mmad_scan *scan, const char *key, const json_t *entry, const char *query, const json_t *question, size_t number,
                                   iad_err *err) {
    char id[IAD_PATH_MAX + 32];
    const char *text, *answer, *paths[MAX_SHOTS + 1];
    mmad_place place;
    iad_err why = IAD_ERR_NONE;
    json_t *extras = NULL;
    iad_scan_print(id, sizeof id, "%.4000s#%zu", key, number);
    if (check_question(question, id, &text, &answer, &why) != IAD_OK) return iad_scan_reject(scan->sink, id, &why, err);
    size_t n = choose_pictures(scan, entry, query, paths);
    IAD_TRY(iad_scan_question(&scan->question, n, text, err));
    IAD_TRY(make_extras(entry, question, &extras, err));
    place_of(key, &place);
    iad_ingest_task task = {.task = "mmad", .external_id = id, .paths = paths, .n_paths = n, .question = iad_buf_str(&scan->question),
                            .answer = answer, .turns = extras, .part = "eval", .category = place.category};
    iad_status status = scan->sink->task(scan->sink->user, &task, err);
    json_decref(extras);
    scan->tasks++;
    return status;
}

static iad_status deliver_questions(mmad_scan *scan, const char *key, json_t *entry, iad_err *err) {
    const char *image = json_string_value(json_object_get(entry, "image_path")), *member;
    const char *query = iad_scan_locate(scan->tree, scan->folders, image ? image : key);
    json_t *questions, *question;
    size_t number = 0, i;
    if (!query || !json_is_object(entry)) return IAD_OK; /* rejected with its picture */
    json_object_foreach(entry, member, questions) {
        if (!iad_text_starts(member, "conversation")) continue;
        if (!json_is_array(questions)) {
            IAD_TRY(iad_scan_rejectf(scan->sink, err, key, "\"%.60s\" is not an array", member));
            continue;
        }
        json_array_foreach(questions, i, question) IAD_TRY(deliver_question(scan, key, entry, query, question, number++, err));
    }
    return IAD_OK;
}

/* ---- the list ---- */

static int is_list(const char *path) {
    const char *name = iad_path_base(path);
    return strcmp(name, "mmad.json") == 0 || iad_text_ends(name, "_format.json");
}

static iad_status scan_list(mmad_scan *scan, const char *file, iad_err *err) {
    const char *key;
    json_t *entry;
    IAD_TRY(iad_scan_tree_json(scan->tree, file, &scan->list, err));
    if (!json_is_object(scan->list)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not an object keyed by picture path", file);
    iad_path_dir(scan->beside, sizeof scan->beside, file);
    if (strcmp(scan->beside, ".") == 0) scan->beside[0] = 0;
    const char *const folders[5] = {scan->beside, "", "ALL_DATA", "MMAD", NULL};
    memcpy(scan->folders, folders, sizeof folders);
    IAD_TRY(deliver_pictures(scan, err));
    json_object_foreach(scan->list, key, entry) IAD_TRY(deliver_questions(scan, key, entry, err));
    return IAD_OK;
}

static iad_status scan_lists(mmad_scan *scan, const char *wanted, iad_err *err) {
    size_t lists = 0;
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *path = scan->tree->files.items[i];
        if (*wanted ? strcmp(path, wanted) != 0 : !is_list(path)) continue;
        iad_status status = scan_list(scan, path, err);
        json_decref(scan->list);
        scan->list = NULL;
        if (status != IAD_OK) return status;
        lists++;
    }
    if (!lists) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no %s", scan->tree->name, *wanted ? wanted : "mmad.json or *_format.json");
    return IAD_OK;
}

static void remarks(const mmad_scan *scan) {
    iad_scan_remark(scan->sink, "%zu pictures with questions (8,366 in all), %zu questions (39,672 in all)", scan->pictures, scan->tasks);
    if (scan->missing_pictures) iad_scan_remark(scan->sink, "%zu pictures named by the list are not there", scan->missing_pictures);
    if (scan->missing_templates)
        iad_scan_remark(scan->sink, "%zu times a named template is not there: these questions get fewer shots", scan->missing_templates);
    if (scan->missing_masks) iad_scan_remark(scan->sink, "%zu masks named by the list are not there", scan->missing_masks);
    if (scan->contradictions)
        iad_scan_remark(scan->sink, "%zu pictures: folder and detection question disagree, the folder counts", scan->contradictions);
    if (scan->wrong_pills)
        iad_scan_remark(scan->sink, "%zu of the 22 pill pictures 000 to 021 show metal nuts: an early copy (MMAD issue 15)", scan->wrong_pills);
}

iad_status iad_mmad_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    const char *templates = iad_adapter_option(options, "templates", "random");
    int64_t shots;
    IAD_TRY(iad_parse_i64(iad_adapter_option(options, "shots", "1"), 0, MAX_SHOTS, "option shots", &shots, err));
    if (!iad_scan_in_list("random similar", templates))
        return IAD_FAIL(err, IAD_ERR_ARG, "option templates=%s: it is \"random\" or \"similar\"", templates);
    mmad_scan *scan = iad_calloc(1, sizeof *scan);
    if (!scan) return IAD_NOMEM(err, "MMAD");
    scan->tree = tree;
    scan->sink = sink;
    scan->shots = (size_t)shots;
    scan->template_list = strcmp(templates, "random") == 0 ? "random_templates" : "similar_templates";
    iad_buf_init(&scan->question, 2 * IAD_SCAN_MAX_TEXT);
    iad_status status = scan_lists(scan, iad_adapter_option(options, "json", ""), err);
    if (status == IAD_OK) remarks(scan);
    iad_buf_deinit(&scan->question);
    iad_scan_set_deinit(&scan->delivered);
    free(scan);
    return status;
}

static iad_status scan_root(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_mmad_scan_tree, options, sink, err);
}

static int probe(const char *root) {
    return iad_scan_has_file(root, "mmad.json") || iad_scan_has_file(root, "MMAD/mmad.json") ? 97 : 0;
}

const iad_adapter iad_adapter_mmad = {
    .name = "mmad",
    .title = "MMAD",
    .layout = "mmad.json with <data set>/<class>/... of DS-MVTec, MVTec-AD, MVTec-LOCO, VisA, GoodsAD beside it",
    .options = "json shots templates",
    .licence = "CC BY-NC-SA 4.0",
    .licence_url = "https://huggingface.co/datasets/jiang-cc/MMAD",
    .citation = "Jiang et al.: MMAD: a comprehensive benchmark for multimodal large language models in industrial anomaly detection, ICLR 2025",
    .redistributable = 1,
    .origin = "real",
    .eval_overlap = "mmad,mvtec,visa",
    .probe = probe,
    .scan = scan_root,
};
