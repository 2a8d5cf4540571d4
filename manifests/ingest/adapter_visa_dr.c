/* VisA-D&R: reasoning about defects, several questions per picture, asked as one growing dialogue. Evaluation only.
 *
 * VisA/visa_dr.json: a list of {"image": "VisA/<class>/...", "questions": [q1, q2, ...], ...}; it holds anomalous pictures only.
 * VisA/test_data.json (optional): a list of {"image", "anomaly": bool, ...}: the detection half, read for its pictures and
 * labels; its question belongs to the protocol, not to the data.
 *
 * Inferred from the authors' scripts and not seen: where the reference answers stand. Accepted are a list "answers" (or answer,
 * references, reference, ground_truth, gt) as long as "questions", questions that are objects with an answer of their own, and LLaVA's
 * "conversations". "responses" is what the authors' script adds for a model's own answers and is never read. A picture
 * whose answers are not found is kept with empty ones, and the members that its record has are named.
 * The authors' scripts leave pcb2 and pcb4 out: option classes=published does so, all is the default. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "manifests/ingest/adapter_scans.h"
#include "manifests/ingest/dialogue_record.h"
#include "manifests/ingest/scan_dialogue.h"
#include "manifests/ingest/scan_set.h"

typedef struct visa_dr_scan {
    const iad_scan_tree *tree;
    const iad_ingest_sink *sink;
    int published_only;
    const char *folders[4];
    char beside[IAD_PATH_MAX];
    iad_scan_set delivered, ids;
    iad_buf question;
    size_t dialogues, detection, unanswered, pcb;
    char members[256]; /* of the first record without answers */
} visa_dr_scan;

/* ---- pictures ---- */

/* The mask of a reorganised copy (<class>/test/bad/000.JPG) or of the raw one (<class>/Data/Images/Anomaly/000.JPG). */
static const char *find_mask(const iad_scan_tree *tree, const char *path) {
    char dir[IAD_PATH_MAX], up[IAD_PATH_MAX], top[IAD_PATH_MAX], folder[IAD_PATH_MAX], stem[IAD_PATH_MAX];
    const char *mask = NULL;
    iad_path_stem(stem, sizeof stem, path);
    iad_path_dir(dir, sizeof dir, path);
    iad_path_dir(up, sizeof up, dir);
    iad_path_dir(top, sizeof top, up);
    if (iad_scan_print(folder, sizeof folder, "%s/ground_truth/%s", top, iad_path_base(dir))) mask = iad_scan_tree_picture(tree, folder, stem, "");
    if (!mask && iad_scan_print(folder, sizeof folder, "%s/Masks/%s", top, iad_path_base(dir))) mask = iad_scan_tree_picture(tree, folder, stem, "");
    return mask;
}

static iad_status deliver_picture(visa_dr_scan *scan, const char *listed, const char *path, iad_label label, iad_err *err) {
    char category[256];
    int added;
    IAD_TRY(iad_scan_set_add(&scan->delivered, path, &added, err));
    if (!added) return IAD_OK;
    iad_visa_dr_class(listed, category, sizeof category);
    iad_ingest_item item = {.path = path, .category = category, .kind = "object", .split = "test", .label = label, .mask_quality = IAD_MASK_EXACT};
    const char *mask = NULL;
    if (label == IAD_LABEL_ANOMALOUS) {
        item.defect = "defect";
        mask = find_mask(scan->tree, path);
        if (mask) item.masks = &mask, item.n_masks = 1;
    }
    return scan->sink->item(scan->sink->user, &item, err);
}

/* ---- dialogues ---- */

static iad_status read_dialogue(visa_dr_scan *scan, const json_t *record, const char *where, const char **path, iad_dialogue_record *d,
                                iad_err *err) {
    IAD_TRY(iad_dialogue_record_read(record, where, d, err));
    if (!iad_path_safe(d->image)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: \"%.200s\" leads out of the data set", where, d->image);
    *path = iad_scan_locate(scan->tree, scan->folders, d->image);
    return *path ? IAD_OK : IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: there is no picture %.200s", where, d->image);
}

static void note_members(visa_dr_scan *scan, const json_t *record) {
    const char *key;
    json_t *value;
    size_t used = 0;
    if (scan->members[0]) return;
    json_object_foreach((json_t *)(uintptr_t)record, key, value) {
        int n = snprintf(scan->members + used, sizeof scan->members - used, "%s%.40s", used ? ", " : "", key);
        if (n < 0 || used + (size_t)n >= sizeof scan->members) break;
        used += (size_t)n;
    }
    (void)value;
}

