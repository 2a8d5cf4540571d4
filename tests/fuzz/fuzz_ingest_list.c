/* Lists of pictures: the first byte chooses CSV, TSV or JSON Lines, the rest is the list. */
#include <stdlib.h>
#include <string.h>

#include "manifests/ingest/ingest_list.h"
#include "manifests/ingest/list_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const iad_list_defaults defaults = {NULL, "root", "/data/"};
    if (size < 1) return 0;
    iad_err err = IAD_ERR_NONE;
    iad_ingest_list list;
    iad_ingest_list_init(&list, NULL);
    iad_ingest_sink sink = iad_ingest_list_sink(&list);
    (void)!iad_list_parse((const char *)data + 1, size - 1, (iad_list_form)(data[0] % 3), "list", &defaults, &sink, &err);
    for (size_t i = 0; i < list.n; i++) {
        const iad_ingest_item *item = &list.items[i].item;
        /* What the engine relies on. */
        if (!iad_path_safe(item->path) || !item->category || !*item->category) abort();
        for (size_t k = 0; k < item->n_masks; k++)
            if (!iad_path_safe(item->masks[k])) abort();
        for (size_t k = 0; k < item->n_boxes; k++)
            if (!(item->boxes[k].x0 < item->boxes[k].x1) || !(item->boxes[k].y0 < item->boxes[k].y1)) abort();
    }
    iad_ingest_list_deinit(&list);
    return 0;
}
