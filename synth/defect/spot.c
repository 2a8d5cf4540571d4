/* A disc or ellipse whose brightness is shifted (ASBench's FPI variant, synth-data 1.5): discolouration, burn, wet spot. The edge may be soft. */
#include <math.h>
#include <string.h>

#include "base/fmath.h"
#include "synth/defect/defect.h"

enum { UNIT = 1000000, MAX_DELTA = 255 };
#define MILLIDEGREE (3.14159265358979323846 / 180000.0)

/* Range of grey levels, from 1 % to 99 %, of about 4,096 places. */
static int grey_range(const iad_image *p) {
    int64_t histogram[256] = {0}, n = 0, seen = 0;
    int step_x = p->width / 64 + 1, step_y = p->height / 64 + 1, low = 0, high = 255;
    for (int y = step_y / 2; y < p->height; y += step_y)
        for (int x = step_x / 2; x < p->width; x += step_x) {
            const uint8_t *q = iad_image_at(p, x, y);
            histogram[p->channels == 3 ? (19595 * q[0] + 38470 * q[1] + 7471 * q[2] + 32768) >> 16 : *q]++;
            n++;
        }
    for (low = 0; low < 255 && (seen += histogram[low]) * 100 < n; low++) {}
    for (seen = 0; high > low && (seen += histogram[high]) * 100 < n; high--) {}
    return high - low;
}

static iad_status draw(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, json_t **params, iad_err *err) {
    int shorter = scene->dst->width < scene->dst->height ? scene->dst->width : scene->dst->height, delta[3], x, y;
    double rx, ry;
    if (size->published) {
        rx = ry = iad_rng_range(rng, 0.05, 0.10) * shorter;
    } else {
        double radius = sqrt(iad_defect_area(scene, size, rng) / 3.14159265358979), stretch = sqrt(iad_rng_range(rng, 1, 3));
        rx = radius * stretch;
        ry = radius / stretch;
    }
    if (rx > shorter / 2.0 - 1) rx = shorter / 2.0 - 1;
    if (ry > shorter / 2.0 - 1) ry = shorter / 2.0 - 1;
    int64_t rx_milli = (int64_t)(rx * 1000 + 0.5), ry_milli = (int64_t)(ry * 1000 + 0.5), reach = rx_milli > ry_milli ? rx_milli : ry_milli;
    int side = 2 * (int)((reach + 999) / 1000) + 1, angle = iad_rng_int(rng, -90000, 90000);
    if (rx_milli < 1000 || ry_milli < 500 || side > scene->dst->width || side > scene->dst->height)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "the picture is too small for a spot");
    double shift = iad_rng_range(rng, 0.2, 0.3) * (grey_range(scene->dst) < 40 ? 40 : grey_range(scene->dst));
    int sign = iad_rng_chance(rng, 0.5) ? 1 : -1, tinted = iad_rng_chance(rng, 0.5) && !scene->grey && !size->published;
    for (int c = 0; c < 3; c++) {
        double tint = iad_rng_range(rng, 0.4, 1.3);
        delta[c] = (int)(shift * (tinted ? tint : 1) + 0.5) * sign;
    }
    int soft = iad_rng_int(rng, 0, size->published ? 0 : 800000);
    if (size->published) { /* the middle lies in the middle half */
        x = iad_rng_int(rng, scene->dst->width / 4, scene->dst->width - scene->dst->width / 4 - 1) - side / 2;
        y = iad_rng_int(rng, scene->dst->height / 4, scene->dst->height - scene->dst->height / 4 - 1) - side / 2;
        x = x < 0 ? 0 : x > scene->dst->width - side ? scene->dst->width - side : x;
        y = y < 0 ? 0 : y > scene->dst->height - side ? scene->dst->height - side : y;
    } else IAD_TRY(iad_defect_place(scene, rng, side, side, NULL, 0.5, &x, &y, err));
    *params = json_pack("{s:i,s:[iii],s:I,s:I,s:i,s:i,s:i,s:i}", "angle", angle, "delta", delta[0], delta[1], delta[2], "rx", (json_int_t)rx_milli,
                        "ry", (json_int_t)ry_milli, "side", side, "soft", soft, "x", x, "y", y);
    return *params ? IAD_OK : IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for the parameters of a defect");
}