static iad_status make_turns(const iad_dialogue_record *d, const char *first, json_t **turns, iad_err *err) {
    json_t *out = json_array();
    iad_status status = out ? IAD_OK : IAD_NOMEM(err, "the turns of a task");
    for (size_t i = 0; i < d->n && status == IAD_OK; i++) {
        status = iad_scan_add_turn(out, "human", i ? d->questions[i] : first, err);
        if (status == IAD_OK) status = iad_scan_add_turn(out, "gpt", d->answers[i] ? d->answers[i] : "", err);
    }
    if (status == IAD_OK) *turns = out;
    else json_decref(out);
    return status;
}

static iad_status deliver_dialogue(visa_dr_scan *scan, const json_t *record, const char *listed, const char *path, const iad_dialogue_record *d,
                                   iad_err *err) {
    char category[256], id[IAD_PATH_MAX + 32];
    int added;
    json_t *turns = NULL;
    int complete = 1;
    for (size_t i = 0; i < d->n; i++) complete &= d->answers[i] != NULL;
    if (!complete) {
        scan->unanswered++;
        note_members(scan, record);
    }
    iad_scan_print(id, sizeof id, "%s", listed);
    IAD_TRY(iad_scan_set_add(&scan->ids, id, &added, err));
    for (int again = 2; !added; again++) { /* a second dialogue about the same picture */
        iad_scan_print(id, sizeof id, "%.4000s#%d", listed, again);
        IAD_TRY(iad_scan_set_add(&scan->ids, id, &added, err));
    }
    IAD_TRY(iad_scan_question(&scan->question, 1, d->questions[0], err));
    IAD_TRY(make_turns(d, iad_buf_str(&scan->question), &turns, err));
    iad_visa_dr_class(listed, category, sizeof category);
    iad_ingest_task task = {.task = "visa_dr", .external_id = id, .paths = &path, .n_paths = 1, .question = iad_buf_str(&scan->question),
                            .answer = d->answers[0] ? d->answers[0] : "", .turns = turns, .part = "eval", .category = category};
    iad_status status = scan->sink->task(scan->sink->user, &task, err);
    json_decref(turns);
    scan->dialogues++;
    return status;
}

static int left_out(visa_dr_scan *scan, const json_t *record) {
    char category[256];
    const char *listed = json_string_value(json_object_get(record, "image"));
    if (!scan->published_only || !listed) return 0;
    iad_visa_dr_class(listed, category, sizeof category);
    return iad_visa_dr_left_out(category);
}

static iad_status scan_dialogue(visa_dr_scan *scan, const json_t *record, const char *where, int tasks, iad_err *err) {
    const char *path = NULL;
    iad_dialogue_record d = {.n = 0};
    iad_err why = IAD_ERR_NONE;
    if (left_out(scan, record)) {
        scan->pcb += (size_t)tasks;
        return IAD_OK;
    }
    if (read_dialogue(scan, record, where, &path, &d, &why) != IAD_OK) {
        const char *name = json_string_value(json_object_get(record, "image"));
        return tasks ? IAD_OK : iad_scan_reject(scan->sink, name ? name : where, &why, err);
    }
    return tasks ? deliver_dialogue(scan, record, d.image, path, &d, err) : deliver_picture(scan, d.image, path, IAD_LABEL_ANOMALOUS, err);
}

static iad_status scan_detection(visa_dr_scan *scan, const json_t *record, const char *where, iad_err *err) {
    const char *listed;
    iad_err why = IAD_ERR_NONE;
    if (left_out(scan, record)) return IAD_OK;
    if (iad_json_string(record, "image", where, &listed, &why) != IAD_OK) return iad_scan_reject(scan->sink, where, &why, err);
    if (!iad_path_safe(listed)) return iad_scan_rejectf(scan->sink, err, listed, "its path leads out of the data set");
    const char *path = iad_scan_locate(scan->tree, scan->folders, listed);
    const json_t *anomaly = json_object_get(record, "anomaly");
    if (!path) return iad_scan_rejectf(scan->sink, err, listed, "there is no such picture");
    if (!json_is_boolean(anomaly) && !json_is_integer(anomaly))
        return iad_scan_rejectf(scan->sink, err, listed, "\"anomaly\" is neither true nor false");
    int bad = json_is_true(anomaly) || (json_is_integer(anomaly) && json_integer_value(anomaly) != 0);
    scan->detection++;
    return deliver_picture(scan, listed, path, bad ? IAD_LABEL_ANOMALOUS : IAD_LABEL_NORMAL, err);
}

