#include "base/idlist.h"

#include <stdlib.h>

#include "base/file.h"

static int blank(char c) { return c == ' ' || c == '\t'; }
static int ends_line(char c) { return c == '\n' || c == '\r'; }

iad_status iad_id_list_parse(const char *text, size_t n, const char *name, iad_strings *ids, iad_err *err) {
    size_t line = 1;
    for (size_t at = 0; at < n; line++) {
        size_t word = 0, stop;
        while (at < n && blank(text[at])) at++;
        while (at + word < n && !blank(text[at + word]) && !ends_line(text[at + word]) && text[at + word] != '#') {
            if (!text[at + word]) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: line %zu: a NUL byte", name, line);
            word++;
        }
        if (word) IAD_TRY(iad_strings_addn(ids, text + at, word, err));
        for (stop = at + word; stop < n && blank(text[stop]);) stop++;
        if (stop < n && text[stop] != '#' && !ends_line(text[stop]))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: line %zu: more than one word", name, line);
        while (stop < n && !ends_line(text[stop])) stop++;
        if (stop + 1 < n && text[stop] == '\r' && text[stop + 1] == '\n') stop++;
        at = stop + 1;
    }
    return IAD_OK;
}

iad_status iad_id_list_load(const char *path, iad_strings *ids, iad_err *err) {
    uint8_t *text = NULL;
    size_t n = 0;
    IAD_TRY(iad_file_read(path, IAD_ID_LIST_MAX_BYTES, &text, &n, err));
    const iad_status status = iad_id_list_parse((const char *)text, n, path, ids, err);
    free(text);
    return status;
}
