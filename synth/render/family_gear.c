/* A spur gear seen along its axis: steel, brass or white plastic. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

enum { MISSING_TOOTH, CHIPPED_TOOTH, SCRATCH, CRACK, GREASE };

typedef struct gear {
    iad_pose pose;
    int teeth, holes;
    int stuff, ground;                       /* numbers of its material and tray */
    float tip, root, rim, hub, bore, key;     /* radii; key: half width of the keyway */
    float hole_at, hole_r;
    float body[3], tray[3];
    float metal, rough;
    iad_seeds seed;
    int tooth;       /* number of the damaged tooth, -1 none */
    float keep;      /* what is left of its height */
    iad_stroke stroke;
    iad_crack crack;
    iad_blob blob;
} gear;

static void draw_defect(gear *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity, angle = iad_dice_range(rng, 0, 1);
    iad_pose turn;
    iad_pose_set(&turn, 0, 0, angle, 1);
    w->tooth = -1;
    w->keep = 1;
    switch (dice->kind) {
        case MISSING_TOOTH:
            w->tooth = (int)iad_rng_below(rng, (uint32_t)w->teeth);
            w->keep = iad_dice_range(rng, -0.1f, 0.35f);
            break;
        case CHIPPED_TOOTH: {
            w->tooth = (int)iad_rng_below(rng, (uint32_t)w->teeth);
            iad_pose_set(&turn, 0, 0, ((float)w->tooth + 0.5f + iad_dice_range(rng, -0.15f, 0.15f)) / (float)w->teeth,
                         1);
            float at = w->tip - 0.01f, radius = (w->tip - w->root) * (0.3f + 0.4f * severity);
            iad_blob_make(&w->blob, rng, turn.c * at, turn.s * at, radius, 1.3f, 0.6f);
            break;
        }
        case SCRATCH: {
            float at = iad_dice_range(rng, w->hub, w->rim);
            float heading = iad_dice_range(rng, 0, 1);
            float length = iad_dice_range(rng, 0.16f, 0.4f);
            float half = 0.006f + 0.008f * severity;
            iad_stroke_make(&w->stroke, rng, turn.c * at, turn.s * at, heading, length, half, 0.3f);
            break;
        }
        case CRACK: {
            float at = w->bore * 0.98f, half = 0.007f + 0.007f * severity,
                  length = (w->root - w->bore) * (0.45f + 0.5f * severity);
            float heading = angle + iad_dice_range(rng, -0.05f, 0.05f);
            iad_crack_make(&w->crack, rng, turn.c * at, turn.s * at, heading, length, half, 2);
            break;
        }
        case GREASE: {
            float at = iad_dice_range(rng, w->hub, w->tip);
            float radius = 0.07f + 0.10f * severity;
            iad_blob_make(&w->blob, rng, turn.c * at, turn.s * at, radius, 1.4f, 0.6f);
            break;
        }
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    gear *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const struct { uint32_t color; float metal, rough; } stuffs[] = {
        {0xa9adb3, 1, 0.36f}, {0xd2ae62, 1, 0.32f}, {0xe6e3da, 0, 0.45f}, {0x3a3d42, 0, 0.4f}};
    static const uint32_t trays[] = {0x24282e, 0x9a958c, 0x3f5873, 0xc4beb2};
    w->teeth = iad_rng_int(design, 15, 26);
    w->tip = iad_dice_range(design, 0.7f, 0.76f);
    w->root = w->tip - 3.6f / (float)w->teeth * w->tip;
    if (w->root < w->tip - 0.15f) w->root = w->tip - 0.15f;
    w->rim = w->root - iad_dice_range(design, 0.07f, 0.11f);
    w->bore = iad_dice_range(design, 0.1f, 0.15f);
    w->hub = w->bore + iad_dice_range(design, 0.07f, 0.11f);
    w->key = iad_dice_range(design, 0.025f, 0.04f);
    w->holes = iad_rng_int(design, 3, 6);
    if (iad_rng_chance(design, 0.25)) w->holes = 0;
    w->hole_at = 0.5f * (w->rim + w->hub);
    w->hole_r = rm_min(0.38f * (w->rim - w->hub), 0.9f / (float)(w->holes ? w->holes : 1) * w->hole_at);
    uint32_t stuff = iad_rng_below(design, 4);
    w->stuff = (int)stuff;
    w->ground = (int)(iad_rng_below(design, 2) + (stuff == 3 ? 2u : 0u));
    uint32_t tray = trays[w->ground];
    w->metal = stuffs[stuff].metal;
    w->rough = stuffs[stuff].rough;
    float x = iad_dice_range(pose, -0.06f, 0.06f);
    float y = iad_dice_range(pose, -0.06f, 0.06f);
    float turns = iad_dice_range(pose, 0, 1);
    float scale = iad_dice_range(pose, 0.97f, 1.04f);
    iad_pose_set(&w->pose, x, y, turns, scale);
    iad_color_vary(stuffs[stuff].color, 0.05f, pose, w->body);
    iad_color_vary(tray, 0.08f, pose, w->tray);
    w->seed = iad_seeds_of(dice);
    float azimuth = 0.6f + iad_dice_range(pose, -0.05f, 0.05f);
    iad_light_set(&scene->light, azimuth, iad_dice_range(pose, 44, 54), 0.62f);
    iad_light_box(&scene->light, azimuth, 58, 20, 0.9f);
    iad_light_box(&scene->light, azimuth + 0.4f, 62, 14, 0.5f);
    scene->light.env_low = 0.12f;
    scene->light.env_high = 0.45f;
    scene->shadow = 0.85f;
    scene->occlusion = 1.3f;
    scene->camera.exposure = iad_dice_range(pose, 0.93f, 1.07f);
    draw_defect(w, dice);
}

/* Distance inwards from the toothed outline (negative outside), about Euclidean. */
static float inside_outline(const gear *w, float r, float angle) {
    float at = rm_frac(angle) * (float)w->teeth;
    int tooth = rm_floor(at);
    float across = rm_abs(at - (float)tooth - 0.5f) * 2;   /* 0 middle of the tooth .. 1 middle of the gap */
    float pitch = RM_TURN * r / (float)w->teeth * 0.5f;    /* half a tooth pitch as a length */
    float height = rm_sat((r - w->root) / (w->tip - w->root));
    float flank = (0.66f - 0.34f * height * (0.6f + 0.4f * height) - across) * pitch;
    float top = w->tip - r;
    if (tooth == w->tooth && w->keep < 1) {
        float rough_edge = 0.014f * iad_noise(w->seed.flaw, at * 5, 0.5f);
        top = w->root + w->keep * (w->tip - w->root) + rough_edge - r;
    }
    float tooth_in = rm_min(flank, top);
    return rm_max(w->root - r, tooth_in);
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const gear *w = context;
    float fine = iad_noise_fbm(w->seed.grain, x * 26, y * 26, 3);
    iad_surface_paint(s, w->tray, 0, 0.8f);
    iad_surface_tint(s, 1 + 0.09f * fine + 0.07f * iad_noise(w->seed.grain + 3, x * 2, y * 2));
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    float r = rm_len(u, v), angle = rm_angle(v, u);
    if (r > w->tip + 0.02f) return;
    float inside = inside_outline(w, r, angle);
    inside = rm_min(inside, r - w->bore);
    if (u > 0) inside = rm_min(inside, rm_max(rm_abs(v) - w->key, u - w->bore - w->key * 1.3f));
    if (w->holes) {
        float sector = rm_frac(angle * (float)w->holes) - 0.5f, a = sector / (float)w->holes;
        float du = r * rm_wave(a + 0.25f) - w->hole_at, dv = r * rm_wave(a);
        inside = rm_min(inside, rm_len(du, dv) - w->hole_r);
    }
    float chip = 9;
    if (w->seed.kind == CHIPPED_TOOTH) {
        chip = iad_blob_at(&w->blob, u, v);
        inside = rm_min(inside, (chip - 1) * 0.05f);
    }
    if (inside <= 0) return;
    float web = rm_smooth(w->hub, w->hub + 0.025f, r) * rm_smooth(w->rim, w->rim - 0.025f, r);
    float edge = rm_sat(inside / 0.022f);
    s->z = 0.13f - 0.05f * web - 0.025f * (1 - edge) * (1 - edge);
    float stain = iad_noise_fbm(w->seed.grain + 5, u * 4, v * 4, 4);
    iad_surface_paint(s, w->body, w->metal, w->rough + 0.05f * stain + 0.08f * web);
    float groove = iad_noise_line(w->seed.pattern, r * 160) * w->metal * (1 - web);
    iad_surface_tint(s, 0.95f + 0.05f * stain + 0.03f * fine + 0.03f * groove);
    float slope = 0.05f * groove / rm_max(r, 0.02f);
    iad_pose_slope(&w->pose, slope * u + 0.03f * fine, slope * v - 0.03f * fine, s);
    if (w->seed.kind == SCRATCH) {
        float along, d = iad_stroke_at(&w->stroke, u, v, &along);
        float k = rm_bump(d / 1.2f);
        s->z -= (0.004f + 0.008f * w->seed.severity) * k;
        s->rough = rm_mix(s->rough, 0.6f, k);
        iad_surface_tint(s, 1 + 0.4f * k * w->seed.severity);
    } else if (w->seed.kind == CRACK) {
        float k = rm_smooth(0.004f, -0.003f, iad_crack_at(&w->crack, u, v));
        s->z -= 0.05f * k;
        s->dark = 0.85f * k;
        iad_surface_tint(s, 1 - 0.6f * k);
    } else if (w->seed.kind == GREASE) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.0f, 0.75f, d);
        const float grease[3] = {0.10f, 0.07f, 0.03f};
        iad_surface_cover(s, k * (0.5f + 0.45f * w->seed.severity), grease, 0, 0.4f);
        s->z += 0.02f * k * (1 + 0.4f * iad_noise(w->seed.flaw, u * 12, v * 12));
    } else if (chip < 2) {
        s->rough = rm_mix(s->rough, 0.75f, rm_smooth(1.6f, 1.0f, chip));
    } else if (w->tooth >= 0 && w->keep < 1 && r > w->root - 0.02f) {
        int tooth = rm_floor(rm_frac(angle) * (float)w->teeth);
        if (tooth == w->tooth) s->sx += 0.5f * iad_noise(w->seed.flaw + 1, u * 50, v * 50);
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const gear *w = context;
    static const char *const materials[] = {"steel", "brass", "white plastic", "dark plastic"};
    static const char *const colors[] = {"silver", "golden", "off-white", "dark grey"};
    static const char *const trays[] = {"dark", "grey", "blue", "light"};
    iad_fact_text(f, "material", materials[w->stuff]);
    iad_fact_text(f, "color", colors[w->stuff]);
    iad_fact_text(f, "tray", trays[w->ground]);
    iad_fact_count(f, "teeth", w->teeth);
    if (w->holes) iad_fact_things(f, "holes", w->holes, "round hole", "round holes");
    else iad_fact_text(f, "holes", "no holes");
}

const iad_render_family iad_family_gear = {
    .name = "gear",
    .text = "spur gear seen along its axis",
    .kinds = {{"missing_tooth", "one tooth is broken off"},
              {"chipped_tooth", "a corner of a tooth is gone"},
              {"scratch", "a line scored into the face"},
              {"crack", "a crack from the bore outwards"},
              {"grease", "a smear of old grease"}},
    .context = sizeof(gear),
    .build = build,
    .facts = facts,
    .surface = surface,
};
