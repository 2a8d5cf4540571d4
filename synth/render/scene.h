/* What a family hands to the renderer: a surface function and the light and camera it is seen with.
 *
 * Picture coordinates: x to the right, y down, both -1..1 over the square picture; heights z in the same unit, towards
 * the camera, which looks straight down (geometry is orthographic; reflections know the real view direction). Colours
 * are linear light, 0..1. */
#ifndef IAD_RENDER_SCENE_H
#define IAD_RENDER_SCENE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

/* One visible surface point. */
typedef struct iad_surface {
    float z;             /* height; the renderer takes normals, occlusion and shadows from it */
    float r, g, b;       /* base colour: albedo of a dielectric, reflectance of a metal */
    float metal;         /* 0 dielectric .. 1 metal */
    float rough;         /* 0.05 mirror .. 1 matt */
    float sx, sy;        /* slopes dz/dx, dz/dy of grain too fine for z, added to those of z */
    float glow;          /* light given off, as a multiple of the base colour (backlit glass, lamps) */
    float dark;          /* 0..1 extra occlusion of ambient and reflected light (deep holes, gaps) */
} iad_surface;

#define IAD_SCENE_BOXES 3

/* A softbox seen in reflections: unit direction, cosine of its half opening, strength, softness of its rim in cosine.
 */
typedef struct iad_softbox {
    float x, y, z, cosine, power, soft;
} iad_softbox;

typedef struct iad_light {
    float x, y, z;        /* unit vector to the key light */
    float key[3];         /* its colour times strength */
    float sky[3];         /* ambient light from above */
    float ground[3];      /* ambient light from the sides */
    float spread;         /* apparent size of the key light: width of penumbrae per distance, widens highlights */
    float falloff_x, falloff_y; /* relative change of the key light from the centre to the right and bottom edge */
    float perspective; /* the view direction at (x, y) is (-x, -y, 1/perspective): reflections drift over flat faces */
    float env_low, env_high; /* brightness of the surroundings in reflections: at the horizon and straight up */
    iad_softbox box[IAD_SCENE_BOXES];
    int boxes;
} iad_light;

typedef struct iad_camera {
    float exposure;       /* factor before the tone curve */
    float blur;           /* lens blur, sigma in thousandths of the picture side */
    float vignette;       /* loss of light in the corners, 0..1 */
    float noise;          /* sensor noise: standard deviation at mid grey in 8-bit levels */
    float shift_x, shift_y; /* optical centre of the vignette */
    int grey;             /* 1: monochrome camera */
} iad_camera;

typedef struct iad_scene {
    iad_light light;
    iad_camera camera;
    float shadow;         /* strength of cast shadows 0..1; 0 skips the pass (flat textures) */
    float occlusion;      /* strength of ambient occlusion 0..~3; 0 skips the pass */
    float occlusion_radius; /* reach of the coarse occlusion scale */
} iad_scene;

/* The dice of one picture. `design` is the same for all pictures of a category (it makes the product), `pose` belongs
 * to the picture, `defect` to the defect: drawing from one never moves another, so a picture and its defective twin
 * share a scene. */
typedef struct iad_dice {
    iad_rng design, pose, defect;
    uint32_t pattern; /* noise seed of the design */
    uint32_t grain;   /* noise seed of the picture */
    uint32_t flaw;    /* noise seed of the defect */
    int kind;         /* index into the family's kinds, -1 for a good part */
    float severity;   /* 0.25 hardly visible .. 1 plain */
} iad_dice;

typedef struct iad_render_kind {
    const char *name;   /* folder name, [a-z_]+ */
    const char *text;   /* one sentence: what it is */
} iad_render_kind;

#define IAD_RENDER_MAX_KINDS 8

struct iad_render_facts;

typedef struct iad_render_family {
    const char *name;
    const char *text;
    iad_render_kind kinds[IAD_RENDER_MAX_KINDS]; /* up to the first without a name */
    size_t context;       /* bytes of the context that build fills and surface reads */
    /* Draws the product, its pose, the light, and the defect dice->kind into context (zeroed) and *scene (defaults
     * set). Must take the same numbers from dice->design and dice->pose whatever the kind. */
    void (*build)(iad_dice *dice, void *context, iad_scene *scene);
    /* What the product is, in words for captions (facts.h): true of the design, whatever the pose. */
    void (*facts)(const void *context, struct iad_render_facts *facts);
    /* The surface at (x, y); *s holds a matt mid grey at z = 0 on entry. Pure. */
    void (*surface)(const void *context, float x, float y, iad_surface *s);
} iad_render_family;

/* ---- for build functions ----
 * One draw per statement: C leaves the order of two draws in one call or expression open, and with it the picture. */

float iad_dice_range(iad_rng *rng, float lo, float hi);

/* Linear light of an sRGB colour given as 0xRRGGBB. */
void iad_color_hex(uint32_t hex, float rgb[3]);
/* The same, each channel and the whole varied by up to +-amount (relative). */
void iad_color_vary(uint32_t hex, float amount, iad_rng *rng, float rgb[3]);

/* Key light from azimuth (turns, 0 = from the right, 0.25 = from below) and elevation (degrees above the table), with
 * `ratio` of the light in the key and the rest in the sky; total 1. */
void iad_light_set(iad_light *light, float azimuth, float elevation, float ratio);
/* Adds a softbox at azimuth / elevation, half opening in degrees. */
void iad_light_box(iad_light *light, float azimuth, float elevation, float opening, float power);

/* The part of the dice that surface functions need. */
typedef struct iad_seeds {
    uint32_t pattern, grain, flaw;
    int kind;
    float severity;
} iad_seeds;
static inline iad_seeds iad_seeds_of(const iad_dice *dice) {
    return (iad_seeds){dice->pattern, dice->grain, dice->flaw, dice->kind, dice->severity};
}

/* Where the object lies in the picture. */
typedef struct iad_pose {
    float x, y, c, s, scale;
} iad_pose;
void iad_pose_set(iad_pose *pose, float x, float y, float turns, float scale);

/* ---- for surface functions ---- */

static inline void iad_pose_local(const iad_pose *p, float x, float y, float *u, float *v) {
    float dx = (x - p->x) / p->scale, dy = (y - p->y) / p->scale;
    *u = p->c * dx + p->s * dy;
    *v = p->c * dy - p->s * dx;
}

static inline void iad_pose_world(const iad_pose *p, float u, float v, float *x, float *y) {
    *x = p->x + p->scale * (p->c * u - p->s * v);
    *y = p->y + p->scale * (p->s * u + p->c * v);
}

/* A slope given in the object's axes, turned into the picture's. */
static inline void iad_pose_slope(const iad_pose *p, float su, float sv, iad_surface *s) {
    s->sx += p->c * su - p->s * sv;
    s->sy += p->s * su + p->c * sv;
}

static inline void iad_surface_paint(iad_surface *s, const float rgb[3], float metal, float rough) {
    s->r = rgb[0];
    s->g = rgb[1];
    s->b = rgb[2];
    s->metal = metal;
    s->rough = rough;
}

/* Covers the surface with k (0..1) of another material. */
static inline void iad_surface_cover(iad_surface *s, float k, const float rgb[3], float metal, float rough) {
    s->r += (rgb[0] - s->r) * k;
    s->g += (rgb[1] - s->g) * k;
    s->b += (rgb[2] - s->b) * k;
    s->metal += (metal - s->metal) * k;
    s->rough += (rough - s->rough) * k;
}

static inline void iad_surface_tint(iad_surface *s, float factor) {
    s->r *= factor;
    s->g *= factor;
    s->b *= factor;
}

#endif
