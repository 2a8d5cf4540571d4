/* What leaves a manifest: lists, MVTec folders (both read back by the ingest engine), counts, look-ups, galleries. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/encode.h"
#include "base/json.h"
#include "tests/unit/manifest/manifest_fixture.h"
#include "manifests/export/export.h"
#include "manifests/gallery.h"
#include "manifests/gallery_thumb.h"
#include "manifests/identity.h"
#include "manifests/ingest/ingest.h"
#include "manifests/pictures.h"
#include "manifests/query.h"
#include "manifests/show.h"
#include "manifests/stats.h"

#define ROOT "test_outputs.tmp"

static int64_t ids[32];
static size_t n_ids;

/* A real file with its row; value decides the pixels. */
static int64_t put_picture(iad_manifest *m, int64_t dataset, int64_t category, const char *path, iad_part part,
                           iad_label label, const char *defect, int value) {
    iad_err err;
    iad_image image;
    iad_buf png;
    char file[300];
    int64_t id = 0;
    assert_ok(iad_image_init(&image, 40, 24, 3, &err));
    for (int i = 0; i < 40 * 24 * 3; i++) image.px[i] = (uint8_t)(value * 31 + (i * (value + 3)) % 97);
    iad_buf_init(&png, 1u << 20);
    assert_ok(iad_encode_png(&image, -1, &png, &err));
    snprintf(file, sizeof file, ROOT "/data/%s", path);
    assert_ok(iad_file_write(file, png.data, png.len, &err));
    iad_image_row row = {.dataset_id = dataset,
                         .category_id = category,
                         .path = path,
                         .width = 40,
                         .height = 24,
                         .channels = 3,
                         .depth = 8,
                         .format = "png",
                         .bytes = (int64_t)png.len,
                         .part = part,
                         .source_split = part == IAD_PART_NONE ? NULL : iad_part_name(part),
                         .label = label,
                         .defect = defect,
                         .has_pixels = 1,
                         .exemplar_ok = part == IAD_PART_TRAIN && label == IAD_LABEL_NORMAL};
    assert_ok(iad_sha256_bytes(png.data, png.len, row.sha256, &err));
    assert_ok(iad_pixel_sha256(&image, row.pixel_sha256, &err));
    assert_ok(iad_leak_hash(&image, row.phash, &err));
    if (value == 3) row.view = "C1", row.light = "dim", row.object_key = "o,\"3\"", row.note = "a, b";
    assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    iad_buf_deinit(&png);
    iad_image_deinit(&image);
    ids[n_ids++] = id;
    return id;
}

static void put_mask(iad_manifest *m, int64_t picture, int x, int y, const char *map, iad_mask_quality quality) {
    iad_err err;
    iad_image pixels;
    iad_mask_row row;
    int64_t id = 0;
    assert_ok(iad_image_init(&pixels, 40, 24, 1, &err));
    *iad_image_at(&pixels, x, y) = 2;
    *iad_image_at(&pixels, x + 1, y) = 1;
    assert_ok(iad_mask_prepare(&pixels, map, quality, &row, &err));
    assert_ok(iad_mask_put(m, &row, &id, &err));
    assert_ok(iad_image_mask_put(m, picture, id, "gt", &err));
    iad_mask_row_deinit(&row);
    iad_image_deinit(&pixels);
}

