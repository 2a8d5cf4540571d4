/* Rank discovery by made-up environments: every engine, the order between them, conflicts, bad values, Slurm's node lists. */
#include "tests/unit/iad_test.h"

#include "train/comm/launch.h"

/* "NAME=value\n..." as an environment. A value stays valid for the next seven look-ups. */
static const char *fake(void *user, const char *name) {
    static char slots[8][600];
    static int turn;
    size_t n = strlen(name);
    for (const char *line = user; *line;) {
        const char *end = strchr(line, '\n');
        size_t length = end ? (size_t)(end - line) : strlen(line);
        if (length > n && strncmp(line, name, n) == 0 && line[n] == '=') {
            char *slot = slots[turn++ % 8];
            memcpy(slot, line + n + 1, length - n - 1);
            slot[length - n - 1] = 0;
            return slot;
        }
        line += length + (end ? 1 : 0);
    }
    return NULL;
}

static iad_status find(const char *env, const iad_launch_flags *flags, iad_launch *launch, iad_err *err) {
    char copy[4000];
    snprintf(copy, sizeof copy, "%s", env);
    *err = IAD_ERR_NONE;
    return iad_launch_find(flags, fake, copy, launch, err);
}

typedef struct row {
    const char *env;
    iad_launch_engine engine;
    int rank, world, local;
    iad_transport transport;
    const char *rendezvous;
} row;

