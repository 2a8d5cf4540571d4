/* Backward of attention on the card. Three kernels, each block alone with what it writes, so that no sum depends on who comes first:
 *   stats: per (query row, head) the softmax's maximum and sum, and delta = dout . out + sum over probed keys of P G;
 *   dk, dv: a block per (keys, key/value head) goes over the query heads of the group and their rows;
 *   dq: a block per (query rows, head) goes over the keys.
 * Scores are computed again in each. Products are f32 as everything that goes in and out is; what tensor cores would save is named in
 * train/README.md. */
#include "train/cuda/attend_back_tile.cuh"

/* What a tile adds to P and dS: p[T][T + 1] (not wanted: NULL) and ds likewise. sq, sk, sdo, sv hold q, k, dout, v. */
template <int T, int D>
static __device__ __forceinline__ void back_p_ds(const iad_back_args &a, const iad_back_seq &s, int head, int row0, int key0, const float *sq,
                                                 const float *sk, const float *sdo, const float *sv, float *p, float *ds) {
    enum { N = T / IAD_BACK_SIDE };
    int x = (int)threadIdx.x % IAD_BACK_SIDE, y = (int)threadIdx.x / IAD_BACK_SIDE;
    float score[N][N], dp[N][N];
    back_dots<T, D>(sq, sk, score);
    back_dots<T, D>(sdo, sv, dp);
#pragma unroll
    for (int i = 0; i < N; i++) {
        int r = y + IAD_BACK_SIDE * i, row = row0 + r, seen = row < s.n_row ? back_visible(s, row) : 0;
        int64_t at = (int64_t)head * a.rows + s.row + row;
        float top = seen > 0 ? a.top[at] : 0.0f, inverse = seen > 0 ? a.inverse[at] : 0.0f, delta = seen > 0 ? a.delta[at] : 0.0f;
#pragma unroll
        for (int j = 0; j < N; j++) {
            int k = x + IAD_BACK_SIDE * j, key = key0 + k;
            float pv = 0.0f, dv = 0.0f;
            if (key < seen) {
                pv = expf(score[i][j] * a.scale - top) * inverse;
                if (s.n_probe > 0) dp[i][j] += back_probed(a, s, row, key);
                dv = pv * (dp[i][j] - delta) * a.scale;
            }
            if (p != NULL) p[r * (T + 1) + k] = pv;
            ds[r * (T + 1) + k] = dv;
        }
    }
}

/* Products of the query rows in sq with keys key0 .. of a head, which come to sk. */
template <int T, int D>
static __device__ __forceinline__ void back_scores(const iad_back_args &a, const iad_back_seq &s, const float *keys, int key0, const float *sq,
                                                   float *sk, float score[T / IAD_BACK_SIDE][T / IAD_BACK_SIDE]) {
    __syncthreads(); /* the last keys have been read */
    back_load<T, D>(keys + key0 * s.k_stride, s.k_stride, s.n_key - key0 < T ? s.n_key - key0 : T, a.d, sk);
    __syncthreads();
    back_dots<T, D>(sq, sk, score);
}

