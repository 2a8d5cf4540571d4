#include "annotate/client/profile.h"

#include <string.h>

static const iad_profile profiles[] = {
    {"dashscope", IAD_STRUCTURED_OBJECT, 1, 0, 0, 28, 1280, 10485760, 1200, 1000000, 64, 500000000, 6000000, 50000},
    {"openai", IAD_STRUCTURED_SCHEMA, 1, 1, 0, 28, 16384, 20000000, 500, 200000, 32, 200000000, 6000000, 50000},
    {"vllm", IAD_STRUCTURED_SCHEMA, 1, 0, 0, 28, 16384, 20000000, 0, 0, 64, 0, 0, 0},
    {"sglang", IAD_STRUCTURED_SCHEMA, 1, 0, 0, 28, 16384, 20000000, 0, 0, 64, 0, 0, 0},
    {"llamacpp", IAD_STRUCTURED_SCHEMA, 1, 0, 1, 28, 4096, 20000000, 0, 0, 4, 0, 0, 0},
    {"iadgpt", IAD_STRUCTURED_NONE, 1, 0, 0, 28, 1280, 20000000, 0, 0, 1, 0, 0, 0}};

const iad_profile *iad_profile_find(const char *name) {
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (!strcmp(profiles[i].name, name)) return &profiles[i];
    return NULL;
}

int64_t iad_profile_image_tokens(const iad_profile *profile, const char *model, int width, int height) {
    int cell = model && strstr(model, "qwen3") ? 32 : profile->cell;
    int64_t columns = (width + cell / 2) / cell, rows = (height + cell / 2) / cell;
    int64_t tokens = (columns < 1 ? 1 : columns) * (rows < 1 ? 1 : rows);
    return (tokens > profile->max_image_tokens ? profile->max_image_tokens : tokens) + 2;
}

int64_t iad_profile_text_tokens(const char *text) {
    const int64_t bytes = (int64_t)strlen(text);
    int64_t wide = 0;
    for (int64_t i = 0; i < bytes; i++) wide += (unsigned char)text[i] >= 0xe0;
    return wide + (int64_t)((double)(bytes - 3 * wide) / 3.5 + 0.999);
}
