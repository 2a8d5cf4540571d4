/* The bodies of requests. */
#ifndef IAD_ANNOTATE_CHATREQUEST_H
#define IAD_ANNOTATE_CHATREQUEST_H

#include "annotate/client/profile.h"
#include "annotate/prompt/prompt.h"
#include "base/buf.h"
#include "base/image/image.h"

#define IAD_CHAT_MAX_BODY (32u << 20)

/* What a picture goes through before it is sent. */
typedef enum iad_chat_form { IAD_CHAT_WHOLE = 0, IAD_CHAT_CROPPED, IAD_CHAT_SMALLER } iad_chat_form;

typedef struct iad_chat_picture {
    iad_buf jpeg;
    int width, height;
    char colour[16]; /* the ruling colour of the middle, "" when there is none */
} iad_chat_picture;

/* Reads the file, shrinks it to max_pixels and to what the profile takes (sides 28 to 8000, aspect up to 200), encodes a JPEG. CROPPED: the middle 80
 * %; SMALLER: half the pixels, RGB. Errors: those of decoding, with the file's name; IAD_ERR_UNSUPPORTED for a shape that no service takes. */
iad_status iad_chat_picture_load(iad_chat_picture *picture, const char *path, const iad_profile *profile, int64_t max_pixels, int quality,
                                 iad_chat_form form, iad_err *err);
void iad_chat_picture_deinit(iad_chat_picture *picture);
/* The size that iad_chat_picture_load gives to a picture of width x height. */
void iad_chat_picture_size(int width, int height, int64_t max_pixels, int *out_width, int *out_height);
/* red, orange, yellow, green, blue, purple, white, grey, black, brown; "" when no colour has 60 % of the middle half, or when the same one has half
 * of the outer eighths: then it may be that of the ground. */
const char *iad_chat_colour(const iad_image *image);

typedef struct iad_chat_params {
    const char *model;
    double temperature;
    int64_t seed;
} iad_chat_params;
/* One chat completion: picture first, then the text. Errors: IAD_ERR_LIMIT. */
iad_status iad_chat_request(const iad_profile *profile, const iad_prompt *prompt, const iad_chat_params *params, const char *text,
                            const iad_buf *jpeg, iad_buf *out, iad_err *err);

#endif
