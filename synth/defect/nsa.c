/* NSA: a patch of another good picture, resized, blended by its gradients (Schlueter et al. 2022; parameters as in synth-data 1.3). The blend itself
 * is chosen by the preset: Poisson on objects, mixed gradients on textures. */
#include <math.h>
#include <string.h>

#include "base/fmath.h"
#include "base/image/resize.h"
#include "base/json.h"
#include "synth/defect/defect.h"

#define HALF_MIN 0.03        /* shares of the side */
#define HALF_MAX 0.40
#define GAMMA_SCALE 0.05     /* of a Gamma distribution of shape 2 */
#define PATCHES_OBJECT 3
#define PATCHES_TEXTURE 4
#define MIN_OBJECT 0.5       /* of the source patch on its object */
#define MIN_OVERLAP 0.25     /* of the cover on dst's object */
#define ATTEMPTS 200
#define ELLIPSES 5
#define MIN_PUBLISHED_AREA 50
#define SAMPLES 64           /* a side, when shares are estimated */
#define MIN_SIDE 4           /* a Poisson blend keeps one pixel of border */
#define MILLION 1000000
#define HALF_TURN 180000     /* 1/1000 degree */

/* In shares of the patch, 1/1000000; angle in 1/1000 degree. */
#define MAX_IRREGULAR_AREA (64 * 64)

typedef struct nsa_ellipse { int64_t x, y, a, b, angle; } nsa_ellipse;

typedef struct nsa_patch {
    int64_t sx, sy, sw, sh; /* cut from the source */
    int64_t x, y, w, h;     /* resized to and put at, in dst */
    int ellipses;           /* 0: the whole rectangle */
    nsa_ellipse ellipse[ELLIPSES];
} nsa_patch;

static const iad_image *source_of(const iad_defect_scene *scene) { return scene->src != NULL ? scene->src : scene->dst; }

static const iad_foreground *object_of(const iad_foreground *fg) { return fg != NULL && !fg->texture ? fg : NULL; }

/* 255 where the pixel's centre lies in one of the ellipses; all of it without ellipses. Returns the number of such pixels. */
static int64_t draw_cover(const nsa_patch *patch, iad_image *cover) {
    int w = cover->width, h = cover->height;
    int64_t count = 0;
    memset(cover->px, patch->ellipses == 0 ? 255 : 0, (size_t)w * (size_t)h);
    if (patch->ellipses == 0) return (int64_t)w * h;
    for (int e = 0; e < patch->ellipses; e++) {
        const nsa_ellipse *ellipse = &patch->ellipse[e];
        double angle = (double)ellipse->angle * (3.141592653589793 / HALF_TURN), c = iad_cos(angle), s = iad_sin(angle);
        double side = w < h ? w : h, a = (double)ellipse->a / MILLION * side, b = (double)ellipse->b / MILLION * side;
        double x0 = (double)ellipse->x / MILLION * w, y0 = (double)ellipse->y / MILLION * h, reach = a > b ? a : b;
        int first = (int)floor(y0 - reach), last = (int)floor(y0 + reach);
        for (int y = first < 0 ? 0 : first; y <= last && y < h; y++) {
            uint8_t *row = iad_image_at(cover, 0, y);
            for (int x = 0; x < w; x++) {
                double dx = x + 0.5 - x0, dy = y + 0.5 - y0, u = (dx * c + dy * s) / a, v = (dy * c - dx * s) / b;
                if (u * u + v * v <= 1) row[x] = 255;
            }
        }
    }
    for (size_t i = 0, n = (size_t)w * (size_t)h; i < n; i++) count += cover->px[i] != 0;
    return count;
}

/* Share of the box (of its cover, a small picture of it, when one is given) that lies on the object; sampled at the cover's pixels, or at
 * SAMPLES x SAMPLES places. */
static double share_on(const iad_foreground *fg, int64_t x, int64_t y, int64_t w, int64_t h, const iad_image *cover) {
    int64_t columns = cover != NULL ? cover->width : w < SAMPLES ? w : SAMPLES, rows = cover != NULL ? cover->height : h < SAMPLES ? h : SAMPLES;
    int64_t on = 0, all = 0;
    for (int64_t r = 0; r < rows; r++) {
        const uint8_t *row = iad_image_at(&fg->mask, (int)x, (int)(y + (2 * r + 1) * h / (2 * rows)));
        const uint8_t *in = cover != NULL ? iad_image_at(cover, 0, (int)r) : NULL;
        for (int64_t i = 0; i < columns; i++) {
            if (in != NULL && in[i] == 0) continue;
            all++;
            on += row[(2 * i + 1) * w / (2 * columns)] != 0;
        }
    }
    return all > 0 ? (double)on / (double)all : 0;
}

