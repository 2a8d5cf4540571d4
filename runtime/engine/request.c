#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/canonical.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/mapwords.h"

iadgpt_settings iad_settings_complete(const iadgpt_settings *given) {
    iadgpt_settings all;
    iadgpt_settings_defaults(&all);
    if (given != NULL && given->size > 0) memcpy(&all, given, given->size < sizeof all ? given->size : sizeof all);
    return all;
}

iad_status iad_request_init(iad_request *request, const iadgpt_engine *engine, const iadgpt_settings *settings, iad_err *err) {
    const iad_model_config *config = &engine->model->config;
    iadgpt_settings s = iad_settings_complete(settings);
    *request = (iad_request){.image = iad_preprocess_of_config(config)};
    iad_preprocess_options *image = &request->image;
    if (s.image_height != -1 || s.image_width != -1) {
        image->height = s.image_height;
        image->width = s.image_width;
    }
    if (s.min_pixels > 0) image->min_pixels = s.min_pixels;
    if (s.max_pixels > 0) image->max_pixels = s.max_pixels;
    int side = image->patch * image->merge;
    if ((image->height == 0) != (image->width == 0) || image->height < 0 || image->width < 0 || image->height > IAD_CFG_MAX_SIDE ||
        image->width > IAD_CFG_MAX_SIDE ||
        image->height % side != 0 || image->width % side != 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "image size %d x %d: multiples of %d up to %d, or 0 x 0", s.image_width, s.image_height, side,
                        IAD_CFG_MAX_SIDE);
    request->retention = s.retention == 0 ? config->paper.retention : s.retention;
    if (!(request->retention > 0 && request->retention <= 1))
        return IAD_FAIL(err, IAD_ERR_ARG, "retention %g: above 0, at most 1", request->retention);
    request->aligned = config->paper.similarity == IAD_SIM_ALIGNED;
    if (s.similarity != NULL) {
        request->aligned = strcmp(s.similarity, "aligned") == 0;
        if (!request->aligned && strcmp(s.similarity, "best") != 0)
            return IAD_FAIL(err, IAD_ERR_ARG, "similarity \"%.40s\": best or aligned", s.similarity);
    }
    request->compress_query = s.compress_query < 0 ? config->paper.compress_query : s.compress_query != 0;
    request->calibrate_map = s.calibrate_map != 0;
    if (request->calibrate_map && request->compress_query) return IAD_FAIL(err, IAD_ERR_ARG, "a compressed query has no map to calibrate");
    const char *means = s.yes_means != NULL ? s.yes_means : "normal";
    request->yes_is_defective = strcmp(means, "defective") == 0;
    if (!request->yes_is_defective && strcmp(means, "normal") != 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "yes_means \"%.40s\": normal or defective", means);
    if (request->yes_is_defective && s.question == NULL)
        return IAD_FAIL(err, IAD_ERR_ARG, "yes_means defective needs a question of its own: the canonical one asks whether the part is normal");
    if (s.question != NULL) {
        if (s.question[0] == '\0' || strlen(s.question) > IAD_CHAT_MAX_TEXT) return IAD_FAIL(err, IAD_ERR_ARG, "the question is empty or too long");
        request->question = iad_strdup(s.question);
        if (request->question == NULL) return IAD_NOMEM(err, "the question");
    }
    return IAD_OK;
}

void iad_request_deinit(iad_request *request) {
    free(request->question);
    *request = (iad_request){0};
}

const char *iad_request_question(const iad_request *request, int k) {
    if (request->question != NULL) return request->question;
    return k > 0 ? IAD_CANONICAL_QUESTION : IAD_CANONICAL_QUESTION_ALONE;
}

iad_status iad_inspect_prompt_init(iad_inspect_prompt *prompt, const iadgpt_engine *engine, iad_token_scratch *scratch, const iad_request *request,
                                   int k, iad_err *err) {
    *prompt = (iad_inspect_prompt){0};
    iad_chat_item items[IAD_MAX_EXEMPLARS + 2];
    for (int i = 0; i <= k; i++) items[i] = (iad_chat_item){.kind = IAD_CHAT_IMAGE};
    const char *question = iad_request_question(request, k);
    items[k + 1] = (iad_chat_item){.kind = IAD_CHAT_TEXT, .text = question, .n = strlen(question)};
    const iad_chat_message message = {.role = IAD_ROLE_USER, .items = items, .n = (size_t)k + 2};
    iad_status status = iad_chat_render(engine->tokenizer, scratch, &message, 1, IAD_CHAT_GENERATE, &prompt->tokens, err);
    for (size_t i = 0; status == IAD_OK && i < prompt->tokens.n_runs; i++) {
        const iad_chat_run *run = &prompt->tokens.runs[i];
        if (run->is_image && run->image == (size_t)k) {
            prompt->query = run->begin;
            prompt->split = run->begin - 1; /* its <|vision_start|> */
        }
    }
    if (status != IAD_OK) iad_inspect_prompt_deinit(prompt);
    return status;
}

void iad_inspect_prompt_deinit(iad_inspect_prompt *prompt) { iad_chat_tokens_deinit(&prompt->tokens); }

iad_status iad_inspect_words(const iadgpt_engine *engine, const iad_inspect_prompt *prompt, const char *question, size_t **position, int **row_class,
                             float **weight, int *n, iad_err *err) {
    const iad_paper_config *paper = &engine->model->config.paper;
    const iad_chat_text *text = &prompt->tokens.texts[prompt->tokens.n_texts - 1];
    iad_map_words words = {0};
    iad_status status = iad_map_words_find(&words, paper, &prompt->tokens, text->message, text->item, question, err);
    iad_map_words_weigh(&words, paper->n_map_layers);
    *position = words.position;
    *row_class = words.row_class;
    *weight = words.weight;
    *n = status == IAD_OK ? words.n : 0;
    return status;
}
