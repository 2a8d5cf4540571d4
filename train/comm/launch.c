#include "train/comm/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- variables ---- */

typedef struct variables {
    iad_launch_env get;
    void *user;
} variables;

static const char *process_variable(void *user, const char *name) {
    (void)user;
    return getenv(name);
}

/* An empty variable counts as not set. */
static const char *look(const variables *vars, const char *name) {
    const char *value = vars->get(vars->user, name);
    return value && *value ? value : NULL;
}

/* One row of the table in launch.h. */
typedef struct row {
    const char *rank_name, *world_name;
    const char *local_names[2];
} row;

typedef enum state { ABSENT, HALF, COMPLETE } state;

typedef struct found {
    state state;
    int rank, world, local;
    const char *present, *missing; /* of half a set */
} found;

static iad_status check_range(int rank, int world, int local, const char *rank_name, const char *world_name, iad_err *err) {
    if (rank >= world) return IAD_FAIL(err, IAD_ERR_ARG, "%s is %d but %s is %d: ranks count from 0", rank_name, rank, world_name, world);
    if (local >= world) return IAD_FAIL(err, IAD_ERR_ARG, "the rank on this machine is %d but %s is %d", local, world_name, world);
    return IAD_OK;
}

static iad_status read_number(const variables *vars, const char *name, int lo, int *value, iad_err *err) {
    int64_t number = 0;
    IAD_TRY(iad_parse_i64(look(vars, name), lo, IAD_COMM_MAX_WORLD, name, &number, err));
    *value = (int)number;
    return IAD_OK;
}

static iad_status read_set(const variables *vars, const row *names, found *f, iad_err *err) {
    *f = (found){.state = ABSENT, .rank = 0, .world = 1, .local = -1};
    const char *rank = look(vars, names->rank_name), *world = look(vars, names->world_name);
    if (!rank && !world) return IAD_OK;
    if (!rank || !world) {
        f->state = HALF;
        f->present = rank ? names->rank_name : names->world_name;
        f->missing = rank ? names->world_name : names->rank_name;
        return IAD_OK;
    }
    IAD_TRY(read_number(vars, names->rank_name, 0, &f->rank, err));
    IAD_TRY(read_number(vars, names->world_name, 1, &f->world, err));
    for (int i = 0; i < 2 && f->local < 0; i++) {
        const char *name = names->local_names[i];
        if (name && look(vars, name)) IAD_TRY(read_number(vars, name, 0, &f->local, err));
    }
    f->state = COMPLETE;
    return check_range(f->rank, f->world, f->local, names->rank_name, names->world_name, err);
}

/* ---- rendezvous ---- */

static int host_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* A name, an IPv4 address, or an IPv6 address with or without brackets. */
static int host_valid(const char *host, size_t n) {
    if (n == 0 || n >= IAD_LAUNCH_HOST_MAX) return 0;
    int brackets = n > 2 && host[0] == '[' && host[n - 1] == ']';
    for (size_t i = brackets ? 1 : 0; i < n - (brackets ? 1 : 0); i++)
        if (!host_byte(host[i]) && host[i] != ':') return 0;
    return 1;
}

static iad_status set_rendezvous(iad_launch *launch, const char *what, const char *host, size_t n, const char *port, iad_err *err) {
    int64_t number = IAD_LAUNCH_DEFAULT_PORT;
    if (!host_valid(host, n)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%.*s\" is no host name", what, (int)(n > 100 ? 100 : n), host);
    if (port) IAD_TRY(iad_parse_i64(port, 1, 65535, what, &number, err));
    int v6 = host[0] != '[' && memchr(host, ':', n) != NULL;
    snprintf(launch->rendezvous, sizeof launch->rendezvous, v6 ? "[%.*s]:%d" : "%.*s:%d", (int)n, host, (int)number);
    return IAD_OK;
}

static iad_status rendezvous_of_flag(iad_launch *launch, const char *text, iad_err *err) {
    const char *colon = strrchr(text, ':');
    if (!colon) return IAD_FAIL(err, IAD_ERR_FORMAT, "--rdzv: \"%.100s\" is not host:port", text);
    return set_rendezvous(launch, "--rdzv", text, (size_t)(colon - text), colon + 1, err);
}

