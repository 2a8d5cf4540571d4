/* Status codes and the error record that every fallible function of the suite fills.
 *
 * A function that can fail returns iad_status and takes `iad_err *err` as its LAST parameter. The caller
 * owns the record and may pass NULL. The message names the item (file, row, option, tensor ...) and says
 * what is wrong with it in words a user understands. Libraries never print and never exit. */
#ifndef IAD_BASE_STATUS_H
#define IAD_BASE_STATUS_H

typedef enum iad_status {
    IAD_OK = 0,
    IAD_ERR_ARG,         /* the caller broke the contract of the function or gave a bad option */
    IAD_ERR_IO,          /* reading, writing, renaming, disk full, permission */
    IAD_ERR_NOMEM,       /* allocation failed */
    IAD_ERR_FORMAT,      /* the bytes are not what they claim to be */
    IAD_ERR_LIMIT,       /* a named limit (size, depth, count) would be exceeded */
    IAD_ERR_NOT_FOUND,   /* a file, row or name does not exist */
    IAD_ERR_EXISTS,      /* something that must not exist yet does */
    IAD_ERR_UNSUPPORTED, /* valid, but not something we handle */
    IAD_ERR_DB,          /* SQLite said no */
    IAD_ERR_INTERRUPTED, /* the user asked to stop */
    IAD_ERR_INTERNAL     /* a bug of ours */
} iad_status;

typedef struct iad_err {
    iad_status code;
    const char *file; /* source file that raised it (static string) */
    int line;
    char msg[512];    /* NUL-terminated, one line, no trailing full stop or newline */
} iad_err;

#define IAD_ERR_NONE ((iad_err){IAD_OK, "", 0, ""})

/* Short lower-case name of a code, e.g. "format". Never NULL. */
const char *iad_status_name(iad_status code);

/* Fills *err (ignored if NULL) and returns code. Use the macro. */
iad_status iad_err_set(iad_err *err, iad_status code, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Puts "<text>: " in front of the message that *err holds. Returns err->code (IAD_ERR_INTERNAL if NULL). */
iad_status iad_err_prefix(iad_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a PNG", path); */
#define IAD_FAIL(err, code, ...) iad_err_set((err), (code), __FILE__, __LINE__, __VA_ARGS__)

/* Forwards a failure to the caller. Only where there is nothing to clean up. */
#define IAD_TRY(call)                                  \
    do {                                               \
        iad_status iad_try_status = (call);            \
        if (iad_try_status != IAD_OK) return iad_try_status; \
    } while (0)

#endif
