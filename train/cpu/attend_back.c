/* Backward of attention: every (sequence, key/value head) is one piece of work, done from its first query row to its last by one
 * thread; nobody else writes its rows and columns of dq, dk and dv. */
#include <omp.h>

#include "runtime/cpu/cpu_device.h"
#include "train/cpu/grad_check.h"
#include "train/cpu/grad_kernels.h"
#include "train/cpu/grad_ops_cpu.h"

static const double SERIAL_WORK = 3e5; /* multiply-adds below which one thread is faster than waking the team */
enum { SLOT_WORK = IAD_CPU_SCRATCH_OPS };

static float *at(iad_mat m, int64_t row, int64_t col) { return (float *)m.data + row * m.stride + col; }

static iad_attend_back_work piece_of(const iad_attend_back *back, int64_t s, int kv, float *memory) {
    const iad_attend *job = back->job;
    const iad_attend_seq *seq = &job->seqs[s];
    const iad_kv_span *keys = iad_grad_keys(seq);
    int group = job->n_head / job->n_kv_head;
    int64_t col = (int64_t)kv * job->d_head, q_col = col * group;
    const iad_probe *probe = back->probes != NULL ? back->probes[s] : NULL;
    return (iad_attend_back_work){
        .d_head = job->d_head, .group = group, .n_head = job->n_head, .causal = seq->causal, .scale = job->scale,
        .n_row = seq->n_row, .n_key = keys->k.rows,
        .q = at(job->q, seq->row, q_col), .q_stride = job->q.stride,
        .out = at(job->out, seq->row, q_col), .out_stride = job->out.stride,
        .dout = at(back->dout, seq->row, q_col), .dout_stride = back->dout.stride,
        .dq = at(back->dq, seq->row, q_col), .dq_stride = back->dq.stride,
        .k = at(keys->k, 0, col), .k_stride = keys->k.stride,
        .v = at(keys->v, 0, col), .v_stride = keys->v.stride,
        .dk = at(back->dk, back->kv_row[s], col), .dk_stride = back->dk.stride,
        .dv = at(back->dv, back->kv_row[s], col), .dv_stride = back->dv.stride,
        .probe = probe, .probe_grad = probe != NULL ? back->probe_grad[s].data : NULL,
        .probe_stride = probe != NULL ? back->probe_grad[s].stride : 0, .memory = memory};
}

iad_status iad_cpu_attend_back(iad_queue *queue, const iad_attend_back *back, iad_err *err) {
    IAD_TRY(iad_grad_check_attend(back, err));
    const iad_attend *job = back->job;
    const iad_grad_kernels *kernels = iad_grad_kernels_of(queue->device);
    double work = 0;
    int64_t longest = 0, pieces = job->n_seq * job->n_kv_head;
    for (int64_t s = 0; s < job->n_seq; s++) {
        int64_t keys = iad_grad_keys(&job->seqs[s])->k.rows;
        work += 5.0 * (double)job->seqs[s].n_row * (double)keys * job->n_head * job->d_head;
        if (keys > longest) longest = keys;
    }
    if (longest == 0) return IAD_OK;
    int threads = work < SERIAL_WORK ? 1 : iad_cpu_threads(queue->device);
    if (threads > pieces) threads = (int)pieces;
    size_t floats = (kernels->attend_back_floats(job->d_head, longest) + 15) / 16 * 16;
    void *memory;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_WORK, (size_t)threads * floats * sizeof(float), &memory, err));
#pragma omp parallel for num_threads(threads) schedule(dynamic) if (threads > 1)
    for (int64_t u = 0; u < pieces; u++) {
        int64_t s = u / job->n_kv_head;
        if (iad_grad_keys(&job->seqs[s])->k.rows == 0) continue;
        iad_attend_back_work piece =
            piece_of(back, s, (int)(u % job->n_kv_head), (float *)memory + (size_t)omp_get_thread_num() * floats);
        kernels->attend_back(&piece);
    }
    return IAD_OK;
}
