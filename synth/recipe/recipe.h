/* A recipe: everything needed to make one synthetic picture again, bit for bit, from the pictures it names. Rows of the table `synth`
 * are recipes; pixels are made when they are looked at, by iad_recipe_render, for training, export and preview alike. */
#ifndef IAD_SYNTH_RECIPE_H
#define IAD_SYNTH_RECIPE_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "synth/defect/blend.h"
#include "synth/defect/defect.h"
#include "synth/defect/visible.h"

#define IAD_RECIPE_MAX_BYTES 65536u  /* of a recipe's text */
#define IAD_RECIPE_MAX_FEATHER 20000 /* 1/1000 pixel */

typedef struct iad_recipe {
    const iad_defect_generator *generator;
    json_t *params;      /* of the generator; owned */
    iad_blend blend;
    int work_w, work_h;  /* size of the picture that is worked on, iad_work_size of dst */
    uint64_t seed;
    uint8_t dst_pixels[32], src_pixels[32], tex_pixels[32]; /* pixel_sha256 of the pictures; all zero: none */
    char fg_rule[128];   /* iad_foreground_rule_text; "" when the whole picture is foreground */
} iad_recipe;
void iad_recipe_deinit(iad_recipe *recipe);

/* Pictures are worked on at their own size, shrunk (bicubic, aspect kept) when the longer side exceeds max_side (0: never). */
void iad_work_size(int width, int height, int max_side, int *work_w, int *work_h);

/* Canonical JSON of everything above (sorted keys, integers); its SHA-256 is the recipe's identity. Appended to out. */
iad_status iad_recipe_json(const iad_recipe *recipe, iad_buf *out, iad_err *err);
iad_status iad_recipe_sha256(const iad_recipe *recipe, uint8_t digest[32], iad_err *err);
/* Reads it back; hostile text is refused with the key's name (IAD_ERR_FORMAT), an unknown generator or version with IAD_ERR_UNSUPPORTED. */
iad_status iad_recipe_parse(const char *text, size_t n, iad_recipe *recipe, iad_err *err);

/* What a rendering shows. A null edit has `enough` 1 and no visible pixels. */
typedef struct iad_recipe_facts {
    iad_visible_facts visible;
    double area_frac;   /* visible pixels / all pixels */
} iad_recipe_facts;

/* The picture of a recipe. scene: the pictures at work size (dst) in the recipe's channels. out gets the picture, vis the visible mask, geom
 * the pasted area (each initialised here; vis and geom may be NULL, 0/255). A null edit has an empty vis. */
iad_status iad_recipe_render(const iad_recipe *recipe, const iad_defect_scene *scene, iad_image *out, iad_image *vis, iad_image *geom,
                             iad_recipe_facts *facts, iad_err *err);

/* The same into a picture that is the scene's destination, or a copy of it: nothing but the changed pixels is touched. After a failure the picture is
 * half changed. */
iad_status iad_recipe_apply(const iad_recipe *recipe, const iad_defect_scene *scene, iad_image *picture, iad_err *err);

/* Draws one recipe of a preset for this scene: generator (once), parameters, blend. The picture is tried, and parameters and blend are drawn anew
 * while too little can be seen, at most IAD_RECIPE_MAX_ATTEMPTS times; *attempts (may be NULL) says how often. Only the changed box is tried: no
 * copies of the whole picture. IAD_ERR_NOT_FOUND when no draw passed. The picture itself is not given: render. vis (may be NULL) is initialised here.
 * The caller fills in what the scene does not say: hashes of the pictures and fg_rule. Pure function of preset, scene and seed. */
#define IAD_RECIPE_MAX_ATTEMPTS 50
typedef struct iad_preset iad_preset;
const iad_preset *iad_preset_find(const char *name); /* "paper", "full"; NULL: none */
iad_status iad_recipe_draw(const iad_preset *preset, const iad_defect_scene *scene, uint64_t seed, iad_recipe *recipe, iad_image *vis,
                           iad_recipe_facts *facts, int *attempts, iad_err *err);
/* The same defect with another of the preset's blends, hashes and rule included. IAD_ERR_NOT_FOUND when there is no other blend with which enough can
 * be seen. */
iad_status iad_recipe_twin(const iad_preset *preset, const iad_defect_scene *scene, const iad_recipe *recipe, iad_recipe *twin, iad_image *vis,
                           iad_recipe_facts *facts, iad_err *err);

/* What the recipe shows, without its picture: as iad_recipe_render, on the changed box alone. vis may be NULL. */
iad_status iad_recipe_try(const iad_recipe *recipe, const iad_defect_scene *scene, iad_image *vis, iad_recipe_facts *facts, iad_err *err);

/* Which pictures a draw would use, so that only those are loaded: the generator of this seed. */
const iad_defect_generator *iad_preset_generator(const iad_preset *preset, uint64_t seed);
const char *iad_preset_name(const iad_preset *preset);

#endif
