/* The part of CUDA's runtime that the tree uses, on the processor (tests/cudasim/simapi.cpp). Numbers of enumerators are this header's own. */
#ifndef IAD_CUDASIM_CUDA_RUNTIME_H
#define IAD_CUDASIM_CUDA_RUNTIME_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/cudasim/simcore.hpp"

/* ---- the language ---- */
#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __shared__ static __thread /* blocks of one launch run one after the other on one thread */
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct float3 { float x, y, z; };
struct uchar3 { unsigned char x, y, z; };
struct alignas(4) uchar4 { unsigned char x, y, z, w; };
struct alignas(4) char4 { signed char x, y, z, w; };
struct alignas(4) ushort2 { unsigned short x, y; };
struct alignas(8) ushort4 { unsigned short x, y, z, w; };
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline int2 make_int2(int x, int y) { return {x, y}; }
static inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static inline double2 make_double2(double x, double y) { return {x, y}; }
static inline char4 make_char4(signed char x, signed char y, signed char z, signed char w) { return {x, y, z, w}; }
static inline uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) { return {x, y, z, w}; }
static inline ushort4 make_ushort4(unsigned short x, unsigned short y, unsigned short z, unsigned short w) { return {x, y, z, w}; }

enum { warpSize = SIM_WARP };

/* ---- functions of kernels ---- */
#define SIM_FULL 0xffffffffu
static inline void sim_full(unsigned mask) {
    if (mask != SIM_FULL) sim_fault("an operation of part of a warp");
}
static inline void __syncthreads(void) { (void)sim_block("__syncthreads", 0); }
static inline int __syncthreads_count(int p) { return sim_block("__syncthreads_count", p); }
static inline int __syncthreads_or(int p) { return sim_block("__syncthreads_or", p) != 0; }
static inline int __syncthreads_and(int p) { return sim_block("__syncthreads_and", !p) == 0; }
static inline void sim_nothing(sim_warp_call *) {}
static inline void __syncwarp(unsigned mask = SIM_FULL) {
    sim_full(mask);
    sim_warp("__syncwarp", sim_nothing, "", nullptr);
}
static inline void __threadfence(void) {}
static inline void __threadfence_block(void) {}

enum sim_shuffle_kind { SIM_SHUFFLE, SIM_SHUFFLE_XOR, SIM_SHUFFLE_UP, SIM_SHUFFLE_DOWN };
template <typename T> struct sim_shuffled {
    T value;
    int arg, width;
};
template <typename T, int KIND> void sim_shuffle(sim_warp_call *call) {
    for (int lane = 0; lane < SIM_WARP; lane++) {
        if (call->out[lane] == nullptr) continue;
        const sim_shuffled<T> *in = (const sim_shuffled<T> *)call->in[lane];
        int first = lane / in->width * in->width, from = lane;
        if (KIND == SIM_SHUFFLE) from = first + in->arg % in->width;
        if (KIND == SIM_SHUFFLE_XOR) from = lane ^ in->arg;
        if (KIND == SIM_SHUFFLE_UP) from = lane - in->arg < first ? lane : lane - in->arg;
        if (KIND == SIM_SHUFFLE_DOWN) from = lane + in->arg >= first + in->width ? lane : lane + in->arg;
        if (KIND == SIM_SHUFFLE_XOR && from >= first + in->width) from = lane;
        if (from < 0 || from >= SIM_WARP || call->in[from] == nullptr) sim_fault("a shuffle reads a lane that is not there");
        *(T *)call->out[lane] = ((const sim_shuffled<T> *)call->in[from])->value;
    }
}
template <typename T, int KIND> static inline T sim_do_shuffle(unsigned mask, T value, int arg, int width) {
    sim_full(mask);
    sim_shuffled<T> in = {value, arg, width};
    T out;
    sim_warp("shuffle", sim_shuffle<T, KIND>, &in, &out);
    return out;
}
template <typename T> static inline T __shfl_sync(unsigned mask, T v, int lane, int width = SIM_WARP) {
    return sim_do_shuffle<T, SIM_SHUFFLE>(mask, v, lane, width);
}
template <typename T> static inline T __shfl_xor_sync(unsigned mask, T v, int bits, int width = SIM_WARP) {
    return sim_do_shuffle<T, SIM_SHUFFLE_XOR>(mask, v, bits, width);
}
template <typename T> static inline T __shfl_up_sync(unsigned mask, T v, int by, int width = SIM_WARP) {
    return sim_do_shuffle<T, SIM_SHUFFLE_UP>(mask, v, by, width);
}
template <typename T> static inline T __shfl_down_sync(unsigned mask, T v, int by, int width = SIM_WARP) {
    return sim_do_shuffle<T, SIM_SHUFFLE_DOWN>(mask, v, by, width);
}
static inline void sim_ballot(sim_warp_call *call) {
    unsigned bits = 0;
    for (int lane = 0; lane < SIM_WARP; lane++)
        if (call->in[lane] != nullptr && *(const int *)call->in[lane] != 0) bits |= 1u << lane;
    for (int lane = 0; lane < SIM_WARP; lane++)
        if (call->out[lane] != nullptr) *(unsigned *)call->out[lane] = bits;
}
static inline unsigned __ballot_sync(unsigned mask, int p) {
    unsigned out;
    sim_full(mask);
    sim_warp("ballot", sim_ballot, &p, &out);
    return out;
}
static inline int __any_sync(unsigned mask, int p) { return __ballot_sync(mask, p) != 0; }
static inline int __all_sync(unsigned mask, int p) { return __ballot_sync(mask, !p) == 0; }
static inline unsigned __activemask(void) { sim_fault("which lanes are active is no firm ground"); }

