/* A communicator of one rank, and folds and agreement over ranks that are played by a table. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "train/comm/comm.h"

static void test_self(void **unused) {
    (void)unused;
    iad_comm *comm = NULL;
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_comm_self_new(&comm, &err));
    assert_int_equal(comm->rank, 0);
    assert_int_equal(comm->world, 1);
    char send[8] = "abcdefg", recv[8] = "-------";
    size_t two = 2, one = 1, three = 3, none = 0;
    assert_ok(comm->ops->all_to_all(comm, send, &two, &three, recv, &one, &three, &err));
    assert_string_equal(recv, "-cde---");
    assert_fails(IAD_ERR_ARG, comm->ops->all_to_all(comm, send, &two, &three, recv, &one, &two, &err));
    assert_ok(comm->ops->all_to_all(comm, NULL, &none, &none, NULL, &none, &none, &err));
    assert_ok(comm->ops->all_gather(comm, send, recv, &three, &two, &err));
    assert_string_equal(recv, "-cdab--");
    assert_ok(comm->ops->all_gather(comm, recv + 3, recv, &three, &two, &err)); /* in place */
    assert_string_equal(recv, "-cdab--");
    assert_ok(comm->ops->barrier(comm, &err));
    double values[2] = {-0.0, NAN};
    assert_ok(iad_comm_fold(comm, values, 2, IAD_FOLD_SUM, &err));
    assert_true(signbit(values[0]) && isnan(values[1]));
    assert_ok(iad_comm_agree(comm, "text", "anything", &err));
    assert_fails(IAD_ERR_LIMIT, iad_comm_fold(comm, values, IAD_COMM_MAX_FOLD + 1, IAD_FOLD_SUM, &err));
    assert_fails(IAD_ERR_ARG, iad_comm_fold(comm, values, 1, (iad_fold)7, &err));
    iad_comm_abort(comm, "nobody hears this");
    iad_comm_free(comm);
    iad_comm_free(NULL);
}

/* Three ranks of which this process is rank 1: all_gather puts in what the table says the others sent. */
typedef struct played {
    iad_comm base;
    const void *others[2][3]; /* of the first and the second call; [1] is ours */
    size_t bytes[2][3];
    int call, fails;
} played;

static iad_status played_gather(iad_comm *comm, const void *mine, void *all, const size_t *at, const size_t *bytes, iad_err *err) {
    played *p = (played *)comm;
    if (p->fails) return IAD_FAIL(err, IAD_ERR_IO, "all_gather: rank 2 did not answer");
    for (int r = 0; r < 3; r++) {
        const void *from = r == 1 ? mine : p->others[p->call][r];
        if (r != 1) assert_int_equal(bytes[r], p->bytes[p->call][r]);
        if (bytes[r] > 0) memcpy((char *)all + at[r], from, bytes[r]);
    }
    p->call++;
    return IAD_OK;
}

static const iad_comm_ops played_ops = {.name = "played", .all_gather = played_gather};

static played new_played(void) { return (played){.base = {.ops = &played_ops, .rank = 1, .world = 3, .deadline = 1}}; }

static double fold_of(double a, double b, double c, iad_fold fold) {
    played p = new_played();
    iad_err err = IAD_ERR_NONE;
    double value = b;
    p.others[0][0] = &a, p.others[0][2] = &c;
    p.bytes[0][0] = p.bytes[0][2] = sizeof a;
    assert_ok(iad_comm_fold(&p.base, &value, 1, fold, &err));
    return value;
}

static void test_folds(void **unused) {
    (void)unused;
    assert_close(fold_of(1e16, 1, -1e16, IAD_FOLD_SUM), 0, 0); /* (1e16 + 1) - 1e16: the order shows */
    assert_close(fold_of(1e16, -1e16, 1, IAD_FOLD_SUM), 1, 0);
    assert_close(fold_of(3, -2, 5, IAD_FOLD_MIN), -2, 0);
    assert_close(fold_of(3, -2, 5, IAD_FOLD_MAX), 5, 0);
    assert_close(fold_of(3, 2, -INFINITY, IAD_FOLD_MAX), 3, 0);
    assert_true(isinf(fold_of(3, 2, -INFINITY, IAD_FOLD_MIN)));
    for (int fold = IAD_FOLD_SUM; fold <= IAD_FOLD_MAX; fold++) {
        assert_true(isnan(fold_of(NAN, 1, 2, (iad_fold)fold)));
        assert_true(isnan(fold_of(1, NAN, 2, (iad_fold)fold)));
        assert_true(isnan(fold_of(1, 2, NAN, (iad_fold)fold)));
    }
    played p = new_played();
    iad_err err = IAD_ERR_NONE;
    double value = 4;
    p.fails = 1;
    assert_fails(IAD_ERR_IO, iad_comm_fold(&p.base, &value, 1, IAD_FOLD_SUM, &err));
    assert_close(value, 4, 0);
}

static iad_status agree_on(const char *zero, const char *one, const char *two, iad_err *err) {
    played p = new_played();
    uint64_t n0 = strlen(zero), n2 = strlen(two);
    p.others[0][0] = &n0, p.others[0][2] = &n2, p.bytes[0][0] = p.bytes[0][2] = sizeof n0;
    p.others[1][0] = zero, p.others[1][2] = two, p.bytes[1][0] = n0, p.bytes[1][2] = n2;
    return iad_comm_agree(&p.base, "configuration", one, err);
}

static void test_agreement(void **unused) {
    (void)unused;
    iad_err err = IAD_ERR_NONE;
    assert_ok(agree_on("same", "same", "same", &err));
    assert_ok(agree_on("", "", "", &err));
    assert_fails(IAD_ERR_FORMAT, agree_on("rate 1", "rate 2", "rate 3", &err));
    assert_non_null(strstr(err.msg, "rank 1 has another configuration than rank 0: \"rate 2\" where rank 0 has \"rate 1\""));
    assert_fails(IAD_ERR_FORMAT, agree_on("rate 1", "rate 1", "rate 12", &err));
    assert_non_null(strstr(err.msg, "rank 2"));
    assert_fails(IAD_ERR_FORMAT, agree_on("", "", "x", &err));

    /* long texts are shown from shortly before the place where they part */
    char zero[3000], two[3000];
    memset(zero, 'x', sizeof zero), zero[sizeof zero - 1] = 0;
    memcpy(two, zero, sizeof two);
    memcpy(two + 2500, "HERE", 4);
    assert_fails(IAD_ERR_FORMAT, agree_on(zero, zero, two, &err));
    assert_non_null(strstr(err.msg, "rank 2"));
    assert_non_null(strstr(err.msg, "\"...xxxxxxxxxxxxxxxxxxxxHERExxx"));

    played p = new_played();
    uint64_t nonsense = UINT64_MAX, fine = 1;
    p.others[0][0] = &fine, p.others[0][2] = &nonsense, p.bytes[0][0] = p.bytes[0][2] = sizeof fine;
    assert_fails(IAD_ERR_FORMAT, iad_comm_agree(&p.base, "build", "b", &err));
    assert_non_null(strstr(err.msg, "rank 2"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_self), cmocka_unit_test(test_folds), cmocka_unit_test(test_agreement)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
