/* Options that run and batch share. */
#include <stdlib.h>
#include <string.h>

#include "annotate/cmd_annotate.h"
#include "base/alloc.h"

iad_annotate_settings iad_annotate_settings_default(void) {
    return (iad_annotate_settings){.profile = "dashscope",
                                   .mode = "split",
                                   .lang = "en",
                                   .parts = "train",
                                   .concurrency = 0,
                                   .tries = 6,
                                   .rounds = 2,
                                   .quality = 85,
                                   .price_in = -1,
                                   .price_out = -1,
                                   .batch_price = -1,
                                   .o = {.flow = {.rpm = -1, .tpm = -1, .ramp_s = 60}, .timeout_s = 180, .backoff_s = 1, .max_pixels = 600000}};
}

size_t iad_annotate_args(iad_annotate_settings *s, const char *tries_help, const char *timeout_help, iad_arg table[IAD_ANNOTATE_MAX_ARGS]) {
    const iad_arg args[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &s->db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "url", .value = &s->o.url, .meta = "BASE", .help = "of the service, up to and with /v1"},
        {.kind = IAD_ARG_STRING, .name = "model", .value = &s->o.model, .meta = "NAME", .help = "best a dated snapshot"},
        {.kind = IAD_ARG_CHOICE, .name = "profile", .value = &s->profile, .help = "kind of server", .choices = IAD_PROFILE_NAMES},
        {.kind = IAD_ARG_STRING, .name = "key-env", .value = &s->key_env, .meta = "NAME", .help = "environment variable that holds the key"},
        {.kind = IAD_ARG_STRING, .name = "key-file", .value = &s->key_file, .meta = "FILE", .help = "file of mode 0600 that holds the key"},
        {.kind = IAD_ARG_STRING,
         .name = "mode",
         .value = &s->mode,
         .meta = "WORD",
         .help = "prompts of this mode: split (one answer, three texts), variants (three answers), defect, or your own"},
        {.kind = IAD_ARG_CHOICE, .name = "lang", .value = &s->lang, .help = "language of the prompts", .choices = "en|zh"},
        {.kind = IAD_ARG_LIST, .name = "prompt", .value = &s->prompts, .meta = "ID,...", .help = "these prompts instead (split-en, split-en@1)"},
        {.kind = IAD_ARG_STRING,
         .name = "prompts",
         .value = &s->prompts_dir,
         .meta = "DIR",
         .help = "folder of prompts instead of the built-in ones"},
        {.kind = IAD_ARG_STRING, .name = "dataset", .value = &s->o.dataset, .meta = "NAME", .help = "only this data set"},
        {.kind = IAD_ARG_LIST, .name = "categories", .value = &s->categories, .meta = "NAME,...", .help = "only these"},
        {.kind = IAD_ARG_CHOICE,
         .name = "parts",
         .value = &s->parts,
         .help = "train: no test parts, no data sets that overlap benchmarks",
         .choices = "train|all"},
        {.kind = IAD_ARG_INT, .name = "limit", .value = &s->o.limit, .meta = "N", .help = "pictures to look at; 0: all", .lo = 0, .hi = 1000000000},
        {.kind = IAD_ARG_INT,
         .name = "max-pixels",
         .value = &s->o.max_pixels,
         .meta = "N",
         .help = "larger pictures are shrunk; 1000000 for surface detail",
         .lo = 1024,
         .hi = 16777216},
        {.kind = IAD_ARG_INT, .name = "jpeg-quality", .value = &s->quality, .meta = "Q", .help = "of what is sent", .lo = 30, .hi = 100},
        {.kind = IAD_ARG_INT,
         .name = "regenerate",
         .value = &s->rounds,
         .meta = "N",
         .help = "further tries after an answer that fails its checks",
         .lo = 0,
         .hi = 20},
        {.kind = IAD_ARG_INT,
         .name = "seed",
         .value = &s->o.seed,
         .meta = "N",
         .help = "sent with every request; part of the unit",
         .lo = 0,
         .hi = 2147483647},
        {.kind = IAD_ARG_STRING, .name = "prices", .value = &s->prices, .meta = "FILE", .help = "table of prices instead of the built-in one"},
        {.kind = IAD_ARG_FLOAT,
         .name = "price-in",
         .value = &s->price_in,
         .meta = "X",
         .help = "per million tokens; -1: from the table",
         .flo = -1,
         .fhi = 1e9},
        {.kind = IAD_ARG_FLOAT,
         .name = "price-out",
         .value = &s->price_out,
         .meta = "X",
         .help = "per million tokens; -1: from the table",
         .flo = -1,
         .fhi = 1e9},
        {.kind = IAD_ARG_INT, .name = "tries", .value = &s->tries, .meta = "N", .help = tries_help, .lo = 1, .hi = 100},
        {.kind = IAD_ARG_FLOAT, .name = "timeout", .value = &s->o.timeout_s, .meta = "S", .help = timeout_help, .flo = 0.1, .fhi = 3600},
        {.kind = IAD_ARG_FLOAT,
         .name = "backoff",
         .value = &s->o.backoff_s,
         .meta = "S",
         .help = "longest wait before the first repetition; doubles",
         .flo = 0.001,
         .fhi = 60},
        {.kind = IAD_ARG_FLOAT,
         .name = "audit",
         .value = &s->o.audit_share,
         .meta = "SHARE",
         .help = "judge this share of the answers of other models (0.02) instead of describing pictures",
         .flo = 0,
         .fhi = 1},
        {.kind = IAD_ARG_FLAG, .name = "no-feedback", .value = &s->no_feedback, .help = "do not refuse a crawl's pictures that are off topic"}};
    size_t n = sizeof args / sizeof *args;
    memcpy(table, args, sizeof args);
    table[n] = (iad_arg){.kind = IAD_ARG_END};
    return n;
}

