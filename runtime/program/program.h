/* What the commands of iadgpt share. A command is one file cmd_<name>.c with one function, listed in iadgpt_main.c. */
#ifndef IAD_PROGRAM_PROGRAM_H
#define IAD_PROGRAM_PROGRAM_H

#include "base/app.h"
#include "base/buf.h"
#include "runtime/iadgpt.h"

int iad_cmd_inspect(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_ask(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_serve(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_prepare(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_info(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_new_model(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_train_tokenizer(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_tokenize(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_quantize(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_selftest(iad_app *app, int argc, char **argv, iad_err *err);
int iad_cmd_compare(iad_app *app, int argc, char **argv, iad_err *err);

/* ---- statuses of the public library ---- */

iad_status iad_from_public_status(iadgpt_status status);
/* Takes over code and message. Returns the status, IAD_OK for IADGPT_OK. */
iad_status iad_from_public(iadgpt_status status, const iadgpt_error *error, iad_err *err);

/* ---- output ---- */

/* Sends the buffer to stdout and empties it; IAD_ERR_IO when that fails. */
iad_status iad_print(iad_buf *text, iad_err *err);
/* A name from outside with every byte that is not UTF-8 as U+FFFD; and the same as a JSON string, so that every line stays valid. */
iad_status iad_clean_name(const char *text, iad_buf *out, iad_err *err);
iad_status iad_json_name(const char *text, iad_buf *out, iad_err *err);
/* A number for JSON: the shortest of 9 digits (f32) or 17 (f64) that are exact; null for what is not finite. */
iad_status iad_json_f32(float value, iad_buf *out, iad_err *err);
iad_status iad_json_f64(double value, iad_buf *out, iad_err *err);

/* Base64 (RFC 4648, with padding) back into exactly n bytes (IAD_ERR_FORMAT otherwise); see iad_base64 in base/html.h. */
iad_status iad_unbase64(const char *text, void *bytes, size_t n, iad_err *err);

/* "448x448" (width x height) into two sides within 1..65500; "native" gives 0, 0. */
iad_status iad_parse_size(const char *text, const char *what, int *width, int *height, iad_err *err);

#endif
