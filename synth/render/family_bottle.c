/* The mouth of a glass bottle seen from above on a light table. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { CHIP, CRACK, CONTAMINATION, BUBBLE, UNEVEN_RIM };

typedef struct bottle {
    iad_pose pose;
    float glass[3], deep[3], table[3];
    float lip, tube, body;   /* radius of the rim's crown, half width of the rim, outer radius of the shoulder */
    float streak;
    int stuff;               /* number of its glass */
    iad_seeds seed;
    iad_blob blob;
    iad_crack crack;
    int bubbles;
    float bubble_x[6], bubble_y[6], bubble_r[6];
    float sag_angle, sag;
} bottle;

static void draw_defect(bottle *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity, angle = iad_dice_range(rng, 0, 1);
    iad_pose turn;
    iad_pose_set(&turn, 0, 0, angle, 1);
    switch (dice->kind) {
        case CHIP: {
            float at = w->lip + w->tube * (iad_rng_chance(rng, 0.6) ? 0.75f : -0.75f);
            float radius = 0.05f + 0.11f * severity;
            iad_blob_make(&w->blob, rng, turn.c * at, turn.s * at, radius, 1.4f, 0.55f);
            break;
        }
        case CRACK: {
            float at = w->lip - w->tube * 0.9f, half = 0.004f + 0.006f * severity,
                  length = w->tube * (1.0f + 1.4f * severity);
            float heading = angle + iad_dice_range(rng, -0.1f, 0.1f);
            iad_crack_make(&w->crack, rng, turn.c * at, turn.s * at, heading, length, half, 2);
            break;
        }
        case CONTAMINATION: {
            float at = iad_dice_range(rng, 0.0f, w->lip - w->tube);
            float radius = 0.06f + 0.15f * severity;
            iad_blob_make(&w->blob, rng, turn.c * at, turn.s * at, radius, 1.6f, 0.9f);
            break;
        }
        case BUBBLE:
            w->bubbles = 1 + (int)iad_rng_below(rng, 4);
            for (int i = 0; i < w->bubbles; i++) {
                iad_pose_set(&turn, 0, 0, angle + iad_dice_range(rng, -0.06f, 0.06f), 1);
                float at = w->lip + w->tube * iad_dice_range(rng, -0.6f, 0.9f);
                w->bubble_x[i] = turn.c * at;
                w->bubble_y[i] = turn.s * at;
                w->bubble_r[i] = iad_dice_range(rng, 0.016f, 0.024f) + 0.016f * severity;
            }
            break;
        case UNEVEN_RIM:
            w->sag_angle = angle;
            w->sag = 0.035f + 0.05f * severity;
            break;
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    bottle *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t glasses[] = {0x5a3412, 0x23602f, 0x9fb8b4, 0x2d5a78};
    w->stuff = (int)iad_rng_below(design, 4);
    uint32_t glass = glasses[w->stuff];
    w->lip = iad_dice_range(design, 0.52f, 0.58f);
    w->tube = iad_dice_range(design, 0.10f, 0.14f);
    w->body = iad_dice_range(design, 0.80f, 0.88f);
    float x = iad_dice_range(pose, -0.04f, 0.04f);
    float y = iad_dice_range(pose, -0.04f, 0.04f);
    float turns = iad_dice_range(pose, 0, 1);
    float scale = iad_dice_range(pose, 0.98f, 1.02f);
    iad_pose_set(&w->pose, x, y, turns, scale);
    iad_color_vary(glass, 0.12f, pose, w->glass);
    for (int i = 0; i < 3; i++) w->deep[i] = 0.25f * w->glass[i] * w->glass[i];
    iad_color_vary(0xf2f2ef, 0.03f, pose, w->table);
    w->streak = iad_dice_range(pose, 0.7f, 1.2f);
    w->seed = iad_seeds_of(dice);
    float azimuth = 0.63f + iad_dice_range(pose, -0.04f, 0.04f);
    iad_light_set(&scene->light, azimuth, 60, 0.35f);
    iad_light_box(&scene->light, azimuth, 40, 16, 5.0f);
    iad_light_box(&scene->light, azimuth + 0.5f, 55, 12, 3.0f);
    iad_light_box(&scene->light, azimuth + 0.28f, 30, 10, 3.0f);
    scene->occlusion = 0;
    scene->camera.exposure = iad_dice_range(pose, 0.95f, 1.05f);
    draw_defect(w, dice);
}

/* Light through the wall of the neck, as a factor of the glass colour: dark and bright rings of refraction, streaked
 * round the axis. */
static float transmitted(const bottle *w, float r, float u, float v) {
    float cu = u / rm_max(r, 0.01f), cv = v / rm_max(r, 0.01f); /* noise on a circle has no seam */
    float warp =
        0.010f * iad_noise(w->seed.grain, cu * 1.3f, cv * 1.3f) + 0.006f * iad_noise(w->seed.grain + 1, u * 9, v * 9);
    float q = (r + warp - w->lip) / w->tube; /* -1 inner, 1 outer edge of the rim, then the shoulder */
    float ring = 0.10f + 0.9f * rm_bump((q + 0.05f) / 0.5f) + 0.5f * rm_bump((q - 1.25f) / 0.28f) +
                 0.35f * rm_bump((q + 0.85f) / 0.14f);
    float shoulder = rm_smooth(1.2f, 1.9f, q) * (0.45f + 0.35f * rm_wave(q * 0.9f + 0.1f));
    float rim = rm_smooth((w->body - w->lip) / w->tube, (w->body - w->lip) / w->tube - 0.25f, q);
    float streaks = iad_noise(w->seed.grain + 2, cu * (6 + 0.3f * q), cv * (6 + 0.3f * q));
    float arcs = 0.75f + 0.5f * iad_noise(w->seed.grain + 3, cu, cv);
    return rm_max(0.03f, (ring + shoulder) * arcs * (0.25f + 0.75f * rim) * (1 + 0.35f * w->streak * streaks));
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const bottle *w = context;
    iad_surface_paint(s, w->table, 0, 0.9f);
    s->glow = 0.35f;
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    float r = rm_len(u, v), angle = rm_angle(v, u), lip = w->lip, crown = w->tube;
    if (w->sag > 0) {
        float away = rm_abs(rm_frac(angle - w->sag_angle + 0.5f) - 0.5f);
        float k = rm_bump(away / 0.13f);
        lip -= w->sag * k;
        crown -= 0.35f * w->sag * k;
    }
    if (r > w->body) {
        iad_surface_tint(s, 1 - 0.35f * rm_bump((r - w->body) / 0.12f));
        return;
    }
    float t = (r - lip) / crown; /* -1 inner edge .. 1 outer edge of the rim */
    if (t < -1) { /* down the neck: dark, with the light of the bottom */
        float depth = rm_sat((lip - crown - r) / 0.3f);
        float floor_light = 0.5f + 0.5f * iad_noise(w->seed.grain + 6, u * 3, v * 3);
        iad_surface_paint(s, w->deep, 0, 0.5f);
        s->glow = rm_mix(1.0f, 9.0f, depth) * (0.8f + 0.3f * floor_light);
        s->dark = 0.95f;
        float ring =
            rm_bump((r - (lip - crown) * 0.8f) / 0.025f) + 0.6f * rm_bump((r - (lip - crown) * 0.62f) / 0.018f);
        iad_surface_cover(s, 0.35f * ring * (0.7f + 0.3f * rm_wave(angle * 2 + 0.3f)), w->glass, 0, 0.3f);
    } else {
        iad_surface_paint(s, w->glass, 0, 0.08f);
        iad_surface_tint(s, 0.2f); /* glass hardly scatters: its colour comes from behind */
        s->glow = 8.0f * transmitted(w, r - lip + w->lip, u, v);
        float wave = 0.004f * iad_noise(w->seed.grain + 4, u * 12, v * 12);
        if (t < 1) {
            s->z = 0.55f * crown * sqrtf(rm_max(0, 1 - t * t)) + wave;
        } else {
            float fall = (r - lip - crown) / (w->body - w->lip);
            s->z = -0.3f * fall * fall + wave;
            s->rough = 0.16f;
        }
    }
    if (w->seed.kind == CHIP) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.0f, 0.85f, d);
        if (k > 0) { /* conchoidal fracture: ripples round the point of impact, milky */
            s->z -= 0.12f * rm_bump(d) + 0.012f * rm_wave(d * 3.2f) * k;
            s->sx += 0.6f * k * iad_noise(w->seed.flaw, u * 30, v * 30);
            s->rough = rm_mix(s->rough, 0.3f, k);
            const float milk[3] = {0.4f, 0.45f, 0.42f};
            iad_surface_cover(s, 0.25f * k, milk, 0, 0.3f);
            s->glow *= 1 - 0.9f * k;
        }
    } else if (w->seed.kind == CRACK) {
        float d = iad_crack_at(&w->crack, u, v);
        float k = rm_smooth(0.004f, -0.002f, d), light = rm_bump((d - 0.012f) / 0.01f);
        const float bright[3] = {0.85f, 0.9f, 0.88f};
        iad_surface_cover(s, 0.5f * light * w->seed.severity, bright, 0, 0.3f);
        s->glow *= 1 - 0.8f * light * w->seed.severity;
        iad_surface_tint(s, 1 - 0.85f * k);
        s->z -= 0.02f * k;
    } else if (w->seed.kind == CONTAMINATION) {
        float d = iad_blob_at(&w->blob, u, v);
        float clump = iad_noise_fbm(w->seed.flaw, u * 22, v * 22, 3);
        float k = rm_smooth(1.0f, 0.7f, d + 0.35f * clump) * (0.4f + 0.6f * w->seed.severity);
        const float dirt[3] = {0.36f, 0.30f, 0.22f};
        iad_surface_cover(s, k, dirt, 0, 0.8f);
        s->glow = rm_mix(s->glow, 0, k);
        s->dark *= 1 - 0.8f * k;
        s->z = rm_mix(s->z, 0.03f * clump, k);
    } else if (w->seed.kind == BUBBLE) {
        for (int i = 0; i < w->bubbles; i++) {
            float d = rm_len(u - w->bubble_x[i], v - w->bubble_y[i]) / w->bubble_r[i];
            if (d >= 1.15f) continue;
            float ring = rm_bump((d - 0.85f) / 0.3f), core = rm_smooth(0.6f, 0.2f, d);
            s->glow *= (1 - 0.8f * ring) * (1 + 1.4f * core);
            iad_surface_tint(s, 1 - 0.6f * ring);
            s->z += w->bubble_r[i] * 0.5f * sqrtf(rm_max(0, 1 - d * d));
        }
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const bottle *w = context;
    static const char *const colors[] = {"brown", "green", "pale, nearly clear", "blue"};
    iad_fact_text(f, "color", colors[w->stuff]);
    iad_fact_text(f, "rim", w->tube > 0.12f ? "thick" : "slim");
}

const iad_render_family iad_family_bottle = {
    .name = "bottle_mouth",
    .text = "mouth of a glass bottle from above on a light table",
    .kinds = {{"chip", "a shell-shaped piece broken out of the rim"},
              {"crack", "a crack through the rim"},
              {"contamination", "dirt in the neck"},
              {"bubble", "gas bubbles in the glass"},
              {"uneven_rim", "the rim sinks in on one side"}},
    .context = sizeof(bottle),
    .build = build,
    .facts = facts,
    .surface = surface,
};
