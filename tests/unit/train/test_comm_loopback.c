/* Logical ranks as threads: what each call brings, and how a rank that is late, gone, mistaken or gives up ends the others' calls. */
#include "tests/unit/iad_test.h"

#include <pthread.h>

#include "base/alloc.h"
#include "train/comm/comm_loopback.h"

enum { MAX = 5, ROUNDS = 40 };

typedef struct rank_job {
    iad_comm *comm;
    void (*body)(struct rank_job *job);
    int wrong;          /* what a rank found; checked on the main thread */
    iad_status status;
    iad_err err;
    pthread_t thread;
} rank_job;

static void *start(void *job) {
    ((rank_job *)job)->body(job);
    return NULL;
}

static void run_ranks(int world, double deadline, void (*body)(rank_job *job), rank_job jobs[MAX], iad_loopback **kept) {
    iad_loopback *loop = NULL;
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_loopback_new(world, deadline, &loop, &err));
    for (int r = 0; r < world; r++) {
        jobs[r] = (rank_job){.comm = iad_loopback_get(loop, r), .body = body, .err = IAD_ERR_NONE};
        assert_int_equal(jobs[r].comm->rank, r);
        assert_int_equal(jobs[r].comm->world, world);
        assert_int_equal(0, pthread_create(&jobs[r].thread, NULL, start, &jobs[r]));
    }
    for (int r = 0; r < world; r++) pthread_join(jobs[r].thread, NULL);
    if (kept) *kept = loop;
    else iad_loopback_free(loop);
}

static unsigned char byte_of(int from, int to, size_t i) { return (unsigned char)(i * 31 + (size_t)from * 7 + (size_t)to * 131); }

static int exchange_once(iad_comm *c, size_t unit) {
    unsigned char send[4096], recv[4096];
    size_t send_at[MAX], send_n[MAX], recv_at[MAX], recv_n[MAX], out = 0, in = 0;
    int wrong = 0;
    for (int r = 0; r < c->world; r++) {
        send_at[r] = out, send_n[r] = unit * (size_t)((c->rank * 3 + r * 5) % 4), out += send_n[r] + 3;
        recv_at[r] = in, recv_n[r] = unit * (size_t)((r * 3 + c->rank * 5) % 4), in += recv_n[r] + 5;
        for (size_t i = 0; i < send_n[r]; i++) send[send_at[r] + i] = byte_of(c->rank, r, i);
    }
    memset(recv, 0xee, sizeof recv);
    if (c->ops->all_to_all(c, send, send_at, send_n, recv, recv_at, recv_n, NULL) != IAD_OK) return 1;
    memset(send, 0, sizeof send); /* nobody may still read it */
    for (int r = 0; r < c->world; r++) {
        for (size_t i = 0; i < recv_n[r]; i++) wrong += recv[recv_at[r] + i] != byte_of(r, c->rank, i);
        for (size_t i = 0; i < 5; i++) wrong += recv[recv_at[r] + recv_n[r] + i] != 0xee;
    }
    return wrong;
}

static int gather_once(iad_comm *c, size_t unit, int in_place) {
    unsigned char all[4096], own[1024];
    size_t at[MAX], n[MAX], total = 0;
    int wrong = 0;
    for (int r = 0; r < c->world; r++) at[r] = total, n[r] = unit * (size_t)(r % 3), total += n[r] + 2;
    unsigned char *mine = in_place ? all + at[c->rank] : own;
    for (size_t i = 0; i < n[c->rank]; i++) mine[i] = byte_of(c->rank, 0, i);
    if (c->ops->all_gather(c, mine, all, at, n, NULL) != IAD_OK) return 1;
    for (int r = 0; r < c->world; r++)
        for (size_t i = 0; i < n[r]; i++) wrong += all[at[r] + i] != byte_of(r, 0, i);
    return wrong;
}

static void all_calls(rank_job *j) {
    static const double terms[MAX] = {1e16, 3.14159, -1e16, 2.71828, 1e-8};
    for (int round = 0; round < ROUNDS; round++) {
        j->wrong += exchange_once(j->comm, 100) + exchange_once(j->comm, 0) + exchange_once(j->comm, 1);
        j->wrong += gather_once(j->comm, 300, 0) + gather_once(j->comm, 7, 1) + gather_once(j->comm, 0, 1);
        double value = terms[j->comm->rank], sum = terms[0];
        for (int r = 1; r < j->comm->world; r++) sum += terms[r];
        j->wrong += iad_comm_fold(j->comm, &value, 1, IAD_FOLD_SUM, NULL) != IAD_OK || memcmp(&value, &sum, sizeof sum) != 0;
        j->wrong += iad_comm_agree(j->comm, "text", "the same", NULL) != IAD_OK;
        j->wrong += j->comm->ops->barrier(j->comm, NULL) != IAD_OK;
    }
    iad_comm_free(j->comm);
}

