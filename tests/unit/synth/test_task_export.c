/* Every format written, read by its own rules, and brought back to question, answer, pictures and boxes; refusals; resume; same bytes. */
#include "tests/unit/iad_test.h"

#include <math.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/image/decode.h"
#include "manifests/canonical.h"
#include "synth/export/task_export_size.h"
#include "synth/export/task_export_tar.h"
#include "tests/unit/synth/export_fixture.h"
#include "tests/unit/synth/export_readers.h"

static iad_task_export run_of(const export_fixture *f, iad_export_format format) { return export_run_of(f, format); }

static void test_sizes(void **state) {
    (void)state;
    static const int known[][4] = {{512, 512, 504, 504}, {1024, 1024, 980, 980}, {630, 230, 616, 224}, {28, 28, 224, 224}, {14, 300, 56, 1064}};
    iad_err err = IAD_ERR_NONE;
    int w, h;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_ok(iad_export_resized(known[i][0], known[i][1], IAD_EXPORT_MIN_PIXELS, IAD_EXPORT_MAX_PIXELS, &w, &h, &err));
        assert_int_equal(w, known[i][2]);
        assert_int_equal(h, known[i][3]);
    }
    assert_fails(IAD_ERR_UNSUPPORTED, iad_export_resized(10000, 49, IAD_EXPORT_MIN_PIXELS, IAD_EXPORT_MAX_PIXELS, &w, &h, &err));
    assert_fails(IAD_ERR_ARG, iad_export_resized(0, 5, IAD_EXPORT_MIN_PIXELS, IAD_EXPORT_MAX_PIXELS, &w, &h, &err));
    assert_fails(IAD_ERR_ARG, iad_export_resized(50, 50, 5000, 4000, &w, &h, &err));
}

/* ---- round trip ---- */

typedef struct frame_size {
    int own_w, own_h, w, h;
} frame_size;

/* The stored text again: every "<box:i>" stands where numbers are, and they are the entry's numbers on the other scale. */
static void check_text(const export_case *c, const char *stored, const char *got, const frame_size *frame) {
    while (*stored) {
        int slot, length = 0, box[4];
        if (sscanf(stored, "<box:%d>%n", &slot, &length) != 1 || !length) {
            assert_int_equal(*stored++, *got++);
            continue;
        }
        stored += length;
        length = 0;
        assert_int_equal(sscanf(got, "[%d, %d, %d, %d]%n", &box[0], &box[1], &box[2], &box[3], &length), 4);
        assert_true(length > 0);
        got += length;
        const int *want = c->boxes.items[slot].box;
        for (int k = 0; k < 4; k++) assert_close(box[k], want[k] * (k % 2 ? (double)frame->h / frame->own_h : (double)frame->w / frame->own_w), 2.01);
        assert_true(box[0] >= 0 && box[0] < box[2] && box[2] <= frame->w && box[1] >= 0 && box[1] < box[3] && box[3] <= frame->h);
    }
    assert_string_equal(got, "");
}

static void check_picture(const export_fixture *f, const char *path, int number, int *width, int *height) {
    iad_err err = IAD_ERR_NONE;
    char full[512];
    iad_image image;
    uint8_t want[3];
    snprintf(full, sizeof full, "%s%s%s", path[0] == '/' ? "" : f->out, path[0] == '/' ? "" : "/", path);
    assert_ok(iad_image_load(full, NULL, &image, NULL, &err));
    export_colour(number, want);
    for (int k = 0; k < 3; k++) assert_close(iad_image_at(&image, image.width / 2, image.height / 2)[k], want[k], 8);
    *width = image.width;
    *height = image.height;
    iad_image_deinit(&image);
}

/* What a turn holds in the manifest. */
static const char *stored_text(const export_case *c, int i) { return i == 0 ? c->question : i == 1 ? c->answer : i == 2 ? "Second?" : "Two."; }

