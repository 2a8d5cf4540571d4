/* A pin header: a plastic body with a row of metal pins, seen from the side. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

#define MAX_PINS 14

enum { BENT_PIN, MISSING_PIN, SHORT_PIN, SOLDER_BRIDGE, CRACKED_BODY };

typedef struct connector {
    iad_pose pose;
    int pins;
    int stuff, plating;                          /* numbers of the colours of body and pins */
    float pitch, half, top, bottom, reach, tail; /* body from top to bottom (v), pins down to reach, tails up to tail */
    float body[3], gold[3], solder[3], tray[3];
    float sway[MAX_PINS], trim[MAX_PINS];        /* natural tolerance of each pin */
    iad_seeds seed;
    int hit;
    float bend, cut;
    iad_crack crack;
    iad_blob blob;
} connector;

static float pin_u(const connector *w, int i) { return ((float)i - 0.5f * (float)(w->pins - 1)) * w->pitch; }

static void draw_defect(connector *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    w->hit = -1;
    if (dice->kind < 0) return;
    int pin = (int)iad_rng_below(rng, (uint32_t)w->pins);
    float sign = iad_rng_chance(rng, 0.5) ? 1.0f : -1.0f;
    switch (dice->kind) {
        case BENT_PIN:
            w->hit = pin;
            w->bend = sign * (0.35f + 1.0f * severity) * w->pitch;
            break;
        case MISSING_PIN: w->hit = pin; break;
        case SHORT_PIN:
            w->hit = pin;
            w->cut = 0.06f + 0.24f * severity;
            break;
        case SOLDER_BRIDGE: {
            int left = pin == w->pins - 1 ? pin - 1 : pin;
            float v = iad_dice_range(rng, w->bottom + 0.06f, w->reach - 0.12f);
            iad_blob_make(&w->blob, rng, pin_u(w, left) + 0.5f * w->pitch, v, w->pitch * (0.42f + 0.2f * severity),
                          1.2f, 0.35f);
            break;
        }
        case CRACKED_BODY: {
            float u = iad_dice_range(rng, 0.75f * pin_u(w, 0), 0.75f * pin_u(w, w->pins - 1));
            float heading = 0.25f + iad_dice_range(rng, -0.08f, 0.08f);
            float length = (w->bottom - w->top) * (0.5f + 0.6f * severity);
            iad_crack_make(&w->crack, rng, u, w->top - 0.01f, heading, length, 0.006f + 0.007f * severity, 2);
            break;
        }
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    connector *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t bodies[] = {0x26272b, 0xd9d4c6, 0x2f5fa8, 0xa83a2c};
    static const uint32_t metals[] = {0xd9b25a, 0xc4c6ca};
    w->stuff = (int)iad_rng_below(design, 4);
    w->plating = (int)iad_rng_below(design, 2);
    uint32_t body = bodies[w->stuff], metal = metals[w->plating];
    w->pins = iad_rng_int(design, 7, 12);
    w->pitch = 1.55f / (float)w->pins;
    w->half = w->pitch * iad_dice_range(design, 0.17f, 0.21f);
    w->top = iad_dice_range(design, -0.42f, -0.34f);
    w->bottom = w->top + iad_dice_range(design, 0.32f, 0.42f);
    w->reach = iad_dice_range(design, 0.56f, 0.68f);
    w->tail = w->top - iad_dice_range(design, 0.14f, 0.24f);
    float x = iad_dice_range(pose, -0.05f, 0.05f);
    float y = iad_dice_range(pose, -0.05f, 0.05f);
    float turns = iad_dice_range(pose, -0.02f, 0.02f);
    iad_pose_set(&w->pose, x, y, turns, 1);
    iad_color_vary(body, 0.06f, pose, w->body);
    iad_color_vary(metal, 0.04f, pose, w->gold);
    iad_color_hex(0xb4b6ba, w->solder);
    iad_color_vary(0x8f9498, 0.08f, pose, w->tray);
    for (int i = 0; i < MAX_PINS; i++) {
        w->sway[i] = iad_dice_range(pose, -0.05f, 0.05f) * w->pitch;
        w->trim[i] = iad_dice_range(pose, -0.008f, 0.008f);
    }
    w->seed = iad_seeds_of(dice);
    float azimuth = 0.66f + iad_dice_range(pose, -0.04f, 0.04f);
    iad_light_set(&scene->light, azimuth, 52, 0.6f);
    iad_light_box(&scene->light, azimuth, 55, 18, 1.4f);
    iad_light_box(&scene->light, azimuth + 0.42f, 50, 14, 0.8f);
    scene->light.env_low = 0.12f;
    scene->light.env_high = 0.5f;
    scene->shadow = 0.75f;
    scene->occlusion = 1.4f;
    scene->camera.exposure = iad_dice_range(pose, 0.93f, 1.07f);
    draw_defect(w, dice);
}

/* Sideways offset of pin i at v. */
static float pin_offset(const connector *w, int i, float v) {
    float k = rm_sat((v - w->bottom) / (w->reach - w->bottom));
    float offset = w->sway[i] * k;
    if (i == w->hit && w->seed.kind == BENT_PIN) {
        float over = rm_max(0, k - 0.25f) / 0.75f;
        offset += w->bend * over * (0.4f + 0.6f * over);
    }
    return offset;
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const connector *w = context;
    float fine = iad_noise_fbm(w->seed.grain, x * 28, y * 28, 3);
    iad_surface_paint(s, w->tray, 0, 0.8f);
    iad_surface_tint(s, 1 + 0.06f * fine + 0.07f * iad_noise(w->seed.grain + 1, x * 1.7f, y * 1.7f));
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    if (v < w->tail - 0.1f || v > w->reach + 0.1f) return;
    int nearest = rm_floor(u / w->pitch + 0.5f * (float)w->pins);
    if (v > w->tail - 0.03f) {
        for (int i = nearest - 2; i <= nearest + 2; i++) { /* a bent pin may lean over its neighbours */
            if (i < 0 || i >= w->pins) continue;
            int hit = i == w->hit;
            if (hit && w->seed.kind == MISSING_PIN && v > 0.5f * (w->top + w->bottom)) continue;
            float end = w->reach + w->trim[i] - (hit ? w->cut : 0);
            float du = rm_abs(u - pin_u(w, i) - pin_offset(w, i, v));
            float taper =
                rm_smooth(end, end - 0.07f, v) * (hit && w->cut > 0 ? 0.2f : 1.0f) + (hit && w->cut > 0 ? 0.8f : 0.0f);
            float half = w->half * (0.45f + 0.55f * taper);
            if (v > w->bottom - 0.02f && v > end) continue;
            if (v < w->top && v < w->tail + w->trim[i]) continue;
            if (du >= half) continue;
            float bevel = rm_sat((half - du) / (0.45f * w->half));
            float z = 0.13f + 0.025f * bevel;
            if (z <= s->z) continue;
            s->z = z;
            float drawn = iad_noise(w->seed.grain + 11 + (uint32_t)i, u * 60, v * 5);
            iad_surface_paint(s, w->gold, 1, 0.3f);
            iad_surface_tint(s, 0.95f + 0.07f * drawn);
            s->sx = 0.04f * drawn;
        }
    }
    if (w->seed.kind == SOLDER_BRIDGE) {
        float d = iad_blob_at(&w->blob, u, v);
        if (d < 1) {
            float h = 0.11f + 0.08f * sqrtf(1 - d);
            if (h > s->z) {
                s->z = h;
                s->sx = 0;
                iad_surface_paint(s, w->solder, 1, 0.28f);
                s->sx += 0.15f * iad_noise(w->seed.flaw, u * 20, v * 20);
            }
        }
    }
    float width = 0.5f * (float)w->pins * w->pitch;
    float inside = -rm_box(u, v - 0.5f * (w->top + w->bottom), width, 0.5f * (w->bottom - w->top), 0.015f);
    if (inside > 0) {
        float cell = u / w->pitch + 0.5f * (float)w->pins;
        float notch =
            rm_smooth(0.10f, 0.03f, rm_abs(rm_frac(cell + 0.5f) - 0.5f)) * rm_smooth(0.02f, 0.05f, width - rm_abs(u));
        float edge = rm_sat(inside / 0.03f);
        float step = rm_smooth(-0.005f, 0.005f, v - (w->top + 0.3f * (w->bottom - w->top)));
        float mould = iad_noise_fbm(w->seed.grain + 5, u * 40, v * 40, 3);
        iad_surface_paint(s, w->body, 0, 0.42f);
        iad_surface_tint(s, 1 + 0.05f * mould);
        s->z = 0.27f - 0.03f * (1 - edge) * (1 - edge) - 0.04f * notch - 0.02f * (1 - step);
        s->sx = 0.04f * mould;
        s->sy = 0.04f * fine;
        if (w->seed.kind == CRACKED_BODY) {
            float d = iad_crack_at(&w->crack, u, v);
            float k = rm_smooth(0.004f, -0.003f, d);
            s->z -= 0.04f * k;
            s->dark = 0.8f * k;
            iad_surface_tint(s, 1 - 0.5f * k);
            const float white[3] = {0.6f, 0.6f, 0.6f};
            iad_surface_cover(s, 0.25f * w->seed.severity * rm_bump((d - 0.012f) / 0.012f), white, 0,
                              0.7f); /* stress whitening */
        }
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const connector *w = context;
    static const char *const colors[] = {"black", "cream", "blue", "red"};
    iad_fact_text(f, "color", colors[w->stuff]);
    iad_fact_text(f, "metal", w->plating ? "silver" : "golden");
    iad_fact_count(f, "pins", w->pins);
}

const iad_render_family iad_family_connector = {
    .name = "connector",
    .text = "pin header from the side",
    .kinds = {{"bent_pin", "one pin leans to the side"},
              {"missing_pin", "one pin is not there"},
              {"short_pin", "one pin is broken off or cut too short"},
              {"solder_bridge", "solder joins two pins"},
              {"cracked_body", "a crack in the plastic body"}},
    .context = sizeof(connector),
    .build = build,
    .facts = facts,
    .surface = surface,
};
