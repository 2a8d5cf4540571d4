#include "bench/enginecall.h"

#include <stdlib.h>
#include <string.h>

iad_status iad_engine_call(iadgpt_status status, const iadgpt_error *error, iad_err *err) {
    switch (status) {
        case IADGPT_OK: return IAD_OK;
        case IADGPT_ERR_ARG: return IAD_FAIL(err, IAD_ERR_ARG, "%s", error->message);
        case IADGPT_ERR_IO: return IAD_FAIL(err, IAD_ERR_IO, "%s", error->message);
        case IADGPT_ERR_NOMEM: return IAD_FAIL(err, IAD_ERR_NOMEM, "%s", error->message);
        case IADGPT_ERR_NOT_FOUND: return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s", error->message);
        case IADGPT_ERR_INTERRUPTED: return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "%s", error->message);
        case IADGPT_ERR_LIMIT: return IAD_FAIL(err, IAD_ERR_LIMIT, "%s", error->message);
        case IADGPT_ERR_UNSUPPORTED: return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s", error->message);
        case IADGPT_ERR_FORMAT: return IAD_FAIL(err, IAD_ERR_FORMAT, "%s", error->message);
        case IADGPT_ERR_INTERNAL: break;
    }
    return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s", error->message);
}

iad_status iad_engine_image_size(const char *text, iadgpt_settings *settings, iad_err *err) {
    if (text == NULL) return IAD_OK;
    if (strcmp(text, "native") == 0) {
        settings->image_width = settings->image_height = 0;
        return IAD_OK;
    }
    char *end = NULL;
    long width = strtol(text, &end, 10), height = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
    if (*end != '\0' || width < 28 || height < 28 || width > 16384 || height > 16384) return IAD_FAIL(err, IAD_ERR_ARG, "--image-size %.40s: WIDTHxHEIGHT, multiples of 28, or native", text);
    settings->image_width = (int32_t)width;
    settings->image_height = (int32_t)height;
    return IAD_OK;
}
