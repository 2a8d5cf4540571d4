/* The module: MPI behind the table of mpicalls.h. IAD_MPI_NAME comes from CMake. Everything is point to point and non-blocking, so that the caller
 * can give up at a deadline and say for which rank it waited. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "train/comm/mpicalls.h"

typedef struct state {
    MPI_Comm comm;
    MPI_Request *requests;
    int *peers, *bytes;  /* of each request; bytes -1: a send */
    int *done;           /* room for MPI_Testsome */
    MPI_Status *statuses;
    size_t n, cap;
    size_t left;         /* not done of the n */
} state;

static int failed(int code, const char *call, char *text) {
    char reason[MPI_MAX_ERROR_STRING] = "?";
    int n = 0;
    if (code == MPI_SUCCESS) return 0;
    MPI_Error_string(code, reason, &n);
    snprintf(text, IAD_MPI_TEXT, "%s: %.200s", call, reason);
    return 1;
}

static void free_state(state *s) {
    free(s->requests), free(s->peers), free(s->bytes), free(s->done), free(s->statuses);
    free(s);
}

static int start(void **out, int *rank, int *world, int *local_rank, char *text) {
    int given = MPI_THREAD_SINGLE;
    MPI_Comm machine = MPI_COMM_NULL;
    state *s = iad_calloc(1, sizeof *s);
    if (!s) return snprintf(text, IAD_MPI_TEXT, "out of memory"), 1;
    int bad = failed(MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &given), "MPI_Init_thread", text);
    if (!bad && given < MPI_THREAD_SERIALIZED) bad = 1, snprintf(text, IAD_MPI_TEXT, "this MPI cannot be called from more than one thread");
    if (!bad) bad = failed(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", text);
    if (!bad) bad = failed(MPI_Comm_dup(MPI_COMM_WORLD, &s->comm), "MPI_Comm_dup", text);
    if (!bad) bad = failed(MPI_Comm_set_errhandler(s->comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", text);
    if (!bad) bad = failed(MPI_Comm_rank(s->comm, rank), "MPI_Comm_rank", text) || failed(MPI_Comm_size(s->comm, world), "MPI_Comm_size", text);
    if (!bad) bad = failed(MPI_Comm_split_type(s->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine), "MPI_Comm_split_type", text);
    if (!bad) bad = failed(MPI_Comm_rank(machine, local_rank), "MPI_Comm_rank", text);
    if (machine != MPI_COMM_NULL) MPI_Comm_free(&machine);
    if (bad) {
        free_state(s);
        return 1;
    }
    *out = s;
    return 0;
}

static iad_status grow(state *s) {
    enum { MOST = 1 << 24 };
    size_t cap[5] = {s->cap, s->cap, s->cap, s->cap, s->cap};
    IAD_TRY(iad_grow((void **)&s->requests, &cap[0], s->n + 1, sizeof *s->requests, MOST, "messages", NULL));
    IAD_TRY(iad_grow((void **)&s->peers, &cap[1], s->n + 1, sizeof *s->peers, MOST, "messages", NULL));
    IAD_TRY(iad_grow((void **)&s->bytes, &cap[2], s->n + 1, sizeof *s->bytes, MOST, "messages", NULL));
    IAD_TRY(iad_grow((void **)&s->done, &cap[3], s->n + 1, sizeof *s->done, MOST, "messages", NULL));
    IAD_TRY(iad_grow((void **)&s->statuses, &cap[4], s->n + 1, sizeof *s->statuses, MOST, "messages", NULL));
    s->cap = cap[0];
    return IAD_OK;
}

static int post(state *s, int peer, int bytes, char *text) {
    if (s->n == s->cap && grow(s) != IAD_OK) return snprintf(text, IAD_MPI_TEXT, "no memory for %zu messages", s->n + 1), 1;
    s->peers[s->n] = peer, s->bytes[s->n] = bytes;
    return 0;
}

static int send_bytes(void *user, const void *bytes, int n, int to, int tag, char *text) {
    state *s = user;
    if (post(s, to, -1, text)) return 1;
    if (failed(MPI_Isend(bytes, n, MPI_BYTE, to, tag, s->comm, &s->requests[s->n]), "MPI_Isend", text)) return 1;
    s->n++, s->left++;
    return 0;
}

static int receive_bytes(void *user, void *bytes, int n, int from, int tag, char *text) {
    state *s = user;
    if (post(s, from, n, text)) return 1;
    if (failed(MPI_Irecv(bytes, n, MPI_BYTE, from, tag, s->comm, &s->requests[s->n]), "MPI_Irecv", text)) return 1;
    s->n++, s->left++;
    return 0;
}

/* A shorter message than expected is no error to MPI, but means that two ranks are not in the same call. */
static int check_arrived(const state *s, int request, MPI_Status *status, char *text) {
    int n = 0;
    if (s->bytes[request] < 0) return 0;
    if (failed(MPI_Get_count(status, MPI_BYTE, &n), "MPI_Get_count", text)) return 1;
    if (n == s->bytes[request]) return 0;
    snprintf(text, IAD_MPI_TEXT, "rank %d sent %d bytes where %d were expected", s->peers[request], n, s->bytes[request]);
    return 1;
}

static int lowest_peer(const state *s) {
    int lowest = -1, sending = -1;
    for (size_t i = 0; i < s->n; i++) {
        if (s->requests[i] == MPI_REQUEST_NULL) continue;
        int *which = s->bytes[i] < 0 ? &sending : &lowest;
        if (*which < 0 || s->peers[i] < *which) *which = s->peers[i];
    }
    return lowest >= 0 ? lowest : sending;
}

static int progress(void *user, int *pending, int *peer, char *text) {
    state *s = user;
    *pending = 0, *peer = -1;
    if (s->left > 0) {
        int count = 0;
        int code = MPI_Testsome((int)s->n, s->requests, &count, s->done, s->statuses);
        if (code == MPI_ERR_IN_STATUS) {
            for (int i = 0; i < count; i++) {
                if (s->statuses[i].MPI_ERROR == MPI_SUCCESS || s->statuses[i].MPI_ERROR == MPI_ERR_PENDING) continue;
                char call[64];
                snprintf(call, sizeof call, "a message %s rank %d", s->bytes[s->done[i]] < 0 ? "to" : "from", s->peers[s->done[i]]);
                return failed(s->statuses[i].MPI_ERROR, call, text);
            }
        }
        if (failed(code, "MPI_Testsome", text)) return 1;
        for (int i = 0; i < count; i++)
            if (check_arrived(s, s->done[i], &s->statuses[i], text)) return 1;
        if (count > 0) s->left -= (size_t)count;
        if (s->left == 0) s->n = 0;
    }
    *pending = (int)s->left;
    if (s->left > 0) *peer = lowest_peer(s);
    return 0;
}

static int probe(void *user, int tag, int *from, int *n, char *text) {
    state *s = user;
    int there = 0;
    MPI_Status status;
    *from = -1, *n = 0;
    if (failed(MPI_Iprobe(MPI_ANY_SOURCE, tag, s->comm, &there, &status), "MPI_Iprobe", text)) return 1;
    if (!there) return 0;
    *from = status.MPI_SOURCE;
    return failed(MPI_Get_count(&status, MPI_BYTE, n), "MPI_Get_count", text);
}

static void drop(void *user) {
    state *s = user;
    for (size_t i = 0; i < s->n; i++) {
        if (s->requests[i] == MPI_REQUEST_NULL) continue;
        if (s->bytes[i] >= 0) MPI_Cancel(&s->requests[i]); /* sends cannot be taken back */
        MPI_Request_free(&s->requests[i]);
    }
    s->n = s->left = 0;
}

static void leave(void *user) { free_state(user); }

static void finish(void *user) {
    state *s = user;
    MPI_Comm_free(&s->comm);
    free_state(s);
    MPI_Finalize();
}

__attribute__((visibility("default"))) extern const iad_mpi_table iad_mpi_calls;
const iad_mpi_table iad_mpi_calls = {
    .version = IAD_MPI_CALLS_VERSION, .mpi = IAD_MPI_NAME, .start = start, .send = send_bytes, .receive = receive_bytes, .progress = progress,
    .probe = probe, .drop = drop, .finish = finish, .leave = leave,
};
