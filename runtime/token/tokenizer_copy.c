#include "runtime/token/tokenizer_copy.h"

#include "base/file.h"

iad_status iad_tokenizer_copy(const char *from, const char *to, iad_err *err) {
    static const char *const names[] = {"vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json",
                                        "chat_template.json", "chat_template.jinja", "tokenizer.json"};
    char path[IAD_PATH_MAX];
    int n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        IAD_TRY(iad_path_join(path, sizeof path, from, names[i], err));
        if (!iad_file_exists(path)) continue;
        iad_map map = {0};
        IAD_TRY(iad_map_open(&map, path, err));
        char target[IAD_PATH_MAX];
        iad_status status = iad_path_join(target, sizeof target, to, names[i], err);
        if (status == IAD_OK) status = iad_file_write(target, map.data, map.n, err);
        iad_map_close(&map);
        if (status != IAD_OK) return status;
        n += iad_text_starts(names[i], "tokenizer.json") || iad_text_starts(names[i], "vocab");
    }
    if (n == 0) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: neither tokenizer.json nor vocab.json", from);
    return IAD_OK;
}
