/* What judges answer: lines of replies, the replies themselves, and prompt files. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/reasoning/judgeprompt.h"
#include "bench/reasoning/judgereply.h"
#include "bench/reasoning/judgework.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_judge_item items[2] = {{.unit = "00"}, {.unit = "11"}};
    iad_judge_work work = {.items = items, .n = 2};
    iad_judge_prompt prompt;
    iad_err err = IAD_ERR_NONE;
    size_t whole;
    char *text = iad_alloc(size + 1, 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    for (int want = 1; want <= 2; want++) {
        double scores[2] = {5, 5};
        if (iad_judge_reply(text, want, scores) != 0 && !(scores[0] >= 1 && scores[0] <= 10 && scores[1] >= 1 && scores[1] <= 10)) abort();
    }
    if (iad_judge_work_read(&work, text, size, "fuzz", size & 1, &whole, &err) != IAD_OK && !err.msg[0]) abort();
    if (whole > size || work.replied > 2) abort();
    for (int i = 0; i < 2; i++) free(items[i].reply);
    err = IAD_ERR_NONE;
    if (iad_judge_prompt_parse(&prompt, text, size, "fuzz", &err) == IAD_OK) {
        iad_buf out;
        iad_buf_init(&out, 1u << 20);
        if (iad_judge_prompt_fill(&prompt, "c", "q", "r", "a", &out, &err) != IAD_OK) abort();
        iad_buf_deinit(&out);
        iad_judge_prompt_deinit(&prompt);
    } else if (!err.msg[0]) abort();
    free(text);
    return 0;
}