template <int T, int D> static __global__ void __launch_bounds__(IAD_BACK_THREADS) back_stats_kernel(iad_back_args a) {
    enum { N = T / IAD_BACK_SIDE };
    float *sq = iad_shared<float>(), *sk = sq + T * (D + 4);
    iad_back_tile tile = a.tiles[blockIdx.x];
    const iad_back_seq &s = a.seqs[tile.seq];
    int head = (int)blockIdx.y, x = (int)threadIdx.x % IAD_BACK_SIDE, y = (int)threadIdx.x / IAD_BACK_SIDE, left = s.n_row - tile.first;
    int n = left < T ? left : T, keys = back_visible(s, tile.first + n - 1);
    const float *kv = s.k + (int64_t)(head / a.group) * a.d;
    float top[N], total[N], delta[N];
    back_load<T, D>(s.q + tile.first * a.q_stride + (int64_t)head * a.d, a.q_stride, n, a.d, sq);
#pragma unroll
    for (int i = 0; i < N; i++) {
        int r = y + IAD_BACK_SIDE * i;
        const float *out = s.out + (int64_t)(tile.first + r) * a.out_stride + (int64_t)head * a.d;
        const float *dout = s.dout + (int64_t)(tile.first + r) * a.dout_stride + (int64_t)head * a.d;
        top[i] = -1e30f;
        total[i] = delta[i] = 0.0f;
        for (int c = x; c < a.d && r < n; c += IAD_BACK_SIDE) delta[i] = fmaf(out[c], dout[c], delta[i]);
        delta[i] = back_row_sum(delta[i]);
    }
    for (int key0 = 0; key0 < keys; key0 += T) {
        float score[N][N];
        back_scores<T, D>(a, s, kv, key0, sq, sk, score);
#pragma unroll
        for (int i = 0; i < N; i++) {
            int r = y + IAD_BACK_SIDE * i, seen = r < n ? back_visible(s, tile.first + r) : 0;
            float most = top[i], sum = 0.0f;
#pragma unroll
            for (int j = 0; j < N; j++)
                if (key0 + x + IAD_BACK_SIDE * j < seen) most = fmaxf(most, score[i][j] * a.scale);
            most = back_row_most(most);
#pragma unroll
            for (int j = 0; j < N; j++)
                if (key0 + x + IAD_BACK_SIDE * j < seen) sum += expf(score[i][j] * a.scale - most);
            total[i] = fmaf(total[i], expf(top[i] - most), back_row_sum(sum));
            top[i] = most;
        }
    }
    if (s.n_probe > 0) { /* P is known now: the probe's part of delta */
        float extra[N];
#pragma unroll
        for (int i = 0; i < N; i++) extra[i] = 0.0f;
        for (int key0 = s.col / T * T; key0 < keys && key0 < s.col + s.n_col; key0 += T) {
            float score[N][N];
            back_scores<T, D>(a, s, kv, key0, sq, sk, score);
#pragma unroll
            for (int i = 0; i < N; i++) {
                int r = y + IAD_BACK_SIDE * i, seen = r < n ? back_visible(s, tile.first + r) : 0;
#pragma unroll
                for (int j = 0; j < N; j++) {
                    int key = key0 + x + IAD_BACK_SIDE * j;
                    if (key >= seen) continue;
                    extra[i] = fmaf(expf(score[i][j] * a.scale - top[i]) / total[i], back_probed(a, s, tile.first + r, key), extra[i]);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < N; i++) delta[i] += back_row_sum(extra[i]);
    }
#pragma unroll
    for (int i = 0; i < N; i++) {
        int r = y + IAD_BACK_SIDE * i;
        int64_t at = (int64_t)head * a.rows + s.row + tile.first + r;
        if (x > 0 || r >= n) continue;
        a.top[at] = top[i];
        a.inverse[at] = 1.0f / total[i];
        a.delta[at] = delta[i];
    }
}

template <int T, int D> static __global__ void __launch_bounds__(IAD_BACK_THREADS) back_dkv_kernel(iad_back_args a) {
    enum { N = T / IAD_BACK_SIDE, M = D / IAD_BACK_SIDE, ROOM = T * (D + 4) };
    float *sk = iad_shared<float>(), *sv = sk + ROOM, *sq = sv + ROOM, *sdo = sq + ROOM, *p = sdo + ROOM, *ds = p + T * (T + 1);
    iad_back_tile tile = a.tiles[blockIdx.x];
    const iad_back_seq &s = a.seqs[tile.seq];
    int kv = (int)blockIdx.y, x = (int)threadIdx.x % IAD_BACK_SIDE, y = (int)threadIdx.x / IAD_BACK_SIDE, left = s.n_key - tile.first;
    int n = left < T ? left : T, before = s.causal ? tile.first - (s.n_key - s.n_row) : 0; /* rows that see no key of the tile */
    int64_t col = (int64_t)kv * a.d;
    float dk[N][M], dv[N][M];
#pragma unroll
    for (int i = 0; i < N; i++)
#pragma unroll
        for (int j = 0; j < M; j++) dk[i][j] = dv[i][j] = 0.0f;
    back_load<T, D>(s.k + tile.first * s.k_stride + col, s.k_stride, n, a.d, sk);
    back_load<T, D>(s.v + tile.first * s.v_stride + col, s.v_stride, n, a.d, sv);
    for (int head = kv * a.group; head < (kv + 1) * a.group; head++)
        for (int row0 = before > 0 ? before / T * T : 0; row0 < s.n_row; row0 += T) {
            int rows = s.n_row - row0 < T ? s.n_row - row0 : T;
            __syncthreads();
            back_load<T, D>(s.q + row0 * a.q_stride + (int64_t)head * a.d, a.q_stride, rows, a.d, sq);
            back_load<T, D>(s.dout + row0 * a.dout_stride + (int64_t)head * a.d, a.dout_stride, rows, a.d, sdo);
            __syncthreads();
            back_p_ds<T, D>(a, s, head, row0, tile.first, sq, sk, sdo, sv, p, ds);
            __syncthreads();
            back_sums<T, D, 1>(p, sdo, dv);
            back_sums<T, D, 1>(ds, sq, dk);
        }
#pragma unroll
    for (int i = 0; i < N; i++) {
        int r = y + IAD_BACK_SIDE * i;
#pragma unroll
        for (int j = 0; j < M; j++) {
            int c = x + IAD_BACK_SIDE * j;
            if (r >= n || c >= a.d) continue;
            s.dk[(int64_t)(tile.first + r) * a.dk_stride + col + c] = dk[i][j];
            s.dv[(int64_t)(tile.first + r) * a.dv_stride + col + c] = dv[i][j];
        }
    }
}

template <int T, int D> static __global__ void __launch_bounds__(IAD_BACK_THREADS) back_dq_kernel(iad_back_args a) {
    enum { N = T / IAD_BACK_SIDE, M = D / IAD_BACK_SIDE, ROOM = T * (D + 4) };
    float *sk = iad_shared<float>(), *sv = sk + ROOM, *sq = sv + ROOM, *sdo = sq + ROOM, *ds = sdo + ROOM;
    iad_back_tile tile = a.tiles[blockIdx.x];
    const iad_back_seq &s = a.seqs[tile.seq];
    int head = (int)blockIdx.y, x = (int)threadIdx.x % IAD_BACK_SIDE, y = (int)threadIdx.x / IAD_BACK_SIDE, left = s.n_row - tile.first;
    int n = left < T ? left : T, keys = back_visible(s, tile.first + n - 1);
    int64_t col = (int64_t)head * a.d, kv_col = (int64_t)(head / a.group) * a.d;
    float dq[N][M];
#pragma unroll
    for (int i = 0; i < N; i++)
#pragma unroll
        for (int j = 0; j < M; j++) dq[i][j] = 0.0f;
    back_load<T, D>(s.q + tile.first * a.q_stride + col, a.q_stride, n, a.d, sq);
    back_load<T, D>(s.dout + tile.first * a.dout_stride + col, a.dout_stride, n, a.d, sdo);
    for (int key0 = 0; key0 < keys; key0 += T) {
        int some = s.n_key - key0 < T ? s.n_key - key0 : T;
        __syncthreads();
        back_load<T, D>(s.k + key0 * s.k_stride + kv_col, s.k_stride, some, a.d, sk);
        back_load<T, D>(s.v + key0 * s.v_stride + kv_col, s.v_stride, some, a.d, sv);
        __syncthreads();
        back_p_ds<T, D>(a, s, head, tile.first, key0, sq, sk, sdo, sv, NULL, ds);
        __syncthreads();
        back_sums<T, D, 0>(ds, sk, dq);
    }
#pragma unroll
    for (int i = 0; i < N; i++) {
        int r = y + IAD_BACK_SIDE * i;
#pragma unroll
        for (int j = 0; j < M; j++) {
            int c = x + IAD_BACK_SIDE * j;
            if (r < n && c < a.d) s.dq[(int64_t)(tile.first + r) * a.dq_stride + col + c] = dq[i][j];
        }
    }
}

/* ---- the host ---- */

static size_t dkv_bytes(int t, int d) { return (size_t)(4 * t * (d + 4) + 2 * t * (t + 1)) * sizeof(float); }

typedef struct back_plan {
    iad_back_args args;
    const iad_back_tile *row_tiles, *key_tiles; /* on the card */
    int64_t n_row_tile, n_key_tile;
    int n_kv_head;
} back_plan;

template <int T, int D> static iad_status back_run(iad_queue *queue, const back_plan *plan, iad_err *err) {
    dim3 rows((unsigned)plan->n_row_tile, (unsigned)plan->args.n_head), keys((unsigned)plan->n_key_tile, (unsigned)plan->n_kv_head);
    size_t room = (size_t)T * (D + 4) * sizeof(float), square = (size_t)T * (T + 1) * sizeof(float);
    iad_back_args a = plan->args;
    a.tiles = plan->row_tiles;
    IAD_TRY(iad_launch(queue, err, "attend_back stats", back_stats_kernel<T, D>, rows, dim3(IAD_BACK_THREADS), 2 * room, a));
    IAD_TRY(iad_launch(queue, err, "attend_back dq", back_dq_kernel<T, D>, rows, dim3(IAD_BACK_THREADS), 4 * room + square, a));
    a.tiles = plan->key_tiles;
    return iad_launch(queue, err, "attend_back dk dv", back_dkv_kernel<T, D>, keys, dim3(IAD_BACK_THREADS), dkv_bytes(T, D), a);
}

/* The widths that kernels exist for. Blocks of 64 want up to 168 KiB of shared memory, which not every card has, and are half empty where
 * nothing is longer than 32. */
static int padded_width(int d) { return d <= 32 ? 32 : d <= 80 ? 80 : d <= 128 ? 128 : 256; }

static int tile_of(const iad_device *device, const iad_attend *job, int d) {
    size_t most = iad_cuda_device_of(device)->shared_max;
    int64_t longest = 0;
    for (int64_t i = 0; i < job->n_seq; i++)
        if (longest < iad_grad_keys(&job->seqs[i])->k.rows) longest = iad_grad_keys(&job->seqs[i])->k.rows;
    if (longest > 32 && d <= 128 && dkv_bytes(64, d) <= most) return 64;
    return dkv_bytes(32, d) <= most ? 32 : 16;
}

static iad_status back_choose(iad_queue *queue, const back_plan *plan, int tile, int width, iad_err *err) {
    if (width == 32) return tile == 64 ? back_run<64, 32>(queue, plan, err) : back_run<32, 32>(queue, plan, err);
    if (width == 80) return tile == 64 ? back_run<64, 80>(queue, plan, err) : back_run<32, 80>(queue, plan, err);
    if (width == 128) return tile == 64 ? back_run<64, 128>(queue, plan, err) : back_run<32, 128>(queue, plan, err);
    return tile == 32 ? back_run<32, 256>(queue, plan, err) : back_run<16, 256>(queue, plan, err);
}

static iad_back_seq seq_of(const iad_attend_back *back, int64_t i) {
    const iad_attend_seq *seq = &back->job->seqs[i];
    const iad_kv_span *keys = iad_grad_keys(seq);
    const iad_attend *job = back->job;
    iad_back_seq s = {};
    s.q = (const float *)job->q.data + seq->row * job->q.stride;
    s.out = (const float *)job->out.data + seq->row * job->out.stride;
    s.dout = (const float *)back->dout.data + seq->row * back->dout.stride;
    s.dq = (float *)back->dq.data + seq->row * back->dq.stride;
    s.row = seq->row;
    s.n_row = (int)seq->n_row;
    s.n_key = (int)keys->k.rows;
    s.causal = seq->causal;
    if (s.n_key == 0) return s;
    s.k = (const float *)keys->k.data;
    s.v = (const float *)keys->v.data;
    s.k_stride = keys->k.stride;
    s.v_stride = keys->v.stride;
    s.dk = (float *)back->dk.data + back->kv_row[i] * back->dk.stride;
    s.dv = (float *)back->dv.data + back->kv_row[i] * back->dv.stride;
    return s;
}

/* The sizes of the one table that goes to the card, and the places of its parts. */
typedef struct back_table {
    size_t n_seq, n_probe, n_row_tile, n_key_tile;
    size_t probes, row_tiles, key_tiles, bytes;
} back_table;

static back_table measure(const iad_attend_back *back, int tile) {
    back_table t = {};
    t.n_seq = (size_t)back->job->n_seq;
    for (int64_t i = 0; i < back->job->n_seq; i++) {
        const iad_attend_seq *seq = &back->job->seqs[i];
        int64_t n_key = iad_grad_keys(seq)->k.rows;
        t.n_row_tile += (size_t)((seq->n_row + tile - 1) / tile);
        t.n_key_tile += (size_t)((n_key + tile - 1) / tile);
        if (back->probes != NULL && back->probes[i] != NULL && n_key > 0) t.n_probe += (size_t)back->probes[i]->n_row;
    }
    t.probes = t.n_seq * sizeof(iad_back_seq);
    t.row_tiles = t.probes + (t.n_probe * sizeof(iad_back_probe) + 15) / 16 * 16;
    t.key_tiles = t.row_tiles + t.n_row_tile * sizeof(iad_back_tile);
    t.bytes = t.key_tiles + t.n_key_tile * sizeof(iad_back_tile);
    return t;
}

static void fill(const iad_attend_back *back, int tile, const back_table *t, char *to) {
    iad_back_seq *seqs = (iad_back_seq *)(void *)to;
    iad_back_probe *probes = (iad_back_probe *)(void *)(to + t->probes);
    iad_back_tile *rows = (iad_back_tile *)(void *)(to + t->row_tiles), *keys = (iad_back_tile *)(void *)(to + t->key_tiles);
    int n_probe = 0;
    for (int64_t i = 0; i < back->job->n_seq; i++) {
        iad_back_seq *s = &seqs[i];
        *s = seq_of(back, i);
        for (int r = 0; r < s->n_row; r += tile) *rows++ = (iad_back_tile){(int)i, r};
        for (int k = 0; k < s->n_key; k += tile) *keys++ = (iad_back_tile){(int)i, k};
        const iad_probe *probe = back->probes != NULL && s->n_key > 0 ? back->probes[i] : NULL;
        if (probe == NULL) continue;
        s->probe = n_probe;
        s->n_probe = probe->n_row;
        s->col = (int)probe->col;
        s->n_col = (int)probe->n_col;
        s->grad = (const float *)back->probe_grad[i].data;
        s->grad_stride = back->probe_grad[i].stride;
        for (int m = 0; m < probe->n_row; m++)
            probes[n_probe++] = (iad_back_probe){(int)probe->row[m], probe->row_class[m], (float)((double)probe->weight[m] / back->job->n_head)};
    }
}

iad_status iad_cuda_attend_back(iad_queue *queue, const iad_attend_back *back, iad_err *err) {
    IAD_TRY(iad_grad_check_attend(back, err));
    const iad_attend *job = back->job;
    int width = padded_width(job->d_head), tile = tile_of(queue->device, job, width);
    back_table t = measure(back, tile);
    if (t.n_row_tile + t.n_key_tile == 0) return IAD_OK;
    if (t.n_row_tile > INT32_MAX || t.n_key_tile > INT32_MAX || job->q.rows > INT32_MAX || back->dk.rows > INT32_MAX)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "attend_back: %lld rows", (long long)job->q.rows);
    IAD_TRY(iad_cuda_enter(queue, err));
    char *table = (char *)iad_calloc(t.bytes, 1);
    if (table == NULL) return IAD_NOMEM(err, "the sequences of a batch");
    fill(back, tile, &t, table);
    void *device = NULL, *memory = NULL;
    size_t stats = (size_t)job->n_head * (size_t)job->q.rows;
    iad_status status = iad_cuda_table(queue, table, t.bytes, &device, err);
    free(table);
    if (status == IAD_OK) status = iad_cuda_scratch(queue, IAD_CUDA_SLOT_STATS, 3 * stats * sizeof(float), &memory, err);
    if (status != IAD_OK) return status;
    back_plan plan = {};
    iad_back_args *a = &plan.args;
    const char *on_card = (const char *)device;
    a->seqs = (const iad_back_seq *)(const void *)on_card;
    a->probes = (const iad_back_probe *)(const void *)(on_card + t.probes);
    a->n_head = job->n_head;
    a->group = job->n_head / job->n_kv_head;
    a->d = job->d_head;
    a->scale = job->scale;
    a->q_stride = job->q.stride;
    a->out_stride = job->out.stride;
    a->dout_stride = back->dout.stride;
    a->dq_stride = back->dq.stride;
    a->dk_stride = back->dk.stride;
    a->dv_stride = back->dv.stride;
    a->rows = job->q.rows;
    a->top = (float *)memory;
    a->inverse = a->top + stats;
    a->delta = a->inverse + stats;
    plan.row_tiles = (const iad_back_tile *)(const void *)(on_card + t.row_tiles);
    plan.key_tiles = (const iad_back_tile *)(const void *)(on_card + t.key_tiles);
    plan.n_row_tile = (int64_t)t.n_row_tile;
    plan.n_key_tile = (int64_t)t.n_key_tile;
    plan.n_kv_head = job->n_kv_head;
    return back_choose(queue, &plan, tile, width, err);
}