static iad_status rendezvous_of_master(const variables *vars, iad_launch *launch, iad_err *err) {
    const char *host = look(vars, "MASTER_ADDR");
    return host ? set_rendezvous(launch, "MASTER_ADDR, MASTER_PORT", host, strlen(host), look(vars, "MASTER_PORT"), err) : IAD_OK;
}

iad_status iad_launch_first_host(const char *nodes, char *out, iad_err *err) {
    size_t n = 0;
    const char *p = nodes;
    int whole = *nodes != 0;
    while (whole && *p && *p != ',' && n + 1 < IAD_LAUNCH_HOST_MAX) {
        if (*p != '[') {
            whole = host_byte(*p);
            out[n++] = *p++;
            continue;
        }
        /* "[07-09,12]": the first number, with its leading zeros */
        const char *first = ++p;
        while (*p >= '0' && *p <= '9' && n + 1 < IAD_LAUNCH_HOST_MAX) out[n++] = *p++;
        whole = p > first && (*p == '-' || *p == ',' || *p == ']');
        while (*p && *p != ']') p++;
        whole = whole && *p == ']';
        if (whole) p++;
    }
    out[n] = 0;
    if (!whole || n == 0 || (*p && *p != ','))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "\"%.100s\" is not a node list of Slurm", nodes);
    return IAD_OK;
}

/* ---- the engines with rules of their own ---- */