/* Integers only: sums of floats would depend on the order. */
static inline int atomicAdd(int *at, int v) { int old = *at; *at += v; return old; }
static inline unsigned atomicAdd(unsigned *at, unsigned v) { unsigned old = *at; *at += v; return old; }
static inline unsigned long long atomicAdd(unsigned long long *at, unsigned long long v) { unsigned long long old = *at; *at += v; return old; }
static inline int atomicMax(int *at, int v) { int old = *at; *at = old > v ? old : v; return old; }
static inline unsigned atomicMax(unsigned *at, unsigned v) { unsigned old = *at; *at = old > v ? old : v; return old; }
static inline int atomicMin(int *at, int v) { int old = *at; *at = old < v ? old : v; return old; }
static inline unsigned atomicOr(unsigned *at, unsigned v) { unsigned old = *at; *at |= v; return old; }
static inline int atomicExch(int *at, int v) { int old = *at; *at = v; return old; }
static inline unsigned atomicInc(unsigned *at, unsigned top) { unsigned old = *at; *at = old >= top ? 0 : old + 1; return old; }

template <typename T> static inline T __ldg(const T *at) { return *at; }
template <typename T> static inline T __ldcs(const T *at) { return *at; }
template <typename T> static inline void __stcs(T *at, T v) { *at = v; }

static inline unsigned __float_as_uint(float v) { unsigned u; memcpy(&u, &v, sizeof u); return u; }
static inline int __float_as_int(float v) { int u; memcpy(&u, &v, sizeof u); return u; }
static inline float __uint_as_float(unsigned v) { float f; memcpy(&f, &v, sizeof f); return f; }
static inline float __int_as_float(int v) { float f; memcpy(&f, &v, sizeof f); return f; }
static inline long long __double_as_longlong(double v) { long long u; memcpy(&u, &v, sizeof u); return u; }
static inline double __longlong_as_double(long long v) { double f; memcpy(&f, &v, sizeof f); return f; }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fsqrt_rn(float a) { return sqrtf(a); }
static inline float __frcp_rn(float a) { return 1.0f / a; }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
static inline float __int2float_rn(int v) { return (float)v; }
static inline int __float2int_rn(float v) { return v != v ? 0 : v >= 2147483648.0f ? INT32_MAX : v < -2147483648.0f ? INT32_MIN : (int)rintf(v); }
static inline float __double2float_rn(double v) { return (float)v; }
static inline float rsqrtf(float v) { return (float)(1.0 / sqrt((double)v)); }
static inline int __popc(unsigned v) { return __builtin_popcount(v); }
static inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz((unsigned)v); }
static inline int __ffs(int v) { return __builtin_ffs(v); }
static inline unsigned __brev(unsigned v) { unsigned r = 0; for (int i = 0; i < 32; i++) r |= (v >> i & 1) << (31 - i); return r; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }
static inline int __dp4a(int a, int b, int c) {
    for (int i = 0; i < 4; i++) c += (int)(int8_t)(a >> 8 * i) * (int)(int8_t)(b >> 8 * i);
    return c;
}
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }
static inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
static inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
static inline long min(long a, long b) { return a < b ? a : b; }
static inline long max(long a, long b) { return a > b ? a : b; }
static inline long long min(long long a, long long b) { return a < b ? a : b; }
static inline long long max(long long a, long long b) { return a > b ? a : b; }
static inline float min(float a, float b) { return fminf(a, b); }
static inline float max(float a, float b) { return fmaxf(a, b); }

