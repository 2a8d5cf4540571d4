/* A blister pack: tablets under clear domes in an embossed foil. */
#include "synth/render/blemish.h"
#include "synth/render/facts.h"
#include "synth/render/families.h"
#include "synth/render/render_math.h"
#include "synth/render/render_noise.h"

#define MAX_CELLS 15

enum { MISSING_PILL, BROKEN_PILL, WRONG_PILL, CRUSHED_DOME, FOREIGN_BODY, FOIL_HOLE };

typedef struct blister {
    iad_pose pose;
    int columns, rows, cells;
    float step_x, step_y, pill_x, pill_y, margin;
    float pill[3], wrong[3], foil[3], tray[3];
    int capsule;                 /* oblong pills */
    int stuff, ground;           /* numbers of the pills' colour and of the tray */
    float emboss, press;
    float dx[MAX_CELLS], dy[MAX_CELLS], turn_c[MAX_CELLS], turn_s[MAX_CELLS]; /* how each pill lies in its pocket */
    iad_seeds seed;
    int hit;                     /* the cell with the defect, -1 none */
    iad_blob blob;
    iad_stroke hair;
    float wrong_size;
} blister;

static void draw_defect(blister *w, iad_dice *dice) {
    iad_rng *rng = &dice->defect;
    float severity = dice->severity;
    w->hit = -1;
    if (dice->kind < 0) return;
    int cell = (int)iad_rng_below(rng, (uint32_t)w->cells);
    float cx = ((float)(cell % w->columns) - 0.5f * (float)(w->columns - 1)) * w->step_x;
    float cy = ((float)(cell / w->columns) - 0.5f * (float)(w->rows - 1)) * w->step_y;
    float ox = w->pill_x * iad_dice_range(rng, -0.7f, 0.7f);
    float oy = w->pill_y * iad_dice_range(rng, -0.7f, 0.7f);
    switch (dice->kind) {
        case FOREIGN_BODY: {
            float heading = iad_dice_range(rng, 0, 1);
            float length = 0.12f + 0.2f * severity;
            iad_stroke_make(&w->hair, rng, cx + ox, cy + oy, heading, length, 0.006f + 0.004f * severity, 1.0f);
            break;
        }
        case FOIL_HOLE: {
            float side = iad_rng_chance(rng, 0.5) ? 0.5f : -0.5f;
            iad_blob_make(&w->blob, rng, cx + side * w->step_x, cy + oy, 0.03f + 0.05f * severity, 1.6f, 0.8f);
            break;
        }
        case BROKEN_PILL: {
            float side = iad_rng_chance(rng, 0.5) ? 1.0f : -1.0f;
            float radius = w->pill_x * (0.35f + 0.45f * severity);
            w->hit = cell;
            iad_blob_make(&w->blob, rng, cx + side * w->pill_x * 0.75f, cy + oy, radius, 1.3f, 0.5f);
            break;
        }
        case CRUSHED_DOME:
            w->hit = cell;
            iad_blob_make(&w->blob, rng, cx + ox, cy + oy, w->pill_x * (0.45f + 0.5f * severity), 1.3f, 0.4f);
            break;
        default: w->hit = cell; break;
    }
    w->wrong_size = iad_dice_range(rng, 0.8f, 0.95f);
    /* from hardly off-white to plainly another colour */
    static const uint32_t others[] = {0xe8d9a8, 0xd99a9a, 0x9cc4d8, 0xc8b48c};
    float other[3];
    iad_color_hex(others[iad_rng_below(rng, 4)], other);
    for (int i = 0; i < 3; i++) w->wrong[i] = rm_mix(w->pill[i], other[i], 0.35f + 0.65f * severity);
}