static void check_case(const export_fixture *f, const export_case *c, const read_record *r, int original, int n_texts) {
    iad_err err = IAD_ERR_NONE;
    frame_size frame = {0};
    assert_int_equal(r->n_pictures, c->n_pictures);
    assert_int_equal(r->n_texts, n_texts);
    for (int i = 0; i < c->n_pictures; i++) {
        int p = c->pictures[i];
        check_picture(f, r->pictures[i], p, &frame.w, &frame.h);
        frame.own_w = export_width(p);
        frame.own_h = export_height(p);
        if (!c->changed) assert_int_equal(frame.w, frame.own_w);
        if (!original) assert_ok(iad_export_resized(frame.w, frame.h, IAD_EXPORT_MIN_PIXELS, IAD_EXPORT_MAX_PIXELS, &frame.w, &frame.h, &err));
    }
    for (int i = 0; i < n_texts; i++) check_text(c, stored_text(c, i), r->texts[i], &frame);
}

static void check_extras(const export_fixture *f, const export_case *c, const json_t *row, const char *question) {
    int w, h;
    assert_int_equal(json_integer_value(json_object_get(row, "query_pos")), c->n_pictures - 1);
    assert_string_equal(json_string_value(json_object_get(row, "yes_means")), "normal");
    assert_int_equal(json_array_size(json_object_get(row, "image_tokens")), c->n_pictures);
    const json_t *span = json_array_get(json_object_get(row, "anomaly_spans"), 0);
    if (strstr(c->question, "part")) assert_memory_equal(question + json_integer_value(json_array_get(span, 0)), "part", 4);
    const char *mask = json_string_value(json_object_get(row, "mask"));
    iad_err err = IAD_ERR_NONE;
    char full[512];
    iad_image image;
    assert_non_null(mask);
    snprintf(full, sizeof full, "%s/%s", f->out, mask);
    assert_ok(iad_image_load(full, NULL, &image, NULL, &err));
    for (size_t i = 0; i < (size_t)image.width * (size_t)image.height; i++) assert_int_equal(image.px[i], 0);
    w = image.width;
    h = image.height;
    iad_image_deinit(&image);
    int large = export_width(c->pictures[c->n_pictures - 1]) > 1024;
    assert_int_equal(w, c->changed && large ? 1024 : export_width(c->pictures[c->n_pictures - 1]));
    assert_true(h > 0);
}

static void run_ok(const iad_task_export *run, size_t written, iad_export_counts *counts) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_task_export_run(run, counts, &err));
    assert_int_equal(counts->written, written);
    assert_int_equal(counts->refused, 0);
}

static json_t *rows_of(const export_fixture *f, const char *name, int lines) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->out, name);
    return read_file(path, lines);
}

static void round_trip(iad_export_format format, int jsonl, const char *file, int lines, iad_export_files files) {
    export_fixture *f = iad_calloc(1, sizeof *f);
    iad_export_counts counts;
    export_fixture_open(f);
    iad_task_export run = run_of(f, format);
    run.jsonl = jsonl;
    run.files = files;
    run_ok(&run, EXPORT_RECORDS, &counts);
    json_t *rows = rows_of(f, file, lines);
    assert_int_equal(json_array_size(rows), EXPORT_RECORDS);
    for (int i = 0; i < EXPORT_RECORDS; i++) {
        const json_t *row = json_array_get(rows, (size_t)i);
        read_record r = format == IAD_EXPORT_LLAMA ? read_messages(row)
                        : format == IAD_EXPORT_HF  ? read_hugging(row)
                                                   : read_llava(row, format == IAD_EXPORT_QWEN);
        check_case(f, &f->cases[i], &r, 0, f->cases[i].n_texts);
        if (format != IAD_EXPORT_HF) check_extras(f, &f->cases[i], row, r.texts[0]);
        for (int k = 0; k < r.n_pictures && files != IAD_EXPORT_REFERENCE; k++) assert_true(r.pictures[k][0] != '/');
    }
    json_decref(rows);
    export_fixture_close(f);
    free(f);
}

