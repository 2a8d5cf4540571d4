/* Text compared with a stored file, the first difference shown. */
#ifndef IAD_TEST_GOLDEN_H
#define IAD_TEST_GOLDEN_H

#include "base/file.h"
#include "tests/unit/iad_test.h"

static __attribute__((unused)) void golden_compare(const char *dir, const char *name, const char *text) {
    iad_err err = IAD_ERR_NONE;
    char path[IAD_PATH_MAX];
    uint8_t *stored;
    size_t n;
    snprintf(path, sizeof path, "%s/%s.golden", dir, name);
    if (getenv("IAD_GOLDEN_UPDATE")) assert_ok(iad_file_write(path, text, strlen(text), &err));
    assert_ok(iad_file_read(path, 1u << 26, &stored, &n, &err));
    const char *a = text, *b = (const char *)stored;
    for (int line = 1; *a || *b; line++) {
        size_t an = strcspn(a, "\n"), bn = strcspn(b, "\n");
        if (an != bn || memcmp(a, b, an) != 0)
            fail_msg("%s line %d:\n  is:     %.*s\n  stored: %.*s", path, line, (int)an, a, (int)bn, b);
        a += an + (a[an] == '\n');
        b += bn + (b[bn] == '\n');
    }
    free(stored);
}

#endif
