/* Messages of programs to a stream, with levels. Libraries do not log; where one has news for the user it takes a callback. */
#ifndef IAD_BASE_LOG_H
#define IAD_BASE_LOG_H

#include <stdio.h>

typedef enum iad_log_level { IAD_LOG_ERROR = 0, IAD_LOG_WARN, IAD_LOG_INFO, IAD_LOG_DEBUG } iad_log_level;

typedef struct iad_log {
    FILE *out;
    iad_log_level level; /* messages above it are dropped */
    const char *program; /* prefix, "iad-bench" */
} iad_log;

/* One line: "program: warning: text". Control bytes in the text are shown as '?': names come from outside. Thread-safe. */
void iad_log_write(const iad_log *log, iad_log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define IAD_ERROR(log, ...) iad_log_write((log), IAD_LOG_ERROR, __VA_ARGS__)
#define IAD_WARN(log, ...) iad_log_write((log), IAD_LOG_WARN, __VA_ARGS__)
#define IAD_INFO(log, ...) iad_log_write((log), IAD_LOG_INFO, __VA_ARGS__)
#define IAD_DEBUG(log, ...) iad_log_write((log), IAD_LOG_DEBUG, __VA_ARGS__)

#endif