static iad_status parse_delta(const json_t *params, int delta[3], iad_err *err) {
    const json_t *list = json_object_get(params, "delta");
    if (json_array_size(list) != 3) return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"delta\" is no list of three");
    for (size_t c = 0; c < 3; c++) {
        const json_t *one = json_array_get(list, c);
        if (!json_is_integer(one) || json_integer_value(one) < -MAX_DELTA || json_integer_value(one) > MAX_DELTA)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"delta\" holds no whole number within -255..255");
        delta[c] = (int)json_integer_value(one);
    }
    return IAD_OK;
}

static iad_status layers(const iad_defect_scene *scene, const json_t *params, iad_defect_layers *out, iad_err *err) {
    const iad_image *dst = scene->dst;
    int64_t side, x, y, rx, ry, angle, soft;
    int delta[3];
    int shorter = dst->width < dst->height ? dst->width : dst->height;
    *out = (iad_defect_layers){0};
    IAD_TRY(parse_delta(params, delta, err));
    IAD_TRY(iad_defect_param(params, "side", 3, shorter, &side, err));
    IAD_TRY(iad_defect_param(params, "x", 0, dst->width - side, &x, err));
    IAD_TRY(iad_defect_param(params, "y", 0, dst->height - side, &y, err));
    IAD_TRY(iad_defect_param(params, "rx", 100, 1000 * (int64_t)shorter, &rx, err));
    IAD_TRY(iad_defect_param(params, "ry", 100, 1000 * (int64_t)shorter, &ry, err));
    IAD_TRY(iad_defect_param(params, "angle", -180000, 180000, &angle, err));
    IAD_TRY(iad_defect_param(params, "soft", 0, UNIT, &soft, err));
    iad_defect_layer *layer = &out->items[0];
    *layer = (iad_defect_layer){.x = (int)x, .y = (int)y};
    out->n = 1;
    iad_status status = iad_image_init_raw(&layer->content, (int)side, (int)side, dst->channels, err);
    if (status == IAD_OK) status = iad_image_init_raw(&layer->cover, (int)side, (int)side, 1, err);
    if (status != IAD_OK) {
        iad_defect_layers_deinit(out);
        return status;
    }
    double c = iad_cos((double)angle * MILLIDEGREE), s = iad_sin((double)angle * MILLIDEGREE), middle = (double)side / 2, a = 1000.0 / (double)rx,
           b = 1000.0 / (double)ry;
    double edge = 1 - (double)soft / UNIT, ramp = 1 - edge > 0.02 ? 1 - edge : 0.02; /* a hard edge is still two hundredths of the radius wide */
    for (int v = 0; v < (int)side; v++)
        for (int u = 0; u < (int)side; u++) {
            double dx = u + 0.5 - middle, dy = v + 0.5 - middle, p = (c * dx + s * dy) * a, q = (c * dy - s * dx) * b;
            double r = sqrt(p * p + q * q), share = (1 - r) / ramp;
            *iad_image_at(&layer->cover, u, v) = (uint8_t)((share < 0 ? 0 : share > 1 ? 1 : share) * 255 + 0.5);
            const uint8_t *from = iad_image_at(dst, (int)x + u, (int)y + v);
            uint8_t *to = iad_image_at(&layer->content, u, v);
            for (int k = 0; k < dst->channels; k++) {
                int value = from[k] + delta[dst->channels == 1 ? 1 : k];
                to[k] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
            }
        }
    return IAD_OK;
}

const iad_defect_generator iad_defect_spot = {.name = "spot", .version = "1", .draw = draw, .layers = layers};
