#include "train/data/samplemake.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "manifests/query.h"
#include "runtime/engine/mapwords.h"
#include "synth/recipe/recipe.h"
#include "synth/task/boxslots.h"
#include "synth/task/taskview.h"
#include "train/data/sampletext.h"

/* ---- pictures' sizes, without pixels ---- */

static iad_status manifest_size(iad_manifest *manifest, const iad_task_image *image, int *width, int *height, iad_err *err) {
    iad_query q;
    if (image->image_id) IAD_TRY(iad_query_open(&q, manifest, "image", "SELECT width,height FROM image WHERE id=? AND bad=0", err));
    else IAD_TRY(iad_query_open(&q, manifest, "synth", "SELECT work_w,work_h FROM synth WHERE id=?", err));
    iad_query_i64(&q, image->image_id ? image->image_id : image->synth_id);
    int there = iad_query_next(&q);
    int64_t w = there ? iad_query_col_i64(&q, 0) : 0, h = there ? iad_query_col_i64(&q, 1) : 0;
    IAD_TRY(iad_query_close(&q, err));
    const char *what = image->image_id ? "picture" : "synth";
    int64_t id = image->image_id ? image->image_id : image->synth_id;
    if (!there) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s %" PRId64 " is not there, or cannot be decoded", what, id);
    if (w < 1 || h < 1 || w > IAD_IMAGE_MAX_SIDE || h > IAD_IMAGE_MAX_SIDE)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s %" PRId64 " has no size", what, id);
    *width = (int)w;
    *height = (int)h;
    return IAD_OK;
}

/* Sizes of all pictures: in the record's boxes, and as the model sees them. */
static iad_status shape_pictures(iad_sample_maker *maker, const iad_task_row *row, iad_sample *sample, iad_box_frame *frames, iad_err *err) {
    const iad_preprocess_options *o = &maker->image;
    sample->pictures = iad_calloc(row->n_images, sizeof *sample->pictures);
    if (!sample->pictures) return IAD_NOMEM(err, "the pictures of a sample");
    for (size_t i = 0; i < row->n_images; i++) {
        iad_patches *p = &sample->pictures[i].patches;
        iad_box_frame *f = &frames[i];
        IAD_TRY(manifest_size(maker->manifest, &row->images[i], &f->width, &f->height, err));
        int w = f->width, h = f->height;
        if (row->images[i].image_id) iad_work_size(f->width, f->height, IAD_WORK_MAX_SIDE, &w, &h);
        IAD_TRY(iad_preprocess_size(h, w, o, &p->size, err));
        f->new_width = p->size.resized_w;
        f->new_height = p->size.resized_h;
        p->gh = p->size.resized_h / o->patch;
        p->gw = p->size.resized_w / o->patch;
        p->n_row = (int64_t)p->gh * p->gw;
        p->n_col = 3 * o->temporal * o->patch * o->patch;
        sample->pictures[i].reference = -1;
        sample->n_picture = (int)i + 1;
    }
    return IAD_OK;
}

/* The first reference keeps all its tokens, the others are compressed against it; so is the query when the model asks for it: no map then. */
static void compress_pictures(const iad_sample_maker *maker, const iad_task_row *row, iad_sample *sample) {
    int first = -1;
    if (!maker->compress || row->stage != 3 || maker->retention >= 1) return;
    for (size_t i = 0; i < row->n_images; i++) {
        int is_ref = strcmp(row->images[i].role, "ref") == 0;
        if (is_ref && first < 0) first = (int)i;
        else if (first >= 0 && (is_ref || ((int)i == row->query_pos && maker->config->paper.compress_query))) sample->pictures[i].reference = first;
    }
}

/* ---- texts ---- */

/* Everything that is made while one record's texts become tokens. */
typedef struct draft {
    iad_sample_maker *maker;
    const iad_task_row *row;
    iad_sample *sample;
    iad_box_frame *frames;
    iad_word_spans spans;
    iad_token_writer writer;
    iad_map_words words;
    iad_buf text;
} draft;

/* A stored text with its boxes written out; places (may be NULL) move along. */
static iad_status fill(draft *d, const char *text, size_t *places, size_t n_places, iad_err *err) {
    iad_buf_reset(&d->text);
    return iad_box_slots_fill(text, d->row->boxes, d->frames, d->row->n_images, IAD_BOX_QWEN25, places, n_places, &d->text, err);
}

