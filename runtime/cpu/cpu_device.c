#include "runtime/cpu/cpu_device.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

typedef struct cpu_device {
    iad_device base;
    int threads;
    iad_cpu_isa isa;
    int has_bf16, has_vnni, has_amx;
    atomic_size_t now, peak;
} cpu_device;

typedef struct cpu_queue {
    iad_queue base;
    void *scratch[IAD_CPU_SCRATCH_SLOTS];
    size_t size[IAD_CPU_SCRATCH_SLOTS];
} cpu_queue;

/* In front of every block; the block begins one cache line later. */
typedef struct block_head {
    size_t bytes;    /* counted: as asked for, plus this line */
    void *mapping;   /* NULL: heap */
    size_t mapped;
} block_head;

enum { HEAD = 64 };
static const size_t HUGE_PAGE = (size_t)2 << 20;

static const cpu_device *of(const iad_device *device) { return (const cpu_device *)device; }

int iad_cpu_threads(const iad_device *device) { return of(device)->threads; }
iad_cpu_isa iad_cpu_isa_of(const iad_device *device) { return of(device)->isa; }
int iad_cpu_has_bf16(const iad_device *device) { return of(device)->has_bf16; }
int iad_cpu_has_vnni(const iad_device *device) { return of(device)->has_vnni; }
int iad_cpu_has_amx(const iad_device *device) { return of(device)->has_amx; }

/* ---- processor ---- */

static int have_avx2(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

static int have_avx512(void) {
#if defined(__x86_64__)
    return have_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

static int have_bf16(void) {
#if defined(__x86_64__)
    return have_avx512() && __builtin_cpu_supports("avx512bf16");
#else
    return 0;
#endif
}

static int have_vnni(void) {
#if defined(__x86_64__)
    return have_avx512() && __builtin_cpu_supports("avx512vnni");
#else
    return 0;
#endif
}

static int have_amx(void) { return have_bf16() && iad_cpu_amx_permit(); }

static int processors(void) {
    cpu_set_t set;
    long n = 0;
    if (sched_getaffinity(0, sizeof set, &set) == 0) n = CPU_COUNT(&set);
    if (n < 1) n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1) n = 1;
    return n > IAD_CPU_MAX_THREADS ? IAD_CPU_MAX_THREADS : (int)n;
}

/* ---- devices ---- */

static cpu_device *device_make(const iad_ops *ops, int threads, iad_cpu_isa isa) {
    cpu_device *device = iad_calloc(1, sizeof *device);
    if (device == NULL) return NULL;
    device->base.ops = ops;
    device->threads = threads;
    device->has_amx = isa == IAD_CPU_AMX;
    device->isa = isa == IAD_CPU_AMX ? IAD_CPU_AVX512 : isa;
    device->has_bf16 = device->isa == IAD_CPU_AVX512 && have_bf16();
    device->has_vnni = device->isa == IAD_CPU_AVX512 && have_vnni();
    atomic_init(&device->now, 0);
    atomic_init(&device->peak, 0);
    return device;
}

iad_status iad_device_cpu_new(int threads, iad_cpu_isa isa, iad_device **device, iad_err *err) {
    *device = NULL;
    if (threads < 0 || threads > IAD_CPU_MAX_THREADS)
        return IAD_FAIL(err, IAD_ERR_ARG, "threads: %d is outside 0..%d", threads, IAD_CPU_MAX_THREADS);
    if (threads == 0) threads = processors();
    switch (isa) {
    case IAD_CPU_AUTO:
        isa = have_amx() ? IAD_CPU_AMX : have_avx512() ? IAD_CPU_AVX512 : have_avx2() ? IAD_CPU_AVX2 : IAD_CPU_PLAIN;
        break;
    case IAD_CPU_PLAIN:
        break;
    case IAD_CPU_AVX2:
        if (!have_avx2()) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "this processor has no AVX2 with FMA");
        break;
    case IAD_CPU_AVX512:
        if (!have_avx512()) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "this processor has no AVX-512 (F, BW, DQ, VL)");
        break;
    case IAD_CPU_AMX:
        if (!have_amx()) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "this processor has no AMX for bf16, or the system does not allow it");
        break;
    default:
        return IAD_FAIL(err, IAD_ERR_ARG, "instruction set: no such value %d", (int)isa);
    }
    cpu_device *made = device_make(&iad_ops_cpu, threads, isa);
    if (made == NULL) return IAD_NOMEM(err, "the CPU device");
    *device = &made->base;
    return IAD_OK;
}

iad_status iad_device_reference_new(iad_device **device, iad_err *err) {
    cpu_device *made = device_make(&iad_ops_reference, 1, IAD_CPU_PLAIN);
    *device = made != NULL ? &made->base : NULL;
    return made != NULL ? IAD_OK : IAD_NOMEM(err, "the reference device");
}

void iad_cpu_device_free(iad_device *device) { free((cpu_device *)device); }

