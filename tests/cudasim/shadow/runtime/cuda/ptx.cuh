/* The instructions of runtime/cuda/ptx.cuh on the simulator, in the same layouts. Copies arrive only when they are waited for, so that a kernel
 * that reads too early meets what was there before. */
#ifndef IAD_CUDA_PTX_CUH
#define IAD_CUDA_PTX_CUH

#include <vector>

#include "runtime/cuda/cuda_base.cuh"

struct sim_mma_in {
    unsigned a[4], b[2];
    float d[4];
};

static inline float sim_half_of(unsigned word, int high) { return __uint_as_float(high ? word & 0xffff0000u : word << 16); }

static inline void sim_mma_combine(sim_warp_call *call) {
    float a[16][16], b[16][8];
    for (int lane = 0; lane < SIM_WARP; lane++) {
        if (call->in[lane] == nullptr) sim_fault("mma without all lanes of the warp");
        const sim_mma_in *in = (const sim_mma_in *)call->in[lane];
        int g = lane / 4, t = lane % 4;
        for (int i = 0; i < 4; i++)
            for (int h = 0; h < 2; h++) a[g + i % 2 * 8][2 * t + i / 2 * 8 + h] = sim_half_of(in->a[i], h);
        for (int i = 0; i < 2; i++)
            for (int h = 0; h < 2; h++) b[2 * t + i * 8 + h][g] = sim_half_of(in->b[i], h);
    }
    for (int lane = 0; lane < SIM_WARP; lane++) {
        const sim_mma_in *in = (const sim_mma_in *)call->in[lane];
        float *out = (float *)call->out[lane];
        for (int i = 0; i < 4; i++) {
            float sum = in->d[i];
            for (int k = 0; k < 16; k++) sum += a[lane / 4 + i / 2 * 8][k] * b[k][2 * (lane % 4) + i % 2];
            out[i] = sum;
        }
    }
}

static inline void iad_mma_bf16(float d[4], const unsigned a[4], unsigned b0, unsigned b1) {
    sim_mma_in in = {{a[0], a[1], a[2], a[3]}, {b0, b1}, {d[0], d[1], d[2], d[3]}};
    sim_warp("mma", sim_mma_combine, &in, d);
}

static inline void sim_ldmatrix(sim_warp_call *call, int transposed) {
    for (int lane = 0; lane < SIM_WARP; lane++)
        if (call->in[lane] == nullptr || (uintptr_t)call->in[lane] % 16 != 0) sim_fault("ldmatrix with a lane missing or a row not at 16 bytes");
    for (int lane = 0; lane < SIM_WARP; lane++)
        for (int i = 0; i < 4; i++) {
            int g = lane / 4, t = lane % 4;
            unsigned half[2];
            for (int h = 0; h < 2; h++) {
                int row = transposed ? 2 * t + h : g, col = transposed ? g : 2 * t + h;
                half[h] = ((const uint16_t *)call->in[8 * i + row])[col];
            }
            ((unsigned *)call->out[lane])[i] = half[0] | half[1] << 16;
        }
}
static inline void sim_ldmatrix_plain(sim_warp_call *call) { sim_ldmatrix(call, 0); }
static inline void sim_ldmatrix_turned(sim_warp_call *call) { sim_ldmatrix(call, 1); }

static inline void iad_ldmatrix4(unsigned r[4], const void *row) { sim_warp("ldmatrix", sim_ldmatrix_plain, row, r); }
static inline void iad_ldmatrix4_trans(unsigned r[4], const void *row) { sim_warp("ldmatrix.trans", sim_ldmatrix_turned, row, r); }

/* Copies on their way, of every thread of the running block. */
struct sim_copy {
    unsigned thread;
    void *to;
    const void *from;
};
static inline std::vector<sim_copy> *sim_copies(void) {
    static thread_local std::vector<sim_copy> copies;
    return &copies;
}
static inline void iad_copy16(void *shared, const void *device) {
    if ((uintptr_t)shared % 16 != 0 || (uintptr_t)device % 16 != 0) sim_fault("cp.async at an address that is no multiple of 16");
    sim_copies()->push_back({threadIdx.x, shared, device});
}
static inline void iad_copy_wait(void) {
    std::vector<sim_copy> *copies = sim_copies();
    size_t kept = 0;
    for (size_t i = 0; i < copies->size(); i++) {
        sim_copy c = (*copies)[i];
        if (c.thread == threadIdx.x) memcpy(c.to, c.from, 16);
        else (*copies)[kept++] = c;
    }
    copies->resize(kept);
}

static inline float iad_exp2(float x) {
    float y = exp2f(x);
    return y < 1.17549435e-38f ? 0.0f : y;
}

#endif