/* Tasks of a step count; the shell of a batch job also has SLURM_PROCID=0 and SLURM_NTASKS, but is one process. */
static iad_status read_slurm(const variables *vars, found *f, char *note, size_t note_n, iad_err *err) {
    *f = (found){.state = ABSENT, .rank = 0, .world = 1, .local = -1};
    if (!look(vars, "SLURM_PROCID")) return IAD_OK;
    const char *step = look(vars, "SLURM_STEP_ID");
    if (!step) step = look(vars, "SLURM_STEPID");
    /* batch, extern and interactive steps have numbers at the upper end of 32 bits */
    int numbered = step && strlen(step) < 10 && strspn(step, "0123456789") == strlen(step);
    if (!numbered && !look(vars, "SLURM_STEP_NUM_TASKS")) {
        const char *tasks = look(vars, "SLURM_NTASKS");
        if (tasks && strcmp(tasks, "1") != 0)
            snprintf(note, note_n, "the job has %.20s tasks, but this is its shell, not a step: one process; start ranks with srun or mpirun", tasks);
        return IAD_OK;
    }
    row in_step = {"SLURM_PROCID", look(vars, "SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS", {"SLURM_LOCALID", NULL}};
    return read_set(vars, &in_step, f, err);
}

static iad_status rendezvous_of_slurm(const variables *vars, iad_launch *launch, iad_err *err) {
    char host[IAD_LAUNCH_HOST_MAX], port[16] = "";
    const char *nodes = look(vars, "SLURM_STEP_NODELIST"), *job = look(vars, "SLURM_JOB_ID");
    if (!nodes) nodes = look(vars, "SLURM_JOB_NODELIST");
    if (!job) job = look(vars, "SLURM_JOBID");
    if (!nodes || !job) return IAD_OK;
    int64_t id = 0;
    IAD_TRY(iad_parse_i64(job, 0, INT64_MAX, "SLURM_JOB_ID", &id, err));
    if (iad_launch_first_host(nodes, host, err) != IAD_OK) return iad_err_prefix(err, "SLURM_JOB_NODELIST");
    snprintf(port, sizeof port, "%d", (int)(20000 + id % 20000)); /* two jobs on one node seldom meet */
    return set_rendezvous(launch, "SLURM_JOB_NODELIST", host, strlen(host), port, err);
}

/* The pods of an indexed Job are named JOB-0, JOB-1, ...; rank 0 answers as JOB-0, below the headless service when there is one. */
static iad_status rendezvous_of_pods(const variables *vars, iad_launch *launch, iad_err *err) {
    const char *name = look(vars, "HOSTNAME"), *service = look(vars, "IAD_SERVICE");
    char tail[24], host[2 * IAD_LAUNCH_HOST_MAX];
    snprintf(tail, sizeof tail, "-%d", launch->rank);
    if (!name || strlen(name) >= IAD_LAUNCH_HOST_MAX || !iad_text_ends(name, tail)) return IAD_OK;
    size_t n = strlen(name) - strlen(tail);
    int m = snprintf(host, sizeof host, "%.*s-0%s%s", (int)n, name, service ? "." : "", service ? service : "");
    if (m < 0 || (size_t)m >= sizeof host) return IAD_FAIL(err, IAD_ERR_LIMIT, "IAD_SERVICE: the name is too long");
    return set_rendezvous(launch, "HOSTNAME, IAD_SERVICE, IAD_PORT", host, (size_t)m, look(vars, "IAD_PORT"), err);
}

/* ---- all together ---- */

static const row torchrun_row = {"RANK", "WORLD_SIZE", {"LOCAL_RANK", NULL}};
static const row openmpi_row = {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", {"OMPI_COMM_WORLD_LOCAL_RANK", NULL}};
static const row mpich_row = {"PMI_RANK", "PMI_SIZE", {"MPI_LOCALRANKID", "PMI_LOCAL_RANK"}};
static const row kubernetes_row = {"JOB_COMPLETION_INDEX", "IAD_WORLD", {NULL, NULL}};

static iad_status take_flags(const iad_launch_flags *flags, iad_launch *launch, iad_err *err) {
    if (flags->rank < 0 || flags->world < 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "--rank, --world (and --local-rank) go together: %s is missing", flags->rank < 0 ? "--rank" : "--world");
    if (flags->world < 1 || flags->world > IAD_COMM_MAX_WORLD)
        return IAD_FAIL(err, IAD_ERR_ARG, "--world must be 1 to %d, not %d", (int)IAD_COMM_MAX_WORLD, flags->world);
    IAD_TRY(check_range(flags->rank, flags->world, flags->local_rank, "--rank", "--world", err));
    launch->engine = IAD_LAUNCH_FLAGS;
    launch->rank = flags->rank, launch->world = flags->world, launch->local_rank = flags->local_rank;
    return IAD_OK;
}

static void take(iad_launch *launch, iad_launch_engine engine, const found *f) {
    launch->engine = engine;
    launch->rank = f->rank, launch->world = f->world, launch->local_rank = f->local;
}

/* Variables of another launcher that were left in the environment of an MPI job would make every rank believe that it is alone. */
static iad_status refuse_contradiction(const iad_launch *launch, const char *chosen, const char *chosen_names, const found *mpi, const char *starter,
                                       const char *remedy, iad_err *err) {
    if (mpi->state != COMPLETE || (mpi->rank == launch->rank && mpi->world == launch->world)) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_ARG, "%s say rank %d of %d, but %s started rank %d of %d: unset %s, or %s", chosen, launch->rank, launch->world,
                    starter, mpi->rank, mpi->world, chosen_names, remedy);
}

iad_status iad_launch_find(const iad_launch_flags *flags, iad_launch_env env, void *user, iad_launch *launch, iad_err *err) {
    const variables vars = {env ? env : process_variable, user};
    const iad_launch_flags given = flags ? *flags : IAD_LAUNCH_NO_FLAGS;
    *launch = (iad_launch){.engine = IAD_LAUNCH_NONE, .rank = 0, .world = 1, .local_rank = 0};
    found torchrun, openmpi, mpich, slurm, kubernetes;
    IAD_TRY(read_set(&vars, &openmpi_row, &openmpi, err));
    IAD_TRY(read_set(&vars, &mpich_row, &mpich, err));

    if (given.rank >= 0 || given.world >= 0 || given.local_rank >= 0) {
        IAD_TRY(take_flags(&given, launch, err));
    } else {
        char note[sizeof launch->note] = "";
        IAD_TRY(read_set(&vars, &torchrun_row, &torchrun, err));
        IAD_TRY(read_slurm(&vars, &slurm, note, sizeof note, err));
        IAD_TRY(read_set(&vars, &kubernetes_row, &kubernetes, err));
        const struct { iad_launch_engine engine; const found *f; } order[] = {
            {IAD_LAUNCH_TORCHRUN, &torchrun}, {IAD_LAUNCH_OPENMPI, &openmpi},       {IAD_LAUNCH_MPICH, &mpich},
            {IAD_LAUNCH_SLURM, &slurm},       {IAD_LAUNCH_KUBERNETES, &kubernetes},
        };
        const found *half = NULL;
        for (size_t i = 0; i < sizeof order / sizeof *order && launch->engine == IAD_LAUNCH_NONE; i++) {
            if (order[i].f->state == COMPLETE) take(launch, order[i].engine, order[i].f);
            if (order[i].f->state == HALF && !half) half = order[i].f;
        }
        if (launch->engine == IAD_LAUNCH_NONE && half)
            return IAD_FAIL(err, IAD_ERR_ARG, "%s is set but %s is not: set both, or give --rank 0 --world 1 for one process", half->present,
                            half->missing);
        if (launch->engine == IAD_LAUNCH_NONE) iad_text_copy(launch->note, sizeof launch->note, note);
        if (launch->engine == IAD_LAUNCH_TORCHRUN) {
            const char *ours = "RANK and WORLD_SIZE";
            IAD_TRY(refuse_contradiction(launch, ours, ours, &openmpi, "mpirun of Open MPI", "give --rank and --world", err));
            IAD_TRY(refuse_contradiction(launch, ours, ours, &mpich, "mpirun of MPICH", "give --rank and --world", err));
        }
        if (launch->engine == IAD_LAUNCH_OPENMPI)
            IAD_TRY(refuse_contradiction(launch, "the variables OMPI_COMM_WORLD_*", "OMPI_COMM_WORLD_RANK and _SIZE", &mpich, "PMI (MPICH)",
                                         "PMI_RANK and PMI_SIZE, whichever is not the one that started this program", err));
    }

    if (given.rendezvous) IAD_TRY(rendezvous_of_flag(launch, given.rendezvous, err));
    else if (launch->engine == IAD_LAUNCH_SLURM && !look(&vars, "MASTER_ADDR")) IAD_TRY(rendezvous_of_slurm(&vars, launch, err));
    else if (launch->engine == IAD_LAUNCH_KUBERNETES && !look(&vars, "MASTER_ADDR")) IAD_TRY(rendezvous_of_pods(&vars, launch, err));
    else if (launch->engine != IAD_LAUNCH_NONE) IAD_TRY(rendezvous_of_master(&vars, launch, err));

    /* srun --mpi=pmix starts Open MPI's ranks without its own variables. */
    int pmix = launch->engine == IAD_LAUNCH_SLURM && look(&vars, "PMIX_RANK") && look(&vars, "PMIX_NAMESPACE");
    if (launch->world == 1) launch->local_rank = 0;
    if (launch->world == 1) launch->transport = IAD_TRANSPORT_SELF;
    else if (launch->engine == IAD_LAUNCH_MPICH) launch->transport = IAD_TRANSPORT_MPICH;
    else if (openmpi.state == COMPLETE || pmix) launch->transport = IAD_TRANSPORT_OPENMPI;
    else if (mpich.state == COMPLETE) launch->transport = IAD_TRANSPORT_MPICH;
    else launch->transport = IAD_TRANSPORT_NCCL;
    return IAD_OK;
}

void iad_launch_describe(const iad_launch *launch, char *text, size_t n) {
    static const char *const engines[] = {"by itself",      "by its flags", "by torchrun's variables", "by Open MPI",
                                          "by MPICH (PMI)", "by Slurm",     "by Kubernetes"};
    static const char *const transports[] = {"self", "mpi (openmpi)", "mpi (mpich)", "nccl"};
    char local[40] = "";
    if (launch->local_rank >= 0 && launch->world > 1) snprintf(local, sizeof local, ", %d on this machine", launch->local_rank);
    const char *rendezvous = launch->rendezvous[0] ? ", rendezvous " : "", *semicolon = launch->note[0] ? "; " : "";
    snprintf(text, n, "rank %d of %d%s, started %s, transport %s%s%s%s%s", launch->rank, launch->world, local, engines[launch->engine],
             transports[launch->transport], rendezvous, launch->rendezvous, semicolon, launch->note);
}
