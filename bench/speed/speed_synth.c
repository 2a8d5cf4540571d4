#include "bench/speed/speed_synth.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/image/decode.h"
#include "base/image/encode.h"
#include "bench/speed/askpython.h"
#include "bench/speed/speed_records.h"
#include "synth/recipe/recipe.h"
#include "synth/render/render.h"

enum { PICTURE_BYTES = 1 << 24, ANSWER_BYTES = 1 << 14 };

typedef struct materials {
    iad_image picture, second;
    iad_buf file, second_file; /* the same as JPEG, quality 90 */
    iad_foreground fg, second_fg;
    iad_defect_scene scene;
} materials;

typedef struct baseline {
    int ran;
    double cutpaste, nsa, codec;
    char version[128];
} baseline;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* one thread's work: other programs on the machine do not count */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- what is worked on ---- */

static iad_status one_picture(const char *family, uint64_t seed, int side, iad_buf *file, iad_image *picture, iad_foreground *fg, iad_err *err) {
    iad_image rendered;
    const iad_render_job job = {.family = iad_render_family_find(family), .kind = -1, .design = 1, .seed = seed, .side = side};
    IAD_TRY(iad_render_picture(&job, &rendered, NULL, err));
    iad_status status = iad_encode_jpeg(&rendered, NULL, file, err);
    iad_image_deinit(&rendered);
    if (status == IAD_OK) status = iad_image_decode(file->data, file->len, family, NULL, picture, NULL, err);
    if (status == IAD_OK) status = iad_foreground_find(picture, &IAD_FOREGROUND_AUTO, fg, err);
    return status;
}

static iad_status prepare(materials *m, int side, iad_err *err) {
    *m = (materials){0};
    iad_buf_init(&m->file, PICTURE_BYTES);
    iad_buf_init(&m->second_file, PICTURE_BYTES);
    IAD_TRY(one_picture("gear", 1, side, &m->file, &m->picture, &m->fg, err));
    IAD_TRY(one_picture("gear", 2, side, &m->second_file, &m->second, &m->second_fg, err));
    m->scene = (iad_defect_scene){.dst = &m->picture, .src = &m->second, .tex = &m->second, .fg = &m->fg, .src_fg = &m->second_fg};
    return IAD_OK;
}

static void drop(materials *m) {
    iad_image_deinit(&m->picture);
    iad_image_deinit(&m->second);
    iad_foreground_deinit(&m->fg);
    iad_foreground_deinit(&m->second_fg);
    iad_buf_deinit(&m->file);
    iad_buf_deinit(&m->second_file);
}

/* ---- ours ---- */

/* Seconds of CPU time to draw one recipe of a preset, its masks and their PNG left aside. */
static iad_status time_recipes(const materials *m, const char *preset, int repeats, double *seconds, double *attempts, iad_err *err) {
    double start = now();
    int64_t tried = 0;
    for (int i = 0; i < repeats; i++) {
        iad_recipe recipe;
        iad_recipe_facts facts;
        int tries;
        IAD_TRY(iad_recipe_draw(iad_preset_find(preset), &m->scene, (uint64_t)i, &recipe, NULL, &facts, &tries, err));
        tried += tries;
        iad_recipe_deinit(&recipe);
    }
    *seconds = (now() - start) / repeats;
    *attempts = (double)tried / repeats;
    return IAD_OK;
}

static iad_status codec_once(const materials *m, iad_buf *bytes, iad_err *err) {
    iad_image decoded;
    IAD_TRY(iad_image_decode(m->file.data, m->file.len, "picture", NULL, &decoded, NULL, err));
    iad_buf_reset(bytes);
    iad_status status = iad_encode_jpeg(&decoded, NULL, bytes, err);
    iad_image_deinit(&decoded);
    return status;
}

/* JPEG to JPEG: bare, and with a recipe of the preset between. */
static iad_status time_files(const materials *m, const char *preset, int repeats, double *bare, double *with, iad_err *err) {
    iad_buf bytes;
    iad_buf_init(&bytes, PICTURE_BYTES);
    iad_status status = IAD_OK;
    *bare = *with = 0;
    for (int i = 0; status == IAD_OK && i < repeats; i++) {
        iad_recipe recipe;
        iad_recipe_facts facts;
        int tries;
        if ((status = iad_recipe_draw(iad_preset_find(preset), &m->scene, (uint64_t)i, &recipe, NULL, &facts, &tries, err)) != IAD_OK) break;
        double start = now();
        status = codec_once(m, &bytes, err);
        double middle = now();
        iad_image decoded = {0};
        iad_defect_scene scene = m->scene;
        scene.dst = &decoded;
        if (status == IAD_OK) status = iad_image_decode(m->file.data, m->file.len, "picture", NULL, &decoded, NULL, err);
        if (status == IAD_OK) status = iad_recipe_apply(&recipe, &scene, &decoded, err);
        iad_buf_reset(&bytes);
        if (status == IAD_OK) status = iad_encode_jpeg(&decoded, NULL, &bytes, err);
        *bare += (middle - start) / repeats;
        *with += (now() - middle) / repeats;
        iad_image_deinit(&decoded);
        iad_recipe_deinit(&recipe);
    }
    iad_buf_deinit(&bytes);
    return status;
}

/* One generator with its published sizes, picture and mask made from nothing: what the baselines do. visible 0: the mask of what was pasted, else of
 * what can be seen. */
