#include "runtime/model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

/* Where a key is looked up: `inner` first, then `outer`; null counts as missing. */
typedef struct source {
    const json_t *inner, *outer;
    const char *where;
} source;

static json_t *lookup(const source *s, const char *key) {
    json_t *v = json_object_get(s->inner, key);
    if (!v || json_is_null(v)) v = json_object_get(s->outer, key);
    return v && !json_is_null(v) ? v : NULL;
}

static iad_status get_int(const source *s, const char *key, int64_t fallback, int64_t lo, int64_t hi, int *value, iad_err *err) {
    const json_t *v = lookup(s, key);
    if (v && !json_is_integer(v)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not a whole number", s->where, key);
    int64_t i = v ? json_integer_value(v) : fallback;
    if (i < lo || i > hi)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: \"%s\" = %lld is outside %lld..%lld", s->where, key, (long long)i, (long long)lo, (long long)hi);
    *value = (int)i;
    return IAD_OK;
}

static iad_status get_number(const source *s, const char *key, double fallback, double lo, double hi, double *value, iad_err *err) {
    const json_t *v = lookup(s, key);
    if (v && !json_is_number(v)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not a number", s->where, key);
    double d = v ? json_number_value(v) : fallback;
    if (!(d >= lo && d <= hi)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: \"%s\" = %g is outside %g..%g", s->where, key, d, lo, hi);
    *value = d;
    return IAD_OK;
}

static iad_status get_float(const source *s, const char *key, double fallback, double lo, double hi, float *value, iad_err *err) {
    double d;
    IAD_TRY(get_number(s, key, fallback, lo, hi, &d, err));
    *value = (float)d;
    return IAD_OK;
}

static iad_status get_bool(const source *s, const char *key, int fallback, int *value, iad_err *err) {
    const json_t *v = lookup(s, key);
    if (v && !json_is_boolean(v)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not true or false", s->where, key);
    *value = v ? json_is_true(v) : fallback;
    return IAD_OK;
}

/* The key, when present, must be an object. */
static iad_status get_object(const json_t *from, const char *key, const char *where, const json_t **value, iad_err *err) {
    const json_t *v = json_object_get(from, key);
    *value = v && !json_is_null(v) ? v : NULL;
    return !*value || json_is_object(v) ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not an object", where, key);
}

/* Array of whole numbers; *n untouched (with what stands in values) when the key is missing. */
static iad_status get_ints(const source *s, const char *key, int max, int64_t lo, int64_t hi, int *values, int *n, iad_err *err) {
    const json_t *v = lookup(s, key);
    if (!v) return IAD_OK;
    if (!json_is_array(v)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not an array", s->where, key);
    if (json_array_size(v) > (size_t)max) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: \"%s\" has more than %d items", s->where, key, max);
    *n = 0;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        int64_t k = json_integer_value(item);
        if (!json_is_integer(item) || k < lo || k > hi)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\"[%zu] is not a whole number in %lld..%lld", s->where, key, i, (long long)lo,
                            (long long)hi);
        values[(*n)++] = (int)k;
    }
    return IAD_OK;
}

static iad_status need_text(const source *s, const char *key, const char *wanted, const char *other, iad_err *err) {
    const json_t *v = lookup(s, key);
    const char *text = json_string_value(v);
    if (!v || (text && (strcmp(text, wanted) == 0 || (other && strcmp(text, other) == 0)))) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: \"%s\" is \"%.60s\", only \"%s\" is supported", s->where, key, text ? text : "?", wanted);
}

static int by_value(const void *a, const void *b) { return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b); }

static void sort_unique(int *values, int *n) {
    int kept = 0;
    if (*n > 1) qsort(values, (size_t)*n, sizeof *values, by_value);
    for (int i = 0; i < *n; i++)
        if (!kept || values[kept - 1] != values[i]) values[kept++] = values[i];
    *n = kept;
}

/* ---- config.json ---- */