void iad_cpu_device_memory(const iad_device *device, iad_device_memory *memory) {
    memory->now = atomic_load_explicit(&of(device)->now, memory_order_relaxed);
    memory->peak = atomic_load_explicit(&of(device)->peak, memory_order_relaxed);
}

/* ---- memory ---- */

static void count_more(cpu_device *device, size_t bytes) {
    size_t now = atomic_fetch_add_explicit(&device->now, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&device->peak, memory_order_relaxed);
    while (peak < now && !atomic_compare_exchange_weak_explicit(&device->peak, &peak, now, memory_order_relaxed,
                                                                memory_order_relaxed)) {
    }
}

void *iad_cpu_alloc(iad_device *device, size_t bytes) {
    if (bytes > SIZE_MAX / 2) return NULL;
    block_head head = {.bytes = bytes + HEAD};
    char *begin;
    if (head.bytes < HUGE_PAGE) {
        begin = iad_alloc_aligned(1, (head.bytes + HEAD - 1) & ~(size_t)(HEAD - 1));
        if (begin == NULL) return NULL;
    } else {
        /* One huge page more than needed, so that the block can start on a boundary of them. */
        head.mapped = ((head.bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1)) + HUGE_PAGE;
        head.mapping = mmap(NULL, head.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (head.mapping == MAP_FAILED) return NULL;
        begin = (char *)head.mapping + (HUGE_PAGE - (uintptr_t)head.mapping % HUGE_PAGE) % HUGE_PAGE;
        (void)madvise(begin, head.mapped - HUGE_PAGE, MADV_HUGEPAGE); /* a wish: small pages are as correct */
    }
    memcpy(begin, &head, sizeof head);
    count_more((cpu_device *)device, head.bytes);
    return begin + HEAD;
}

void iad_cpu_release(iad_device *device, void *data) {
    if (data == NULL) return;
    char *begin = (char *)data - HEAD;
    block_head head;
    memcpy(&head, begin, sizeof head);
    atomic_fetch_sub_explicit(&((cpu_device *)device)->now, head.bytes, memory_order_relaxed);
    if (head.mapping == NULL) free(begin);
    else (void)munmap(head.mapping, head.mapped);
}

iad_status iad_cpu_scratch(iad_queue *queue, int slot, size_t bytes, void **data, iad_err *err) {
    cpu_queue *q = (cpu_queue *)queue;
    if (slot < 0 || slot >= IAD_CPU_SCRATCH_SLOTS) return IAD_FAIL(err, IAD_ERR_INTERNAL, "scratch slot %d", slot);
    if (bytes > q->size[slot]) {
        iad_cpu_release(queue->device, q->scratch[slot]);
        q->size[slot] = 0;
        q->scratch[slot] = iad_cpu_alloc(queue->device, bytes);
        if (q->scratch[slot] == NULL) return IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for %zu bytes of scratch", bytes);
        q->size[slot] = bytes;
    }
    *data = q->scratch[slot];
    return IAD_OK;
}

/* ---- ops that do not compute ---- */

iad_status iad_cpu_op_alloc(iad_device *device, size_t bytes, void **data, iad_err *err) {
    *data = iad_cpu_alloc(device, bytes);
    return *data != NULL ? IAD_OK : IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for %zu bytes", bytes);
}

iad_status iad_cpu_op_borrow(iad_device *device, const void *host, size_t bytes, void **data, iad_err *err) {
    (void)device;
    (void)err;
    (void)bytes;
    *data = (void *)(uintptr_t)host; /* only ever read through */
    return IAD_OK;
}

void iad_cpu_op_unborrow(iad_device *device, void *data) {
    (void)device;
    (void)data;
}

iad_status iad_cpu_op_queue_new(iad_device *device, iad_queue **queue, iad_err *err) {
    cpu_queue *made = iad_calloc(1, sizeof *made);
    *queue = NULL;
    if (made == NULL) return IAD_NOMEM(err, "a queue");
    made->base.ops = device->ops;
    made->base.device = device;
    *queue = &made->base;
    return IAD_OK;
}

void iad_cpu_op_queue_free(iad_queue *queue) {
    if (queue == NULL) return;
    cpu_queue *q = (cpu_queue *)queue;
    for (int i = 0; i < IAD_CPU_SCRATCH_SLOTS; i++) iad_cpu_release(queue->device, q->scratch[i]);
    free(q);
}

iad_status iad_cpu_op_upload(iad_queue *queue, void *data, const void *host, size_t bytes, iad_err *err) {
    (void)queue;
    (void)err;
    if (bytes > 0) memcpy(data, host, bytes);
    return IAD_OK;
}

iad_status iad_cpu_op_download(iad_queue *queue, void *host, const void *data, size_t bytes, iad_err *err) {
    (void)queue;
    (void)err;
    if (bytes > 0) memcpy(host, data, bytes);
    return IAD_OK;
}

iad_status iad_cpu_op_zero(iad_queue *queue, void *data, size_t bytes, iad_err *err) {
    (void)queue;
    (void)err;
    if (bytes > 0) memset(data, 0, bytes);
    return IAD_OK;
}
