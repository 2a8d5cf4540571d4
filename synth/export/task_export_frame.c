#include "synth/export/task_export_frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "synth/export/task_export_size.h"

#define MAX_TEXT ((size_t)4 << 20)
#define MAX_SPANS 256
#define MARK "<bbox>"

void iad_export_frame_deinit(iad_export_frame *frame) {
    iad_task_view_deinit(&frame->view);
    json_decref(frame->messages);
    json_decref(frame->ref);
    json_decref(frame->bbox);
    json_decref(frame->image_id);
    json_decref(frame->extras);
    *frame = (iad_export_frame){0};
}

size_t iad_export_count_marks(const char *text) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, "<image>")) != NULL; at += 7) n++;
    return n;
}

const char *iad_export_forbidden(const char *text, int mark) {
    static const char *const always[] = {"<|im_start|>",       "<|im_end|>",    "<|endoftext|>", "<|vision_start|>", "<|vision_end|>",
                                         "<|image_pad|>",      "<|video_pad|>", "<|box_start|>", "<|box_end|>",      "<|object_ref_start|>",
                                         "<|object_ref_end|>", "<video>",       "<audio>"};
    static const char *const marks[] = {MARK, "<ref-object>"};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (strstr(text, always[i])) return always[i];
    for (size_t i = 0; mark && i < sizeof marks / sizeof *marks; i++)
        if (strstr(text, marks[i])) return marks[i];
    return NULL;
}

static iad_status no_memory(iad_err *err) { return IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for a record"); }

/* ---- spans ---- */

/* Ends of the spans in text into places, in order. */
static iad_status span_places(const char *json, const char *where, json_t **list, size_t *places, size_t *n, iad_err *err) {
    *list = NULL;
    if (!json || !json[0]) return IAD_OK;
    IAD_TRY(iad_json_parse(json, strlen(json), 8, where, list, err));
    size_t i;
    json_t *span;
    json_array_foreach(*list, i, span) {
        const json_t *from = json_array_get(span, 0), *to = json_array_get(span, 1);
        if (!json_is_integer(from) || !json_is_integer(to) || json_integer_value(from) < 0 || json_integer_value(to) < json_integer_value(from) ||
            *n + 2 > MAX_SPANS)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: entry %zu is no span", where, i);
        places[(*n)++] = (size_t)json_integer_value(from);
        places[(*n)++] = (size_t)json_integer_value(to);
    }
    return IAD_OK;
}

static size_t put_places(json_t *list, const size_t *places, size_t at) {
    size_t i;
    json_t *span;
    json_array_foreach(list, i, span) {
        json_array_set_new(span, 0, json_integer((json_int_t)places[at++]));
        json_array_set_new(span, 1, json_integer((json_int_t)places[at++]));
    }
    return at;
}

/* ---- boxes for ms-swift ---- */

/* The box in pixels of the file that the record names; a file at work size is smaller than its original. */
static iad_status file_box(const iad_export_frame *f, const iad_box_slot *slot, int box[4], iad_err *err) {
    const iad_export_picture *p = &f->pictures[slot->image];
    const iad_box_frame frame = {p->own_width, p->own_height, p->width, p->height};
    int same = p->width == p->own_width && p->height == p->own_height;
    return iad_box_slot_numbers(slot, &frame, same ? IAD_BOX_ORIGINAL : IAD_BOX_QWEN25, box, err);
}

/* Entries for the slots of one text, and its labels behind the boxes as "<ref-object>". text: with "<bbox>" in it. */
static iad_status add_objects(iad_export_frame *f, const iad_box_slots *slots, const char *stored, const char *text, int labels, iad_buf *out,
                              iad_err *err) {
    static const char lead[] = ", \"label\": \"";
    size_t order[1024], n = 0, i = 0;
    IAD_TRY(iad_box_slots_order(stored, slots->n, order, sizeof order / sizeof *order, &n, err));
    for (const char *at; (at = strstr(text, MARK)) != NULL;) {
        if (i >= n) return IAD_FAIL(err, IAD_ERR_FORMAT, "the text holds \"" MARK "\"");
        const iad_box_slot *slot = &slots->items[order[i++]];
        int b[4];
        if (slot->image < 0 || (size_t)slot->image >= f->n_pictures)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "a box on picture %d, but the record has %zu", slot->image, f->n_pictures);
        IAD_TRY(file_box(f, slot, b, err));
        if (json_array_append_new(f->bbox, json_pack("[i,i,i,i]", b[0], b[1], b[2], b[3])) != 0 ||
            json_array_append_new(f->image_id, json_integer(slot->image)) != 0)
            return no_memory(err);
        at += strlen(MARK);
        size_t m = strlen(slot->label), k = sizeof lead - 1;
        if (labels && m && strncmp(at, lead, k) == 0 && strncmp(at + k, slot->label, m) == 0 && at[k + m] == '"') {
            at += k;
            IAD_TRY(iad_buf_add(out, text, (size_t)(at - text), err));
            IAD_TRY(iad_buf_add_str(out, "<ref-object>", err));
            at += m;
            if (json_array_append_new(f->ref, json_string(slot->label)) != 0) return no_memory(err);
        } else {
            IAD_TRY(iad_buf_add(out, text, (size_t)(at - text), err));
        }
        text = at;
    }
    return iad_buf_add_str(out, text, err);
}