static iad_manifest *make(void) {
    iad_err err;
    iad_manifest *m = NULL;
    n_ids = 0;
    assert_ok(iad_dir_make(ROOT "/data", &err));
    unlink(ROOT "/m.db");
    assert_ok(iad_manifest_open(ROOT "/m.db", IAD_MANIFEST_CREATE, &m, &err));
    int64_t d = fixture_dataset(m, "parts", "mvtec", ""), nut = fixture_category(m, d, "nut"),
            cap = fixture_category(m, d, "cap");
    put_picture(m, d, nut, "nut/train/good/0.png", IAD_PART_TRAIN, IAD_LABEL_NORMAL, NULL, 1);
    put_picture(m, d, nut, "nut/train/good/1.png", IAD_PART_TRAIN, IAD_LABEL_NORMAL, NULL, 2);
    put_picture(m, d, nut, "nut/test/good/0.png", IAD_PART_TEST, IAD_LABEL_NORMAL, NULL, 3);
    put_mask(m, put_picture(m, d, nut, "nut/test/scratch/0.png", IAD_PART_TEST, IAD_LABEL_ANOMALOUS, "scratch", 4), 5,
             6, NULL, IAD_MASK_COARSE);
    int64_t two = put_picture(m, d, nut, "nut/test/bent/0.png", IAD_PART_TEST, IAD_LABEL_ANOMALOUS, "bent", 5);
    put_mask(m, two, 1, 1, NULL, IAD_MASK_EXACT);
    put_mask(m, two, 30, 20, NULL, IAD_MASK_EXACT);
    put_picture(m, d, nut, "nut/test/bent/1.png", IAD_PART_TEST, IAD_LABEL_ANOMALOUS, "bent", 6); /* no mask */
    int64_t boxed = put_picture(m, d, cap, "cap/test/bad/0.png", IAD_PART_TEST, IAD_LABEL_ANOMALOUS, "dent/dirt", 7);
    put_mask(m, boxed, 3, 3, "{\"1\":\"dent\",\"2\":\"dirt\"}", IAD_MASK_EXACT);
    iad_box_row boxes[] = {{0.5, 1, 2.25, 3, "a \"b\""}, {1, 2, 3, 4, NULL}};
    assert_ok(iad_image_boxes_set(m, boxed, boxes, 2, &err));
    put_picture(m, d, cap, "cap/loose.png", IAD_PART_NONE, IAD_LABEL_UNKNOWN, NULL, 8);
    return m;
}

static iad_export_counts export(iad_manifest *m, iad_export_options *options, iad_buf *list) {
    iad_err err;
    iad_export_counts counts;
    assert_ok(iad_export_run(m, options, list, &counts, &err));
    return counts;
}

/* Takes a folder in and returns the manifest of it. */
static iad_manifest *take_in(const char *root, const char *adapter, const char *name) {
    iad_err err;
    iad_manifest *m = NULL;
    iad_ingest_result result = {0};
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, &m, &err));
    iad_ingest_options options = {.adapter = iad_adapter_find(adapter), .root = root, .name = name, .threads = 1};
    assert_non_null(options.adapter);
    assert_ok(iad_ingest_run(m, &options, &result, &err));
    assert_int_equal(result.rejected + result.refused + result.bad + result.masks_failed, 0);
    iad_ingest_result_deinit(&result);
    return m;
}

/* Rows of a query as one text. */
static char *dump(iad_manifest *m, const char *sql) {
    iad_err err;
    static char text[20000];
    size_t n = 0;
    iad_query q;
    text[0] = 0;
    assert_ok(iad_query_open_text(&q, m, "dump", sql, &err));
    while (iad_query_next(&q))
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\n",
                              iad_query_col_text(&q, 0) ? iad_query_col_text(&q, 0) : "-");
    assert_ok(iad_query_close(&q, &err));
    char *copy = iad_alloc(n + 1, 1);
    memcpy(copy, text, n + 1);
    return copy;
}

static const char round_trip_sql[] =
    "SELECT i.path||' '||hex(i.sha256)||' '||hex(i.pixel_sha256)||' '||i.phash||' '||i.label||' '||coalesce(i.defect,"
    "'-')||' '||i.part||' '||coalesce(i.source_split,'-')"
    "||' '||coalesce(i.view,'-')||' '||coalesce(i.light,'-')||' '||coalesce(i.object_key,'-')||' '||coalesce(i.note,"
    "'-')||' '||i.exemplar_ok||' '||c.name||' '||"
    "coalesce((SELECT sum(m.area)||m.quality FROM image_mask x JOIN mask m ON m.id=x.mask_id WHERE x.image_id=i.id"
    " AND x.role='gt'),'no mask')||' '||"
    "coalesce((SELECT group_concat(x0||','||y0||','||x1||','||y1||coalesce(name,'-')) FROM image_box b"
    " WHERE b.image_id=i.id),'no boxes')"
    " FROM image i JOIN category c ON c.id=i.category_id ORDER BY i.path";

