/* Cards: opening one, what it is, the memory it gave out. */
#include "runtime/cuda/cuda_device.cuh"

#include <stdio.h>

#include "runtime/cuda/lt.cuh"

/* One allocation. A borrowed table remembers whose copy it is, so that a second borrower of the same bytes shares it. */
struct iad_cuda_block {
    char *data;
    size_t bytes;      /* counted */
    const void *host;  /* NULL: not borrowed */
    size_t host_bytes;
    int borrowers;
    iad_cuda_block *next;
};

enum { GRAIN = 256, MIN_CAPABILITY = 80 };

iad_status iad_cuda_enter_device(const iad_device *device, iad_err *err) {
    const iad_cuda_device *d = iad_cuda_device_of(device);
    IAD_CUDA_TRY(err, d->name, cudaSetDevice(d->ordinal));
    return IAD_OK;
}

iad_status iad_cuda_enter(const iad_queue *queue, iad_err *err) { return iad_cuda_enter_device(queue->device, err); }

/* ---- opening ---- */

static iad_status examine(iad_cuda_device *d, iad_err *err) {
    int count = 0;
    IAD_CUDA_TRY(err, d->name, cudaGetDeviceCount(&count));
    if (d->ordinal >= count)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: this machine shows %d card%s (CUDA_VISIBLE_DEVICES may hide others)", d->name, count,
                        count == 1 ? "" : "s");
    IAD_CUDA_TRY(err, d->name, cudaSetDevice(d->ordinal));
    cudaDeviceProp is;
    IAD_CUDA_TRY(err, d->name, cudaGetDeviceProperties(&is, d->ordinal));
    d->capability = 10 * is.major + is.minor;
    d->n_multi = is.multiProcessorCount;
    d->shared_max = is.sharedMemPerBlockOptin;
    if (d->capability < MIN_CAPABILITY)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: %s has compute capability %d.%d; 8.0 or newer is needed", d->name, is.name, is.major,
                        is.minor);
    return IAD_OK;
}

iad_status iad_device_cuda_new(int ordinal, iad_device **device, iad_err *err) {
    *device = NULL;
    if (ordinal < 0) return IAD_FAIL(err, IAD_ERR_ARG, "cuda:%d: cards are numbered from 0", ordinal);
    iad_cuda_device *d = (iad_cuda_device *)iad_calloc(1, sizeof *d);
    if (d == NULL) return IAD_NOMEM(err, "the card's device");
    d->base.ops = &iad_ops_cuda;
    d->ordinal = ordinal;
    (void)snprintf(d->name, sizeof d->name, "cuda:%d", ordinal);
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_mutex_init(&d->load_lock, NULL);
    d->blocks = (iad_cuda_block **)iad_calloc(IAD_CUDA_BUCKETS, sizeof *d->blocks);
    iad_status status = d->blocks == NULL ? IAD_NOMEM(err, "the table of the card's memory") : IAD_OK;
    if (status == IAD_OK) status = examine(d, err);
    if (status == IAD_OK) status = iad_lt_open(d, &d->lt, err);
    if (status != IAD_OK) {
        iad_cuda_device_free(&d->base);
        return status;
    }
    *device = &d->base;
    return IAD_OK;
}

void iad_cuda_device_free(iad_device *device) {
    if (device == NULL) return;
    iad_cuda_device *d = iad_cuda_device_of(device);
    if (d->load != NULL) iad_cuda_queue_free(d->load);
    iad_lt_close(d->lt);
    for (size_t b = 0; d->blocks != NULL && b < IAD_CUDA_BUCKETS; b++)
        while (d->blocks[b] != NULL) { /* the caller's leaks: the card's memory outlives no device */
            iad_cuda_block *block = d->blocks[b];
            d->blocks[b] = block->next;
            (void)cudaFree(block->data);
            free(block);
        }
    free(d->blocks);
    (void)pthread_mutex_destroy(&d->lock);
    (void)pthread_mutex_destroy(&d->load_lock);
    free(d);
}

void iad_cuda_device_memory(const iad_device *device, iad_device_memory *memory) {
    iad_cuda_device *d = iad_cuda_device_of(device);
    (void)pthread_mutex_lock(&d->lock);
    memory->now = d->now;
    memory->peak = d->peak;
    (void)pthread_mutex_unlock(&d->lock);
}

/* ---- memory ---- */

static iad_cuda_block **bucket_of(iad_cuda_device *d, const void *data) {
    uint64_t at = (uint64_t)(uintptr_t)data / GRAIN;
    return &d->blocks[(size_t)(at * 0x9e3779b97f4a7c15u >> 40) % IAD_CUDA_BUCKETS];
}

static double gib(size_t bytes) { return (double)bytes / 1073741824.0; }

