/* iad-synth preview: a sheet of recipes, each before, after, and with its masks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/draw.h"
#include "base/image/encode.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "manifests/query.h"
#include "synth/recipe/picturestore.h"
#include "synth/synth_cmd.h"

enum { CELLS = 4, MAX_ROWS = 200 };

typedef struct preview_row {
    int64_t id;
    uint64_t weight;
    char category[64];
} preview_row;

static int by_weight(const void *a, const void *b) {
    const preview_row *p = a, *q = b;
    return p->weight != q->weight ? (p->weight > q->weight) - (p->weight < q->weight) : (p->id > q->id) - (p->id < q->id);
}

/* The n recipes whose hash with the seed is smallest: a random choice that a seed repeats. */
static iad_status choose(iad_manifest *manifest, uint64_t seed, const char *preset, const char *generator, const char *category, preview_row **rows,
                         size_t *n, iad_err *err) {
    static const char sql[] =
        "SELECT s.id,s.recipe_sha256,coalesce(c.name,'') FROM synth s JOIN image i ON i.id=s.dst_image LEFT JOIN category c ON c.id=i.category_id"
        " WHERE (?1 IS NULL OR s.preset=?1) AND (?2 IS NULL OR s.generator=?2) AND (?3 IS NULL OR c.name=?3) ORDER BY s.id";
    iad_query q;
    size_t cap = 0;
    *rows = NULL;
    *n = 0;
    IAD_TRY(iad_query_open(&q, manifest, "synth", sql, err));
    iad_query_text(&q, preset);
    iad_query_text(&q, generator);
    iad_query_text(&q, category);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        uint8_t digest[32] = {0};
        char hex[65];
        status = iad_grow((void **)rows, &cap, *n + 1, sizeof **rows, (size_t)1 << 31, "recipes", err);
        if (status != IAD_OK) break;
        preview_row *row = &(*rows)[(*n)++];
        iad_query_col_bytes(&q, 1, digest, 32);
        iad_hex(digest, 32, hex);
        *row = (preview_row){.id = iad_query_col_i64(&q, 0), .weight = iad_rng_subseed(seed, hex, 0)};
        iad_text_copy(row->category, sizeof row->category, iad_query_col_text(&q, 2));
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK) status = closed;
    if (status == IAD_OK && *n == 0) status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no such recipes: iad-synth anomalies draws them");
    if (status == IAD_OK) qsort(*rows, *n, sizeof **rows, by_weight);
    return status;
}

static int64_t count_set(const iad_image *mask) {
    int64_t n = 0;
    for (size_t i = 0; i < (size_t)mask->width * (size_t)mask->height; i++) n += mask->px[i] != 0;
    return n;
}

/* before | after | what was pasted | what can be seen (outlines over the picture). */
static iad_status draw_row(iad_picture_loader *loader, const preview_row *row, iad_image cells[CELLS], char labels[CELLS][96], iad_err *err) {
    iad_rendering r;
    IAD_TRY(iad_picture_render(loader, row->id, &r, err));
    int line = r.after.width / 200 < 1 ? 1 : r.after.width / 200;
    iad_status status = iad_image_copy(&r.after, &cells[2], err);
    if (status == IAD_OK) status = iad_image_copy(&r.after, &cells[3], err);
    if (status == IAD_OK) status = iad_draw_contour(&cells[2], &r.geom, (iad_rgb){0, 200, 255}, line, err);
    if (status == IAD_OK) status = iad_draw_contour(&cells[3], &r.vis, (iad_rgb){255, 40, 40}, line, err);
    if (status == IAD_OK) {
        cells[0] = r.before;
        cells[1] = r.after;
        r.before = r.after = (iad_image){0};
        snprintf(labels[0], sizeof labels[0], "%lld %s", (long long)row->id, row->category);
        snprintf(labels[1], sizeof labels[1], "%s, %s %.2f", r.recipe.generator->name, iad_blend_name(r.recipe.blend.mode),
                 r.recipe.blend.opacity / 1e6);
        snprintf(labels[2], sizeof labels[2], "pasted: %lld px", (long long)count_set(&r.geom));
        snprintf(labels[3], sizeof labels[3], "visible: %.3f %%, mean %.0f", 100 * r.facts.area_frac, r.facts.visible.delta_mean);
    }
    iad_rendering_deinit(&r);
    return status;
}

