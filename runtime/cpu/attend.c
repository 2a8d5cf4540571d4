#include "runtime/cpu/attend.h"

#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "runtime/cpu/cpu_device.h"
#include "runtime/ops_check.h"

/* Scratch slots; the probe has a slot of its own. */
enum { SLOT_WORK = IAD_CPU_SCRATCH_OPS, SLOT_UNITS, SLOT_STATES };

/* Multiply-adds below which one thread is faster than waking the team. */
static const double SERIAL_WORK = 5e5;
/* States of single blocks that may be kept for merging. */
static const size_t MAX_SPLIT_BYTES = (size_t)256 << 20;
/* A sequence joins others over a common prefix only with few lanes per key/value head: otherwise its own lanes fill the registers. */
enum { MAX_SHARED_LANES = 64, NARROW_LANES = 8 };

/* Lanes [lane, lane + n) of a list of lanes; the list is that of the sequences [seq, seq + n_seq), one after the other, each with
 * n_row * group lanes. The unit folds blocks [block, end). */
typedef struct attend_unit {
    int64_t seq, n_seq;
    int64_t lane;
    int n;
    int64_t block, end;
    int64_t load;    /* first row in the saved states to start from, or -1 */
    int64_t save;    /* first row in the saved states to end in, or -1: write out */
} attend_unit;

typedef struct attend_run {
    const iad_attend *job;
    const iad_attend_kernels *kernels, *narrow; /* narrow: for units of at most NARROW_LANES lanes, or NULL */
    int pairs, group, lanes, threads;
    size_t work_bytes;
    char *memory;      /* [threads][work_bytes] */
    float *states;     /* saved states of shared prefixes: [kv head][lane][d_head + 2] */
    int64_t n_state;   /* lanes per kv head there */
} attend_run;

const iad_attend_kernels *iad_attend_kernels_of(const iad_device *device) {
#if defined(__x86_64__)
    switch (iad_cpu_isa_of(device)) {
    case IAD_CPU_AVX512: return &iad_attend_kernels_avx512;
    case IAD_CPU_AVX2: return &iad_attend_kernels_avx2;
    default: break;
    }
#endif
    (void)device;
    return &iad_attend_kernels_plain;
}

static float *carve(char *memory, size_t *used, size_t n) {
    float *at = memory != NULL ? (float *)(void *)(memory + *used) : NULL;
    *used += (n * sizeof(float) + 63) & ~(size_t)63;
    return at;
}

size_t iad_attend_carve(iad_attend_work *work, int lanes, void *memory) {
    size_t used = 0;
    work->depth = work->pairs ? work->d_head / 2 : work->d_head;
    work->d_pad = (work->d_head + 15) / 16 * 16;
    size_t padded = ((size_t)lanes + 31) / 32 * 32, width = (size_t)work->d_pad; /* 32: the widest tile */
    work->qt = carve(memory, &used, padded * (size_t)work->depth);
    work->acc = carve(memory, &used, padded * width);
    work->m = carve(memory, &used, padded);
    work->l = carve(memory, &used, padded);
    work->keys = carve(memory, &used, (size_t)IAD_ATTEND_BLOCK * (size_t)work->depth);
    work->values = carve(memory, &used, (size_t)IAD_ATTEND_BLOCK * width);
    work->s = carve(memory, &used, (size_t)IAD_ATTEND_BLOCK * 32);
    work->row = carve(memory, &used, 16 * width);
    return used;
}

static int64_t keys_of(const iad_attend_seq *seq) { return seq->spans[0].k.rows + seq->spans[1].k.rows; }
static int64_t blocks_of(int64_t keys) { return (keys + IAD_ATTEND_BLOCK - 1) / IAD_ATTEND_BLOCK; }
static size_t kind_size(iad_dtype kind) { return kind == IAD_F32 ? 4 : 2; }

