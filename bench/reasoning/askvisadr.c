#include "bench/reasoning/askvisadr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/decode.h"
#include "base/json.h"
#include "manifests/ingest/dialogue_record.h"

typedef struct reader {
    iad_asks *asks;
    const iad_visa_dr_options *o;
    const char *class_name; /* whose exemplars are at hand; belongs to the arena */
    const char *const *shown;
    size_t n_shown;
    size_t left_out, unanswered;
} reader;

static const char *const folders[] = {"", "VisA", NULL};

static int is_picture(const char *path) {
    uint8_t head[16];
    FILE *in = fopen(path, "rb");
    size_t n = in ? fread(head, 1, sizeof head, in) : 0;
    if (in) fclose(in);
    return iad_image_sniff(head, n) != IAD_IMAGE_UNKNOWN;
}

/* The first pictures of <exemplars>/<class>/, by name. */
static iad_status find_exemplars(reader *r, const char *class_name, iad_err *err) {
    char dir[IAD_PATH_MAX], path[IAD_PATH_MAX];
    iad_dir_list list = {0};
    if (r->class_name && strcmp(r->class_name, class_name) == 0) return IAD_OK;
    IAD_TRY(iad_asks_text(r->asks, class_name, &r->class_name, err));
    r->n_shown = 0;
    if (r->o->shots == 0) return IAD_OK;
    const char **shown = iad_arena_take(&r->asks->arena, (size_t)r->o->shots * sizeof *shown);
    if (!shown) return IAD_NOMEM(err, "exemplars");
    r->shown = shown;
    if (!iad_path_safe(class_name)) return IAD_FAIL(err, IAD_ERR_ARG, "class \"%.100s\" is no folder's name", class_name);
    IAD_TRY(iad_path_join(dir, sizeof dir, r->o->exemplars, class_name, err));
    IAD_TRY(iad_dir_read(dir, &list, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < list.n && status == IAD_OK && r->n_shown < (size_t)r->o->shots; i++) {
        status = iad_path_join(path, sizeof path, dir, list.items[i].name, err);
        if (status == IAD_OK && !list.items[i].is_dir && is_picture(path)) status = iad_asks_text(r->asks, path, &shown[r->n_shown++], err);
    }
    iad_dir_list_deinit(&list);
    if (status == IAD_OK && r->n_shown < (size_t)r->o->shots)
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: %zu pictures, but %d exemplars are wanted", dir, r->n_shown, r->o->shots);
    return status;
}

/* What all questions about one picture have in common. *skip: not of the published classes. */
static iad_status start(reader *r, const char *listed, const char *where, iad_ask *ask, int *skip, iad_err *err) {
    char class_name[256];
    iad_visa_dr_class(listed, class_name, sizeof class_name);
    *skip = r->o->published && iad_visa_dr_left_out(class_name);
    if (*skip) {
        r->left_out++;
        return IAD_OK;
    }
    if (!iad_path_safe(listed)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%.200s\" leads out of the data set", where, listed);
    IAD_TRY(find_exemplars(r, class_name, err));
    *ask = (iad_ask){.dataset = "VisA-D&R", .category = r->class_name, .shown = r->shown, .n_shown = r->n_shown, .previous = -1, .anomalous = -1};
    IAD_TRY(iad_asks_text(r->asks, listed, &ask->image, err));
    return iad_asks_locate(r->asks, r->o->root, folders, listed, &ask->path, err);
}

/* "low" or "complex": by the record's own word, else by place. */
static iad_status kind_of(const reader *r, const json_t *record, size_t n, size_t turn, const char *where, const char **kind, iad_err *err) {
    const json_t *types = json_object_get(record, "types");
    *kind = (int)turn < r->o->low ? "low" : "complex";
    if (!types) return IAD_OK;
    const char *word = json_string_value(json_array_get(types, turn));
    if (json_array_size(types) != n || !word || (strcmp(word, "low") && strcmp(word, "complex")))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"types\" wants \"low\" or \"complex\" for each of the %zu questions", where, n);
    *kind = strcmp(word, "low") ? "complex" : "low";
    return IAD_OK;
}

static int known(const iad_asks *asks, size_t from, const char *image) {
    /* Dialogues about one picture stand together in practice; a stray one is caught by iad_asks_check. */
    return asks->n > from && strcmp(asks->items[asks->n - 1].image, image) == 0;
}

