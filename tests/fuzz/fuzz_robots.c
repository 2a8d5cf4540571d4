/* robots.txt: any text gives rules that can be asked and kept. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "crawl/polite/robots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    iad_robots robots, again;
    iad_buf text;
    size_t split = size ? data[0] * size / 256 : 0; /* the first part is the path that is asked for */
    char *path = iad_alloc(split + 2, 1);
    if (!path) return 0;
    path[0] = '/';
    memcpy(path + 1, data, split);
    path[split + 1] = 0;
    if (iad_robots_parse((const char *)data + split, size - split, "iadgpt-crawl", &robots, &err) == IAD_OK) {
        int allowed = iad_robots_allowed(&robots, path);
        iad_buf_init(&text, 1 << 24);
        if (iad_robots_text(&robots, "iadgpt-crawl", &text, &err) == IAD_OK &&
            iad_robots_parse(iad_buf_str(&text), text.len, "iadgpt-crawl", &again, &err) == IAD_OK) {
            if (iad_robots_allowed(&again, path) != allowed) abort();
            iad_robots_deinit(&again);
        }
        iad_buf_deinit(&text);
        iad_robots_deinit(&robots);
    }
    free(path);
    return 0;
}
