#include "manifests/ingest/scan_dialogue.h"

#include <string.h>

#include "base/alloc.h"

static const char *find(const iad_scan_tree *tree, const char *folder, const char *listed) {
    char path[IAD_PATH_MAX];
    if (!iad_scan_print(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", listed)) return NULL;
    size_t i = iad_scan_tree_bound(tree, path);
    return i < tree->files.n && strcmp(tree->files.items[i], path) == 0 ? tree->files.items[i] : NULL;
}

const char *iad_scan_locate(const iad_scan_tree *tree, const char *const *folders, const char *listed) {
    while (iad_text_starts(listed, "./")) listed += 2;
    if (!iad_path_safe(listed)) return NULL;
    for (const char *const *folder = folders; *folder; folder++) {
        const char *found = find(tree, *folder, listed);
        if (found) return found;
    }
    const char *slash = strchr(listed, '/');
    for (const char *const *folder = folders; slash && *folder; folder++) {
        const char *found = find(tree, *folder, slash + 1);
        if (found) return found;
    }
    return NULL;
}

size_t iad_scan_image_tokens(const char *text) {
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, "<image>")) != NULL; p += strlen("<image>")) n++;
    return n;
}

iad_status iad_scan_question(iad_buf *out, size_t tokens, const char *text, iad_err *err) {
    iad_buf_reset(out);
    for (size_t i = 0; i < tokens; i++) IAD_TRY(iad_buf_add_str(out, "<image>\n", err));
    return iad_buf_add_str(out, text, err);
}

iad_status iad_scan_add_turn(json_t *turns, const char *from, const char *value, iad_err *err) {
    json_t *turn = json_pack("{s:s, s:s}", "from", from, "value", value);
    if (!turn || json_array_append_new(turns, turn) != 0) return IAD_NOMEM(err, "the turns of a task");
    return IAD_OK;
}
