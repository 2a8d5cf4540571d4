#include "runtime/model/newmodel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/fmath.h"
#include "base/pool.h"
#include "base/rng.h"
#include "runtime/model/checkpoint.h"
#include "runtime/model/comparestart.h"
#include "runtime/model/cosinepatch.h"
#include "runtime/tensor/nametable.h"
#include "runtime/tensor/stwriter.h"

#define CHUNK 262144u       /* elements that one thread fills at a time; a multiple of 8 */
#define MAX_CHUNKS 16u      /* chunks in one round: 16 * 256 Ki * (4 + 4) bytes = 32 MiB */
#define QUANTILES 65536u

static const float COSINE_BRANCHES = 0.3f;

/* ---- golden weights: the model page, 9.2 ---- */

static int is_norm(const char *name) {
    return iad_text_ends(name, "norm.weight") || strstr(name, "norm1") || strstr(name, "norm2") || strstr(name, "ln_q") || strstr(name, "layernorm");
}

void iad_newmodel_golden(const char *name, int rank, const int64_t *shape, uint64_t first, size_t n, float *dst) {
    uint64_t seed = iad_fnv1a(name);
    double fan_in = 1;
    for (int i = 1; i < rank; i++) fan_in *= (double)shape[i];
    double offset = 0, scale = sqrt(3.0 / fan_in);
    if (rank == 1) {
        offset = is_norm(name) ? 1 : 0;
        scale = is_norm(name) ? 0.25 : 0.1;
    } else if (strstr(name, "embed_tokens")) {
        scale = 1;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t z = seed + (first + i) * 0xD1342543DE82EF95u + 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        z ^= z >> 31;
        double v = 2.0 * ((double)(z >> 40) * 0x1p-24) - 1.0;
        dst[i] = iad_bf16_to_f32(iad_f32_to_bf16((float)(offset + v * scale)));
    }
}

/* ---- seeded weights ---- */

/* Distribution function of the normal at z >= 0 minus 1/2, by its odd power series (Abramowitz and Stegun 26.2.11). */
static double half_normal(double z) {
    double term = z, sum = z;
    for (int k = 1; k < 120 && term > 1e-18 * sum; k++) {
        term *= z * z / (2 * k + 1);
        sum += term;
    }
    return 0.3989422804014327 * iad_exp(-0.5 * z * z) * sum;
}

/* Quantiles of the standard normal at (i + 1/2) / 65536, by Newton steps from the neighbour. */
static void fill_quantiles(float *table) {
    double z = 0;
    for (uint32_t i = QUANTILES / 2; i < QUANTILES; i++) {
        double want = ((double)i + 0.5) / QUANTILES - 0.5;
        for (int step = 0; step < 4; step++) z += (want - half_normal(z)) / (0.3989422804014327 * iad_exp(-0.5 * z * z));
        table[i] = (float)z;
        table[QUANTILES - 1 - i] = (float)-z;
    }
}

/* Elements first.. of the stream `seed`: element e takes half a word of Philox block e / 8. first is a multiple of 8. */
static void fill_normal(const float *quantiles, uint64_t seed, uint64_t first, size_t n, float std, float *dst) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    rng.counter[0] = (uint32_t)(first / 8);
    rng.counter[1] = (uint32_t)((first / 8) >> 32);
    for (size_t i = 0; i < n; i += 2) {
        uint32_t word = iad_rng_u32(&rng);
        dst[i] = std * quantiles[word & 0xffffu];
        if (i + 1 < n) dst[i + 1] = std * quantiles[word >> 16];
    }
}

/* ---- the writer ---- */

typedef struct making {
    const iad_model_config *config;
    const iad_newmodel_options *options;
    iad_st_writer *writer;
    iad_newmodel_progress progress;
    void *user;
    int threads;
    float *quantiles; /* [QUANTILES] */
    float *values;    /* [MAX_CHUNKS][CHUNK] */
    uint8_t *bytes;   /* [MAX_CHUNKS][CHUNK][4] */
    iad_cosine_filter *filters; /* [vision hidden]; NULL: random patches */
    iad_compare_start compare;  /* feature_of NULL: not wanted */
    /* the tensor at hand */
    const iad_tensor_spec *spec;
    uint64_t seed, first, count;
    float std, constant;
    int is_constant, is_cosine;
} making;

static void fill_chunk(void *user, size_t chunk, int thread) {
    making *m = user;
    uint64_t first = m->first + (uint64_t)chunk * CHUNK, left = m->count - first;
    size_t n = left < CHUNK ? (size_t)left : CHUNK;
    float *values = m->values + chunk * CHUNK;
    (void)thread;
    if (m->is_constant)
        for (size_t i = 0; i < n; i++) values[i] = m->constant;
    else if (m->is_cosine) iad_cosine_patch(&m->config->vision, m->filters, first, n, values);
    else if (m->options->golden && !m->spec->extra) iad_newmodel_golden(m->spec->name, m->spec->rank, m->spec->shape, first, n, values);
    else fill_normal(m->quantiles, m->seed, first, n, m->std, values);
    if (m->compare.feature_of) iad_compare_start_apply(&m->compare, m->spec->name, first, n, values);
    iad_dtype_from_f32(m->options->dtype, values, n, m->bytes + chunk * CHUNK * iad_dtype_size(m->options->dtype), NULL);
}

/* What a block of the tower adds to its stream. */
static int is_tower_output(const char *name) {
    return strncmp(name, "visual.blocks.", 14) == 0 && (iad_text_ends(name, "attn.proj.weight") || iad_text_ends(name, "mlp.down_proj.weight"));
}

