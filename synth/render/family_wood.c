/* Planed wood with year rings, fibres and pores. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { WORM_HOLES, SCRATCH, SPLIT, STAIN, DENT };

typedef struct wood {
    iad_pose pose;
    float early[3], late[3], liquid[3];
    int stuff;   /* number of its colours */
    float rings, wave, pores, ring_seed;
    iad_seeds seed;
    iad_blob blob;
    iad_stroke stroke;
    iad_crack crack;
    int holes;
    float hole_u[6], hole_v[6], hole_r[6];
} wood;

static void draw_defect(wood *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    float u = iad_dice_range(rng, -0.65f, 0.65f);
    float v = iad_dice_range(rng, -0.65f, 0.65f);
    switch (dice->kind) {
        case WORM_HOLES:
            w->holes = 1 + (int)iad_rng_below(rng, 5);
            for (int i = 0; i < w->holes; i++) {
                w->hole_u[i] = u + iad_dice_range(rng, -0.25f, 0.25f);
                w->hole_v[i] = v + iad_dice_range(rng, -0.25f, 0.25f);
                w->hole_r[i] = iad_dice_range(rng, 0.018f, 0.03f) + 0.02f * severity;
            }
            break;
        case SCRATCH: {
            float heading = iad_dice_range(rng, 0, 1);
            float length = iad_dice_range(rng, 0.25f, 0.7f);
            iad_stroke_make(&w->stroke, rng, 0.7f * u, 0.7f * v, heading, length, 0.007f + 0.010f * severity, 0.3f);
            break;
        }
        case SPLIT: {
            float heading = 0.25f + iad_dice_range(rng, -0.015f, 0.015f);
            iad_crack_make(&w->crack, rng, u, -0.4f + 0.6f * v, heading, 0.4f + 0.6f * severity,
                           0.006f + 0.008f * severity, 1);
            for (int i = 0; i < w->crack.n; i++) { /* splits follow the fibre */
                w->crack.ax[i] = u + 0.3f * (w->crack.ax[i] - u);
                w->crack.bx[i] = u + 0.3f * (w->crack.bx[i] - u);
            }
            break;
        }
        case STAIN: iad_blob_make(&w->blob, rng, u, v, 0.12f + 0.2f * severity, 1.5f, 0.7f); break;
        case DENT: iad_blob_make(&w->blob, rng, u, v, 0.06f + 0.08f * severity, 1.6f, 0.25f); break;
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    wood *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t woods[][2] = {
        {0xcfa673, 0x9c6b3c}, {0xe0c69a, 0xb58d58}, {0x8a5a36, 0x5c381f}, {0xb5774a, 0x84492a}};
    uint32_t kind = iad_rng_below(design, 4);
    w->stuff = (int)kind;
    w->rings = iad_dice_range(design, 6.0f, 11.0f);
    w->wave = iad_dice_range(design, 1.0f, 2.4f);
    w->pores = iad_dice_range(design, 0.3f, 1.0f);
    float x = iad_dice_range(pose, -0.02f, 0.02f);
    iad_pose_set(&w->pose, x, 0, iad_dice_range(pose, -0.008f, 0.008f), 1);
    w->ring_seed = iad_dice_range(pose, 0, 40);
    iad_color_vary(woods[kind][0], 0.07f, pose, w->early);
    iad_color_vary(woods[kind][1], 0.07f, pose, w->late);
    iad_color_hex(0xb08a70, w->liquid);
    w->seed = iad_seeds_of(dice);
    iad_light_set(&scene->light, 0.62f + iad_dice_range(pose, -0.04f, 0.04f), 50, 0.65f);
    scene->light.falloff_x = iad_dice_range(pose, -0.08f, 0.08f);
    scene->light.env_high = 0.3f;
    scene->light.env_low = 0.15f;
    scene->occlusion = 0.8f;
    scene->occlusion_radius = 0.06f;
    scene->camera.exposure = iad_dice_range(pose, 1.05f, 1.2f);
    draw_defect(w, dice);
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const wood *w = context;
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    /* Flat-sawn boards cut the rings at a low angle: parallel lines that now and then close into long arches. */
    float bend = iad_noise_fbm(w->seed.grain, u * 0.8f, v * 0.32f + w->ring_seed, 2);
    float position = u * w->rings + w->wave * 1.4f * bend + 0.16f * iad_noise(w->seed.grain + 1, u * 9, v * 1.8f);
    float ring = rm_frac(position);
    int year = rm_floor(position);
    float late = rm_smooth(0.15f, 0.92f, ring) * rm_smooth(1.0f, 0.95f, ring);
    late *= 0.65f + 0.35f * rm_hash01(year, 5, w->seed.grain);
    float fibre = iad_noise(w->seed.grain + 2, u * 75, v * 4) + 0.6f * iad_noise(w->seed.grain + 3, u * 150, v * 8);
    float pore = rm_smooth(0.45f, 0.75f, iad_noise(w->seed.grain + 4, u * 90, v * 7)) * w->pores * (1 - 0.6f * late);
    float cloud = iad_noise_fbm(w->seed.grain + 5, u * 1.3f, v * 0.8f, 3);
    iad_surface_paint(s, w->early, 0, 0.55f);
    iad_surface_cover(s, 0.85f * late, w->late, 0, 0.5f);
    iad_surface_tint(s, 1 + 0.10f * fibre + 0.08f * cloud - 0.5f * pore);
    s->z = 0.002f * late;
    iad_pose_slope(&w->pose, 0.05f * fibre + 0.15f * pore, 0, s);
    if (w->seed.kind == WORM_HOLES) {
        for (int i = 0; i < w->holes; i++) {
            float d = rm_len(u - w->hole_u[i], v - w->hole_v[i]) / w->hole_r[i] +
                      0.15f * iad_noise(w->seed.flaw, u * 60, v * 60);
            if (d > 1.5f) continue;
            float k = rm_smooth(1.0f, 0.75f, d);
            s->z -= 0.06f * k;
            s->dark = rm_max(s->dark, 0.9f * k);
            iad_surface_tint(s, (1 - 0.75f * k) * (1 - 0.25f * rm_smooth(1.5f, 1.0f, d)));
        }
    } else if (w->seed.kind == SCRATCH) {
        float along, d = iad_stroke_at(&w->stroke, u, v, &along);
        float k = rm_bump(d / 1.2f);
        s->z -= (0.005f + 0.010f * w->seed.severity) * k * (0.8f + 0.4f * fibre);
        const float raw[3] = {w->early[0] * 1.15f, w->early[1] * 1.15f, w->early[2] * 1.15f};
        iad_surface_cover(s, 0.6f * k * w->seed.severity, raw, 0, 0.8f);
    } else if (w->seed.kind == SPLIT) {
        float d = iad_crack_at(&w->crack, u, v);
        float k = rm_smooth(0.005f, -0.003f, d);
        s->z -= 0.05f * k;
        s->dark = 0.85f * k;
        iad_surface_tint(s, 1 - 0.6f * k);
    } else if (w->seed.kind == STAIN) {
        float d = iad_blob_at(&w->blob, u, v) + 0.12f * fibre; /* liquid creeps along the fibres */
        float k = rm_smooth(1.0f, 0.8f, d), ring_of_stain = rm_bump((d - 0.9f) / 0.15f);
        float amount = (0.25f + 0.6f * w->seed.severity) * (0.8f * k + 0.4f * ring_of_stain);
        s->r *= rm_mix(1, w->liquid[0], amount);
        s->g *= rm_mix(1, w->liquid[1], amount);
        s->b *= rm_mix(1, w->liquid[2], amount);
    } else if (w->seed.kind == DENT) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_bump(d / 1.1f);
        s->z -= (0.012f + 0.03f * w->seed.severity) * k;
        iad_surface_tint(s, 1 - 0.15f * k);
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const wood *w = context;
    static const char *const colors[] = {"light brown", "pale yellow", "dark brown", "reddish brown"};
    iad_fact_text(f, "color", colors[w->stuff]);
    iad_fact_text(f, "spacing", w->rings > 8.5f ? "closely" : "widely");
}

const iad_render_family iad_family_wood = {
    .name = "wood",
    .text = "planed wood",
    .kinds = {{"worm_holes", "round holes of wood worm"},
              {"scratch", "a scratch"},
              {"split", "a split along the fibre"},
              {"stain", "a liquid stain"},
              {"dent", "a dent of a blow"}},
    .context = sizeof(wood),
    .build = build,
    .facts = facts,
    .surface = surface,
};