static iad_status parse_rope(const source *s, iad_text_config *t, iad_err *err) {
    const json_t *rope = lookup(s, "rope_parameters");
    const char *key = rope ? "rope_parameters" : "rope_scaling";
    if (!rope) rope = lookup(s, "rope_scaling");
    if (!rope) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: neither \"rope_parameters\" nor \"rope_scaling\"", s->where);
    if (!json_is_object(rope)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not an object", s->where, key);
    source in = {rope, NULL, s->where}, theta = {rope, json_object_get(rope, "rope_theta") ? NULL : s->inner, s->where};
    if (!lookup(&theta, "rope_theta")) theta.outer = s->outer;
    IAD_TRY(get_number(&theta, "rope_theta", 1e6, 1.0, 1e12, &t->rope_theta, err));
    IAD_TRY(need_text(&in, "type", "mrope", "default", err));
    IAD_TRY(need_text(&in, "rope_type", "default", "mrope", err));
    int n = 0;
    IAD_TRY(get_ints(&in, "mrope_section", 3, 0, IAD_CFG_MAX_HEAD_DIM, t->mrope_section, &n, err));
    return n == 3 ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"mrope_section\" must be three numbers", s->where);
}

static iad_status parse_text(const source *s, iad_text_config *t, iad_err *err) {
    int head_dim;
    IAD_TRY(get_int(s, "hidden_size", 8192, 1, IAD_CFG_MAX_HIDDEN, &t->hidden, err));
    IAD_TRY(get_int(s, "num_hidden_layers", 80, 1, IAD_CFG_MAX_LAYERS, &t->layers, err));
    IAD_TRY(get_int(s, "num_attention_heads", 64, 1, IAD_CFG_MAX_HEADS, &t->heads, err));
    IAD_TRY(get_int(s, "num_key_value_heads", 8, 1, IAD_CFG_MAX_HEADS, &t->kv_heads, err));
    IAD_TRY(get_int(s, "intermediate_size", 29568, 1, IAD_CFG_MAX_INTER, &t->intermediate, err));
    IAD_TRY(get_int(s, "vocab_size", 152064, 1, IAD_CFG_MAX_VOCAB, &t->vocab, err));
    IAD_TRY(get_int(s, "max_position_embeddings", 32768, 1, INT32_MAX, &t->max_positions, err));
    IAD_TRY(get_float(s, "rms_norm_eps", 1e-5, 0.0, 1.0, &t->rms_eps, err));
    IAD_TRY(get_float(s, "initializer_range", 0.02, 0.0, 100.0, &t->init_range, err));
    IAD_TRY(get_bool(s, "tie_word_embeddings", 0, &t->tie, err));
    IAD_TRY(need_text(s, "hidden_act", "silu", NULL, err));
    if (t->hidden % t->heads)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: hidden_size %d is no multiple of num_attention_heads %d", s->where, t->hidden, t->heads);
    t->head_dim = t->hidden / t->heads;
    IAD_TRY(get_int(s, "head_dim", t->head_dim, 1, IAD_CFG_MAX_HIDDEN, &head_dim, err));
    if (head_dim != t->head_dim)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: head_dim %d is not hidden_size / num_attention_heads", s->where, head_dim);
    int sliding;
    IAD_TRY(get_bool(s, "use_sliding_window", 0, &sliding, err));
    if (sliding) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: \"use_sliding_window\" is true", s->where);
    return parse_rope(s, t, err);
}

