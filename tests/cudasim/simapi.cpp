/* CUDA's runtime on the processor: everything is done when the call returns, in the order of the calls. */
#include <stdlib.h>
#include <time.h>

#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "tests/cudasim/cudasim.h"
#include "tests/cudasim/shadow/cuda_runtime.h"

typedef std::vector<std::function<void()>> sim_work;
struct sim_stream {
    sim_work *recording; /* a graph, or NULL */
};
struct sim_event {
    double at;
};
struct sim_graph {
    sim_work work;
};
struct sim_graph_exec {
    sim_work work;
};

namespace {
enum { CARDS = 2 };
struct block {
    size_t bytes;
    int card;
    cudaMemoryType type;
};
std::mutex lock;
std::map<const char *, block> blocks; /* by address */
size_t held[CARDS], limit = (size_t)4 << 30;
int major_number = 9, minor_number = 0;
const char *fail_function;
int fail_skip;
cudaError_t fail_code;
std::atomic<size_t> launches, copied;
thread_local int card;
thread_local cudaError_t last;

struct error_name {
    cudaError_t code;
    const char *name, *text;
};
const error_name names[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver", "the driver is too old"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no card"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid card"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice", "no code for this card"},
    {cudaErrorDevicesUnavailable, "cudaErrorDevicesUnavailable", "card busy"},
    {cudaErrorECCUncorrectable, "cudaErrorECCUncorrectable", "broken memory"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported", "not while a graph is recorded"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated", "the recording failed"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

cudaError_t fails(const char *function) {
    std::lock_guard<std::mutex> guard(lock);
    if (fail_function == nullptr || strcmp(fail_function, function) != 0 || fail_skip-- > 0) return cudaSuccess;
    fail_function = nullptr;
    return last = fail_code;
}
#define MAY_FAIL()                                \
    do {                                          \
        cudaError_t sim_code = fails(__func__);   \
        if (sim_code != cudaSuccess) return sim_code; \
    } while (0)

cudaError_t give(void **data, size_t bytes, cudaMemoryType type) {
    *data = nullptr;
    std::lock_guard<std::mutex> guard(lock);
    if (type != cudaMemoryTypeHost && (bytes > limit || held[card] + bytes > limit)) return last = cudaErrorMemoryAllocation;
    if (bytes > (size_t)64 << 30 || posix_memalign(data, 256, bytes > 0 ? bytes : 1) != 0) return last = cudaErrorMemoryAllocation;
    memset(*data, 0xff, bytes < 4096 ? bytes : 4096); /* not zeros by chance; a whole fill would touch every page */
    blocks[(char *)*data] = {bytes, card, type};
    if (type != cudaMemoryTypeHost) held[card] += bytes;
    return cudaSuccess;
}

cudaError_t take(void *data) {
    if (data == nullptr) return cudaSuccess;
    std::lock_guard<std::mutex> guard(lock);
    auto at = blocks.find((char *)data);
    if (at == blocks.end()) return last = cudaErrorInvalidValue;
    if (at->second.type != cudaMemoryTypeHost) held[at->second.card] -= at->second.bytes;
    blocks.erase(at);
    free(data);
    return cudaSuccess;
}
} // namespace

extern "C" void iad_cudasim_memory_set(size_t bytes) { limit = bytes; }
extern "C" void iad_cudasim_capability_set(int major, int minor) {
    major_number = major;
    minor_number = minor;
}
extern "C" void iad_cudasim_fail(const char *function, int skip, const char *error) {
    std::lock_guard<std::mutex> guard(lock);
    fail_function = function;
    fail_skip = skip;
    fail_code = cudaErrorUnknown;
    for (const error_name &n : names)
        if (error != nullptr && strcmp(n.name, error) == 0) fail_code = n.code;
}
extern "C" size_t iad_cudasim_launches(void) { return launches; }
extern "C" size_t iad_cudasim_copied(void) { return copied; }

const char *cudaGetErrorName(cudaError_t code) {
    for (const error_name &n : names)
        if (n.code == code) return n.name;
    return "cudaErrorOther";
}
const char *cudaGetErrorString(cudaError_t code) {
    for (const error_name &n : names)
        if (n.code == code) return n.text;
    return "another error";
}
cudaError_t cudaGetLastError(void) {
    cudaError_t code = last;
    last = cudaSuccess;
    return code;
}
cudaError_t cudaPeekAtLastError(void) { return last; }

/* ---- cards ---- */
cudaError_t cudaGetDeviceCount(int *count) {
    *count = 0;
    MAY_FAIL();
    *count = CARDS;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
    MAY_FAIL();
    if (device < 0 || device >= CARDS) return last = cudaErrorInvalidDevice;
    card = device;
    return cudaSuccess;
}
cudaError_t cudaGetDevice(int *device) {
    *device = card;
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *prop, int device) {
    MAY_FAIL();
    if (device < 0 || device >= CARDS) return last = cudaErrorInvalidDevice;
    memset(prop, 0, sizeof *prop);
    memcpy(prop->name, "simulated card", sizeof "simulated card");
    prop->major = major_number;
    prop->minor = minor_number;
    prop->multiProcessorCount = 4;
    prop->warpSize = SIM_WARP;
    prop->l2CacheSize = 50 << 20;
    prop->maxThreadsPerBlock = SIM_MAX_THREADS;
    prop->totalGlobalMem = limit;
    prop->sharedMemPerBlock = 48 << 10;
    prop->sharedMemPerBlockOptin = SIM_SHARED_MAX;
    prop->sharedMemPerMultiprocessor = 228 << 10;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attr, int) {
    *value = attr == cudaDevAttrMultiProcessorCount             ? 4
             : attr == cudaDevAttrComputeCapabilityMajor        ? major_number
             : attr == cudaDevAttrComputeCapabilityMinor        ? minor_number
             : attr == cudaDevAttrMaxSharedMemoryPerBlockOptin ? (int)SIM_SHARED_MAX
                                                                : 1000000;
    return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize(void) { return cudaSuccess; }
cudaError_t cudaDriverGetVersion(int *version) {
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int *version) {
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int *can, int, int) {
    *can = 1;
    return cudaSuccess;
}

/* ---- memory ---- */
cudaError_t cudaMalloc(void **data, size_t bytes) {
    MAY_FAIL();
    return give(data, bytes, cudaMemoryTypeDevice);
}
cudaError_t cudaFree(void *data) { return take(data); }
cudaError_t cudaMallocHost(void **data, size_t bytes) {
    MAY_FAIL();
    return give(data, bytes, cudaMemoryTypeHost);
}
cudaError_t cudaHostAlloc(void **data, size_t bytes, unsigned) { return cudaMallocHost(data, bytes); }
cudaError_t cudaFreeHost(void *data) { return take(data); }
cudaError_t cudaMallocManaged(void **data, size_t bytes, unsigned) { return give(data, bytes, cudaMemoryTypeManaged); }
cudaError_t cudaHostRegister(void *, size_t, unsigned) { return cudaSuccess; }
cudaError_t cudaHostUnregister(void *) { return cudaSuccess; }
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total) {
    MAY_FAIL();
    std::lock_guard<std::mutex> guard(lock);
    *free_bytes = limit > held[card] ? limit - held[card] : 0;
    *total = limit;
    return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *attributes, const void *data) {
    std::lock_guard<std::mutex> guard(lock);
    memset(attributes, 0, sizeof *attributes);
    auto at = blocks.upper_bound((const char *)data);
    if (at == blocks.begin()) return cudaSuccess;
    --at;
    if ((const char *)data >= at->first + at->second.bytes) return cudaSuccess;
    attributes->type = at->second.type;
    attributes->device = at->second.card;
    return cudaSuccess;
}

void sim_enqueue(cudaStream_t stream, const std::function<void()> &work) {
    if (stream != nullptr && stream->recording != nullptr) stream->recording->push_back(work);
    else work();
}
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
    MAY_FAIL();
    copied += bytes;
    sim_enqueue(stream, [=] { memmove(to, from, bytes); });
    return cudaSuccess;
}
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) { return cudaMemcpyAsync(to, from, bytes, kind, nullptr); }
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, cudaMemcpyKind,
                              cudaStream_t stream) {
    MAY_FAIL();
    if (width > to_pitch || width > from_pitch) return last = cudaErrorInvalidValue;
    copied += width * height;
    sim_enqueue(stream, [=] {
        for (size_t r = 0; r < height; r++) memmove((char *)to + r * to_pitch, (const char *)from + r * from_pitch, width);
    });
    return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void *data, int value, size_t bytes, cudaStream_t stream) {
    MAY_FAIL();
    sim_enqueue(stream, [=] { memset(data, value, bytes); });
    return cudaSuccess;
}
cudaError_t cudaMemset(void *data, int value, size_t bytes) { return cudaMemsetAsync(data, value, bytes, nullptr); }

