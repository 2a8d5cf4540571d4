/* Prompt files: what is accepted can be filled in. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "annotate/prompt/prompt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    iad_prompt prompt;
    iad_buf out;
    if (iad_prompt_parse(&prompt, (const char *)data, size, "prompt", &err) != IAD_OK) return 0;
    if (prompt.version < 1 || prompt.max_tokens < 1 || prompt.n_fields > IAD_PROMPT_MAX_FIELDS || !prompt.schema) abort();
    iad_buf_init(&out, 1 << 22);
    if (iad_prompt_fill(&prompt, &(iad_prompt_values){.category = "{group}", .texts = "x"}, &out, &err) != IAD_OK) abort();
    iad_buf_deinit(&out);
    iad_prompt_deinit(&prompt);
    return 0;
}
