#include "bench/reasoning/askmanifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "manifests/canonical.h"
#include "manifests/pictures.h"
#include "manifests/query.h"
#include "manifests/refs.h"

typedef struct maker {
    iad_asks *asks;
    iad_manifest *manifest;
    const iad_ask_manifest_options *o;
    int boxes;
    const char *dataset, *root, *category; /* at hand */
    size_t unknown, crowded, bad;
} maker;

#define BOXES_WORDS " Give its boxes as a JSON list of {\"bbox_2d\": [x1, y1, x2, y2], \"label\": \"...\"}, or [] if there is none."
static const char where_alone[] = "Look for any defect or abnormal region in the image." BOXES_WORDS;
static const char where_shown[] = "Look for any defect or abnormal region in the last image, compared with the normal ones before it." BOXES_WORDS;

static int listed(const iad_strings *list, const char *name) {
    if (!list || list->n == 0) return 1;
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], name) == 0) return 1;
    return 0;
}

/* The file, or NULL when it is not there. */
static iad_status find_file(maker *m, const iad_image_row *image, const char **path, iad_err *err) {
    char full[IAD_PATH_MAX];
    *path = NULL;
    IAD_TRY(iad_image_path_join(m->manifest, m->root, image->path, full, sizeof full, err));
    return iad_file_exists(full) ? iad_asks_text(m->asks, full, path, err) : IAD_OK;
}

static iad_status show(maker *m, const iad_refs *refs, const iad_image_row *query, iad_ask *ask, iad_err *err) {
    const iad_image_row *pictures;
    size_t n;
    if (m->o->shots == 0) return IAD_OK;
    IAD_TRY(iad_refs_for(refs, query, &pictures, &n, err));
    const char **shown = iad_arena_take(&m->asks->arena, n * sizeof *shown);
    if (!shown) return IAD_NOMEM(err, "exemplars");
    for (size_t i = 0; i < n; i++) {
        IAD_TRY(find_file(m, &pictures[i], &shown[ask->n_shown], err));
        if (!shown[ask->n_shown++]) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "exemplar %.300s is not there", pictures[i].path);
    }
    ask->shown = shown;
    return IAD_OK;
}

/* ---- true boxes ---- */

static iad_status copy_boxes(maker *m, const iad_answer_box *boxes, size_t n, iad_ask *ask, iad_err *err) {
    iad_answer_box *copy = iad_arena_take(&m->asks->arena, (n ? n : 1) * sizeof *copy);
    if (!copy) return IAD_NOMEM(err, "boxes");
    memcpy(copy, boxes, n * sizeof *copy);
    ask->boxes = copy;
    ask->n_boxes = n;
    return IAD_OK;
}

static iad_status drawn_boxes(maker *m, int64_t image_id, iad_answer_box *out, size_t *n, iad_err *err) {
    iad_arena arena = {0};
    iad_box_row *rows;
    size_t total;
    iad_status status = iad_image_boxes_get(m->manifest, image_id, &arena, &rows, &total, err);
    *n = status == IAD_OK ? total : 0;
    for (size_t i = 0; status == IAD_OK && i < total && i < IAD_ANSWER_BOXES; i++) {
        out[i] = (iad_answer_box){.x0 = rows[i].x0, .y0 = rows[i].y0, .x1 = rows[i].x1, .y1 = rows[i].y1};
        iad_text_copy(out[i].label, sizeof out[i].label, rows[i].name ? rows[i].name : "");
    }
    iad_arena_deinit(&arena);
    return status;
}

