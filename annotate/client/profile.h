/* What servers understand: one row per kind of server. Only fields that the row allows are sent. */
#ifndef IAD_ANNOTATE_PROFILE_H
#define IAD_ANNOTATE_PROFILE_H

#include <stdint.h>

#include "base/status.h"

typedef enum iad_structured { IAD_STRUCTURED_NONE = 0, IAD_STRUCTURED_OBJECT, IAD_STRUCTURED_SCHEMA } iad_structured;

typedef struct iad_profile {
    const char *name;
    iad_structured structured;             /* what response_format may ask for; every answer is checked here as well */
    int seed;                              /* 1: the field seed is understood */
    int strict_schema;                     /* 1: json_schema.strict */
    int names_differ;                      /* 1: the served model's name says nothing (llama.cpp tells a file) */
    int cell;                              /* pixels per side of one token's cell (28: Qwen2.5-VL) */
    int max_image_tokens;                  /* the service scales larger pictures down */
    int64_t max_uri_bytes;                 /* of the base64 text */
    double rpm, tpm;                       /* default quotas per minute; 0: none */
    int concurrency;                       /* default */
    int64_t batch_bytes, batch_line_bytes; /* of a batch file and of one line; 0: no batch service */
    int64_t batch_lines;
} iad_profile;

/* NULL when there is none of that name. Names: "dashscope|openai|vllm|sglang|llamacpp|iadgpt". */
const iad_profile *iad_profile_find(const char *name);
#define IAD_PROFILE_NAMES "dashscope|openai|vllm|sglang|llamacpp|iadgpt"

/* Tokens of a width x height picture: sides rounded to cells, as Qwen's smart_resize, one token each, at most max_image_tokens, and two marks. A
 * model name with "qwen3" has cells of 32. */
int64_t iad_profile_image_tokens(const iad_profile *profile, const char *model, int width, int height);
/* Tokens of text: bytes / 3.5 (English), one per character of three bytes (Chinese: bytes / 3), whichever is more. */
int64_t iad_profile_text_tokens(const char *text);

#endif
