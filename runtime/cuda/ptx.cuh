/* The instructions of the card that C++ has no words for, and nothing else. The simulator has its own (tests/cudasim/shadow).
 *
 * Layouts (PTX manual, mma.m16n8k16 and ldmatrix), lane = 4 g + t: a register holds two bf16 of neighbouring columns, the lower column in
 * the lower half. All functions but iad_exp2 and the copies are for whole converged warps. */
#ifndef IAD_CUDA_PTX_CUH
#define IAD_CUDA_PTX_CUH

#include "runtime/cuda/cuda_base.cuh"

/* d [16][8] += a [16][16] b [16][8], bf16 with f32 sums. a: rows g, g + 8 at columns 2t, then the same at columns 2t + 8. b0, b1: rows
 * 2t and 2t + 8 (and the next) of column g. d: row g at columns 2t, 2t + 1, then row g + 8. */
__device__ __forceinline__ void iad_mma_bf16(float d[4], const unsigned a[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* Four 8x8 matrices of bf16 in shared memory; lane 8 i + j brings the address of row j of matrix i (a multiple of 16 bytes). r[i]: row g
 * at columns 2t of matrix i; transposed: rows 2t at column g. */
__device__ __forceinline__ void iad_ldmatrix4(unsigned r[4], const void *row) {
    unsigned at = (unsigned)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}
__device__ __forceinline__ void iad_ldmatrix4_trans(unsigned r[4], const void *row) {
    unsigned at = (unsigned)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}

/* 16 bytes from device to shared memory past the registers, both at multiples of 16. They are there after iad_copy_wait by the thread that
 * asked, and after a barrier for the others. */
__device__ __forceinline__ void iad_copy16(void *shared, const void *device) {
    unsigned at = (unsigned)__cvta_generic_to_shared(shared);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" : : "r"(at), "l"(device) : "memory");
}
__device__ __forceinline__ void iad_copy_wait(void) { asm volatile("cp.async.wait_all;" : : : "memory"); }

/* 2^x within 2 units in the last place; results below the normal range are 0. */
__device__ __forceinline__ float iad_exp2(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

#endif
