/* Defaults of the paper's block, and the relations that a config must keep. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "runtime/model/config.h"

/* n * {1,2,3,4} / 4 - 1 without repeats: the ends of the four quarters. */
static int quarters(int n, int *values) {
    int kept = 0;
    for (int i = 1; i <= 4; i++) {
        int v = n * i / 4 - 1;
        if (v >= 0 && (!kept || values[kept - 1] != v)) values[kept++] = v;
    }
    return kept;
}

void iad_model_config_paper_defaults(iad_model_config *config) {
    iad_paper_config *p = &config->paper;
    memset(p, 0, sizeof *p);
    p->fusion = IAD_FUSION_TOKEN;
    p->n_taps = quarters(config->vision.depth, p->taps);
    p->retention = 0.2;
    p->n_map_layers = quarters(config->text.layers, p->map_layers);
    p->n_anomaly_words = 2;
    p->n_normal_words = 1;
    iad_text_copy(p->anomaly_words[0], IAD_CFG_WORD_BYTES, "defect");
    iad_text_copy(p->anomaly_words[1], IAD_CFG_WORD_BYTES, "abnormal");
    iad_text_copy(p->normal_words[0], IAD_CFG_WORD_BYTES, "normal");
    iad_text_copy(p->yes, IAD_CFG_WORD_BYTES, "Yes");
    iad_text_copy(p->no, IAD_CFG_WORD_BYTES, "No");
    int factor = config->vision.patch * config->vision.merge, side = factor > 0 && factor <= 448 ? 448 / factor * factor : factor;
    p->image_height = p->image_width = side; /* 448 for the published patch size */
}

int iad_model_config_is_fullatt(const iad_model_config *config, int block) {
    for (int i = 0; i < config->vision.n_fullatt; i++)
        if (config->vision.fullatt[i] == block) return 1;
    return 0;
}

static iad_status range(const char *where, const char *what, double value, double lo, double hi, iad_err *err) {
    if (value >= lo && value <= hi) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %s = %.12g is outside %.12g..%.12g", where, what, value, lo, hi);
}

static iad_status rising(const char *where, const char *what, const int *values, int n, int max_n, int limit, iad_err *err) {
    if (n < 0 || n > max_n) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %s has %d items, at most %d", where, what, n, max_n);
    for (int i = 0; i < n; i++)
        if (values[i] < 0 || values[i] >= limit || (i && values[i] <= values[i - 1]))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s[%d] = %d: must rise and stay below %d", where, what, i, values[i], limit);
    return IAD_OK;
}

static iad_status word(const char *where, const char *what, const char *text, iad_err *err) {
    if (text[0] && memchr(text, 0, IAD_CFG_WORD_BYTES)) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s holds no word of 1..%d bytes", where, what, IAD_CFG_WORD_BYTES - 1);
}

static iad_status check_text(const iad_text_config *t, const char *where, iad_err *err) {
    IAD_TRY(range(where, "hidden_size", t->hidden, 1, IAD_CFG_MAX_HIDDEN, err));
    IAD_TRY(range(where, "num_hidden_layers", t->layers, 1, IAD_CFG_MAX_LAYERS, err));
    IAD_TRY(range(where, "num_attention_heads", t->heads, 1, IAD_CFG_MAX_HEADS, err));
    IAD_TRY(range(where, "num_key_value_heads", t->kv_heads, 1, IAD_CFG_MAX_HEADS, err));
    IAD_TRY(range(where, "intermediate_size", t->intermediate, 1, IAD_CFG_MAX_INTER, err));
    IAD_TRY(range(where, "vocab_size", t->vocab, 1, IAD_CFG_MAX_VOCAB, err));
    IAD_TRY(range(where, "rms_norm_eps", (double)t->rms_eps, 0, 1, err));
    IAD_TRY(range(where, "rope_theta", t->rope_theta, 1, 1e12, err));
    IAD_TRY(range(where, "head_dim", t->head_dim, 2, IAD_CFG_MAX_HEAD_DIM, err));
    if (t->hidden != t->heads * t->head_dim) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: hidden_size is not num_attention_heads * head_dim", where);
    if (t->heads % t->kv_heads)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: num_attention_heads %d is no multiple of num_key_value_heads %d", where, t->heads, t->kv_heads);
    const int *m = t->mrope_section;
    if (t->head_dim % 2 || m[0] < 0 || m[1] < 0 || m[2] < 0 || (int64_t)m[0] + m[1] + m[2] != t->head_dim / 2)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: mrope_section [%d, %d, %d] must sum to half of the head dimension %d", where, m[0], m[1], m[2],
                        t->head_dim);
    return IAD_OK;
}

