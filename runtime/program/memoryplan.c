#include "runtime/program/memoryplan.h"

#include <math.h>
#include <string.h>

#include "runtime/engine/engine.h"

/* Words of the template and the canonical question in Qwen's vocabulary, with control tokens; a small tokenizer needs more. */
enum { PREFIX_TEXT = 16, QUERY_TEXT = 40, PER_PICTURE_TEXT = 2 };

typedef struct sums {
    const iad_memory_request *request;
    iad_memory_plan *plan;
    int tied;
} sums;

static uint64_t stored(uint64_t n_out, uint64_t n_in, iad_dtype storage) {
    uint64_t extra = storage == IAD_I8 ? 8 * n_out : 0; /* a scale and a sum per output */
    return n_out * n_in * iad_dtype_size(storage) + extra;
}

static iad_status add(void *user, const iad_tensor_spec *spec, iad_err *err) {
    (void)err;
    sums *s = user;
    int vision = strncmp(spec->name, "visual.", 7) == 0 || strncmp(spec->name, "iadgpt.", 7) == 0;
    iad_dtype storage = vision ? s->request->vision_storage : s->request->text_storage;
    uint64_t n = 1;
    for (int i = 0; i < spec->rank; i++) n *= (uint64_t)spec->shape[i];
    uint64_t bytes = 0;
    switch (spec->role) {
        case IAD_ROLE_LINEAR:
        case IAD_ROLE_HEAD: bytes = spec->extra ? 4 * n : stored((uint64_t)spec->shape[0], n / (uint64_t)spec->shape[0], storage); break;
        case IAD_ROLE_CONV: bytes = stored((uint64_t)spec->shape[0], n / (uint64_t)spec->shape[0], storage == IAD_I8 ? IAD_BF16 : storage); break;
        case IAD_ROLE_EMBED:
            s->plan->mapped += n * iad_dtype_size(s->request->embed_stored);
            if (s->tied) bytes = stored((uint64_t)spec->shape[0], n / (uint64_t)spec->shape[0], storage); /* packed once more as the head */
            break;
        default: bytes = 4 * n;
    }
    *(vision ? &s->plan->vision_weights : &s->plan->text_weights) += bytes;
    return IAD_OK;
}

/* The forward passes' own counts, over a model that has sizes only. */
static iad_status workspace(const iad_model_config *config, iad_memory_plan *p, int gh, int gw, int64_t rows, iad_err *err) {
    const iad_memory_request *r = &p->request;
    static const float present = 0;
    iad_model sizes = {.config = *config, .text_storage = r->text_storage, .vision_storage = r->vision_storage};
    sizes.text_act = r->text_storage == IAD_F32 ? IAD_F32 : IAD_BF16;
    sizes.vision_act = r->vision_storage == IAD_F32 ? IAD_F32 : IAD_BF16;
    if (r->fusion && config->paper.fusion != IAD_FUSION_OFF) sizes.fusion.scale = &present;
    iad_vision_plan plan;
    size_t vision = 0, text = 0;
    IAD_TRY(iad_vision_plan_init(&plan, &config->vision, gh, gw, err));
    iad_status status = iad_vision_bytes(&sizes, &plan, &vision, err);
    iad_vision_plan_deinit(&plan);
    IAD_TRY(status);
    IAD_TRY(iad_text_bytes(&sizes, rows < IAD_PREFILL_ROWS ? rows : IAD_PREFILL_ROWS, r->batch, &text, err));
    p->workspace = vision > text ? vision : text;
    return IAD_OK;
}

iad_status iad_memory_plan_make(const iad_model_config *config, const iad_memory_request *request, iad_memory_plan *p, iad_err *err) {
    *p = (iad_memory_plan){.request = *request};
    sums s = {request, p, config->text.tie};
    IAD_TRY(iad_model_tensors(config, request->fusion, add, &s, err));
    const iad_vision_config *v = &config->vision;
    int side = v->patch * v->merge;
    IAD_TRY(iad_smart_resize(request->height, request->width, side, config->preproc.min_pixels, config->preproc.max_pixels, &p->height, &p->width,
                             err));
    p->image_tokens = (int64_t)(p->height / side) * (p->width / side);
    int64_t kept = (int64_t)floor(request->retention * (double)p->image_tokens + 0.5);
    if (kept < 1) kept = 1;
    p->prefix_tokens = PREFIX_TEXT + (int64_t)request->k * PER_PICTURE_TEXT + (request->k > 0 ? p->image_tokens + (request->k - 1) * kept : 0);
    p->query_tokens = p->image_tokens + QUERY_TEXT;
    int64_t row_bytes = (int64_t)config->text.layers * 2 * config->text.kv_heads * config->text.head_dim * (request->text_storage == IAD_F32 ? 4 : 2);
    p->prefix_kv = (uint64_t)(p->prefix_tokens * row_bytes);
    p->query_kv = (uint64_t)((request->batch * p->query_tokens + request->max_tokens) * row_bytes);
    int64_t rows = request->batch * p->query_tokens, first = p->prefix_tokens;
    int64_t most = rows > first ? rows : first;
    IAD_TRY(workspace(config, p, p->height / v->patch, p->width / v->patch, most, err));
    /* The feed's embedded rows, one encoded picture, logits and maps on the host. */
    p->buffers = (uint64_t)(most * config->text.hidden * 4 + p->image_tokens * config->text.hidden * 4 + (request->batch + 1)
                            * (int64_t)config->text.vocab * 4);
    int64_t pixels = (int64_t)p->height * p->width;
    p->pictures = (uint64_t)(request->batch * pixels * 3 + pixels * 3 + pixels * v->in_channels * v->temporal * 4);
    p->total = p->text_weights + p->vision_weights + p->prefix_kv + p->query_kv + p->workspace + p->buffers + p->pictures;
    return IAD_OK;
}
