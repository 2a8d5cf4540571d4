/* comm_rank SCENARIO: one rank of a small job, for train_mpi.sh and (with IAD_TEST_NCCL, the meeting file) train_nccl.sh. Finds out who it is as
 * iad-train does and prints one line per fact. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "train/comm/comm_mpi.h"
#include "train/comm/comm_nccl.h"

static int failures;

static void expect(int good, const char *what) {
    if (!good) fprintf(stderr, "FAILED: %s\n", what), failures++;
}

static int done(iad_status status, const iad_err *err, const char *what) {
    if (status != IAD_OK) fprintf(stderr, "FAILED: %s: %s\n", what, err->msg), failures++;
    return status == IAD_OK;
}

/* Byte i of what rank `from` sends to rank `to`. */
static unsigned char byte_of(int from, int to, size_t i) { return (unsigned char)(i * 31 + (size_t)from * 7 + (size_t)to * 131 + (i >> 8)); }

/* Unequal sizes, some of them zero, in pieces of so many bytes. */
static void try_all_to_all(iad_comm *comm, size_t unit, size_t chunk) {
    size_t world = (size_t)comm->world, rank = (size_t)comm->rank, send_at[8], send_bytes[8], recv_at[8], recv_bytes[8], out = 0, in = 0;
    iad_err err = IAD_ERR_NONE;
    iad_comm_mpi_chunk_set(comm, chunk);
    for (size_t r = 0; r < world; r++) {
        send_at[r] = out, recv_at[r] = in;
        send_bytes[r] = unit * ((rank * 3 + r * 5) % 4) + r, recv_bytes[r] = unit * ((r * 3 + rank * 5) % 4) + rank;
        out += send_bytes[r] + 3, in += recv_bytes[r] + 5;
    }
    unsigned char *send = iad_calloc(out, 1), *recv = iad_calloc(in, 1);
    expect(send && recv, "memory");
    for (size_t r = 0; r < world; r++)
        for (size_t i = 0; i < send_bytes[r]; i++) send[send_at[r] + i] = byte_of((int)rank, (int)r, i);
    if (done(comm->ops->all_to_all(comm, send, send_at, send_bytes, recv, recv_at, recv_bytes, &err), &err, "all_to_all")) {
        size_t wrong = 0;
        for (size_t r = 0; r < world; r++) {
            for (size_t i = 0; i < recv_bytes[r]; i++) wrong += recv[recv_at[r] + i] != byte_of((int)r, (int)rank, i);
            for (size_t i = 0; i < 5; i++) wrong += recv[recv_at[r] + recv_bytes[r] + i] != 0; /* gaps stay as they were */
        }
        expect(wrong == 0, "all_to_all brings the right bytes to the right places");
    }
    free(send), free(recv);
}

static void try_all_gather(iad_comm *comm, size_t unit, size_t chunk, int in_place) {
    size_t world = (size_t)comm->world, rank = (size_t)comm->rank, at[8], bytes[8], total = 0, wrong = 0;
    iad_err err = IAD_ERR_NONE;
    iad_comm_mpi_chunk_set(comm, chunk);
    for (size_t r = 0; r < world; r++) at[r] = total, bytes[r] = unit * (r % 3) + r, total += bytes[r] + 2;
    unsigned char *all = iad_calloc(total, 1), *own = iad_calloc(bytes[rank], 1), *mine = in_place ? all + at[rank] : own;
    for (size_t i = 0; i < bytes[rank]; i++) mine[i] = byte_of((int)rank, 0, i);
    if (done(comm->ops->all_gather(comm, mine, all, at, bytes, &err), &err, "all_gather")) {
        for (size_t r = 0; r < world; r++)
            for (size_t i = 0; i < bytes[r]; i++) wrong += all[at[r] + i] != byte_of((int)r, 0, i);
        expect(wrong == 0, "all_gather brings every block to its place");
    }
    free(all), free(own);
}

/* Sums whose result depends on the order of adding: it must be rank 0, 1, 2. */
static void try_fold(iad_comm *comm) {
    static const double terms[8] = {1e16, 3.14159, -1e16, 2.71828, 1e-8, 1e8, -3, 7};
    double values[3] = {terms[comm->rank], (double)comm->rank - 1, 5 - (double)comm->rank}, sum = terms[0];
    iad_err err = IAD_ERR_NONE;
    for (int r = 1; r < comm->world; r++) sum += terms[r];
    done(iad_comm_fold(comm, values, 1, IAD_FOLD_SUM, &err), &err, "fold");
    expect(memcmp(&values[0], &sum, sizeof sum) == 0, "a sum in rank order, to the bit");
    done(iad_comm_fold(comm, values + 1, 1, IAD_FOLD_MIN, &err), &err, "fold");
    done(iad_comm_fold(comm, values + 2, 1, IAD_FOLD_MAX, &err), &err, "fold");
    expect(values[1] == -1 && values[2] == 5, "minimum and maximum");
    double nan_of_last[1] = {comm->rank == comm->world - 1 ? 0.0 / (double)(comm->world - comm->world) : 1.0};
    done(iad_comm_fold(comm, nan_of_last, 1, IAD_FOLD_MAX, &err), &err, "fold");
    expect(nan_of_last[0] != nan_of_last[0], "a NaN of one rank reaches all");
}

static void try_agree(iad_comm *comm) {
    iad_err err = IAD_ERR_NONE;
    char text[80], named[40];
    done(iad_comm_agree(comm, "configuration", "the same everywhere", &err), &err, "agree");
    done(iad_comm_agree(comm, "configuration", "", &err), &err, "agree on nothing");
    snprintf(text, sizeof text, "rate 1e-4, batch %d", comm->rank == comm->world - 1 ? 9 : 8);
    iad_status status = iad_comm_agree(comm, "configuration", text, &err);
    snprintf(named, sizeof named, "rank %d", comm->world - 1);
    int told = strstr(err.msg, named) && strstr(err.msg, "batch 9") && strstr(err.msg, "batch 8");
    expect(comm->world == 1 ? status == IAD_OK : status == IAD_ERR_FORMAT && told, "agree names rank and texts");
}

