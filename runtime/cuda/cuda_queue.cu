/* Queues: a stream, its scratch, the pinned memory through which everything goes to the card and back, and recorded graphs. */
#include "runtime/cuda/cuda_device.cuh"

enum { STAGE_HALF = 4 << 20, TABLE_HALF = 256 << 10, TABLE_ALIGN = 256, GRAPH_TABLES = 256 << 10 };

/* ---- rings ---- */

static void ring_deinit(iad_device *device, iad_cuda_ring *ring) {
    if (ring->host != NULL) (void)cudaFreeHost(ring->host);
    iad_cuda_release(device, ring->device);
    for (int i = 0; i < 2; i++)
        if (ring->read[i] != NULL) (void)cudaEventDestroy(ring->read[i]);
    memset(ring, 0, sizeof *ring);
}

static iad_status ring_init(iad_device *device, iad_cuda_ring *ring, size_t half, int on_card, iad_err *err) {
    const char *name = iad_cuda_device_of(device)->name;
    void *host = NULL, *data = NULL;
    ring->half = half;
    ring->at = 0;
    ring->turn = 0;
    IAD_CUDA_TRY(err, name, cudaMallocHost(&host, 2 * half));
    ring->host = (char *)host;
    for (int i = 0; i < 2; i++) IAD_CUDA_TRY(err, name, cudaEventCreateWithFlags(&ring->read[i], cudaEventDisableTiming));
    if (on_card) IAD_TRY(iad_cuda_alloc(device, 2 * half, &data, err));
    ring->device = (char *)data;
    return IAD_OK;
}

