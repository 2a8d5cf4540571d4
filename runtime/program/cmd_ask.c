/* iadgpt ask: any pictures and a question, or a whole chat. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/engine/engine.h"
#include "runtime/program/engineoptions.h"
#include "runtime/program/program.h"
#include "runtime/token/chat.h"

enum { MAX_IMAGES = 256 };

typedef struct options {
    iad_engine_args engine;
    iad_settings_args settings;
    iad_strings images, choices;
    const char *chat, *system, *schema;
    int64_t max_tokens, top_k, seed;
    double temperature, top_p, penalty;
    int json;
} options;

typedef struct conversation {
    iad_app *app;
    const options *options;
    iadgpt_picture pictures[MAX_IMAGES];
    size_t n_pictures;
    iad_chat chat;
    iadgpt_message *messages;
    iadgpt_item *items;
    int failed_output;
} conversation;

static iad_status load_picture(conversation *c, const char *path, const iadgpt_picture **picture, iad_err *err) {
    if (c->n_pictures == MAX_IMAGES) return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %d pictures", MAX_IMAGES);
    iadgpt_error error;
    IAD_TRY(iad_from_public(iadgpt_picture_load(path, &c->pictures[c->n_pictures], &error), &error, err));
    *picture = &c->pictures[c->n_pictures++];
    return IAD_OK;
}

/* Paths in a chat file are relative to the file. */
static iad_status convert_item(conversation *c, const iad_chat_item *from, iadgpt_item *to, iad_err *err) {
    if (from->kind == IAD_CHAT_TEXT) {
        to->text = from->text;
        return IAD_OK;
    }
    char dir[IAD_PATH_MAX], path[IAD_PATH_MAX];
    if (!from->text || !*from->text) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a picture without a path", c->options->chat);
    iad_path_dir(dir, sizeof dir, c->options->chat);
    if (from->text[0] == '/') iad_text_copy(path, sizeof path, from->text);
    else IAD_TRY(iad_path_join(path, sizeof path, dir, from->text, err));
    return load_picture(c, path, &to->picture, err);
}

static iad_status from_file(conversation *c, int32_t *n, iad_err *err) {
    uint8_t *text = NULL;
    size_t size = 0, items = 0;
    IAD_TRY(iad_file_read(c->options->chat, IAD_CHAT_MAX_JSON, &text, &size, err));
    iad_status status = iad_chat_parse((const char *)text, size, c->options->chat, &c->chat, err);
    free(text);
    IAD_TRY(status);
    for (size_t i = 0; i < c->chat.n; i++) items += c->chat.messages[i].n;
    c->messages = iad_calloc(c->chat.n, sizeof *c->messages);
    c->items = iad_calloc(items, sizeof *c->items);
    if (!c->messages || !c->items) return IAD_NOMEM(err, "the chat");
    iadgpt_item *at = c->items;
    for (size_t i = 0; i < c->chat.n; i++) {
        const iad_chat_message *m = &c->chat.messages[i];
        c->messages[i] = (iadgpt_message){.role = m->role == IAD_ROLE_SYSTEM ? IADGPT_ROLE_SYSTEM : m->role == IAD_ROLE_USER ? IADGPT_ROLE_USER
                                          : IADGPT_ROLE_ASSISTANT, .items = at, .n_items = (int32_t)m->n};
        for (size_t k = 0; k < m->n; k++) IAD_TRY(convert_item(c, &m->items[k], at++, err));
    }
    *n = (int32_t)c->chat.n;
    return IAD_OK;
}

static iad_status from_line(conversation *c, const char *question, int32_t *n, iad_err *err) {
    iad_picture_list list = {0};
    iad_status status = iad_picture_list_expand(&c->options->images, "--image", &list, err);
    if (status == IAD_OK && list.paths.n > MAX_IMAGES)
        status = IAD_FAIL(err, IAD_ERR_LIMIT, "--image names %zu pictures, at most %d", list.paths.n, MAX_IMAGES);
    if (status == IAD_OK) {
        c->messages = iad_calloc(2, sizeof *c->messages);
        c->items = iad_calloc(list.paths.n + 2, sizeof *c->items);
        if (!c->messages || !c->items) status = IAD_NOMEM(err, "the question");
    }
    iadgpt_item *at = c->items;
    for (size_t i = 0; i < list.paths.n && status == IAD_OK; i++) status = load_picture(c, list.paths.items[i], &(at++)->picture, err);
    if (status == IAD_OK) {
        at->text = question;
        *n = 0;
        if (c->options->system) {
            at[1].text = c->options->system;
            c->messages[(*n)++] = (iadgpt_message){IADGPT_ROLE_SYSTEM, at + 1, 1};
        }
        c->messages[(*n)++] = (iadgpt_message){IADGPT_ROLE_USER, c->items, (int32_t)list.paths.n + 1};
    }
    iad_picture_list_deinit(&list);
    return status;
}

