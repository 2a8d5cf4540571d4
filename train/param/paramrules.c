#include "train/param/paramrules.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Greedy with one step back: behind a '*' it is enough to try again from the last one, so the time is |pattern| * |name| at most. */
int iad_param_match(const char *pattern, const char *name) {
    const char *star = NULL, *again = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            again = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++again;
        } else {
            return 0;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == 0;
}

void iad_param_bucket_name(const char *name, char *bucket, size_t size) {
    int parts = 2; /* components of the name that make the bucket */
    if (iad_text_starts(name, "visual.blocks.") || iad_text_starts(name, "model.layers.")) parts = 3;
    else if (iad_text_starts(name, "iadgpt.fusion.")) name = "fusion";
    else if (iad_text_starts(name, "model.norm.") || iad_text_starts(name, "lm_head.")) name = "head";
    const char *end = name;
    for (; *end; end++)
        if (*end == '.' && --parts == 0) break;
    snprintf(bucket, size, "%.*s", (int)(end - name), name);
}