/* The cover of a patch of w x h, shrunk to at most SAMPLES pixels a side. *filled: its share of the box. */
static iad_status small_cover(const nsa_patch *patch, double w, double h, iad_image *cover, double *filled, iad_err *err) {
    double longer = w > h ? w : h, scale = longer > SAMPLES ? SAMPLES / longer : 1;
    int cw = (int)(w * scale + 0.5), ch = (int)(h * scale + 0.5);
    IAD_TRY(iad_image_init_raw(cover, cw < 1 ? 1 : cw, ch < 1 ? 1 : ch, 1, err));
    *filled = (double)draw_cover(patch, cover) / ((double)cover->width * cover->height);
    return IAD_OK;
}

static double gamma2(iad_rng *rng) {
    double u1 = 1 - iad_rng_unit(rng), u2 = 1 - iad_rng_unit(rng); /* in (0, 1] */
    return -GAMMA_SCALE * (iad_log(u1) + iad_log(u2));
}

static double half_width(iad_rng *rng) {
    double half = HALF_MIN + gamma2(rng);
    return half > HALF_MAX ? HALF_MAX : half;
}

static int64_t whole(double v, int64_t lo, int64_t hi) {
    int64_t n = (int64_t)floor(v + 0.5);
    return n < lo ? lo : n > hi ? hi : n;
}

/* Shapes stay mostly within the patch; semi-axes are shares of its shorter side. */
static void draw_ellipses(iad_rng *rng, nsa_patch *patch) {
    patch->ellipses = ELLIPSES;
    for (int i = 0; i < ELLIPSES; i++) {
        nsa_ellipse *e = &patch->ellipse[i];
        e->x = iad_rng_int(rng, MILLION / 4, MILLION * 3 / 4);
        e->y = iad_rng_int(rng, MILLION / 4, MILLION * 3 / 4);
        e->a = iad_rng_int(rng, MILLION / 10, MILLION / 2);
        e->b = iad_rng_int(rng, MILLION / 10, MILLION / 2);
        e->angle = iad_rng_int(rng, 0, HALF_TURN - 1);
    }
}

/* Upper left corner of a box whose centre is near a pixel of the object, or anywhere. */
static void draw_corner(const iad_foreground *aim, iad_rng *rng, int width, int height, int64_t w, int64_t h, int64_t *x, int64_t *y) {
    if (aim == NULL) {
        *x = iad_rng_int(rng, 0, width - (int)w);
        *y = iad_rng_int(rng, 0, height - (int)h);
        return;
    }
    int cx, cy;
    iad_foreground_pick(aim, rng, &cx, &cy);
    *x = whole((double)cx - (double)w / 2, 0, width - w);
    *y = whole((double)cy - (double)h / 2, 0, height - h);
}

/* Sizes of a patch and its cover, shrunk. area > 0: of the cover, after resizing; else as published. */
static iad_status draw_size(const iad_defect_scene *scene, iad_rng *rng, double area, int texture, nsa_patch *patch, iad_image *cover, double *filled,
                            iad_err *err) {
    const iad_image *dst = scene->dst, *src = source_of(scene);
    double w = 2 * half_width(rng) * dst->width, h = 2 * half_width(rng) * dst->height;
    double scale = 1 + 0.5 * iad_rng_normal(rng), low = texture ? 0.5 : 0.7, high = texture ? 2.0 : 1.3;
    scale = scale < low ? low : scale > high ? high : scale;
    patch->ellipses = 0;
    /* Published sizes are rectangles, as the published default; large ones as well: those have a direct solver. */
    if (iad_rng_chance(rng, 0.5) && area > 0 && area <= MAX_IRREGULAR_AREA) draw_ellipses(rng, patch);
    IAD_TRY(small_cover(patch, w, h, cover, filled, err));
    if (area > 0) { /* keep the aspect, and make up for what the ellipses leave out; what does not fit one side goes to the other */
        double box = area / (*filled < 0.05 ? 0.05 : *filled), wide = sqrt(box * w / h);
        wide = wide > dst->width ? dst->width : wide;
        double tall = box / wide;
        if (tall > dst->height) {
            tall = dst->height;
            wide = box / tall > dst->width ? dst->width : box / tall;
        }
        w = wide / scale;
        h = tall / scale;
    }
    patch->w = whole(w * scale, MIN_SIDE < dst->width ? MIN_SIDE : dst->width, dst->width);
    patch->h = whole(h * scale, MIN_SIDE < dst->height ? MIN_SIDE : dst->height, dst->height);
    /* A source of another size is cut in proportion. */
    patch->sw = whole(w * src->width / dst->width, MIN_SIDE < src->width ? MIN_SIDE : src->width, src->width);
    patch->sh = whole(h * src->height / dst->height, MIN_SIDE < src->height ? MIN_SIDE : src->height, src->height);
    return IAD_OK;
}

