/* The one entry point: a communicator for a launch. */
#include "train/comm/comm_mpi.h"

iad_status iad_comm_new(const iad_launch *launch, double deadline, iad_comm **comm, iad_err *err) {
    *comm = NULL;
    if (!(deadline >= 0)) return IAD_FAIL(err, IAD_ERR_ARG, "a deadline of %g seconds", deadline);
    if (deadline == 0) deadline = IAD_COMM_DEADLINE;
    if (launch->transport == IAD_TRANSPORT_SELF) {
        if (launch->world != 1) return IAD_FAIL(err, IAD_ERR_ARG, "transport self has one rank, not %d", launch->world);
        IAD_TRY(iad_comm_self_new(comm, err));
        (*comm)->deadline = deadline;
        return IAD_OK;
    }
    if (launch->transport != IAD_TRANSPORT_NCCL) return iad_comm_mpi_new(launch, deadline, comm, err);
    char text[400];
    iad_launch_describe(launch, text, sizeof text);
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED,
                    "%.300s: the process was not started by MPI; start it with mpirun or srun --mpi=pmix, or give --comm nccl:FILE where every "
                    "rank has a card (or as one process: --rank 0 --world 1)", text);
}
