#include "base/log.h"

#include "base/textargs.h"

void iad_log_write(const iad_log *log, iad_log_level level, const char *fmt, ...) {
    static const char *const words[] = {"error: ", "warning: ", "", "debug: "};
    if (!log || !log->out || level > log->level) return;
    char text[2048];
    IAD_TEXT_OF_ARGS(text, fmt);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?';
    fprintf(log->out, "%s: %s%s\n", log->program ? log->program : "iad", words[level], text);
    fflush(log->out);
}