/* A call that must fail: prints what it said and how long it took. */
static void await_failure(iad_comm *comm) {
    iad_err err = IAD_ERR_NONE;
    double began = iad_clock(), value = 1;
    iad_status status = iad_comm_fold(comm, &value, 1, IAD_FOLD_SUM, &err);
    printf("rank %d: %s: %s (%s)\n", comm->rank, iad_status_name(status), err.msg, iad_clock() - began < comm->deadline + 10 ? "in time" : "late");
    expect(status == IAD_ERR_IO && comm->broken && value == 1, "the call fails and leaves the value");
    expect(comm->ops->barrier(comm, &err) == IAD_ERR_IO && strstr(err.msg, "after a failure"), "later calls fail at once");
}

static void measure(iad_comm *comm, size_t bytes, size_t chunk) {
    size_t world = (size_t)comm->world, at[8], part[8];
    iad_err err = IAD_ERR_NONE;
    for (size_t r = 0; r < world; r++) at[r] = r * bytes, part[r] = bytes;
    char *send = iad_calloc(world, bytes), *recv = iad_calloc(world, bytes);
    double best = 1e9;
    iad_comm_mpi_chunk_set(comm, chunk);
    for (int turn = 0; turn < 8 && send && recv; turn++) {
        done(comm->ops->barrier(comm, &err), &err, "barrier");
        double began = iad_clock();
        if (!done(comm->ops->all_to_all(comm, send, at, part, recv, at, part, &err), &err, "all_to_all")) break;
        if (iad_clock() - began < best) best = iad_clock() - began;
    }
    double rate = (double)(bytes * (world - 1)) / best * 1e-9;
    if (comm->rank == 0) printf("%zu bytes to each, pieces of %zu: %.3f ms, %.2f GB/s per rank\n", bytes, chunk, best * 1e3, rate);
    free(send), free(recv);
}

int main(int argc, char **argv) {
    const char *scenario = argc > 1 ? argv[1] : "calls";
    double deadline = argc > 2 ? strtod(argv[2], NULL) : 60;
    iad_err err = IAD_ERR_NONE;
    iad_launch launch;
    iad_comm *comm = NULL;
    char text[400];
    setvbuf(stdout, NULL, _IOLBF, 0);
    iad_status status = iad_launch_find(NULL, NULL, NULL, &launch, &err);
    const char *meet = getenv("IAD_TEST_NCCL");
    if (status == IAD_OK) status = meet ? iad_comm_nccl_new(&launch, meet, deadline, &comm, &err) : iad_comm_new(&launch, deadline, &comm, &err);
    if (status != IAD_OK) {
        fprintf(stderr, "error: %s\n", err.msg);
        return 1;
    }
    iad_launch_describe(&launch, text, sizeof text);
    printf("%s; comm %s\n", text, comm->ops->name);
    expect(comm->world <= 8 && comm->local_rank == comm->rank, "ranks of one machine");
    int last = comm->world - 1;
    if (strcmp(scenario, "calls") == 0) {
        for (int round = 0; round < 3 && failures == 0; round++) {
            try_all_to_all(comm, 1000, 1 << 30), try_all_to_all(comm, 1000, 7), try_all_to_all(comm, 0, 1), try_all_to_all(comm, 300000, 65536);
            try_all_gather(comm, 1000, 1 << 30, 0), try_all_gather(comm, 1000, 13, 1), try_all_gather(comm, 0, 1, 0);
            try_fold(comm), try_agree(comm);
            done(comm->ops->barrier(comm, &err), &err, "barrier");
        }
    } else if (strcmp(scenario, "late") == 0) { /* the last rank is busy for longer than the others wait */
        if (comm->rank == last) sleep((unsigned)(deadline + 8));
        else await_failure(comm);
    } else if (strcmp(scenario, "killed") == 0) {
        if (comm->rank == last) raise(SIGKILL);
        await_failure(comm);
    } else if (strcmp(scenario, "leaves") == 0) { /* ends as if nothing were wrong */
        if (comm->rank == last) _exit(0);
        await_failure(comm);
    } else if (strcmp(scenario, "gives-up") == 0) {
        if (comm->rank == last) usleep(300000), iad_comm_abort(comm, "no space left on /data");
        else await_failure(comm);
    } else if (strcmp(scenario, "closes") == 0) { /* done one call earlier than the others */
        if (comm->rank != last) await_failure(comm), iad_comm_abort(comm, "left alone");
    } else if (strcmp(scenario, "sizes") == 0) { /* two ranks that do not mean the same */
        size_t at[8] = {0}, bytes[8] = {0};
        char from[64] = {0}, to[512];
        for (int r = 0; r < comm->world; r++) at[r] = (size_t)r * 64, bytes[r] = comm->rank == 0 ? 16 : 8;
        status = comm->ops->all_gather(comm, from, to, at, bytes, &err);
        printf("rank %d: %s: %s\n", comm->rank, iad_status_name(status), err.msg);
        expect(status == IAD_ERR_IO || comm->rank != 0, "a size that differs is noticed");
    } else if (strcmp(scenario, "measure") == 0) {
        for (size_t chunk = 1 << 20; chunk <= 64 << 20; chunk *= 4) measure(comm, 64 << 20, chunk);
        measure(comm, 1024, 1 << 20);
    }
    iad_comm_free(comm);
    printf("rank %d ends with %d failures\n", launch.rank, failures);
    return failures > 0;
}