/* ---- texts ---- */

typedef struct text_job {
    const iad_task_export *run;
    iad_box_frame frames[IAD_EXPORT_MAX_PICTURES];
    iad_box_slots slots;
    int swift;
} text_job;

/* One stored text, finished and appended to the messages. */
static iad_status add_text(iad_export_frame *f, const text_job *job, const char *text, int answer, size_t *places, size_t n_places, iad_err *err) {
    const char *bad = iad_export_forbidden(text, job->swift);
    iad_buf filled, out;
    if (iad_utf8_valid(text, strlen(text)) != strlen(text)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a text is not UTF-8", f->id);
    if (bad) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a text holds \"%s\"", f->id, bad);
    if (answer && strstr(text, "<image>")) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: an answer holds \"<image>\"", f->id);
    iad_buf_init(&filled, MAX_TEXT);
    iad_buf_init(&out, MAX_TEXT);
    iad_status status = iad_box_slots_fill(text, f->view.row.boxes, job->frames, f->n_pictures, job->swift ? IAD_BOX_MARK : IAD_BOX_QWEN25, places,
                                           n_places, &filled, err);
    if (status == IAD_OK && job->swift) status = add_objects(f, &job->slots, text, iad_buf_str(&filled), answer, &out, err);
    const char *done = job->swift ? iad_buf_str(&out) : iad_buf_str(&filled);
    if (status == IAD_OK && json_array_append_new(f->messages, json_string(done)) != 0) status = no_memory(err);
    iad_buf_deinit(&filled);
    iad_buf_deinit(&out);
    if (status == IAD_ERR_ARG || status == IAD_ERR_LIMIT) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: boxes or texts that do not fit", f->id);
    return status;
}

/* Turns behind the first question and answer; NULL or another form: none. Turns that begin otherwise than question and answer are refused. */
static iad_status add_turns(iad_export_frame *f, const text_job *job, iad_err *err) {
    json_t *turns = NULL;
    const char *text = f->view.row.turns;
    if (!text) return IAD_OK;
    IAD_TRY(iad_json_parse(text, strlen(text), 0, f->id, &turns, err));
    iad_status status = IAD_OK;
    size_t n = json_is_array(turns) ? json_array_size(turns) : 0;
    if (n % 2) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu turns: a question without its answer", f->id, n);
    for (size_t i = 0; status == IAD_OK && i < n; i++) {
        const char *from = json_string_value(json_object_get(json_array_get(turns, i), "from"));
        const char *value = json_string_value(json_object_get(json_array_get(turns, i), "value"));
        const char *want = i == 0 ? f->view.row.question : i == 1 ? f->view.row.answer : NULL;
        if (!value || (from && strcmp(from, i % 2 ? "gpt" : "human") != 0))
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: turn %zu is out of order", f->id, i);
        else if (want && strcmp(value, want) != 0)
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: turn %zu is not the record's %s", f->id, i, i ? "answer" : "question");
        else if (i >= 2) status = add_text(f, job, value, (int)(i % 2), NULL, 0, err);
    }
    json_decref(turns);
    return status;
}

static iad_status check_marks(const iad_export_frame *f, iad_err *err) {
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(f->messages); i += 2) n += iad_export_count_marks(json_string_value(json_array_get(f->messages, i)));
    if (n != f->n_pictures) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu times \"<image>\", but %zu pictures", f->id, n, f->n_pictures);
    return IAD_OK;
}

static json_t *text_or_null(const char *text) { return text && text[0] ? json_string(text) : json_null(); }
static json_t *list_or_null(json_t *list) { return list ? json_incref(list) : json_null(); }

