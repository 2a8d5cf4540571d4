/* A populated circuit board: traces under solder mask, pads, small parts, silk screen. The layout is the design. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/glyphs.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

#define MAX_PARTS 16
#define MAX_TRACES 60
#define MAX_VIAS 14

enum { MISSING_PART, SHIFTED_PART, WRONG_PART, SOLDER_BRIDGE, SCRATCH, FLUX };
enum { RESISTOR, CAPACITOR, CHIP, CAN, LED };

typedef struct part {
    int type, turned;       /* turned: long side along v */
    float u, v, hx, hy;     /* centre; half sizes along and across the part */
    int leads;              /* per long side of a chip */
} part;

typedef struct board {
    iad_pose pose;
    part parts[MAX_PARTS];
    int n_parts, n_traces, n_vias;
    int stuff;              /* number of the solder mask's colour */
    float ax[MAX_TRACES], ay[MAX_TRACES], bx[MAX_TRACES], by[MAX_TRACES], width[MAX_TRACES];
    float via_u[MAX_VIAS], via_v[MAX_VIAS];
    float off_u[MAX_PARTS], off_v[MAX_PARTS], off_turn[MAX_PARTS]; /* placement tolerance */
    float mask[3], copper[3], silk[3], tan[3], black[3], tin[3], lamp[3];
    iad_seeds seed;
    int hit;
    float shift_u, shift_v, shift_turn;
    iad_blob blob;
    iad_stroke stroke;
} board;

static void add_trace(board *w, float ax, float ay, float bx, float by, float width) {
    if (w->n_traces == MAX_TRACES || (ax == bx && ay == by)) return;
    int i = w->n_traces++;
    w->ax[i] = ax;
    w->ay[i] = ay;
    w->bx[i] = bx;
    w->by[i] = by;
    w->width[i] = width;
}

/* From a to b with one 45 degree piece. */
static void route(board *w, float ax, float ay, float bx, float by, float width) {
    float dx = bx - ax, dy = by - ay, slant = rm_min(rm_abs(dx), rm_abs(dy));
    float sx = dx < 0 ? -slant : slant, sy = dy < 0 ? -slant : slant;
    add_trace(w, ax, ay, bx - sx, by - sy, width);
    add_trace(w, bx - sx, by - sy, bx, by, width);
}

static int collides(const board *w, const part *p) {
    float px = (p->turned ? p->hy : p->hx) + 0.05f, py = (p->turned ? p->hx : p->hy) + 0.05f;
    if (rm_abs(p->u) + px > 0.97f || rm_abs(p->v) + py > 0.97f) return 1;
    for (int i = 0; i < w->n_parts; i++) {
        const part *q = &w->parts[i];
        float qx = q->turned ? q->hy : q->hx, qy = q->turned ? q->hx : q->hy;
        if (rm_abs(p->u - q->u) < px + qx && rm_abs(p->v - q->v) < py + qy) return 1;
    }
    return 0;
}

static void place_parts(board *w, iad_rng *design) {
    static const int wanted[MAX_PARTS] = {CHIP, CAN, CHIP, RESISTOR, CAPACITOR, LED, RESISTOR, RESISTOR,
                                          CAPACITOR, RESISTOR, LED, CAPACITOR, RESISTOR, CAPACITOR, RESISTOR, RESISTOR};
    for (int i = 0; i < MAX_PARTS; i++) {
        for (int attempt = 0; attempt < 30; attempt++) {
            part p = {.type = wanted[i]};
            p.turned = iad_rng_chance(design, 0.5);
            p.u = 0.04f * (float)iad_rng_int(design, -22, 22);
            p.v = 0.04f * (float)iad_rng_int(design, -22, 22);
            p.leads = iad_rng_int(design, 4, 7);
            switch (p.type) {
                case CHIP: p.hx = 0.045f * (float)p.leads + 0.02f, p.hy = 0.23f; break;
                case CAN: p.hx = p.hy = 0.17f; break;
                case LED: p.hx = 0.115f, p.hy = 0.065f; break;
                default: p.hx = 0.125f, p.hy = 0.055f; break;
            }
            if (collides(w, &p)) continue;
            w->parts[w->n_parts++] = p;
            break;
        }
    }
}