static void test_list_round_trip(void **state) {
    (void)state;
    static const iad_export_format formats[] = {IAD_EXPORT_TSV, IAD_EXPORT_CSV, IAD_EXPORT_JSONL};
    static const iad_export_files kinds[] = {IAD_EXPORT_COPY, IAD_EXPORT_HARDLINK, IAD_EXPORT_COPY};
    for (int f = 0; f < 3; f++) {
        iad_err err;
        char out[64], file[128];
        iad_manifest *m = make();
        snprintf(out, sizeof out, ROOT "/list%d", f);
        iad_export_options options = {.format = formats[f], .files = kinds[f], .out = out};
        for (int again = 0; again < 2; again++) { /* twice: replaced, not in the way */
            iad_buf list;
            iad_buf_init(&list, 1u << 20);
            iad_export_counts counts = export(m, &options, &list);
            assert_int_equal(counts.pictures, 8);
            assert_int_equal(counts.masks, 3);
            assert_int_equal(counts.failed + counts.skipped, 0);
            snprintf(file, sizeof file, "%s/%s", out, iad_export_list_name(formats[f]));
            assert_ok(iad_file_write(file, list.data, list.len, &err));
            iad_buf_deinit(&list);
        }
        iad_manifest *back = take_in(out, "list", "parts");
        char *ours = dump(m, round_trip_sql), *theirs = dump(back, round_trip_sql);
        assert_string_equal(ours, theirs);
        free(ours);
        free(theirs);
        iad_manifest_close(back);
        iad_manifest_close(m);
    }
}