static iad_status make_extras(iad_export_frame *f, const text_job *job, json_t *anomaly, json_t *normal, int replayed, iad_err *err) {
    const iad_task_row *r = &f->view.row;
    json_t *tokens = json_array();
    json_int_t total = 0, bytes = 0;
    for (size_t i = 0; i < f->n_pictures; i++) {
        json_int_t n = (json_int_t)(job->frames[i].new_width / IAD_EXPORT_FACTOR) * (job->frames[i].new_height / IAD_EXPORT_FACTOR);
        json_array_append_new(tokens, json_integer(n));
        total += n;
    }
    for (size_t i = 0; i < json_array_size(f->messages); i++) bytes += (json_int_t)json_string_length(json_array_get(f->messages, i));
    f->extras = json_pack("{s:s,s:i,s:o,s:o,s:o,s:i,s:b,s:o,s:o,s:o,s:o,s:o,s:I,s:I}", "task", r->task, "stage", r->stage, "external_id",
                          text_or_null(r->external_id), "dataset", text_or_null(f->view.dataset), "category", text_or_null(f->view.category), "shots",
                          r->shots, "replayed", replayed, "yes_means", text_or_null(r->yes_means), "query_pos",
                          r->query_pos < 0 ? json_null() : json_integer(r->query_pos), "mask", text_or_null(f->mask), "anomaly_spans",
                          list_or_null(anomaly), "normal_spans", list_or_null(normal), "n_image_tokens", total, "text_bytes", bytes);
    if (!f->extras || json_object_set_new(f->extras, "image_tokens", tokens) != 0) return no_memory(err);
    return IAD_OK;
}

static iad_status make_texts(iad_export_frame *f, const text_job *job, int replayed, iad_err *err) {
    size_t places[MAX_SPANS], n = 0;
    json_t *anomaly = NULL, *normal = NULL;
    f->messages = json_array();
    f->ref = json_array();
    f->bbox = json_array();
    f->image_id = json_array();
    iad_status status = span_places(f->view.row.anomaly_spans, f->id, &anomaly, places, &n, err);
    if (status == IAD_OK) status = span_places(f->view.row.normal_spans, f->id, &normal, places, &n, err);
    if (status == IAD_OK) status = add_text(f, job, f->view.row.question, 0, places, n, err);
    if (status == IAD_OK) put_places(normal, places, put_places(anomaly, places, 0));
    if (status == IAD_OK) status = add_text(f, job, f->view.row.answer, 1, NULL, 0, err);
    if (status == IAD_OK) status = add_turns(f, job, err);
    if (status == IAD_OK) status = check_marks(f, err);
    if (status == IAD_OK) status = make_extras(f, job, anomaly, normal, replayed, err);
    json_decref(anomaly);
    json_decref(normal);
    return status;
}

iad_status iad_export_frame_load(iad_export_pictures *pictures, int64_t task_id, int replayed, iad_export_frame *f, iad_err *err) {
    const iad_task_export *run = pictures->run;
    text_job job = {.run = run, .swift = run->format == IAD_EXPORT_SWIFT};
    *f = (iad_export_frame){0};
    snprintf(f->id, sizeof f->id, "t%lld", (long long)task_id);
    IAD_TRY(iad_task_view_load(run->manifest, task_id, &f->view, err));
    const iad_task_row *r = &f->view.row;
    if (r->n_images > IAD_EXPORT_MAX_PICTURES)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu pictures are more than %d", f->id, r->n_images, IAD_EXPORT_MAX_PICTURES);
    IAD_TRY(iad_box_slots_parse(r->boxes, &job.slots, err));
    f->n_pictures = r->n_images;
    for (size_t i = 0; i < r->n_images; i++) {
        iad_export_picture *p = &f->pictures[i];
        iad_box_frame *frame = &job.frames[i];
        IAD_TRY(iad_export_picture_file(pictures, &r->images[i], p, err));
        *frame = (iad_box_frame){.width = p->own_width, .height = p->own_height};
        iad_status status = iad_export_resized(p->width, p->height, run->min_pixels, run->max_pixels, &frame->new_width, &frame->new_height, err);
        if (status == IAD_ERR_UNSUPPORTED) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: picture %zu is too long and thin for the model", f->id, i);
        IAD_TRY(status);
    }
    if (r->query_pos >= 0 && (size_t)r->query_pos < r->n_images)
        IAD_TRY(iad_export_mask_file(pictures, &r->images[r->query_pos], &f->pictures[r->query_pos], r->mask_id, f->mask, sizeof f->mask, err));
    return make_texts(f, &job, replayed, err);
}
