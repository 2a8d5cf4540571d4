#include "synth/recipe/jitter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fmath.h"
#include "base/image/decode.h"
#include "base/image/encode.h"
#include "base/json.h"

enum { UNIT = 1000000, MAX_TEXT = 400 };
#define MILLIDEGREE (3.14159265358979323846 / 180000.0)

iad_jitter iad_jitter_draw(iad_rng *rng, int geometry) {
    static const int qualities[] = {85, 90, 95};
    iad_jitter j = IAD_JITTER_NONE;
    j.brightness = UNIT + iad_rng_int(rng, -50000, 50000);
    j.contrast = UNIT + iad_rng_int(rng, -50000, 50000);
    j.quality = qualities[iad_rng_below(rng, 3)];
    j.subsample = (int)iad_rng_below(rng, 2);
    if (geometry) {
        j.dx = iad_rng_int(rng, -10000, 10000);
        j.dy = iad_rng_int(rng, -10000, 10000);
        j.rotation = iad_rng_int(rng, -2000, 2000);
    }
    return j;
}

void iad_jitter_text(const iad_jitter *j, char text[160]) {
    const iad_jitter none = IAD_JITTER_NONE;
    const struct { const char *key; int value, absent; } members[] = {
        {"b", j->brightness, none.brightness}, {"c", j->contrast, none.contrast}, {"dx", j->dx, 0},
        {"dy", j->dy, 0},                      {"q", j->quality, 0},              {"r", j->rotation, 0},
        {"s", j->quality ? j->subsample : 0, 0}};
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (members[i].value != members[i].absent)
            n += (size_t)snprintf(text + n, 160 - n, "%c\"%s\":%d", n ? ',' : '{', members[i].key, members[i].value);
    if (n) snprintf(text + n, 160 - n, "}");
}

iad_status iad_jitter_parse(const char *text, iad_jitter *j, iad_err *err) {
    *j = IAD_JITTER_NONE;
    if (!text || !*text) return IAD_OK;
    const struct { const char *key; int *to; int lo, hi;
    } members[] = {{"b", &j->brightness, 0, 4 * UNIT},  {"c", &j->contrast, 0, 4 * UNIT}, {"dx", &j->dx, -UNIT / 2, UNIT / 2},
                   {"dy", &j->dy, -UNIT / 2, UNIT / 2}, {"q", &j->quality, 1, 100},       {"r", &j->rotation, -45000, 45000},
                   {"s", &j->subsample, 0, 1}};
    json_t *root;
    if (strlen(text) > MAX_TEXT) return IAD_FAIL(err, IAD_ERR_LIMIT, "a jitter of more than %d bytes", MAX_TEXT);
    IAD_TRY(iad_json_parse(text, strlen(text), 4, "jitter", &root, err));
    iad_status status = json_is_object(root) ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "jitter: no object");
    size_t known = 0;
    for (size_t i = 0; status == IAD_OK && i < sizeof members / sizeof *members; i++) {
        const json_t *value = json_object_get(root, members[i].key);
        if (!value) continue;
        known++;
        if (!json_is_integer(value) || json_integer_value(value) < members[i].lo || json_integer_value(value) > members[i].hi)
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "jitter: \"%s\" is no whole number within %d..%d", members[i].key, members[i].lo, members[i].hi);
        else *members[i].to = (int)json_integer_value(value);
    }
    if (status == IAD_OK && known != json_object_size(root)) status = IAD_FAIL(err, IAD_ERR_FORMAT, "jitter: a member that is not known");
    json_decref(root);
    return status;
}

/* ---- doing it ---- */

static void levels(const iad_jitter *j, iad_image *p) {
    size_t n = (size_t)p->width * (size_t)p->height * (size_t)p->channels;
    if (j->brightness == UNIT && j->contrast == UNIT) return;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += p->px[i];
    double b = (double)j->brightness / UNIT, c = (double)j->contrast / UNIT, mean = (double)sum / (double)n * b;
    uint8_t table[256];
    for (int v = 0; v < 256; v++) {
        double value = mean + c * (v * b - mean) + 0.5;
        table[v] = value < 0 ? 0 : value >= 255 ? 255 : (uint8_t)value;
    }
    for (size_t i = 0; i < n; i++) p->px[i] = table[p->px[i]];
}

/* One axis of the bilinear footprint: the pixel, its neighbour, and the neighbour's weight in 1/256; the border repeats. */
static int footprint(double at, int length, int *second, int *weight) {
    double f = floor(at);
    int first = f < 0 ? 0 : f >= length ? length - 1 : (int)f;
    *weight = f < 0 || f >= length - 1 ? 0 : (int)((at - f) * 256);
    *second = first + 1 < length ? first + 1 : first;
    return first;
}

static iad_status move(const iad_jitter *j, iad_image *p, int nearest, iad_err *err) {
    if (!j->dx && !j->dy && !j->rotation) return IAD_OK;
    iad_image out;
    IAD_TRY(iad_image_init_raw(&out, p->width, p->height, p->channels, err));
    double c = iad_cos(j->rotation * MILLIDEGREE), s = iad_sin(j->rotation * MILLIDEGREE), mx = p->width / 2.0, my = p->height / 2.0;
    double shift_x = (double)j->dx / UNIT * p->width, shift_y = (double)j->dy / UNIT * p->height;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            double u = x + 0.5 - mx - shift_x, v = y + 0.5 - my - shift_y;
            double from_x = c * u + s * v + mx - 0.5, from_y = c * v - s * u + my - 0.5;
            int x1, y1, a, b, x0 = footprint(nearest ? from_x + 0.5 : from_x, p->width, &x1, &a),
                              y0 = footprint(nearest ? from_y + 0.5 : from_y, p->height, &y1, &b);
            if (nearest) a = b = 0;
            const uint8_t *p00 = iad_image_at(p, x0, y0), *p10 = iad_image_at(p, x1, y0), *p01 = iad_image_at(p, x0, y1),
                          *p11 = iad_image_at(p, x1, y1);
            uint8_t *to = iad_image_at(&out, x, y);
            for (int k = 0; k < p->channels; k++)
                to[k] = (uint8_t)(((p00[k] * (256 - a) + p10[k] * a) * (256 - b) + (p01[k] * (256 - a) + p11[k] * a) * b + 32768) >> 16);
        }
    iad_image_deinit(p);
    *p = out;
    return IAD_OK;
}

static iad_status codec(const iad_jitter *j, iad_image *p, iad_err *err) {
    if (!j->quality) return IAD_OK;
    iad_buf bytes;
    iad_image out = {0};
    iad_buf_init(&bytes, IAD_IMAGE_MAX_FILE_BYTES);
    iad_status status = iad_encode_jpeg(p, &(iad_jpeg_options){.quality = j->quality, .subsample = j->subsample}, &bytes, err);
    if (status == IAD_OK) status = iad_image_decode(bytes.data, bytes.len, "jitter", &(iad_decode_options){.channels = p->channels}, &out, NULL, err);
    iad_buf_deinit(&bytes);
    if (status != IAD_OK) return status;
    iad_image_deinit(p);
    *p = out;
    return IAD_OK;
}

iad_status iad_jitter_apply(const iad_jitter *jitter, iad_image *picture, iad_image *mask, iad_err *err) {
    if (mask && mask->px && (mask->width != picture->width || mask->height != picture->height))
        return IAD_FAIL(err, IAD_ERR_ARG, "picture and mask differ in size");
    levels(jitter, picture);
    IAD_TRY(move(jitter, picture, 0, err));
    if (mask && mask->px) IAD_TRY(move(jitter, mask, 1, err));
    return codec(jitter, picture, err);
}