/* Room on the card, with a block that nobody knows yet. */
static iad_status block_new(iad_cuda_device *d, size_t bytes, iad_cuda_block **made, iad_err *err) {
    *made = NULL;
    size_t free_bytes = 0, total = 0;
    if (bytes > SIZE_MAX / 2) return IAD_FAIL(err, IAD_ERR_NOMEM, "%s: no memory for %zu bytes", d->name, bytes);
    IAD_TRY(iad_cuda_enter_device(&d->base, err));
    iad_cuda_block *block = (iad_cuda_block *)iad_calloc(1, sizeof *block);
    if (block == NULL) return IAD_NOMEM(err, "a block of the card's memory");
    block->bytes = (bytes + GRAIN - 1) / GRAIN * GRAIN;
    if (block->bytes == 0) block->bytes = GRAIN;
    void *data = NULL;
    cudaError_t code = cudaMalloc(&data, block->bytes);
    if (code == cudaSuccess) {
        block->data = (char *)data;
        *made = block;
        return IAD_OK;
    }
    free(block);
    if (code != cudaErrorMemoryAllocation) return iad_cuda_fail(err, code, "cudaMalloc", d->name, __FILE__, __LINE__);
    (void)cudaGetLastError();
    if (cudaMemGetInfo(&free_bytes, &total) != cudaSuccess) free_bytes = total = 0;
    return IAD_FAIL(err, IAD_ERR_NOMEM,
                    "%s: no memory for %zu bytes (%.2f GiB): %.2f of %.2f GiB are free, and this process holds %.2f GiB of the rest", d->name, bytes,
                    gib(bytes), gib(free_bytes), gib(total), gib(d->now));
}

/* Under the lock. */
static void block_enter(iad_cuda_device *d, iad_cuda_block *block) {
    iad_cuda_block **bucket = bucket_of(d, block->data);
    block->next = *bucket;
    *bucket = block;
    d->now += block->bytes;
    if (d->peak < d->now) d->peak = d->now;
}

/* Under the lock. */
static iad_cuda_block **block_find(iad_cuda_device *d, const void *data) {
    iad_cuda_block **at = bucket_of(d, data);
    while (*at != NULL && (*at)->data != data) at = &(*at)->next;
    return at;
}

iad_status iad_cuda_alloc(iad_device *device, size_t bytes, void **data, iad_err *err) {
    iad_cuda_device *d = iad_cuda_device_of(device);
    *data = NULL;
    iad_cuda_block *block;
    IAD_TRY(block_new(d, bytes, &block, err));
    *data = block->data;
    (void)pthread_mutex_lock(&d->lock);
    block_enter(d, block);
    (void)pthread_mutex_unlock(&d->lock);
    return IAD_OK;
}

void iad_cuda_release(iad_device *device, void *data) {
    if (data == NULL) return;
    iad_cuda_device *d = iad_cuda_device_of(device);
    (void)pthread_mutex_lock(&d->lock);
    iad_cuda_block **at = block_find(d, data), *block = *at;
    int last = block != NULL && (block->host == NULL || --block->borrowers == 0);
    if (last) {
        *at = block->next;
        d->now -= block->bytes;
    }
    (void)pthread_mutex_unlock(&d->lock);
    if (!last) return;
    (void)iad_cuda_enter_device(device, NULL);
    (void)cudaFree(block->data); /* waits for kernels that may still read it */
    free(block);
}

/* The copy that somebody borrowed before, or NULL. */
static void *share(iad_cuda_device *d, const void *host, size_t bytes) {
    void *data = NULL;
    (void)pthread_mutex_lock(&d->lock);
    for (size_t b = 0; b < IAD_CUDA_BUCKETS && data == NULL; b++)
        for (iad_cuda_block *block = d->blocks[b]; block != NULL && data == NULL; block = block->next)
            if (block->host == host && block->host_bytes == bytes && host != NULL) {
                block->borrowers++;
                data = block->data;
            }
    (void)pthread_mutex_unlock(&d->lock);
    return data;
}

iad_status iad_cuda_borrow(iad_device *device, const void *host, size_t bytes, void **data, iad_err *err) {
    iad_cuda_device *d = iad_cuda_device_of(device);
    iad_cuda_block *block = NULL;
    iad_queue *queue;
    iad_status status = iad_cuda_load_begin(device, &queue, err); /* its lock also keeps two first borrowers apart */
    if (status != IAD_OK) return status;
    *data = share(d, host, bytes);
    if (*data == NULL) status = block_new(d, bytes, &block, err);
    if (block != NULL) {
        status = iad_cuda_upload(queue, block->data, host, bytes, err);
        if (status == IAD_OK) {
            block->host = host;
            block->host_bytes = bytes;
            block->borrowers = 1;
            *data = block->data;
            (void)pthread_mutex_lock(&d->lock);
            block_enter(d, block);
            (void)pthread_mutex_unlock(&d->lock);
        } else {
            (void)cudaFree(block->data);
            free(block);
        }
    }
    return iad_cuda_load_end(device, status, err);
}