static iad_status parse_vision(const json_t *vision, const char *where, iad_vision_config *v, iad_err *err) {
    source s = {vision, NULL, where};
    int window, eight = 8;
    IAD_TRY(get_int(&s, "depth", 32, 1, IAD_CFG_MAX_DEPTH, &v->depth, err));
    IAD_TRY(get_int(&s, "hidden_size", 3584, 1, IAD_CFG_MAX_HIDDEN, &v->hidden, err));
    IAD_TRY(get_int(&s, "num_heads", 16, 1, IAD_CFG_MAX_HEADS, &v->heads, err));
    IAD_TRY(get_int(&s, "intermediate_size", 3420, 1, IAD_CFG_MAX_INTER, &v->intermediate, err));
    IAD_TRY(get_int(&s, lookup(&s, "in_channels") ? "in_channels" : "in_chans", 3, 1, IAD_CFG_MAX_CHANNELS, &v->in_channels, err));
    IAD_TRY(get_int(&s, lookup(&s, "patch_size") ? "patch_size" : "spatial_patch_size", 14, 1, IAD_CFG_MAX_PATCH, &v->patch, err));
    IAD_TRY(get_int(&s, "temporal_patch_size", 2, 1, IAD_CFG_MAX_TEMPORAL, &v->temporal, err));
    IAD_TRY(get_int(&s, "spatial_merge_size", 2, 1, IAD_CFG_MAX_MERGE, &v->merge, err));
    IAD_TRY(get_int(&s, "window_size", 112, 1, IAD_CFG_MAX_WINDOW, &window, err));
    IAD_TRY(get_int(&s, "out_hidden_size", 3584, 1, IAD_CFG_MAX_HIDDEN, &v->out_hidden, err));
    IAD_TRY(get_float(&s, "initializer_range", 0.02, 0.0, 100.0, &v->init_range, err));
    IAD_TRY(need_text(&s, "hidden_act", "silu", NULL, err));
    v->window = window;
    v->rms_eps = 1e-6f;
    if (v->hidden % v->heads) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: hidden_size %d is no multiple of num_heads %d", where, v->hidden, v->heads);
    v->head_dim = v->hidden / v->heads;
    if (!lookup(&s, "fullatt_block_indexes")) /* the default list is that of depth 32; blocks that are not there do nothing */
        for (v->n_fullatt = 0; v->n_fullatt < 4 && eight * (v->n_fullatt + 1) <= v->depth; v->n_fullatt++)
            v->fullatt[v->n_fullatt] = eight * (v->n_fullatt + 1) - 1;
    IAD_TRY(get_ints(&s, "fullatt_block_indexes", IAD_CFG_MAX_DEPTH, 0, v->depth - 1, v->fullatt, &v->n_fullatt, err));
    sort_unique(v->fullatt, &v->n_fullatt);
    return IAD_OK;
}

/* eos_token_id is a number or an array of them. */
static iad_status parse_eos(const source *s, iad_token_ids *ids, iad_err *err) {
    const json_t *v = lookup(s, "eos_token_id");
    if (v && !json_is_array(v)) {
        ids->n_eos = 1;
        return get_int(s, "eos_token_id", 0, 0, IAD_CFG_MAX_VOCAB, &ids->eos[0], err);
    }
    return get_ints(s, "eos_token_id", IAD_CFG_MAX_EOS, 0, IAD_CFG_MAX_VOCAB, ids->eos, &ids->n_eos, err);
}

static iad_status parse_ids(const json_t *root, const json_t *text, const char *where, iad_token_ids *ids, iad_err *err) {
    source top = {root, text, where}; /* text_config repeats these, partly as null */
    IAD_TRY(get_int(&top, "image_token_id", 151655, 0, IAD_CFG_MAX_VOCAB, &ids->image, err));
    IAD_TRY(get_int(&top, "video_token_id", 151656, 0, IAD_CFG_MAX_VOCAB, &ids->video, err));
    IAD_TRY(get_int(&top, "vision_start_token_id", 151652, 0, IAD_CFG_MAX_VOCAB, &ids->vision_start, err));
    IAD_TRY(get_int(&top, "vision_end_token_id", 151653, 0, IAD_CFG_MAX_VOCAB, &ids->vision_end, err));
    IAD_TRY(get_int(&top, "vision_token_id", -1, -1, IAD_CFG_MAX_VOCAB, &ids->vision_pad, err));
    IAD_TRY(get_int(&top, "bos_token_id", -1, -1, IAD_CFG_MAX_VOCAB, &ids->bos, err));
    IAD_TRY(get_int(&top, "pad_token_id", -1, -1, IAD_CFG_MAX_VOCAB, &ids->pad, err));
    return parse_eos(&top, ids, err);
}

/* ---- the iadgpt block ---- */