static void test_llava(void **state) {
    (void)state;
    round_trip(IAD_EXPORT_LLAVA, 0, "stage3.json", 0, IAD_EXPORT_REFERENCE);
    round_trip(IAD_EXPORT_LLAVA, 0, "stage3.json", 0, IAD_EXPORT_HARDLINK);
}
static void test_qwen(void **state) {
    (void)state;
    round_trip(IAD_EXPORT_QWEN, 0, "stage3.json", 0, IAD_EXPORT_COPY);
    round_trip(IAD_EXPORT_QWEN, 1, "stage3.jsonl", 1, IAD_EXPORT_SYMLINK);
}
static void test_llama(void **state) {
    (void)state;
    round_trip(IAD_EXPORT_LLAMA, 0, "stage3.json", 0, IAD_EXPORT_REFERENCE);
}
static void test_hugging(void **state) {
    (void)state;
    round_trip(IAD_EXPORT_HF, 0, "metadata.jsonl", 1, IAD_EXPORT_REFERENCE);
}

/* ---- ms-swift ---- */

/* Puts the objects back, as the target does, and checks that every one is used, and in its picture. */
static void fill_objects(const json_t *objects, const char *text, size_t *box, size_t *ref, int query, char *out, size_t size) {
    size_t at = 0;
    while (*text) {
        if (strncmp(text, "<bbox>", 6) == 0) {
            const json_t *b = json_array_get(json_object_get(objects, "bbox"), *box);
            assert_int_equal(json_array_size(b), 4);
            assert_int_equal(json_integer_value(json_array_get(json_object_get(objects, "image_id"), (*box)++)), query);
            at += (size_t)snprintf(out + at, size - at, "[%d, %d, %d, %d]", (int)json_integer_value(json_array_get(b, 0)),
                                   (int)json_integer_value(json_array_get(b, 1)), (int)json_integer_value(json_array_get(b, 2)),
                                   (int)json_integer_value(json_array_get(b, 3)));
            text += 6;
        } else if (strncmp(text, "<ref-object>", 12) == 0) {
            at += (size_t)snprintf(out + at, size - at, "%s", json_string_value(json_array_get(json_object_get(objects, "ref"), (*ref)++)));
            text += 12;
        } else {
            out[at++] = *text++;
        }
        assert_true(at < size);
    }
    out[at] = 0;
}

static void test_swift(void **state) {
    (void)state;
    export_fixture *f = iad_calloc(1, sizeof *f);
    iad_export_counts counts;
    export_fixture_open(f);
    iad_task_export run = run_of(f, IAD_EXPORT_SWIFT);
    run_ok(&run, EXPORT_RECORDS, &counts);
    json_t *rows = rows_of(f, "stage3.jsonl", 1);
    assert_int_equal(json_array_size(rows), EXPORT_RECORDS);
    for (int i = 0; i < EXPORT_RECORDS; i++) {
        const export_case *c = &f->cases[i];
        const json_t *row = json_array_get(rows, (size_t)i), *objects = json_object_get(row, "objects");
        read_record r = read_messages(row);
        char texts[8][1024];
        size_t box = 0, ref = 0;
        check_extras(f, c, row, r.texts[0]);
        for (int k = 0; k < r.n_texts; k++) {
            fill_objects(objects, r.texts[k], &box, &ref, c->n_pictures - 1, texts[k], sizeof texts[k]);
            r.texts[k] = texts[k];
        }
        assert_int_equal(box, json_array_size(json_object_get(objects, "bbox")));
        assert_int_equal(ref, json_array_size(json_object_get(objects, "ref")));
        assert_int_equal(box, c->boxes.n ? 3 : 0);
        assert_int_equal(ref, c->boxes.n ? 1 : 0);
        for (int k = 0; k < r.n_pictures; k++) assert_int_equal(r.pictures[k][0], '/');
        check_case(f, c, &r, 1, c->n_texts);
    }
    json_decref(rows);
    export_fixture_close(f);
    free(f);
}

/* ---- grpo and mmad ---- */