static void build(iad_dice *dice, void *context, iad_scene *scene) {
    blister *w = context;
    iad_rng *design = &dice->design, *pose = &dice->pose;
    static const uint32_t pills[] = {0xf4f1ea, 0xe9b8b4, 0xf0d98c, 0xc9dceb, 0xe58a4e};
    static const uint32_t trays[] = {0x23272e, 0x35507a, 0x1d3b33};
    w->stuff = (int)iad_rng_below(design, 5);
    w->ground = (int)iad_rng_below(design, 3);
    uint32_t pill = pills[w->stuff], tray = trays[w->ground];
    w->capsule = iad_rng_chance(design, 0.35);
    w->columns = w->capsule ? 2 : 3;
    w->rows = w->capsule ? 5 : (iad_rng_chance(design, 0.5) ? 4 : 3);
    w->cells = w->columns * w->rows;
    w->step_x = 1.5f / (float)w->columns;
    w->step_y = 1.56f / (float)w->rows;
    float least = rm_min(w->step_x, w->step_y);
    w->pill_x = (w->capsule ? 0.36f : 0.3f) * (w->capsule ? w->step_x : least);
    w->pill_y = w->capsule ? 0.27f * w->step_y : w->pill_x;
    w->emboss = iad_dice_range(design, 26, 34);
    w->press = iad_dice_range(design, 0.10f, 0.18f);
    float x = iad_dice_range(pose, -0.03f, 0.03f);
    float y = iad_dice_range(pose, -0.03f, 0.03f);
    float turns = iad_dice_range(pose, -0.012f, 0.012f);
    iad_pose_set(&w->pose, x, y, turns, 1);
    iad_color_vary(pill, 0.02f, pose, w->pill);
    iad_color_vary(0xc6c8cc, 0.03f, pose, w->foil);
    iad_color_vary(tray, 0.08f, pose, w->tray);
    for (int i = 0; i < MAX_CELLS; i++) {
        iad_pose lie;
        iad_pose_set(&lie, 0, 0, iad_dice_range(pose, -0.5f, 0.5f) * (w->capsule ? 0.05f : 1.0f), 1);
        w->dx[i] = iad_dice_range(pose, -0.06f, 0.06f) * w->pill_y;
        w->dy[i] = iad_dice_range(pose, -0.06f, 0.06f) * w->pill_y;
        w->turn_c[i] = lie.c;
        w->turn_s[i] = lie.s;
    }
    w->seed = iad_seeds_of(dice);
    float azimuth = 0.64f + iad_dice_range(pose, -0.03f, 0.03f);
    iad_light_set(&scene->light, azimuth, 50, 0.55f);
    iad_light_box(&scene->light, azimuth, 48, 11, 2.8f);
    iad_light_box(&scene->light, azimuth + 0.5f, 62, 18, 0.6f);
    scene->light.env_low = 0.15f;
    scene->light.env_high = 0.5f;
    scene->shadow = 0.45f;
    scene->camera.exposure = iad_dice_range(pose, 0.93f, 1.05f);
    draw_defect(w, dice);
}

/* Foil at (u, v): a diamond knurl pressed into aluminium, and printed lettering bars. */
static void paint_foil(const blister *w, float u, float v, iad_surface *s) {
    float a = rm_triangle((u + v) * w->emboss * 0.5f), b = rm_triangle((u - v) * w->emboss * 0.5f);
    float crumple = iad_noise_fbm(w->seed.grain + 1, u * 3.5f, v * 3.5f, 3);
    iad_surface_paint(s, w->foil, 1, 0.34f);
    s->z = 0.02f;
    float flat = 0.7f + 0.3f * crumple;
    iad_pose_slope(&w->pose, w->press * flat * (a - 0.5f + b - 0.5f) + 0.06f * crumple,
                   w->press * flat * (a - b) - 0.05f * crumple, s);
    iad_surface_tint(s, 0.94f + 0.05f * crumple);
}

/* The pill in cell coordinates (pu, pv): height above its lowest point, 0 outside. */
static float pill_height(const blister *w, float pu, float pv, float *edge) {
    float h;
    if (w->capsule) {
        float d = -rm_box(pu, pv, w->pill_x, w->pill_y, w->pill_y);
        *edge = d;
        if (d <= 0) return 0;
        float q = 1 - rm_sat(d / w->pill_y);
        h = w->pill_y * sqrtf(rm_max(0, 1 - q * q));
    } else {
        float r = rm_len(pu, pv), d = w->pill_x - r;
        *edge = d;
        if (d <= 0) return 0;
        float q = 1 - rm_sat(d / (0.3f * w->pill_x));
        h = w->pill_x * (0.34f + 0.10f * (1 - rm_sq(r / w->pill_x)) - 0.14f * q * q);
        float score = rm_bump(pv / (0.075f * w->pill_x));
        h -= 0.07f * w->pill_x * score;
    }
    return h;
}