static void place_traces(board *w, iad_rng *design) {
    for (int i = 0; i + 1 < w->n_parts; i++) {
        const part *p = &w->parts[i];
        int n = p->type == CHIP ? 5 : 1;
        for (int k = 0; k < n; k++) {
            const part *q = &w->parts[(i + 1 + k * 3) % w->n_parts];
            float along = p->type == CHIP ? ((float)k - 2) * 0.09f : p->hx, across = p->type == CHIP ? 0.2f : 0;
            float au = p->turned ? across : along, av = p->turned ? along : across;
            float bu = q->turned ? 0 : q->hx, bv = q->turned ? q->hx : 0;
            route(w, p->u + au, p->v + av, q->u - bu, q->v - bv, k == 0 ? 0.016f : 0.010f);
        }
    }
    for (int i = 0; i < MAX_VIAS; i++) {
        part p = {.hx = 0.03f, .hy = 0.03f};
        p.u = 0.05f * (float)iad_rng_int(design, -18, 18);
        p.v = 0.05f * (float)iad_rng_int(design, -18, 18);
        if (collides(w, &p)) continue;
        w->via_u[w->n_vias] = p.u;
        w->via_v[w->n_vias++] = p.v;
        float far = 0.08f * (float)iad_rng_int(design, -5, 5);
        route(w, p.u, p.v, p.u + far, p.v + 0.2f, 0.010f);
    }
}

static void draw_defect(board *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    w->hit = -1;
    if (dice->kind < 0) return;
    int chip = 0;
    for (int i = 0; i < w->n_parts; i++) {
        if (w->parts[i].type == CHIP) chip = i;
    }
    int small = (int)iad_rng_below(rng, (uint32_t)w->n_parts);
    while (w->parts[small].type == CHIP) small = (small + 1) % w->n_parts;
    float u = iad_dice_range(rng, -0.7f, 0.7f);
    float v = iad_dice_range(rng, -0.7f, 0.7f);
    float sign = iad_rng_chance(rng, 0.5) ? 1.0f : -1.0f;
    switch (dice->kind) {
        case MISSING_PART:
        case WRONG_PART: w->hit = small; break;
        case SHIFTED_PART:
            w->hit = small;
            w->shift_u = sign * (0.015f + 0.04f * severity);
            w->shift_v = sign * (0.01f + 0.03f * severity);
            w->shift_turn = sign * (0.015f + 0.075f * severity);
            break;
        case SOLDER_BRIDGE: {
            const part *p = &w->parts[chip];
            float along = ((float)iad_rng_int(rng, 0, p->leads - 2) - 0.5f * (float)(p->leads - 2)) * 0.09f;
            float across = sign * (p->hy - 0.045f);
            float bu = p->u + (p->turned ? across : along), bv = p->v + (p->turned ? along : across);
            iad_blob_make(&w->blob, rng, bu, bv, 0.035f + 0.025f * severity, 1.2f, 0.4f);
            break;
        }
        case SCRATCH: {
            float heading = iad_dice_range(rng, 0, 1);
            float length = iad_dice_range(rng, 0.25f, 0.7f);
            iad_stroke_make(&w->stroke, rng, u, v, heading, length, 0.006f + 0.008f * severity, 0.2f);
            break;
        }
        case FLUX: iad_blob_make(&w->blob, rng, u, v, 0.09f + 0.16f * severity, 1.5f, 0.8f); break;
        default: break;
    }
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    board *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t masks[] = {0x14532d, 0x12407a, 0x0f5a4a, 0x7a1f1f};
    static const uint32_t lamps[] = {0xf2e9c0, 0xe6e8ea, 0xd9c86a};
    w->stuff = (int)iad_rng_below(design, 4);
    uint32_t mask = masks[w->stuff], lamp = lamps[iad_rng_below(design, 3)];
    place_parts(w, design);
    place_traces(w, design);
    float x = iad_dice_range(pose, -0.015f, 0.015f);
    float y = iad_dice_range(pose, -0.015f, 0.015f);
    float turns = iad_dice_range(pose, -0.006f, 0.006f);
    iad_pose_set(&w->pose, x, y, turns, 1);
    iad_color_vary(mask, 0.08f, pose, w->mask);
    iad_color_hex(0xc98b4e, w->copper);
    iad_color_hex(0xe6e8e4, w->silk);
    iad_color_vary(0xb08d5e, 0.08f, pose, w->tan);
    iad_color_hex(0x1c1c1f, w->black);
    iad_color_vary(0xc2c4c8, 0.03f, pose, w->tin);
    iad_color_vary(lamp, 0.03f, pose, w->lamp);
    for (int i = 0; i < MAX_PARTS; i++) {
        w->off_u[i] = iad_dice_range(pose, -0.006f, 0.006f);
        w->off_v[i] = iad_dice_range(pose, -0.006f, 0.006f);
        w->off_turn[i] = iad_dice_range(pose, -0.006f, 0.006f);
    }
    w->seed = iad_seeds_of(dice);
    float azimuth = 0.62f + iad_dice_range(pose, -0.04f, 0.04f);
    iad_light_set(&scene->light, azimuth, 55, 0.6f);
    iad_light_box(&scene->light, azimuth, 48, 14, 1.4f);
    iad_light_box(&scene->light, azimuth + 0.5f, 60, 16, 0.8f);
    scene->light.env_low = 0.12f;
    scene->light.env_high = 0.3f;
    scene->shadow = 0.8f;
    scene->occlusion = 1.5f;
    scene->occlusion_radius = 0.08f;
    scene->camera.exposure = iad_dice_range(pose, 1.1f, 1.3f);
    draw_defect(w, dice);
}