static iad_status get_word(const source *s, const char *key, char word[IAD_CFG_WORD_BYTES], iad_err *err) {
    const json_t *v = lookup(s, key);
    if (!v) return IAD_OK;
    const char *text = json_string_value(v);
    if (!text || !*text || !iad_text_copy(word, IAD_CFG_WORD_BYTES, text))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not a word of 1..%d bytes", s->where, key, IAD_CFG_WORD_BYTES - 1);
    return IAD_OK;
}

static iad_status get_words(const source *s, const char *key, char words[][IAD_CFG_WORD_BYTES], int *n, iad_err *err) {
    const json_t *v = lookup(s, key);
    if (!v) return IAD_OK;
    if (!json_is_array(v) || json_array_size(v) > IAD_CFG_MAX_WORDS)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not an array of at most %d words", s->where, key, IAD_CFG_MAX_WORDS);
    *n = 0;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *text = json_string_value(json_array_get(v, i));
        if (!text || !*text || !iad_text_copy(words[(*n)++], IAD_CFG_WORD_BYTES, text))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\"[%zu] is not a word of 1..%d bytes", s->where, key, i, IAD_CFG_WORD_BYTES - 1);
    }
    return IAD_OK;
}

static iad_status get_choice(const source *s, const char *key, const char *const *names, int n, int *value, iad_err *err) {
    const json_t *v = lookup(s, key);
    if (!v) return IAD_OK;
    const char *text = json_string_value(v);
    for (int i = 0; text && i < n; i++)
        if (strcmp(text, names[i]) == 0) return *value = i, IAD_OK;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is \"%.40s\", not one of \"%s\", \"%s\"%s", s->where, key, text ? text : "?", names[0], names[1],
                    n > 2 ? ", \"off\"" : "");
}

static iad_status parse_paper(const json_t *root, const char *where, iad_model_config *c, iad_err *err) {
    static const char *const modes[] = {"token", "global", "off"}, *const sims[] = {"best", "aligned"};
    iad_paper_config *p = &c->paper;
    const json_t *block, *part;
    int mode = IAD_FUSION_TOKEN, sim = IAD_SIM_BEST;
    iad_model_config_paper_defaults(c);
    IAD_TRY(get_object(root, "iadgpt", where, &block, err));
    if (!block) return IAD_OK;
    IAD_TRY(get_object(block, "fusion", where, &part, err));
    source s = {part, NULL, where};
    IAD_TRY(get_choice(&s, "mode", modes, 3, &mode, err));
    p->fusion = (iad_fusion_mode)mode;
    IAD_TRY(get_ints(&s, "taps", IAD_CFG_MAX_TAPS, 0, c->vision.depth - 1, p->taps, &p->n_taps, err));
    sort_unique(p->taps, &p->n_taps);
    IAD_TRY(get_object(block, "compression", where, &s.inner, err));
    IAD_TRY(get_number(&s, "retention", 0.2, 0.0, 1.0, &p->retention, err));
    IAD_TRY(get_choice(&s, "similarity", sims, 2, &sim, err));
    p->similarity = (iad_similarity)sim;
    IAD_TRY(get_bool(&s, "query", 0, &p->compress_query, err));
    IAD_TRY(get_object(block, "maps", where, &s.inner, err));
    IAD_TRY(get_ints(&s, "layers", IAD_CFG_MAX_TAPS, 0, c->text.layers - 1, p->map_layers, &p->n_map_layers, err));
    sort_unique(p->map_layers, &p->n_map_layers);
    IAD_TRY(get_words(&s, "anomaly_words", p->anomaly_words, &p->n_anomaly_words, err));
    IAD_TRY(get_words(&s, "normal_words", p->normal_words, &p->n_normal_words, err));
    IAD_TRY(get_object(block, "image", where, &s.inner, err));
    IAD_TRY(get_int(&s, "height", p->image_height, 0, IAD_CFG_MAX_SIDE, &p->image_height, err));
    IAD_TRY(get_int(&s, "width", p->image_width, 0, IAD_CFG_MAX_SIDE, &p->image_width, err));
    IAD_TRY(get_object(block, "score", where, &s.inner, err));
    IAD_TRY(get_word(&s, "yes", p->yes, err));
    return get_word(&s, "no", p->no, err);
}

