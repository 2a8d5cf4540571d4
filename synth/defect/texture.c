#include "synth/defect/texture.h"

#include <math.h>
#include <string.h>

#include "base/fmath.h"
#include "synth/defect/defect.h"

#define MILLIDEGREE (3.14159265358979323846 / 180000.0)

/* ---- drawing ---- */

static const struct { int64_t lo[3], hi[3];
} ranges[IAD_TEXTURE_OPS] = {[IAD_TEXTURE_GAMMA] = {{500, 500, 500}, {2000, 2000, 2000}}, [IAD_TEXTURE_BRIGHTNESS] = {{800, -30, 0}, {1200, 30, 0}},
                             [IAD_TEXTURE_SHARPEN] = {{500, 0, 0}, {2000, 0, 0}},         [IAD_TEXTURE_COLOR] = {{-200, 500, 0}, {200, 1500, 0}},
                             [IAD_TEXTURE_SOLARISE] = {{32, 0, 0}, {128, 1, 0}},          [IAD_TEXTURE_POSTERISE] = {{2, 0, 0}, {4, 0, 0}},
                             [IAD_TEXTURE_ROTATE] = {{-45000, 0, 0}, {45000, 0, 0}}};

void iad_texture_draw(iad_rng *rng, iad_texture_step steps[IAD_TEXTURE_STEPS]) {
    uint32_t order[IAD_TEXTURE_OPS];
    for (uint32_t i = 0; i < IAD_TEXTURE_OPS; i++) order[i] = i;
    iad_rng_shuffle(rng, order, IAD_TEXTURE_OPS);
    for (int i = 0; i < IAD_TEXTURE_STEPS; i++) {
        int op = (int)order[i];
        int64_t v[3];
        for (int k = 0; k < 3; k++) v[k] = iad_rng_int(rng, (int)ranges[op].lo[k], (int)ranges[op].hi[k]);
        steps[i] = (iad_texture_step){op, v[0], v[1], v[2]};
    }
}

json_t *iad_texture_json(const iad_texture_step steps[IAD_TEXTURE_STEPS]) {
    json_t *list = json_array();
    for (int i = 0; i < IAD_TEXTURE_STEPS; i++)
        json_array_append_new(list, json_pack("[i,I,I,I]", steps[i].op, (json_int_t)steps[i].a, (json_int_t)steps[i].b, (json_int_t)steps[i].c));
    return list;
}

iad_status iad_texture_parse(const json_t *params, const char *key, iad_texture_step steps[IAD_TEXTURE_STEPS], iad_err *err) {
    const json_t *list = json_object_get(params, key);
    if (json_array_size(list) != IAD_TEXTURE_STEPS) return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"%s\" is no list of three operations", key);
    for (size_t i = 0; i < IAD_TEXTURE_STEPS; i++) {
        const json_t *one = json_array_get(list, i);
        int64_t v[4];
        if (json_array_size(one) != 4) return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"%s\": an operation is four numbers", key);
        for (size_t k = 0; k < 4; k++) {
            if (!json_is_integer(json_array_get(one, k)))
                return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"%s\": an operation is four whole numbers", key);
            v[k] = json_integer_value(json_array_get(one, k));
        }
        if (v[0] < 0 || v[0] >= IAD_TEXTURE_OPS) return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"%s\": no operation %lld", key, (long long)v[0]);
        for (int k = 0; k < 3; k++)
            if (v[k + 1] < ranges[v[0]].lo[k] || v[k + 1] > ranges[v[0]].hi[k])
                return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"%s\": operation %lld with %lld", key, (long long)v[0], (long long)v[k + 1]);
        steps[i] = (iad_texture_step){(int)v[0], v[1], v[2], v[3]};
    }
    return IAD_OK;
}

int iad_texture_angle(const iad_texture_step steps[IAD_TEXTURE_STEPS]) {
    for (int i = 0; i < IAD_TEXTURE_STEPS; i++)
        if (steps[i].op == IAD_TEXTURE_ROTATE) return (int)steps[i].a;
    return 0;
}

/* ---- the operations ---- */

static uint8_t clamp8(double v) { return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5); }

static void map_channel(iad_image *p, int channel, const uint8_t table[256]) {
    size_t n = (size_t)p->width * (size_t)p->height, step = (size_t)p->channels;
    for (size_t i = 0; i < n; i++) p->px[i * step + (size_t)channel] = table[p->px[i * step + (size_t)channel]];
}

static void channel_histogram(const iad_image *p, int channel, int64_t count[256]) {
    size_t n = (size_t)p->width * (size_t)p->height, step = (size_t)p->channels;
    memset(count, 0, 256 * sizeof *count);
    for (size_t i = 0; i < n; i++) count[p->px[i * step + (size_t)channel]]++;
}

/* ImageOps.autocontrast without cut-off: floor of v scale + offset. */
static void stretch_table(const int64_t count[256], uint8_t table[256]) {
    int low = 0, high = 255;
    while (low < 255 && !count[low]) low++;
    while (high > 0 && !count[high]) high--;
    for (int v = 0; v < 256; v++) {
        double scaled = high > low ? v * (255.0 / (high - low)) + -low * (255.0 / (high - low)) : v;
        table[v] = scaled < 0 ? 0 : scaled > 255 ? 255 : (uint8_t)scaled;
    }
}