static void test_mvtec_round_trip(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = make();
    int64_t d = 0, nut = 0;
    assert_ok(iad_dataset_find(m, "parts", &d, &err));
    assert_ok(iad_category_find(m, d, "nut", &nut, &err));
    /* Two pictures of one name and defect from different folders; and a stem that would share a mask with another. */
    put_mask(m, put_picture(m, d, nut, "nut/extra/0.png", IAD_PART_TEST, IAD_LABEL_ANOMALOUS, "scratch", 9), 20, 10,
             NULL, IAD_MASK_EXACT);
    put_picture(m, d, nut, "nut/odd/anomalous train.png", IAD_PART_TRAIN, IAD_LABEL_ANOMALOUS, "bent", 10);
    iad_buf list;
    iad_buf_init(&list, 1000);
    iad_export_options options = {.format = IAD_EXPORT_MVTEC, .files = IAD_EXPORT_SYMLINK, .out = ROOT "/mvtec_links"};
    iad_export_counts counts = export(m, &options, &list);
    assert_int_equal(list.len, 0);
    assert_int_equal(counts.pictures, 8);
    assert_int_equal(counts.skipped, 2); /* unlabelled; anomalous training picture */
    struct stat st;
    assert_int_equal(lstat(ROOT "/mvtec_links/nut/train/good/0.png", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    options.files = IAD_EXPORT_COPY;
    options.out = ROOT "/mvtec";
    export(m, &options, &list);
    iad_buf_deinit(&list);
    assert_int_equal(iad_file_exists(ROOT "/mvtec/nut/test/scratch/nut_extra_0.png"), 1);
    assert_int_equal(iad_file_exists(ROOT "/mvtec/nut/test/scratch/nut_test_scratch_0.png"), 1);
    assert_int_equal(iad_file_exists(ROOT "/mvtec/nut/ground_truth/scratch/nut_extra_0_mask.png"), 1);
    assert_int_equal(iad_file_exists(ROOT "/mvtec/cap/test/dent_dirt/0.png"), 1);
    assert_int_equal(iad_file_exists(ROOT "/mvtec/nut/ground_truth/bent/1_mask.png"), 0);
    iad_manifest *back = take_in(ROOT "/mvtec", "mvtec", "parts");
    static const char facts[] =
        "SELECT hex(i.sha256)||i.label||replace(coalesce(i.defect,''),'/','_')||i.part||coalesce((SELECT sum(m.area)"
        " FROM image_mask x JOIN mask m ON m.id=x.mask_id WHERE"
        " x.image_id=i.id AND x.role='gt'),'none') FROM image i WHERE i.part<>'none' AND NOT(i.part='train'"
        " AND i.label='anomalous') ORDER BY i.sha256";
    char *ours = dump(m, facts), *theirs = dump(back, facts);
    assert_string_equal(ours, theirs);
    free(ours);
    free(theirs);
    iad_manifest_close(back);
    iad_manifest_close(m);
}

static char said[1000];
static void remember(void *user, const char *path, const char *reason) {
    size_t n = strlen(said);
    (void)user;
    snprintf(said + n, sizeof said - n, "%s|%s\n", path, reason);
}

static void test_export_troubles(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = make();
    iad_buf list;
    iad_buf_init(&list, 1u << 20);
    unlink(ROOT "/data/nut/train/good/0.png");
    assert_ok(iad_file_write(ROOT "/data/nut/train/good/1.png", "x", 1, &err));
    said[0] = 0;
    iad_strings names = {0};
    assert_ok(iad_strings_add(&names, "nut", &err));
    iad_export_options options = {.format = IAD_EXPORT_TSV,
                                  .files = IAD_EXPORT_COPY,
                                  .out = ROOT "/trouble",
                                  .trouble = remember,
                                  .categories = &names};
    iad_export_counts counts = export(m, &options, &list);
    assert_int_equal(counts.failed, 2);
    assert_int_equal(counts.pictures, 4);
    assert_non_null(strstr(said, "nut/train/good/0.png|"));
    assert_non_null(strstr(said, "nut/train/good/1.png|other content"));
    assert_null(strstr(iad_buf_str(&list), "good/1.png"));
    /* Without files: the list alone, masks not named, all pictures. */
    iad_buf_reset(&list);
    options.files = IAD_EXPORT_NONE;
    options.out = NULL;
    counts = export(m, &options, &list);
    assert_int_equal(counts.pictures, 6);
    assert_null(strstr(iad_buf_str(&list), "iad_masks"));
    assert_non_null(strstr(iad_buf_str(&list), "\tknown\n"));
    options.dataset = "other";
    assert_fails(IAD_ERR_NOT_FOUND, iad_export_run(m, &options, &list, &counts, &err));
    options.dataset = NULL;
    fixture_dataset(m, "second", "", "");
    assert_fails(IAD_ERR_ARG, iad_export_run(m, &options, &list, &counts, &err));
    options.dataset = "parts";
    assert_ok(iad_strings_add(&names, "bolt", &err));
    assert_fails(IAD_ERR_NOT_FOUND, iad_export_run(m, &options, &list, &counts, &err));
    assert_non_null(strstr(err.msg, "bolt"));
    iad_strings_deinit(&names);
    options.categories = NULL;
    options.format = IAD_EXPORT_MVTEC;
    assert_fails(IAD_ERR_ARG, iad_export_run(m, &options, &list, &counts, &err));
    options.format = IAD_EXPORT_TSV;
    assert_ok(iad_query_exec(m, "UPDATE image SET note='a'||char(9)||'b' WHERE id=1", &err));
    assert_fails(IAD_ERR_UNSUPPORTED, iad_export_run(m, &options, &list, &counts, &err));
    assert_non_null(strstr(err.msg, "nut/train/good/0.png"));
    atomic_int stop = 1;
    options.stop = &stop;
    assert_fails(IAD_ERR_INTERRUPTED, iad_export_run(m, &options, &list, &counts, &err));
    iad_buf_deinit(&list);
    iad_manifest_close(m);
}

static json_int_t at(const json_t *object, const char *a, const char *b) {
    const json_t *inner = json_object_get(object, a);
    return json_integer_value(b ? json_object_get(inner, b) : inner);
}

static void test_stats(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = make();
    json_t *stats = NULL;
    int64_t id = 0;
    iad_image_row bad = {.dataset_id = 1,
                         .category_id = 1,
                         .path = "nut/bad.png",
                         .part = IAD_PART_TEST,
                         .label = IAD_LABEL_NORMAL,
                         .bad = 1,
                         .bad_reason = "cut"};
    assert_ok(iad_image_put(m, &bad, &id, NULL, &err));
    assert_ok(iad_split_put(m, ids[0], "fold", IAD_PART_TEST, &err));
    assert_ok(iad_stats_json(m, NULL, NULL, &stats, &err));
    const json_t *nut =
        json_array_get(json_object_get(json_array_get(json_object_get(stats, "datasets"), 0), "categories"), 1);
    assert_string_equal(json_string_value(json_object_get(nut, "name")), "nut");
    assert_int_equal(at(nut, "pictures", NULL), 7);
    assert_int_equal(at(nut, "bad", NULL), 1);
    assert_int_equal(at(json_object_get(nut, "parts"), "train", "normal"), 2);
    assert_int_equal(at(json_object_get(nut, "parts"), "test", "normal"), 1);
    assert_int_equal(at(json_object_get(nut, "parts"), "test", "anomalous"), 3);
    assert_int_equal(at(nut, "defects", "bent"), 2);
    assert_int_equal(at(nut, "masks", NULL), 2);
    assert_int_equal(at(nut, "masks_unknown", NULL), 1);
    assert_int_equal(at(nut, "exemplars", NULL), 2);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(nut, "width"), 1)), 40);
    assert_int_equal(at(stats, "masks", NULL), 4);
    json_decref(stats);
    assert_ok(iad_stats_json(m, "parts", "fold", &stats, &err));
    nut = json_array_get(json_object_get(json_array_get(json_object_get(stats, "datasets"), 0), "categories"), 1);
    assert_int_equal(at(json_object_get(nut, "parts"), "test", "normal"), 1);
    assert_int_equal(at(json_object_get(nut, "parts"), "train", "normal"), 0);
    assert_int_equal(at(json_object_get(nut, "parts"), "none", "anomalous"), 3);
    json_decref(stats);
    assert_fails(IAD_ERR_NOT_FOUND, iad_stats_json(m, "x", NULL, &stats, &err));
    assert_null(stats);
    iad_manifest_close(m);
}