/* ---- the other two files ---- */

static iad_status parse_generation(const json_t *root, const char *where, iad_model_config *c, iad_err *err) {
    source s = {root, NULL, where};
    iad_generation_config *g = &c->generation;
    IAD_TRY(get_bool(&s, "do_sample", 0, &g->do_sample, err));
    IAD_TRY(get_int(&s, "top_k", 50, 0, IAD_CFG_MAX_VOCAB, &g->top_k, err));
    IAD_TRY(get_number(&s, "top_p", 1.0, 0.0, 1.0, &g->top_p, err));
    IAD_TRY(get_number(&s, "temperature", 1.0, 0.0, 1000.0, &g->temperature, err));
    IAD_TRY(get_number(&s, "repetition_penalty", 1.0, 1e-3, 1000.0, &g->repetition_penalty, err));
    IAD_TRY(get_int(&s, "bos_token_id", c->ids.bos, -1, IAD_CFG_MAX_VOCAB, &c->ids.bos, err));
    IAD_TRY(get_int(&s, "pad_token_id", c->ids.pad, -1, IAD_CFG_MAX_VOCAB, &c->ids.pad, err));
    return parse_eos(&s, &c->ids, err);
}

static iad_status get_three(const source *s, const char *key, const double *fallback, double lo, double values[3], iad_err *err) {
    const json_t *v = lookup(s, key);
    if (v && (!json_is_array(v) || json_array_size(v) != 3)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not three numbers", s->where, key);
    for (size_t i = 0; i < 3; i++) {
        const json_t *item = v ? json_array_get(v, i) : NULL;
        values[i] = v ? json_number_value(item) : fallback[i];
        if ((v && !json_is_number(item)) || !(values[i] >= lo && values[i] <= 1e3))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\"[%zu] is not a number in %g..1000", s->where, key, i, lo);
    }
    return IAD_OK;
}

static iad_status parse_preproc(const json_t *root, const char *where, iad_model_config *c, iad_err *err) {
    static const double mean[3] = {0.48145466, 0.4578275, 0.40821073}, std[3] = {0.26862954, 0.26130258, 0.27577711};
    source s = {root, NULL, where};
    const json_t *size;
    int lo, hi, value;
    IAD_TRY(get_object(root, "size", where, &size, err));
    source in = {size, NULL, where};
    const int old_lo = lookup(&s, "min_pixels") != NULL, old_hi = lookup(&s, "max_pixels") != NULL;
    IAD_TRY(get_int(old_lo ? &s : &in, old_lo ? "min_pixels" : "shortest_edge", 3136, 1, IAD_CFG_MAX_PIXELS, &lo, err));
    IAD_TRY(get_int(old_hi ? &s : &in, old_hi ? "max_pixels" : "longest_edge", 1003520, 1, IAD_CFG_MAX_PIXELS, &hi, err));
    if (lo > hi) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: min_pixels %d is above max_pixels %d", where, lo, hi);
    c->preproc.min_pixels = lo;
    c->preproc.max_pixels = hi;
    IAD_TRY(get_three(&s, "image_mean", mean, -1e3, c->preproc.mean, err));
    IAD_TRY(get_three(&s, "image_std", std, 1e-6, c->preproc.std, err));
    /* These repeat config.json; a file of another model would cut patches that the weights do not fit. */
    IAD_TRY(get_int(&s, "patch_size", c->vision.patch, c->vision.patch, c->vision.patch, &value, err));
    IAD_TRY(get_int(&s, "temporal_patch_size", c->vision.temporal, c->vision.temporal, c->vision.temporal, &value, err));
    return get_int(&s, "merge_size", c->vision.merge, c->vision.merge, c->vision.merge, &value, err);
}

/* ---- together ---- */