static int thread_number(void) {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

/* Fills the first part of the work for the lanes of the unit. */
static void set_lanes(const attend_run *run, const attend_unit *unit, int kv, iad_attend_work *work) {
    const iad_attend *job = run->job;
    work->d_head = job->d_head;
    work->pairs = run->pairs;
    work->factor = job->scale * 1.44269504f;
    work->q_kind = job->q.dtype;
    work->out_kind = job->out.dtype;
    work->spans[0] = job->seqs[unit->seq].spans[0];
    work->spans[1] = job->seqs[unit->seq].spans[1];
    work->kv = kv;
    work->n_lane = unit->n;
    const iad_attend_seq *seq = &job->seqs[unit->seq];
    int64_t row = unit->lane / run->group, n_visible = 0;
    int member = (int)(unit->lane % run->group); /* of the group of query heads */
    size_t q_size = kind_size(job->q.dtype), out_size = kind_size(job->out.dtype);
    size_t head_q = (size_t)job->d_head * q_size, head_out = (size_t)job->d_head * out_size;
    const char *q = NULL;
    char *out = NULL;
    for (int i = 0; i < unit->n; i++) {
        if (q == NULL) {
            for (; row >= seq->n_row; seq++) row -= seq->n_row;
            q = (const char *)job->q.data + (size_t)((seq->row + row) * job->q.stride) * q_size + (size_t)(kv * run->group) * head_q;
            out = (char *)job->out.data + (size_t)((seq->row + row) * job->out.stride) * out_size + (size_t)(kv * run->group) * head_out;
            n_visible = iad_attend_visible(seq, row);
        }
        work->q[i] = q + (size_t)member * head_q;
        work->out[i] = out + (size_t)member * head_out;
        work->visible[i] = n_visible;
        if (++member == run->group) {
            member = 0;
            row++;
            q = NULL;
        }
    }
}

static const iad_attend_kernels *kernels_for(const attend_run *run, const attend_unit *unit) {
    return run->narrow != NULL && unit->n <= NARROW_LANES ? run->narrow : run->kernels;
}

static float *state_rows(const attend_run *run, int kv, int64_t first) {
    return run->states + ((size_t)kv * (size_t)run->n_state + (size_t)first) * (size_t)(run->job->d_head + 2);
}

static void run_unit(const attend_run *run, const attend_unit *unit, int kv) {
    const iad_attend_kernels *kernels = kernels_for(run, unit);
    iad_attend_work work;
    set_lanes(run, unit, kv, &work);
    (void)iad_attend_carve(&work, run->lanes, run->memory + (size_t)thread_number() * run->work_bytes);
    kernels->begin(&work);
    if (unit->load >= 0) kernels->load(&work, state_rows(run, kv, unit->load));
    for (int64_t b = unit->block; b < unit->end; b++) kernels->fold(&work, b);
    if (unit->save >= 0) kernels->save(&work, state_rows(run, kv, unit->save));
    else kernels->finish(&work);
}

/* One block of a unit on its own, into rows of states. */
static void run_block(const attend_run *run, const attend_unit *unit, int kv, int64_t block, float *rows) {
    const iad_attend_kernels *kernels = kernels_for(run, unit);
    iad_attend_work work;
    set_lanes(run, unit, kv, &work);
    (void)iad_attend_carve(&work, run->lanes, run->memory + (size_t)thread_number() * run->work_bytes);
    kernels->begin(&work);
    kernels->fold(&work, block);
    kernels->save(&work, rows);
}

/* Merges the rows that run_block made for every block of a unit, in rising order. */
static void merge_blocks(const attend_run *run, const attend_unit *unit, int kv, float *rows) {
    int d = run->job->d_head;
    size_t row = (size_t)d + 2, all = row * (size_t)unit->n;
    int64_t n_block = unit->end - unit->block;
    iad_attend_work work;
    set_lanes(run, unit, kv, &work);
    for (int lane = 0; lane < unit->n; lane++) {
        float *first = rows + (size_t)lane * row, *total = first;
        int64_t b = 1;
        if (unit->load >= 0) {
            total = state_rows(run, kv, unit->load + lane);
            b = 0;
        }
        for (; b < n_block; b++) run->kernels->merge(total, first + (size_t)b * all, d);
        if (unit->save < 0) run->kernels->finish_row(&work, lane, total);
        else if (total != state_rows(run, kv, unit->save + lane)) memcpy(state_rows(run, kv, unit->save + lane), total, row * sizeof *total);
    }
}

/* All units for all key/value heads. Few units with many blocks are cut at every block, or one thread would do it all. */
static iad_status run_units(iad_queue *queue, attend_run *run, const attend_unit *units, int64_t n_unit, iad_err *err) {
    int n_kv = run->job->n_kv_head, threads = run->threads;
    int64_t n_task = n_unit * n_kv, n_block = 0, most = 0;
    size_t state = ((size_t)run->job->d_head + 2) * sizeof(float), bytes = 0;
    for (int64_t u = 0; u < n_unit; u++) {
        int64_t blocks = units[u].end - units[u].block;
        n_block += blocks;
        if (blocks > most) most = blocks;
        bytes += (size_t)blocks * (size_t)units[u].n * state;
    }
    bytes *= (size_t)n_kv;
    if (threads == 1 || n_task >= 4 * (int64_t)threads || most < 2 || bytes > MAX_SPLIT_BYTES) {
        /* Windows: all heads of one after the other, while its rows are in the cache. Long sequences: all rows of a head, while its
         * keys are, and the causal rows that see most first. */
        int windows = most < 2;
#pragma omp parallel for num_threads(threads) schedule(dynamic, windows ? 4 : 1) if (threads > 1)
        for (int64_t t = 0; t < n_task; t++) {
            if (windows) run_unit(run, &units[t / n_kv], (int)(t % n_kv));
            else run_unit(run, &units[n_unit - 1 - t % n_unit], (int)(t / n_unit));
        }
        return IAD_OK;
    }
    /* n_task is small here, and so is the table: where a unit's blocks and rows begin. */
    void *memory;
    size_t table = ((size_t)n_unit * 2 * sizeof(int64_t) + 63) & ~(size_t)63;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_STATES + 1, table + bytes, &memory, err));
    int64_t *first_block = memory, *first_row = first_block + n_unit, rows = 0, blocks = 0;
    float *store = (float *)(void *)((char *)memory + table);
    for (int64_t u = 0; u < n_unit; u++) {
        first_block[u] = blocks;
        first_row[u] = rows;
        blocks += units[u].end - units[u].block;
        rows += (units[u].end - units[u].block) * units[u].n;
    }
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(dynamic, 1)
        for (int64_t t = 0; t < n_block * n_kv; t++) {
            int64_t u = 0, b = t % n_block, kv = t / n_block;
            while (u + 1 < n_unit && first_block[u + 1] <= b) u++;
            b -= first_block[u];
            float *at = store + (size_t)(kv * rows + first_row[u] + b * units[u].n) * (state / sizeof(float));
            run_block(run, &units[u], (int)kv, units[u].block + b, at);
        }
