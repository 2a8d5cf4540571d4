/* Parameters of generators: drawn, stored as whole numbers, read back with suspicion. */
#include <string.h>

#include "synth/defect/defect.h"

iad_status iad_defect_param(const json_t *params, const char *key, int64_t lo, int64_t hi, int64_t *value, iad_err *err) {
    const json_t *member = json_object_get(params, key);
    if (!json_is_integer(member)) return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"%s\" is missing or no whole number", key);
    *value = json_integer_value(member);
    if (*value < lo || *value > hi)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"%s\" is %lld, not within %lld..%lld", key, (long long)*value, (long long)lo, (long long)hi);
    return IAD_OK;
}

/* ---- colour jitter ---- */

enum { UNIT = 1000000, MAX_FACTOR = 4 * UNIT };

static int64_t factor(iad_rng *rng, int64_t spread) { return UNIT + iad_rng_int(rng, (int)-spread, (int)spread); }

iad_color_jitter iad_color_jitter_draw(iad_rng *rng, int grey, int64_t spread) {
    iad_color_jitter j = {UNIT, UNIT, UNIT, 0, 0};
    if (spread < 0) spread = 0;
    if (spread > UNIT / 2) spread = UNIT / 2;
    int64_t wide = grey ? 2 * spread : spread;
    j.brightness = factor(rng, wide);
    j.contrast = factor(rng, wide);
    j.saturation = factor(rng, spread); /* drawn in any case: grey or not, the same numbers follow */
    j.hue = iad_rng_int(rng, (int)-spread, (int)spread);
    j.order = iad_rng_below(rng, 24);
    if (grey) {
        j.saturation = UNIT;
        j.hue = 0;
    }
    return j;
}

json_t *iad_color_jitter_json(const iad_color_jitter *j) {
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "brightness", (json_int_t)j->brightness, "contrast", (json_int_t)j->contrast, "hue", (json_int_t)j->hue, "order",
                     (json_int_t)j->order, "saturation", (json_int_t)j->saturation);
}

iad_status iad_color_jitter_parse(const json_t *params, const char *key, iad_color_jitter *j, iad_err *err) {
    const json_t *object = json_object_get(params, key);
    if (!json_is_object(object)) return IAD_FAIL(err, IAD_ERR_FORMAT, "parameter \"%s\" is missing or no object", key);
    IAD_TRY(iad_defect_param(object, "brightness", 0, MAX_FACTOR, &j->brightness, err));
    IAD_TRY(iad_defect_param(object, "contrast", 0, MAX_FACTOR, &j->contrast, err));
    IAD_TRY(iad_defect_param(object, "saturation", 0, MAX_FACTOR, &j->saturation, err));
    IAD_TRY(iad_defect_param(object, "hue", -UNIT, UNIT, &j->hue, err));
    return iad_defect_param(object, "order", 0, 23, &j->order, err);
}

static uint8_t clamp8(double v) { return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5); }

/* One grey level through a table: brightness and contrast act on each sample alone. */
static void map_levels(iad_image *image, const uint8_t table[256]) {
    size_t n = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    for (size_t i = 0; i < n; i++) image->px[i] = table[image->px[i]];
}

static void brightness(iad_image *image, double b) {
    uint8_t table[256];
    for (int v = 0; v < 256; v++) table[v] = clamp8(v * b);
    map_levels(image, table);
}