static void test_show(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = make();
    json_t *object = NULL;
    static const char *const keys[] = {"nut/test/scratch/0.png", "parts/nut/test/scratch/0.png",
                                       ROOT "/data/nut/test/../test/scratch/0.png", "4"};
    for (int i = 0; i < 4; i++) {
        assert_ok(iad_show(m, "picture", keys[i], &object, &err));
        assert_int_equal(at(object, "id", NULL), 4);
        assert_string_equal(json_string_value(json_object_get(object, "ground_truth")), "known");
        assert_int_equal(json_array_size(json_object_get(object, "masks")), 1);
        assert_true(json_is_true(json_object_get(object, "file_exists")));
        assert_null(json_object_get(object, "view"));
        json_decref(object);
    }
    assert_ok(iad_show(m, "category", "parts/nut", &object, &err));
    json_decref(object);
    assert_ok(iad_show(m, "dataset", "parts", &object, &err));
    assert_int_equal(json_array_size(json_object_get(object, "categories")), 2);
    json_decref(object);
    assert_ok(iad_show(m, "mask", "1", &object, &err));
    json_decref(object);
    assert_fails(IAD_ERR_NOT_FOUND, iad_show(m, "picture", "nut/x.png", &object, &err));
    assert_non_null(strstr(err.msg, "nut/x.png"));
    assert_fails(IAD_ERR_NOT_FOUND, iad_show(m, "task", "7", &object, &err));
    assert_fails(IAD_ERR_NOT_FOUND, iad_show(m, "set", "abc", &object, &err));
    assert_fails(IAD_ERR_ARG, iad_show(m, "mood", "1", &object, &err));
    int64_t second = fixture_dataset(m, "second", "", "");
    fixture_image(m, second, fixture_category(m, second, "nut"), "nut/test/scratch/0.png", IAD_PART_TEST,
                  IAD_LABEL_NORMAL);
    assert_fails(IAD_ERR_ARG, iad_show(m, "picture", "nut/test/scratch/0.png", &object, &err));
    assert_null(object);
    iad_manifest_close(m);
}