static iad_status parse_model(const json_t *root, const char *where, iad_model_config *c, iad_err *err) {
    const json_t *text, *vision;
    source top = {root, NULL, where};
    if (!json_is_object(root)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not an object", where);
    IAD_TRY(need_text(&top, "model_type", "qwen2_5_vl", NULL, err));
    IAD_TRY(get_object(root, "text_config", where, &text, err));
    IAD_TRY(get_object(root, "vision_config", where, &vision, err));
    source s = {text, root, where};
    IAD_TRY(parse_text(&s, &c->text, err));
    char inside[IAD_PATH_MAX];
    int n = snprintf(inside, sizeof inside, "%s: vision_config", where);
    IAD_TRY(parse_vision(vision, n > 0 && n < (int)sizeof inside ? inside : where, &c->vision, err));
    IAD_TRY(parse_ids(root, text, where, &c->ids, err));
    return parse_paper(root, where, c, err);
}

/* One of the three files: an absent one is an empty object. */
static iad_status parse_file(const char *text, size_t n, const char *dir, const char *name,
                             iad_status (*parse)(const json_t *, const char *, iad_model_config *, iad_err *), iad_model_config *c, iad_err *err) {
    char path[IAD_PATH_MAX];
    json_t *root;
    IAD_TRY(iad_path_join(path, sizeof path, dir, name, err));
    if (n > IAD_CFG_MAX_BYTES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u bytes", path, IAD_CFG_MAX_BYTES);
    IAD_TRY(iad_json_parse(text ? text : "{}", text ? n : 2, 0, path, &root, err));
    iad_status status = parse(root, path, c, err);
    json_decref(root);
    return status;
}

iad_status iad_model_config_parse(const char *config_text, size_t config_n, const char *generation_text, size_t generation_n,
                                  const char *preproc_text, size_t preproc_n, const char *where, iad_model_config *config, iad_err *err) {
    memset(config, 0, sizeof *config);
    IAD_TRY(parse_file(config_text ? config_text : "{}", config_text ? config_n : 2, where, "config.json", parse_model, config, err));
    IAD_TRY(parse_file(generation_text, generation_n, where, "generation_config.json", parse_generation, config, err));
    IAD_TRY(parse_file(preproc_text, preproc_n, where, "preprocessor_config.json", parse_preproc, config, err));
    return iad_model_config_check(config, where, err);
}

/* Reads DIR/name; *text stays NULL when an optional file is absent. */
static iad_status read_part(const char *dir, const char *name, int needed, char **text, size_t *n, iad_err *err) {
    char path[IAD_PATH_MAX];
    uint8_t *data;
    *text = NULL;
    *n = 0;
    IAD_TRY(iad_path_join(path, sizeof path, dir, name, err));
    if (!needed && !iad_file_exists(path)) return IAD_OK;
    IAD_TRY(iad_file_read(path, IAD_CFG_MAX_BYTES, &data, n, err));
    *text = (char *)data;
    return IAD_OK;
}

static iad_status load(const char *dir, const char *name, int all, iad_model_config *config, iad_err *err) {
    char *text[3] = {NULL, NULL, NULL};
    size_t n[3] = {0, 0, 0};
    iad_status status = read_part(dir, name, 1, &text[0], &n[0], err);
    if (status == IAD_OK && all) status = read_part(dir, "generation_config.json", 0, &text[1], &n[1], err);
    if (status == IAD_OK && all) status = read_part(dir, "preprocessor_config.json", 0, &text[2], &n[2], err);
    if (status == IAD_OK) status = iad_model_config_parse(text[0], n[0], text[1], n[1], text[2], n[2], dir, config, err);
    for (int i = 0; i < 3; i++) free(text[i]);
    return status;
}

iad_status iad_model_config_load(const char *dir, iad_model_config *config, iad_err *err) { return load(dir, "config.json", 1, config, err); }

iad_status iad_model_config_load_file(const char *path, iad_model_config *config, iad_err *err) {
    char dir[IAD_PATH_MAX];
    iad_path_dir(dir, sizeof dir, path);
    return load(dir, iad_path_base(path), 0, config, err);
}