static iad_status first_question(draft *d, const char *question, iad_err *err) {
    iad_word_spans *s = &d->spans;
    IAD_TRY(fill(d, question, s->place, 2 * s->n, err));
    iad_map_words *words = d->row->stage == 3 && d->row->query_pos >= 0 ? &d->words : NULL;
    return iad_token_writer_question(&d->writer, iad_buf_str(&d->text), s, &d->maker->config->paper, words, err);
}

static iad_status answer(draft *d, const char *text, iad_err *err) {
    IAD_TRY(fill(d, text, NULL, 0, err));
    return iad_token_writer_answer(&d->writer, iad_buf_str(&d->text), err);
}

/* [{"from": "human", "value": ..}, {"from": "gpt", ..} ...]; the first two are question and answer of the row. */
static iad_status later_turns(draft *d, const char *turns, iad_err *err) {
    json_t *list;
    if (!turns) return IAD_OK;
    IAD_TRY(iad_json_parse(turns, strlen(turns), 0, "turns", &list, err));
    size_t n = json_array_size(list);
    int fits = n >= 2 && n % 2 == 0 && n <= 2 * IAD_SAMPLE_MAX_TURNS;
    iad_status status = fits ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "turns: %zu of them are no dialogue", n);
    for (size_t i = 2; status == IAD_OK && i < n; i++) {
        const char *value;
        status = iad_json_string(json_array_get(list, i), "value", "turns", &value, err);
        if (status == IAD_OK && i % 2) status = answer(d, value, err);
        else if (status == IAD_OK) {
            status = fill(d, value, NULL, 0, err);
            if (status == IAD_OK) status = iad_token_writer_question(&d->writer, iad_buf_str(&d->text), NULL, NULL, NULL, err);
        }
    }
    json_decref(list);
    return status;
}

/* Words whose attention is supervised: of both classes, behind the query's picture, which keeps all its tokens. */
static iad_status set_words(draft *d, iad_err *err) {
    iad_map_words *w = &d->words;
    iad_sample *s = d->sample;
    int query = d->row->query_pos;
    if (w->n_place[0] == 0 || w->n_place[1] == 0 || s->pictures[query].reference >= 0) return IAD_OK;
    iad_map_words_weigh(w, d->maker->config->paper.n_map_layers);
    s->words = iad_calloc((size_t)w->n, sizeof *s->words);
    if (!s->words) return IAD_NOMEM(err, "the words of a sample");
    for (int i = 0; i < w->n; i++) {
        if ((int64_t)w->position[i] <= s->pictures[query].position)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "a marked word stands before the query's picture, which it cannot see");
        s->words[i] = (iad_sample_word){(int64_t)w->position[i], w->row_class[i], w->weight[i]};
    }
    int cells = d->maker->mask_scale, merge = d->maker->image.merge;
    s->n_word = w->n;
    s->mask_h = s->pictures[query].patches.gh / merge * cells;
    s->mask_w = s->pictures[query].patches.gw / merge * cells;
    return IAD_OK;
}

static iad_status set_tokens(draft *d, iad_err *err) {
    iad_sample *s = d->sample;
    iad_token_writer *w = &d->writer;
    if (w->n_image != d->row->n_images)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "the texts have %zu <image> marks for %zu pictures", w->n_image, d->row->n_images);
    for (size_t i = 0; i < w->n_image; i++) s->pictures[i].position = (int64_t)w->image_at[i];
    s->n_id = (int64_t)w->ids.n;
    s->ids = w->ids.ids;
    s->target = w->target;
    w->ids.ids = w->target = NULL;
    for (int64_t i = 0; i < s->n_id; i++) s->n_target += s->target[i] >= 0;
    return IAD_OK;
}

