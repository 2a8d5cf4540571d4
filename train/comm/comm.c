/* What every transport shares: folds in rank order, agreement on texts; and the transport of a process alone. */
#include "train/comm/comm.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"

/* ---- folds ---- */

static double fold_two(double so_far, double value, iad_fold fold) {
    if (fold == IAD_FOLD_SUM) return so_far + value;
    if (isnan(so_far) || isnan(value)) return isnan(so_far) ? so_far : value;
    if (fold == IAD_FOLD_MIN) return value < so_far ? value : so_far;
    return value > so_far ? value : so_far;
}

iad_status iad_comm_fold(iad_comm *comm, double *values, int n, iad_fold fold, iad_err *err) {
    if (n < 0 || n > IAD_COMM_MAX_FOLD) return IAD_FAIL(err, IAD_ERR_LIMIT, "a fold of %d values (limit %d)", n, (int)IAD_COMM_MAX_FOLD);
    if (fold != IAD_FOLD_SUM && fold != IAD_FOLD_MIN && fold != IAD_FOLD_MAX) return IAD_FAIL(err, IAD_ERR_ARG, "no such fold: %d", (int)fold);
    if (comm->world == 1 || n == 0) return IAD_OK;
    size_t world = (size_t)comm->world, row = (size_t)n * sizeof *values;
    double *all = iad_alloc(world, row);
    size_t *at = iad_alloc(world, sizeof *at), *bytes = iad_alloc(world, sizeof *bytes);
    iad_status status = all && at && bytes ? IAD_OK : IAD_NOMEM(err, "a fold over the ranks");
    if (status == IAD_OK) {
        for (size_t r = 0; r < world; r++) at[r] = r * row, bytes[r] = row;
        status = comm->ops->all_gather(comm, values, all, at, bytes, err);
    }
    if (status == IAD_OK) {
        for (int i = 0; i < n; i++) {
            double folded = all[i];
            for (size_t r = 1; r < world; r++) folded = fold_two(folded, all[r * (size_t)n + (size_t)i], fold);
            values[i] = folded;
        }
    }
    free(all), free(at), free(bytes);
    return status;
}

/* ---- agreement ---- */

/* Names the first rank whose text is not rank 0's. text[r] begins at all + at[r] and has bytes[r] bytes. */
static iad_status compare_texts(const char *what, const char *all, const size_t *at, const size_t *bytes, size_t world, iad_err *err) {
    enum { SHOWN = 120, BEFORE = 20 };
    for (size_t r = 1; r < world; r++) {
        if (bytes[r] == bytes[0] && memcmp(all + at[r], all + at[0], bytes[0]) == 0) continue;
        size_t shorter = bytes[r] < bytes[0] ? bytes[r] : bytes[0], same = 0;
        while (same < shorter && all[at[r] + same] == all[at[0] + same]) same++;
        size_t from = same > BEFORE ? same - BEFORE : 0;
        int n0 = (int)(bytes[0] - from > SHOWN ? SHOWN : bytes[0] - from), nr = (int)(bytes[r] - from > SHOWN ? SHOWN : bytes[r] - from);
        const char *dots = from > 0 ? "..." : "";
        return IAD_FAIL(err, IAD_ERR_FORMAT, "rank %zu has another %s than rank 0: \"%s%.*s\" where rank 0 has \"%s%.*s\"", r, what, dots, nr,
                        all + at[r] + from, dots, n0, all + at[0] + from);
    }
    return IAD_OK;
}

