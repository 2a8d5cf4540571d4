#include "annotate/client/chatrequest.h"

#include <math.h>
#include <string.h>

#include "base/html.h"
#include "base/image/decode.h"
#include "base/image/encode.h"
#include "base/image/resize.h"
#include "base/json.h"

#define MIN_SIDE 28
#define MAX_ASPECT 200
#define MAX_JPEG (24u << 20)
#define MIDDLE_PERCENT 60 /* so much of the middle has a colour that rules it; so much of the border one that may be the ground's */
#define GROUND_PERCENT 50

void iad_chat_picture_size(int width, int height, int64_t max_pixels, int *w, int *h) {
    double scale = max_pixels > 0 && (double)width * height > (double)max_pixels ? sqrt((double)max_pixels / ((double)width * height)) : 1;
    if (scale * (width > height ? width : height) > 8000) scale = 8000.0 / (width > height ? width : height);
    if (scale * (width < height ? width : height) < MIN_SIDE) scale = (double)MIN_SIDE / (width < height ? width : height);
    *w = (int)(width * scale + 0.5);
    *h = (int)(height * scale + 0.5);
    if (*w < 1) *w = 1;
    if (*h < 1) *h = 1;
}

static iad_status crop(iad_image *image, iad_err *err) {
    int w = image->width * 4 / 5, h = image->height * 4 / 5, x = (image->width - w) / 2, y = (image->height - h) / 2;
    iad_image part;
    if (w < 1 || h < 1) return IAD_OK;
    IAD_TRY(iad_image_init_raw(&part, w, h, image->channels, err));
    for (int r = 0; r < h; r++) memcpy(iad_image_at(&part, 0, r), iad_image_at(image, x, y + r), (size_t)w * (size_t)image->channels);
    iad_image_deinit(image);
    *image = part;
    return IAD_OK;
}

enum { RED, ORANGE, YELLOW, GREEN, BLUE, PURPLE, WHITE, GREY, BLACK, BROWN, N_COLOURS };
static const char *const colour_names[N_COLOURS] = {"red", "orange", "yellow", "green", "blue", "purple", "white", "grey", "black", "brown"};

static int colour_of(int r, int g, int b) {
    int hi = r > g ? (r > b ? r : b) : g > b ? g : b, lo = r < g ? (r < b ? r : b) : g < b ? g : b, span = hi - lo;
    if (hi < 50) return BLACK;
    if (span * 5 < hi) return lo > 200 ? WHITE : GREY;
    int hue = hi == r ? (g - b) * 60 / span : hi == g ? 120 + (b - r) * 60 / span : 240 + (r - g) * 60 / span;
    if (hue < 0) hue += 360;
    if (hue < 45 && hue >= 15) return hi < 160 ? BROWN : ORANGE;
    if (hue < 15 || hue >= 335) return RED;
    if (hue < 70) return YELLOW;
    if (hue < 170) return GREEN;
    return hue < 265 ? BLUE : PURPLE;
}

/* [x0, x1) x [y0, y1) without the hole [x2, x3) x [y2, y3). */
typedef struct area {
    int x0, y0, x1, y1, x2, y2, x3, y3;
} area;

/* The colour that at least `percent` of the samples of an area have; N_COLOURS: none. */
static int ruling_colour(const iad_image *image, const area *a, int percent) {
    int64_t count[N_COLOURS] = {0}, n = 0;
    const int step = (image->width < image->height ? image->width : image->height) / 48 + 1;
    for (int y = a->y0; y < a->y1; y += step)
        for (int x = a->x0; x < a->x1; x += step) {
            if (y >= a->y2 && y < a->y3 && x >= a->x2 && x < a->x3) continue;
            const uint8_t *p = iad_image_at(image, x, y);
            count[image->channels == 3 ? colour_of(p[0], p[1], p[2]) : colour_of(p[0], p[0], p[0])]++;
            n++;
        }
    for (int i = 0; i < N_COLOURS; i++)
        if (n && count[i] * 100 >= n * percent) return i;
    return N_COLOURS;
}

