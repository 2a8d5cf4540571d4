/* Folder to model, texts to vectors. Texts are taken in windows; those of a window are cut into pieces by all threads, sorted by length,
 * bundled (so that a thread's matrices are neither small nor beyond its cache) and run by all threads. */
#include "bench/words/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/text.h"
#include "bench/words/textencoder.h"
#include "bench/words/wordpiece.h"

enum {
    WINDOW = 8192,        /* texts */
    BLOCK = 32,           /* texts that one thread cuts into pieces at a time */
    BUNDLE_TOKENS = 480,  /* a bundle has at most as many (two passes of the product over its weights), and at least one text */
    MAX_THREADS = 256
};

struct iad_words {
    iad_words_info info;
    char name[256];
    iad_pooling pooling;
    int threads;
    iad_wordpiece *wordpiece;
    iad_text_encoder *encoder;
};

/* ---- opening ---- */

/* max_seq_length; without one the least of what tokenizer and model can take, as sentence-transformers has it. */
static int pieces_at_most(const iad_sbert_config *config, const iad_encoder_config *encoder, const iad_wordpiece *wordpiece) {
    int64_t most = config->max_pieces ? config->max_pieces : iad_wordpiece_max_length(wordpiece);
    int64_t table = iad_encoder_max_tokens(encoder);
    return (int)(most >= 3 && most < table ? most : table);
}

static void take_name(iad_words *words, const char *dir) {
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') n--;
    size_t from = n;
    while (from > 0 && dir[from - 1] != '/') from--;
    size_t length = n - from < sizeof words->name ? n - from : sizeof words->name - 1;
    memcpy(words->name, dir + from, length);
    words->name[length] = 0;
}

static iad_status open_all(iad_words *words, const char *dir, iad_err *err) {
    iad_sbert_config config;
    iad_encoder_config encoder;
    char folder[IAD_PATH_MAX];
    IAD_TRY(iad_sbert_config_load(dir, &config, &encoder, err));
    if (*config.encoder) IAD_TRY(iad_path_join(folder, sizeof folder, dir, config.encoder, err));
    else iad_text_copy(folder, sizeof folder, dir);
    IAD_TRY(iad_wordpiece_load(folder, iad_encoder_kind_name(encoder.kind), &words->wordpiece, err));
    if (config.lower) iad_wordpiece_lower(words->wordpiece);
    if (iad_wordpiece_largest_id(words->wordpiece) >= encoder.vocab)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the tokenizer has pieces up to %d, the model's vocabulary %d", folder,
                        (int)iad_wordpiece_largest_id(words->wordpiece), encoder.vocab);
    int most = pieces_at_most(&config, &encoder, words->wordpiece);
    IAD_TRY(iad_text_encoder_open(folder, &encoder, most, IAD_CPU_AUTO, &words->encoder, err));
    take_name(words, dir);
    words->pooling = config.pooling;
    words->info = (iad_words_info){words->name, iad_encoder_kind_name(encoder.kind), iad_pooling_name(config.pooling), encoder.dim, most,
                                   encoder.n_layer, config.normalize, iad_text_encoder_parameters(words->encoder)};
    return IAD_OK;
}

iad_status iad_words_open(const char *dir, int threads, iad_words **words, iad_err *err) {
    *words = NULL;
    if (threads < 0 || threads > MAX_THREADS) return IAD_FAIL(err, IAD_ERR_ARG, "%d threads", threads);
    iad_words *w = iad_calloc(1, sizeof *w);
    if (!w) return IAD_NOMEM(err, "a sentence model");
    w->threads = threads ? threads : iad_cpu_count();
    iad_status status = open_all(w, dir, err);
    if (status == IAD_OK) *words = w;
    else iad_words_close(w);
    return status;
}

void iad_words_close(iad_words *words) {
    if (!words) return;
    iad_wordpiece_free(words->wordpiece);
    iad_text_encoder_free(words->encoder);
    free(words);
}

const iad_words_info *iad_words_info_get(const iad_words *words) { return &words->info; }

/* ---- a window ---- */

typedef struct window {
    const iad_words *words;
    const char *const *texts;
    size_t first, n;           /* of the texts */
    float *vectors;
    iad_words_tally tally;
    int32_t *ids;              /* of all texts, in their order */
    size_t n_id, cap_id;
    size_t at[WINDOW];         /* where a text's ids begin */
    int length[WINDOW];
    size_t order[WINDOW];      /* longest first */
    size_t bundle[WINDOW + 1]; /* where a bundle begins in order */
    size_t n_bundle;
    iad_text_worker **workers; /* [threads] */
} window;