static int32_t show(void *user, const char *text, size_t n) {
    conversation *c = user;
    if (!c->options->json && (fwrite(text, 1, n, stdout) != n || fflush(stdout) != 0)) c->failed_output = 1;
    return c->failed_output || atomic_load(&c->app->stop);
}

static iad_status print_json(const iadgpt_answer *a, const iadgpt_timings *prompt, iad_err *err) {
    static const char *const names[] = {"end", "length", "repetition", "stopped"};
    iadgpt_timings all = a->timings;
    all.preprocess = prompt->preprocess;
    all.vision = prompt->vision;
    all.prefill = prompt->prefill;
    all.prompt_tokens = prompt->prompt_tokens;
    all.reused_tokens = prompt->reused_tokens;
    iad_buf out;
    iad_buf_init(&out, 1u << 30);
    iad_status status = iad_buf_add_str(&out, "{\"text\":", err);
    if (status == IAD_OK) status = iad_json_name(a->text, &out, err);
    if (status == IAD_OK) status = iad_buf_addf(&out, err, ",\"finish\":\"%s\",\"tokens\":[", names[a->finish]);
    for (int32_t i = 0; i < a->n_tokens && status == IAD_OK; i++) status = iad_buf_addf(&out, err, i ? ",%d" : "%d", a->tokens[i]);
    if (status == IAD_OK) status = iad_buf_add_str(&out, "],\"timings\":", err);
    if (status == IAD_OK) status = iad_timings_json(&all, &out, err);
    if (status == IAD_OK) status = iad_buf_add_str(&out, "}\n", err);
    if (status == IAD_OK) status = iad_print(&out, err);
    iad_buf_deinit(&out);
    return status;
}

static iad_status answer(conversation *c, iad_opened *opened, const char *schema, int32_t n, iad_err *err) {
    const options *o = c->options;
    iadgpt_settings settings;
    iadgpt_generate_options g;
    iadgpt_answer a;
    iadgpt_error error;
    IAD_TRY(iad_settings_args_resolve(&o->settings, &settings, err));
    IAD_TRY(iad_opened_open(opened, c->app, &o->engine, err));
    IAD_TRY(iad_from_public(iadgpt_session_sync(opened->session, c->messages, n, &settings, &error), &error, err));
    iadgpt_timings prompt = opened->session->timings; /* generate starts its own */
    iadgpt_generate_defaults(&g);
    g.max_tokens = (int32_t)o->max_tokens;
    g.temperature = o->temperature;
    g.top_k = (int32_t)o->top_k;
    g.top_p = o->top_p;
    g.repetition_penalty = o->penalty;
    g.seed = (uint64_t)o->seed;
    g.json_schema = schema;
    g.choices = (const char *const *)o->choices.items;
    g.n_choices = (int32_t)o->choices.n;
    g.piece = show;
    g.user = c;
    IAD_TRY(iad_from_public(iadgpt_generate(opened->session, &g, &a, &error), &error, err));
    if (c->failed_output) return IAD_FAIL(err, IAD_ERR_IO, "the output cannot be written");
    if (o->json) IAD_TRY(print_json(&a, &prompt, err));
    else if (printf("\n") < 0) return IAD_FAIL(err, IAD_ERR_IO, "the output cannot be written");
    fprintf(stderr, "prompt_tokens=%lld tokens=%d finish=%d decode_ms=%.1f\n", (long long)prompt.prompt_tokens, a.n_tokens, (int)a.finish,
            a.timings.decode);
    return a.finish == IADGPT_FINISH_STOPPED ? IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted") : IAD_OK;
}