static iad_status make(draft *d, iad_err *err) {
    const iad_task_row *row = d->row;
    iad_sample *s = d->sample;
    if (row->query_pos >= (int)row->n_images)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "its query is picture %d of %zu", row->query_pos + 1, row->n_images);
    if (!(row->weight > 0) || row->weight > 1e6) return IAD_FAIL(err, IAD_ERR_FORMAT, "its weight is %g", row->weight);
    IAD_TRY(shape_pictures(d->maker, row, s, d->frames, err));
    compress_pictures(d->maker, row, s);
    IAD_TRY(iad_word_spans_parse(row->anomaly_spans, 0, row->question, &d->spans, err));
    IAD_TRY(iad_word_spans_parse(row->normal_spans, 1, row->question, &d->spans, err));
    IAD_TRY(iad_token_writer_init(&d->writer, d->maker->tokenizer, d->maker->scratch, row->n_images, err));
    IAD_TRY(first_question(d, row->question, err));
    IAD_TRY(answer(d, row->answer, err));
    IAD_TRY(later_turns(d, row->turns, err));
    IAD_TRY(set_tokens(d, err));
    IAD_TRY(set_words(d, err));
    s->query = row->query_pos;
    s->weight = (float)row->weight;
    int64_t rows = iad_sample_rows(s, d->maker->image.merge, d->maker->retention);
    if (rows > d->maker->max_rows) return IAD_FAIL(err, IAD_ERR_LIMIT, "%" PRId64 " rows: more than %" PRId64, rows, d->maker->max_rows);
    return IAD_OK;
}

iad_status iad_sample_texts(iad_sample_maker *maker, int64_t task_id, int replayed, iad_sample *sample, iad_err *err) {
    iad_task_view view;
    *sample = (iad_sample){.task_id = task_id, .replayed = replayed, .query = -1};
    IAD_TRY(iad_task_view_load(maker->manifest, task_id, &view, err));
    draft d = {.maker = maker, .row = &view.row, .sample = sample};
    iad_buf_init(&d.text, IAD_SAMPLE_MAX_TEXT);
    d.frames = iad_calloc(view.row.n_images, sizeof *d.frames);
    iad_status status = d.frames ? make(&d, err) : IAD_NOMEM(err, "the pictures of a sample");
    if (status != IAD_OK) {
        iad_err_prefix(err, "task %" PRId64 " (%s)", task_id, view.row.task ? view.row.task : "");
        iad_sample_deinit(sample);
    }
    free(d.frames);
    iad_buf_deinit(&d.text);
    iad_map_words_deinit(&d.words);
    iad_token_writer_deinit(&d.writer);
    iad_word_spans_deinit(&d.spans);
    iad_task_view_deinit(&view);
    return status;
}

/* ---- pixels ---- */

static iad_status load_picture(iad_sample_maker *maker, const iad_task_image *image, int i, iad_sample *sample, iad_err *err) {
    iad_loaded loaded;
    iad_patches made, *planned = &sample->pictures[i].patches;
    IAD_TRY(iad_picture_load(maker->pictures, image->image_id, image->synth_id, image->jitter, &loaded, err));
    iad_status status = iad_preprocess(&loaded.picture, &maker->image, &made, err);
    if (status == IAD_OK && (made.gh != planned->gh || made.gw != planned->gw || made.n_col != planned->n_col)) {
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "picture %d is cut into %d x %d patches, the manifest's size gives %d x %d", i + 1, made.gw, made.gh,
                          planned->gw, planned->gh);
        iad_patches_deinit(&made);
    }
    if (status == IAD_OK) *planned = made;
    if (status == IAD_OK && i == sample->query && sample->n_word > 0) {
        if (loaded.mask.px) {
            sample->mask = iad_alloc((size_t)sample->mask_h * (size_t)sample->mask_w, sizeof(float));
            if (!sample->mask) status = IAD_NOMEM(err, "the mask of a sample");
            else iad_sample_mask_average(&loaded.mask, sample->mask_h, sample->mask_w, sample->mask);
        } else { /* an anomalous picture that nobody drew a mask for */
            free(sample->words);
            sample->words = NULL;
            sample->n_word = sample->mask_h = sample->mask_w = 0;
        }
    }
    iad_loaded_deinit(&loaded);
    return status;
}

iad_status iad_sample_pixels(iad_sample_maker *maker, iad_sample *sample, iad_err *err) {
    iad_task_view view;
    IAD_TRY(iad_task_view_load(maker->manifest, sample->task_id, &view, err));
    iad_status status = (size_t)sample->n_picture == view.row.n_images ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "its pictures have changed");
    for (int i = 0; status == IAD_OK && i < sample->n_picture; i++) status = load_picture(maker, &view.row.images[i], i, sample, err);
    if (status != IAD_OK) iad_err_prefix(err, "task %" PRId64 " (%s)", sample->task_id, view.row.task ? view.row.task : "");
    iad_task_view_deinit(&view);
    return status;
}
