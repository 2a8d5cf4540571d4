/* VisA's split and annotation lists. */
#include <stdint.h>
#include <stdlib.h>

#include "manifests/ingest/visa_lists.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(iad_visa_list *list) {
    for (size_t i = 0; i < list->n; i++)
        if (iad_visa_find(list, list->rows[i].image) != &list->rows[i]) abort();
    iad_visa_list_deinit(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err = IAD_ERR_NONE;
    iad_visa_list list;
    if (iad_visa_split_parse(&list, (const char *)data, size, "split", &err) == IAD_OK) check(&list);
    if (iad_visa_annotation_parse(&list, (const char *)data, size, "notes", &err) == IAD_OK) check(&list);
    return 0;
}
