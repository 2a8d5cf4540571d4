#include "base/log.h"

#include <stdarg.h>

void iad_log_write(const iad_log *log, iad_log_level level, const char *fmt, ...) {
    static const char *const words[] = {"error: ", "warning: ", "", "debug: "};
    if (!log || !log->out || level > log->level) return;
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?';
    fprintf(log->out, "%s: %s%s\n", log->program ? log->program : "iad", words[level], text);
    fflush(log->out);
}
