#include "train/model/microbatch.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "runtime/model/compress.h"
#include "runtime/model/language.h"
#include "runtime/model/positions.h"
#include "train/model/samplecheck.h"

void iad_micro_deinit(iad_micro *b) {
    for (int i = 0; b->pictures != NULL && i < b->n_picture; i++) free(b->pictures[i].kept);
    for (int i = 0; i < b->n_map; i++) {
        free(b->maps[i].row);
        free(b->maps[i].row_class);
        free(b->maps[i].weight);
    }
    iad_vision_plan_deinit(&b->plan);
    free(b->pictures);
    free(b->segment);
    free(b->maps);
    free(b->ids);
    free(b->token);
    free(b->group);
    for (int i = 0; i < 3; i++) free(b->pos[i]);
    free(b->row);
    free(b->target);
    free(b->weight);
    *b = (iad_micro){0};
}

/* ---- first step ---- */

static int compressed(const iad_sample_picture *p, const iad_model_config *config, int compress) {
    return compress && p->reference >= 0 && config->paper.retention < 1;
}

static void place_pictures(iad_micro *b, const iad_model_config *config, int compress) {
    int merge = config->vision.merge, k = 0;
    int64_t patch = 0, token = 0;
    for (int s = 0; s < b->n_sample; s++) {
        int base = k;
        for (int i = 0; i < b->samples[s]->n_picture; i++) {
            const iad_sample_picture *source = &b->samples[s]->pictures[i];
            iad_micro_picture *p = &b->pictures[k++];
            *p = (iad_micro_picture){.source = source,
                                     .sample = s,
                                     .reference = -1,
                                     .lh = source->patches.gh / merge,
                                     .lw = source->patches.gw / merge,
                                     .patch = patch,
                                     .token = token};
            p->n_kept = (int64_t)p->lh * p->lw;
            patch += source->patches.n_row;
            token += p->n_kept;
            if (!compressed(source, config, compress)) continue;
            p->reference = base + source->reference;
            p->n_kept = iad_compress_count(p->n_kept, config->paper.retention);
        }
    }
}

static iad_status plan_pictures(iad_micro *b, const iad_model_config *config, iad_err *err) {
    if (b->n_picture == 0) return IAD_OK;
    iad_vision_plan *plans = iad_calloc((size_t)b->n_picture, sizeof *plans);
    iad_status status = plans == NULL ? IAD_NOMEM(err, "the pictures of a batch") : IAD_OK;
    for (int i = 0; i < b->n_picture && status == IAD_OK; i++)
        status = iad_vision_plan_init(&plans[i], &config->vision, b->pictures[i].source->patches.gh, b->pictures[i].source->patches.gw, err);
    if (status == IAD_OK) status = iad_vision_plan_join(plans, b->n_picture, &config->vision, &b->plan, err);
    for (int i = 0; plans != NULL && i < b->n_picture; i++) iad_vision_plan_deinit(&plans[i]);
    free(plans);
    return status;
}

static void count_rows(iad_micro *b) {
    for (int s = 0, k = 0; s < b->n_sample; s++) {
        b->segment[s] = b->n_row;
        b->n_row += b->samples[s]->n_id - b->samples[s]->n_picture;
        for (int i = 0; i < b->samples[s]->n_picture; i++) b->n_row += b->pictures[k++].n_kept;
        b->n_supervised += b->samples[s]->n_target;
    }
    b->segment[b->n_sample] = b->n_row;
}

iad_status iad_micro_init(iad_micro *b, const iad_model_config *config, const iad_sample *const *samples, int n, int maps, int compress,
                          iad_err *err) {
    *b = (iad_micro){.samples = samples, .n_sample = n};
    if (n < 1 || n > IAD_TEXT_MAX_SEQS) return IAD_FAIL(err, IAD_ERR_LIMIT, "%d samples in one pass, 1 to %d can be", n, IAD_TEXT_MAX_SEQS);
    int n_picture = 0;
    for (int i = 0; i < n; i++) {
        IAD_TRY(iad_sample_check(samples[i], config, maps, compress && config->paper.retention < 1, err));
        n_picture += samples[i]->n_picture;
    }
    b->pictures = iad_calloc((size_t)n_picture, sizeof *b->pictures);
    b->segment = iad_calloc((size_t)n + 1, sizeof *b->segment);
    b->maps = iad_calloc((size_t)n, sizeof *b->maps);
    iad_status status = b->pictures == NULL || b->segment == NULL || b->maps == NULL ? IAD_NOMEM(err, "a batch") : IAD_OK;
    if (status == IAD_OK) {
        b->n_picture = n_picture;
        place_pictures(b, config, compress);
        status = plan_pictures(b, config, err);
        count_rows(b);
    }
    for (int i = 0, k = 0; i < n && status == IAD_OK; k += samples[i++]->n_picture) {
        if (!maps || samples[i]->mask == NULL) continue;
        const iad_micro_picture *query = &b->pictures[k + samples[i]->query];
        b->maps[b->n_map++] = (iad_micro_map){.sample = i, .h = query->lh, .w = query->lw, .first = b->n_cell};
        b->n_cell += 2 * (int64_t)query->lh * query->lw;
    }
    if (status == IAD_OK && b->n_row > INT32_MAX) status = IAD_FAIL(err, IAD_ERR_LIMIT, "%lld rows in one pass", (long long)b->n_row);
    if (status != IAD_OK) iad_micro_deinit(b);
    return status;
}

/* ---- second step ---- */

