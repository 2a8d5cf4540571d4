/* The module: NCCL behind the table of ncclcalls.h. The communicator does not block (blocking = 0), so that the caller decides how long it
 * waits; what travels are bytes from one rank to another, never a sum of NCCL's, so that the order of adding is ours. */
#include <cuda_runtime_api.h>
#include <nccl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "train/comm/ncclcalls.h"

_Static_assert(sizeof(ncclUniqueId) == IAD_NCCL_ID, "the id of a communicator");

/* ISSUED: NCCL has not yet put everything on the stream. RUNNING: the event behind it has not been reached. COPYING: what arrived goes to ordinary
 * memory, which begins only now, since such a copy makes the host wait for all that stands before it on the stream, without any deadline. */
typedef enum phase { IDLE, JOINING, ISSUED, RUNNING, COPYING, LEAVING } phase;

typedef struct state {
    ncclComm_t comm;
    cudaStream_t stream;
    cudaEvent_t event;
    phase phase;
    int world, rank;
    char *room;       /* on the card: what ordinary memory sends, then what it receives */
    size_t room_bytes;
    char *recv;       /* ordinary memory that still waits for its bytes, NULL */
    char *arrived;    /* where in room they are */
    const size_t *recv_at, *recv_bytes;
} state;

static int bad_nccl(const state *s, ncclResult_t code, const char *call, char *text) {
    if (code == ncclSuccess || code == ncclInProgress) return 0;
    const char *last = s && s->comm ? ncclGetLastError(s->comm) : NULL;
    snprintf(text, IAD_NCCL_TEXT, "%s: %.80s%s%.160s", call, ncclGetErrorString(code), last && *last ? ": " : "", last ? last : "");
    return 1;
}

static int bad_cuda(cudaError_t code, const char *call, char *text) {
    if (code == cudaSuccess) return 0;
    snprintf(text, IAD_NCCL_TEXT, "%s: %.160s", call, cudaGetErrorString(code));
    return 1;
}

static int make_id(unsigned char id[IAD_NCCL_ID], char *text) {
    ncclUniqueId made;
    if (bad_nccl(NULL, ncclGetUniqueId(&made), "ncclGetUniqueId", text)) return 1;
    memcpy(id, made.internal, IAD_NCCL_ID);
    return 0;
}

static void leave(void *user, int in_order) {
    state *s = user;
    if (s->comm && in_order) ncclCommDestroy(s->comm);
    else if (s->comm) ncclCommAbort(s->comm);
    if (s->event) cudaEventDestroy(s->event);
    if (s->stream) cudaStreamDestroy(s->stream);
    if (s->room) cudaFree(s->room);
    free(s);
}

