/* What the module gives to comm_nccl.c: the few calls of NCCL and CUDA that it needs, free of their types. Programs start without either
 * library; comm_nccl_module.c, compiled where both are installed, is loaded by a process that asks for nccl. */
#ifndef IAD_TRAIN_NCCLCALLS_H
#define IAD_TRAIN_NCCLCALLS_H

#include <stddef.h>
#include <stdint.h>

enum { IAD_NCCL_CALLS_VERSION = 1, IAD_NCCL_TEXT = 320, IAD_NCCL_ID = 128 };
#define IAD_NCCL_CALLS_SYMBOL "iad_nccl_calls"

/* Functions that return int: 0 is success, else text [IAD_NCCL_TEXT] says what the library said. None waits for other ranks. */
typedef struct iad_nccl_table {
    uint32_t version; /* IAD_NCCL_CALLS_VERSION */
    int (*id)(unsigned char id[IAD_NCCL_ID], char *text);
    /* Begins to join the ranks on this machine's card `card`; progress tells when that is done. Fails when there is no such card. */
    int (*start)(void **state, const unsigned char id[IAD_NCCL_ID], int rank, int world, int card, char *text);
    /* Begins one exchange, behind everything that the card was given before: send_bytes[r] bytes at send + send_at[r] go to rank r, recv likewise.
     * Memory of the card is used as it is, ordinary memory goes through room on the card. The tables must live until it is done. */
    int (*exchange)(void *state, const char *send, const size_t *send_at, const size_t *send_bytes, char *recv, const size_t *recv_at,
                    const size_t *recv_bytes, char *text);
    /* Drives what was begun; *busy 0: done. */
    int (*progress)(void *state, int *busy, char *text);
    int (*finish)(void *state, char *text); /* begins to leave together with the other ranks; progress tells when */
    void (*leave)(void *state, int in_order); /* frees everything; in_order 0: aborts what is under way, here and soon at the others */
} iad_nccl_table;

#endif