/* Luma 0.299 R + 0.587 G + 0.114 B in 1/65536. */
static inline int luma(const uint8_t *p) { return (19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16; }

static void contrast(iad_image *image, double c) {
    size_t n = (size_t)image->width * (size_t)image->height;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += (uint64_t)(image->channels == 3 ? luma(image->px + 3 * i) : image->px[i]);
    double mean = (double)sum / (double)n;
    uint8_t table[256];
    for (int v = 0; v < 256; v++) table[v] = clamp8(mean + c * (v - mean));
    map_levels(image, table);
}

static void saturation(iad_image *image, int64_t s) {
    if (image->channels != 3) return;
    size_t n = (size_t)image->width * (size_t)image->height;
    int k = (int)(s * 65536 / UNIT);
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = image->px + 3 * i;
        int g = luma(p);
        for (int c = 0; c < 3; c++) {
            int v = g + (int)(((int64_t)k * (p[c] - g) + 32768) >> 16);
            p[c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
}

/* HSV's hue turned by `turn` millionths of a circle, in 1/65536 of a sextant. A channel is hi - range w(k), k its distance in hue, w(k) = min(k, 4 - k, 1) clamped to 0..1; no
 * branches and no divisions, so that the compiler does several pixels at once. */
enum { SEXTANT = 65536, CIRCLE = 6 * SEXTANT };

enum { LANES = 64 };
typedef struct pixels { int r[LANES], g[LANES], b[LANES]; } pixels;

static inline int hue_channel(int hi, int range, int h, int from) {
    int k = h + from;
    k -= k >= CIRCLE ? CIRCLE : 0;
    int w = k < 4 * SEXTANT - k ? k : 4 * SEXTANT - k;
    w = w < 0 ? 0 : w > SEXTANT ? SEXTANT : w;
    return hi - ((range * w + SEXTANT / 2) >> 16);
}

static inline __attribute__((always_inline)) void turn_pixels(pixels *restrict p, int shift) {
    for (int i = 0; i < LANES; i++) {
        int r = p->r[i], g = p->g[i], b = p->b[i], hi = r > g ? r : g, lo = r < g ? r : g;
        hi = b > hi ? b : hi;
        lo = b < lo ? b : lo;
        int range = hi - lo;
        float inverse = (float)SEXTANT / (float)(range > 0 ? range : 1); /* one IEEE division: the same everywhere */
        int red = hi == r, green = hi == g && !red;
        int difference = red ? g - b : green ? b - r : r - g, base = red ? 0 : green ? 2 * SEXTANT : 4 * SEXTANT;
        int h = base + (int)((float)difference * inverse) + shift;
        h += h < 0 ? CIRCLE : 0;
        h -= h >= CIRCLE ? CIRCLE : 0;
        p->r[i] = hue_channel(hi, range, h, 5 * SEXTANT);
        p->g[i] = hue_channel(hi, range, h, 3 * SEXTANT);
        p->b[i] = hue_channel(hi, range, h, SEXTANT);
    }
}

static void turn_narrow(pixels *p, int shift) { turn_pixels(p, shift); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) static void turn_wide(pixels *p, int shift) { turn_pixels(p, shift); }
#endif

static void hue(iad_image *image, int64_t turn) {
    if (image->channels != 3) return;
    size_t n = (size_t)image->width * (size_t)image->height;
    int shift = (int)(((turn % UNIT) + UNIT) % UNIT * CIRCLE / UNIT);
    void (*turn_lanes)(pixels *, int) = turn_narrow;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) turn_lanes = turn_wide;
#endif
    pixels lanes = {{0}, {0}, {0}};
    for (size_t i = 0; i < n; i += LANES) {
        int count = n - i < LANES ? (int)(n - i) : LANES;
        uint8_t *p = image->px + 3 * i;
        for (int k = 0; k < count; k++) {
            lanes.r[k] = p[3 * k];
            lanes.g[k] = p[3 * k + 1];
            lanes.b[k] = p[3 * k + 2];
        }
        turn_lanes(&lanes, shift);
        for (int k = 0; k < count; k++) {
            p[3 * k] = (uint8_t)lanes.r[k];
            p[3 * k + 1] = (uint8_t)lanes.g[k];
            p[3 * k + 2] = (uint8_t)lanes.b[k];
        }
    }
}

void iad_color_jitter_apply(iad_image *image, const iad_color_jitter *j) {
    int left[4] = {0, 1, 2, 3}, order = (int)j->order;
    for (int n = 4; n > 0; n--) { /* the order-th permutation of the four steps */
        int at = order % n, step = left[at];
        order /= n;
        memmove(left + at, left + at + 1, (size_t)(n - at - 1) * sizeof *left);
        if (step == 0 && j->brightness != UNIT) brightness(image, (double)j->brightness / UNIT);
        if (step == 1 && j->contrast != UNIT) contrast(image, (double)j->contrast / UNIT);
        if (step == 2 && j->saturation != UNIT) saturation(image, j->saturation);
        if (step == 3 && j->hue != 0) hue(image, j->hue);
    }
}
