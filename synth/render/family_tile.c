/* A glazed stone-look tile. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { CRACK, CHIP, PINHOLES, PAINT, OIL };

typedef struct tile {
    iad_pose pose;
    float base[3], dark[3], light[3], clay[3], paint[3];
    int stuff;   /* number of its colours */
    float grain_size, veins;
    iad_seeds seed;
    iad_crack crack;
    iad_blob blob;
    iad_stroke stroke;
} tile;

static void draw_defect(tile *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    float u = iad_dice_range(rng, -0.6f, 0.6f);
    float v = iad_dice_range(rng, -0.6f, 0.6f);
    float heading = iad_dice_range(rng, 0, 1);
    switch (dice->kind) {
        case CRACK:
            iad_crack_make(&w->crack, rng, u, v, heading, 0.3f + 0.8f * severity, 0.004f + 0.008f * severity, 3);
            break;
        case CHIP: iad_blob_make(&w->blob, rng, u, v, 0.05f + 0.10f * severity, 1.4f, 0.55f); break;
        case PINHOLES: iad_blob_make(&w->blob, rng, u, v, 0.10f + 0.18f * severity, 1.3f, 0.4f); break;
        case PAINT: {
            static const uint32_t paints[] = {0x8a8d90, 0xd8d6d0, 0x35558a, 0x9a3a2e};
            iad_color_hex(paints[iad_rng_below(rng, 4)], w->paint);
            float length = iad_dice_range(rng, 0.3f, 0.7f);
            iad_stroke_make(&w->stroke, rng, 0.6f * u, 0.6f * v, heading, length, 0.03f + 0.05f * severity, 0.3f);
            break;
        }
        case OIL: iad_blob_make(&w->blob, rng, u, v, 0.12f + 0.2f * severity, 1.5f, 0.6f); break;
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    tile *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t stones[][3] = {{0xa9a6a0, 0x3c3b3d, 0xe2dfd8},
                                         {0xb49a86, 0x5a4438, 0xe6d8c8},
                                         {0x7c838a, 0x2c3036, 0xc2c8cc},
                                         {0xc9c3b8, 0x8c8478, 0xf0ece2}};
    uint32_t kind = iad_rng_below(design, 4);
    w->stuff = (int)kind;
    w->grain_size = iad_dice_range(design, 11, 18);
    w->veins = iad_rng_chance(design, 0.4) ? iad_dice_range(design, 0.4f, 0.8f) : 0;
    iad_pose_set(&w->pose, 0, 0, 0, 1);
    iad_color_vary(stones[kind][0], 0.04f, pose, w->base);
    iad_color_vary(stones[kind][1], 0.06f, pose, w->dark);
    iad_color_vary(stones[kind][2], 0.03f, pose, w->light);
    iad_color_hex(0xb9886a, w->clay);
    w->seed = iad_seeds_of(dice);
    float azimuth = 0.63f + iad_dice_range(pose, -0.04f, 0.04f);
    iad_light_set(&scene->light, azimuth, 55, 0.55f);
    iad_light_box(&scene->light, azimuth, 74, 13, 0.5f);
    scene->light.perspective = 0.3f;
    scene->light.env_high = 0.4f;
    scene->light.falloff_y = iad_dice_range(pose, -0.06f, 0.06f);
    scene->occlusion = 0.8f;
    scene->occlusion_radius = 0.05f;
    scene->camera.exposure = iad_dice_range(pose, 1.0f, 1.12f);
    draw_defect(w, dice);
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const tile *w = context;
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    float wu = u + 0.05f * iad_noise(w->seed.grain, u * 8, v * 8),
          wv = v + 0.05f * iad_noise(w->seed.grain + 1, u * 8, v * 8);
    iad_noise_cell big, small;
    iad_noise_cells(w->seed.grain + 2, wu * w->grain_size, wv * w->grain_size, &big);
    iad_noise_cells(w->seed.grain + 3, wu * 2.3f * w->grain_size, wv * 2.3f * w->grain_size, &small);
    float cloud = iad_noise_fbm(w->seed.grain + 4, u * 2.2f, v * 2.2f, 4);
    iad_surface_paint(s, w->base, 0, 0.14f);
    float which = (float)(big.id >> 24) / 255.0f, fleck = rm_smooth(0.42f, 0.25f, big.near);
    if (which < 0.3f) {
        iad_surface_cover(s, 0.85f * fleck, w->dark, 0, 0.14f);
    } else if (which > 0.62f) {
        iad_surface_cover(s, 0.8f * fleck, w->light, 0, 0.14f);
    }
    float crumb = rm_smooth(0.4f, 0.2f, small.near);
    if ((small.id >> 24 & 3) == 0) iad_surface_cover(s, 0.5f * crumb, w->dark, 0, 0.14f);
    if (w->veins > 0) {
        float vein = rm_abs(iad_noise_fbm(w->seed.grain + 6, u * 1.4f + 0.5f * cloud, v * 1.4f, 4));
        iad_surface_cover(s, w->veins * rm_smooth(0.10f, 0.0f, vein), w->light, 0, 0.14f);
    }
    iad_surface_tint(s, 1 + 0.09f * cloud);
    s->sx = 0.012f * iad_noise(w->seed.grain + 7, u * 5, v * 5);
    s->sy = 0.012f * iad_noise(w->seed.grain + 8, u * 5, v * 5);
    if (w->seed.kind == CRACK) {
        float d = iad_crack_at(&w->crack, u, v);
        float k = rm_smooth(0.004f, -0.003f, d);
        s->z -= 0.02f * k;
        s->dark = 0.75f * k;
        iad_surface_tint(s, 1 - 0.75f * k);
        s->rough = rm_mix(s->rough, 0.8f, k);
    } else if (w->seed.kind == CHIP) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.0f, 0.9f, d), torn = iad_noise_fbm(w->seed.flaw, u * 30, v * 30, 3);
        iad_surface_cover(s, 0.85f * k, w->clay, 0, 0.9f);
        iad_surface_tint(s, 1 + 0.2f * k * torn);
        s->z -= k * (0.022f + 0.008f * torn);
    } else if (w->seed.kind == PINHOLES) {
        float d = iad_blob_at(&w->blob, u, v);
        if (d < 1.1f) {
            iad_noise_cell hole;
            iad_noise_cells(w->seed.flaw, u * 15, v * 15, &hole);
            float size = 0.16f + 0.22f * (float)(hole.id >> 16 & 255) / 255.0f;
            float k = rm_smooth(size, 0.6f * size, hole.near) * ((hole.id >> 8 & 3) < 2) * rm_smooth(1.1f, 0.95f, d);
            s->z -= 0.012f * k;
            s->dark = 0.8f * k;
            iad_surface_tint(s, 1 - 0.6f * k);
        }
    } else if (w->seed.kind == PAINT) {
        float along, d = iad_stroke_at(&w->stroke, u, v, &along);
        float bristles = iad_noise(w->seed.flaw, d * 4.5f, along * 5);
        float k = rm_smooth(1.05f, 0.9f, d) * rm_sat(0.35f + 0.65f * w->seed.severity + 0.4f * bristles - 0.5f * along);
        iad_surface_cover(s, k, w->paint, 0, 0.5f);
        s->z += 0.003f * k * (1 + 0.5f * bristles);
    } else if (w->seed.kind == OIL) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.0f, 0.88f, d);
        const float oil[3] = {0.12f, 0.09f, 0.05f};
        iad_surface_cover(s, (0.2f + 0.35f * w->seed.severity) * k, oil, 0, 0.06f);
        s->z += 0.012f * k;
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const tile *w = context;
    static const char *const colors[] = {"grey", "pinkish brown", "blue-grey", "cream"};
    iad_fact_text(f, "color", colors[w->stuff]);
    iad_fact_text(f, "grain", w->grain_size > 14.5f ? "fine" : "coarse");
    iad_fact_text(f, "veins", w->veins > 0 ? "pale veins" : "no veins");
}

const iad_render_family iad_family_tile = {
    .name = "tile",
    .text = "glazed stone-look tile",
    .kinds = {{"crack", "a branched crack"},
              {"chip", "the glaze is broken away"},
              {"pinholes", "open bubbles in the glaze"},
              {"paint", "a stroke of paint"},
              {"oil", "an oil puddle"}},
    .context = sizeof(tile),
    .build = build,
    .facts = facts,
    .surface = surface,
};
