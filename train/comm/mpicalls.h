/* What a module gives to comm_mpi.c: the handful of MPI calls that it needs, free of any MPI's own types. Open MPI and MPICH have different
 * binary interfaces, so comm_mpi_module.c is compiled once against each, and the program loads the one that started it. */
#ifndef IAD_TRAIN_MPICALLS_H
#define IAD_TRAIN_MPICALLS_H

#include <stdint.h>

enum { IAD_MPI_CALLS_VERSION = 1, IAD_MPI_TEXT = 320 };
#define IAD_MPI_CALLS_SYMBOL "iad_mpi_calls"

/* Functions that return int: 0 is success, else text [IAD_MPI_TEXT] says what MPI said. No function waits for other ranks but start and finish. */
typedef struct iad_mpi_table {
    uint32_t version;      /* IAD_MPI_CALLS_VERSION */
    const char *mpi;       /* "openmpi", "mpich" */
    /* Starts MPI (calls from one thread at a time) with a communicator of our own. local_rank: among the ranks of this machine. */
    int (*start)(void **state, int *rank, int *world, int *local_rank, char *text);
    int (*send)(void *state, const void *bytes, int n, int to, int tag, char *text);
    int (*receive)(void *state, void *bytes, int n, int from, int tag, char *text);
    /* Drives everything posted. *pending: how much is not done; *peer: lowest rank of which something is still to arrive, else to which something is
     * still to go, -1 when nothing is pending. */
    int (*progress)(void *state, int *pending, int *peer, char *text);
    /* Has a message with this tag come from anyone? *from -1: no. Then receive takes *n bytes. */
    int (*probe)(void *state, int tag, int *from, int *n, char *text);
    void (*drop)(void *state); /* cancels and forgets what is posted */
    /* Ends MPI, together with the other ranks, and frees the state. */
    void (*finish)(void *state);
    void (*leave)(void *state); /* frees the state and leaves MPI as it is: the others cannot be waited for */
} iad_mpi_table;

#endif
