/* Twenty records over six picture files in a folder of their own: boxes, labels, several turns, changed pictures, pictures above work size. */
#ifndef IAD_TEST_EXPORT_FIXTURE_H
#define IAD_TEST_EXPORT_FIXTURE_H

#include <unistd.h>

#include "base/file.h"
#include "base/image/encode.h"
#include "manifests/identity.h"
#include "manifests/query.h"
#include "synth/export/task_export.h"
#include "synth/task/boxslots.h"
#include "tests/unit/manifest/manifest_fixture.h"

#define EXPORT_RECORDS 20
#define EXPORT_PICTURES 6

typedef struct export_case {
    char question[512], answer[512], turns[2048];
    int pictures[3], n_pictures, changed; /* numbers of the pictures */
    iad_box_slots boxes;
    int n_texts;
} export_case;

typedef struct export_fixture {
    char dir[128], out[160];
    iad_manifest *m;
    int64_t dataset, category, images[EXPORT_PICTURES];
    export_case cases[EXPORT_RECORDS];
} export_fixture;

/* Picture i: one colour, so that a file tells which picture it is. */
static inline void export_colour(int i, uint8_t rgb[3]) {
    rgb[0] = (uint8_t)(30 + 36 * i);
    rgb[1] = (uint8_t)(220 - 30 * i);
    rgb[2] = (uint8_t)(60 + 90 * (i % 2));
}
static inline int export_width(int i) { return i % 3 == 2 ? 1500 : 203 + i; }
static inline int export_height(int i) { return i % 3 == 2 ? 700 : 140; }