/* One patch with its places. *found 0: nothing fitted. */
static iad_status draw_patch(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, nsa_patch *patch, int *found, iad_err *err) {
    const iad_foreground *object = object_of(scene->fg), *src_object = object_of(scene->src != NULL ? scene->src_fg : scene->fg);
    const iad_image *dst = scene->dst, *src = source_of(scene);
    double area = size->published ? 0 : iad_defect_area(scene, size, rng);
    iad_image cover = {0};
    *found = 0;
    for (int attempt = 0; attempt < ATTEMPTS && !*found; attempt++) {
        double filled;
        IAD_TRY(draw_size(scene, rng, area, object == NULL, patch, &cover, &filled, err));
        int good = area > 0 || filled * (double)(patch->w * patch->h) >= MIN_PUBLISHED_AREA;
        if (good) {
            /* Small ones are aimed, else a small object would be missed 200 times. */
            draw_corner(size->published ? NULL : src_object, rng, src->width, src->height, patch->sw, patch->sh, &patch->sx, &patch->sy);
            draw_corner(size->published ? NULL : object, rng, dst->width, dst->height, patch->w, patch->h, &patch->x, &patch->y);
            good = (src_object == NULL || share_on(src_object, patch->sx, patch->sy, patch->sw, patch->sh, NULL) > MIN_OBJECT) &&
                   (object == NULL || share_on(object, patch->x, patch->y, patch->w, patch->h, &cover) > MIN_OVERLAP);
        }
        iad_image_deinit(&cover);
        *found = good;
    }
    return IAD_OK;
}

static json_t *patch_json(const nsa_patch *p) {
    json_t *ellipses = json_array();
    for (int i = 0; i < p->ellipses; i++) {
        const nsa_ellipse *e = &p->ellipse[i];
        json_array_append_new(ellipses, json_pack("[IIIII]", (json_int_t)e->x, (json_int_t)e->y, (json_int_t)e->a, (json_int_t)e->b,
                                                  (json_int_t)e->angle));
    }
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "sx", (json_int_t)p->sx, "sy", (json_int_t)p->sy, "sw", (json_int_t)p->sw, "sh",
                     (json_int_t)p->sh, "x", (json_int_t)p->x, "y", (json_int_t)p->y, "w", (json_int_t)p->w, "h", (json_int_t)p->h, "ellipses",
                     ellipses);
}

static iad_status nsa_draw(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, json_t **params, iad_err *err) {
    *params = NULL;
    const iad_image *src = source_of(scene);
    const iad_foreground *src_fg = scene->src != NULL ? scene->src_fg : scene->fg;
    if ((src_fg != NULL && (src_fg->mask.width != src->width || src_fg->mask.height != src->height)) ||
        (scene->fg != NULL && (scene->fg->mask.width != scene->dst->width || scene->fg->mask.height != scene->dst->height)))
        return IAD_FAIL(err, IAD_ERR_ARG, "nsa: a foreground has not the size of its picture");
    int most = object_of(scene->fg) != NULL ? PATCHES_OBJECT : PATCHES_TEXTURE;
    json_t *patches = json_array();
    if (patches == NULL) return IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for nsa parameters");
    for (int i = 0; i < most; i++) {
        if (i > 0 && !iad_rng_chance(rng, 0.5)) continue;
        nsa_patch patch = {0};
        int found;
        iad_status status = draw_patch(scene, size, rng, &patch, &found, err);
        if (status == IAD_OK && !found && i > 0) continue;
        if (status == IAD_OK && !found) status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "nsa: no place for a patch in %d attempts", ATTEMPTS);
        if (status == IAD_OK && json_array_append_new(patches, patch_json(&patch)) != 0)
            status = IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for nsa parameters");
        if (status != IAD_OK) {
            json_decref(patches);
            return status;
        }
    }
    *params = json_pack("{s:o}", "patches", patches);
    return *params != NULL ? IAD_OK : IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for nsa parameters");
}