/* ---- the host's side ---- */
typedef enum cudaError {
    cudaSuccess,
    cudaErrorInvalidValue,
    cudaErrorMemoryAllocation,
    cudaErrorInitializationError,
    cudaErrorInsufficientDriver,
    cudaErrorNoDevice,
    cudaErrorInvalidDevice,
    cudaErrorInvalidConfiguration,
    cudaErrorInvalidMemcpyDirection,
    cudaErrorNoKernelImageForDevice,
    cudaErrorDevicesUnavailable,
    cudaErrorSystemDriverMismatch,
    cudaErrorSystemNotReady,
    cudaErrorECCUncorrectable,
    cudaErrorIllegalAddress,
    cudaErrorLaunchFailure,
    cudaErrorLaunchTimeout,
    cudaErrorMisalignedAddress,
    cudaErrorIllegalInstruction,
    cudaErrorHardwareStackError,
    cudaErrorInvalidPc,
    cudaErrorAssert,
    cudaErrorNotReady,
    cudaErrorNotSupported,
    cudaErrorPeerAccessAlreadyEnabled,
    cudaErrorStreamCaptureUnsupported,
    cudaErrorStreamCaptureInvalidated,
    cudaErrorUnknown
} cudaError_t;
const char *cudaGetErrorName(cudaError_t code);
const char *cudaGetErrorString(cudaError_t code);
cudaError_t cudaGetLastError(void);
cudaError_t cudaPeekAtLastError(void);

struct cudaDeviceProp {
    char name[256];
    int major, minor, multiProcessorCount, warpSize, l2CacheSize, maxThreadsPerBlock, regsPerMultiprocessor, ECCEnabled;
    size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor;
};
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount, cudaDevAttrComputeCapabilityMajor, cudaDevAttrComputeCapabilityMinor,
                      cudaDevAttrMaxSharedMemoryPerBlockOptin, cudaDevAttrClockRate, cudaDevAttrMemoryClockRate, cudaDevAttrGlobalMemoryBusWidth };
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *prop, int device);
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attr, int device);
cudaError_t cudaDeviceSynchronize(void);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer);

enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault };
enum cudaMemoryType { cudaMemoryTypeUnregistered, cudaMemoryTypeHost, cudaMemoryTypeDevice, cudaMemoryTypeManaged };
struct cudaPointerAttributes {
    cudaMemoryType type;
    int device;
    void *devicePointer, *hostPointer;
};
typedef struct sim_stream *cudaStream_t;
typedef struct sim_event *cudaEvent_t;
typedef struct sim_graph *cudaGraph_t;
typedef struct sim_graph_exec *cudaGraphExec_t;
enum { cudaHostAllocDefault = 0, cudaHostAllocPortable = 1, cudaHostAllocMapped = 2, cudaHostRegisterDefault = 0, cudaMemAttachGlobal = 1 };
cudaError_t cudaMalloc(void **data, size_t bytes);
template <typename T> static inline cudaError_t cudaMalloc(T **data, size_t bytes) { return cudaMalloc((void **)(void *)data, bytes); }
cudaError_t cudaFree(void *data);
cudaError_t cudaMallocHost(void **data, size_t bytes);
cudaError_t cudaHostAlloc(void **data, size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void *data);
cudaError_t cudaMallocManaged(void **data, size_t bytes, unsigned flags = cudaMemAttachGlobal);
cudaError_t cudaHostRegister(void *data, size_t bytes, unsigned flags);
cudaError_t cudaHostUnregister(void *data);
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total);
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *attributes, const void *data);
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream = nullptr);
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void *data, int value, size_t bytes);
cudaError_t cudaMemsetAsync(void *data, int value, size_t bytes, cudaStream_t stream = nullptr);

enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed };
enum cudaStreamCaptureStatus { cudaStreamCaptureStatusNone, cudaStreamCaptureStatusActive, cudaStreamCaptureStatusInvalidated };
cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize, cudaFuncAttributePreferredSharedMemoryCarveout };
static inline cudaError_t cudaFuncSetAttribute(const void *, cudaFuncAttribute, int) { return cudaSuccess; }

/* What a launch does here; also how other parts of the simulator join a stream: at once, or into the graph that it records. */
cudaError_t sim_launch(cudaStream_t stream, const char *name, dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()> &body);
void sim_enqueue(cudaStream_t stream, const std::function<void()> &work);

#endif