static iad_status ask(conversation *c, const iad_strings *words, iad_err *err) {
    const options *o = c->options;
    if ((o->chat != NULL) == (words->n > 0)) return IAD_FAIL(err, IAD_ERR_ARG, "give a question or --chat FILE");
    if (words->n > 1) return IAD_FAIL(err, IAD_ERR_ARG, "one question; put it in quotes (\"%s\" is left over)", words->items[1]);
    if (o->chat && (o->images.n || o->system)) return IAD_FAIL(err, IAD_ERR_ARG, "--image and --system do not go with --chat");
    if (o->schema && o->choices.n) return IAD_FAIL(err, IAD_ERR_ARG, "--json-schema and --choices exclude each other");
    uint8_t *schema = NULL;
    size_t size = 0;
    int32_t n = 0;
    if (o->schema) IAD_TRY(iad_file_read(o->schema, 1u << 20, &schema, &size, err));
    iad_opened opened = {0};
    iad_status status = o->chat ? from_file(c, &n, err) : from_line(c, words->items[0], &n, err);
    if (status == IAD_OK) status = answer(c, &opened, (const char *)schema, n, err);
    iad_opened_close(&opened);
    free(schema);
    return status;
}

int iad_cmd_ask(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {.max_tokens = 256, .top_p = 1, .penalty = 1};
    iad_engine_args_init(&o.engine);
    iad_settings_args_init(&o.settings);
    enum { OWN = 12 };
    iad_arg sizes[IAD_SETTINGS_ROWS];
    iad_arg table[OWN + IAD_ENGINE_ROWS + IAD_SIZE_ROWS + 1] = {
        {.kind = IAD_ARG_LIST, .name = "image", .value = &o.images, .meta = "PATH,...",
         .help = "pictures before the question: files, folders, quoted patterns; may be repeated"},
        {.kind = IAD_ARG_STRING, .name = "system", .value = &o.system, .meta = "TEXT", .help = "system message (default: the template's own)"},
        {.kind = IAD_ARG_STRING, .name = "chat", .value = &o.chat, .meta = "FILE",
         .help = "messages as JSON: [{\"role\": .., \"content\": ..}]; paths of pictures are relative to the file"},
        {.kind = IAD_ARG_STRING, .name = "json-schema", .value = &o.schema, .meta = "FILE", .help = "the answer is JSON of this schema"},
        {.kind = IAD_ARG_LIST, .name = "choices", .value = &o.choices, .meta = "A,B,..", .help = "the answer is one of these"},
        {.kind = IAD_ARG_INT, .name = "max-tokens", .value = &o.max_tokens, .meta = "N", .help = "longest answer", .lo = 1, .hi = 1 << 20},
        {.kind = IAD_ARG_FLOAT, .name = "temperature", .value = &o.temperature, .meta = "T",
         .help = "0: always the best token", .flo = 0, .fhi = 100},
        {.kind = IAD_ARG_INT, .name = "top-k", .value = &o.top_k, .meta = "N", .help = "draw from the N best tokens, 0: all", .lo = 0, .hi = 1 << 21},
        {.kind = IAD_ARG_FLOAT, .name = "top-p", .value = &o.top_p, .meta = "P",
         .help = "draw from the best tokens that reach probability P", .flo = 0, .fhi = 1},
        {.kind = IAD_ARG_FLOAT, .name = "repetition-penalty", .value = &o.penalty, .meta = "F",
         .help = "above 1: words of prompt and answer become less likely", .flo = 0.01, .fhi = 100},
        {.kind = IAD_ARG_INT, .name = "seed", .value = &o.seed, .meta = "N", .help = "seed of the draws", .lo = 0, .hi = INT64_MAX},
        {.kind = IAD_ARG_FLAG, .name = "json", .value = &o.json, .help = "print one JSON object at the end instead of the text as it comes"}};
    int n = OWN + iad_engine_args_rows(&o.engine, table + OWN);
    iad_settings_args_rows(&o.settings, sizes);
    for (int i = 0; i < IAD_SIZE_ROWS; i++) table[n++] = sizes[i];
    table[n] = (iad_arg){.kind = IAD_ARG_END};
    const iad_command self = {.name = "ask",
                              .usage = "--model DIR [--image PATH]... [options] QUESTION\n       iadgpt ask --model DIR --chat FILE [options]",
                              .help = "Prints the model's answer as it is written."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    conversation *c = code < 0 ? iad_calloc(1, sizeof *c) : NULL;
    if (code < 0 && !c) code = iad_app_exit_code(IAD_NOMEM(err, "the question"));
    if (code < 0) {
        c->app = app;
        c->options = &o;
        code = iad_app_exit_code(ask(c, &operands, err));
        for (size_t i = 0; i < c->n_pictures; i++) iadgpt_picture_free(&c->pictures[i]);
        iad_chat_deinit(&c->chat);
        free(c->messages);
        free(c->items);
    }
    free(c);
    iad_strings_deinit(&operands);
    iad_strings_deinit(&o.images);
    iad_strings_deinit(&o.choices);
    iad_engine_args_deinit(&o.engine);
    return code;
}
