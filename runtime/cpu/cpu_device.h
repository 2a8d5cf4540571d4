/* What the ops of the CPU and of the reference device share: threads, instruction set, memory, scratch.
 *
 * Parallel loops are OpenMP with an explicit team: `#pragma omp parallel for num_threads(threads)` where threads is 1 below a
 * threshold of work (a single row must not pay for waking the team) and iad_cpu_threads(device) above it. Work is cut by size and
 * thread number only, never by arrival (schedule(static), or pieces whose results do not depend on who computes them). */
#ifndef IAD_CPU_DEVICE_H
#define IAD_CPU_DEVICE_H

#include "runtime/device.h"

enum {
    IAD_CPU_MAX_THREADS = 256,
    IAD_CPU_SCRATCH_MATMUL = 0,  /* slots 0..3: linear layers */
    IAD_CPU_SCRATCH_OPS = 4,     /* slots 4..7: everything else */
    IAD_CPU_SCRATCH_SLOTS = 8
};

/* Size of the team, >= 1 (the reference device: 1). */
int iad_cpu_threads(const iad_device *device);
/* Resolved: never IAD_CPU_AUTO, and IAD_CPU_AVX512 for IAD_CPU_AMX (the reference device: IAD_CPU_PLAIN). */
iad_cpu_isa iad_cpu_isa_of(const iad_device *device);
/* 1 when the isa is IAD_CPU_AVX512 and the processor has VDPBF16PS / VPDPBUSD besides. */
int iad_cpu_has_bf16(const iad_device *device);
int iad_cpu_has_vnni(const iad_device *device);
/* 1 for IAD_CPU_AMX, also when IAD_CPU_AUTO chose it: all bf16 products are made of tiles, whatever their number of rows. */
int iad_cpu_has_amx(const iad_device *device);

/* 1 when compiler, processor and system know AMX and the system now lets this process use it; any thread, any number of times. */
int iad_cpu_amx_permit(void);

/* Scratch of a queue: *data has at least `bytes` bytes, 64-byte aligned, contents undefined. It grows only, and stays valid until
 * the next call for the same slot or the end of the queue. One user of a slot at a time; call outside parallel regions. */
iad_status iad_cpu_scratch(iad_queue *queue, int slot, size_t bytes, void **data, iad_err *err);

/* 64-byte aligned memory counted in iad_device_memory (thread safe); blocks of 2 MiB and more are whole mappings that ask for huge
 * pages. NULL when memory is out. Contents undefined. Zero bytes give a valid pointer. */
void *iad_cpu_alloc(iad_device *device, size_t bytes);
void iad_cpu_release(iad_device *device, void *data); /* NULL is fine */

/* ---- the parts of the tables that do not compute (ops.h) ---- */
iad_status iad_cpu_op_alloc(iad_device *device, size_t bytes, void **data, iad_err *err);
iad_status iad_cpu_op_borrow(iad_device *device, const void *host, size_t bytes, void **data, iad_err *err);
void iad_cpu_op_unborrow(iad_device *device, void *data);
iad_status iad_cpu_op_queue_new(iad_device *device, iad_queue **queue, iad_err *err);
void iad_cpu_op_queue_free(iad_queue *queue);
iad_status iad_cpu_op_upload(iad_queue *queue, void *data, const void *host, size_t bytes, iad_err *err);
iad_status iad_cpu_op_download(iad_queue *queue, void *host, const void *data, size_t bytes, iad_err *err);
iad_status iad_cpu_op_zero(iad_queue *queue, void *data, size_t bytes, iad_err *err);

/* The two tables. */
extern const iad_ops iad_ops_cpu;       /* ops_cpu.c */
extern const iad_ops iad_ops_reference; /* reference.c */

/* Both kinds of device are made and freed here; memory_get reads either. */
void iad_cpu_device_free(iad_device *device);
void iad_cpu_device_memory(const iad_device *device, iad_device_memory *memory);

#endif
