/* Woven wire mesh over a light table. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { BROKEN_WIRE, BENT_WIRE, THREAD, CLOGGED, CORROSION };

typedef struct mesh {
    iad_pose pose;
    int slant, ground;           /* runs at 45 degrees; number of what lies under it */
    float count, half;           /* wires per unit, half thickness in pitches */
    float wire[3], table[3], clog[3];
    iad_seeds seed;
    int line, across;            /* damaged wire */
    float from, to, bend;        /* in pitches along it */
    iad_stroke stroke;
    iad_blob blob;
} mesh;

static void draw_defect(mesh *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    float u = iad_dice_range(rng, -0.55f, 0.55f);
    float v = iad_dice_range(rng, -0.55f, 0.55f);
    float heading = iad_dice_range(rng, 0, 1);
    w->line = 1 << 20;
    switch (dice->kind) {
        case BROKEN_WIRE:
        case BENT_WIRE: {
            w->across = iad_rng_chance(rng, 0.5);
            w->line = rm_floor((w->across ? v : u) * w->count);
            float centre = (w->across ? u : v) * w->count;
            float length = dice->kind == BROKEN_WIRE ? 0.7f + 1.6f * severity : 3.0f + 2.0f * severity;
            w->from = centre - 0.5f * length;
            w->to = centre + 0.5f * length;
            w->bend = (0.2f + 0.4f * severity) * (iad_rng_chance(rng, 0.5) ? 1.0f : -1.0f);
            break;
        }
        case THREAD:
            iad_stroke_make(&w->stroke, rng, u, v, heading, 0.35f + 0.6f * severity, 0.008f + 0.005f * severity, 1.0f);
            break;
        case CLOGGED: iad_blob_make(&w->blob, rng, u, v, 0.07f + 0.10f * severity, 1.4f, 0.5f); break;
        case CORROSION: iad_blob_make(&w->blob, rng, u, v, 0.14f + 0.18f * severity, 1.5f, 0.9f); break;
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    mesh *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t tables[] = {0xcfd2d0, 0x2a2d30, 0xa8b4b0};
    w->count = iad_dice_range(design, 5.0f, 7.5f);
    w->half = iad_dice_range(design, 0.14f, 0.2f);
    w->slant = iad_rng_chance(design, 0.5);
    float slant = w->slant ? 0.125f : 0.0f;
    w->ground = (int)iad_rng_below(design, 3);
    uint32_t table = tables[w->ground];
    float x = iad_dice_range(pose, -0.1f, 0.1f);
    float y = iad_dice_range(pose, -0.1f, 0.1f);
    iad_pose_set(&w->pose, x, y, slant + iad_dice_range(pose, -0.008f, 0.008f), 1);
    iad_color_vary(0xaab0b4, 0.05f, pose, w->wire);
    iad_color_vary(table, 0.05f, pose, w->table);
    iad_color_hex(0x8a7f6a, w->clog);
    w->seed = iad_seeds_of(dice);
    float azimuth = 0.62f + iad_dice_range(pose, -0.04f, 0.04f);
    iad_light_set(&scene->light, azimuth, 56, 0.6f);
    iad_light_box(&scene->light, azimuth, 55, 18, 1.6f);
    iad_light_box(&scene->light, azimuth + 0.5f, 50, 12, 0.7f);
    scene->light.env_low = 0.08f;
    scene->light.env_high = 0.5f;
    scene->shadow = 0.6f;
    scene->occlusion = 1.0f;
    scene->camera.exposure = iad_dice_range(pose, 0.95f, 1.08f);
    draw_defect(w, dice);
}

/* Height of wire number `line` at distance `d` from its nominal axis, `along` it; -9 beside it. */
static float wire_at(const mesh *w, int across, int line, float d, float along) {
    float sway = 0.035f * iad_noise_line(w->seed.grain + (across ? 40u : 80u) + (uint32_t)line * 7919u, along * 0.3f);
    d -= sway;
    if (across == w->across && line == w->line) {
        if (w->seed.kind == BENT_WIRE) d -= w->bend * rm_bump((2 * along - w->from - w->to) / (w->to - w->from));
        if (w->seed.kind == BROKEN_WIRE) {
            if (along > w->from && along < w->to) return -9;
            float stub = rm_min(rm_abs(along - w->from), rm_abs(along - w->to)); /* loose ends spring aside */
            d -= 0.5f * w->bend * rm_bump(stub / 1.2f);
        }
    }
    float q = d / w->half;
    if (q * q >= 1) return -9;
    float weave = rm_wave(0.5f * along + 0.25f + 0.5f * (float)(line & 1) + (across ? 0.5f : 0.0f)) * w->half;
    return weave + w->half * sqrtf(1 - q * q);
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const mesh *w = context;
    iad_surface_paint(s, w->table, 0, 0.85f);
    iad_surface_tint(s, 1 + 0.03f * iad_noise_fbm(w->seed.grain, x * 20, y * 20, 3) +
                            0.05f * iad_noise(w->seed.grain + 1, x * 1.5f, y * 1.5f));
    s->z = -2.2f * w->half / w->count;
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    float X = u * w->count, Y = v * w->count;
    int i = rm_floor(X), j = rm_floor(Y);
    float best = -9;
    int found = 0;
    for (int k = -1; k <= 1; k++) { /* bent wires reach into their neighbours' lanes */
        float a = wire_at(w, 0, i + k, X - (float)(i + k) - 0.5f, Y);
        float b = wire_at(w, 1, j + k, Y - (float)(j + k) - 0.5f, X);
        if (a > best) best = a, found = 1;
        if (b > best) best = b, found = 2;
    }
    float patchy = 0;
    if (found) {
        float drawn =
            found == 1 ? iad_noise(w->seed.grain + 5, X * 22, Y * 2) : iad_noise(w->seed.grain + 6, X * 2, Y * 22);
        s->z = best / w->count;
        iad_surface_paint(s, w->wire, 1, 0.3f);
        iad_surface_tint(s, 0.92f + 0.08f * drawn);
        iad_pose_slope(&w->pose, found == 1 ? 0.08f * drawn : 0, found == 1 ? 0 : 0.08f * drawn, s);
    }
    if (w->seed.kind == THREAD) {
        float along, d = iad_stroke_at(&w->stroke, u, v, &along);
        float k = rm_smooth(1.1f, 0.8f, d);
        const float fibre[3] = {0.10f, 0.14f, 0.35f};
        if (k > 0) {
            iad_surface_cover(s, k, fibre, 0, 0.8f);
            s->z = rm_max(s->z, rm_mix(s->z, 1.6f * w->half / w->count, k));
        }
    } else if (w->seed.kind == CLOGGED) {
        float d = iad_blob_at(&w->blob, u, v);
        patchy = iad_noise_fbm(w->seed.flaw, u * 18, v * 18, 3);
        float k = rm_smooth(1.0f, 0.85f, d);
        float level = (0.6f * w->half + 0.3f * w->half * patchy) / w->count;
        if (level > s->z && k > 0) {
            iad_surface_cover(s, k, w->clog, 0, 0.6f);
            s->z = rm_mix(s->z, level, k);
            s->sx *= 1 - k;
            s->sy *= 1 - k;
        }
    } else if (w->seed.kind == CORROSION && found) {
        float d = iad_blob_at(&w->blob, u, v);
        patchy = 0.5f + 0.5f * iad_noise_fbm(w->seed.flaw, u * 26, v * 26, 3);
        float k = rm_smooth(1.05f, 0.5f, d) * rm_smooth(0.1f, 0.5f, patchy) * (0.35f + 0.65f * w->seed.severity);
        const float rust[3] = {0.22f, 0.08f, 0.03f};
        iad_surface_cover(s, k, rust, 0, 0.9f);
        iad_surface_tint(s, 1 + 0.5f * k * (patchy - 0.5f));
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const mesh *w = context;
    static const char *const tables[] = {"light grey", "dark grey", "grey-green"};
    iad_fact_text(f, "table", tables[w->ground]);
    iad_fact_text(f, "run", w->slant ? "diagonally" : "parallel to the edges");
    iad_fact_text(f, "pitch", w->count < 6.25f ? "wide" : "narrow");
}

const iad_render_family iad_family_mesh = {
    .name = "wire_mesh",
    .text = "woven wire mesh",
    .kinds = {{"broken_wire", "a wire is broken, its ends spread"},
              {"bent_wire", "a wire is pushed aside"},
              {"thread", "a thread hangs in the mesh"},
              {"clogged", "meshes are filled with dirt"},
              {"corrosion", "rusty wires"}},
    .context = sizeof(mesh),
    .build = build,
    .facts = facts,
    .surface = surface,
};