static iad_status make_sheet(iad_picture_loader *loader, const preview_row *rows, size_t n, int side, iad_image *sheet, iad_err *err) {
    iad_image *cells = iad_calloc(n * CELLS, sizeof *cells);
    char(*labels)[96] = iad_calloc(n * CELLS, sizeof *labels);
    const char **texts = iad_calloc(n * CELLS, sizeof *texts);
    iad_status status = cells && labels && texts ? IAD_OK : IAD_NOMEM(err, "a sheet");
    for (size_t i = 0; status == IAD_OK && i < n; i++) status = draw_row(loader, &rows[i], cells + i * CELLS, labels + i * CELLS, err);
    for (size_t i = 0; status == IAD_OK && i < n * CELLS; i++) texts[i] = labels[i];
    if (status == IAD_OK) status = iad_contact_sheet(cells, texts, n * CELLS, CELLS, side, side, (iad_rgb){250, 250, 250}, sheet, err);
    for (size_t i = 0; cells && i < n * CELLS; i++) iad_image_deinit(&cells[i]);
    free(cells);
    free(labels);
    free(texts);
    return status;
}

static iad_status run_preview(iad_manifest *manifest, const char *out, uint64_t seed, size_t n, int side, const char *preset, const char *generator,
                              const char *category, iad_err *err) {
    iad_picture_store *store = NULL;
    iad_picture_loader *loader = NULL;
    preview_row *rows = NULL;
    iad_image sheet = {0};
    iad_buf png;
    size_t found = 0;
    iad_buf_init(&png, IAD_IMAGE_MAX_FILE_BYTES);
    iad_status status = choose(manifest, seed, preset, generator, category, &rows, &found, err);
    if (status == IAD_OK) status = iad_picture_store_new((size_t)256 << 20, IAD_WORK_MAX_SIDE, &store, err);
    if (status == IAD_OK) status = iad_picture_loader_new(store, manifest, &loader, err);
    if (status == IAD_OK) status = make_sheet(loader, rows, found < n ? found : n, side, &sheet, err);
    if (status == IAD_OK) status = iad_encode_png(&sheet, -1, &png, err);
    if (status == IAD_OK) status = iad_file_write(out, png.data, png.len, err);
    iad_buf_deinit(&png);
    iad_image_deinit(&sheet);
    iad_picture_loader_free(loader);
    iad_picture_store_free(store);
    free(rows);
    return status;
}

int iad_cmd_preview(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *out = NULL, *preset = NULL, *generator = NULL, *category = NULL, *seed_text = "1";
    int64_t n = 8, side = 256;
    uint64_t seed = 1;
    iad_strings operands = {0};
    const iad_arg table[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "the manifest", .required = 1},
                             {.kind = IAD_ARG_STRING, .name = "out", .value = &out, .meta = "FILE", .help = "the sheet, a PNG", .required = 1},
                             {.kind = IAD_ARG_INT, .name = "n", .value = &n, .meta = "N", .help = "recipes on the sheet", .lo = 1, .hi = MAX_ROWS},
                             {.kind = IAD_ARG_INT, .name = "side", .value = &side, .meta = "PX", .help = "of a cell", .lo = 32, .hi = 1024},
                             {.kind = IAD_ARG_STRING, .name = "seed", .value = &seed_text, .meta = "N", .help = "which recipes"},
                             {.kind = IAD_ARG_STRING, .name = "preset", .value = &preset, .meta = "NAME", .help = "only of this preset"},
                             {.kind = IAD_ARG_STRING, .name = "generator", .value = &generator, .meta = "NAME", .help = "only of this generator"},
                             {.kind = IAD_ARG_STRING, .name = "category", .value = &category, .meta = "NAME", .help = "only of this category"},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "preview",
                              .usage = "[options] --db FILE --out FILE",
                              .help = "Draws recipes on a sheet, a row each: the good picture, the picture with the defect, the outline of what was\n"
                                      "pasted, the outline of what can be seen.",
                              .run = iad_cmd_preview};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_manifest *manifest = NULL;
        iad_status status = operands.n ? IAD_FAIL(err, IAD_ERR_ARG, "preview takes no operands (\"%.60s\")", operands.items[0]) : IAD_OK;
        if (status == IAD_OK) status = iad_parse_u64(seed_text, &seed, "--seed", err);
        if (status == IAD_OK) status = iad_manifest_open(db, IAD_MANIFEST_READ, &manifest, err);
        if (status == IAD_OK) status = run_preview(manifest, out, seed, (size_t)n, (int)side, preset, generator, category, err);
        iad_manifest_close(manifest);
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
