/* The body of a chat completion, as hostile as it likes: whatever is accepted keeps to its limits. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/check/judge_answer.h"
#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const iad_prompt *prompt, const iad_chat_answer *answer) {
    iad_err err;
    iad_judged j;
    const iad_judge_facts facts = {.prompt = prompt, .model = "m", .category = "clear_glass_bottle", .colour = "red"};
    if (iad_judge_answer(&j, &facts, answer, &err) != IAD_OK) abort();
    for (size_t i = 0; i < prompt->n_fields; i++)
        if (j.ok && (!j.texts[i] || !*j.texts[i] || iad_utf8_valid(j.texts[i], strlen(j.texts[i])) != strlen(j.texts[i]))) abort();
    for (size_t i = 0; i < j.n; i++)
        if (iad_utf8_valid(j.findings[i].why, strlen(j.findings[i].why)) != strlen(j.findings[i].why)) abort();
    if (j.ok && prompt->flags && !(j.fields.category_match >= 0 && j.fields.category_match <= 1)) abort();
    iad_judged_deinit(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    iad_chat_answer answer;
    iad_prompts all = {0};
    if (size > 1u << 20 || iad_prompts_load(&all, NULL, &err) != IAD_OK) return 0;
    int read = iad_chat_answer_parse(&answer, (const char *)data, size, &err) == IAD_OK;
    char *text = iad_alloc(size + 1, 1);
    if (!text) abort();
    memcpy(text, data, size);
    text[size] = 0;
    const iad_chat_answer plain = {.content = text, .finish = "stop", .model = "m", .id = ""};
    for (size_t i = 0; i < all.n; i++) {
        if (read) judge(&all.items[i], &answer);
        if (iad_utf8_valid(text, size) == size) judge(&all.items[i], &plain);
    }
    if (read) {
        if (answer.prompt_tokens < 0 || answer.completion_tokens < 0 || answer.cached_tokens < 0) abort();
        iad_chat_answer_deinit(&answer);
    }
    free(text);
    iad_prompts_deinit(&all);
    return 0;
}