/* The next `bytes` (at most a half) of the ring, when the card no longer reads them. */
static iad_status ring_next(iad_cuda_queue *q, iad_cuda_ring *ring, size_t bytes, size_t *at, iad_err *err) {
    const char *name = iad_cuda_device_of(q->base.device)->name;
    if (ring->at + bytes > ring->half) {
        IAD_CUDA_TRY(err, name, cudaEventRecord(ring->read[ring->turn], q->stream));
        ring->turn = 1 - ring->turn;
        ring->at = 0;
        IAD_CUDA_TRY(err, name, cudaEventSynchronize(ring->read[ring->turn])); /* never recorded: returns at once */
    }
    *at = (size_t)ring->turn * ring->half + ring->at;
    ring->at += (bytes + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;
    return IAD_OK;
}

/* ---- queues ---- */

static iad_status queue_fill(iad_cuda_queue *q, iad_err *err) {
    iad_device *device = q->base.device;
    IAD_TRY(iad_cuda_enter_device(device, err));
    IAD_CUDA_TRY(err, iad_cuda_device_of(device)->name, cudaStreamCreateWithFlags(&q->stream, cudaStreamNonBlocking));
    return ring_init(device, &q->stage, STAGE_HALF, 0, err);
}

iad_status iad_cuda_queue_new(iad_device *device, iad_queue **queue, iad_err *err) {
    *queue = NULL;
    iad_cuda_queue *q = (iad_cuda_queue *)iad_calloc(1, sizeof *q);
    if (q == NULL) return IAD_NOMEM(err, "a queue");
    q->base.ops = device->ops;
    q->base.device = device;
    iad_status status = queue_fill(q, err);
    if (status != IAD_OK) {
        iad_cuda_queue_free(&q->base);
        return status;
    }
    *queue = &q->base;
    return IAD_OK;
}

void iad_cuda_queue_free(iad_queue *queue) {
    if (queue == NULL) return;
    iad_cuda_queue *q = iad_cuda_queue_of(queue);
    iad_device *device = queue->device;
    (void)iad_cuda_enter_device(device, NULL);
    if (q->stream != NULL) (void)cudaStreamSynchronize(q->stream);
    for (int i = 0; i < IAD_CUDA_SCRATCH_SLOTS; i++) iad_cuda_release(device, q->scratch[i]);
    iad_cuda_release(device, q->workspace);
    ring_deinit(device, &q->stage);
    ring_deinit(device, &q->tables);
    if (q->stream != NULL) (void)cudaStreamDestroy(q->stream);
    free(q);
}

iad_status iad_cuda_scratch(iad_queue *queue, int slot, size_t bytes, void **data, iad_err *err) {
    iad_cuda_queue *q = iad_cuda_queue_of(queue);
    if (slot < 0 || slot >= IAD_CUDA_SCRATCH_SLOTS) return IAD_FAIL(err, IAD_ERR_INTERNAL, "scratch slot %d", slot);
    if (bytes > q->size[slot]) {
        if (q->recording != NULL)
            return IAD_FAIL(err, IAD_ERR_INTERNAL, "scratch of %zu bytes would have to grow to %zu while a graph is recorded", q->size[slot], bytes);
        size_t more = q->size[slot] + q->size[slot] / 2;
        iad_cuda_release(queue->device, q->scratch[slot]);
        q->scratch[slot] = NULL;
        q->size[slot] = 0;
        /* When half as much again does not fit, what is needed may. */
        if (more <= bytes || iad_cuda_alloc(queue->device, more, &q->scratch[slot], err) != IAD_OK) {
            more = bytes;
            IAD_TRY(iad_cuda_alloc(queue->device, more, &q->scratch[slot], err));
        }
        q->size[slot] = more;
    }
    *data = q->scratch[slot];
    return IAD_OK;
}

iad_status iad_cuda_workspace(iad_queue *queue, void **data, iad_err *err) {
    iad_cuda_queue *q = iad_cuda_queue_of(queue);
    if (q->workspace == NULL) {
        if (q->recording != NULL) return IAD_FAIL(err, IAD_ERR_INTERNAL, "the first product of a queue cannot be part of a recorded graph");
        IAD_TRY(iad_cuda_alloc(queue->device, IAD_CUDA_LT_WORKSPACE, &q->workspace, err));
    }
    *data = q->workspace;
    return IAD_OK;
}

/* ---- between host and card ---- */

/* A table of a graph goes to its place at once, past the recording stream. */
static iad_status graph_table(iad_cuda_graph *graph, const void *host, size_t bytes, void **device, iad_err *err) {
    if (bytes > graph->bytes - graph->at)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "the tables of a recorded graph take more than %zu bytes", graph->bytes);
    iad_queue *load;
    IAD_TRY(iad_cuda_load_begin(graph->device, &load, err));
    *device = graph->tables + graph->at;
    graph->at += (bytes + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;
    if (graph->at > graph->bytes) graph->at = graph->bytes;
    return iad_cuda_load_end(graph->device, iad_cuda_upload(load, *device, host, bytes, err), err);
}

iad_status iad_cuda_table(iad_queue *queue, const void *host, size_t bytes, void **device, iad_err *err) {
    iad_cuda_queue *q = iad_cuda_queue_of(queue);
    const char *name = iad_cuda_device_of_queue(queue)->name;
    if (q->recording != NULL) return graph_table(q->recording, host, bytes, device, err);
    IAD_TRY(iad_cuda_enter(queue, err));
    if (bytes > q->tables.half || q->tables.half == 0) {
        size_t half = q->tables.half > 0 ? q->tables.half : (size_t)TABLE_HALF;
        while (half < bytes) half *= 2;
        IAD_CUDA_TRY(err, name, cudaStreamSynchronize(q->stream));
        ring_deinit(queue->device, &q->tables);
        iad_status status = ring_init(queue->device, &q->tables, half, 1, err);
        if (status != IAD_OK) {
            ring_deinit(queue->device, &q->tables);
            return status;
        }
    }
    size_t at = 0;
    IAD_TRY(ring_next(q, &q->tables, bytes, &at, err));
    *device = q->tables.device + at;
    if (bytes == 0) return IAD_OK;
    memcpy(q->tables.host + at, host, bytes);
    IAD_CUDA_TRY(err, name, cudaMemcpyAsync(*device, q->tables.host + at, bytes, cudaMemcpyHostToDevice, q->stream));
    return IAD_OK;
}

iad_status iad_cuda_upload(iad_queue *queue, void *data, const void *host, size_t bytes, iad_err *err) {
    iad_cuda_queue *q = iad_cuda_queue_of(queue);
    const char *name = iad_cuda_device_of_queue(queue)->name;
    if (bytes == 0) return IAD_OK;
    if (q->recording != NULL) return IAD_FAIL(err, IAD_ERR_INTERNAL, "an upload cannot become part of a recorded graph");
    IAD_TRY(iad_cuda_enter(queue, err));
    for (size_t from = 0; from < bytes;) {
        size_t n = bytes - from < q->stage.half ? bytes - from : q->stage.half, at = 0;
        IAD_TRY(ring_next(q, &q->stage, n, &at, err));
        memcpy(q->stage.host + at, (const char *)host + from, n);
        IAD_CUDA_TRY(err, name, cudaMemcpyAsync((char *)data + from, q->stage.host + at, n, cudaMemcpyHostToDevice, q->stream));
        from += n;
    }
    return IAD_OK;
}

/* One half is copied out while the card fills the other. */
iad_status iad_cuda_download(iad_queue *queue, void *host, const void *data, size_t bytes, iad_err *err) {
    iad_cuda_queue *q = iad_cuda_queue_of(queue);
    const char *name = iad_cuda_device_of_queue(queue)->name;
    if (bytes == 0) return IAD_OK;
    if (q->recording != NULL) return IAD_FAIL(err, IAD_ERR_INTERNAL, "a download cannot become part of a recorded graph");
    IAD_TRY(iad_cuda_enter(queue, err));
    size_t asked = 0, done = 0, waiting[2] = {0, 0}, half = q->stage.half;
    /* Uploads that still read the pinned memory come first in the stream, so that it may be written to from here on. */
    for (int turn = 0; done < bytes; turn = 1 - turn) {
        if (asked < bytes) {
            size_t n = bytes - asked < half ? bytes - asked : half;
            char *to = q->stage.host + (size_t)turn * half;
            IAD_CUDA_TRY(err, name, cudaMemcpyAsync(to, (const char *)data + asked, n, cudaMemcpyDeviceToHost, q->stream));
            IAD_CUDA_TRY(err, name, cudaEventRecord(q->stage.read[turn], q->stream));
            waiting[turn] = n;
            asked += n;
        }
        if (waiting[1 - turn] == 0 && asked < bytes) continue; /* nothing to copy out before the second piece */
        int from = waiting[1 - turn] > 0 ? 1 - turn : turn;
        IAD_CUDA_TRY(err, name, cudaEventSynchronize(q->stage.read[from]));
        memcpy((char *)host + done, q->stage.host + (size_t)from * half, waiting[from]);
        done += waiting[from];
        waiting[from] = 0;
    }
    q->stage.at = 0; /* everything has been read */
    q->stage.turn = 0;
    return IAD_OK;
}

iad_status iad_cuda_zero(iad_queue *queue, void *data, size_t bytes, iad_err *err) {
    if (bytes == 0) return IAD_OK;
    IAD_TRY(iad_cuda_enter(queue, err));
    IAD_CUDA_TRY(err, iad_cuda_device_of_queue(queue)->name, cudaMemsetAsync(data, 0, bytes, iad_cuda_stream(queue)));
    return IAD_OK;
}

/* ---- the loading queue ---- */

iad_status iad_cuda_load_begin(iad_device *device, iad_queue **queue, iad_err *err) {
    iad_cuda_device *d = iad_cuda_device_of(device);
    (void)pthread_mutex_lock(&d->load_lock);
    iad_status status = d->load != NULL ? iad_cuda_enter_device(device, err) : iad_cuda_queue_new(device, &d->load, err);
    *queue = d->load;
    if (status != IAD_OK) (void)pthread_mutex_unlock(&d->load_lock);
    return status;
}

iad_status iad_cuda_load_end(iad_device *device, iad_status status, iad_err *err) {
    iad_cuda_device *d = iad_cuda_device_of(device);
    cudaError_t code = cudaStreamSynchronize(iad_cuda_stream(d->load)); /* other queues may use it from now on */
    if (status == IAD_OK && code != cudaSuccess)
        status = iad_cuda_fail(err, code, "cudaStreamSynchronize", d->name, __FILE__, __LINE__);
    (void)pthread_mutex_unlock(&d->load_lock);
    return status;
}

/* ---- graphs ---- */

iad_status iad_cuda_capture_begin(iad_queue *queue, iad_err *err) {
    iad_cuda_queue *q = iad_cuda_queue_of(queue);
    if (q->recording != NULL) return IAD_FAIL(err, IAD_ERR_INTERNAL, "a graph is being recorded already");
    IAD_TRY(iad_cuda_enter(queue, err));
    iad_cuda_graph *graph = (iad_cuda_graph *)iad_calloc(1, sizeof *graph);
    if (graph == NULL) return IAD_NOMEM(err, "a graph");
    void *tables = NULL;
    graph->device = queue->device;
    graph->bytes = GRAPH_TABLES;
    iad_status status = iad_cuda_alloc(queue->device, graph->bytes, &tables, err);
    graph->tables = (char *)tables;
    if (status == IAD_OK) {
        cudaError_t code = cudaStreamBeginCapture(q->stream, cudaStreamCaptureModeRelaxed); /* tables go through another stream meanwhile */
        if (code != cudaSuccess)
            status = iad_cuda_fail(err, code, "cudaStreamBeginCapture", iad_cuda_device_of_queue(queue)->name, __FILE__, __LINE__);
    }
    if (status != IAD_OK) iad_cuda_graph_free(graph);
    else q->recording = graph;
    return status;
}

iad_status iad_cuda_capture_end(iad_queue *queue, iad_cuda_graph **graph, iad_err *err) {
    iad_cuda_queue *q = iad_cuda_queue_of(queue);
    cudaGraph_t recorded = NULL;
    *graph = NULL;
    if (q->recording == NULL) return IAD_FAIL(err, IAD_ERR_INTERNAL, "no graph is being recorded");
    iad_cuda_graph *made = q->recording;
    q->recording = NULL;
    cudaError_t code = cudaStreamEndCapture(q->stream, &recorded);
    if (code == cudaSuccess) code = cudaGraphInstantiate(&made->exec, recorded, 0);
    if (recorded != NULL) (void)cudaGraphDestroy(recorded);
    if (code != cudaSuccess) {
        iad_cuda_graph_free(made);
        return iad_cuda_fail(err, code, "cudaGraphInstantiate", iad_cuda_device_of_queue(queue)->name, __FILE__, __LINE__);
    }
    *graph = made;
    return IAD_OK;
}

iad_status iad_cuda_graph_run(iad_queue *queue, const iad_cuda_graph *graph, iad_err *err) {
    IAD_TRY(iad_cuda_enter(queue, err));
    IAD_CUDA_TRY(err, iad_cuda_device_of_queue(queue)->name, cudaGraphLaunch(graph->exec, iad_cuda_stream(queue)));
    return IAD_OK;
}

void iad_cuda_graph_free(iad_cuda_graph *graph) {
    if (graph == NULL) return;
    (void)iad_cuda_enter_device(graph->device, NULL);
    if (graph->exec != NULL) (void)cudaGraphExecDestroy(graph->exec);
    iad_cuda_release(graph->device, graph->tables);
    free(graph);
}
