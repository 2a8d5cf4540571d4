/* A countersunk wood screw lying on a light table under a monochrome camera, at any angle. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { BROKEN_TIP, BENT, WORN_THREAD, SCRATCH, RUST };

typedef struct screw {
    iad_pose pose;
    float neck, shank, core, crest, pitch, head, length, thread_from, turn;
    float metal[3], table[3];
    iad_seeds seed;
    float cut;                /* axis position where the tip is broken off */
    float bend_from, bend;    /* axis bends from here on */
    float worn_from, worn_to, worn_side, worn;
    iad_stroke stroke;
    iad_blob blob;
} screw;

static void draw_defect(screw *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    switch (dice->kind) {
        case BROKEN_TIP: w->cut = w->length - 0.05f - 0.16f * severity; break;
        case BENT:
            w->bend_from = iad_dice_range(rng, 0.30f, 0.48f);
            w->bend = (0.35f + 0.6f * severity) * (iad_rng_chance(rng, 0.5) ? 1.0f : -1.0f);
            break;
        case WORN_THREAD:
            w->worn_from = iad_dice_range(rng, w->thread_from + 0.08f, 0.35f);
            w->worn_to = w->worn_from + 0.12f + 0.16f * severity;
            w->worn_side = iad_rng_chance(rng, 0.5) ? 1.0f : -1.0f;
            w->worn = 0.5f + 0.5f * severity;
            break;
        case SCRATCH: {
            float u = iad_dice_range(rng, -0.5f, w->thread_from - 0.2f);
            float v = w->shank * iad_dice_range(rng, -0.45f, 0.45f);
            float heading = iad_dice_range(rng, -0.12f, 0.12f);
            float length = iad_dice_range(rng, 0.12f, 0.3f);
            float half = 0.006f + 0.007f * severity;
            iad_stroke_make(&w->stroke, rng, u, v, heading, length, half, 0.3f);
            break;
        }
        case RUST: {
            float u = iad_dice_range(rng, -0.55f, 0.5f);
            float v = w->shank * iad_dice_range(rng, -0.5f, 0.5f);
            float radius = 0.06f + 0.08f * severity;
            iad_blob_make(&w->blob, rng, u, v, radius, 1.6f, 0.9f);
            break;
        }
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    screw *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    w->shank = iad_dice_range(design, 0.066f, 0.08f);
    w->crest = w->shank * iad_dice_range(design, 1.12f, 1.3f);
    w->core = w->shank * iad_dice_range(design, 0.66f, 0.76f);
    w->pitch = iad_dice_range(design, 0.078f, 0.1f);
    w->head = w->shank * iad_dice_range(design, 2.3f, 2.7f);
    w->length = iad_dice_range(design, 0.74f, 0.8f);
    w->thread_from = iad_dice_range(design, -0.2f, 0.0f);
    uint32_t finish = iad_rng_chance(design, 0.5) ? 0x9a9a9a : 0xb4b4b4;
    float x = iad_dice_range(pose, -0.06f, 0.06f);
    float y = iad_dice_range(pose, -0.06f, 0.06f);
    float turns = iad_dice_range(pose, 0, 1);
    float scale = iad_dice_range(pose, 1.06f, 1.13f);
    iad_pose_set(&w->pose, x, y, turns, scale);
    w->turn = iad_dice_range(pose, 0, 1);
    iad_color_vary(finish, 0.05f, pose, w->metal);
    iad_color_vary(0xc4c4c4, 0.05f, pose, w->table);
    w->seed = iad_seeds_of(dice);
    w->cut = 9;
    iad_light_set(&scene->light, 0.64f + iad_dice_range(pose, -0.03f, 0.03f), 62, 0.5f);
    scene->light.spread = 0.7f;
    iad_light_box(&scene->light, 0.64f, 50, 24, 1.6f);
    iad_light_box(&scene->light, 0.14f, 45, 14, 0.5f);
    scene->light.env_low = 0.06f;
    scene->light.env_high = 0.5f;
    scene->shadow = 0.55f;
    scene->occlusion = 1.2f;
    scene->camera.grey = 1;
    scene->camera.exposure = iad_dice_range(pose, 0.92f, 1.04f);
    draw_defect(w, dice);
}

/* Radius of the screw's body at axis position u on the side angle `phase` (turns round the axis). */
static float radius_at(const screw *w, float u, float phase) {
    const float head_end = -0.8f + 0.85f * (w->head - w->shank);
    if (u < head_end)
        return rm_mix(w->head, w->shank,
                      rm_smooth(-0.8f, head_end, u) * 0.5f + 0.5f * rm_sat((u + 0.8f) / (head_end + 0.8f)));
    float tip = rm_sat((w->length - u) / 0.2f); /* 0 at the point */
    float threaded = rm_smooth(w->thread_from, w->thread_from + 0.05f, u);
    float core = rm_mix(w->shank, w->core * tip, threaded);
    float ridge = rm_triangle(u / w->pitch + phase + w->turn);
    ridge = rm_smooth(0.45f, 1.0f, ridge);
    float crest = rm_mix(w->core, w->crest, rm_smooth(0.0f, 0.55f, tip)) * rm_smooth(0.05f, 0.5f, tip);
    return core + threaded * rm_max(0, crest - core) * ridge;
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const screw *w = context;
    iad_surface_paint(s, w->table, 0, 0.85f);
    float paper = iad_noise_fbm(w->seed.grain, x * 30, y * 30, 3);
    iad_surface_tint(s, 1 + 0.025f * paper + 0.06f * iad_noise(w->seed.grain + 1, x * 1.5f, y * 1.5f));
    float fluff = iad_noise_fbm(w->seed.grain + 2, x * 9, y * 9, 4);
    iad_surface_tint(s, 1 - 0.12f * rm_smooth(0.62f, 0.8f, fluff));
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    if (rm_abs(v) > w->head + 0.35f) return;
    if (w->bend != 0 && u > w->bend_from) {
        float over = u - w->bend_from;
        v -= w->bend * over * over;
    }
    float axis = w->crest * 0.95f; /* height of the axis above the table */
    /* The head's face, seen at a slant: an ellipse at the end of the cone. */
    float face_u = (u + 0.8f) / (0.26f * w->head), face_v = v / w->head;
    float face = face_u * face_u + face_v * face_v;
    if (face < 1) {
        s->z = axis + 0.5f * w->head + 0.12f * (u + 0.8f);
        iad_surface_paint(s, w->metal, 1, 0.42f);
        float edge = rm_smooth(1.0f, 0.8f, face);
        float c = 0.70710678f, a = rm_abs(face_u * c + face_v * c), b = rm_abs(face_u * c - face_v * c);
        float cross =
            rm_max(rm_smooth(0.62f, 0.52f, rm_max(a, 3.6f * b)), rm_smooth(0.62f, 0.52f, rm_max(b, 3.6f * a)));
        s->dark = 0.8f * cross;
        iad_pose_slope(&w->pose, 0.45f - 0.8f * (1 - edge), 0, s);
        iad_surface_tint(s, 0.8f + 0.2f * paper * edge);
    } else {
        float phase = rm_angle(v, sqrtf(rm_max(1e-6f, w->crest * w->crest - v * v)));
        float r = u < -0.8f ? 0 : radius_at(w, u, phase);
        if (u > w->cut) {
            float ragged = 0.02f * iad_noise(w->seed.flaw, v * 40, 3.3f);
            if (u > w->cut + 0.012f + ragged) r = 0;
        }
        if (w->worn > 0) {
            float k = rm_smooth(w->worn_from, w->worn_from + 0.03f, u) * rm_smooth(w->worn_to, w->worn_to - 0.03f, u) *
                      w->worn;
            k *= rm_smooth(-0.6f, 0.3f, v * w->worn_side / w->crest);
            r = rm_mix(r, rm_min(r, w->core * 1.04f + 0.006f * iad_noise(w->seed.flaw, u * 30, v * 30)), k);
        }
        if (r <= 0 || rm_abs(v) >= r) return;
        s->z = axis + sqrtf(r * r - v * v);
        float dirt = iad_noise_fbm(w->seed.grain + 4, u * 9, v * 14, 4);
        iad_surface_paint(s, w->metal, 1, 0.34f + 0.08f * dirt);
        float drawn = iad_noise(w->seed.grain + 5, u * 10, v * 150);
        iad_surface_tint(s, 0.86f + 0.16f * dirt + 0.08f * drawn);
        iad_pose_slope(&w->pose, 0, 0.08f * drawn, s);
    }
    if (w->seed.kind == SCRATCH) {
        float along, d = iad_stroke_at(&w->stroke, u, v, &along);
        float k = rm_bump(d / 1.2f);
        float bright[3] = {0.75f, 0.75f, 0.75f};
        iad_surface_cover(s, k * (0.35f + 0.65f * w->seed.severity), bright, 0.5f, 0.6f);
        s->z -= 0.006f * k;
    } else if (w->seed.kind == RUST) {
        float d = iad_blob_at(&w->blob, u, v);
        float patchy = 0.5f + 0.5f * iad_noise_fbm(w->seed.flaw, u * 40, v * 40, 3);
        float k = rm_smooth(1.05f, 0.5f, d) * rm_smooth(0.1f, 0.5f, patchy) * (0.5f + 0.5f * w->seed.severity);
        float rust[3] = {0.17f, 0.09f, 0.05f};
        iad_surface_cover(s, k, rust, 0, 0.9f);
        iad_surface_tint(s, 1 + 0.7f * k * (patchy - 0.5f));
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const screw *w = context;
    iad_fact_text(f, "threaded", (w->length - w->thread_from) / (w->length + 0.8f) < 0.54f ? "about half" : "more than half");
}

const iad_render_family iad_family_screw = {
    .name = "screw",
    .text = "countersunk wood screw on a light table, any angle, monochrome camera",
    .kinds = {{"broken_tip", "the point is broken off"},
              {"bent", "the threaded end is bent"},
              {"worn_thread", "several threads are crushed on one side"},
              {"scratch", "a bright scratch on the shank"},
              {"rust", "a patch of rust"}},
    .context = sizeof(screw),
    .build = build,
    .facts = facts,
    .surface = surface,
};