/* ---- the lists ---- */

static iad_status scan_list(visa_dr_scan *scan, const char *file, int detection, iad_err *err) {
    json_t *list;
    IAD_TRY(iad_scan_tree_json(scan->tree, file, &list, err));
    if (!json_is_array(list)) {
        json_decref(list);
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a list of records", file);
    }
    iad_path_dir(scan->beside, sizeof scan->beside, file);
    if (strcmp(scan->beside, ".") == 0) scan->beside[0] = 0;
    const char *const folders[4] = {"", scan->beside, "VisA", NULL};
    memcpy(scan->folders, folders, sizeof folders);
    iad_status status = IAD_OK;
    for (int tasks = 0; tasks < (detection ? 1 : 2); tasks++)
        for (size_t i = 0; i < json_array_size(list) && status == IAD_OK; i++) {
            char where[512];
            iad_scan_print(where, sizeof where, "record %zu of %.400s", i, file);
            status = detection ? scan_detection(scan, json_array_get(list, i), where, err)
                               : scan_dialogue(scan, json_array_get(list, i), where, tasks, err);
        }
    json_decref(list);
    return status;
}

static iad_status scan_lists(visa_dr_scan *scan, iad_err *err) {
    size_t lists = 0;
    for (size_t i = 0; i < scan->tree->files.n; i++) {
        const char *name = iad_path_base(scan->tree->files.items[i]);
        int detection = strcmp(name, "test_data.json") == 0;
        if (!detection && strcmp(name, "visa_dr.json") != 0) continue;
        IAD_TRY(scan_list(scan, scan->tree->files.items[i], detection, err));
        lists += !detection;
    }
    if (!lists) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no visa_dr.json", scan->tree->name);
    return IAD_OK;
}

iad_status iad_visa_dr_scan_tree(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    const char *classes = iad_adapter_option(options, "classes", "all");
    if (!iad_scan_in_list("all published", classes)) return IAD_FAIL(err, IAD_ERR_ARG, "option classes=%s: it is \"all\" or \"published\"", classes);
    visa_dr_scan *scan = iad_calloc(1, sizeof *scan);
    if (!scan) return IAD_NOMEM(err, "VisA-D&R");
    scan->tree = tree;
    scan->sink = sink;
    scan->published_only = strcmp(classes, "published") == 0;
    iad_buf_init(&scan->question, 2 * IAD_SCAN_MAX_TEXT);
    iad_status status = scan_lists(scan, err);
    if (status == IAD_OK) {
        iad_scan_remark(sink, "%zu dialogues, %zu pictures of the detection list (761 normal and 1,000 anomalous without pcb2 and pcb4)",
                        scan->dialogues, scan->detection);
        if (scan->pcb) iad_scan_remark(sink, "%zu dialogues about pcb2 and pcb4 are left out, as the authors do", scan->pcb);
        if (scan->unanswered)
            iad_scan_remark(sink, "%zu dialogues lack reference answers; their records have: %s", scan->unanswered, scan->members);
    }
    iad_buf_deinit(&scan->question);
    iad_scan_set_deinit(&scan->delivered);
    iad_scan_set_deinit(&scan->ids);
    free(scan);
    return status;
}

static iad_status scan_root(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    return iad_scan_with_tree(root, iad_visa_dr_scan_tree, options, sink, err);
}

static int probe(const char *root) {
    return iad_scan_has_file(root, "visa_dr.json") || iad_scan_has_file(root, "VisA/visa_dr.json") ? 98 : 0;
}

const iad_adapter iad_adapter_visa_dr = {
    .name = "visa-dr",
    .title = "VisA-D&R",
    .layout = "visa_dr.json (and test_data.json) with VisA/<class>/... beside it",
    .options = "classes",
    .licence = "pictures: CC BY 4.0; texts: on request, terms not seen",
    .licence_url = "https://github.com/honda-research-institute/Anomaly-OneVision",
    .citation = "Xu et al.: Towards zero-shot anomaly detection and reasoning with multimodal large language models, CVPR 2025",
    .origin = "real",
    .eval_overlap = "visa",
    .probe = probe,
    .scan = scan_root,
};
