/* Lists of names: every word that is taken is one, without blanks, and writing the words as lines gives the same list again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/idlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_strings one = {0}, two = {0};
    iad_buf lines;
    iad_err err = IAD_ERR_NONE;
    iad_buf_init(&lines, 1u << 24);
    if (size < 1u << 16 && iad_id_list_parse((const char *)data, size, "fuzz", &one, &err) == IAD_OK) {
        for (size_t i = 0; i < one.n; i++) {
            if (!*one.items[i] || strpbrk(one.items[i], " \t\r\n#")) abort();
            if (iad_buf_addf(&lines, &err, "%s\n", one.items[i]) != IAD_OK) abort();
        }
        if (iad_id_list_parse(iad_buf_str(&lines), lines.len, "again", &two, &err) != IAD_OK || one.n != two.n) abort();
        for (size_t i = 0; i < one.n; i++)
            if (strcmp(one.items[i], two.items[i])) abort();
    }
    iad_buf_deinit(&lines);
    iad_strings_deinit(&one);
    iad_strings_deinit(&two);
    return 0;
}