iad_status iad_comm_agree(iad_comm *comm, const char *what, const char *text, iad_err *err) {
    size_t n = strlen(text);
    if (n > IAD_COMM_MAX_TEXT) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s has %zu bytes (limit %d)", what, n, (int)IAD_COMM_MAX_TEXT);
    if (comm->world == 1) return IAD_OK;
    size_t world = (size_t)comm->world, total = 0;
    uint64_t length = n, *lengths = iad_alloc(world, sizeof *lengths);
    size_t *at = iad_alloc(world, sizeof *at), *bytes = iad_alloc(world, sizeof *bytes);
    char *all = NULL;
    iad_status status = lengths && at && bytes ? IAD_OK : IAD_NOMEM(err, "the texts of all ranks");
    if (status == IAD_OK) {
        for (size_t r = 0; r < world; r++) at[r] = r * sizeof length, bytes[r] = sizeof length;
        status = comm->ops->all_gather(comm, &length, lengths, at, bytes, err);
    }
    for (size_t r = 0; status == IAD_OK && r < world; r++) {
        if (lengths[r] > IAD_COMM_MAX_TEXT) status = IAD_FAIL(err, IAD_ERR_FORMAT, "rank %zu sent nonsense as the length of its %s", r, what);
        at[r] = total, bytes[r] = (size_t)lengths[r], total += bytes[r];
    }
    if (status == IAD_OK && !(all = iad_alloc(total, 1))) status = IAD_NOMEM(err, "the texts of all ranks");
    if (status == IAD_OK) status = comm->ops->all_gather(comm, text, all, at, bytes, err);
    if (status == IAD_OK) status = compare_texts(what, all, at, bytes, world, err);
    free(lengths), free(at), free(bytes), free(all);
    return status;
}

/* ---- for transports ---- */

iad_status iad_comm_check_own(const iad_comm *comm, const size_t *send_bytes, const size_t *recv_bytes, iad_err *err) {
    const int rank = comm->rank;
    if (send_bytes[rank] == recv_bytes[rank]) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_ARG, "all_to_all: rank %d sends itself %zu bytes and expects %zu", rank, send_bytes[rank], recv_bytes[rank]);
}

void iad_comm_rest(double seconds, double most) {
    if (seconds < 0.002) {
        sched_yield();
        return;
    }
    double nap = seconds / 16 < most ? seconds / 16 : most;
    nanosleep(&(struct timespec){.tv_nsec = (long)(nap * 1e9)}, NULL);
}

/* ---- alone ---- */

static iad_status self_all_to_all(iad_comm *comm, const void *send, const size_t *send_at, const size_t *send_bytes, void *recv,
                                  const size_t *recv_at, const size_t *recv_bytes, iad_err *err) {
    IAD_TRY(iad_comm_check_own(comm, send_bytes, recv_bytes, err));
    if (send_bytes[0] > 0) memmove((char *)recv + recv_at[0], (const char *)send + send_at[0], send_bytes[0]);
    return IAD_OK;
}

static iad_status self_all_gather(iad_comm *comm, const void *mine, void *all, const size_t *at, const size_t *bytes, iad_err *err) {
    (void)comm, (void)err;
    if (bytes[0] > 0) memmove((char *)all + at[0], mine, bytes[0]);
    return IAD_OK;
}

static iad_status self_barrier(iad_comm *comm, iad_err *err) {
    (void)comm, (void)err;
    return IAD_OK;
}

static void self_give_up(iad_comm *comm, const char *message) { (void)comm, (void)message; }

static void self_close(iad_comm *comm) { free(comm); }

static const iad_comm_ops self_ops = {
    .name = "self", .all_to_all = self_all_to_all, .all_gather = self_all_gather, .barrier = self_barrier, .abort = self_give_up, .close = self_close,
};

iad_status iad_comm_self_new(iad_comm **comm, iad_err *err) {
    *comm = iad_calloc(1, sizeof **comm);
    if (!*comm) return IAD_NOMEM(err, "a communicator");
    **comm = (iad_comm){.ops = &self_ops, .rank = 0, .world = 1, .deadline = IAD_COMM_DEADLINE};
    return IAD_OK;
}

void iad_comm_abort(iad_comm *comm, const char *message) { (comm->ops->abort)(comm, message); }

void iad_comm_free(iad_comm *comm) {
    if (comm) comm->ops->close(comm);
}