/* Of the regions of all ground-truth masks. *known: there is a mask. */
static iad_status mask_boxes(maker *m, int64_t image_id, iad_answer_box *out, size_t *n, int *known, iad_err *err) {
    iad_query q;
    *n = 0;
    *known = 0;
    IAD_TRY(iad_query_open(
        &q, m->manifest, "mask",
        "SELECT mask.boxes, n_components FROM image_mask JOIN mask ON mask.id = mask_id WHERE image_id = ? AND role = 'gt' ORDER BY mask_id", err));
    iad_query_i64(&q, image_id);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        const char *text = iad_query_col_text(&q, 0);
        json_t *list = NULL;
        *known = 1;
        status = iad_json_parse(text ? text : "", text ? strlen(text) : 0, 4, "mask.boxes", &list, err);
        size_t count = json_array_size(list);
        if (status == IAD_OK && iad_query_col_i64(&q, 1) > (int64_t)count) count = IAD_ANSWER_BOXES + 1; /* more regions than boxes are stored */
        for (size_t i = 0; status == IAD_OK && i < count; i++, ++*n) {
            double v[4];
            for (size_t k = 0; k < 4; k++) v[k] = json_number_value(json_array_get(json_array_get(list, i), k));
            if (*n < IAD_ANSWER_BOXES) out[*n] = (iad_answer_box){.x0 = v[0], .y0 = v[1], .x1 = v[2], .y1 = v[3]};
        }
        json_decref(list);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status == IAD_OK ? closed : status;
}

/* *use 0: the truth is unknown or too long. */
static iad_status find_truth(maker *m, const iad_image_row *image, iad_ask *ask, int *use, iad_err *err) {
    iad_answer_box boxes[IAD_ANSWER_BOXES];
    size_t n = 0;
    int known = image->label == IAD_LABEL_NORMAL;
    if (!known) {
        IAD_TRY(drawn_boxes(m, image->id, boxes, &n, err));
        known = n > 0;
        if (!known) IAD_TRY(mask_boxes(m, image->id, boxes, &n, &known, err));
        known &= n > 0;
    }
    *use = known && n <= IAD_ANSWER_BOXES;
    m->unknown += !known;
    m->crowded += n > IAD_ANSWER_BOXES;
    return *use ? copy_boxes(m, boxes, n, ask, err) : IAD_OK;
}

/* ---- pictures ---- */

static iad_status add_picture(maker *m, const iad_refs *refs, const iad_image_row *image, iad_err *err) {
    iad_ask ask = {.dataset = m->dataset,
                   .category = m->category,
                   .kind = m->boxes ? "boxes" : "detection",
                   .previous = -1,
                   .anomalous = image->label == IAD_LABEL_ANOMALOUS,
                   .width = image->width,
                   .height = image->height};
    int use = 1;
    if (m->boxes) IAD_TRY(find_truth(m, image, &ask, &use, err));
    if (!use) return IAD_OK;
    IAD_TRY(show(m, refs, image, &ask, err));
    IAD_TRY(iad_asks_text(m->asks, image->path, &ask.image, err));
    IAD_TRY(iad_asks_textf(m->asks, err, &ask.id, "%s/%s", m->dataset, image->path));
    IAD_TRY(find_file(m, image, &ask.path, err));
    if (m->o->question) IAD_TRY(iad_asks_text(m->asks, m->o->question, &ask.text, err));
    else if (m->boxes) ask.text = ask.n_shown ? where_shown : where_alone;
    else ask.text = ask.n_shown ? IAD_CANONICAL_QUESTION : IAD_CANONICAL_QUESTION_ALONE;
    return iad_asks_add(m->asks, &ask, err);
}

static iad_status add_category(maker *m, const iad_category_row *category, iad_err *err) {
    iad_image_list tests = {0};
    iad_refs refs = {0};
    int64_t bad = 0;
    const iad_refs_options options = {.scheme = m->o->scheme, .seed = m->o->seed};
    IAD_TRY(iad_asks_text(m->asks, category->name, &m->category, err));
    IAD_TRY(iad_image_count_bad(m->manifest, category->id, m->o->scheme, IAD_PART_TEST, &bad, err));
    m->bad += (size_t)bad;
    iad_status status = iad_image_tests(m->manifest, category->id, m->o->scheme, &tests, err);
    if (status == IAD_OK && tests.n && m->o->shots > 0)
        status = iad_refs_make(m->manifest, category->id, m->o->rule, m->o->shots, &options, &refs, err);
    size_t n = m->o->limit > 0 && (size_t)m->o->limit < tests.n ? (size_t)m->o->limit : tests.n;
    for (size_t i = 0; i < n && status == IAD_OK; i++) status = add_picture(m, &refs, &tests.items[i], err);
    iad_refs_deinit(&refs);
    iad_image_list_deinit(&tests);
    return status;
}