static iad_status check_vision(const iad_vision_config *v, int text_hidden, const char *where, iad_err *err) {
    IAD_TRY(range(where, "vision depth", v->depth, 1, IAD_CFG_MAX_DEPTH, err));
    IAD_TRY(range(where, "vision hidden_size", v->hidden, 1, IAD_CFG_MAX_HIDDEN, err));
    IAD_TRY(range(where, "vision num_heads", v->heads, 1, IAD_CFG_MAX_HEADS, err));
    IAD_TRY(range(where, "vision intermediate_size", v->intermediate, 1, IAD_CFG_MAX_INTER, err));
    IAD_TRY(range(where, "vision in_channels", v->in_channels, 1, IAD_CFG_MAX_CHANNELS, err));
    IAD_TRY(range(where, "vision patch_size", v->patch, 1, IAD_CFG_MAX_PATCH, err));
    IAD_TRY(range(where, "vision temporal_patch_size", v->temporal, 1, IAD_CFG_MAX_TEMPORAL, err));
    IAD_TRY(range(where, "vision spatial_merge_size", v->merge, 1, IAD_CFG_MAX_MERGE, err));
    IAD_TRY(range(where, "vision window_size", v->window, 1, IAD_CFG_MAX_WINDOW, err));
    IAD_TRY(range(where, "vision head dimension", v->head_dim, 4, IAD_CFG_MAX_HEAD_DIM, err));
    if (v->hidden != v->heads * v->head_dim || v->head_dim % 4)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the vision head dimension %d (hidden_size %d / num_heads %d) must be a multiple of 4", where,
                        v->head_dim, v->hidden, v->heads);
    if (v->window % (v->patch * v->merge))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: window_size %d is no multiple of patch_size * spatial_merge_size = %d", where, v->window,
                        v->patch * v->merge);
    if (v->out_hidden != text_hidden)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: vision out_hidden_size %d differs from the text's hidden_size %d", where, v->out_hidden,
                        text_hidden);
    return rising(where, "fullatt_block_indexes", v->fullatt, v->n_fullatt, IAD_CFG_MAX_DEPTH, v->depth, err);
}

static iad_status check_ids(const iad_token_ids *ids, int vocab, const char *where, iad_err *err) {
    const int needed[] = {ids->image, ids->video, ids->vision_start, ids->vision_end}, optional[] = {ids->vision_pad, ids->bos, ids->pad};
    static const char *const names[] = {"image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id", "vision_token_id",
                                        "bos_token_id", "pad_token_id"};
    for (int i = 0; i < 4; i++) IAD_TRY(range(where, names[i], needed[i], 0, vocab - 1, err));
    for (int i = 0; i < 3; i++) IAD_TRY(range(where, names[4 + i], optional[i], -1, vocab - 1, err));
    IAD_TRY(range(where, "count of eos_token_id", ids->n_eos, 0, IAD_CFG_MAX_EOS, err));
    for (int i = 0; i < ids->n_eos; i++) IAD_TRY(range(where, "eos_token_id", ids->eos[i], 0, vocab - 1, err));
    return IAD_OK;
}

static iad_status check_paper(const iad_model_config *c, const char *where, iad_err *err) {
    const iad_paper_config *p = &c->paper;
    IAD_TRY(range(where, "iadgpt fusion mode", p->fusion, IAD_FUSION_TOKEN, IAD_FUSION_OFF, err));
    IAD_TRY(range(where, "iadgpt similarity", p->similarity, IAD_SIM_BEST, IAD_SIM_ALIGNED, err));
    IAD_TRY(range(where, "count of iadgpt fusion taps", p->n_taps, 1, IAD_CFG_MAX_TAPS, err));
    IAD_TRY(range(where, "count of iadgpt map layers", p->n_map_layers, 1, IAD_CFG_MAX_TAPS, err));
    IAD_TRY(rising(where, "iadgpt fusion taps", p->taps, p->n_taps, IAD_CFG_MAX_TAPS, c->vision.depth, err));
    IAD_TRY(rising(where, "iadgpt map layers", p->map_layers, p->n_map_layers, IAD_CFG_MAX_TAPS, c->text.layers, err));
    if (!(p->retention > 0 && p->retention <= 1)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: iadgpt retention must be above 0 and at most 1", where);
    IAD_TRY(range(where, "count of anomaly_words", p->n_anomaly_words, 1, IAD_CFG_MAX_WORDS, err));
    IAD_TRY(range(where, "count of normal_words", p->n_normal_words, 1, IAD_CFG_MAX_WORDS, err));
    for (int i = 0; i < p->n_anomaly_words; i++) IAD_TRY(word(where, "anomaly_words", p->anomaly_words[i], err));
    for (int i = 0; i < p->n_normal_words; i++) IAD_TRY(word(where, "normal_words", p->normal_words[i], err));
    IAD_TRY(word(where, "score yes", p->yes, err));
    IAD_TRY(word(where, "score no", p->no, err));
    int factor = c->vision.patch * c->vision.merge;
    IAD_TRY(range(where, "iadgpt image height", p->image_height, 0, IAD_CFG_MAX_SIDE, err));
    IAD_TRY(range(where, "iadgpt image width", p->image_width, 0, IAD_CFG_MAX_SIDE, err));
    if (p->image_height % factor || p->image_width % factor || !p->image_height != !p->image_width)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: iadgpt image %d x %d: both multiples of %d, or both 0", where, p->image_height, p->image_width,
                        factor);
    return IAD_OK;
}

iad_status iad_model_config_check(const iad_model_config *config, const char *where, iad_err *err) {
    const iad_preproc_config *pre = &config->preproc;
    IAD_TRY(check_text(&config->text, where, err));
    IAD_TRY(check_vision(&config->vision, config->text.hidden, where, err));
    IAD_TRY(check_ids(&config->ids, config->text.vocab, where, err));
    IAD_TRY(range(where, "min_pixels", (double)pre->min_pixels, 1, IAD_CFG_MAX_PIXELS, err));
    IAD_TRY(range(where, "max_pixels", (double)pre->max_pixels, (double)pre->min_pixels, IAD_CFG_MAX_PIXELS, err));
    for (int i = 0; i < 3; i++) IAD_TRY(range(where, "image_std", pre->std[i], 1e-6, 1e3, err));
    return check_paper(config, where, err);
}
