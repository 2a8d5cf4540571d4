/* Writes a fixture tree (tree_text.h) to a disk, with real little pictures. */
#ifndef IAD_TEST_TREE_FILES_H
#define IAD_TEST_TREE_FILES_H

#include "tests/unit/adapters/tree_text.h"
#include "tests/unit/ingest/fixture.h"

static inline void tf_encode(const char *dir, const tt_entry *e, iad_image *image, int keep) {
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    if (iad_text_ends_nocase(e->path, ".bmp")) {
        size_t whole = 54 + ((size_t)image->width * 3 + 3) / 4 * 4 * (size_t)image->height;
        char path[IAD_PATH_MAX];
        fx_write_bmp(dir, e->path, image);
        fx_ok(iad_path_join(path, sizeof path, dir, e->path, &err), e->path, &err);
        if (keep < 100) assert_int_equal(0, truncate(path, (off_t)(whole * (size_t)keep / 100)));
        return;
    }
    iad_buf_init(&out, 1u << 24);
    if (iad_text_ends_nocase(e->path, ".png")) fx_ok(iad_encode_png(image, -1, &out, &err), e->path, &err);
    else fx_ok(iad_encode_jpeg(image, NULL, &out, &err), e->path, &err);
    fx_bytes(dir, e->path, out.data, out.len * (size_t)keep / 100);
    iad_buf_deinit(&out);
    iad_image_deinit(image);
}

static inline void tf_entry(const char *dir, const tt_entry *e) {
    if (strcmp(e->kind, "text") == 0) {
        fx_bytes(dir, e->path, iad_buf_str(&e->content), e->content.len);
    } else if (strcmp(e->kind, "grey16") == 0) {
        fx_png16(dir, e->path, FX_W, FX_H, (unsigned)tt_number(e->args[0], 1));
    } else if (strcmp(e->kind, "mask") == 0) {
        int x = (int)strtol(e->args[0], NULL, 10), y = (int)strtol(e->args[1], NULL, 10);
        uint8_t v = (uint8_t)strtol(e->args[2], NULL, 10);
        const fx_rect rect = {x, y, x + 8, y + 6, v, v, v};
        iad_image image = fx_rects(FX_W, FX_H, 1, &rect, 1);
        tf_encode(dir, e, &image, 100);
    } else if (strcmp(e->kind, "empty") == 0) {
        iad_image image = fx_rects(tt_number(e->args[0], FX_W), tt_number(e->args[1], FX_H), 1, NULL, 0);
        tf_encode(dir, e, &image, 100);
    } else {
        int broken = strcmp(e->kind, "broken") == 0, channels = strcmp(e->kind, "grey") == 0 ? 1 : 3;
        iad_image image = fx_pattern(tt_number(e->args[1], FX_W), tt_number(e->args[2], FX_H), channels, (unsigned)tt_number(e->args[0], 1));
        tf_encode(dir, e, &image, broken ? 50 : 100);
    }
}

static __attribute__((unused)) void tf_write(const char *dir, const tt_tree *tree) {
    for (size_t i = 0; i < tree->n; i++) tf_entry(dir, &tree->entries[i]);
}

#endif