static int start(void **out, const unsigned char id[IAD_NCCL_ID], int rank, int world, int card, char *text) {
    int cards = 0;
    ncclUniqueId unique;
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    *out = NULL;
    if (bad_cuda(cudaGetDeviceCount(&cards), "cudaGetDeviceCount", text)) return 1;
    if (card >= cards) {
        snprintf(text, IAD_NCCL_TEXT, "rank %d is number %d on its machine, which shows it %d cards: one rank per card", rank, card, cards);
        return 1;
    }
    state *s = iad_calloc(1, sizeof *s);
    if (!s) {
        snprintf(text, IAD_NCCL_TEXT, "out of memory");
        return 1;
    }
    s->world = world, s->rank = rank, s->phase = JOINING;
    memcpy(unique.internal, id, IAD_NCCL_ID);
    config.blocking = 0;
    if (bad_cuda(cudaSetDevice(card), "cudaSetDevice", text) ||
        bad_cuda(cudaStreamCreateWithFlags(&s->stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags", text) ||
        bad_cuda(cudaEventCreateWithFlags(&s->event, cudaEventDisableTiming), "cudaEventCreateWithFlags", text) ||
        bad_nccl(s, ncclCommInitRankConfig(&s->comm, world, unique, rank, &config), "ncclCommInitRankConfig", text)) {
        leave(s, 0);
        return 1;
    }
    *out = s;
    return 0;
}

static int on_card(const void *memory, int *yes, char *text) {
    struct cudaPointerAttributes facts;
    *yes = 0;
    if (!memory) return 0;
    if (bad_cuda(cudaPointerGetAttributes(&facts, memory), "cudaPointerGetAttributes", text)) return 1;
    *yes = facts.type == cudaMemoryTypeDevice || facts.type == cudaMemoryTypeManaged;
    return 0;
}

static size_t total(const size_t *bytes, int n) {
    size_t sum = 0;
    for (int r = 0; r < n; r++) sum += bytes[r];
    return sum;
}

static int need_room(state *s, size_t bytes, char *text) {
    if (bytes <= s->room_bytes) return 0;
    if (s->room && bad_cuda(cudaFree(s->room), "cudaFree", text)) return 1;
    s->room = NULL, s->room_bytes = 0;
    void *room = NULL;
    if (bad_cuda(cudaMalloc(&room, bytes), "cudaMalloc", text)) return 1;
    s->room = room, s->room_bytes = bytes;
    return 0;
}

/* Packs ordinary memory onto the card; *at moves on. */
static int copy_up(state *s, const char *from, size_t n, char **at, char *text) {
    if (n > 0 && bad_cuda(cudaMemcpyAsync(*at, from, n, cudaMemcpyHostToDevice, s->stream), "cudaMemcpyAsync", text)) return 1;
    *at += n;
    return 0;
}

static int exchange(void *user, const char *send, const size_t *send_at, const size_t *send_bytes, char *recv, const size_t *recv_at,
                    const size_t *recv_bytes, char *text) {
    state *s = user;
    int send_card = 0, recv_card = 0, failed = 0;
    size_t sent = total(send_bytes, s->world), received = total(recv_bytes, s->world);
    if (on_card(sent ? send : NULL, &send_card, text) || on_card(received ? recv : NULL, &recv_card, text)) return 1;
    if (need_room(s, (send_card ? 0 : sent) + (recv_card ? 0 : received), text)) return 1;
    /* the queue whose work made these bytes is not known here: everything that the card was given before is done first */
    if (bad_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize", text)) return 1;
    char *up = s->room, *down = s->room + (send_card ? 0 : sent);
    for (int r = 0; r < s->world && !send_card; r++)
        if (copy_up(s, send + send_at[r], send_bytes[r], &up, text)) return 1;
    s->recv = recv_card || received == 0 ? NULL : recv;
    s->arrived = down, s->recv_at = recv_at, s->recv_bytes = recv_bytes;
    up = s->room;
    if (bad_nccl(s, ncclGroupStart(), "ncclGroupStart", text)) return 1;
    for (int r = 0; r < s->world && !failed; r++) {
        const char *from = send_card ? send + send_at[r] : up;
        char *to = recv_card ? recv + recv_at[r] : down;
        up += send_bytes[r], down += recv_bytes[r];
        if (r == s->rank) {
            if (recv_bytes[r] > 0 && from != to)
                failed = bad_cuda(cudaMemcpyAsync(to, from, recv_bytes[r], cudaMemcpyDefault, s->stream), "cudaMemcpyAsync", text);
            continue;
        }
        if (recv_bytes[r] > 0) failed = bad_nccl(s, ncclRecv(to, recv_bytes[r], ncclInt8, r, s->comm, s->stream), "ncclRecv", text);
        if (send_bytes[r] > 0 && !failed) failed = bad_nccl(s, ncclSend(from, send_bytes[r], ncclInt8, r, s->comm, s->stream), "ncclSend", text);
    }
    ncclResult_t ended = ncclGroupEnd();
    if (failed || bad_nccl(s, ended, "ncclGroupEnd", text)) return 1;
    s->phase = ISSUED;
    return 0;
}

static int copy_down(state *s, char *text) {
    char *from = s->arrived;
    for (int r = 0; r < s->world; r++) {
        if (s->recv_bytes[r] > 0 && bad_cuda(cudaMemcpyAsync(s->recv + s->recv_at[r], from, s->recv_bytes[r], cudaMemcpyDeviceToHost, s->stream),
                                             "cudaMemcpyAsync", text))
            return 1;
        from += s->recv_bytes[r];
    }
    return 0;
}

static int progress(void *user, int *busy, char *text) {
    state *s = user;
    ncclResult_t now = ncclSuccess;
    *busy = 0;
    if (bad_nccl(s, ncclCommGetAsyncError(s->comm, &now), "ncclCommGetAsyncError", text) || bad_nccl(s, now, "NCCL", text)) return 1;
    if (s->phase == IDLE) return 0;
    *busy = 1;
    if (now == ncclInProgress) return 0;
    if (s->phase == ISSUED) {
        if (bad_cuda(cudaEventRecord(s->event, s->stream), "cudaEventRecord", text)) return 1;
        s->phase = RUNNING;
    }
    if (s->phase == RUNNING || s->phase == COPYING) {
        cudaError_t reached = cudaEventQuery(s->event);
        if (reached == cudaErrorNotReady) return 0;
        if (bad_cuda(reached, "cudaEventQuery", text)) return 1;
    }
    if (s->phase == RUNNING && s->recv) {
        if (copy_down(s, text) || bad_cuda(cudaEventRecord(s->event, s->stream), "cudaEventRecord", text)) return 1;
        s->phase = COPYING;
        return 0;
    }
    s->phase = IDLE, *busy = 0;
    return 0;
}

static int finish(void *user, char *text) {
    state *s = user;
    s->phase = LEAVING;
    return bad_nccl(s, ncclCommFinalize(s->comm), "ncclCommFinalize", text);
}

__attribute__((visibility("default"))) extern const iad_nccl_table iad_nccl_calls;
const iad_nccl_table iad_nccl_calls = {
    .version = IAD_NCCL_CALLS_VERSION, .id = make_id, .start = start, .exchange = exchange, .progress = progress, .finish = finish, .leave = leave,
};
