/* CSV and TSV text: every cell must be readable, every row as wide as the header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int csv = 0; csv < 2; csv++) {
        iad_table table;
        iad_err err = IAD_ERR_NONE;
        if (iad_table_parse(&table, (const char *)data, size, csv ? ',' : '\t', "fuzz", &err) != IAD_OK) continue;
        size_t bytes = 0, index;
        for (size_t r = 0; r < table.n_rows; r++)
            for (size_t c = 0; c < table.n_columns; c++) bytes += strlen(iad_table_cell(&table, r, c));
        if (bytes > size) abort();
        iad_table_need(&table, "path", &index, &err);
        iad_table_deinit(&table);
    }
    return 0;
}