static void test_calls(void **unused) {
    (void)unused;
    rank_job jobs[MAX];
    for (int world = 1; world <= MAX; world++) {
        run_ranks(world, 60, all_calls, jobs, NULL);
        for (int r = 0; r < world; r++) assert_int_equal(jobs[r].wrong, 0);
    }
}

static void barrier_or(rank_job *j, void (*last)(rank_job *j)) {
    if (j->comm->rank == j->comm->world - 1) last(j);
    else j->status = j->comm->ops->barrier(j->comm, &j->err);
}

static void ends(rank_job *j) { iad_comm_free(j->comm); }
static void last_ends(rank_job *j) { barrier_or(j, ends); }
static void gives_up(rank_job *j) { iad_comm_abort(j->comm, "no space left on /data"); }
static void last_gives_up(rank_job *j) { barrier_or(j, gives_up); }
static void nothing(rank_job *j) { (void)j; }
static void last_is_late(rank_job *j) { barrier_or(j, nothing); }

static void other_size(rank_job *j) {
    size_t at[MAX] = {0, 8, 16}, n[MAX] = {4, 4, 4};
    char mine[8] = "", all[32];
    if (j->comm->rank == 2) n[2] = 8;
    j->status = j->comm->ops->all_gather(j->comm, mine, all, at, n, &j->err);
}

static void other_call(rank_job *j) {
    size_t at[MAX] = {0}, n[MAX] = {0};
    if (j->comm->rank == 2) j->status = j->comm->ops->all_gather(j->comm, NULL, NULL, at, n, &j->err);
    else j->status = j->comm->ops->barrier(j->comm, &j->err);
}

/* Ranks 0 and 1 of three fail and say so; what comes later fails at once. */
static void expect_failure(double deadline, void (*body)(rank_job *job), const char *said, int heard) {
    rank_job jobs[MAX];
    iad_loopback *loop = NULL;
    iad_err err = IAD_ERR_NONE;
    run_ranks(3, deadline, body, jobs, &loop);
    for (int r = 0; r < 2; r++) {
        assert_int_equal(jobs[r].status, IAD_ERR_IO);
        if (!strstr(jobs[r].err.msg, said)) fail_msg("\"%s\" lacks \"%s\"", jobs[r].err.msg, said);
        assert_int_equal(jobs[r].comm->broken, 1);
        assert_int_equal(iad_loopback_heard(loop, r), heard);
        assert_fails(IAD_ERR_IO, jobs[r].comm->ops->barrier(jobs[r].comm, &err));
        assert_non_null(strstr(err.msg, "barrier after a failure: "));
    }
    iad_loopback_free(loop);
}

static void test_failures(void **unused) {
    (void)unused;
    expect_failure(1000, last_ends, "rank 2 has ended, rank ", -1);
    expect_failure(1000, last_gives_up, "barrier: rank 2 gave up: no space left on /data", 2);
    expect_failure(0.05, last_is_late, "rank 2 did not answer rank ", -1);
    expect_failure(1000, other_size, "all_gather: rank 2 sent 8 bytes where 4 were expected", -1);
    expect_failure(1000, other_call, " is in barrier, rank 2 in all_gather", -1);
}

static void test_arguments(void **unused) {
    (void)unused;
    iad_loopback *loop = NULL;
    iad_err err = IAD_ERR_NONE;
    int world = 0;
    assert_fails(IAD_ERR_LIMIT, iad_loopback_new(0, 1, &loop, &err));
    assert_fails(IAD_ERR_LIMIT, iad_loopback_new(IAD_LOOPBACK_MAX_WORLD + 1, 1, &loop, &err));
    assert_fails(IAD_ERR_ARG, iad_loopback_new(2, -1, &loop, &err));
    assert_null(loop);
    iad_loopback_free(NULL);
    assert_ok(iad_loopback_parse("loopback:4", &world, &err));
    assert_int_equal(world, 4);
    assert_fails(IAD_ERR_FORMAT, iad_loopback_parse("loop:4", &world, &err));
    assert_non_null(strstr(err.msg, "loop:4"));
    assert_true(iad_loopback_parse("loopback:", &world, &err) != IAD_OK);
    assert_true(iad_loopback_parse("loopback:0", &world, &err) != IAD_OK);
    assert_true(iad_loopback_parse("loopback:4x", &world, &err) != IAD_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls), cmocka_unit_test(test_failures), cmocka_unit_test(test_arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