static const row rows[] = {
    {"", IAD_LAUNCH_NONE, 0, 1, 0, IAD_TRANSPORT_SELF, ""},
    {"RANK=3\nWORLD_SIZE=8\nLOCAL_RANK=3\nMASTER_ADDR=10.0.0.1\nMASTER_PORT=1234", IAD_LAUNCH_TORCHRUN, 3, 8, 3, IAD_TRANSPORT_NCCL,
     "10.0.0.1:1234"},
    {"RANK=0\nWORLD_SIZE=2", IAD_LAUNCH_TORCHRUN, 0, 2, -1, IAD_TRANSPORT_NCCL, ""},
    {"RANK=0\nWORLD_SIZE=1\nMASTER_ADDR=job-master-0", IAD_LAUNCH_TORCHRUN, 0, 1, 0, IAD_TRANSPORT_SELF, "job-master-0:29500"},
    {"RANK=1\nWORLD_SIZE=2\nMASTER_ADDR=fe80::1\nMASTER_PORT=7", IAD_LAUNCH_TORCHRUN, 1, 2, -1, IAD_TRANSPORT_NCCL, "[fe80::1]:7"},
    {"OMPI_COMM_WORLD_RANK=2\nOMPI_COMM_WORLD_SIZE=3\nOMPI_COMM_WORLD_LOCAL_RANK=0", IAD_LAUNCH_OPENMPI, 2, 3, 0, IAD_TRANSPORT_OPENMPI, ""},
    {"OMPI_COMM_WORLD_RANK=0\nOMPI_COMM_WORLD_SIZE=1\nOMPI_COMM_WORLD_LOCAL_RANK=0", IAD_LAUNCH_OPENMPI, 0, 1, 0, IAD_TRANSPORT_SELF, ""},
    {"PMI_RANK=1\nPMI_SIZE=2\nMPI_LOCALRANKID=1\nMASTER_ADDR=a", IAD_LAUNCH_MPICH, 1, 2, 1, IAD_TRANSPORT_MPICH, "a:29500"},
    {"PMI_RANK=1\nPMI_SIZE=2\nPMI_LOCAL_RANK=0", IAD_LAUNCH_MPICH, 1, 2, 0, IAD_TRANSPORT_MPICH, ""},
    {"PMI_RANK=1\nPMI_SIZE=2", IAD_LAUNCH_MPICH, 1, 2, -1, IAD_TRANSPORT_MPICH, ""},
    /* srun --mpi=none: no MPI, so only nccl; the port follows the job */
    {"SLURM_PROCID=5\nSLURM_NTASKS=16\nSLURM_STEP_NUM_TASKS=8\nSLURM_STEP_ID=0\nSLURM_LOCALID=1\nSLURM_JOB_ID=123456\nSLURM_JOB_NODELIST=gpu[07-09,"
     "12],x",
     IAD_LAUNCH_SLURM, 5, 8, 1, IAD_TRANSPORT_NCCL, "gpu07:23456"},
    {"SLURM_PROCID=1\nSLURM_NTASKS=2\nSLURM_STEPID=3\nSLURM_JOBID=40000\nSLURM_JOB_NODELIST=a,b\nSLURM_STEP_NODELIST=b", IAD_LAUNCH_SLURM, 1, 2, -1,
     IAD_TRANSPORT_NCCL, "b:20000"},
    {"SLURM_PROCID=1\nSLURM_STEP_NUM_TASKS=2\nSLURM_JOB_ID=1\nSLURM_STEP_NODELIST=a\nMASTER_ADDR=b\nMASTER_PORT=9", IAD_LAUNCH_SLURM, 1, 2, -1,
     IAD_TRANSPORT_NCCL, "b:9"},
    /* srun --mpi=pmix starts Open MPI's ranks, srun --mpi=pmi2 MPICH's */
    {"SLURM_PROCID=1\nSLURM_STEP_NUM_TASKS=2\nPMIX_RANK=1\nPMIX_NAMESPACE=slurm.1.0", IAD_LAUNCH_SLURM, 1, 2, -1, IAD_TRANSPORT_OPENMPI, ""},
    {"SLURM_PROCID=1\nSLURM_STEP_NUM_TASKS=2\nSLURM_STEP_ID=0\nPMI_RANK=1\nPMI_SIZE=2", IAD_LAUNCH_MPICH, 1, 2, -1, IAD_TRANSPORT_MPICH, ""},
    /* the shell of a batch job has SLURM_PROCID=0, too, and is alone */
    {"SLURM_PROCID=0\nSLURM_NTASKS=16\nSLURM_LOCALID=0\nSLURM_JOB_ID=1\nSLURM_JOB_NODELIST=a", IAD_LAUNCH_NONE, 0, 1, 0, IAD_TRANSPORT_SELF, ""},
    {"SLURM_PROCID=0\nSLURM_NTASKS=16\nSLURM_STEP_ID=4294967291\nSLURM_JOB_ID=1", IAD_LAUNCH_NONE, 0, 1, 0, IAD_TRANSPORT_SELF, ""},
    {"SLURM_NTASKS=16\nSLURM_JOB_ID=1", IAD_LAUNCH_NONE, 0, 1, 0, IAD_TRANSPORT_SELF, ""},
    /* mpirun inside a job: the step is mpirun's own daemon, MPI counts */
    {"SLURM_PROCID=0\nSLURM_STEP_NUM_TASKS=2\nSLURM_STEP_ID=0\nOMPI_COMM_WORLD_RANK=3\nOMPI_COMM_WORLD_SIZE=4\nOMPI_COMM_WORLD_LOCAL_RANK=1",
     IAD_LAUNCH_OPENMPI, 3, 4, 1, IAD_TRANSPORT_OPENMPI, ""},
    {"SLURM_PROCID=0\nSLURM_STEP_NUM_TASKS=2\nPMI_RANK=3\nPMI_SIZE=4", IAD_LAUNCH_MPICH, 3, 4, -1, IAD_TRANSPORT_MPICH, ""},
    {"SLURM_PROCID=0\nSLURM_STEP_NUM_TASKS=2\nSLURM_LOCALID=0\nRANK=9\nWORLD_SIZE=16\nLOCAL_RANK=1", IAD_LAUNCH_TORCHRUN, 9, 16, 1,
     IAD_TRANSPORT_NCCL, ""},
    /* both sets, of one mind */
    {"RANK=1\nWORLD_SIZE=2\nOMPI_COMM_WORLD_RANK=1\nOMPI_COMM_WORLD_SIZE=2", IAD_LAUNCH_TORCHRUN, 1, 2, -1, IAD_TRANSPORT_OPENMPI, ""},
    {"RANK=1\nWORLD_SIZE=2\nPMI_RANK=1\nPMI_SIZE=2", IAD_LAUNCH_TORCHRUN, 1, 2, -1, IAD_TRANSPORT_MPICH, ""},
    {"JOB_COMPLETION_INDEX=2\nIAD_WORLD=4\nHOSTNAME=train-x-2\nIAD_SERVICE=ranks.ns.svc\nIAD_PORT=81", IAD_LAUNCH_KUBERNETES, 2, 4, -1,
     IAD_TRANSPORT_NCCL, "train-x-0.ranks.ns.svc:81"},
    {"JOB_COMPLETION_INDEX=2\nIAD_WORLD=4\nHOSTNAME=train-2", IAD_LAUNCH_KUBERNETES, 2, 4, -1, IAD_TRANSPORT_NCCL, "train-0:29500"},
    {"JOB_COMPLETION_INDEX=2\nIAD_WORLD=4\nHOSTNAME=other", IAD_LAUNCH_KUBERNETES, 2, 4, -1, IAD_TRANSPORT_NCCL, ""},
    {"JOB_COMPLETION_INDEX=0\nIAD_WORLD=1\nHOSTNAME=train-0", IAD_LAUNCH_KUBERNETES, 0, 1, 0, IAD_TRANSPORT_SELF, "train-0:29500"},
    /* half a set does not stop a whole one; empty is not set */
    {"RANK=1\nOMPI_COMM_WORLD_RANK=0\nOMPI_COMM_WORLD_SIZE=2", IAD_LAUNCH_OPENMPI, 0, 2, -1, IAD_TRANSPORT_OPENMPI, ""},
    {"RANK=\nWORLD_SIZE=", IAD_LAUNCH_NONE, 0, 1, 0, IAD_TRANSPORT_SELF, ""},
};