static void paint_laminate(const board *w, float u, float v, iad_surface *s) {
    float weave = iad_noise(w->seed.pattern, u * 70, v * 9) + iad_noise(w->seed.pattern + 1, u * 9, v * 70);
    iad_surface_paint(s, w->mask, 0, 0.3f);
    float mottle = iad_noise_fbm(w->seed.grain + 1, u * 8, v * 8, 3);
    iad_surface_tint(s, 1 + 0.04f * weave + 0.07f * mottle);
    float best = 9;
    for (int i = 0; i < w->n_traces; i++) {
        float room = w->width[i] + 0.02f;
        if (u < rm_min(w->ax[i], w->bx[i]) - room || u > rm_max(w->ax[i], w->bx[i]) + room) continue;
        if (v < rm_min(w->ay[i], w->by[i]) - room || v > rm_max(w->ay[i], w->by[i]) + room) continue;
        float t, d = rm_segment(u, v, w->ax[i], w->ay[i], w->bx[i], w->by[i], &t) - w->width[i];
        best = rm_min(best, d);
    }
    float k = rm_smooth(0.006f, -0.006f, best);
    s->z = 0.008f * k;
    s->r = rm_mix(s->r, s->r * 1.6f + 0.05f, k);
    s->g = rm_mix(s->g, s->g * 1.6f + 0.05f, k);
    s->b = rm_mix(s->b, s->b * 1.4f + 0.02f, k);
    for (int i = 0; i < w->n_vias; i++) {
        float r = rm_len(u - w->via_u[i], v - w->via_v[i]);
        if (r > 0.04f) continue;
        iad_surface_cover(s, rm_smooth(0.034f, 0.028f, r), w->tin, 1, 0.35f);
        s->dark = 0.9f * rm_smooth(0.018f, 0.012f, r);
    }
    if (w->seed.kind == SCRATCH) {
        float along, d = iad_stroke_at(&w->stroke, u, v, &along);
        float bare = rm_bump(d / 1.3f);
        float pale[3] = {s->r * 1.6f + 0.12f, s->g * 1.3f + 0.10f, s->b * 1.3f + 0.07f};
        iad_surface_cover(s, bare, k > 0.5f ? w->copper : pale, k > 0.5f ? 1.0f : 0.0f, 0.6f);
        s->z -= 0.006f * bare;
    }
}

/* Tin on a pad with half sizes (hx, hy); a fillet rises towards +u by `rise`. */
static void paint_pad(const board *w, float pu, float pv, float hx, float hy, float rise, iad_surface *s) {
    float d = rm_box(pu, pv, hx, hy, 0.012f);
    float k = rm_smooth(0.004f, -0.004f, d);
    if (k <= 0) return;
    iad_surface_cover(s, k, w->tin, 1, 0.3f);
    float dome = rm_sat(-d / 0.03f);
    s->z = rm_max(s->z, 0.012f + 0.015f * dome + rise * rm_sat(0.5f + 0.5f * pu / hx));
}