static iad_status time_generator(const materials *m, const iad_defect_generator *generator, iad_blend_mode mode, int visible, int repeats,
                                 double *seconds, iad_err *err) {
    const iad_defect_size size = {.published = 1};
    double start = now();
    for (int i = 0; i < repeats; i++) {
        iad_rng rng;
        iad_rng_init(&rng, (uint64_t)i, 7);
        iad_recipe recipe = {.generator = generator, .blend = {mode, 1000000, 0}, .work_w = m->picture.width, .work_h = m->picture.height};
        iad_status status = generator->draw(&m->scene, &size, &rng, &recipe.params, err);
        if (status == IAD_ERR_NOT_FOUND) continue; /* no place: the next one */
        iad_image out = {0}, mask = {0};
        iad_recipe_facts facts;
        if (status == IAD_OK)
            status = iad_recipe_render(&recipe, &m->scene, &out, visible ? &mask : NULL, visible ? NULL : &mask, visible ? &facts : NULL, err);
        iad_image_deinit(&out);
        iad_image_deinit(&mask);
        json_decref(recipe.params);
        IAD_TRY(status);
    }
    *seconds = (now() - start) / repeats;
    return IAD_OK;
}

/* ---- theirs ---- */

static iad_status measure_theirs(const materials *m, const iad_speed_synth_options *o, baseline *b, iad_err *err) {
    char dir[] = "/tmp/iad-speed-XXXXXX", first[64], second[64], repeats[24];
    *b = (baseline){0};
    if (!o->python) return IAD_OK;
    if (!mkdtemp(dir)) return IAD_FAIL(err, IAD_ERR_IO, "no scratch folder in /tmp");
    snprintf(first, sizeof first, "%s/first.jpg", dir);
    snprintf(second, sizeof second, "%s/second.jpg", dir);
    snprintf(repeats, sizeof repeats, "%d", o->repeats);
    iad_buf answer;
    iad_buf_init(&answer, ANSWER_BYTES);
    iad_status status = iad_file_write(first, m->file.data, m->file.len, err);
    if (status == IAD_OK) status = iad_file_write(second, m->second_file.data, m->second_file.len, err);
    if (status == IAD_OK) status = iad_ask_python((const char *[]){o->python, o->baseline, first, second, repeats, NULL}, &answer, &b->ran, err);
    char *rest = NULL;
    for (char *line = answer.data ? strtok_r(answer.data, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
        char key[32];
        double value;
        if (sscanf(line, "%31s %lf", key, &value) == 2) {
            if (!strcmp(key, "cutpaste")) b->cutpaste = value;
            else if (!strcmp(key, "nsa")) b->nsa = value;
            else if (!strcmp(key, "codec")) b->codec = value;
        }
        if (!strncmp(line, "version ", 8)) iad_text_copy(b->version, sizeof b->version, line + 8);
    }
    iad_buf_deinit(&answer);
    unlink(first);
    unlink(second);
    rmdir(dir);
    return status;
}

/* ---- the tables ---- */

static void print_row(FILE *out, const char *what, double ours, double theirs) {
    fprintf(out, "%-64s %9.3f ms", what, ours * 1e3);
    if (theirs > 0) fprintf(out, " %9.3f ms %7.1fx", theirs * 1e3, theirs / ours);
    fprintf(out, "\n");
}

static iad_status measure(FILE *out, const materials *m, const iad_speed_synth_options *o, iad_err *err) {
    baseline theirs;
    double cutpaste, seen, nsa, slowest = 0;
    fprintf(out, "# %dx%d RGB, a rendered gear, JPEG of %zu bytes; one thread, CPU time, mean of %d\n", o->side, o->side, m->file.len, o->repeats);
    for (int i = 0; i < 2; i++) {
        const char *preset = i ? "full" : "paper";
        double seconds, attempts, bare, with;
        IAD_TRY(time_recipes(m, preset, o->repeats, &seconds, &attempts, err));
        IAD_TRY(time_files(m, preset, o->repeats, &bare, &with, err));
        fprintf(out, "preset %-6s %7.0f recipes/s (%.2f draws each)   JPEG to JPEG %6.1f/s, bare codec %6.1f/s: %.1f %%\n", preset, 1 / seconds,
                attempts, 1 / with, 1 / bare, 100 * bare / with);
        if (with > slowest) slowest = with;
    }
    if (o->floor > 0 && slowest * o->floor > 1)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "JPEG to JPEG with a defect: %.1f pictures a second of processor time, fewer than %d", 1 / slowest,
                        o->floor);
    IAD_TRY(time_generator(m, &iad_defect_cutpaste, IAD_BLEND_HARD, 0, o->repeats, &cutpaste, err));
    IAD_TRY(time_generator(m, &iad_defect_cutpaste, IAD_BLEND_HARD, 1, o->repeats, &seen, err));
    IAD_TRY(time_generator(m, &iad_defect_nsa, IAD_BLEND_POISSON, 1, o->repeats, &nsa, err));
    IAD_TRY(measure_theirs(m, o, &theirs, err));
    fprintf(out, "# %s\n", theirs.ran ? theirs.version : "no baseline");
    print_row(out, "CutPaste, published sizes: picture, pasted mask (numpy, Pillow)", cutpaste, theirs.cutpaste);
    print_row(out, "  with the mask of what can be seen, which theirs lacks", seen, theirs.cutpaste);
    print_row(out, "NSA, published sizes: picture, visible mask (OpenCV)", nsa, theirs.nsa);
    return IAD_OK;
}

iad_status iad_speed_synth(FILE *out, const iad_speed_synth_options *options, iad_err *err) {
    materials m;
    iad_status status = prepare(&m, options->side, err);
    if (status == IAD_OK) status = measure(out, &m, options, err);
    drop(&m);
    if (status == IAD_OK && options->pictures > 0) status = iad_speed_records(out, options->pictures, options->records, options->threads, err);
    return status;
}
