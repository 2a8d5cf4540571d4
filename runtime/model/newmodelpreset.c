/* The configs that need no file. */
#include <string.h>

#include "base/text.h"
#include "runtime/model/newmodel.h"

static void text(iad_model_config *c, int hidden, int layers, int heads, int kv_heads, int intermediate, int vocab, int t, int h, int w) {
    c->text = (iad_text_config){.hidden = hidden, .layers = layers, .heads = heads, .kv_heads = kv_heads, .head_dim = hidden / heads,
                                .intermediate = intermediate, .vocab = vocab, .max_positions = 128000, .rms_eps = 1e-6f, .rope_theta = 1e6,
                                .mrope_section = {t, h, w}, .init_range = 0.02f};
}

static void vision(iad_model_config *c, int depth, int hidden, int heads, int intermediate, int every) {
    iad_vision_config *v = &c->vision;
    *v = (iad_vision_config){.depth = depth, .hidden = hidden, .heads = heads, .head_dim = hidden / heads, .intermediate = intermediate,
                             .in_channels = 3, .patch = 14, .temporal = 2, .merge = 2, .window = 112, .out_hidden = c->text.hidden,
                             .rms_eps = 1e-6f, .init_range = 0.02f};
    for (int i = every - 1; i < depth; i += every) v->fullatt[v->n_fullatt++] = i;
}

/* Qwen's added tokens stand in one row; `base` is the id of <|endoftext|>. */
static void ids(iad_model_config *c, int base) {
    c->ids = (iad_token_ids){.image = base + 12, .video = base + 13, .vision_start = base + 9, .vision_end = base + 10, .vision_pad = base + 11,
                             .bos = base, .pad = base, .n_eos = 2, .eos = {base + 2, base}};
}

iad_status iad_newmodel_config(const char *preset, iad_model_config *config, iad_err *err) {
    if (strchr(preset, '/') || iad_text_ends(preset, ".json")) return iad_model_config_load_file(preset, config, err);
    memset(config, 0, sizeof *config);
    if (strcmp(preset, "tiny") == 0) {
        text(config, 96, 4, 6, 2, 76, 320, 2, 3, 3);
        vision(config, 4, 32, 2, 44, 2);
        config->ids = (iad_token_ids){.image = 300, .video = 301, .vision_start = 302, .vision_end = 303, .vision_pad = -1, .bos = -1, .pad = 304,
                                      .n_eos = 1, .eos = {304}};
    } else if (strcmp(preset, "mini") == 0) {
        text(config, 192, 4, 6, 2, 512, 4096, 4, 6, 6);
        vision(config, 4, 128, 2, 344, 2);
        config->text.init_range = config->vision.init_range = 0.05f; /* narrow and trained from nothing: 0.02 leaves attention flat for long */
        ids(config, 4042);
    } else if (strcmp(preset, "small") == 0) {
        text(config, 256, 8, 8, 2, 704, 4096, 4, 6, 6);
        vision(config, 8, 160, 2, 428, 2);
        ids(config, 4042);
    } else if (strcmp(preset, "3b") == 0) {
        text(config, 2048, 36, 16, 2, 11008, 151936, 16, 24, 24);
        config->text.tie = 1;
        vision(config, 32, 1280, 16, 3420, 8);
        ids(config, 151643);
    } else if (strcmp(preset, "7b") == 0) {
        text(config, 3584, 28, 28, 4, 18944, 152064, 16, 24, 24);
        vision(config, 32, 1280, 16, 3420, 8);
        ids(config, 151643);
    } else {
        return IAD_FAIL(err, IAD_ERR_ARG, "\"%.60s\" is no model size: tiny, mini, small, 3b, 7b, or the path of a config.json", preset);
    }
    config->generation = (iad_generation_config){.do_sample = 1, .top_k = 1, .repetition_penalty = 1.05, .temperature = 0.1, .top_p = 0.001};
    config->preproc = (iad_preproc_config){.min_pixels = 3136, .max_pixels = 12845056, .mean = {0.48145466, 0.4578275, 0.40821073},
                                           .std = {0.26862954, 0.26130258, 0.27577711}};
    iad_model_config_paper_defaults(config);
    return iad_model_config_check(config, preset, err);
}