/* Part i's body and pads at local coordinates (pu, pv): along and across. */
static void paint_part(const board *w, int i, float pu, float pv, float bu, float bv, int type, int hide,
                       iad_surface *s) {
    const part *p = &w->parts[i];
    if (p->type == CHIP) {
        float body_y = p->hy - 0.075f;
        float slot = pu / 0.09f + 0.5f * (float)p->leads;
        int lead = rm_floor(slot);
        if (lead >= 0 && lead < p->leads) {
            float du = (slot - (float)lead - 0.5f) * 0.09f, dv = rm_abs(pv) - (p->hy - 0.035f);
            paint_pad(w, -dv, du, 0.045f, 0.026f, 0, s);
            if (rm_abs(du) < 0.018f && rm_abs(pv) < p->hy - 0.02f && rm_abs(pv) > body_y - 0.01f) {
                float run = (p->hy - 0.02f - rm_abs(pv)) / 0.06f; /* 0 foot .. 1 at the body */
                iad_surface_paint(s, w->tin, 1, 0.3f);
                s->z = 0.03f + 0.05f * rm_smooth(0.3f, 0.75f, run);
            }
        }
        float d = rm_box(bu, bv, p->hx, body_y, 0.01f);
        if (d < 0) {
            float fine = iad_noise_fbm(w->seed.grain + 21, bu * 60, bv * 60, 2);
            iad_surface_paint(s, w->black, 0, 0.5f);
            s->z = 0.12f - 0.02f * rm_sq(1 - rm_sat(-d / 0.025f));
            s->sx = 0.06f * fine;
            float dot = rm_len(bu + p->hx - 0.05f, bv - body_y + 0.05f);
            s->z -= 0.008f * rm_smooth(0.022f, 0.016f, dot);
            s->dark = 0.5f * rm_smooth(0.022f, 0.016f, dot);
            float mark = iad_glyph_line(w->seed.pattern + (uint32_t)i, 5, (bu + 0.7f * p->hx) / 0.042f,
                                        (bv + 0.035f) / 0.07f, 0.2f);
            const float grey[3] = {0.35f, 0.35f, 0.35f};
            iad_surface_cover(s, 0.8f * mark, grey, 0, 0.6f);
        }
        return;
    }
    if (p->type == CAN) {
        float r = rm_len(bu, bv);
        paint_pad(w, rm_abs(pu) - 0.13f, pv, 0.05f, 0.03f, 0, s);
        if (hide) return;
        float base = rm_box(bu, bv, 0.155f, 0.155f, 0.04f);
        if (base < 0) {
            iad_surface_paint(s, w->black, 0, 0.5f);
            s->z = 0.05f;
        }
        if (r < 0.145f) {
            float edge = rm_sat((0.145f - r) / 0.03f);
            iad_surface_paint(s, w->tin, 1, 0.3f);
            s->z = 0.26f - 0.03f * rm_sq(1 - edge) - 0.012f * rm_bump((r - 0.112f) / 0.012f);
            float stripe = type == CAN ? bu : -bu; /* polarity mark */
            if (stripe < -0.075f && r < 0.11f) iad_surface_cover(s, 0.93f, w->black, 0, 0.4f);
            s->sx = 0.03f * iad_noise(w->seed.grain + 31, bu * 90, bv * 8);
        }
        return;
    }
    float end = p->hx * 0.72f;
    paint_pad(w, p->hx + 0.012f - rm_abs(pu), pv, 0.05f, p->hy * 0.95f, hide ? 0 : 0.03f, s);
    if (hide) return;
    float d = rm_box(bu, bv, p->hx * 0.92f, p->hy * 0.85f, 0.008f);
    if (d >= 0) return;
    const float *color = type == RESISTOR ? w->black : type == CAPACITOR ? w->tan : w->lamp;
    iad_surface_paint(s, color, 0, type == LED ? 0.25f : 0.45f);
    s->z = 0.055f + 0.02f * (type == CAPACITOR) - 0.012f * rm_sq(1 - rm_sat(-d / 0.015f));
    if (type == RESISTOR) {
        float mark =
            iad_glyph_line(w->seed.pattern + 40 + (uint32_t)i, 3, (bu + 0.065f) / 0.034f, (bv + 0.028f) / 0.056f, 0.2f);
        iad_surface_cover(s, 0.85f * mark, w->silk, 0, 0.6f);
    }
    if (rm_abs(bu) > end) iad_surface_paint(s, w->tin, 1, 0.32f);
    if (type == LED && rm_abs(bu) <= end) {
        float r = rm_len(bu, bv);
        s->z += 0.02f * rm_sat(1 - rm_sq(r / 0.05f));
        iad_surface_tint(s, 0.6f + 0.4f * rm_smooth(0.015f, 0.03f, r));
    }
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const board *w = context;
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    paint_laminate(w, u, v, s);
    for (int i = 0; i < w->n_parts; i++) {
        const part *p = &w->parts[i];
        float reach = p->hx + p->hy + 0.1f;
        if (rm_abs(u - p->u) > reach || rm_abs(v - p->v) > reach) continue;
        float pu = p->turned ? v - p->v : u - p->u, pv = p->turned ? u - p->u : v - p->v;
        float frame = rm_abs(rm_box(pu, pv, p->hx + 0.055f, p->hy + 0.03f, 0.01f));
        if (p->type != CAN)
            iad_surface_cover(s, 0.85f * rm_smooth(0.007f, 0.003f, frame) * (rm_abs(pv) > 0.6f * p->hy), w->silk, 0,
                              0.7f);
        float du = pu - w->off_u[i], dv = pv - w->off_v[i], turn = w->off_turn[i] * RM_TURN;
        int hit = i == w->hit, type = p->type;
        if (hit) {
            du -= w->shift_u;
            dv -= w->shift_v;
            turn += w->shift_turn * RM_TURN;
            if (w->seed.kind == WRONG_PART)
                type = type == RESISTOR ? CAPACITOR : type == CAPACITOR ? RESISTOR : type == LED ? CAPACITOR : CHIP;
        }
        float c = 1 - 0.5f * turn * turn, q = turn; /* small angles */
        paint_part(w, i, pu, pv, c * du + q * dv, c * dv - q * du, type, hit && w->seed.kind == MISSING_PART, s);
    }
    if (w->seed.kind == SOLDER_BRIDGE) {
        float d = iad_blob_at(&w->blob, u, v);
        if (d < 1) {
            float h = 0.03f + 0.05f * sqrtf(1 - d);
            if (h > s->z) {
                s->z = h;
                s->sx = s->dark = 0;
                iad_surface_paint(s, w->tin, 1, 0.25f);
            }
        }
    } else if (w->seed.kind == FLUX) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.0f, 0.8f, d), ring = rm_bump((d - 0.92f) / 0.14f);
        const float amber[3] = {0.30f, 0.16f, 0.05f};
        iad_surface_cover(s,
                          (0.16f + 0.4f * w->seed.severity) * k *
                                  (0.7f + 0.3f * iad_noise_fbm(w->seed.flaw, u * 10, v * 10, 3)) +
                              0.25f * ring,
                          amber, 0, 0.12f);
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const board *w = context;
    static const char *const colors[] = {"green", "blue", "blue-green", "red"};
    int count[LED + 1] = {0};
    for (int i = 0; i < w->n_parts; i++) count[w->parts[i].type]++;
    iad_fact_text(f, "color", colors[w->stuff]);
    iad_fact_things(f, "parts", w->n_parts, "component", "components");
    iad_fact_things(f, "chips", count[CHIP], "integrated circuit", "integrated circuits");
    iad_fact_things(f, "cans", count[CAN], "round metal can", "round metal cans");
    iad_fact_things(f, "resistors", count[RESISTOR], "resistor", "resistors");
    iad_fact_things(f, "capacitors", count[CAPACITOR], "tan chip capacitor", "tan chip capacitors");
    iad_fact_things(f, "leds", count[LED], "light-emitting diode", "light-emitting diodes");
}

const iad_render_family iad_family_board = {
    .name = "circuit_board",
    .text = "populated circuit board",
    .kinds = {{"missing_part", "bare pads where a part should be"},
              {"shifted_part", "a part sits askew on its pads"},
              {"wrong_part", "another part, or one turned round"},
              {"solder_bridge", "solder joins two leads"},
              {"scratch", "the solder mask is scratched to the copper"},
              {"flux_residue", "a dried amber stain"}},
    .context = sizeof(board),
    .build = build,
    .facts = facts,
    .surface = surface,
};
