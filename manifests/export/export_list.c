/* Lists of pictures. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "manifests/export/export.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

#define MASK_FOLDER "iad_masks"
#define MAX_BOXES_BYTES (16u << 20)

enum { N_COLUMNS = 19 };
static const char *const columns[N_COLUMNS] = {
    "path",         "label",       "category", "split", "defect", "kind",  "object_key", "view",   "light",     "note",
    "mask_quality", "exemplar_ok", "mask",     "boxes", "sha256", "width", "height",     "format", "mask_state"};

/* ---- the three notations ---- */

static iad_status add_tsv(iad_buf *out, const char *text, iad_err *err) {
    if (strpbrk(text, "\t\r\n"))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "'%.200s' holds a tab or line break: export as csv or jsonl", text);
    return iad_buf_add_str(out, text, err);
}

static iad_status add_csv(iad_buf *out, const char *text, iad_err *err) {
    if (!strpbrk(text, ",\"\r\n") && text[0] != '#') return iad_buf_add_str(out, text, err);
    IAD_TRY(iad_buf_add(out, "\"", 1, err));
    for (const char *p = text; *p; p++) IAD_TRY(iad_buf_add(out, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1, err));
    return iad_buf_add(out, "\"", 1, err);
}

static iad_status add_row(const iad_export_state *state, const char *const *cells, iad_err *err) {
    iad_export_format format = state->options->format;
    iad_buf *out = state->list;
    if (format == IAD_EXPORT_JSONL) {
        IAD_TRY(iad_buf_add_str(out, "{", err));
        int first = 1;
        for (int i = 0; i < N_COLUMNS; i++) {
            if (!*cells[i]) continue;
            IAD_TRY(iad_buf_addf(out, err, "%s\"%s\":", first ? "" : ",", columns[i]));
            first = 0;
            if (!strcmp(columns[i], "boxes")) IAD_TRY(iad_buf_add_str(out, cells[i], err));
            else IAD_TRY(iad_json_quote(cells[i], out, err));
        }
        return iad_buf_add_str(out, "}\n", err);
    }
    for (int i = 0; i < N_COLUMNS; i++) {
        if (i) IAD_TRY(iad_buf_add(out, format == IAD_EXPORT_CSV ? "," : "\t", 1, err));
        IAD_TRY(format == IAD_EXPORT_CSV ? add_csv(out, cells[i], err) : add_tsv(out, cells[i], err));
    }
    return iad_buf_add(out, "\n", 1, err);
}

iad_status iad_export_list_head(iad_export_state *state, iad_err *err) {
    return state->options->format == IAD_EXPORT_JSONL ? IAD_OK : add_row(state, columns, err);
}

/* ---- one picture ---- */

static iad_status boxes_text(iad_manifest *manifest, int64_t image_id, iad_buf *out, iad_err *err) {
    iad_arena arena = {0};
    iad_box_row *boxes;
    size_t n;
    iad_status status = iad_image_boxes_get(manifest, image_id, &arena, &boxes, &n, err);
    for (size_t i = 0; status == IAD_OK && i < n; i++) {
        status = iad_buf_addf(out, err, "%s[%.17g,%.17g,%.17g,%.17g", i ? "," : "[", boxes[i].x0, boxes[i].y0,
                              boxes[i].x1, boxes[i].y1);
        if (status == IAD_OK && boxes[i].name) status = iad_buf_add(out, ",", 1, err);
        if (status == IAD_OK && boxes[i].name) status = iad_json_quote(boxes[i].name, out, err);
        if (status == IAD_OK) status = iad_buf_add(out, "]", 1, err);
    }
    if (status == IAD_OK && n) status = iad_buf_add(out, "]", 1, err);
    iad_arena_deinit(&arena);
    return status;
}

