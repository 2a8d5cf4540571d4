/* A card and its queues, as the files of runtime/cuda and train/cuda see them. Functions have C++ linkage and are not for other folders.
 *
 * Threads. A device is shared: its table of blocks, its loading queue and its plans of products have locks of their own. A queue is
 * one stream, used by one thread at a time; everything an op starts goes into that stream, so that its effects are in order.
 * Nothing waits for the card but download, a pinned half that is still being read, and scratch that grows. */
#ifndef IAD_CUDA_DEVICE_CUH
#define IAD_CUDA_DEVICE_CUH

#include <pthread.h>

#include "runtime/cuda/cuda_error.cuh"

enum {
    /* Scratch slots of a queue, each with one user at a time. */
    IAD_CUDA_SCRATCH_MATMUL = 0, /* 0..3: linear layers and their weights */
    IAD_CUDA_SCRATCH_OPS = 4,    /* 4..9: attention, probe, match */
    IAD_CUDA_SCRATCH_TRAIN = 10, /* 10..15: train/cuda */
    IAD_CUDA_SCRATCH_SLOTS = 16,

    IAD_CUDA_BUCKETS = 4096 /* of a device's blocks of memory */
};

static const size_t IAD_CUDA_LT_WORKSPACE = (size_t)32 << 20; /* of every queue, for products */

typedef struct iad_cuda_block iad_cuda_block; /* one allocation, cuda_device.cu */
typedef struct iad_lt iad_lt;                 /* the library of products and its plans, lt.cuh */

typedef struct iad_cuda_device {
    iad_device base;
    int ordinal;
    char name[16];             /* "cuda:0", for messages */
    int capability;            /* 10 major + minor: 80, 89, 90, 120 */
    int n_multi;               /* multiprocessors */
    size_t shared_max;         /* bytes of shared memory a block may ask for */
    pthread_mutex_t lock;      /* of the blocks and counters below */
    iad_cuda_block **blocks;   /* [IAD_CUDA_BUCKETS] by address */
    size_t now, peak;
    pthread_mutex_t load_lock; /* of the queue below: weights and borrowed tables are uploaded by one thread at a time */
    iad_queue *load;
    iad_lt *lt;
} iad_cuda_device;

/* Pinned memory of two halves, filled from front to back; a half is used again when the card has read it. */
typedef struct iad_cuda_ring {
    char *host, *device;       /* [2 * half]; device: NULL for a ring that only stages */
    size_t half, at;           /* bytes of a half; next free byte of the present one */
    int turn;                  /* the present half */
    cudaEvent_t read[2];       /* recorded when a half was left */
} iad_cuda_ring;

/* Recorded ops, with the tables of the host that they were given. */
typedef struct iad_cuda_graph {
    iad_device *device;
    cudaGraphExec_t exec;
    char *tables;              /* on the card */
    size_t at, bytes;
} iad_cuda_graph;

typedef struct iad_cuda_queue {
    iad_queue base;
    cudaStream_t stream;
    iad_cuda_graph *recording; /* between iad_cuda_capture_begin and _end, when nothing may be allocated or waited for; else NULL */
    void *scratch[IAD_CUDA_SCRATCH_SLOTS];
    size_t size[IAD_CUDA_SCRATCH_SLOTS];
    void *workspace;           /* IAD_CUDA_LT_WORKSPACE bytes, or NULL: no product yet */
    iad_cuda_ring stage, tables;
} iad_cuda_queue;

static inline iad_cuda_device *iad_cuda_device_of(const iad_device *device) { return (iad_cuda_device *)(uintptr_t)device; }
static inline iad_cuda_queue *iad_cuda_queue_of(iad_queue *queue) { return (iad_cuda_queue *)queue; }
static inline iad_cuda_device *iad_cuda_device_of_queue(const iad_queue *queue) { return iad_cuda_device_of(queue->device); }
static inline cudaStream_t iad_cuda_stream(const iad_queue *queue) { return ((const iad_cuda_queue *)queue)->stream; }

/* Makes the queue's card the calling thread's current one. Every op begins with it: a thread starts out on card 0. */
iad_status iad_cuda_enter(const iad_queue *queue, iad_err *err);
iad_status iad_cuda_enter_device(const iad_device *device, iad_err *err);

/* Scratch of a queue: *data has at least `bytes` bytes, 256-byte aligned, contents undefined. It grows only (by halves at least, so that
 * a growing caller settles), and stays valid until the next call for the same slot. In a capture it must have the size already:
 * IAD_ERR_INTERNAL otherwise. */
iad_status iad_cuda_scratch(iad_queue *queue, int slot, size_t bytes, void **data, iad_err *err);

/* The queue's workspace for products, made with the first one. */
iad_status iad_cuda_workspace(iad_queue *queue, void **data, iad_err *err);

/* A copy of a small host array on the card, for the kernels that the same op starts next: valid until that op returns, in the order of the
 * stream. The host array may change at once. While a graph is recorded the copy belongs to the graph, which will always read what the
 * array held now (256 KiB in all, IAD_ERR_LIMIT beyond). */
iad_status iad_cuda_table(iad_queue *queue, const void *host, size_t bytes, void **device, iad_err *err);

/* Between the two, the ops of the queue are recorded and not run; upload and download are refused. The same ops must have run once before,
 * so that scratch, workspace and plans are there. A failed op inside ends in a failed _end (graph NULL). */
iad_status iad_cuda_capture_begin(iad_queue *queue, iad_err *err);
iad_status iad_cuda_capture_end(iad_queue *queue, iad_cuda_graph **graph, iad_err *err);
/* Runs what was recorded, in the order of the queue. */
iad_status iad_cuda_graph_run(iad_queue *queue, const iad_cuda_graph *graph, iad_err *err);
void iad_cuda_graph_free(iad_cuda_graph *graph); /* NULL is fine; waits for its runs */

/* The device's own queue, for weights and borrowed tables; between the two calls it is the caller's alone. _end waits until the card is
 * done and gives `status` back, or its own failure. */
iad_status iad_cuda_load_begin(iad_device *device, iad_queue **queue, iad_err *err);
iad_status iad_cuda_load_end(iad_device *device, iad_status status, iad_err *err);

/* ---- the parts of the table that do not compute (ops.h) ---- */
iad_status iad_cuda_alloc(iad_device *device, size_t bytes, void **data, iad_err *err);
void iad_cuda_release(iad_device *device, void *data);
iad_status iad_cuda_borrow(iad_device *device, const void *host, size_t bytes, void **data, iad_err *err);
iad_status iad_cuda_queue_new(iad_device *device, iad_queue **queue, iad_err *err);
void iad_cuda_queue_free(iad_queue *queue);
iad_status iad_cuda_upload(iad_queue *queue, void *data, const void *host, size_t bytes, iad_err *err);
iad_status iad_cuda_download(iad_queue *queue, void *host, const void *data, size_t bytes, iad_err *err);
iad_status iad_cuda_zero(iad_queue *queue, void *data, size_t bytes, iad_err *err);
void iad_cuda_device_free(iad_device *device);
void iad_cuda_device_memory(const iad_device *device, iad_device_memory *memory);

extern "C" const iad_ops iad_ops_cuda; /* ops_cuda.cu */

#endif
