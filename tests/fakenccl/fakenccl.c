/* The calls of NCCL and CUDA that comm_nccl_module.c makes, played by files in the folder IAD_FAKE_NCCL, so that the host's side runs without any
 * card: what a rank sends is a file that the receiver takes. A stream is a list whose first entry must be done before the next; "the card's memory"
 * is ordinary memory that is remembered, and sends and receives of any other memory are refused as the real ones would.
 * IAD_FAKE_NCCL_CARDS: cards of the machine (8). IAD_FAKE_NCCL_ALL_CARD: every pointer is the card's.
 * IAD_FAKE_NCCL_HANG=RANK:N, IAD_FAKE_NCCL_FAIL=RANK:N: what goes wrong at that rank's group N (from 0). */
#include <cuda_runtime_api.h>
#include <fcntl.h>
#include <nccl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

enum { MAX_QUEUE = 256, MAX_MEMORY = 64, MAX_WORLD = 8 };

typedef struct entry {
    enum { RECEIVE, COPY, MARK } kind;
    char *to;
    const char *from;
    size_t n;
    int peer;
    unsigned number;
} entry;

struct ncclComm {
    int rank, world, group, joined, leaving, failed;
    char id[33];
    unsigned sent[MAX_WORLD], received[MAX_WORLD];
    int polls; /* since the last group: the first few say "in progress" */
};

/* One communicator and one stream a process. */
static struct { struct ncclComm *comm; entry queue[MAX_QUEUE]; int n; struct { char *at; size_t n; } memory[MAX_MEMORY]; } all;

static void path_of(const struct ncclComm *c, const char *kind, int from, int to, unsigned number, char out[400]) {
    const char *dir = getenv("IAD_FAKE_NCCL");
    snprintf(out, 400, "%.200s/%s-%s-%d-%d-%u", dir ? dir : ".", c->id, kind, from, to, number);
}

static int is_card(const void *p) {
    if (getenv("IAD_FAKE_NCCL_ALL_CARD")) return 1;
    for (int i = 0; i < MAX_MEMORY; i++)
        if (all.memory[i].at && (const char *)p >= all.memory[i].at && (const char *)p < all.memory[i].at + all.memory[i].n) return 1;
    return 0;
}

static int put(const char *path, const void *bytes, size_t n) {
    char temporary[420];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) return 0;
    size_t done = 0;
    while (done < n) {
        ssize_t got = write(fd, (const char *)bytes + done, n - done);
        if (got <= 0) break;
        done += (size_t)got;
    }
    return close(fd) == 0 && done == n && rename(temporary, path) == 0;
}

/* 1: taken, 0: not there yet, -1: of another size. */
static int take(const char *path, void *bytes, size_t n) {
    struct stat facts;
    int fd = open(path, O_RDONLY);
    if (fd < 0) return 0;
    int good = fstat(fd, &facts) == 0 && (size_t)facts.st_size == n;
    size_t done = 0;
    while (good && done < n) {
        ssize_t got = read(fd, (char *)bytes + done, n - done);
        if (got <= 0) good = 0;
        else done += (size_t)got;
    }
    close(fd);
    unlink(path);
    return good ? 1 : -1;
}

static int is_turn(const char *variable, const struct ncclComm *c) {
    int rank = -1, group = -1;
    const char *value = getenv(variable);
    return value && sscanf(value, "%d:%d", &rank, &group) == 2 && rank == c->rank && c->group > group;
}

static int everybody(const struct ncclComm *c, const char *kind) {
    char path[400];
    for (int r = 0; r < c->world; r++) {
        path_of(c, kind, r, 0, 0, path);
        if (access(path, F_OK) != 0) return 0;
    }
    return 1;
}

/* ---- CUDA ---- */

cudaError_t cudaGetDeviceCount(int *count) {
    const char *cards = getenv("IAD_FAKE_NCCL_CARDS");
    *count = cards ? (int)strtol(cards, NULL, 10) : 8;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device >= 0 ? cudaSuccess : cudaErrorInvalidDevice; }
cudaError_t cudaDeviceSynchronize(void) { return cudaSuccess; }
const char *cudaGetErrorString(cudaError_t code) { return code == cudaSuccess ? "no error" : "fake error"; }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
    *stream = (cudaStream_t)&all;
    return flags == cudaStreamNonBlocking ? cudaSuccess : cudaErrorInvalidValue;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return stream ? cudaSuccess : cudaErrorInvalidValue; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
    *event = (cudaEvent_t)&all;
    return flags == cudaEventDisableTiming ? cudaSuccess : cudaErrorInvalidValue;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) { return event ? cudaSuccess : cudaErrorInvalidValue; }

cudaError_t cudaMalloc(void **out, size_t n) {
    for (int i = 0; i < MAX_MEMORY; i++)
        if (!all.memory[i].at) {
            all.memory[i].at = *out = iad_alloc(n, 1);
            all.memory[i].n = n;
            return *out ? cudaSuccess : cudaErrorMemoryAllocation;
        }
    return cudaErrorMemoryAllocation;
}

cudaError_t cudaFree(void *p) {
    for (int i = 0; i < MAX_MEMORY; i++)
        if (p && all.memory[i].at == p) {
            all.memory[i].at = NULL;
            free(p);
            return cudaSuccess;
        }
    return p ? cudaErrorInvalidValue : cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *facts, const void *p) {
    *facts = (struct cudaPointerAttributes){.type = is_card(p) ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered};
    return cudaSuccess;
}