static void test_grpo(void **state) {
    (void)state;
    export_fixture *f = iad_calloc(1, sizeof *f);
    iad_export_counts counts;
    export_fixture_open(f);
    iad_task_export run = run_of(f, IAD_EXPORT_GRPO);
    run_ok(&run, 15, &counts);
    assert_int_equal(counts.unfit, 5); /* those of several turns */
    json_t *rows = rows_of(f, "stage3.json", 0);
    assert_int_equal(json_array_size(rows), 15);
    for (size_t i = 0; i < 15; i++) {
        read_record r = read_grpo(json_array_get(rows, i));
        check_case(f, &f->cases[(int)strtol(json_string_value(json_object_get(r.root, "id")) + 1, NULL, 10) - 1], &r, 0, 2);
    }
    json_decref(rows);
    export_fixture_close(f);
    free(f);
}

static void test_mmad(void **state) {
    (void)state;
    export_fixture *f = iad_calloc(1, sizeof *f);
    iad_export_counts counts;
    export_fixture_open(f);
    iad_task_export run = run_of(f, IAD_EXPORT_MMAD);
    run_ok(&run, 5, &counts); /* those that Yes or No answers */
    json_t *root = rows_of(f, "stage3.json", 0), *entry;
    const char *path;
    size_t n = 0;
    json_object_foreach(root, path, entry) {
        const json_t *item;
        size_t i;
        assert_string_equal(json_string_value(json_object_get(entry, "image_path")), path);
        assert_true(json_is_string(json_object_get(entry, "mask_path")) && json_is_array(json_object_get(entry, "similar_templates")));
        json_array_foreach(json_object_get(entry, "conversation"), i, item) {
            int number = -1, w, h;
            const char *question = json_string_value(json_object_get(item, "Question"));
            assert_int_equal(sscanf(question, "Is part %d", &number), 1);
            const export_case *c = &f->cases[number];
            assert_string_equal(question, strstr(c->question, "Is part"));
            const char *chosen =
                json_string_value(json_object_get(json_object_get(item, "Options"), json_string_value(json_object_get(item, "Answer"))));
            assert_memory_equal(chosen, c->answer, strlen(chosen));
            check_picture(f, path, c->pictures[c->n_pictures - 1], &w, &h);
            n++;
        }
    }
    assert_int_equal(n, 5);
    json_decref(root);
    export_fixture_close(f);
    free(f);
}

/* ---- webdataset ---- */

typedef struct shard_reader {
    const export_fixture *f;
    size_t records;
    char stem[32], names[8][64];
    int n_names;
    char folder[256];
} shard_reader;

static void read_member(void *user, const char *name, const uint8_t *bytes, size_t size) {
    shard_reader *s = user;
    iad_err err = IAD_ERR_NONE;
    char stem[32], path[400];
    assert_int_equal(sscanf(name, "%31[^.]", stem), 1);
    if (strcmp(stem, s->stem) != 0) {
        assert_int_equal(s->n_names, 0); /* the record before ended with its text */
        snprintf(s->stem, sizeof s->stem, "%s", stem);
    }
    if (!iad_text_ends(name, ".json")) {
        snprintf(s->names[s->n_names++], sizeof s->names[0], "%s", name);
        snprintf(path, sizeof path, "%s/unpacked/%s", s->f->out, name);
        assert_ok(iad_file_write(path, bytes, size, &err));
        return;
    }
    json_t *row;
    assert_ok(iad_json_parse((const char *)bytes, size, 0, name, &row, &err));
    read_record r = {.root = row};
    char paths[8][96];
    read_pictures(json_object_get(row, "images"), &r);
    read_talk(json_object_get(row, "conversations"), "from", "value", "human", "gpt", &r);
    assert_int_equal(s->n_names, r.n_pictures + 1); /* and the mask */
    for (int i = 0; i < r.n_pictures; i++) {
        assert_string_equal(r.pictures[i], s->names[i]);
        snprintf(paths[i], sizeof paths[i], "unpacked/%s", r.pictures[i]);
        r.pictures[i] = paths[i];
    }
    assert_string_equal(json_string_value(json_object_get(row, "mask")), s->names[r.n_pictures]);
    check_case(s->f, &s->f->cases[s->records], &r, 0, s->f->cases[s->records].n_texts);
    s->records++;
    s->n_names = 0;
    json_decref(row);
}

