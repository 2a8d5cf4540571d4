#include "synth/render/captionrun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "manifests/pictures.h"
#include "manifests/query.h"
#include "synth/render/renderset.h"
#include "synth/task/templates_builtin.h"

#define TASK "caption"
#define LANG "en"
#define MAX_CAPTION 4096

static const char *const aspects[] = {"overall", "material", "structure", "surface"};
enum { ASPECTS = sizeof aspects / sizeof *aspects };

iad_status iad_caption_templates(iad_templates **templates, iad_err *err) {
    iad_status status = IAD_OK;
    *templates = NULL;
    for (size_t i = 0; status == IAD_OK && i < iad_builtin_captions_n; i++) {
        const iad_builtin_text *t = &iad_builtin_captions[i];
        status = iad_templates_parse(t->text, t->n, t->name, templates, err);
    }
    if (status == IAD_OK) return IAD_OK;
    iad_templates_free(*templates);
    *templates = NULL;
    return status;
}

/* ---- one caption ---- */

/* "a orange" becomes "an orange", and the first letter a capital: slots decide with what a word begins. */
static iad_status polish(const char *raw, iad_buf *out, iad_err *err) {
    for (const char *c = raw; *c; c++) {
        char letter = *c;
        if (c == raw && letter >= 'a' && letter <= 'z') letter = (char)(letter - 'a' + 'A');
        IAD_TRY(iad_buf_add(out, &letter, 1, err));
        int article = (*c == 'a' || *c == 'A') && c[1] == ' ' && (c == raw || c[-1] == ' ');
        if (article && c[2] && strchr("aeio", c[2])) IAD_TRY(iad_buf_add(out, "n", 1, err));
    }
    return IAD_OK;
}

iad_status iad_caption_text(const iad_templates *templates, const iad_render_facts *facts, const char *family, const char *aspect, const char *lang,
                            uint64_t seed, iad_buf *text, iad_err *err) {
    char form[2 * IAD_RENDER_NAME];
    iad_slot slots[IAD_FACTS_MAX];
    iad_buf raw;
    snprintf(form, sizeof form, "%s_%s", family, aspect);
    const iad_template_form *section = iad_templates_find(templates, TASK, form, lang);
    if (!section || section->n_answers == 0) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no phrasings [" TASK " %s %s]", form, lang);
    for (int i = 0; i < facts->n; i++) slots[i] = (iad_slot){facts->items[i].name, facts->items[i].text};
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    iad_buf_init(&raw, MAX_CAPTION);
    const char *phrasing = section->answers[iad_rng_below(&rng, (uint32_t)section->n_answers)].text;
    iad_status status = iad_phrasing_fill(phrasing, "", slots, (size_t)facts->n, &raw, NULL, NULL, err);
    if (status == IAD_OK) status = polish(iad_buf_str(&raw), text, err);
    iad_buf_deinit(&raw);
    return status;
}

/* ---- all of a data set ---- */

typedef struct caption_work {
    iad_manifest *manifest;
    iad_templates *templates;
    uint64_t seed;
    iad_caption_counts *counts;
    iad_buf text;
} caption_work;

static iad_status has_captions(caption_work *w, int64_t image_id, int *has, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, w->manifest, "caption", "SELECT 1 FROM caption WHERE image_id=? AND model='" IAD_CAPTION_MODEL "' LIMIT 1", err));
    iad_query_i64(&q, image_id);
    *has = iad_query_next(&q);
    return iad_query_close(&q, err);
}

