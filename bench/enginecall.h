/* What all users of the engine in this folder share: its errors as ours, and the size of pictures on the command line. */
#ifndef IAD_BENCH_ENGINECALL_H
#define IAD_BENCH_ENGINECALL_H

#include "base/status.h"
#include "runtime/iadgpt.h"

/* IAD_OK, or the matching code with the engine's message. */
iad_status iad_engine_call(iadgpt_status status, const iadgpt_error *error, iad_err *err);

/* --image-size: NULL (as the checkpoint says), "native" (smart resize) or "WIDTHxHEIGHT" into the settings. Errors: IAD_ERR_ARG. */
iad_status iad_engine_image_size(const char *text, iadgpt_settings *settings, iad_err *err);

#endif
