/* Recipes come from a database that others may have written: whatever is read must be written back to the same text for ever. */
#include <stdlib.h>
#include <string.h>

#include "synth/recipe/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err = IAD_ERR_NONE;
    iad_recipe recipe, again;
    if (iad_recipe_parse((const char *)data, size, &recipe, &err) != IAD_OK) return 0;
    iad_buf a, b;
    iad_buf_init(&a, 4 * IAD_RECIPE_MAX_BYTES);
    iad_buf_init(&b, 4 * IAD_RECIPE_MAX_BYTES);
    if (iad_recipe_json(&recipe, &a, &err) == IAD_OK && a.len <= IAD_RECIPE_MAX_BYTES) {
        if (iad_recipe_parse(iad_buf_str(&a), a.len, &again, &err) != IAD_OK) abort();
        if (iad_recipe_json(&again, &b, &err) != IAD_OK || strcmp(iad_buf_str(&a), iad_buf_str(&b)) != 0) abort();
        iad_recipe_deinit(&again);
    }
    iad_buf_deinit(&a);
    iad_buf_deinit(&b);
    iad_recipe_deinit(&recipe);
    return 0;
}