static cudaError_t queue(entry e) {
    if (all.n == MAX_QUEUE) return cudaErrorLaunchFailure;
    all.queue[all.n++] = e;
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t n, enum cudaMemcpyKind kind, cudaStream_t stream) {
    int wrong = (kind == cudaMemcpyHostToDevice && !is_card(to)) || (kind == cudaMemcpyDeviceToHost && !is_card(from));
    if (!stream || wrong) return cudaErrorInvalidValue;
    for (int i = 0; i < all.n && kind == cudaMemcpyDeviceToHost; i++)
        if (all.queue[i].kind == RECEIVE) return cudaErrorLaunchTimeout; /* the real one would block the host behind the other ranks */
    return queue((entry){.kind = COPY, .to = to, .from = from, .n = n});
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) { return event && stream ? queue((entry){.kind = MARK}) : cudaErrorInvalidValue; }

/* Drives the stream: everything before the mark that can be done. */
cudaError_t cudaEventQuery(cudaEvent_t event) {
    int done = 0;
    (void)event;
    while (done < all.n) {
        const entry *e = &all.queue[done];
        char path[400];
        if (e->kind == COPY) memmove(e->to, e->from, e->n);
        if (e->kind == RECEIVE) {
            path_of(all.comm, "data", e->peer, all.comm->rank, e->number, path);
            int got = take(path, e->to, e->n);
            if (got < 0) all.comm->failed = 1;
            if (got <= 0) break;
        }
        done++;
    }
    memmove(all.queue, all.queue + done, (size_t)(all.n - done) * sizeof all.queue[0]);
    all.n -= done;
    return all.n == 0 ? cudaSuccess : cudaErrorNotReady;
}

/* ---- NCCL ---- */

const char *ncclGetErrorString(ncclResult_t code) { return code == ncclRemoteError ? "remote process exited or there was a network error" : "fake"; }
const char *ncclGetLastError(ncclComm_t comm) { return comm ? "" : NULL; }

ncclResult_t ncclGetUniqueId(ncclUniqueId *id) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    memset(id, 0, sizeof *id);
    snprintf(id->internal, sizeof id->internal, "%08x%08x%08x", (unsigned)getpid(), (unsigned)t.tv_sec, (unsigned)t.tv_nsec);
    return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t *out, int world, ncclUniqueId id, int rank, ncclConfig_t *config) {
    char path[400];
    if (config->blocking != 0 || world > MAX_WORLD || all.comm) return ncclInvalidArgument;
    struct ncclComm *c = iad_calloc(1, sizeof *c);
    if (!c) return ncclSystemError;
    c->rank = rank, c->world = world;
    snprintf(c->id, sizeof c->id, "%.32s", id.internal);
    path_of(c, "join", rank, 0, 0, path);
    all.comm = *out = c;
    return put(path, "", 0) ? ncclInProgress : ncclSystemError;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t c, ncclResult_t *now) {
    *now = ncclSuccess;
    if (!c->joined) c->joined = everybody(c, "join");
    if (!c->joined || c->polls++ < 3 || (c->leaving && !everybody(c, "bye"))) *now = ncclInProgress;
    if (c->failed || is_turn("IAD_FAKE_NCCL_FAIL", c)) *now = ncclRemoteError;
    return ncclSuccess;
}

ncclResult_t ncclGroupStart(void) { return ncclSuccess; }
ncclResult_t ncclGroupEnd(void) {
    all.comm->group++;
    all.comm->polls = 0;
    return ncclInProgress;
}

/* Sends are files at once only if nothing on the stream stands before them: a staged send's copy is done first. */
ncclResult_t ncclSend(const void *from, size_t n, ncclDataType_t type, int peer, ncclComm_t c, cudaStream_t stream) {
    char path[400];
    if (type != ncclInt8 || !stream || !is_card(from) || peer == c->rank) return ncclInvalidArgument;
    for (int i = 0; i < all.n; i++)
        if (all.queue[i].kind == COPY && (const char *)from >= all.queue[i].to && (const char *)from < all.queue[i].to + all.queue[i].n)
            memmove(all.queue[i].to, all.queue[i].from, all.queue[i].n);
    path_of(c, "data", c->rank, peer, c->sent[peer]++, path);
    c->group++; /* this group's number for is_turn */
    int hangs = is_turn("IAD_FAKE_NCCL_HANG", c);
    c->group--;
    return hangs || put(path, from, n) ? ncclSuccess : ncclSystemError;
}

ncclResult_t ncclRecv(void *to, size_t n, ncclDataType_t type, int peer, ncclComm_t c, cudaStream_t stream) {
    if (type != ncclInt8 || !stream || !is_card(to) || peer == c->rank) return ncclInvalidArgument;
    const entry e = {.kind = RECEIVE, .to = to, .n = n, .peer = peer, .number = c->received[peer]++};
    return queue(e) == cudaSuccess ? ncclSuccess : ncclSystemError;
}

ncclResult_t ncclCommFinalize(ncclComm_t c) {
    char path[400];
    c->leaving = 1;
    path_of(c, "bye", c->rank, 0, 0, path);
    return put(path, "", 0) ? ncclInProgress : ncclSystemError;
}

static ncclResult_t end(ncclComm_t c) {
    free(c);
    all.comm = NULL, all.n = 0;
    return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t c) { return c->leaving ? end(c) : ncclInvalidUsage; }
ncclResult_t ncclCommAbort(ncclComm_t c) { return end(c); }
