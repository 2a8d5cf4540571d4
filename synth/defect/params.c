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
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "brightness", (json_int_t)j->brightness, "contrast", (json_int_t)j->contrast, "hue", (json_int_t)j->hue,
                     "order", (json_int_t)j->order, "saturation", (json_int_t)j->saturation);
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

/* ---- the four steps, on a few pixels at a time in whole numbers (1/65536), so that the compiler does many at once ---- */

enum { LANES = 64, ONE = 65536, HALF = ONE / 2, SEXTANT = ONE, CIRCLE = 6 * SEXTANT };
enum { STEP_BRIGHTNESS = 0, STEP_CONTRAST, STEP_SATURATION, STEP_HUE };

typedef struct pixels { int r[LANES], g[LANES], b[LANES]; } pixels;

/* What is done to every pixel: steps in order, each with its factor and offset. */
typedef struct jitter_step { int step, factor, offset; } jitter_step;

static inline int clamp8(int v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

/* Luma 0.299 R + 0.587 G + 0.114 B. */
static inline int luma(int r, int g, int b) { return (19595 * r + 38470 * g + 7471 * b + HALF) >> 16; }

/* A channel of hue h is hi - range w(k), k its distance in hue, w(k) = min(k, 4 - k, 1) clamped to 0..1. */
static inline int hue_channel(int hi, int range, int h, int from) {
    int k = h + from;
    k -= -(k >= CIRCLE) & CIRCLE;
    int w = k < 4 * SEXTANT - k ? k : 4 * SEXTANT - k;
    w = w < 0 ? 0 : w > SEXTANT ? SEXTANT : w;
    return hi - ((range * w + HALF) >> 16);
}

static inline __attribute__((always_inline)) void do_step(pixels *restrict p, const jitter_step *s) {
    int factor = s->factor, offset = s->offset;
    if (s->step == STEP_BRIGHTNESS || s->step == STEP_CONTRAST) {
        for (int i = 0; i < LANES; i++) {
            p->r[i] = clamp8((p->r[i] * factor + offset) >> 16);
            p->g[i] = clamp8((p->g[i] * factor + offset) >> 16);
            p->b[i] = clamp8((p->b[i] * factor + offset) >> 16);
        }
    } else if (s->step == STEP_SATURATION) {
        for (int i = 0; i < LANES; i++) {
            int r = p->r[i], g = p->g[i], b = p->b[i], y = luma(r, g, b);
            p->r[i] = clamp8(y + ((factor * (r - y) + HALF) >> 16));
            p->g[i] = clamp8(y + ((factor * (g - y) + HALF) >> 16));
            p->b[i] = clamp8(y + ((factor * (b - y) + HALF) >> 16));
        }
    } else
        for (int i = 0; i < LANES; i++) {
            int r = p->r[i], g = p->g[i], b = p->b[i], hi = r > g ? r : g, lo = r < g ? r : g;
            hi = b > hi ? b : hi;
            lo = b < lo ? b : lo;
            int range = hi - lo;
            float inverse = (float)SEXTANT / (float)(range | (range == 0)); /* one IEEE division: the same everywhere */
            int red = -(hi == r), green = -(hi == g) & ~red, blue = ~(red | green); /* all bits or none: masks instead of branches */
            int difference = (red & (g - b)) | (green & (b - r)) | (blue & (r - g)), base = (green & (2 * SEXTANT)) | (blue & (4 * SEXTANT));
            int h = base + (int)((float)difference * inverse) + offset;
            h += -(h < 0) & CIRCLE;
            h -= -(h >= CIRCLE) & CIRCLE;
            p->r[i] = hue_channel(hi, range, h, 5 * SEXTANT);
            p->g[i] = hue_channel(hi, range, h, 3 * SEXTANT);
            p->b[i] = hue_channel(hi, range, h, SEXTANT);
        }
}

/* All steps on a block; returns the sum of its luma afterwards. */
static inline __attribute__((always_inline)) int do_block(pixels *restrict p, const jitter_step *steps, int n) {
    int sum = 0;
    for (int k = 0; k < n; k++) do_step(p, &steps[k]);
    for (int i = 0; i < LANES; i++) sum += luma(p->r[i], p->g[i], p->b[i]);
    return sum;
}

static int block_narrow(pixels *p, const jitter_step *steps, int n) { return do_block(p, steps, n); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) static int block_wide(pixels *p, const jitter_step *steps, int n) { return do_block(p, steps, n); }
#endif

/* Steps over the whole picture; returns its mean luma afterwards. Grey pictures pass as R = G = B. */
static double do_steps(iad_image *image, const jitter_step *steps, int n_steps) {
    size_t n = (size_t)image->width * (size_t)image->height;
    int (*block)(pixels *, const jitter_step *, int) = block_narrow;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) block = block_wide;
#endif
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += LANES) {
        pixels p = {{0}, {0}, {0}}; /* lanes behind the last pixel are black: counted as the steps leave them, and taken off below */
        int count = n - i < LANES ? (int)(n - i) : LANES;
        uint8_t *px = image->px + (size_t)image->channels * i;
        for (int k = 0; k < count && image->channels == 3; k++) p.r[k] = px[3 * k], p.g[k] = px[3 * k + 1], p.b[k] = px[3 * k + 2];
        for (int k = 0; k < count && image->channels == 1; k++) p.r[k] = p.g[k] = p.b[k] = px[k];
        sum += (uint64_t)block(&p, steps, n_steps);
        for (int k = count; k < LANES; k++) sum -= (uint64_t)luma(p.r[k], p.g[k], p.b[k]);
        for (int k = 0; k < count && image->channels == 3; k++)
            px[3 * k] = (uint8_t)p.r[k], px[3 * k + 1] = (uint8_t)p.g[k], px[3 * k + 2] = (uint8_t)p.b[k];
        for (int k = 0; k < count && image->channels == 1; k++) px[k] = (uint8_t)p.g[k];
    }
    return (double)sum / (double)n;
}

static int in_65536ths(int64_t millionths) { return (int)((millionths * ONE + UNIT / 2) / UNIT); }

void iad_color_jitter_apply(iad_image *image, const iad_color_jitter *j) {
    jitter_step steps[4];
    int left[4] = {0, 1, 2, 3}, order = (int)j->order, n_steps = 0, colour = image->channels == 3;
    for (int n = 4; n > 0; n--) { /* the order-th permutation of the four steps */
        int at = order % n, step = left[at];
        order /= n;
        memmove(left + at, left + at + 1, (size_t)(n - at - 1) * sizeof *left);
        if (step == STEP_BRIGHTNESS && j->brightness != UNIT) steps[n_steps++] = (jitter_step){step, in_65536ths(j->brightness), HALF};
        if (step == STEP_SATURATION && j->saturation != UNIT && colour) steps[n_steps++] = (jitter_step){step, in_65536ths(j->saturation), 0};
        if (step == STEP_HUE && j->hue != 0 && colour)
            steps[n_steps++] = (jitter_step){step, 0, (int)(((j->hue % UNIT) + UNIT) % UNIT * CIRCLE / UNIT)};
        if (step == STEP_CONTRAST && j->contrast != UNIT) { /* needs the mean of what the steps before it made */
            double mean = do_steps(image, steps, n_steps), c = (double)j->contrast / UNIT;
            n_steps = 0;
            steps[n_steps++] = (jitter_step){step, in_65536ths(j->contrast), (int)(mean * (1 - c) * ONE + (mean * (1 - c) < 0 ? -0.5 : 0.5)) + HALF};
        }
    }
    if (n_steps) do_steps(image, steps, n_steps);
}