static void test_table(void **unused) {
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        iad_launch launch;
        iad_err err;
        char text[400];
        print_message("%s\n", rows[i].env);
        assert_ok(find(rows[i].env, NULL, &launch, &err));
        assert_int_equal(launch.engine, rows[i].engine);
        assert_int_equal(launch.rank, rows[i].rank);
        assert_int_equal(launch.world, rows[i].world);
        assert_int_equal(launch.local_rank, rows[i].local);
        assert_int_equal(launch.transport, rows[i].transport);
        assert_string_equal(launch.rendezvous, rows[i].rendezvous);
        iad_launch_describe(&launch, text, sizeof text);
        assert_non_null(strstr(text, "rank "));
    }
}

static void test_batch_shell_is_told(void **unused) {
    (void)unused;
    iad_launch launch;
    iad_err err;
    assert_ok(find("SLURM_PROCID=0\nSLURM_NTASKS=16", NULL, &launch, &err));
    assert_non_null(strstr(launch.note, "16 tasks"));
    assert_ok(find("SLURM_PROCID=0\nSLURM_NTASKS=1", NULL, &launch, &err));
    assert_string_equal(launch.note, "");
}

static void test_flags(void **unused) {
    (void)unused;
    iad_launch launch;
    iad_err err;
    const char *env = "RANK=3\nWORLD_SIZE=8\nLOCAL_RANK=3\nMASTER_ADDR=a\nMASTER_PORT=1\nOMPI_COMM_WORLD_RANK=1\nOMPI_COMM_WORLD_SIZE=4";
    iad_launch_flags flags = {.rank = 1, .world = 4, .local_rank = 0, .rendezvous = "head-1.local:5000"};
    assert_ok(find(env, &flags, &launch, &err));
    assert_int_equal(launch.engine, IAD_LAUNCH_FLAGS);
    assert_int_equal(launch.rank, 1);
    assert_int_equal(launch.world, 4);
    assert_int_equal(launch.local_rank, 0);
    assert_int_equal(launch.transport, IAD_TRANSPORT_OPENMPI);
    assert_string_equal(launch.rendezvous, "head-1.local:5000");

    flags = (iad_launch_flags){.rank = 0, .world = 1, .local_rank = -1, .rendezvous = NULL};
    assert_ok(find(env, &flags, &launch, &err));
    assert_int_equal(launch.transport, IAD_TRANSPORT_SELF);

    flags = (iad_launch_flags){.rank = 0, .world = 2, .local_rank = -1, .rendezvous = "[::1]:80"};
    assert_ok(find("", &flags, &launch, &err));
    assert_int_equal(launch.transport, IAD_TRANSPORT_NCCL);
    assert_string_equal(launch.rendezvous, "[::1]:80");

    static const iad_launch_flags bad[] = {{1, -1, -1, NULL}, {-1, 2, -1, NULL}, {-1, -1, 0, NULL},   {2, 2, -1, NULL},
                                           {0, 0, -1, NULL},  {0, 2, 2, NULL},   {0, 70000, -1, NULL}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(IAD_ERR_ARG, find("", &bad[i], &launch, &err));
        assert_non_null(strstr(err.msg, "--world"));
    }
    static const char *const hosts[] = {"", "host", "host:", "host:x", "host:0", "host:65536", ":80", "a b:80", "a/b:80", "[a:80"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        flags = (iad_launch_flags){.rank = 0, .world = 2, .local_rank = -1, .rendezvous = hosts[i]};
        iad_status status = find("", &flags, &launch, &err);
        if (status == IAD_OK) fail_msg("--rdzv \"%s\" was taken as %s", hosts[i], launch.rendezvous);
        assert_non_null(strstr(err.msg, "--rdzv"));
    }
}