static void prepare(making *m, const iad_tensor_spec *spec) {
    int vision = strncmp(spec->name, "visual.", 7) == 0;
    m->spec = spec;
    m->count = 1;
    for (int i = 0; i < spec->rank; i++) m->count *= (uint64_t)spec->shape[i];
    m->is_constant = spec->extra || (!m->options->golden && (spec->role == IAD_ROLE_NORM || spec->role == IAD_ROLE_BIAS));
    m->constant = spec->role == IAD_ROLE_NORM ? 1.0f : 0.0f;
    m->is_cosine = m->filters && spec->role == IAD_ROLE_CONV;
    m->std = vision ? m->config->vision.init_range : m->config->text.init_range;
    if (m->filters && is_tower_output(spec->name)) m->std *= COSINE_BRANCHES;
    m->seed = iad_rng_subseed(m->options->seed, spec->name, 0);
}

static iad_status declare(void *user, const iad_tensor_spec *spec, iad_err *err) {
    making *m = user;
    char buffer[192];
    const char *name = m->options->new_names ? iad_model_new_name(spec->name, buffer, sizeof buffer) : spec->name;
    return iad_st_writer_declare(m->writer, name, m->options->dtype, spec->rank, spec->shape, err);
}

static iad_status fill(void *user, const iad_tensor_spec *spec, iad_err *err) {
    making *m = user;
    prepare(m, spec);
    for (m->first = 0; m->first < m->count; m->first += (uint64_t)MAX_CHUNKS * CHUNK) {
        if (m->options->stop && atomic_load(m->options->stop)) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "stopped at tensor %s", spec->name);
        uint64_t left = m->count - m->first;
        size_t n = left < (uint64_t)MAX_CHUNKS * CHUNK ? (size_t)left : (size_t)MAX_CHUNKS * CHUNK, chunks = (n + CHUNK - 1) / CHUNK;
        iad_parallel_for(chunks, chunks > 1 ? m->threads : 1, fill_chunk, m);
        IAD_TRY(iad_st_writer_write(m->writer, m->bytes, n * iad_dtype_size(m->options->dtype), err));
        if (m->progress) m->progress(m->user, iad_st_writer_written(m->writer), iad_st_writer_total(m->writer));
    }
    return IAD_OK;
}

static iad_status make(making *m, const char *dir, iad_err *err) {
    char path[IAD_PATH_MAX];
    m->quantiles = iad_alloc(QUANTILES, sizeof *m->quantiles);
    m->values = iad_alloc((size_t)MAX_CHUNKS * CHUNK, sizeof *m->values);
    m->bytes = iad_alloc((size_t)MAX_CHUNKS * CHUNK, 4);
    if (!m->quantiles || !m->values || !m->bytes) return IAD_NOMEM(err, dir);
    if ((m->options->cosine_patches || m->options->compare) && !m->options->golden) {
        m->filters = iad_alloc((size_t)m->config->vision.hidden, sizeof *m->filters);
        if (!m->filters) return IAD_NOMEM(err, dir);
        IAD_TRY(iad_cosine_filters(&m->config->vision, m->filters, err));
        if (m->options->compare) IAD_TRY(iad_compare_start_init(&m->compare, m->config, m->filters, err));
    }
    fill_quantiles(m->quantiles);
    IAD_TRY(iad_st_writer_new_dir(dir, m->options->max_shard_bytes, &m->writer, err));
    IAD_TRY(iad_model_tensors(m->config, m->options->extras, declare, m, err));
    IAD_TRY(iad_st_writer_begin(m->writer, err));
    IAD_TRY(iad_model_tensors(m->config, m->options->extras, fill, m, err));
    /* From here to the new config.json the folder is no model: an old config must not meet new weights. */
    IAD_TRY(iad_path_join(path, sizeof path, dir, "config.json", err));
    unlink(path);
    IAD_TRY(iad_st_writer_finish(m->writer, err));
    const char *dtype = m->options->dtype == IAD_BF16 ? "bfloat16" : m->options->dtype == IAD_F16 ? "float16" : "float32";
    return iad_model_config_write(m->config, m->options->layout, dtype, dir, err);
}

iad_status iad_model_new(const iad_model_config *config, const iad_newmodel_options *options, const char *dir, iad_newmodel_progress progress,
                         void *user, iad_err *err) {
    static const char *const signs[] = {"config.json", "model.safetensors", "model.safetensors.index.json"};
    char path[IAD_PATH_MAX];
    if (options->dtype != IAD_F32 && options->dtype != IAD_BF16 && options->dtype != IAD_F16)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: weights can be F32, BF16 or F16, not %s", dir, iad_dtype_name(options->dtype));
    IAD_TRY(iad_model_config_check(config, dir, err));
    for (int i = 0; i < 3 && !options->force; i++) {
        IAD_TRY(iad_path_join(path, sizeof path, dir, signs[i], err));
        if (iad_file_exists(path)) return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: there is a model already (%s)", dir, signs[i]);
    }
    making m = {.config = config, .options = options, .progress = progress, .user = user};
    m.threads = options->threads > 0 ? options->threads : iad_cpu_count();
    iad_status status = make(&m, dir, err);
    iad_st_writer_free(m.writer);
    free(m.quantiles);
    free(m.values);
    free(m.bytes);
    free(m.filters);
    iad_compare_start_deinit(&m.compare);
    return status;
}