#pragma omp for schedule(dynamic, 1)
        for (int64_t t = 0; t < n_task; t++) {
            int64_t u = t % n_unit, kv = t / n_unit;
            merge_blocks(run, &units[u], (int)kv, store + (size_t)(kv * rows + first_row[u]) * (state / sizeof(float)));
        }
    }
    return IAD_OK;
}

/* ---- planning ---- */

static int same_span(const iad_kv_span *a, const iad_kv_span *b) {
    return a->k.data == b->k.data && a->v.data == b->v.data && a->k.rows == b->k.rows && a->k.stride == b->k.stride &&
           a->v.stride == b->v.stride && a->k.dtype == b->k.dtype;
}

/* Sequences from `s` on that share at least one whole block of a prefix, 1 if none. */
static int64_t shared_run(const iad_attend *job, int64_t s, int group) {
    const iad_attend_seq *first = &job->seqs[s];
    int64_t n = 1;
    /* The whole prefix must be visible to every row: then one fold serves all. */
#define FITS(q) ((q)->n_row > 0 && (q)->n_row * group <= MAX_SHARED_LANES && iad_attend_visible((q), 0) >= (q)->spans[0].k.rows)
    if (first->spans[0].k.rows < IAD_ATTEND_BLOCK || !FITS(first)) return 1;
    while (s + n < job->n_seq && FITS(&job->seqs[s + n]) && same_span(&first->spans[0], &job->seqs[s + n].spans[0])) n++;
#undef FITS
    return n;
}

/* Cuts lanes into units of at most run->lanes. */
static int64_t cut(const attend_run *run, attend_unit unit, int64_t lanes, attend_unit *units) {
    int64_t n = 0;
    for (int64_t lane = 0; lane < lanes; lane += run->lanes, n++) {
        int64_t left = lanes - lane;
        if (units == NULL) continue;
        units[n] = unit;
        units[n].lane = lane;
        units[n].n = left < run->lanes ? (int)left : run->lanes;
        if (unit.load >= 0) units[n].load += lane;
        if (unit.save >= 0) units[n].save += lane;
        if (unit.n_seq == 1) { /* a causal chunk need not look at blocks beyond its last row */
            const iad_attend_seq *seq = &run->job->seqs[unit.seq];
            int64_t end = blocks_of(iad_attend_visible(seq, (lane + units[n].n - 1) / run->group));
            if (end < units[n].end) units[n].end = end;
        }
    }
    return n;
}