/* ---- streams, events, graphs ---- */
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
    MAY_FAIL();
    *stream = new sim_stream{nullptr};
    return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithFlags(stream, 0); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream->recording;
    delete stream;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    MAY_FAIL();
    return stream != nullptr && stream->recording != nullptr ? (last = cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    MAY_FAIL();
    if (stream->recording != nullptr) return last = cudaErrorStreamCaptureUnsupported;
    stream->recording = new sim_work;
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    MAY_FAIL();
    if (stream->recording == nullptr) return last = cudaErrorStreamCaptureInvalidated;
    *graph = new sim_graph{*stream->recording};
    delete stream->recording;
    stream->recording = nullptr;
    return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status) {
    *status = stream != nullptr && stream->recording != nullptr ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
    MAY_FAIL();
    *event = new sim_event{0};
    return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    event->at = (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to) {
    *ms = (float)(to->at - from->at);
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
    MAY_FAIL();
    *exec = new sim_graph_exec{graph->work};
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    MAY_FAIL();
    sim_work *work = &exec->work;
    sim_enqueue(stream, [work] {
        for (const std::function<void()> &w : *work) w();
    });
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    delete exec;
    return cudaSuccess;
}

cudaError_t sim_launch(cudaStream_t stream, const char *name, dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()> &body) {
    size_t threads = (size_t)block.x * block.y * block.z;
    if (threads == 0 || threads > SIM_MAX_THREADS || block.z > 64 || grid.x > INT32_MAX || grid.y > 65535 || grid.z > 65535 || shared_bytes >
        SIM_SHARED_MAX)
        return last = cudaErrorInvalidConfiguration;
    launches++;
    sim_enqueue(stream, [=] { sim_run(name, grid, block, shared_bytes, body); });
    return cudaSuccess;
}