static void test_webdataset(void **state) {
    (void)state;
    export_fixture *f = iad_calloc(1, sizeof *f);
    iad_export_counts counts;
    iad_err err = IAD_ERR_NONE;
    export_fixture_open(f);
    iad_task_export run = run_of(f, IAD_EXPORT_WEBDATASET);
    run.shard_bytes = 60000;
    uint8_t first[64][32];
    size_t shards = 0;
    for (int round = 0; round < 2; round++) {
        shard_reader reader = {.f = f};
        run_ok(&run, EXPORT_RECORDS, &counts);
        assert_true(counts.shards > 1 && counts.shards < 64);
        if (round) assert_int_equal(counts.shards, shards);
        shards = counts.shards;
        for (size_t i = 0; i < shards; i++) {
            char path[300];
            uint8_t *data, digest[32];
            size_t n;
            snprintf(path, sizeof path, "%s/stage3-%06zu.tar", f->out, i);
            assert_ok(iad_file_read(path, 1u << 26, &data, &n, &err));
            read_tar(data, n, read_member, &reader);
            free(data);
            assert_ok(iad_sha256_file(path, digest, &err));
            if (round) assert_memory_equal(digest, first[i], 32);
            memcpy(first[i], digest, 32);
        }
        assert_int_equal(reader.records, EXPORT_RECORDS);
    }
    run.shard_bytes = 1 << 30; /* fewer shards: those of before must not stay */
    run_ok(&run, EXPORT_RECORDS, &counts);
    char path[300];
    snprintf(path, sizeof path, "%s/stage3-000001.tar", f->out);
    assert_false(iad_file_exists(path));
    export_fixture_close(f);
    free(f);
}

/* ---- refusals, interruption ---- */

static void change(export_fixture *f, const char *sql) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_query_exec(f->m, sql, &err));
}

static void keep_message(void *user, const char *message) { snprintf(user, 1024, "%s", message); }

static void refused(const char *sql, iad_export_format format, const char *word) {
    export_fixture *f = iad_calloc(1, sizeof *f);
    iad_export_counts counts;
    iad_err err = IAD_ERR_NONE;
    char message[1024] = "";
    export_fixture_open(f);
    change(f, sql);
    iad_task_export run = run_of(f, format);
    run.trouble = keep_message;
    run.user = message;
    assert_ok(iad_task_export_run(&run, &counts, &err));
    if (counts.refused != 1 || counts.written != EXPORT_RECORDS - 1 || !strstr(message, word))
        fail_msg("%s: refused %zu, \"%s\"", sql, counts.refused, message);
    export_fixture_close(f);
    free(f);
}

static void test_refused(void **state) {
    (void)state;
    refused("UPDATE task SET answer='Yes <image>' WHERE id=1", IAD_EXPORT_LLAVA, "<image>");
    refused("UPDATE task SET question=question||'<image>' WHERE id=1", IAD_EXPORT_LLAMA, "pictures");
    refused("UPDATE task SET answer='<|im_start|>system' WHERE id=1", IAD_EXPORT_QWEN, "<|im_start|>");
    refused("UPDATE task SET answer='<video>' WHERE id=5", IAD_EXPORT_LLAMA, "<video>");
    refused("UPDATE task SET answer='<bbox>' WHERE id=1", IAD_EXPORT_SWIFT, "<bbox>");
    refused("UPDATE task SET answer='<ref-object>' WHERE id=1", IAD_EXPORT_SWIFT, "<ref-object>");
    refused("UPDATE task SET answer='<box:9>' WHERE id=2", IAD_EXPORT_HF, "box 9");
    refused("UPDATE task SET answer=CAST(x'41ff42' AS TEXT) WHERE id=1", IAD_EXPORT_LLAVA, "UTF-8");
    refused("UPDATE task SET turns='[{\"from\":\"human\",\"value\":\"a\"}]' WHERE id=4", IAD_EXPORT_LLAVA, "turns");
    refused("UPDATE task SET turns='{' WHERE id=4", IAD_EXPORT_LLAVA, "t4");
    refused("UPDATE task SET answer='Three.' WHERE id=4", IAD_EXPORT_LLAVA, "answer");
    refused("DELETE FROM task_image WHERE task_id=3 AND pos=2", IAD_EXPORT_LLAVA, "t3");
}