static iad_status add_all(maker *m, iad_err *err) {
    iad_dataset_list datasets = {0};
    iad_category_list categories = {0};
    iad_status status = iad_dataset_all(m->manifest, &datasets, err);
    for (size_t d = 0; d < datasets.n && status == IAD_OK; d++) {
        if (!listed(m->o->datasets, datasets.items[d].name)) continue;
        status = iad_asks_text(m->asks, datasets.items[d].name, &m->dataset, err);
        m->root = datasets.items[d].root;
        iad_category_list_deinit(&categories);
        if (status == IAD_OK) status = iad_category_all(m->manifest, datasets.items[d].id, &categories, err);
        for (size_t c = 0; c < categories.n && status == IAD_OK; c++)
            if (listed(m->o->categories, categories.items[c].name)) status = add_category(m, &categories.items[c], err);
    }
    iad_category_list_deinit(&categories);
    iad_dataset_list_deinit(&datasets);
    if (status == IAD_OK && m->unknown)
        status = iad_asks_note(m->asks, err, "%zu defective pictures are left out: where the defect is, is not known", m->unknown);
    if (status == IAD_OK && m->crowded)
        status = iad_asks_note(m->asks, err, "%zu pictures with more than %d true boxes are left out", m->crowded, IAD_ANSWER_BOXES);
    if (status == IAD_OK && m->bad) status = iad_asks_note(m->asks, err, "%zu test pictures cannot be decoded and are left out", m->bad);
    if (status == IAD_OK && m->asks->n == 0)
        status =
            IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no test picture to ask about (check --dataset and --category)", iad_manifest_path(m->manifest));
    return status;
}

iad_status iad_asks_yesno(iad_asks *asks, iad_manifest *manifest, const iad_ask_manifest_options *options, iad_err *err) {
    return add_all(&(maker){.asks = asks, .manifest = manifest, .o = options}, err);
}

iad_status iad_asks_boxes(iad_asks *asks, iad_manifest *manifest, const iad_ask_manifest_options *options, iad_err *err) {
    return add_all(&(maker){.asks = asks, .manifest = manifest, .o = options, .boxes = 1}, err);
}

/* ---- records ---- */

iad_status iad_asks_records(iad_asks *asks, iad_manifest *manifest, int stage, const iad_strings *names, int64_t limit, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "task",
                           "SELECT task.id, task, question, answer, coalesce(dataset.name,''), coalesce(category.name,'') FROM task LEFT JOIN "
                           "dataset ON dataset.id = task.dataset_id"
                           " LEFT JOIN category ON category.id = category_id WHERE stage = ? AND task.part = 'eval' ORDER BY task.id",
                           err));
    iad_query_i64(&q, stage);
    iad_status status = IAD_OK;
    while (status == IAD_OK && (limit <= 0 || (int64_t)asks->n < limit) && iad_query_next(&q)) {
        const char *task = iad_query_col_text(&q, 1);
        iad_ask ask = {.kind = "loss", .previous = -1, .anomalous = -1, .task_id = iad_query_col_i64(&q, 0)};
        if (!listed(names, task)) continue;
        status = iad_asks_textf(asks, err, &ask.id, "%s#%" PRId64, task, ask.task_id);
        if (status == IAD_OK) status = iad_asks_text(asks, task, &ask.image, err);
        if (status == IAD_OK) status = iad_asks_text(asks, iad_query_col_text(&q, 2), &ask.text, err);
        if (status == IAD_OK) status = iad_asks_text(asks, iad_query_col_text(&q, 3), &ask.reference, err);
        if (status == IAD_OK) status = iad_asks_text(asks, iad_query_col_text(&q, 4), &ask.dataset, err);
        if (status == IAD_OK) status = iad_asks_text(asks, iad_query_col_text(&q, 5), &ask.category, err);
        ask.path = ask.image; /* its pictures are the record's own business */
        if (status == IAD_OK) status = iad_asks_add(asks, &ask, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    IAD_TRY(status == IAD_OK ? closed : status);
    if (asks->n == 0)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s has no held-out records of stage %d (iad-synth tasks --part eval makes them)",
                        iad_manifest_path(manifest), stage);
    return IAD_OK;
}