static iad_status parse_ellipses(const json_t *patch, nsa_patch *p, iad_err *err) {
    json_t *list = json_object_get(patch, "ellipses");
    if (!json_is_array(list) || (json_array_size(list) != 0 && json_array_size(list) != ELLIPSES))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "nsa: 'ellipses' must be a list of none or %d", ELLIPSES);
    p->ellipses = (int)json_array_size(list);
    static const int64_t lo[5] = {0, 0, 1000, 1000, 0}, hi[5] = {MILLION, MILLION, MILLION, MILLION, HALF_TURN};
    for (int i = 0; i < p->ellipses; i++) {
        const json_t *item = json_array_get(list, (size_t)i);
        int64_t *to[5] = {&p->ellipse[i].x, &p->ellipse[i].y, &p->ellipse[i].a, &p->ellipse[i].b, &p->ellipse[i].angle};
        if (!json_is_array(item) || json_array_size(item) != 5)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "nsa: 'ellipses' item %d must have five numbers", i);
        for (int k = 0; k < 5; k++) {
            const json_t *v = json_array_get(item, (size_t)k);
            if (!json_is_integer(v) || json_integer_value(v) < lo[k] || json_integer_value(v) > hi[k])
                return IAD_FAIL(err, IAD_ERR_FORMAT, "nsa: 'ellipses' item %d, number %d must be an integer of %lld..%lld", i, k, (long long)lo[k],
                                (long long)hi[k]);
            *to[k] = json_integer_value(v);
        }
    }
    return IAD_OK;
}

static iad_status parse_patch(const iad_defect_scene *scene, const json_t *patch, nsa_patch *p, iad_err *err) {
    const iad_image *dst = scene->dst, *src = source_of(scene);
    if (!json_is_object(patch)) return IAD_FAIL(err, IAD_ERR_FORMAT, "nsa: an item of 'patches' is no object");
    IAD_TRY(iad_defect_param(patch, "sw", 1, src->width, &p->sw, err));
    IAD_TRY(iad_defect_param(patch, "sh", 1, src->height, &p->sh, err));
    IAD_TRY(iad_defect_param(patch, "sx", 0, src->width - p->sw, &p->sx, err));
    IAD_TRY(iad_defect_param(patch, "sy", 0, src->height - p->sh, &p->sy, err));
    IAD_TRY(iad_defect_param(patch, "w", 1, dst->width, &p->w, err));
    IAD_TRY(iad_defect_param(patch, "h", 1, dst->height, &p->h, err));
    IAD_TRY(iad_defect_param(patch, "x", 0, dst->width - p->w, &p->x, err));
    IAD_TRY(iad_defect_param(patch, "y", 0, dst->height - p->h, &p->y, err));
    return parse_ellipses(patch, p, err);
}

static void drop_color(iad_image *image) {
    for (size_t i = 0, n = (size_t)image->width * (size_t)image->height; i < n; i++) {
        uint8_t *px = image->px + 3 * i;
        px[0] = px[1] = px[2] = (uint8_t)((19595u * px[0] + 38470u * px[1] + 7471u * px[2] + 0x8000u) >> 16);
    }
}

static iad_status make_layer(const iad_defect_scene *scene, const nsa_patch *p, iad_defect_layer *layer, iad_err *err) {
    const iad_image *src = source_of(scene);
    iad_image crop = {0};
    size_t row = (size_t)p->sw * (size_t)src->channels;
    IAD_TRY(iad_image_init_raw(&crop, (int)p->sw, (int)p->sh, src->channels, err));
    for (int y = 0; y < (int)p->sh; y++) memcpy(iad_image_at(&crop, 0, y), iad_image_at(src, (int)p->sx, (int)p->sy + y), row);
    iad_status status = iad_resize(&crop, (int)p->w, (int)p->h, IAD_FILTER_BILINEAR, &layer->content, err);
    iad_image_deinit(&crop);
    if (status != IAD_OK) return status;
    if (scene->grey && layer->content.channels == 3) drop_color(&layer->content);
    IAD_TRY(iad_image_init_raw(&layer->cover, (int)p->w, (int)p->h, 1, err));
    draw_cover(p, &layer->cover);
    layer->x = (int)p->x;
    layer->y = (int)p->y;
    return IAD_OK;
}

static iad_status nsa_layers(const iad_defect_scene *scene, const json_t *params, iad_defect_layers *layers, iad_err *err) {
    memset(layers, 0, sizeof *layers);
    if (source_of(scene)->channels != scene->dst->channels) return IAD_FAIL(err, IAD_ERR_ARG, "nsa: source and picture differ in channels");
    json_t *patches = json_object_get(params, "patches");
    size_t n = json_array_size(patches); /* 0 when it is none */
    if (n < 1 || n > PATCHES_TEXTURE) return IAD_FAIL(err, IAD_ERR_FORMAT, "nsa: 'patches' must be a list of 1..%d", PATCHES_TEXTURE);
    for (size_t i = 0; i < n; i++) {
        nsa_patch patch = {0};
        iad_status status = parse_patch(scene, json_array_get(patches, i), &patch, err);
        if (status == IAD_OK) {
            layers->n = (int)i + 1;
            status = make_layer(scene, &patch, &layers->items[i], err);
        }
        if (status != IAD_OK) {
            iad_defect_layers_deinit(layers);
            return status;
        }
    }
    return IAD_OK;
}

const iad_defect_generator iad_defect_nsa = {"nsa", "1", 1, 0, 0, nsa_draw, nsa_layers};
