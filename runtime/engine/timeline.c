#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/engine/engine.h"

static void start_of(const iad_timeline *line, size_t n, int64_t *row, int64_t *pos) {
    if (n < line->n) {
        *row = line->units[n].row;
        *pos = line->units[n].pos;
    } else {
        *row = line->n_row;
        *pos = line->next_pos;
    }
}

void iad_timeline_cut(iad_timeline *line, size_t n) {
    if (n >= line->n) return;
    start_of(line, n, &line->n_row, &line->next_pos);
    for (size_t i = n; i < line->n; i++) free(line->units[i].kept);
    line->n = n;
}

void iad_timeline_deinit(iad_timeline *line) {
    iad_timeline_cut(line, 0);
    free(line->units);
    *line = (iad_timeline){0};
}

static iad_status add(iad_timeline *line, iad_unit unit, int64_t advance, iad_err *err) {
    void *units = line->units;
    iad_status status = iad_grow(&units, &line->cap, line->n + 1, sizeof *line->units, IAD_MAX_PROMPT_TOKENS, "the prompt", err);
    line->units = units;
    if (status != IAD_OK) return status;
    unit.row = line->n_row;
    unit.pos = line->next_pos;
    line->units[line->n++] = unit;
    line->n_row += unit.n_row;
    line->next_pos += advance;
    return IAD_OK;
}

iad_status iad_timeline_add_text(iad_timeline *line, int32_t id, iad_err *err) {
    return add(line, (iad_unit){.id = id, .n_row = 1}, 1, err);
}

iad_status iad_timeline_add_image(iad_timeline *line, int32_t pad, const iad_hash *key, int lh, int lw, const int32_t *kept, int64_t n_kept,
                                  iad_err *err) {
    iad_unit unit = {.id = pad, .is_image = 1, .key = *key, .lh = lh, .lw = lw, .n_row = (int64_t)lh * lw};
    if (kept != NULL) {
        unit.kept = iad_alloc((size_t)n_kept, sizeof *kept);
        if (unit.kept == NULL) return IAD_NOMEM(err, "the prompt");
        memcpy(unit.kept, kept, (size_t)n_kept * sizeof *kept);
        unit.n_row = n_kept;
    }
    iad_status status = add(line, unit, lh > lw ? lh : lw, err);
    if (status != IAD_OK) free(unit.kept);
    return status;
}

iad_status iad_timeline_copy(const iad_timeline *src, size_t n, iad_timeline *dst, iad_err *err) {
    *dst = (iad_timeline){0};
    for (size_t i = 0; i < n; i++) {
        const iad_unit *u = &src->units[i];
        iad_status status = u->is_image ? iad_timeline_add_image(dst, u->id, &u->key, u->lh, u->lw, u->kept, u->n_row, err)
            : iad_timeline_add_text(dst, u->id, err);
        if (status != IAD_OK) {
            iad_timeline_deinit(dst);
            return status;
        }
    }
    return IAD_OK;
}

int iad_unit_same(const iad_unit *a, const iad_unit *b) {
    if (a->id != b->id || a->is_image != b->is_image) return 0;
    /* The key covers pixels, sizes and compression; the grid is compared as well because a stored set came from outside. */
    return !a->is_image || (memcmp(&a->key, &b->key, sizeof a->key) == 0 && a->lh == b->lh && a->lw == b->lw);
}