static iad_status caption_picture(caption_work *w, const iad_image_row *image, const iad_render_family *family, const iad_render_facts *facts,
                                  iad_err *err) {
    int has;
    IAD_TRY(has_captions(w, image->id, &has, err));
    w->counts->pictures++;
    w->counts->present += (size_t)has;
    w->counts->captioned += (size_t)!has;
    for (uint64_t a = 0; !has && a < ASPECTS; a++) {
        char form[2 * IAD_RENDER_NAME];
        int64_t id;
        snprintf(form, sizeof form, "%s_%s", family->name, aspects[a]);
        if (!iad_templates_find(w->templates, TASK, form, LANG)) continue; /* surfaces have no structure, parts have no surface of note */
        char name[256];
        snprintf(name, sizeof name, TASK "/%.200s", image->path);
        iad_buf_reset(&w->text);
        IAD_TRY(iad_caption_text(w->templates, facts, family->name, aspects[a], LANG, iad_rng_subseed(w->seed, name, a), &w->text, err));
        const iad_caption_row row = {.image_id = image->id, .aspect = aspects[a], .lang = LANG, .text = iad_buf_str(&w->text),
                                     .model = IAD_CAPTION_MODEL, .verified = 1};
        IAD_TRY(iad_caption_put(w->manifest, &row, &id, err));
        w->counts->added++;
    }
    return IAD_OK;
}

static iad_status caption_category(caption_work *w, const iad_category_row *category, iad_err *err) {
    iad_image_list images = {0};
    iad_render_facts facts;
    const iad_render_family *family = iad_render_category_family(category->name);
    IAD_TRY(iad_image_select(w->manifest, &(iad_picture_filter){.category_id = category->id, .any_part = 1, .normals_only = 1}, &images, err));
    iad_status status = IAD_OK;
    if (!family) w->counts->foreign += images.n;
    else status = iad_render_facts_of(family, iad_render_category_design(w->seed, category->name), &facts, err);
    for (size_t i = 0; family && status == IAD_OK && i < images.n; i++) status = caption_picture(w, &images.items[i], family, &facts, err);
    iad_image_list_deinit(&images);
    return status;
}

static iad_status open_folder(iad_manifest *manifest, int64_t dataset_id, uint64_t *seed, iad_err *err) {
    iad_arena arena = {0};
    iad_dataset_row row;
    char root[IAD_PATH_MAX];
    int side;
    iad_status status = iad_dataset_get(manifest, dataset_id, &arena, &row, err);
    if (status == IAD_OK) status = iad_manifest_root_unpack(manifest, row.root, root, sizeof root, err);
    if (status == IAD_OK) status = iad_render_folder_seed(root, seed, &side, err);
    iad_arena_deinit(&arena);
    return status;
}

static iad_status caption_all(caption_work *w, int64_t dataset_id, const atomic_int *stop, iad_err *err) {
    iad_category_list categories = {0};
    IAD_TRY(iad_category_all(w->manifest, dataset_id, &categories, err));
    iad_status status = iad_manifest_begin(w->manifest, err);
    for (size_t i = 0; status == IAD_OK && i < categories.n; i++) {
        if (stop && atomic_load(stop)) status = IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted; no captions were stored");
        else status = caption_category(w, &categories.items[i], err);
    }
    if (status == IAD_OK) status = iad_manifest_commit(w->manifest, err);
    if (status != IAD_OK) iad_manifest_rollback(w->manifest);
    iad_category_list_deinit(&categories);
    return status;
}

iad_status iad_caption_run(iad_manifest *manifest, const char *dataset, const atomic_int *stop, iad_caption_counts *counts, iad_err *err) {
    caption_work w = {.manifest = manifest, .counts = counts};
    int64_t dataset_id;
    *counts = (iad_caption_counts){0};
    IAD_TRY(iad_dataset_find(manifest, dataset, &dataset_id, err));
    if (!dataset_id) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "the manifest has no data set \"%.60s\"", dataset);
    IAD_TRY(open_folder(manifest, dataset_id, &w.seed, err));
    IAD_TRY(iad_caption_templates(&w.templates, err));
    iad_buf_init(&w.text, MAX_CAPTION);
    iad_status status = caption_all(&w, dataset_id, stop, err);
    iad_buf_deinit(&w.text);
    iad_templates_free(w.templates);
    return status;
}
