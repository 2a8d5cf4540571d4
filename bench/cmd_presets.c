/* iad-bench presets: what each evaluation protocol does, with its hash. */
#include <stdio.h>
#include <string.h>

#include "bench/bench_cmd.h"
#include "bench/metrics/protocol.h"

static iad_status print_one(const iad_protocol *p, int full, iad_err *err) {
    char hash[65];
    IAD_TRY(iad_protocol_hash(p, hash, err));
    printf("%-18s %.12s  %s\n", p->name, hash, iad_protocol_note(p->name));
    if (!full) return IAD_OK;
    iad_buf text;
    iad_buf_init(&text, 1u << 16);
    iad_status status = iad_protocol_text(p, &text, err);
    const char *line = iad_buf_str(&text);
    while (status == IAD_OK && *line) {
        size_t n = strcspn(line, "\n");
        printf("    %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
    iad_buf_deinit(&text);
    return status;
}

int iad_cmd_presets(iad_app *app, int argc, char **argv, iad_err *err) {
    const iad_command self = {.name = "presets", .usage = "[NAME ...]",
                              .help = "Lists the evaluation protocols; with names, every rule of those. The hash changes with any rule and is stored "
                                      "with every result."};
    const iad_arg table[] = {{.kind = IAD_ARG_END}};
    iad_strings names = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &names, err);
    if (code < 0) {
        iad_status status = IAD_OK;
        for (size_t i = 0; names.n == 0 && iad_protocol_at(i) && status == IAD_OK; i++) status = print_one(iad_protocol_at(i), 0, err);
        for (size_t i = 0; i < names.n && status == IAD_OK; i++) {
            iad_protocol p;
            status = iad_protocol_find(names.items[i], &p, err);
            if (status == IAD_OK) status = print_one(&p, 1, err);
        }
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&names);
    return code;
}