static void test_polarity(void **state) {
    (void)state;
    export_fixture *f = iad_calloc(1, sizeof *f);
    iad_export_counts counts;
    iad_err err = IAD_ERR_NONE;
    char path[300];
    export_fixture_open(f);
    change(f, "UPDATE task SET question='<image>\n" IAD_CANONICAL_QUESTION_ALONE "',anomaly_spans=NULL WHERE id IN(1,13)");
    iad_task_export run = run_of(f, IAD_EXPORT_LLAVA);
    run_ok(&run, EXPORT_RECORDS, &counts);
    change(f, "UPDATE task SET yes_means='anomalous' WHERE id=13");
    snprintf(path, sizeof path, "%s/stage3.json", f->out);
    unlink(path);
    assert_fails(IAD_ERR_FORMAT, iad_task_export_run(&run, &counts, &err));
    assert_non_null(strstr(err.msg, "t13"));
    assert_false(iad_file_exists(path));
    run.limit = 5; /* the other meaning is not part of it */
    run_ok(&run, 5, &counts);
    export_fixture_close(f);
    free(f);
}

typedef struct stopper {
    atomic_int stop;
    size_t at;
} stopper;
static void stop_at(void *user, size_t done, size_t total) {
    stopper *s = user;
    (void)total;
    if (done == s->at) atomic_store(&s->stop, 1);
}

static void test_interrupted(void **state) {
    (void)state;
    export_fixture *f = iad_calloc(1, sizeof *f);
    iad_export_counts half, rest, whole;
    iad_err err = IAD_ERR_NONE;
    stopper s = {.at = 10};
    char path[300];
    export_fixture_open(f);
    iad_task_export run = run_of(f, IAD_EXPORT_LLAVA);
    run.files = IAD_EXPORT_RENDER;
    run.stop = &s.stop;
    run.progress = stop_at;
    run.user = &s;
    assert_fails(IAD_ERR_INTERRUPTED, iad_task_export_run(&run, &half, &err));
    snprintf(path, sizeof path, "%s/stage3.json", f->out);
    assert_false(iad_file_exists(path));
    snprintf(path, sizeof path, "%s/stage3.json.part", f->out);
    assert_false(iad_file_exists(path));
    atomic_store(&s.stop, 0);
    s.at = 0;
    run_ok(&run, EXPORT_RECORDS, &rest);
    run_ok(&run, EXPORT_RECORDS, &whole);
    assert_int_equal(whole.rendered, 0);
    assert_true(half.rendered > 0);
    assert_int_equal(half.rendered + rest.rendered, EXPORT_PICTURES + 3); /* all of them, and three that are also shown changed: each once */
    /* what a power failure cut short, or emptied, is made again */
    iad_dir_list made = {0};
    snprintf(path, sizeof path, "%s/render", f->out);
    assert_ok(iad_dir_read(path, &made, &err));
    assert_true(made.n > 2);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/render/%s", f->out, made.items[i].name);
        assert_int_equal(truncate(path, i ? 700 : 0), 0);
    }
    run_ok(&run, EXPORT_RECORDS, &whole);
    assert_int_equal(whole.rendered, 2);
    iad_dir_list_deinit(&made);
    export_fixture_close(f);
    free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes),   cmocka_unit_test(test_llava),    cmocka_unit_test(test_qwen),
                                       cmocka_unit_test(test_llama),   cmocka_unit_test(test_hugging),  cmocka_unit_test(test_swift),
                                       cmocka_unit_test(test_grpo),    cmocka_unit_test(test_mmad),     cmocka_unit_test(test_webdataset),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_polarity), cmocka_unit_test(test_interrupted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