static void test_refusals(void **unused) {
    (void)unused;
    static const struct { const char *env, *word; } bad[] = {
        {"RANK=1", "WORLD_SIZE"},
        {"WORLD_SIZE=2", "RANK"},
        {"RANK=2\nWORLD_SIZE=2", "RANK is 2"},
        {"RANK=x\nWORLD_SIZE=2", "RANK"},
        {"RANK=-1\nWORLD_SIZE=2", "RANK"},
        {"RANK=0\nWORLD_SIZE=0", "WORLD_SIZE"},
        {"RANK=0\nWORLD_SIZE=99999999999999999999", "WORLD_SIZE"},
        {"RANK=0\nWORLD_SIZE=2\nLOCAL_RANK=2", "on this machine"},
        {"RANK=0\nWORLD_SIZE=2\nLOCAL_RANK=1x", "LOCAL_RANK"},
        {"RANK=0\nWORLD_SIZE=2\nMASTER_ADDR=a b", "MASTER_ADDR"},
        {"RANK=0\nWORLD_SIZE=2\nMASTER_ADDR=a\nMASTER_PORT=http", "MASTER_PORT"},
        {"OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_SIZE"},
        {"PMI_SIZE=2", "PMI_RANK"},
        {"JOB_COMPLETION_INDEX=0", "IAD_WORLD"},
        {"SLURM_PROCID=0\nSLURM_STEP_ID=0", "SLURM_NTASKS"},
        {"SLURM_PROCID=4\nSLURM_STEP_NUM_TASKS=4", "SLURM_PROCID is 4"},
        {"SLURM_PROCID=0\nSLURM_STEP_NUM_TASKS=4\nSLURM_JOB_ID=1\nSLURM_JOB_NODELIST=n[1-", "SLURM_JOB_NODELIST"},
        {"SLURM_PROCID=0\nSLURM_STEP_NUM_TASKS=4\nSLURM_JOB_ID=one\nSLURM_JOB_NODELIST=n1", "SLURM_JOB_ID"},
        /* variables that were left over would make every rank of the MPI job believe that it is alone */
        {"RANK=0\nWORLD_SIZE=1\nOMPI_COMM_WORLD_RANK=1\nOMPI_COMM_WORLD_SIZE=2", "unset RANK and WORLD_SIZE"},
        {"RANK=0\nWORLD_SIZE=2\nPMI_RANK=1\nPMI_SIZE=2", "mpirun of MPICH started rank 1 of 2"},
        {"OMPI_COMM_WORLD_RANK=0\nOMPI_COMM_WORLD_SIZE=1\nPMI_RANK=1\nPMI_SIZE=2", "PMI_RANK"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        iad_launch launch;
        iad_err err;
        iad_status status = find(bad[i].env, NULL, &launch, &err);
        if (status == IAD_OK) fail_msg("taken: %s", bad[i].env);
        if (!strstr(err.msg, bad[i].word)) fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].env, err.msg, bad[i].word);
    }
}

static void test_node_lists(void **unused) {
    (void)unused;
    static const char *const good[][2] = {
        {"a", "a"}, {"node1,node2", "node1"}, {"node[01-03,07]", "node01"}, {"gpu[5]", "gpu5"}, {"r[1-2]n[03-04],x", "r1n03"},
        {"n[0009,0011]-ib.cluster", "n0009-ib.cluster"}, {"a-b_c.d,e", "a-b_c.d"},
    };
    static const char *const bad[] = {"", ",a", "n[", "n[]", "n[1", "n[1-2", "n[a-b]", "n]1", "n[1]]", "a b", "n[1;2]", "$(id)", "n[-3]"};
    char host[IAD_LAUNCH_HOST_MAX], *many;
    iad_err err = IAD_ERR_NONE;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(iad_launch_first_host(good[i][0], host, &err));
        assert_string_equal(host, good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (iad_launch_first_host(bad[i], host, &err) == IAD_OK) fail_msg("\"%s\" was taken as %s", bad[i], host);
    many = test_malloc(5000);
    memset(many, 'a', 4999), many[4999] = 0;
    assert_fails(IAD_ERR_FORMAT, iad_launch_first_host(many, host, &err));
    memset(many, '1', 4999), memcpy(many, "n[", 2), memcpy(many + 4997, "]", 2);
    assert_fails(IAD_ERR_FORMAT, iad_launch_first_host(many, host, &err));
    test_free(many);
}

static void test_comm_for_a_launch(void **unused) {
    (void)unused;
    iad_launch launch;
    iad_comm *comm = NULL;
    iad_err err = IAD_ERR_NONE;
    assert_ok(find("", NULL, &launch, &err));
    assert_ok(iad_comm_new(&launch, 5, &comm, &err));
    assert_string_equal(comm->ops->name, "self");
    assert_close(comm->deadline, 5, 0);
    iad_comm_free(comm);
    assert_ok(iad_comm_new(&launch, 0, &comm, &err));
    assert_close(comm->deadline, IAD_COMM_DEADLINE, 0);
    iad_comm_free(comm);
    assert_fails(IAD_ERR_ARG, iad_comm_new(&launch, -1, &comm, &err));
    assert_null(comm);
    assert_ok(find("RANK=0\nWORLD_SIZE=2", NULL, &launch, &err));
    assert_fails(IAD_ERR_UNSUPPORTED, iad_comm_new(&launch, 0, &comm, &err));
    assert_non_null(strstr(err.msg, "mpirun"));
    assert_non_null(strstr(err.msg, "nccl"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),    cmocka_unit_test(test_batch_shell_is_told), cmocka_unit_test(test_flags),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_node_lists),          cmocka_unit_test(test_comm_for_a_launch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
