/* The meeting file of nccl: what is read must be written as it was, and any bytes must be answered. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "train/comm/ncclmeet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_nccl_ticket ticket, again;
    iad_err err = IAD_ERR_NONE;
    char text[IAD_NCCL_TICKET_MAX], second[IAD_NCCL_TICKET_MAX];
    if (iad_nccl_ticket_parse((const char *)data, size, "fuzz", &ticket, &err) != IAD_OK) return 0;
    iad_nccl_ticket_format(&ticket, text);
    if (iad_nccl_ticket_parse(text, strlen(text), "again", &again, &err) != IAD_OK) abort();
    iad_nccl_ticket_format(&again, second);
    if (strcmp(text, second) != 0 || again.world != ticket.world) abort();
    return 0;
}