typedef struct block {
    iad_pieces pieces;
    int length[BLOCK];
    uint64_t truncated;
} block;

static iad_status cut_block(void *user, size_t item, int thread, void *result, iad_err *err) {
    (void)thread;
    window *w = user;
    block *b = result;
    for (size_t i = 0; i < BLOCK && item * BLOCK + i < w->n; i++) {
        size_t at = w->first + item * BLOCK + i, before = b->pieces.n;
        int truncated;
        iad_status status = iad_wordpiece_encode(w->words->wordpiece, w->texts[at], strlen(w->texts[at]), (size_t)w->words->info.max_pieces,
                                                 &b->pieces, &truncated, err);
        if (status != IAD_OK) return iad_err_prefix(err, "text %zu", at);
        b->length[i] = (int)(b->pieces.n - before);
        b->truncated += (uint64_t)truncated;
    }
    return IAD_OK;
}

static iad_status take_block(void *user, size_t item, void *result, iad_status status, const iad_err *item_err, iad_err *err) {
    window *w = user;
    block *b = result;
    if (status != IAD_OK) {
        if (err) *err = *item_err;
        return status;
    }
    IAD_TRY(iad_grow((void **)&w->ids, &w->cap_id, w->n_id + b->pieces.n, sizeof *w->ids, SIZE_MAX / 8, "word pieces", err));
    memcpy(w->ids + w->n_id, b->pieces.ids, b->pieces.n * sizeof *w->ids);
    for (size_t i = 0; i < BLOCK && item * BLOCK + i < w->n; i++) {
        w->at[item * BLOCK + i] = w->n_id;
        w->length[item * BLOCK + i] = b->length[i];
        w->n_id += (size_t)b->length[i];
    }
    w->tally.pieces += b->pieces.n;
    w->tally.unknown += b->pieces.unknown;
    w->tally.truncated += b->truncated;
    return IAD_OK;
}

static void drop_block(void *user, void *result) {
    (void)user;
    iad_pieces_deinit(&((block *)result)->pieces);
}

/* Longest first, so that the last bundle to end is a short one; a counting sort, stable. */
static iad_status sort_texts(window *w, iad_err *err) {
    size_t most = (size_t)w->words->info.max_pieces, *start = iad_calloc(most + 2, sizeof *start);
    if (!start) return IAD_NOMEM(err, "the order of texts");
    for (size_t i = 0; i < w->n; i++) start[most - (size_t)w->length[i] + 1]++;
    for (size_t k = 0; k <= most; k++) start[k + 1] += start[k];
    for (size_t i = 0; i < w->n; i++) w->order[start[most - (size_t)w->length[i]]++] = i;
    free(start);
    w->n_bundle = 0;
    size_t tokens = SIZE_MAX / 2;
    for (size_t k = 0; k < w->n; k++) {
        tokens += (size_t)w->length[w->order[k]];
        if (tokens <= BUNDLE_TOKENS) continue;
        w->bundle[w->n_bundle++] = k;
        tokens = (size_t)w->length[w->order[k]];
    }
    w->bundle[w->n_bundle] = w->n;
    return IAD_OK;
}

static void normalize(float *vector, int n) {
    double square = 0;
    for (int k = 0; k < n; k++) square += (double)vector[k] * (double)vector[k];
    double length = sqrt(square);
    for (int k = 0; k < n && length > 0; k++) vector[k] = (float)((double)vector[k] / length);
}

/* Rows [n][dim] of a text to one vector. */
static void pool(const iad_words *words, const float *rows, int n, float *vector) {
    enum { STRIPE = 64 };
    const int dim = words->info.dim;
    double divisor = words->pooling == IAD_POOL_MEAN ? n : words->pooling == IAD_POOL_MEAN_SQRT ? sqrt(n) : 1;
    if (words->pooling == IAD_POOL_CLS) n = 1;
    for (int from = 0; from < dim; from += STRIPE) {
        const int width = dim - from < STRIPE ? dim - from : STRIPE;
        double sum[STRIPE];
        for (int k = 0; k < width; k++) sum[k] = (double)rows[from + k];
        for (int t = 1; t < n; t++) {
            const float *row = rows + (size_t)t * (size_t)dim + from;
            if (words->pooling == IAD_POOL_MAX)
                for (int k = 0; k < width; k++) sum[k] = (double)row[k] > sum[k] ? (double)row[k] : sum[k];
            else
                for (int k = 0; k < width; k++) sum[k] += (double)row[k];
        }
        for (int k = 0; k < width; k++) vector[from + k] = (float)(sum[k] / divisor);
    }
    if (words->info.normalized) normalize(vector, dim);
}