static void surface(const void *context, float x, float y, iad_surface *s) {
    const blister *w = context;
    iad_surface_paint(s, w->tray, 0, 0.8f);
    iad_surface_tint(s, 1 + 0.12f * iad_noise_fbm(w->seed.grain, x * 20, y * 20, 3));
    float u, v;
    iad_pose_local(&w->pose, x, y, &u, &v);
    if (rm_box(u, v, 0.88f, 0.9f, 0.09f) > 0) return;
    paint_foil(w, u, v, s);
    float fx = u / w->step_x + 0.5f * (float)w->columns, fy = v / w->step_y + 0.5f * (float)w->rows;
    int column = rm_floor(fx), row = rm_floor(fy);
    if (w->seed.kind == FOIL_HOLE) {
        float d = iad_blob_at(&w->blob, u, v);
        float k = rm_smooth(1.0f, 0.9f, d);
        iad_surface_cover(s, k, w->tray, 0, 0.8f);
        s->dark = 0.6f * k;
        s->z -= 0.03f * k;
        s->sx += 0.8f * rm_bump((d - 1.15f) / 0.3f) * iad_noise(w->seed.flaw, u * 25, v * 25);
    }
    if (column >= 0 && row >= 0 && column < w->columns && row < w->rows) {
        int cell = row * w->columns + column;
        float cu = (fx - (float)column - 0.5f) * w->step_x, cv = (fy - (float)row - 0.5f) * w->step_y;
        float room_x = w->pill_x * 1.24f, room_y = w->pill_y * 1.24f;
        float corner = rm_min(room_x, room_y);
        float wall = -rm_box(cu, cv, room_x, room_y, corner);
        if (wall > -0.02f) {
            /* The pocket: clear film over foil, with the pill below it. */
            float pu = w->turn_c[cell] * (cu - w->dx[cell]) + w->turn_s[cell] * (cv - w->dy[cell]);
            float pv = w->turn_c[cell] * (cv - w->dy[cell]) - w->turn_s[cell] * (cu - w->dx[cell]);
            int hit = cell == w->hit;
            if (hit && w->seed.kind == WRONG_PILL) pu /= w->wrong_size, pv /= w->wrong_size;
            float edge, h = pill_height(w, pu, pv, &edge);
            if (hit && w->seed.kind == MISSING_PILL) h = 0;
            float cut = 9;
            if (hit && w->seed.kind == BROKEN_PILL) {
                cut = iad_blob_at(&w->blob, u, v);
                if (cut < 1) h = 0;
            }
            float inside = rm_smooth(0, 0.02f, wall);
            if (h > 0) {
                const float *color = hit && w->seed.kind == WRONG_PILL ? w->wrong : w->pill;
                float speckle = iad_noise_fbm(w->seed.grain + 7, u * 45, v * 45, 2);
                iad_surface_paint(s, color, 0, 0.28f);
                iad_surface_tint(s, 1 + 0.03f * speckle);
                s->sx = s->sy = 0;
                s->z = 0.03f + h;
                if (cut < 1.25f) iad_surface_tint(s, 0.86f + 0.1f * iad_noise(w->seed.flaw, u * 60, v * 60));
            } else {
                iad_surface_tint(s, rm_mix(1, 0.72f, inside));
                if (cut < 2.0f && edge > -0.3f * w->pill_x) {
                    float crumbs = iad_noise_fbm(w->seed.flaw + 3, u * 50, v * 50, 2) + 0.4f * (1.2f - cut);
                    iad_surface_cover(s, rm_smooth(0.35f, 0.5f, crumbs), w->pill, 0, 0.8f);
                }
            }
            /* The film's dome puts its own slope on top: highlights run round the pocket. */
            float rise = rm_bump((wall - 0.015f) / 0.035f);
            float length = rm_max(rm_len(cu, cv), 1e-3f);
            iad_pose_slope(&w->pose, -1.1f * rise * cu / length, -1.1f * rise * cv / length, s);
            s->rough = rm_mix(s->rough, 0.12f, 0.8f * inside);
            s->metal *= 1 - 0.5f * rise;
            if (hit && w->seed.kind == CRUSHED_DOME) {
                float d = iad_blob_at(&w->blob, u, v);
                float k = rm_smooth(1.0f, 0.5f, d);
                float fold = iad_noise_fbm(w->seed.flaw, u * 9, v * 9, 3);
                float fold2 = iad_noise_fbm(w->seed.flaw + 9, u * 9, v * 9, 3);
                s->sx += 1.5f * k * fold;
                s->sy += 1.5f * k * fold2;
                const float haze[3] = {0.8f, 0.8f, 0.82f};
                iad_surface_cover(s, 0.35f * k * (0.5f + 0.5f * w->seed.severity), haze, 0.3f, 0.2f);
            }
        }
    }
    if (w->seed.kind == FOREIGN_BODY) {
        float along, d = iad_stroke_at(&w->hair, u, v, &along);
        const float hair[3] = {0.03f, 0.02f, 0.015f};
        iad_surface_cover(s, 0.9f * rm_smooth(1.2f, 0.7f, d), hair, 0, 0.5f);
    }
}

static void facts(const void *context, iad_render_facts *f) {
    const blister *w = context;
    static const char *const colors[] = {"white", "pink", "yellow", "pale blue", "orange"};
    static const char *const trays[] = {"dark grey", "blue", "dark green"};
    iad_fact_text(f, "color", colors[w->stuff]);
    iad_fact_text(f, "tray", trays[w->ground]);
    iad_fact_text(f, "form", w->capsule ? "oblong" : "round");
    iad_fact_count(f, "count", w->cells);
    iad_fact_count(f, "rows", w->rows);
    iad_fact_count(f, "columns", w->columns);
}

const iad_render_family iad_family_blister = {
    .name = "blister_pack",
    .text = "tablets under clear domes in an embossed foil",
    .kinds = {{"missing_pill", "an empty pocket"},
              {"broken_pill", "part of a tablet is gone, crumbs remain"},
              {"wrong_pill", "a tablet of another colour and size"},
              {"crushed_dome", "the film over a pocket is dented"},
              {"foreign_body", "a hair on the pack"},
              {"foil_hole", "the foil is torn open"}},
    .context = sizeof(blister),
    .build = build,
    .facts = facts,
    .surface = surface,
};
