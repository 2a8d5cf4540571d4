/* Woven cloth: every yarn runs over and under the others. */
#include <stdio.h>

#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { HOLE, STAIN, MISSING_YARN, WRONG_YARN, SLUB };

typedef struct fabric {
    iad_pose pose;
    int weave;             /* 2 plain, 3 twill, 4 broad twill */
    float count;           /* yarns per unit */
    float warp[3], weft[3], wrong[3], stain[3];
    int stuff;             /* number of its colours */
    int stripe;            /* every n-th warp yarn takes the weft's colour, 0 none */
    iad_seeds seed;
    iad_blob blob;
    int yarn, across;      /* damaged yarn; across: it is a weft yarn */
    float from, to;        /* damaged length, in yarns */
    float gain;
} fabric;

static void draw_defect(fabric *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    float u = iad_dice_range(rng, -0.7f, 0.7f);
    float v = iad_dice_range(rng, -0.7f, 0.7f);
    if (dice->kind == HOLE) {
        iad_blob_make(&w->blob, rng, u, v, 0.04f + 0.08f * severity, 1.3f, 0.7f);
    } else if (dice->kind == STAIN) {
        iad_blob_make(&w->blob, rng, u, v, 0.09f + 0.2f * severity, 1.5f, 0.8f);
    } else {
        w->across = iad_rng_chance(rng, 0.5);
        float centre = (w->across ? u : v) * w->count, length = (0.25f + 0.6f * severity) * w->count;
        w->yarn = rm_floor((w->across ? v : u) * w->count);
        w->from = centre - 0.5f * length;
        w->to = centre + 0.5f * length;
        w->gain = 0.45f + 0.55f * severity;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    fabric *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t cloths[][2] = {
        {0x8d99a6, 0x6c7885}, {0xb7a98c, 0xa08f6c}, {0x3f5878, 0xa7b4c4}, {0x7d4038, 0x96564a}, {0xc9c8c2, 0xb8b6ae}};
    uint32_t cloth = iad_rng_below(design, 5);
    w->stuff = (int)cloth;
    w->weave = iad_rng_int(design, 2, 4);
    w->count = iad_dice_range(design, 17, 23);
    w->stripe = iad_rng_chance(design, 0.35) ? iad_rng_int(design, 5, 9) : 0;
    float x = iad_dice_range(pose, -0.2f, 0.2f);
    float y = iad_dice_range(pose, -0.2f, 0.2f);
    float turns = iad_dice_range(pose, -0.012f, 0.012f);
    float scale = iad_dice_range(pose, 0.98f, 1.02f);
    if (w->stripe) x *= 0.1f;
    iad_pose_set(&w->pose, x, y, turns, scale);
    iad_color_vary(cloths[cloth][0], 0.06f, pose, w->warp);
    iad_color_vary(cloths[cloth][1], 0.06f, pose, w->weft);
    w->seed = iad_seeds_of(dice);
    static const uint32_t odd[] = {0x2a2a30, 0xd9d2c0, 0xa03030, 0x2f7a4a};
    float other[3];
    iad_color_hex(odd[iad_rng_below(&dice->defect, 4)], other);
    for (int i = 0; i < 3; i++) {
        w->wrong[i] = rm_mix(w->warp[i], other[i], 0.25f + 0.6f * dice->severity);
        static const float wet[3] = {0.55f, 0.45f, 0.32f};
        w->stain[i] = wet[i];
    }
    float azimuth = 0.62f + iad_dice_range(pose, -0.04f, 0.04f);
    iad_light_set(&scene->light, azimuth, iad_dice_range(pose, 42, 52), 0.65f);
    scene->light.falloff_x = iad_dice_range(pose, -0.08f, 0.08f);
    scene->light.env_high = 0.4f;
    scene->occlusion = 1.1f;
    scene->occlusion_radius = 0.06f;
    scene->camera.exposure = iad_dice_range(pose, 1.1f, 1.25f);
    draw_defect(w, dice);
}

/* +1 where the warp yarn i lies over the weft yarn j, else -1. */
static float over(const fabric *w, int i, int j) {
    int k = (i + j) % w->weave;
    if (k < 0) k += w->weave;
    return k < w->weave - 1 - (w->weave == 4) ? 1.0f : -1.0f;
}

/* Height of a yarn's top at distance d (-0.5..0.5 yarns from its axis) where its axis has height `lift` (-1..1); -9
 * beside it. */
static float yarn_top(float d, float half, float lift) {
    float q = d / half;
    return q * q >= 1 ? -9.0f : 0.5f * lift + 0.75f * sqrtf(1 - q * q);
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const fabric *w = context;
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    float hole = 9;
    if (w->seed.kind == HOLE) {
        hole = iad_blob_at(&w->blob, u, v);
        float pull = 0.035f * rm_bump((hole - 1) / 1.2f); /* loose yarns are drawn aside */
        u += pull * iad_noise(w->seed.flaw, u * 6, v * 6);
        v += pull * iad_noise(w->seed.flaw + 1, u * 6, v * 6);
    }
    float X = u * w->count, Y = v * w->count;
    X += 0.5f * iad_noise_fbm(w->seed.grain, u * 1.6f, v * 1.6f, 2);
    Y += 0.5f * iad_noise_fbm(w->seed.grain + 1, u * 1.6f, v * 1.6f, 2);
    int i = rm_floor(X), j = rm_floor(Y);
    float wander_x = 0.13f * iad_noise_line(w->seed.grain + 2 + (uint32_t)i * 7919u, Y * 0.35f);
    float wander_y = 0.13f * iad_noise_line(w->seed.grain + 3 + (uint32_t)j * 7919u, X * 0.35f);
    float thick_x = 0.47f + 0.06f * iad_noise_line(w->seed.grain + 4 + (uint32_t)i * 104729u, Y * 0.2f);
    float thick_y = 0.47f + 0.06f * iad_noise_line(w->seed.grain + 5 + (uint32_t)j * 104729u, X * 0.2f);
    float dx = X - (float)i - 0.5f - wander_x, dy = Y - (float)j - 0.5f - wander_y;
    /* Axis heights, between the crossings along each yarn. */
    float ty = Y - 0.5f, tx = X - 0.5f;
    int j0 = rm_floor(ty), i0 = rm_floor(tx);
    float ky = rm_smooth(0.15f, 0.85f, ty - (float)j0), kx = rm_smooth(0.15f, 0.85f, tx - (float)i0);
    float lift_x = rm_mix(over(w, i, j0), over(w, i, j0 + 1), ky);
    float lift_y = -rm_mix(over(w, i0, j), over(w, i0 + 1, j), kx);
    float shade = 1;
    const float *warp = w->warp, *weft = w->weft;
    if (w->stripe && ((i % w->stripe) + w->stripe) % w->stripe == 0) warp = w->weft;
    int hit_x = 0, hit_y = 0;
    float k = 0;
    if (w->seed.kind == MISSING_YARN || w->seed.kind == WRONG_YARN || w->seed.kind == SLUB) {
        float along = w->across ? X : Y;
        k = rm_smooth(w->from, w->from + 1.5f, along) * rm_smooth(w->to, w->to - 1.5f, along);
        hit_x = !w->across && i == w->yarn && k > 0;
        hit_y = w->across && j == w->yarn && k > 0;
    }
    if (w->seed.kind == SLUB && (hit_x || hit_y)) {
        float ripple = 1 + 0.25f * iad_noise_line(w->seed.flaw, (w->across ? X : Y) * 0.6f);
        float more = k * w->gain * ripple;
        if (hit_x) thick_x += 0.25f * more, lift_x = rm_mix(lift_x, 1.5f, more), dx *= 0.85f;
        if (hit_y) thick_y += 0.25f * more, lift_y = rm_mix(lift_y, 1.5f, more), dy *= 0.85f;
    }
    float top_x = yarn_top(dx, thick_x, lift_x), top_y = yarn_top(dy, thick_y, lift_y);
    if (w->seed.kind == MISSING_YARN && k > 0.3f) {
        if (hit_x) top_x = -9;
        if (hit_y) top_y = -9;
    }
    if (hole < 1.2f) {
        float fray = 0.25f * iad_noise(w->seed.flaw + 7, (float)i * 1.7f, (float)j * 0.3f);
        float fray2 = 0.25f * iad_noise(w->seed.flaw + 8, (float)i * 0.3f, (float)j * 1.7f);
        if (hole < 1 + fray) top_x = -9;
        if (hole < 1 + fray2) top_y = -9;
    }
    float top = rm_max(top_x, top_y);
    if (top < -5) { /* a gap */
        iad_surface_paint(s, w->warp, 0, 0.9f);
        iad_surface_tint(s, hole < 1.2f ? 0.05f : 0.18f);
        s->z = -0.9f / w->count;
        s->dark = hole < 1.2f ? 0.8f : 0.4f;
        return;
    }
    int is_warp = top_x >= top_y;
    float twist = is_warp ? rm_wave(Y * 1.1f + dx * 1.4f) : rm_wave(X * 1.1f + dy * 1.4f);
    float fibre =
        is_warp ? iad_noise(w->seed.grain + 8, X * 7, Y * 2.5f) : iad_noise(w->seed.grain + 9, X * 2.5f, Y * 7);
    float own = is_warp ? rm_hash01(i, 0, w->seed.grain + 10) : rm_hash01(j, 1, w->seed.grain + 10);
    shade *= 0.93f + 0.12f * own + 0.06f * twist + 0.10f * fibre;
    iad_surface_paint(s, is_warp ? warp : weft, 0, 0.85f);
    if (w->seed.kind == WRONG_YARN && ((is_warp && hit_x) || (!is_warp && hit_y)))
        iad_surface_cover(s, k, w->wrong, 0, 0.8f);
    iad_surface_tint(s, shade);
    s->z = 0.55f * top / w->count;
    s->sx = 0.25f * fibre + 0.15f * twist;
    s->sy = 0.25f * fibre - 0.15f * twist;
    if (w->seed.kind == STAIN) {
        float d = iad_blob_at(&w->blob, u, v);
        float wet = rm_smooth(1.0f, 0.8f, d), ring = rm_bump((d - 0.92f) / 0.14f);
        float amount = (0.25f + 0.6f * w->seed.severity) * (0.75f * wet + 0.45f * ring);
        s->r *= rm_mix(1, w->stain[0], amount);
        s->g *= rm_mix(1, w->stain[1], amount);
        s->b *= rm_mix(1, w->stain[2], amount);
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const fabric *w = context;
    static const char *const weaves[] = {"plain weave", "twill", "broad twill"};
    static const char *const colors[] = {"blue-grey", "sand-coloured", "dark blue and pale blue", "red-brown", "off-white"};
    char text[IAD_FACT_TEXT];
    iad_fact_text(f, "weave", weaves[w->weave - 2]);
    iad_fact_text(f, "color", colors[w->stuff]);
    static const char *const ordinals[] = {"fifth", "sixth", "seventh", "eighth", "ninth"};
    if (w->stripe) snprintf(text, sizeof text, "every %s yarn along the cloth has the colour of the yarns across it", ordinals[w->stripe - 5]);
    iad_fact_text(f, "stripes", w->stripe ? text : "all yarns along the cloth have one colour");
}

const iad_render_family iad_family_fabric = {
    .name = "woven_textile",
    .text = "woven cloth",
    .kinds = {{"hole", "a torn hole with frayed yarns"},
              {"stain", "a dried stain with a darker rim"},
              {"missing_yarn", "a yarn is missing over some length"},
              {"wrong_yarn", "a yarn of another colour"},
              {"slub", "a yarn is thickened"}},
    .context = sizeof(fabric),
    .build = build,
    .facts = facts,
    .surface = surface,
};
