/* A punched or turned ring on a dark or light tray. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { SCRATCH, CRACK, NICK, DEFORMED, RUST };

typedef struct washer {
    iad_pose pose;
    float inner, outer, height, chamfer;
    float metal[3], tray[3], rust[3];
    int stuff, ground;     /* numbers of its metal and tray */
    float rough, turning;  /* turning: depth of the lathe grooves */
    iad_seeds seed;
    iad_stroke stroke;
    iad_crack crack;
    iad_blob blob;
    float bend_x, bend_y, bend; /* direction and amount of the deformation */
} washer;

static void draw_defect(washer *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float angle = iad_dice_range(rng, 0, 1), middle = 0.5f * (w->inner + w->outer), band = w->outer - w->inner;
    iad_pose turn;
    iad_pose_set(&turn, 0, 0, angle, 1);
    float severity = dice->severity;
    switch (dice->kind) {
        case SCRATCH: {
            float at = middle + band * iad_dice_range(rng, -0.3f, 0.3f);
            float heading = angle + iad_dice_range(rng, -0.4f, 0.4f);
            float length = iad_dice_range(rng, 0.18f, 0.4f);
            float half = 0.006f + 0.008f * severity;
            iad_stroke_make(&w->stroke, rng, turn.c * at, turn.s * at, heading, length, half, 0.25f);
            break;
        }
        case CRACK: {
            float heading = angle + iad_dice_range(rng, -0.04f, 0.04f);
            float at = w->inner - 0.01f, half = 0.006f + 0.007f * severity;
            float length = band * (0.55f + 0.65f * severity);
            iad_crack_make(&w->crack, rng, turn.c * at, turn.s * at, heading, length, half, 1);
            break;
        }
        case NICK: {
            float at = iad_rng_chance(rng, 0.6) ? w->outer : w->inner;
            float radius = 0.045f + 0.07f * severity;
            iad_blob_make(&w->blob, rng, turn.c * at, turn.s * at, radius, 1.3f, 0.5f);
            break;
        }
        case DEFORMED:
            w->bend_x = turn.c;
            w->bend_y = turn.s;
            w->bend = (0.03f + 0.07f * severity) * (iad_rng_chance(rng, 0.5) ? 1.0f : -1.0f);
            break;
        case RUST: {
            float at = middle + band * iad_dice_range(rng, -0.3f, 0.3f);
            float radius = 0.07f + 0.11f * severity;
            iad_blob_make(&w->blob, rng, turn.c * at, turn.s * at, radius, 1.5f, 0.9f);
            break;
        }
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    washer *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t metals[] = {0xc9ccd0, 0xd8b878, 0xb9bfc6, 0xd0a582};
    static const uint32_t trays[] = {0x2b2f36, 0x1f3d5c, 0xc9c7c0, 0x35403a};
    w->outer = iad_dice_range(design, 0.64f, 0.72f);
    w->inner = w->outer * iad_dice_range(design, 0.46f, 0.6f);
    w->height = iad_dice_range(design, 0.05f, 0.08f);
    w->chamfer = iad_dice_range(design, 0.02f, 0.045f);
    w->stuff = (int)iad_rng_below(design, 4);
    w->ground = (int)iad_rng_below(design, 4);
    uint32_t metal = metals[w->stuff], tray = trays[w->ground];
    w->turning = iad_dice_range(design, 0.03f, 0.10f);
    w->rough = iad_dice_range(design, 0.26f, 0.36f);
    float x = iad_dice_range(pose, -0.07f, 0.07f);
    float y = iad_dice_range(pose, -0.07f, 0.07f);
    float turns = iad_dice_range(pose, 0, 1);
    float scale = iad_dice_range(pose, 0.97f, 1.03f);
    iad_pose_set(&w->pose, x, y, turns, scale);
    iad_color_vary(metal, 0.05f, pose, w->metal);
    iad_color_vary(tray, 0.08f, pose, w->tray);
    iad_color_hex(0x5e2a0e, w->rust);
    w->seed = iad_seeds_of(dice);
    float azimuth = 0.62f + iad_dice_range(pose, -0.05f, 0.05f);
    float elevation = iad_dice_range(pose, 48, 58);
    iad_light_set(&scene->light, azimuth, elevation, 0.6f);
    iad_light_box(&scene->light, azimuth, 60, 20, 1.1f);
    iad_light_box(&scene->light, azimuth + 0.45f, 66, 14, 0.5f);
    scene->light.env_low = 0.1f;
    scene->light.env_high = 0.42f;
    scene->shadow = 0.8f;
    scene->camera.exposure = iad_dice_range(pose, 0.92f, 1.06f);
    draw_defect(w, dice);
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const washer *w = context;
    float fine = iad_noise_fbm(w->seed.grain, x * 22, y * 22, 3);
    iad_surface_paint(s, w->tray, 0, 0.75f);
    iad_surface_tint(s, 1 + 0.10f * fine + 0.08f * iad_noise(w->seed.grain + 3, x * 2, y * 2));
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    float pu = u, pv = v; /* where this point of the metal was before it was bent */
    float lift = 0;
    if (w->bend != 0) {
        float along = u * w->bend_x + v * w->bend_y;
        float k = rm_smooth(0.25f, 0.75f, along);
        pu -= w->bend * k * w->bend_x;
        pv -= w->bend * k * w->bend_y;
        lift = 0.5f * rm_abs(w->bend) * k;
    }
    float r = rm_len(pu, pv);
    float inside = rm_min(w->outer - r, r - w->inner); /* distance from the nearer edge */
    float bite = 9;
    if (w->seed.kind == NICK) {
        bite = iad_blob_at(&w->blob, u, v);
        inside = rm_min(inside, (bite - 1) * 0.08f);
    }
    if (inside <= 0) return;
    float rounded = rm_sat(inside / w->chamfer);
    s->z = w->height * (0.55f + 0.45f * sqrtf(rounded * (2 - rounded))) + lift;
    float groove = iad_noise_line(w->seed.pattern, r * 190) +
                   0.6f * iad_noise(w->seed.grain + 9, r * 120 + 2 * pu / rm_max(r, 0.01f), 2 * pv / rm_max(r, 0.01f));
    float stain = iad_noise_fbm(w->seed.grain + 5, u * 4, v * 4, 4);
    iad_surface_paint(s, w->metal, 1, w->rough + 0.05f * stain + 0.03f * fine);
    iad_surface_tint(s, 0.95f + 0.06f * stain + 0.03f * groove);
    float slope = w->turning * groove;
    s->sx += slope * (pu * w->pose.c - pv * w->pose.s) / rm_max(r, 0.01f);
    s->sy += slope * (pu * w->pose.s + pv * w->pose.c) / rm_max(r, 0.01f);
    if (w->seed.kind == SCRATCH) {
        float along, d = iad_stroke_at(&w->stroke, u, v, &along);
        float k = rm_bump(d / 1.2f);
        s->z -= (0.004f + 0.008f * w->seed.severity) * k;
        s->z += 0.003f * rm_bump((d - 1.5f) * 1.5f);
        s->rough = rm_mix(s->rough, 0.55f, k);
        iad_surface_tint(s, 1 + 0.35f * k * iad_noise_line(w->seed.flaw, along * 40) * w->seed.severity);
    } else if (w->seed.kind == CRACK) {
        float d = iad_crack_at(&w->crack, u, v);
        float k = rm_smooth(0.004f, -0.003f, d);
        s->z -= 0.04f * k;
        s->dark = rm_max(s->dark, 0.85f * k);
        iad_surface_tint(s, 1 - 0.6f * k);
    } else if (w->seed.kind == RUST) {
        float d = iad_blob_at(&w->blob, u, v);
        float patchy = 0.5f + 0.5f * iad_noise_fbm(w->seed.flaw, u * 28, v * 28, 3);
        float k = rm_smooth(1.05f, 0.55f, d) * rm_smooth(0.15f, 0.55f, patchy + 0.35f * (1 - d)) *
                  (0.45f + 0.55f * w->seed.severity);
        iad_surface_cover(s, k, w->rust, 0, 0.9f);
        iad_surface_tint(s, 1 + 0.5f * k * (patchy - 0.5f));
        s->z += 0.006f * k * patchy;
    } else if (w->seed.kind == NICK && bite < 2) {
        s->rough = rm_mix(s->rough, 0.6f, rm_smooth(1.5f, 1.0f, bite));
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const washer *w = context;
    static const char *const metals[] = {"steel", "brass", "grey steel", "copper"};
    static const char *const colors[] = {"silver", "golden", "grey", "reddish"};
    static const char *const trays[] = {"dark grey", "dark blue", "light", "dark green"};
    iad_fact_text(f, "material", metals[w->stuff]);
    iad_fact_text(f, "color", colors[w->stuff]);
    iad_fact_text(f, "tray", trays[w->ground]);
    iad_fact_text(f, "width", w->inner / w->outer < 0.53f ? "broad" : "narrow");
    iad_fact_text(f, "grooves", w->turning > 0.065f ? "clear" : "faint");
    iad_fact_text(f, "chamfer", w->chamfer > 0.033f ? "wide" : "small");
}

const iad_render_family iad_family_washer = {
    .name = "washer",
    .text = "turned metal washer on a tray",
    .kinds = {{"scratch", "a line scored into the face"},
              {"crack", "a crack from the bore outwards"},
              {"nick", "a piece broken out of an edge"},
              {"deformed", "one side of the ring bent out of round"},
              {"rust", "a patch of rust"}},
    .context = sizeof(washer),
    .build = build,
    .facts = facts,
    .surface = surface,
};
