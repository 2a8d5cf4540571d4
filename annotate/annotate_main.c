/* iad-annotate: descriptions of pictures from a vision-language model. */
#include <stdio.h>

#include "annotate/cmd_annotate.h"

iad_status iad_cmd_annotate_print(const char *text, size_t n, iad_err *err) {
    if (fwrite(text, 1, n, stdout) != n || fflush(stdout) != 0) return IAD_FAIL(err, IAD_ERR_IO, "cannot write the output: %m");
    return IAD_OK;
}

int main(int argc, char **argv) {
    static const iad_command commands[] = {
        {.name = "run", .summary = "ask about every picture until it has texts that pass the checks", .run = iad_cmd_annotate_run},
        {.name = NULL}};
    return iad_app_main(argc, argv, "iad-annotate", IAD_VERSION, "descriptions of pictures from any vision-language model, checked and traced", commands);
}