static iad_status worst_quality(iad_manifest *manifest, int64_t image_id, const char **name, iad_err *err) {
    iad_query q;
    int worst = -1;
    IAD_TRY(iad_query_open(
        &q, manifest, "mask",
        "SELECT m.quality FROM image_mask x JOIN mask m ON m.id=x.mask_id WHERE x.image_id=? AND x.role='gt'", err));
    iad_query_i64(&q, image_id);
    while (iad_query_next(&q)) {
        iad_mask_quality quality;
        if (iad_mask_quality_parse(iad_query_col_text(&q, 0), &quality, NULL) == IAD_OK && (int)quality > worst)
            worst = (int)quality;
    }
    *name = worst < 0 ? "" : iad_mask_quality_name((iad_mask_quality)worst);
    return iad_query_close(&q, err);
}

/* The part under a named split, in words that the list adapter understands. */
static iad_status split_word(const iad_export_state *state, const iad_image_row *row, const char **word, iad_err *err) {
    *word = row->source_split ? row->source_split : row->part == IAD_PART_NONE ? "" : iad_part_name(row->part);
    if (!state->options->scheme) return IAD_OK;
    iad_query q;
    iad_part part = IAD_PART_NONE;
    IAD_TRY(iad_query_open(&q, state->manifest, "split", "SELECT part FROM split WHERE image_id=? AND scheme=?", err));
    iad_query_i64(&q, row->id);
    iad_query_text(&q, state->options->scheme);
    if (iad_query_next(&q)) (void)iad_part_parse(iad_query_col_text(&q, 0), &part, NULL);
    *word = part == IAD_PART_NONE ? "" : iad_part_name(part);
    return iad_query_close(&q, err);
}

static const char *text_or_empty(const char *text) {
    return text ? text : "";
}

static iad_status export_row(iad_export_state *state, const iad_image_row *row, iad_buf *boxes, iad_err *err) {
    static const char *const states[] = {"none needed", "known", "unknown"};
    char hex[IAD_SHA256_HEX], width[16], height[16], mask[IAD_PATH_MAX] = "";
    const char *split, *quality;
    iad_mask_state mask_state;
    int done = 1, written = 0;
    if (state->options->files != IAD_EXPORT_NONE) {
        size_t stem = strlen(row->path) - strlen(iad_path_ext(row->path));
        IAD_TRY(iad_export_place(state, row, row->path, &done, err));
        if (!done) return IAD_OK;
        if (snprintf(mask, sizeof mask, MASK_FOLDER "/%.*s.png", (int)stem, row->path) >= (int)sizeof mask)
            return IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s...: path too long", row->path);
        IAD_TRY(iad_export_mask(state, row, mask, 1, &written, err));
        if (!written) mask[0] = 0;
    }
    IAD_TRY(iad_image_mask_state(state->manifest, row->id, &mask_state, err));
    IAD_TRY(boxes_text(state->manifest, row->id, boxes, err));
    IAD_TRY(worst_quality(state->manifest, row->id, &quality, err));
    IAD_TRY(split_word(state, row, &split, err));
    iad_hex(row->sha256, 32, hex);
    snprintf(width, sizeof width, "%d", row->width);
    snprintf(height, sizeof height, "%d", row->height);
    const char *const cells[N_COLUMNS] = {row->path,
                                          iad_label_name(row->label),
                                          state->category.name,
                                          split,
                                          text_or_empty(row->defect),
                                          text_or_empty(state->category.kind),
                                          text_or_empty(row->object_key),
                                          text_or_empty(row->view),
                                          text_or_empty(row->light),
                                          text_or_empty(row->note),
                                          quality,
                                          row->exemplar_ok ? "1" : "0",
                                          mask,
                                          iad_buf_str(boxes),
                                          hex,
                                          width,
                                          height,
                                          text_or_empty(row->format),
                                          states[mask_state]};
    if (add_row(state, cells, err) != IAD_OK) return iad_err_prefix(err, "%.200s", row->path);
    state->counts->pictures++;
    return IAD_OK;
}

iad_status iad_export_list_row(iad_export_state *state, const iad_image_row *row, iad_err *err) {
    iad_buf boxes;
    iad_buf_init(&boxes, MAX_BOXES_BYTES);
    iad_status status = export_row(state, row, &boxes, err);
    iad_buf_deinit(&boxes);
    return status;
}