static inline void export_picture(export_fixture *f, int i) {
    iad_err err = IAD_ERR_NONE;
    char name[32], path[256];
    iad_image image;
    iad_buf png;
    uint8_t rgb[3];
    export_colour(i, rgb);
    assert_ok(iad_image_init(&image, export_width(i), export_height(i), 3, &err));
    for (size_t k = 0; k < (size_t)image.width * (size_t)image.height; k++) memcpy(image.px + 3 * k, rgb, 3);
    snprintf(name, sizeof name, "p%d.png", i);
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    iad_buf_init(&png, 1u << 24);
    assert_ok(iad_encode_png(&image, 1, &png, &err));
    assert_ok(iad_file_write(path, png.data, png.len, &err));
    iad_image_row row = fixture_row(f->dataset, f->category, name, IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    row.width = image.width;
    row.height = image.height;
    assert_ok(iad_pixel_sha256(&image, row.pixel_sha256, &err));
    assert_ok(iad_image_put(f->m, &row, &f->images[i], NULL, &err));
    iad_buf_deinit(&png);
    iad_image_deinit(&image);
}

static inline void export_make_case(export_case *c, int i) {
    *c = (export_case){.n_pictures = 1 + i % 3, .n_texts = 2, .changed = i % 4 == 2};
    size_t at = 0;
    for (int k = 0; k < c->n_pictures; k++) {
        c->pictures[k] = (i + 2 * k) % EXPORT_PICTURES;
        at += (size_t)snprintf(c->question + at, sizeof c->question - at, "Image %d: <image>\n", k + 1);
    }
    int q = c->n_pictures - 1, p = c->pictures[q];
    if (i % 4 == 0) {
        snprintf(c->question + at, sizeof c->question - at, "Is part %d \"normal\" \\ or not? \xF0\x9F\x94\xA9 \xE9\xBD\xBF\t\x01", i);
        snprintf(c->answer, sizeof c->answer, "%s", i % 8 ? "No. {\"a\": 1}" : "Yes.");
    } else if (i % 4 == 3) {
        snprintf(c->question + at, sizeof c->question - at, "First %d?", i);
        snprintf(c->answer, sizeof c->answer, "One.");
        char escaped[512];
        size_t k = 0;
        for (const char *s = c->question; *s; s++) {
            if (*s == '\n') escaped[k++] = '\\';
            escaped[k++] = *s == '\n' ? 'n' : *s;
        }
        escaped[k] = 0;
        snprintf(c->turns, sizeof c->turns,
                 "[{\"from\":\"human\",\"value\":\"%s\"},{\"from\":\"gpt\",\"value\":\"One.\"},{\"from\":\"human\",\"value\":\"Second?\"},{\"from\":"
                 "\"gpt\",\"value\":\"Two.\"}]",
                 escaped);
        c->n_texts = 4;
    } else {
        snprintf(c->question + at, sizeof c->question - at, "Compare <box:1> in part %d.", i);
        snprintf(c->answer, sizeof c->answer, "[{\"bbox_2d\": <box:0>, \"label\": \"scratch\"}, {\"bbox_2d\": <box:1>}]");
        c->boxes.n = 2;
        for (int b = 0; b < 2; b++) {
            iad_box_slot *s = &c->boxes.items[b];
            *s = (iad_box_slot){.image = q, .box = {20 + 7 * i + b, 30 + i, 20 + 7 * i + b + 40, 80 + 2 * b}};
            if (p % 3 == 2) { /* far corner of a large picture */
                s->box[0] += 1200;
                s->box[2] += 1200;
                s->box[1] += 500;
                s->box[3] += 600;
            }
            if (s->box[2] > export_width(p)) {
                s->box[2] = export_width(p);
                s->box[0] = s->box[2] - 40;
            }
            if (b == 0) snprintf(s->label, sizeof s->label, "scratch");
        }
    }
}

static inline void export_put_case(export_fixture *f, int i) {
    iad_err err = IAD_ERR_NONE;
    const export_case *c = &f->cases[i];
    iad_task_image images[3];
    iad_buf boxes;
    char external[32], span[64];
    int added;
    int64_t id;
    for (int k = 0; k < c->n_pictures; k++)
        images[k] = (iad_task_image){.image_id = f->images[c->pictures[k]],
                                     .role = k + 1 == c->n_pictures ? "query" : "ref",
                                     .jitter = c->changed ? "{\"b\":1010000,\"q\":95}" : NULL};
    iad_buf_init(&boxes, 65536);
    if (c->boxes.n) assert_ok(iad_box_slots_write(&c->boxes, &boxes, &err));
    snprintf(external, sizeof external, "case/%d", i);
    const char *part = strstr(c->question, "part");
    int from = part ? (int)(part - c->question) : 0;
    snprintf(span, sizeof span, "[[%d,%d,\"part\"]]", from, from + 4);
    iad_task_row row = {.dataset_id = f->dataset,
                        .category_id = f->category,
                        .stage = 3,
                        .task = "s3_detect",
                        .shots = c->n_pictures - 1,
                        .question = c->question,
                        .answer = c->answer,
                        .turns = c->turns[0] ? c->turns : NULL,
                        .yes_means = "normal",
                        .query_pos = c->n_pictures - 1,
                        .anomaly_spans = part ? span : NULL,
                        .boxes = c->boxes.n ? iad_buf_str(&boxes) : NULL,
                        .weight = 1,
                        .part = "train",
                        .external_id = external,
                        .images = images,
                        .n_images = (size_t)c->n_pictures};
    assert_ok(iad_task_put(f->m, &row, &id, &added, &err));
    assert_int_equal(id, i + 1);
    iad_buf_deinit(&boxes);
}

static inline void export_fixture_open(export_fixture *f) {
    iad_err err = IAD_ERR_NONE;
    char root[256], db[256];
    *f = (export_fixture){0};
    snprintf(f->dir, sizeof f->dir, "/tmp/iad_export_XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->out, sizeof f->out, "%s/out", f->dir);
    snprintf(db, sizeof db, "%s/m.db", f->dir);
    assert_ok(iad_manifest_open(db, IAD_MANIFEST_CREATE, &f->m, &err));
    assert_ok(iad_manifest_root_pack(f->m, f->dir, root, sizeof root, &err));
    iad_dataset_row row = {.name = "parts", .root = root, .licence = "test", .origin = "real"};
    assert_ok(iad_dataset_put(f->m, &row, &f->dataset, &err));
    f->category = fixture_category(f->m, f->dataset, "screw");
    for (int i = 0; i < EXPORT_PICTURES; i++) export_picture(f, i);
    for (int i = 0; i < EXPORT_RECORDS; i++) {
        export_make_case(&f->cases[i], i);
        export_put_case(f, i);
    }
}

static inline void export_remove_tree(const char *path) {
    iad_err err = IAD_ERR_NONE;
    iad_dir_list list = {0};
    char inner[512];
    if (iad_dir_read(path, &list, &err) != IAD_OK) return;
    for (size_t i = 0; i < list.n; i++) {
        if (iad_path_join(inner, sizeof inner, path, list.items[i].name, &err) != IAD_OK) continue;
        if (list.items[i].is_dir) export_remove_tree(inner);
        else unlink(inner);
    }
    iad_dir_list_deinit(&list);
    rmdir(path);
}

static inline void export_fixture_close(export_fixture *f) {
    iad_manifest_close(f->m);
    export_remove_tree(f->dir);
}

static inline iad_task_export export_run_of(const export_fixture *f, iad_export_format format) {
    return (iad_task_export){.manifest = f->m,
                             .out = f->out,
                             .format = format,
                             .stage = 3,
                             .replay = 0,
                             .shard_bytes = 1 << 20,
                             .min_pixels = IAD_EXPORT_MIN_PIXELS,
                             .max_pixels = IAD_EXPORT_MAX_PIXELS,
                             .max_side = 1024,
                             .images_key = 1};
}

#endif