/* The result of a bundle is its texts' vectors, which go where they belong: no two bundles share one. */
static iad_status run_bundle(void *user, size_t item, int thread, void *result, iad_err *err) {
    (void)result;
    window *w = user;
    const iad_words *words = w->words;
    const size_t begin = w->bundle[item], n = w->bundle[item + 1] - begin;
    size_t rows = 0;
    const float *hidden;
    if (!w->workers[thread]) IAD_TRY(iad_text_worker_new(words->encoder, BUNDLE_TOKENS, &w->workers[thread], err));
    int32_t *ids = iad_alloc(BUNDLE_TOKENS + (size_t)words->info.max_pieces, sizeof *ids);
    int *length = iad_alloc(n, sizeof *length);
    iad_status status = ids && length ? IAD_OK : IAD_NOMEM(err, "a bundle of texts");
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        size_t text = w->order[begin + i];
        length[i] = w->length[text];
        memcpy(ids + rows, w->ids + w->at[text], (size_t)length[i] * sizeof *ids);
        rows += (size_t)length[i];
    }
    if (status == IAD_OK) status = iad_text_encoder_run(words->encoder, w->workers[thread], ids, length, n, &hidden, err);
    for (size_t i = 0; i < n && status == IAD_OK; hidden += (size_t)length[i++] * (size_t)words->info.dim)
        pool(words, hidden, length[i], w->vectors + (w->first + w->order[begin + i]) * (size_t)words->info.dim);
    free(ids);
    free(length);
    return status;
}

static iad_status take_bundle(void *user, size_t item, void *result, iad_status status, const iad_err *item_err, iad_err *err) {
    (void)user, (void)item, (void)result;
    if (status != IAD_OK && err) *err = *item_err;
    return status;
}

static iad_status run_window(window *w, const atomic_int *stop, iad_err *err) {
    const int threads = w->words->threads;
    const iad_pool_job cut = {cut_block, take_block, drop_block, w, sizeof(block)}, run = {run_bundle, take_bundle, NULL, w, 1};
    if (stop && atomic_load(stop)) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted"); /* the pool finishes what its threads took already */
    w->n_id = 0;
    IAD_TRY(iad_pool_run(&cut, (w->n + BLOCK - 1) / BLOCK, threads, 0, stop, err));
    IAD_TRY(sort_texts(w, err));
    return iad_pool_run(&run, w->n_bundle, threads, 0, stop, err);
}

iad_status iad_words_embed(const iad_words *words, const char *const *texts, size_t n, const atomic_int *stop, float *vectors,
                           iad_words_tally *tally, iad_err *err) {
    window *w = iad_calloc(1, sizeof *w);
    iad_status status = IAD_OK;
    if (!w || !(w->workers = iad_calloc((size_t)words->threads, sizeof(iad_text_worker *)))) status = IAD_NOMEM(err, "a window of texts");
    if (status == IAD_OK) {
        w->words = words;
        w->texts = texts;
        w->vectors = vectors;
    }
    for (size_t first = 0; first < n && status == IAD_OK; first += WINDOW) {
        w->first = first;
        w->n = n - first < WINDOW ? n - first : WINDOW;
        status = run_window(w, stop, err);
    }
    if (status == IAD_OK && tally) {
        tally->pieces += w->tally.pieces;
        tally->truncated += w->tally.truncated;
        tally->unknown += w->tally.unknown;
    }
    for (int i = 0; w && w->workers && i < words->threads; i++) iad_text_worker_free(w->workers[i]);
    if (w) {
        free(w->workers);
        free(w->ids);
    }
    free(w);
    return status;
}

double iad_words_cosine(const float *a, const float *b, int n) {
    double ab = 0, aa = 0, bb = 0;
    for (int k = 0; k < n; k++) {
        ab += (double)a[k] * (double)b[k];
        aa += (double)a[k] * (double)a[k];
        bb += (double)b[k] * (double)b[k];
    }
    if (!(aa > 0) || !(bb > 0)) return 0;
    double cosine = ab / (sqrt(aa) * sqrt(bb));
    return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}
