/* The head of every function that takes a format and its arguments: they become a text first. */
#ifndef IAD_BASE_TEXTARGS_H
#define IAD_BASE_TEXTARGS_H

#include <stdarg.h>
#include <stdio.h>

/* In a function that ends in (..., const char *fmt, ...): formats its arguments into the array `text`, cut at its size. The function declares
 * __attribute__((format(printf, ...))), so that its callers are checked. A macro, as only the function itself can begin its list. */
#define IAD_TEXT_OF_ARGS(text, fmt)                         \
    do {                                                    \
        va_list iad_args;                                   \
        va_start(iad_args, fmt);                            \
        vsnprintf((text), sizeof(text), (fmt), iad_args);   \
        va_end(iad_args);                                   \
    } while (0)

#endif
