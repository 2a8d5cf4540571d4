/* iad-bench words: how near are two texts? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/progress.h"
#include "bench/bench_cmd.h"
#include "bench/words/textpairs.h"
#include "bench/words/words.h"

enum { WINDOW = 2048, LINE_MAX_BYTES = 1 << 20 }; /* pairs between two looks at the stop flag; their lines are written together */

typedef struct words_options {
    const char *model, *a, *b, *pairs, *format;
    int64_t skip;
} words_options;

typedef struct words_run {
    const words_options *o;
    iad_app *app;
    iad_text_pairs pairs;
    iad_words *model;            /* NULL: ROUGE-L alone */
    int dim;
    const char *texts[2 * WINDOW];
    float *vectors;              /* [2 WINDOW][dim] */
    iad_rouge rouge[WINDOW];
    iad_words_tally tally;
    double cosine_sum, rouge_sum;
    size_t done;
    iad_buf line;
} words_run;

static iad_status rouge_one(void *user, size_t item, int thread, void *result, iad_err *err) {
    (void)thread, (void)result;
    words_run *r = user;
    return iad_rouge_l(r->texts[2 * item], r->texts[2 * item + 1], &r->rouge[item], err);
}

static iad_status rouge_done(void *user, size_t item, void *result, iad_status status, const iad_err *item_err, iad_err *err) {
    (void)result;
    words_run *r = user;
    if (status == IAD_OK) return IAD_OK;
    if (err) *err = *item_err;
    return iad_err_prefix(err, "pair %zu", (size_t)r->o->skip + r->done + item);
}

static iad_status print_pair(words_run *r, size_t pair, const double *cosine, const iad_rouge *rouge, iad_err *err) {
    const char *name = iad_text_pair_name(&r->pairs, pair);
    iad_buf_reset(&r->line);
    if (!strcmp(r->o->format, "tsv")) {
        IAD_TRY(iad_buf_addf(&r->line, err, "%zu\t", pair));
        if (cosine) IAD_TRY(iad_buf_addf(&r->line, err, "%.9f", *cosine));
        else IAD_TRY(iad_buf_add_str(&r->line, "-", err));
        IAD_TRY(iad_buf_addf(&r->line, err, "\t%.9f\t%.9f\t%.9f\n", rouge->f, rouge->precision, rouge->recall));
    } else {
        IAD_TRY(iad_buf_addf(&r->line, err, "{\"pair\": %zu", pair));
        if (*name) {
            IAD_TRY(iad_buf_add_str(&r->line, ", \"id\": ", err));
            IAD_TRY(iad_json_quote(name, &r->line, err));
        }
        if (cosine) IAD_TRY(iad_buf_addf(&r->line, err, ", \"cosine\": %.9g", *cosine));
        IAD_TRY(iad_buf_addf(&r->line, err, ", \"rouge_l\": %.17g, \"precision\": %.17g, \"recall\": %.17g}\n", rouge->f, rouge->precision,
                             rouge->recall));
    }
    return fwrite(r->line.data, 1, r->line.len, stdout) == r->line.len ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "stdout cannot be written");
}

/* Pairs [first, first + n). Nothing of a window is printed before all of it is known. */
static iad_status run_window(words_run *r, size_t first, size_t n, iad_err *err) {
    const iad_pool_job job = {.work = rouge_one, .emit = rouge_done, .user = r, .result_size = 1};
    for (size_t i = 0; i < n; i++) {
        r->texts[2 * i] = iad_text_pair_a(&r->pairs, first + i);
        r->texts[2 * i + 1] = iad_text_pair_b(&r->pairs, first + i);
    }
    IAD_TRY(iad_pool_run(&job, n, (int)r->app->threads, 0, &r->app->stop, err));
    if (r->model) IAD_TRY(iad_words_embed(r->model, r->texts, 2 * n, &r->app->stop, r->vectors, &r->tally, err));
    for (size_t i = 0; i < n; i++) {
        const float *a = r->model ? r->vectors + 2 * i * (size_t)r->dim : NULL;
        double cosine = a ? iad_words_cosine(a, a + r->dim, r->dim) : 0;
        r->cosine_sum += cosine;
        r->rouge_sum += r->rouge[i].f;
        IAD_TRY(print_pair(r, first + i, a ? &cosine : NULL, &r->rouge[i], err));
    }
    r->done += n;
    return fflush(stdout) ? IAD_FAIL(err, IAD_ERR_IO, "stdout cannot be written") : IAD_OK;
}

