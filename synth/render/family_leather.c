/* Grained leather. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { CUT, FOLD, POKE, COLOR, GLUE };

typedef struct leather {
    iad_pose pose;
    float skin[3], raw[3], dye[3];
    int stuff;   /* number of its colour */
    float cells, relief;
    iad_seeds seed;
    iad_stroke stroke;
    iad_blob blob;
} leather;

static void draw_defect(leather *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    float u = iad_dice_range(rng, -0.6f, 0.6f);
    float v = iad_dice_range(rng, -0.6f, 0.6f);
    float heading = iad_dice_range(rng, 0, 1);
    switch (dice->kind) {
        case CUT:
            iad_stroke_make(&w->stroke, rng, u, v, heading, 0.15f + 0.3f * severity, 0.008f + 0.012f * severity, 0.2f);
            break;
        case FOLD:
            iad_stroke_make(&w->stroke, rng, 0.5f * u, 0.5f * v, heading, 0.5f + 0.7f * severity,
                            0.025f + 0.02f * severity, 0.35f);
            break;
        case POKE: iad_blob_make(&w->blob, rng, u, v, 0.03f + 0.035f * severity, 1.3f, 0.4f); break;
        case COLOR: {
            static const uint32_t dyes[] = {0x1d2a4a, 0x7a1f1f, 0x1f1a16, 0xc8b48a};
            iad_color_hex(dyes[iad_rng_below(rng, 4)], w->dye);
            iad_blob_make(&w->blob, rng, u, v, 0.08f + 0.14f * severity, 1.6f, 0.8f);
            break;
        }
        case GLUE: iad_blob_make(&w->blob, rng, u, v, 0.07f + 0.13f * severity, 1.6f, 0.6f); break;
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    leather *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t skins[] = {0x7a4a2c, 0x3c2a20, 0x8a3a30, 0x2c3038, 0xa5764a};
    w->stuff = (int)iad_rng_below(design, 5);
    uint32_t skin = skins[w->stuff];
    w->cells = iad_dice_range(design, 11, 17);
    w->relief = iad_dice_range(design, 0.5f, 0.9f);
    iad_pose_set(&w->pose, 0, 0, iad_dice_range(pose, 0, 1), 1);
    iad_color_vary(skin, 0.07f, pose, w->skin);
    iad_color_hex(0xb99a78, w->raw);
    w->seed = iad_seeds_of(dice);
    iad_light_set(&scene->light, 0.62f + iad_dice_range(pose, -0.05f, 0.05f), 46, 0.7f);
    scene->light.falloff_x = iad_dice_range(pose, -0.08f, 0.08f);
    scene->light.falloff_y = iad_dice_range(pose, -0.08f, 0.08f);
    iad_light_box(&scene->light, 0.62f, 60, 22, 0.7f);
    scene->light.env_high = 0.35f;
    scene->occlusion = 1.3f;
    scene->occlusion_radius = 0.06f;
    scene->camera.exposure = iad_dice_range(pose, 1.15f, 1.35f);
    draw_defect(w, dice);
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const leather *w = context;
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    float stretch = 1 + 0.25f * iad_noise(w->seed.grain + 9, u * 1.2f, v * 1.2f);
    float wu = u * w->cells * stretch + 0.35f * iad_noise(w->seed.grain, u * 18, v * 18);
    float wv = v * w->cells + 0.35f * iad_noise(w->seed.grain + 1, u * 18, v * 18);
    iad_noise_cell big, small;
    iad_noise_cells(w->seed.grain + 2, wu, wv, &big);
    iad_noise_cells(w->seed.grain + 3, wu * 2.4f, wv * 2.4f, &small);
    float groove = rm_smooth(0.22f, 0.0f, big.next - big.near), fine = rm_smooth(0.22f, 0.0f, small.next - small.near);
    float cloud = iad_noise_fbm(w->seed.grain + 4, u * 2, v * 2, 3);
    float grain = iad_noise(w->seed.grain + 5, u * 90, v * 90);
    iad_surface_paint(s, w->skin, 0, 0.42f + 0.06f * cloud);
    iad_surface_tint(s, 1 - 0.28f * groove - 0.10f * fine + 0.08f * cloud + 0.03f * grain);
    s->z = -w->relief * (0.016f * groove + 0.006f * fine) + 0.006f * cloud;
    s->sx = 0.05f * grain;
    if (w->seed.kind == CUT) {
        float along, d = iad_stroke_at(&w->stroke, u, v, &along);
        float k = rm_smooth(1.1f, 0.7f, d), lip = rm_bump((d - 1.4f) / 0.8f);
        s->z -= 0.05f * k;
        s->dark = 0.75f * k;
        s->z += 0.010f * lip;
        iad_surface_cover(s, 0.45f * lip * w->seed.severity, w->raw, 0, 0.8f);
        iad_surface_tint(s, 1 - 0.5f * k);
    } else if (w->seed.kind == FOLD) {
        float along, d = iad_stroke_at(&w->stroke, u, v, &along);
        float k = rm_bump(d / 1.4f);
        s->z += (0.008f + 0.020f * w->seed.severity) * k - 0.012f * rm_bump(d * 3);
        iad_surface_tint(s, 1 + 0.18f * k * w->seed.severity);
    } else if (w->seed.kind == POKE) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.0f, 0.7f, d), lip = rm_bump((d - 1.2f) / 0.5f);
        s->z += 0.012f * lip - 0.07f * k;
        s->dark = 0.85f * k;
        iad_surface_tint(s, 1 - 0.6f * k);
    } else if (w->seed.kind == COLOR) {
        float d = iad_blob_at(&w->blob, u, v) + 0.1f * groove;
        iad_surface_cover(s, (0.2f + 0.45f * w->seed.severity) * rm_smooth(1.0f, 0.7f, d), w->dye, 0, 0.45f);
    } else if (w->seed.kind == GLUE) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.0f, 0.8f, d);
        s->z += k * (0.012f + 0.6f * w->relief * 0.016f * groove) + 0.006f * rm_bump((d - 0.85f) / 0.2f);
        s->rough = rm_mix(s->rough, 0.16f, k);
        const float film[3] = {0.6f, 0.58f, 0.5f};
        iad_surface_cover(s, (0.06f + 0.16f * w->seed.severity) * k, film, 0, s->rough);
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const leather *w = context;
    static const char *const colors[] = {"brown", "dark brown", "reddish brown", "blue-black", "tan"};
    iad_fact_text(f, "color", colors[w->stuff]);
    iad_fact_text(f, "grain", w->cells > 14 ? "fine" : "coarse");
    iad_fact_text(f, "relief", w->relief > 0.7f ? "deep" : "shallow");
}

const iad_render_family iad_family_leather = {
    .name = "leather",
    .text = "grained leather",
    .kinds = {{"cut", "a cut with raised lips"},
              {"fold", "a fold line"},
              {"poke", "a punched hole"},
              {"color", "a stain of dye"},
              {"glue", "dried glue"}},
    .context = sizeof(leather),
    .build = build,
    .facts = facts,
    .surface = surface,
};