/* ImageOps.equalize. */
static void equal_table(const int64_t count[256], uint8_t table[256]) {
    int64_t n = 0, last = 0, sum;
    int kinds = 0;
    for (int v = 0; v < 256; v++) {
        n += count[v];
        kinds += count[v] != 0;
        if (count[v]) last = count[v];
    }
    int64_t step = kinds > 1 ? (n - last) / 255 : 0;
    sum = step / 2;
    for (int v = 0; v < 256; v++) {
        table[v] = step ? (uint8_t)(sum / step > 255 ? 255 : sum / step) : (uint8_t)v;
        sum += count[v];
    }
}

static void table_of(const iad_image *p, int channel, const iad_texture_step *s, uint8_t table[256]) {
    int64_t count[256];
    if (s->op >= IAD_TEXTURE_AUTOCONTRAST) channel_histogram(p, channel, count);
    double gamma = (double)(channel == 0 ? s->a : channel == 1 ? s->b : s->c) / 1000;
    for (int v = 0; v < 256; v++) {
        if (s->op == IAD_TEXTURE_GAMMA) table[v] = v ? clamp8(255 * iad_pow(v / 255.0, gamma)) : 0;
        else if (s->op == IAD_TEXTURE_BRIGHTNESS) table[v] = clamp8(v * ((double)s->a / 1000) + (double)s->b);
        else if (s->op == IAD_TEXTURE_SOLARISE) table[v] = (uint8_t)(v < s->a || s->b ? v : 255 - v);
        else if (s->op == IAD_TEXTURE_POSTERISE) table[v] = (uint8_t)(v & ~((1 << (8 - s->a)) - 1));
        else table[v] = (uint8_t)(255 - v);
    }
    if (s->op == IAD_TEXTURE_AUTOCONTRAST) stretch_table(count, table);
    if (s->op == IAD_TEXTURE_EQUALISE) equal_table(count, table);
}

/* out = p + strength (p - mean of 3 x 3); the outermost pixels stay. */
static iad_status sharpen(iad_image *p, int64_t strength, iad_err *err) {
    iad_image in;
    IAD_TRY(iad_image_copy(p, &in, err));
    int c = p->channels, k = (int)(strength * 256 / 1000 / 9);
    for (int y = 1; y + 1 < p->height; y++)
        for (int i = c; i < (p->width - 1) * c; i++) {
            const uint8_t *q = iad_image_at(&in, 0, y) + i;
            int64_t w = (int64_t)p->width * c, sum = 0;
            for (int64_t dy = -w; dy <= w; dy += w) sum += q[dy - c] + q[dy] + q[dy + c];
            int64_t v = q[0] + ((k * (9 * q[0] - sum)) >> 8);
            iad_image_at(p, 0, y)[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    iad_image_deinit(&in);
    return IAD_OK;
}

iad_status iad_texture_apply(iad_image *image, const iad_texture_step steps[IAD_TEXTURE_STEPS], iad_err *err) {
    for (int i = 0; i < IAD_TEXTURE_STEPS; i++) {
        const iad_texture_step *s = &steps[i];
        if (s->op == IAD_TEXTURE_ROTATE) continue;
        if (s->op == IAD_TEXTURE_SHARPEN) IAD_TRY(sharpen(image, s->a, err));
        else if (s->op == IAD_TEXTURE_COLOR) iad_color_jitter_apply(image, &(iad_color_jitter){1000000, 1000000, s->b * 1000, s->a * 1000, 0});
        else
            for (int c = 0; c < image->channels; c++) {
                uint8_t table[256];
                table_of(image, c, s, table);
                map_channel(image, c, table);
            }
    }
    return IAD_OK;
}

/* ---- cutting ---- */

iad_status iad_texture_cut(const iad_image *from, int64_t x, int64_t y, int angle, int w, int h, int channels, int grey, iad_image *out,
                           iad_err *err) {
    IAD_TRY(iad_image_init_raw(out, w, h, channels, err));
    double c = iad_cos(angle * MILLIDEGREE), s = iad_sin(angle * MILLIDEGREE);
    for (int v = 0; v < h; v++)
        for (int u = 0; u < w; u++) {
            int64_t px = x + (angle ? (int64_t)floor(c * (u - w / 2) + s * (v - h / 2) + 0.5) : u),
                    py = y + (angle ? (int64_t)floor(c * (v - h / 2) - s * (u - w / 2) + 0.5) : v);
            px = ((px % from->width) + from->width) % from->width;
            py = ((py % from->height) + from->height) % from->height;
            const uint8_t *p = iad_image_at(from, (int)px, (int)py);
            uint8_t *to = iad_image_at(out, u, v);
            if (from->channels == 3 && (channels == 1 || grey)) {
                uint8_t level = (uint8_t)((19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16);
                for (int k = 0; k < channels; k++) to[k] = level;
            } else
                for (int k = 0; k < channels; k++) to[k] = from->channels == 3 ? p[k] : p[0];
        }
    return IAD_OK;
}