static iad_status choose_prompts(iad_annotate_settings *s, iad_err *err) {
    iad_annotate_options *o = &s->o;
    size_t n = 0;
    IAD_TRY(iad_prompts_load(&s->all, s->prompts_dir, err));
    s->chosen = iad_calloc(s->all.n, sizeof *s->chosen);
    if (!s->chosen) return IAD_NOMEM(err, "prompts");
    int audit = o->audit_share > 0;
    IAD_TRY(iad_prompts_choose(&s->all, &s->prompts, audit ? "audit" : s->mode, s->lang, s->chosen, &n, err));
    for (size_t i = 0; i < n; i++)
        if (s->chosen[i]->audit != audit)
            return IAD_FAIL(err, IAD_ERR_ARG, "prompt %s is %s: it goes %s --audit", s->chosen[i]->id, audit ? "no audit" : "an audit",
                            audit ? "without" : "with");
    o->audit = audit ? s->chosen[0] : NULL;
    o->prompts = s->chosen;
    o->n_prompts = audit ? 0 : n;
    return IAD_OK;
}

iad_status iad_annotate_settle(iad_annotate_settings *s, iad_app *app, iad_err *err) {
    iad_annotate_options *o = &s->o;
    o->profile = iad_profile_find(s->profile);
    if (!o->model || !*o->model) return IAD_FAIL(err, IAD_ERR_ARG, "--model is needed");
    IAD_TRY(choose_prompts(s, err));
    IAD_TRY(iad_price_find(s->prices, o->model, &o->price, err));
    if (s->price_in >= 0) o->price.in = o->price.cached = s->price_in;
    if (s->price_out >= 0) o->price.out = s->price_out;
    if (s->batch_price >= 0) o->price.batch = s->batch_price;
    if (o->max_cost > 0 && o->price.in <= 0 && o->price.out <= 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "--max-cost needs a price: none is known for %.100s (--price-in, --price-out)", o->model);
    IAD_TRY(iad_secret_load(&s->key, s->key_env, s->key_file, err));
    if (!strncmp(s->key.text, "sk-sp-", 6))
        return IAD_FAIL(err, IAD_ERR_ARG,
                        "this key belongs to a coding plan (sk-sp-), whose terms forbid automated use and close accounts for it; take a key of the "
                        "pay-as-you-go service");
    o->key = &s->key;
    o->categories = &s->categories;
    o->all_parts = !strcmp(s->parts, "all");
    if (o->flow.rpm < 0) o->flow.rpm = o->profile->rpm;
    if (o->flow.tpm < 0) o->flow.tpm = o->profile->tpm;
    o->flow.concurrency = s->concurrency ? (int)s->concurrency : o->profile->concurrency;
    o->tries = (int)s->tries;
    o->rounds = (int)s->rounds;
    o->quality = (int)s->quality;
    o->probe = !s->no_probe;
    o->feedback = !s->no_feedback;
    o->threads = (int)app->threads;
    o->stop = &app->stop;
    return IAD_OK;
}

void iad_annotate_settings_deinit(iad_annotate_settings *s) {
    iad_strings_deinit(&s->prompts);
    iad_strings_deinit(&s->categories);
    iad_prompts_deinit(&s->all);
    free(s->chosen);
    iad_secret_clear(&s->key);
}