const char *iad_chat_colour(const iad_image *image) {
    const int w = image->width, h = image->height;
    const int middle = ruling_colour(image, &(area){w / 4, h / 4, w - w / 4, h - h / 4, 0, 0, 0, 0}, MIDDLE_PERCENT);
    if (middle == N_COLOURS) return "";
    const int ground = ruling_colour(image, &(area){0, 0, w, h, w / 8, h / 8, w - w / 8, h - h / 8}, GROUND_PERCENT);
    return ground == middle ? "" : colour_names[middle];
}

iad_status iad_chat_picture_load(iad_chat_picture *picture, const char *path, const iad_profile *profile, int64_t max_pixels, int quality,
                                 iad_chat_form form, iad_err *err) {
    iad_image image = {0}, small = {0};
    int w, h;
    memset(picture, 0, sizeof *picture);
    iad_buf_init(&picture->jpeg, MAX_JPEG);
    const iad_decode_options options = {.channels = form == IAD_CHAT_SMALLER ? 3 : 0};
    iad_status status = iad_image_load(path, &options, &image, NULL, err);
    if (status == IAD_OK && form == IAD_CHAT_CROPPED) status = crop(&image, err);
    if (status == IAD_OK && (image.width > image.height * MAX_ASPECT || image.height > image.width * MAX_ASPECT))
        status = IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: %dx%d is longer than services take", path, image.width, image.height);
    if (status == IAD_OK) {
        iad_text_copy(picture->colour, sizeof picture->colour, iad_chat_colour(&image));
        iad_chat_picture_size(image.width, image.height, form == IAD_CHAT_SMALLER ? max_pixels / 2 : max_pixels, &w, &h);
        if (w != image.width || h != image.height) status = iad_resize(&image, w, h, IAD_FILTER_BICUBIC, &small, err);
    }
    const iad_image *use = small.px ? &small : &image;
    for (int q = quality; status == IAD_OK; q -= 20) {
        iad_buf_reset(&picture->jpeg);
        status = iad_encode_jpeg(use, &(iad_jpeg_options){.quality = q, .subsample = 1}, &picture->jpeg, err);
        if (status != IAD_OK || (int64_t)picture->jpeg.len * 4 / 3 + 64 < profile->max_uri_bytes) break;
        if (q <= 30) status = IAD_FAIL(err, IAD_ERR_LIMIT, "%s: larger than the service takes, even as a poor JPEG", path);
    }
    picture->width = use->width;
    picture->height = use->height;
    iad_image_deinit(&image);
    iad_image_deinit(&small);
    if (status != IAD_OK) iad_buf_deinit(&picture->jpeg);
    return status;
}

void iad_chat_picture_deinit(iad_chat_picture *picture) {
    iad_buf_deinit(&picture->jpeg);
}

iad_status iad_chat_request(const iad_profile *profile, const iad_prompt *prompt, const iad_chat_params *params, const char *text,
                            const iad_buf *jpeg, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out, "{\"model\":", err));
    IAD_TRY(iad_json_quote(params->model, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"", err));
    IAD_TRY(iad_html_data_uri(out, "image/jpeg", jpeg->data, jpeg->len, err));
    IAD_TRY(iad_buf_add_str(out, "\"}},{\"type\":\"text\",\"text\":", err));
    IAD_TRY(iad_json_quote(text, out, err));
    IAD_TRY(iad_buf_addf(out, err, "}]}],\"max_tokens\":%d,\"temperature\":%.3g", prompt->max_tokens, params->temperature));
    if (profile->seed) IAD_TRY(iad_buf_addf(out, err, ",\"seed\":%lld", (long long)params->seed));
    if (profile->structured == IAD_STRUCTURED_OBJECT) IAD_TRY(iad_buf_add_str(out, ",\"response_format\":{\"type\":\"json_object\"}", err));
    if (profile->structured == IAD_STRUCTURED_SCHEMA)
        IAD_TRY(iad_buf_addf(out, err, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",%s\"schema\":%s}}",
                             profile->strict_schema ? "\"strict\":true," : "", prompt->schema));
    return iad_buf_add(out, "}", 1, err);
}