static iad_status add_dialogue(reader *r, const json_t *record, const char *where, size_t from, int *again, iad_err *err) {
    iad_dialogue_record d = {.n = 0};
    iad_ask ask;
    int skip;
    IAD_TRY(iad_dialogue_record_read(record, where, &d, err));
    IAD_TRY(start(r, d.image, where, &ask, &skip, err));
    if (skip) return IAD_OK;
    *again = known(r->asks, from, ask.image) ? *again + 1 : 1;
    ask.anomalous = 1;
    for (size_t i = 0; i < d.n; i++) {
        const char *kind;
        IAD_TRY(kind_of(r, record, d.n, i, where, &kind, err));
        ask.kind = kind;
        if (*again > 1) IAD_TRY(iad_asks_textf(r->asks, err, &ask.id, "%s#%d.%zu", ask.image, *again, i));
        else IAD_TRY(iad_asks_textf(r->asks, err, &ask.id, "%s#%zu", ask.image, i));
        if (i == 0 && ask.n_shown > 0) /* as stage 3 of the training says it */
            IAD_TRY(iad_asks_textf(r->asks, err, &ask.text, "Images 1 to %zu are normal examples; image %zu is the query. %s", ask.n_shown,
                                   ask.n_shown + 1, d.questions[0]));
        else IAD_TRY(iad_asks_text(r->asks, d.questions[i], &ask.text, err));
        IAD_TRY(iad_asks_text(r->asks, d.answers[i] && *d.answers[i] ? d.answers[i] : NULL, &ask.reference, err));
        r->unanswered += ask.reference == NULL;
        ask.previous = i ? (int64_t)r->asks->n - 1 : -1;
        IAD_TRY(iad_asks_add(r->asks, &ask, err));
    }
    return IAD_OK;
}

static iad_status add_detection(reader *r, const json_t *record, const char *where, iad_err *err) {
    const char *listed;
    iad_ask ask;
    int skip;
    IAD_TRY(iad_json_string(record, "image", where, &listed, err));
    const json_t *anomaly = json_object_get(record, "anomaly");
    if (!json_is_boolean(anomaly) && !(json_is_integer(anomaly) && json_integer_value(anomaly) >= 0 && json_integer_value(anomaly) <= 1))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"anomaly\" is neither true nor false", where);
    IAD_TRY(start(r, listed, where, &ask, &skip, err));
    if (skip) return IAD_OK;
    ask.anomalous = json_is_true(anomaly) || json_integer_value(anomaly) == 1;
    ask.kind = "detection";
    IAD_TRY(iad_asks_textf(r->asks, err, &ask.id, "%s#detection", ask.image));
    if (ask.n_shown > 0)
        IAD_TRY(iad_asks_textf(r->asks, err, &ask.text, "Images 1 to %zu are normal examples; image %zu is the query. %s", ask.n_shown,
                               ask.n_shown + 1, r->o->question ? r->o->question : IAD_VISA_DR_QUESTION));
    else ask.text = IAD_VISA_DR_QUESTION;
    if (!ask.n_shown && r->o->question) IAD_TRY(iad_asks_text(r->asks, r->o->question, &ask.text, err));
    return iad_asks_add(r->asks, &ask, err);
}

static iad_status read_list(reader *r, const char *text, size_t n, const char *name, int detection, iad_err *err) {
    json_t *list;
    size_t from = r->asks->n;
    int again = 1;
    IAD_TRY(iad_json_parse(text, n, 0, name, &list, err));
    iad_status status = json_is_array(list) ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a list of records", name);
    for (size_t i = 0; i < json_array_size(list) && status == IAD_OK; i++) {
        char where[512];
        snprintf(where, sizeof where, "record %zu of %.400s", i, name);
        const json_t *record = json_array_get(list, i);
        status = detection ? add_detection(r, record, where, err) : add_dialogue(r, record, where, from, &again, err);
    }
    json_decref(list);
    return status;
}

iad_status iad_asks_visa_dr(iad_asks *asks, const char *text, size_t n, const char *name, const iad_visa_dr_options *options, iad_err *err) {
    reader r = {.asks = asks, .o = options};
    IAD_TRY(read_list(&r, text, n, name, 0, err));
    if (r.left_out) IAD_TRY(iad_asks_note(asks, err, "%zu dialogues about pcb2 and pcb4 are left out, as the authors do", r.left_out));
    if (r.unanswered) IAD_TRY(iad_asks_note(asks, err, "%zu questions have no reference answer: they are asked, but not scored", r.unanswered));
    return IAD_OK;
}

iad_status iad_asks_visa_dr_detection(iad_asks *asks, const char *text, size_t n, const char *name, const iad_visa_dr_options *options,
                                      iad_err *err) {
    reader r = {.asks = asks, .o = options};
    IAD_TRY(read_list(&r, text, n, name, 1, err));
    if (r.left_out) IAD_TRY(iad_asks_note(asks, err, "%zu detection pictures of pcb2 and pcb4 are left out, as the authors do", r.left_out));
    return IAD_OK;
}
