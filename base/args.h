/* Command lines: one table format for all programs. Long options only ("--name value" or "--name=value"; a flag takes no
 * value; "--" ends the options), defaults shown by --help, strict values, unknown names refused with the nearest known one. */
#ifndef IAD_BASE_ARGS_H
#define IAD_BASE_ARGS_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"
#include "base/text.h"

typedef enum iad_arg_kind {
    IAD_ARG_END = 0,
    IAD_ARG_FLAG,   /* int *: set to 1 */
    IAD_ARG_STRING, /* const char **: borrowed from argv */
    IAD_ARG_INT,    /* int64_t *, checked against lo..hi (hi = lo = 0: no bounds) */
    IAD_ARG_FLOAT,  /* double *, checked against flo..fhi (both 0: no bounds) */
    IAD_ARG_LIST,   /* iad_strings *: may be given several times; commas split */
    IAD_ARG_CHOICE  /* const char **: one of `choices` ("a|b|c") */
} iad_arg_kind;

typedef struct iad_arg {
    iad_arg_kind kind;
    const char *name;    /* without the dashes */
    void *value;         /* see kind; the variable holds the default before parsing */
    const char *meta;    /* "FILE", "N" ...; NULL for flags and choices */
    const char *help;    /* one line, lower case, no full stop */
    int required;
    int64_t lo, hi;      /* IAD_ARG_INT */
    double flo, fhi;     /* IAD_ARG_FLOAT */
    const char *choices; /* IAD_ARG_CHOICE */
} iad_arg;

/* Parses argv[1..]; tables is a NULL-terminated list of option tables (each ended by IAD_ARG_END). Operands go to
 * *operands (borrowed pointers into argv are copied). "--help" sets *help and stops. Errors: IAD_ERR_ARG. */
iad_status iad_args_parse(int argc, char **argv, const iad_arg *const *tables, iad_strings *operands, int *help, iad_err *err);

/* Prints usage line, text, and each table's options with their defaults as the variables hold them now. */
void iad_args_help(FILE *out, const char *usage, const char *text, const iad_arg *const *tables);

#endif