static iad_status load_pairs(words_run *r, iad_err *err) {
    const words_options *o = r->o;
    if (o->pairs ? o->a || o->b : !o->a || !o->b) return IAD_FAIL(err, IAD_ERR_ARG, "either --pairs FILE, or --a FILE and --b FILE");
    if (o->pairs) IAD_TRY(iad_text_pairs_load(&r->pairs, o->pairs, err));
    else IAD_TRY(iad_text_pairs_load_two(&r->pairs, o->a, o->b, err));
    if (!r->pairs.n) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no pair", o->pairs ? o->pairs : o->a);
    if ((uint64_t)o->skip > r->pairs.n) return IAD_FAIL(err, IAD_ERR_ARG, "--skip %lld: there are %zu pairs", (long long)o->skip, r->pairs.n);
    return IAD_OK;
}

static iad_status run_all(words_run *r, iad_err *err) {
    IAD_TRY(load_pairs(r, err));
    if (r->o->model) {
        IAD_TRY(iad_words_open(r->o->model, (int)r->app->threads, &r->model, err));
        r->dim = iad_words_info_get(r->model)->dim;
        if (!(r->vectors = iad_alloc(2 * WINDOW * (size_t)r->dim, sizeof *r->vectors))) return IAD_NOMEM(err, "vectors");
    }
    size_t n = r->pairs.n - (size_t)r->o->skip;
    iad_progress progress;
    iad_status status = IAD_OK;
    if (!strcmp(r->o->format, "tsv") && !r->o->skip) printf("pair\tcosine\trouge_l\tprecision\trecall\n");
    iad_progress_start(&progress, "pairs", n, r->app->quiet);
    while (r->done < n && status == IAD_OK) {
        size_t part = n - r->done < WINDOW ? n - r->done : WINDOW;
        status = run_window(r, (size_t)r->o->skip + r->done, part, err);
        if (status == IAD_OK) iad_progress_add(&progress, part, 0);
    }
    iad_progress_end(&progress);
    return status;
}

static void print_summary(const words_run *r) {
    double n = r->done ? (double)r->done : 1;
    fprintf(stderr, "pairs=%zu rouge_l=%.6f", r->done, r->rouge_sum / n);
    if (r->model) {
        const iad_words_info *info = iad_words_info_get(r->model);
        fprintf(stderr, " cosine=%.6f truncated=%llu max_pieces=%d unknown=%llu pieces=%llu pooling=%s model=%s", r->cosine_sum / n,
                (unsigned long long)r->tally.truncated, info->max_pieces, (unsigned long long)r->tally.unknown, (unsigned long long)r->tally.pieces,
                info->pooling, info->name);
    }
    fputc('\n', stderr);
}

int iad_cmd_words(iad_app *app, int argc, char **argv, iad_err *err) {
    words_options o = {.format = "jsonl"};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "model", .value = &o.model, .meta = "DIR",
         .help = "sentence-transformers folder with safetensors (BERT or MPNet, e.g. all-MiniLM-L6-v2); without one ROUGE-L alone"},
        {.kind = IAD_ARG_STRING, .name = "pairs", .value = &o.pairs, .meta = "FILE",
         .help = "a JSON object per line: \"a\" and \"b\" are the texts, \"id\" comes back"},
        {.kind = IAD_ARG_STRING, .name = "a", .value = &o.a, .meta = "FILE", .help = "a text per line; the reference of ROUGE-L"},
        {.kind = IAD_ARG_STRING, .name = "b", .value = &o.b, .meta = "FILE", .help = "a text per line, as many as in --a; the candidate"},
        {.kind = IAD_ARG_CHOICE, .name = "format", .value = &o.format, .help = "what to print", .choices = "jsonl|tsv"},
        {.kind = IAD_ARG_INT, .name = "skip", .value = &o.skip, .meta = "N",
         .help = "leave out the first N pairs: an earlier run, interrupted, has their lines", .lo = 0, .hi = IAD_TEXT_PAIRS_MAX},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "words",
        .usage = "[--model DIR] --pairs FILE | --a FILE --b FILE",
        .help = "Prints for every pair of texts the cosine of their sentence embeddings and ROUGE-L (F-measure, precision, recall; lower case,\n"
                "runs of a-z and 0-9, no stemmer), and the means over all pairs in the last line on stderr. Cosines of different models cannot be\n"
                "compared; texts beyond the model's pieces are cut off and counted as truncated."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        words_run *r = iad_calloc(1, sizeof *r);
        iad_status status = !r ? IAD_NOMEM(err, "pairs of texts")
                            : operands.n ? IAD_FAIL(err, IAD_ERR_ARG, "%s: no operands are expected", operands.items[0]) : IAD_OK;
        if (status == IAD_OK) {
            r->o = &o;
            r->app = app;
            iad_buf_init(&r->line, LINE_MAX_BYTES);
            status = run_all(r, err);
            if (status == IAD_OK || status == IAD_ERR_INTERRUPTED) print_summary(r);
            iad_words_close(r->model);
            iad_text_pairs_deinit(&r->pairs);
            iad_buf_deinit(&r->line);
            free(r->vectors);
        }
        free(r);
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