static size_t count_text(const char *text, const char *what) {
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)) != NULL; p++) n++;
    return n;
}

static void test_gallery(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = make();
    iad_gallery_counts counts;
    iad_gallery_options options = {.per_category = 100, .side = 32, .quality = 80, .threads = 1};
    iad_buf one, many;
    iad_buf_init(&one, 1u << 24);
    iad_buf_init(&many, 1u << 24);
    assert_ok(iad_query_exec(
        m, "UPDATE image SET defect='<b>&\"x' WHERE id=4; UPDATE category SET name='nut<script>' WHERE name='nut'",
        &err));
    unlink(ROOT "/data/nut/train/good/0.png");
    assert_ok(iad_gallery_html(m, &options, &one, &counts, &err));
    assert_int_equal(counts.pictures, 8);
    assert_int_equal(counts.failed, 1);
    assert_int_equal(counts.categories, 2);
    assert_int_equal(count_text(iad_buf_str(&one), "<figure"), 8);
    assert_int_equal(count_text(iad_buf_str(&one), "data:image/jpeg;base64,"), 7);
    assert_int_equal(count_text(iad_buf_str(&one), "no mask"), 1);
    assert_null(strstr(iad_buf_str(&one), "<script>"));
    assert_null(strstr(iad_buf_str(&one), "<b>&"));
    assert_null(strstr(iad_buf_str(&one), "http"));
    options.threads = 4;
    assert_ok(iad_gallery_html(m, &options, &many, &counts, &err));
    assert_int_equal(one.len, many.len);
    assert_memory_equal(one.data, many.data, one.len);
    /* A selection: one of each kind before two of one. Kinds of nut: train, test good, bent (2), <b>. */
    options.per_category = 4;
    iad_buf_reset(&many);
    assert_ok(iad_gallery_html(m, &options, &many, &counts, &err));
    assert_int_equal(counts.pictures, 6);
    assert_int_equal(count_text(iad_buf_str(&many), ">bent</b>"), 1);
    assert_int_equal(count_text(iad_buf_str(&many), "title=\"nut/train"), 1);
    options.dataset = "x";
    assert_fails(IAD_ERR_NOT_FOUND, iad_gallery_html(m, &options, &many, &counts, &err));
    options.dataset = NULL;
    options.side = 3;
    assert_fails(IAD_ERR_ARG, iad_gallery_html(m, &options, &many, &counts, &err));
    iad_buf_deinit(&one);
    iad_buf_deinit(&many);
    iad_manifest_close(m);
}

static void test_small_masks_survive(void **state) {
    (void)state;
    iad_err err;
    iad_image mask, small;
    assert_ok(iad_image_init(&mask, 1000, 700, 1, &err));
    *iad_image_at(&mask, 999, 699) = 1;
    *iad_image_at(&mask, 500, 3) = 1;
    assert_ok(iad_gallery_shrink_mask(&mask, 16, 11, &small, &err));
    int n = 0;
    for (int i = 0; i < 16 * 11; i++) n += small.px[i] == 255;
    assert_int_equal(n, 2);
    assert_int_equal(*iad_image_at(&small, 15, 10), 255);
    assert_int_equal(*iad_image_at(&small, 8, 0), 255);
    iad_image_deinit(&mask);
    iad_image_deinit(&small);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_list_round_trip),
                                       cmocka_unit_test(test_mvtec_round_trip),
                                       cmocka_unit_test(test_export_troubles),
                                       cmocka_unit_test(test_stats),
                                       cmocka_unit_test(test_show),
                                       cmocka_unit_test(test_gallery),
                                       cmocka_unit_test(test_small_masks_survive)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
