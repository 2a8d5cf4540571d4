/* Which job and which start of it the environment names, and tickets as text. */
#include "tests/unit/iad_test.h"

#include <stdio.h>

#include "train/comm/ncclmeet.h"

static const char *look(void *user, const char *name) {
    const char *const *pairs = user;
    for (; *pairs; pairs += 2)
        if (strcmp(pairs[0], name) == 0) return pairs[1];
    return NULL;
}

static iad_status job_of(const char *const *pairs, iad_nccl_ticket *ticket, iad_err *err) {
    const void *user = pairs;
    void *mine = NULL;
    memcpy(&mine, &user, sizeof mine); /* look only reads */
    return iad_nccl_job(look, mine, ticket, err);
}

static void test_job(void **unused) {
    (void)unused;
    iad_nccl_ticket t;
    iad_err err = IAD_ERR_NONE;
    const char *const both[] = {"IAD_JOB", "mine", "SLURM_JOB_ID", "7", "IAD_GENERATION", "3", "SLURM_RESTART_COUNT", "1", NULL};
    assert_ok(job_of(both, &t, &err));
    assert_string_equal(t.job, "mine");
    assert_int_equal(t.generation, 3);
    assert_ok(job_of((const char *const[]){"SLURM_JOB_ID", "4711", "SLURM_STEP_ID", "2", "SLURM_RESTART_COUNT", "1", NULL}, &t, &err));
    assert_string_equal(t.job, "4711.2");
    assert_int_equal(t.generation, 1);
    assert_ok(job_of((const char *const[]){"TORCHELASTIC_RUN_ID", "abc", "TORCHELASTIC_RESTART_COUNT", "5", NULL}, &t, &err));
    assert_string_equal(t.job, "abc");
    assert_int_equal(t.generation, 5);
    assert_ok(job_of((const char *const[]){"PMIX_NAMESPACE", "n-1", NULL}, &t, &err));
    assert_int_equal(t.generation, 0);
    assert_fails(IAD_ERR_ARG, job_of((const char *const[]){"IAD_JOB", "", "SLURM_STEP_ID", "2", NULL}, &t, &err));
    assert_non_null(strstr(err.msg, "set IAD_JOB"));
    assert_fails(IAD_ERR_FORMAT, job_of((const char *const[]){"IAD_JOB", "two words", NULL}, &t, &err));
    assert_true(job_of((const char *const[]){"IAD_JOB", "x", "IAD_GENERATION", "-1", NULL}, &t, &err) != IAD_OK);
    assert_non_null(strstr(err.msg, "IAD_GENERATION"));
}

static void test_ticket(void **unused) {
    (void)unused;
    iad_nccl_ticket t = {.job = "4711.0", .generation = INT64_MAX, .world = 65536, .build = "0.1.0"}, back;
    iad_err err = IAD_ERR_NONE;
    char text[IAD_NCCL_TICKET_MAX], longer[IAD_NCCL_TICKET_MAX + 1];
    for (int i = 0; i < IAD_NCCL_ID; i++) t.id[i] = (unsigned char)(255 - i);
    iad_nccl_ticket_format(&t, text);
    size_t n = strlen(text);
    assert_ok(iad_nccl_ticket_parse(text, n, "meet", &back, &err));
    assert_string_equal(back.job, t.job);
    assert_true(back.generation == t.generation && back.world == t.world);
    assert_string_equal(back.build, t.build);
    assert_memory_equal(back.id, t.id, sizeof t.id);
    for (size_t cut = 0; cut < n; cut++) assert_fails(IAD_ERR_FORMAT, iad_nccl_ticket_parse(text, cut, "meet", &back, &err));
    snprintf(longer, sizeof longer, "%sx", text);
    assert_fails(IAD_ERR_FORMAT, iad_nccl_ticket_parse(longer, n + 1, "meet", &back, &err));
    memset(longer, 'x', sizeof longer);
    assert_fails(IAD_ERR_FORMAT, iad_nccl_ticket_parse(longer, sizeof longer, "meet", &back, &err));
    text[n - 2] = 'G';
    assert_fails(IAD_ERR_FORMAT, iad_nccl_ticket_parse(text, n, "meet", &back, &err));
    assert_non_null(strstr(err.msg, "meet: not a meeting file of nccl (line 6)"));
}

/* A message belongs to one start of one job; the first one stays. */
static void test_gave_up(void **unused) {
    (void)unused;
    iad_nccl_ticket now = {.job = "j", .generation = 2}, before = {.job = "j", .generation = 1};
    char message[200] = "";
    const char *path = "test_ncclmeet.scratch";
    iad_nccl_gave_up_clear(path);
    assert_int_equal(0, iad_nccl_gave_up_take(path, &now, message, sizeof message));
    iad_nccl_gave_up_leave(path, &now, 3, "disk full");
    iad_nccl_gave_up_leave(path, &now, 1, "rank 3 gave up");
    assert_int_equal(1, iad_nccl_gave_up_take(path, &now, message, sizeof message));
    assert_string_equal(message, "rank 3 gave up: disk full");
    assert_int_equal(0, iad_nccl_gave_up_take(path, &before, message, sizeof message));
    iad_nccl_gave_up_clear(path);
    assert_int_equal(0, iad_nccl_gave_up_take(path, &now, message, sizeof message));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_job), cmocka_unit_test(test_ticket), cmocka_unit_test(test_gave_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
