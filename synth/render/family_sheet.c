/* Brushed sheet metal. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { SCRATCH, DENT, FINGERPRINT, PITS, HEAT_TINT };

typedef struct sheet {
    iad_pose pose;
    float metal[3];
    int stuff;   /* number of its metal */
    float brush, coarse, rough;
    iad_seeds seed;
    iad_stroke stroke, second;
    iad_blob blob;
    float ridge_c, ridge_s;
} sheet;

static void draw_defect(sheet *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    float u = iad_dice_range(rng, -0.7f, 0.7f);
    float v = iad_dice_range(rng, -0.7f, 0.7f);
    switch (dice->kind) {
        case SCRATCH: {
            float heading = iad_dice_range(rng, 0.04f, 0.46f);
            float length = iad_dice_range(rng, 0.25f, 0.8f);
            iad_stroke_make(&w->stroke, rng, 0.6f * u, 0.6f * v, heading, length, 0.005f + 0.008f * severity, 0.15f);
            if (iad_rng_chance(rng, 0.3)) {
                iad_stroke_make(&w->second, rng, 0.6f * u + 0.06f, 0.6f * v, heading, 0.7f * length,
                                0.004f + 0.006f * severity, 0.15f);
            }
            break;
        }
        case DENT: iad_blob_make(&w->blob, rng, u, v, 0.10f + 0.14f * severity, 1.3f, 0.15f); break;
        case FINGERPRINT: {
            float turns = iad_dice_range(rng, 0, 1);
            iad_pose turn;
            iad_pose_set(&turn, 0, 0, turns, 1);
            w->ridge_c = turn.c;
            w->ridge_s = turn.s;
            iad_blob_make(&w->blob, rng, u, v, 0.19f + 0.06f * severity, 1.35f, 0.25f);
            break;
        }
        case PITS: iad_blob_make(&w->blob, rng, u, v, 0.08f + 0.14f * severity, 1.5f, 0.5f); break;
        case HEAT_TINT: iad_blob_make(&w->blob, rng, u, v, 0.13f + 0.2f * severity, 1.4f, 0.35f); break;
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    sheet *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t metals[] = {0xbfc3c7, 0xd1c9ba, 0xc89a78, 0xa8adb5};
    w->stuff = (int)iad_rng_below(design, 4);
    uint32_t metal = metals[w->stuff];
    w->brush = iad_dice_range(design, 0.05f, 0.09f);
    w->coarse = iad_dice_range(design, 80, 130);
    w->rough = iad_dice_range(design, 0.28f, 0.36f);
    float x = iad_dice_range(pose, -0.5f, 0.5f);
    float y = iad_dice_range(pose, -0.5f, 0.5f);
    iad_pose_set(&w->pose, 0, 0, iad_dice_range(pose, -0.006f, 0.006f), 1);
    iad_color_vary(metal, 0.04f, pose, w->metal);
    w->seed = iad_seeds_of(dice);
    iad_light_set(&scene->light, 0.75f, 55, 0.6f);
    iad_light_box(&scene->light, 0.75f + 0.04f * x, 72, 12, 0.45f);
    iad_light_box(&scene->light, 0.25f + 0.04f * y, 66, 10, 0.25f);
    scene->light.perspective = 0.3f;
    scene->light.env_low = 0.1f;
    scene->light.env_high = 0.42f;
    scene->light.falloff_x = iad_dice_range(pose, -0.08f, 0.08f);
    scene->occlusion = 0;
    scene->camera.exposure = iad_dice_range(pose, 0.9f, 1.05f);
    draw_defect(w, dice);
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const sheet *w = context;
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    float hair = iad_noise(w->seed.grain, u * 1.3f, v * w->coarse) +
                 0.7f * iad_noise(w->seed.grain + 1, u * 3.0f, v * 2.3f * w->coarse);
    float band = iad_noise(w->seed.grain + 2, u * 0.6f, v * 9) + 0.6f * iad_noise(w->seed.grain + 3, u * 0.8f, v * 26);
    float cloud = iad_noise_fbm(w->seed.grain + 4, u * 1.5f, v * 1.5f, 3);
    iad_surface_paint(s, w->metal, 1, w->rough + 0.02f * band);
    iad_surface_tint(s, 0.96f + 0.035f * hair + 0.03f * band + 0.03f * cloud);
    iad_pose_slope(&w->pose, 0.006f * cloud, w->brush * hair, s);
    if (w->seed.kind == SCRATCH) {
        float along, d = rm_min(iad_stroke_at(&w->stroke, u, v, &along), iad_stroke_at(&w->second, u, v, &along));
        float k = rm_bump(d / 1.2f);
        s->z -= (0.003f + 0.006f * w->seed.severity) * k;
        s->z += 0.003f * rm_bump((d - 1.6f) / 0.8f);
        s->sx *= 1 - k;
        s->sy *= 1 - k;
        iad_surface_tint(s, 1 + 0.25f * k * w->seed.severity);
    } else if (w->seed.kind == DENT) {
        float d = iad_blob_at(&w->blob, u, v);
        s->z -= (0.006f + 0.022f * w->seed.severity) * rm_bump(d);
    } else if (w->seed.kind == FINGERPRINT) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.05f, 0.75f, d);
        if (k > 0) {
            float du = u - w->blob.x, dv = v - w->blob.y;
            float a = w->ridge_c * du + w->ridge_s * dv, b = w->ridge_c * dv - w->ridge_s * du;
            float loop =
                rm_len(a * 0.8f, b + 0.06f + 1.5f * a * a) + 0.012f * iad_noise_fbm(w->seed.flaw, u * 12, v * 12, 2);
            float ridge = rm_smooth(0.35f, 0.65f, rm_triangle(loop * 17));
            float touch = 0.6f + 0.4f * iad_noise_fbm(w->seed.flaw + 1, u * 9, v * 9, 3);
            float oil = k * (0.25f + 0.75f * ridge) * rm_sat(touch + 0.3f) * (0.4f + 0.6f * w->seed.severity);
            const float film[3] = {0.25f, 0.23f, 0.2f};
            iad_surface_tint(s, 1 - 0.5f * oil);
            iad_surface_cover(s, 0.5f * oil, film, 0.4f, 0.55f);
        }
    } else if (w->seed.kind == PITS) {
        float d = iad_blob_at(&w->blob, u, v);
        if (d < 1.2f) {
            iad_noise_cell cell;
            iad_noise_cells(w->seed.flaw, u * 26, v * 26, &cell);
            float size = 0.10f + 0.30f * (float)(cell.id >> 16 & 255) / 255.0f * rm_smooth(1.2f, 0.3f, d);
            float k = rm_smooth(size, 0.55f * size, cell.near) * ((cell.id >> 8 & 3) != 0);
            s->z -= 0.012f * k;
            s->dark = 0.7f * k;
            iad_surface_tint(s, 1 - 0.6f * k);
            s->rough = rm_mix(s->rough, 0.8f, k);
        }
    } else if (w->seed.kind == HEAT_TINT) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.0f, 0.55f, d) * (0.3f + 0.7f * w->seed.severity);
        /* straw, purple, blue: the order of temper colours towards the heat */
        float straw = rm_bump((d - 0.85f) / 0.3f), purple = rm_bump((d - 0.6f) / 0.25f),
              blue = rm_smooth(0.6f, 0.3f, d);
        float r = 1 - 0.05f * straw - 0.25f * purple - 0.6f * blue;
        float g = 1 - 0.18f * straw - 0.55f * purple - 0.4f * blue;
        float b = 1 - 0.5f * straw - 0.3f * purple - 0.05f * blue;
        s->r *= rm_mix(1, r, k);
        s->g *= rm_mix(1, g, k);
        s->b *= rm_mix(1, b, k);
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const sheet *w = context;
    static const char *const colors[] = {"silver-grey", "pale gold", "copper-coloured", "blue-grey"};
    iad_fact_text(f, "color", colors[w->stuff]);
    iad_fact_text(f, "brush", w->brush > 0.07f ? "strong" : "fine");
}

const iad_render_family iad_family_sheet = {
    .name = "brushed_metal",
    .text = "brushed sheet metal",
    .kinds = {{"scratch", "one or two scratches across the brushing"},
              {"dent", "a shallow dent"},
              {"fingerprint", "a greasy fingerprint"},
              {"pits", "a field of corrosion pits"},
              {"heat_tint", "temper colours of a hot spot"}},
    .context = sizeof(sheet),
    .build = build,
    .facts = facts,
    .surface = surface,
};
