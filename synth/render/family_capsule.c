/* A two-coloured gelatine capsule with a printed mark. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/glyphs.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { DENT, CRACK, FAULTY_IMPRINT, HOLE, WRONG_CAP, POWDER };

typedef struct capsule {
    iad_pose pose;
    float cap[3], body[3], wrong[3], ink[3], table[3];
    float length, radius, seam;   /* half length of the axis, radius of the body, where the cap ends */
    float roll;                   /* how far the mark has rolled to the side */
    int glyphs;
    int stuff;                    /* number of its colours */
    iad_seeds seed;
    iad_blob blob;
    iad_crack crack;
    int print_fault;              /* 1 smeared, 2 half missing, 3 doubled */
} capsule;

static void draw_defect(capsule *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    float u = iad_dice_range(rng, -0.55f, 0.55f);
    float v = w->radius * iad_dice_range(rng, -0.55f, 0.55f);
    switch (dice->kind) {
        case DENT: iad_blob_make(&w->blob, rng, u, v, 0.10f + 0.09f * severity, 1.4f, 0.15f); break;
        case CRACK: {
            float heading = iad_dice_range(rng, 0, 1);
            iad_crack_make(&w->crack, rng, 0.8f * u, 0.7f * v, heading, 0.2f + 0.35f * severity,
                           0.004f + 0.006f * severity, 2);
            break;
        }
        case FAULTY_IMPRINT: w->print_fault = iad_rng_int(rng, 1, 3); break;
        case HOLE: iad_blob_make(&w->blob, rng, u, v, 0.025f + 0.035f * severity, 1.3f, 0.4f); break;
        case WRONG_CAP: {
            static const uint32_t caps[] = {0x7d1f2b, 0xd8a53a, 0x2f6f5a, 0x4a4f8a};
            float other[3];
            iad_color_hex(caps[iad_rng_below(rng, 4)], other);
            for (int i = 0; i < 3; i++) w->wrong[i] = rm_mix(w->cap[i], other[i], 0.25f + 0.75f * severity);
            break;
        }
        case POWDER: iad_blob_make(&w->blob, rng, u, v, 0.10f + 0.12f * severity, 1.5f, 0.9f); break;
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    capsule *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t colors[][2] = {
        {0x20242a, 0xc8622a}, {0x2b6a9e, 0xe9e7e0}, {0xa52a2a, 0xe8c86a}, {0x3d7d4e, 0xd8dfd2}};
    uint32_t color = iad_rng_below(design, 4);
    w->stuff = (int)color;
    w->length = iad_dice_range(design, 0.42f, 0.5f);
    w->radius = iad_dice_range(design, 0.22f, 0.26f);
    w->seam = iad_dice_range(design, -0.05f, 0.1f);
    w->glyphs = iad_rng_int(design, 3, 4);
    float x = iad_dice_range(pose, -0.05f, 0.05f);
    float y = iad_dice_range(pose, -0.05f, 0.05f);
    float turns = iad_dice_range(pose, -0.03f, 0.03f);
    float scale = iad_dice_range(pose, 1.18f, 1.26f);
    iad_pose_set(&w->pose, x, y, turns, scale);
    w->roll = iad_dice_range(pose, -0.07f, 0.07f);
    iad_color_vary(colors[color][0], 0.05f, pose, w->cap);
    iad_color_vary(colors[color][1], 0.04f, pose, w->body);
    iad_color_vary(0xe4e4e2, 0.03f, pose, w->table);
    iad_color_hex(color == 0 ? 0xe8e4d8 : 0x2a2a30, w->ink);
    if (color == 2) iad_color_hex(0xf0e8d8, w->ink);
    w->seed = iad_seeds_of(dice);
    float azimuth = 0.68f + iad_dice_range(pose, -0.04f, 0.04f);
    iad_light_set(&scene->light, azimuth, 58, 0.5f);
    iad_light_box(&scene->light, azimuth, 50, 14, 6.0f);
    iad_light_box(&scene->light, azimuth + 0.5f, 35, 16, 1.6f);
    scene->light.spread = 0.6f;
    scene->shadow = 0.6f;
    scene->occlusion = 1.2f;
    scene->camera.exposure = iad_dice_range(pose, 0.92f, 1.04f);
    draw_defect(w, dice);
}

/* Ink at axis position u and angle `side` round the axis (turns). */
static float imprint(const capsule *w, float u, float side) {
    const float size = 0.082f;
    float gu = (u + 0.5f) / size, gv = (side - w->roll) / 0.075f + 0.5f;
    float fault = 0;
    if (w->print_fault == 1) {
        float drag = iad_noise(w->seed.flaw, gu * 2, gv * 3);
        gu += (0.2f + 0.5f * w->seed.severity) * drag;
        gv += 0.25f * w->seed.severity * drag;
        fault = 0.25f * w->seed.severity;
    }
    float ink = iad_glyph_line(w->seed.pattern, w->glyphs, gu, gv, 0.25f + fault);
    if (w->print_fault == 2)
        ink *= rm_smooth(-0.1f, 0.1f, iad_noise(w->seed.flaw, gu * 0.9f, gv * 1.2f) + 0.35f - 0.6f * w->seed.severity);
    if (w->print_fault == 3) {
        float ghost = iad_glyph_line(w->seed.pattern, w->glyphs, gu - 0.3f - 0.5f * w->seed.severity, gv - 0.25f, 0.3f);
        ink = rm_max(ink, (0.4f + 0.5f * w->seed.severity) * ghost);
    }
    return ink * (0.85f + 0.15f * iad_noise(w->seed.grain + 3, u * 40, side * 90));
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const capsule *w = context;
    iad_surface_paint(s, w->table, 0, 0.9f);
    iad_surface_tint(s, 1 + 0.012f * iad_noise_fbm(w->seed.grain, x * 30, y * 30, 2));
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    int on_cap = u < w->seam;
    float radius = w->radius + (on_cap ? 0.012f * rm_smooth(w->seam, w->seam - 0.01f, u) : 0);
    radius -= 0.006f * rm_bump((u - w->seam + 0.09f) / 0.02f); /* locking groove of the cap */
    float over = rm_max(rm_abs(u) - w->length, 0);
    float r2 = radius * radius - over * over - v * v;
    float specks = iad_noise_fbm(w->seed.flaw + 5, u * 30, v * 30, 3);
    if (r2 > 0) {
        float h = sqrtf(r2);
        s->z = 0.9f * radius + h;
        const float *color = on_cap ? (w->seed.kind == WRONG_CAP ? w->wrong : w->cap) : w->body;
        float ripple = iad_noise_fbm(w->seed.grain + 1, u * 7, v * 7, 3);
        iad_surface_paint(s, color, 0, 0.16f);
        iad_surface_tint(s, (1 + 0.035f * ripple) * (1 - 0.18f * rm_bump((u - w->seam) / 0.012f)));
        iad_pose_slope(&w->pose, 0.03f * ripple, 0.02f * ripple, s);
        float side = rm_angle(v, h);
        float ink = imprint(w, u, side);
        iad_surface_cover(s, 0.9f * ink, w->ink, 0, 0.3f);
        if (w->seed.kind == DENT) {
            float d = iad_blob_at(&w->blob, u, v);
            s->z -= (0.035f + 0.07f * w->seed.severity) * rm_bump(d);
        } else if (w->seed.kind == CRACK) {
            float d = iad_crack_at(&w->crack, u, v);
            float k = rm_smooth(0.004f, -0.003f, d);
            s->z -= 0.03f * k;
            s->dark = 0.8f * k;
            iad_surface_tint(s, 1 - 0.6f * k);
            s->sx += 0.5f * rm_bump((d - 0.012f) / 0.012f);
        } else if (w->seed.kind == HOLE) {
            float d = iad_blob_at(&w->blob, u, v);
            float k = rm_smooth(1.0f, 0.85f, d);
            s->z -= 0.08f * k;
            s->dark = 0.9f * k;
            iad_surface_tint(s, 1 - 0.7f * k);
            s->rough = rm_mix(s->rough, 0.9f, k);
        }
    }
    if (w->seed.kind == POWDER) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.0f, 0.4f, d + 0.5f * specks) * (0.4f + 0.6f * w->seed.severity);
        const float dust[3] = {0.72f, 0.69f, 0.6f};
        iad_surface_cover(s, k, dust, 0, 0.95f);
        s->z += 0.02f * k * (0.6f + specks);
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const capsule *w = context;
    static const char *const caps[] = {"black", "blue", "red", "green"};
    static const char *const bodies[] = {"orange", "white", "yellow", "pale greenish white"};
    iad_fact_text(f, "cap", caps[w->stuff]);
    iad_fact_text(f, "body", bodies[w->stuff]);
    iad_fact_text(f, "ink", w->stuff == 0 || w->stuff == 2 ? "light" : "dark");
    iad_fact_count(f, "glyphs", w->glyphs);
}

const iad_render_family iad_family_capsule = {
    .name = "capsule",
    .text = "two-coloured gelatine capsule with a printed mark",
    .kinds = {{"dent", "the shell is pressed in"},
              {"crack", "the shell is cracked"},
              {"faulty_imprint", "the mark is smeared, broken or doubled"},
              {"hole", "the shell is pierced"},
              {"wrong_cap", "the cap has another colour"},
              {"powder", "spilled powder sticks to it"}},
    .context = sizeof(capsule),
    .build = build,
    .facts = facts,
    .surface = surface,
};