static iad_status select_tokens(iad_micro *b, const iad_model_config *config, iad_queue *queue, iad_mat tokens, iad_err *err) {
    for (int i = 0; i < b->n_picture; i++) {
        iad_micro_picture *p = &b->pictures[i];
        if (p->reference < 0) continue;
        const iad_micro_picture *r = &b->pictures[p->reference];
        iad_status status = iad_compress_select(queue, iad_mat_rows(tokens, p->token, (int64_t)p->lh * p->lw),
                                                iad_mat_rows(tokens, r->token, (int64_t)r->lh * r->lw), config->paper.similarity == IAD_SIM_ALIGNED,
                                                config->paper.retention, &p->kept, &p->n_kept, err);
        if (status != IAD_OK) {
            iad_err_prefix(err, "task %lld", (long long)b->samples[p->sample]->task_id);
            return status;
        }
    }
    return IAD_OK;
}

static iad_status allocate_rows(iad_micro *b, iad_err *err) {
    size_t n = (size_t)b->n_row, m = (size_t)b->n_supervised;
    int ok = (b->ids = iad_alloc(n, sizeof *b->ids)) != NULL;
    ok &= (b->token = iad_alloc(n, sizeof *b->token)) != NULL;
    ok &= (b->group = iad_alloc(n, sizeof *b->group)) != NULL;
    for (int i = 0; i < 3; i++) ok &= (b->pos[i] = iad_alloc(n, sizeof *b->pos[i])) != NULL;
    ok &= (b->row = iad_alloc(m, sizeof *b->row)) != NULL;
    ok &= (b->target = iad_alloc(m, sizeof *b->target)) != NULL;
    ok &= (b->weight = iad_alloc(m, sizeof *b->weight)) != NULL;
    return ok ? IAD_OK : IAD_NOMEM(err, "the rows of a batch");
}

/* Rows of one sample from `row` on; place [n_id]: the row of each compact position, inside the segment. */
static iad_status fill_sample(iad_micro *b, int s, const iad_micro_picture *pictures, int64_t row, int64_t *supervised, int64_t *place,
                              iad_err *err) {
    const iad_sample *sample = b->samples[s];
    iad_positions at = {0};
    int64_t first = row;
    int k = 0;
    for (int64_t i = 0; i < sample->n_id; i++) {
        place[i] = row - first;
        if (k < sample->n_picture && pictures[k].source->position == i) {
            const iad_micro_picture *p = &pictures[k++];
            IAD_TRY(iad_positions_add_kept(&at, p->lh, p->lw, p->kept, p->n_kept, b->pos[0] + row, b->pos[1] + row, b->pos[2] + row, err));
            for (int64_t j = 0; j < p->n_kept; j++, row++) {
                b->ids[row] = -1;
                b->token[row] = (int32_t)(p->token + (p->kept != NULL ? p->kept[j] : j));
                b->group[row] = b->plan.inverse[b->token[row]];
            }
            continue;
        }
        IAD_TRY(iad_positions_add_text(&at, 1, b->pos[0] + row, b->pos[1] + row, b->pos[2] + row, err));
        b->ids[row] = sample->ids[i];
        b->token[row] = b->group[row] = -1;
        if (sample->target[i] >= 0) {
            b->row[*supervised] = (int32_t)row;
            b->target[*supervised] = sample->target[i];
            b->weight[(*supervised)++] = sample->weight;
        }
        row++;
    }
    return IAD_OK;
}

static iad_status fill_map(iad_micro *b, iad_micro_map *m, const int64_t *place, iad_err *err) {
    const iad_sample *s = b->samples[m->sample];
    size_t n = (size_t)s->n_word;
    m->row = iad_alloc(n, sizeof *m->row);
    m->row_class = iad_alloc(n, sizeof *m->row_class);
    m->weight = iad_alloc(n, sizeof *m->weight);
    if (m->row == NULL || m->row_class == NULL || m->weight == NULL) return IAD_NOMEM(err, "the words of a batch");
    for (int i = 0; i < s->n_word; i++) {
        m->row[i] = place[s->words[i].position];
        m->row_class[i] = s->words[i].row_class;
        m->weight[i] = s->words[i].weight;
    }
    m->probe = (iad_probe){.n_row = s->n_word, .row = m->row, .row_class = m->row_class, .weight = m->weight, .n_class = 2,
                           .col = place[s->pictures[s->query].position], .n_col = (int64_t)m->h * m->w};
    return IAD_OK;
}

iad_status iad_micro_rows(iad_micro *b, const iad_model_config *config, iad_queue *queue, iad_mat tokens, iad_err *err) {
    IAD_TRY(select_tokens(b, config, queue, tokens, err));
    IAD_TRY(allocate_rows(b, err));
    int64_t supervised = 0, longest = 0;
    for (int s = 0; s < b->n_sample; s++) longest = b->samples[s]->n_id > longest ? b->samples[s]->n_id : longest;
    int64_t *place = iad_alloc((size_t)longest, sizeof *place);
    iad_status status = place == NULL ? IAD_NOMEM(err, "the rows of a batch") : IAD_OK;
    for (int s = 0, k = 0, m = 0; s < b->n_sample && status == IAD_OK; k += b->samples[s++]->n_picture) {
        status = fill_sample(b, s, b->pictures + k, b->segment[s], &supervised, place, err);
        if (status == IAD_OK && m < b->n_map && b->maps[m].sample == s) status = fill_map(b, &b->maps[m++], place, err);
        if (status != IAD_OK) iad_err_prefix(err, "task %lld", (long long)b->samples[s]->task_id);
    }
    free(place);
    return status;
}
