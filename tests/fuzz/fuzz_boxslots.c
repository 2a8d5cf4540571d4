/* First a column, then a NUL, then a text with slots. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "synth/task/boxslots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = iad_alloc(size + 2, 1);
    if (!copy) return 0;
    if (size) memcpy(copy, data, size);
    copy[size] = copy[size + 1] = 0;
    const char *boxes = copy, *text = copy + strlen(copy) + 1;
    static const iad_box_frame frames[2] = {{640, 480, 644, 476}, {31, 2000, 28, 1988}};
    iad_box_slots slots, again;
    iad_buf out;
    iad_buf_init(&out, 1u << 20);
    if (iad_box_slots_parse(boxes, &slots, NULL) == IAD_OK) {
        /* What was read can be written, and reads back the same. */
        if (iad_box_slots_write(&slots, &out, NULL) != IAD_OK || iad_box_slots_parse(iad_buf_str(&out), &again, NULL) != IAD_OK) abort();
        if (again.n != slots.n) abort();
        for (size_t i = 0; i < slots.n; i++)
            if (memcmp(again.items[i].box, slots.items[i].box, sizeof slots.items[i].box) != 0 || again.items[i].image != slots.items[i].image)
                abort();
        for (int form = IAD_BOX_ORIGINAL; form <= IAD_BOX_MARK; form++) {
            size_t places[2] = {strlen(text), 0};
            iad_buf_reset(&out);
            if (iad_box_slots_fill(text, boxes, frames, 2, (iad_box_form)form, places, 2, &out, NULL) != IAD_OK) continue;
            if (places[0] != out.len || places[1] != 0) abort();
        }
    }
    iad_buf_deinit(&out);
    free(copy);
    return 0;
}