/* Plans both phases: shared prefixes first (their states saved), then every sequence with the rest of its keys. units NULL counts. */
static void plan(attend_run *run, attend_unit *shared, int64_t *n_shared, attend_unit *own, int64_t *n_own) {
    const iad_attend *job = run->job;
    *n_shared = *n_own = run->n_state = 0;
    for (int64_t s = 0; s < job->n_seq;) {
        int64_t n = shared_run(job, s, run->group), prefix = 0;
        int64_t states = run->n_state;
        if (n > 1) {
            int64_t lanes = 0;
            for (int64_t i = 0; i < n; i++) lanes += job->seqs[s + i].n_row * run->group;
            prefix = job->seqs[s].spans[0].k.rows / IAD_ATTEND_BLOCK;
            attend_unit unit = {.seq = s, .n_seq = n, .block = 0, .end = prefix, .load = -1, .save = states};
            *n_shared += cut(run, unit, lanes, shared != NULL ? shared + *n_shared : NULL);
            run->n_state += lanes;
        }
        for (int64_t i = 0; i < n; i++) {
            const iad_attend_seq *seq = &job->seqs[s + i];
            int64_t lanes = seq->n_row * run->group;
            attend_unit unit = {.seq = s + i, .n_seq = 1, .block = prefix, .end = blocks_of(keys_of(seq)),
                                .load = n > 1 ? states : -1, .save = -1};
            *n_own += cut(run, unit, lanes, own != NULL ? own + *n_own : NULL);
            states += lanes;
        }
        s += n;
    }
}

iad_status iad_cpu_attend(iad_queue *queue, const iad_attend *job, iad_err *err) {
    IAD_TRY(iad_check_attend("attend", job, err));
    attend_run run = {.job = job, .kernels = iad_attend_kernels_of(queue->device), .group = job->n_head / job->n_kv_head};
    double work = 0;
    int64_t lanes = 0, longest = 0;
    int bf16 = 1;
    for (int64_t s = 0; s < job->n_seq; s++) {
        const iad_attend_seq *seq = &job->seqs[s];
        if (seq->n_row == 0) continue;
        for (int i = 0; i < 2; i++) bf16 &= seq->spans[i].k.rows == 0 || seq->spans[i].k.dtype == IAD_BF16;
        work += 2.0 * (double)seq->n_row * (double)keys_of(seq) * job->n_head * job->d_head;
        lanes += seq->n_row * run.group;
        if (seq->n_row * run.group > longest) longest = seq->n_row * run.group;
    }
    if (lanes == 0) return IAD_OK;
    run.pairs = bf16 && iad_cpu_has_bf16(queue->device);
    run.threads = work < SERIAL_WORK ? 1 : iad_cpu_threads(queue->device);
    /* Wide units share a packed block among more lanes; narrow ones keep every thread busy. */
    run.lanes = IAD_ATTEND_LANES;
    while (run.threads > 1 && run.lanes > 2 * 16 && (lanes + run.lanes - 1) / run.lanes * job->n_kv_head < 4 * (int64_t)run.threads)
        run.lanes /= 2;

#if defined(__x86_64__)
    if (run.kernels == &iad_attend_kernels_avx512) run.narrow = &iad_attend_kernels_narrow;
#endif

    int64_t n_shared, n_own;
    plan(&run, NULL, &n_shared, NULL, &n_own);
    void *memory;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_UNITS, (size_t)(n_shared + n_own) * sizeof(attend_unit), &memory, err));
    attend_unit *shared = memory, *own = shared + n_shared;
    plan(&run, shared, &n_shared, own, &n_own);

    iad_attend_work shape = {.d_head = job->d_head, .pairs = run.pairs};
    run.work_bytes = iad_attend_carve(&shape, run.lanes, NULL);
    IAD_TRY(iad_cpu_scratch(queue, SLOT_WORK, run.work_bytes * (size_t)run.threads, &memory, err));
    run.memory = memory;
    if (n_shared > 0) {
        size_t states = (size_t)run.n_state * (size_t)job->n_kv_head * ((size_t)job->d_head + 2) * sizeof(float);
        IAD_TRY(iad_cpu_scratch(queue, SLOT_STATES, states, &memory, err));
        run.states = memory;
        IAD_TRY(run_units(queue, &run, shared, n_shared, err));
    }
    return run_units(queue, &run, own, n_own, err);
}
