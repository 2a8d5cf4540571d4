/* Merging: ids are remapped, doing it twice changes nothing, contradictions are named, the order does not matter. */
#include "manifests/merge.h"

#include <unistd.h>

#include "base/file.h"
#include "tests/unit/manifest/manifest_fixture.h"
#include "manifests/canonical.h"
#include "manifests/check.h"
#include "manifests/identity.h"
#include "manifests/pictures.h"
#include "manifests/query.h"
#include "manifests/refs.h"

static char said[4000];

static void remember(void *user, const char *item, const char *text) {
    size_t n = strlen(said);
    (void)user;
    snprintf(said + n, sizeof said - n, "%s|%s\n", item, text);
}

static iad_merge_counts merge(iad_manifest *into, iad_manifest *from) {
    iad_err err;
    iad_merge_counts counts;
    iad_merge_options options = {.conflict = remember};
    said[0] = 0;
    assert_ok(iad_merge_run(into, from, &options, &counts, &err));
    assert_int_equal(iad_manifest_in_transaction(into), 0);
    return counts;
}

static int64_t count(iad_manifest *m, const char *sql) {
    iad_err err;
    int64_t n = -1;
    assert_ok(iad_query_scalar(m, sql, -1, &n, &err));
    return n;
}

/* Pictures first..last of one data set with everything that can hang on them. `skew` shifts the row ids. */
static iad_manifest *make(int first, int last, int skew) {
    iad_err err;
    iad_manifest *m = fixture_open();
    for (int i = 0; i < skew; i++) {
        char name[20];
        snprintf(name, sizeof name, "filler%d", i);
        fixture_category(m, fixture_dataset(m, name, "", ""), "x");
    }
    int64_t dataset = fixture_dataset(m, "parts", "mvtec", ""), category = fixture_category(m, dataset, "nut");
    int64_t ids[64], mask = 0, id = 0, template_id = 0, run = 0, recipe;
    int added;
    assert_ok(iad_run_begin(m, "test", "1", first ? "b" : "a", NULL, 3, &run, &err));
    assert_ok(iad_run_end(m, run, "ok", "{}", &err));
    iad_template_row template_row = {
        .task = "s3_detect", .lang = "en", .text = "Normal?", .yes_means = "normal", .canonical = 1, .version = 1};
    assert_ok(iad_template_put(m, &template_row, &template_id, &err));
    for (int i = first; i <= last; i++) {
        char path[64];
        snprintf(path, sizeof path, "nut/%s/%02d.png", i % 4 == 3 ? "test/bad" : "train/good", i);
        ids[i] = fixture_image(m, dataset, category, path, i % 4 == 3 ? IAD_PART_TEST : IAD_PART_TRAIN,
                               i % 4 == 3 ? IAD_LABEL_ANOMALOUS : IAD_LABEL_NORMAL);
        iad_caption_row caption = {.image_id = ids[i], .aspect = "overall", .lang = "en", .text = path};
        assert_ok(iad_caption_put(m, &caption, &id, &err));
        assert_ok(iad_split_put(m, ids[i], "fold", i % 2 ? IAD_PART_TEST : IAD_PART_TRAIN, &err));
        if (i % 4 != 3) continue;
        iad_image pixels;
        iad_mask_row row;
        assert_ok(iad_image_init(&pixels, 8, 6, 1, &err));
        pixels.px[i % 48] = 255;
        assert_ok(iad_mask_prepare(&pixels, NULL, IAD_MASK_EXACT, &row, &err));
        assert_ok(iad_mask_put(m, &row, &mask, &err));
        assert_ok(iad_image_mask_put(m, ids[i], mask, "gt", &err));
        iad_box_row box = {1, 2, 3.25, 4, "dent"};
        assert_ok(iad_image_boxes_set(m, ids[i], &box, 1, &err));
        iad_mask_row_deinit(&row);
        iad_image_deinit(&pixels);
        iad_query q;
        assert_ok(iad_query_open(
            &q, m, "synth",
            "INSERT INTO synth(recipe_sha256,dst_image,generator,generator_version,params,seed,kind,mask_vis,opacity)"
            " VALUES(?,?,'cutpaste','1','{}',5,'anomalous',?,0.123456789012345678)",
            &err));
        uint8_t digest[32];
        assert_ok(iad_sha256_bytes(path, strlen(path), digest, &err));
        iad_query_blob(&q, digest, 32);
        iad_query_i64(&q, ids[i - 1]);
        iad_query_i64(&q, mask);
        assert_ok(iad_query_run(&q, path, &err));
        recipe = iad_query_last_id(m);
        iad_task_image images[] = {{.image_id = ids[i - 2], .role = "ref"}, {.synth_id = recipe, .role = "query"}};
        iad_task_row task = {.category_id = category,
                             .stage = 3,
                             .task = "s3_detect",
                             .shots = 1,
                             .question = "<image><image>" IAD_CANONICAL_QUESTION,
                             .answer = "No",
                             .yes_means = "normal",
                             .template_id = template_id,
                             .mask_id = mask,
                             .query_pos = 1,
                             .anomaly_spans = "[[27,33,\"defect\"]]",
                             .normal_spans = "[[90,96,\"normal\"]]",
                             .weight = 0.1 + 1.0 / 3,
                             .part = "train",
                             .seed = UINT64_MAX - 1,
                             .run_id = run,
                             .images = images,
                             .n_images = 2};
        assert_ok(iad_task_put(m, &task, &id, &added, &err));
        images[1] = (iad_task_image){.image_id = ids[i], .role = "query"};
        task.dataset_id = dataset;
        task.stage = 0;
        task.task = "mmad";
        task.external_id = path;
        task.part = "eval";
        task.template_id = 0;
        task.yes_means = NULL;
        assert_ok(iad_task_put(m, &task, &id, &added, &err));
    }
    iad_refs refs = {0};
    iad_refs_options store = {.store = 1};
    char rule[30];
    snprintf(rule, sizeof rule, "random:%d", first);
    assert_ok(iad_refs_make(m, category, rule, 2, &store, &refs, &err));
    iad_refs_deinit(&refs);
    return m;
}

static iad_status complain(void *user, const char *rule, const char *item, const char *text, iad_err *err) {
    (void)user, (void)err;
    fprintf(stderr, "%s %s %s\n", rule, item, text);
    return IAD_OK;
}

static void assert_sound(iad_manifest *m) {
    iad_err err;
    iad_check_options options = {.masks = 1, .no_leakage = 1, .threads = 1};
    iad_check_sink sink = {NULL, complain};
    iad_check_counts counts;
    assert_ok(iad_check_run(m, &options, &sink, &counts, &err));
    assert_int_equal(counts.violations, 0);
}

static void test_two_halves(void **state) {
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        iad_manifest *a = make(0, 7, 0), *b = make(4, 15, 3); /* 4..7 are in both */
        iad_manifest *into = swapped ? b : a, *from = swapped ? a : b;
        iad_merge_counts counts = merge(into, from);
        assert_string_equal(said, "");
        assert_int_equal(counts.conflicts, 0);
        assert_int_equal(counts.left_out, 0);
        assert_int_equal(counts.pictures_same, 4);
        assert_int_equal(counts.pictures_added, swapped ? 4 : 8);
        assert_int_equal(count(into, "SELECT count(*) FROM image"), 16);
        assert_int_equal(count(into, "SELECT count(*) FROM dataset"), 4);
        assert_int_equal(count(into, "SELECT count(*) FROM mask"), 4);
        assert_int_equal(count(into, "SELECT count(*) FROM image_mask"), 4);
        assert_int_equal(count(into, "SELECT count(*) FROM image_box"), 4);
        assert_int_equal(count(into, "SELECT count(*) FROM caption"), 16);
        assert_int_equal(count(into, "SELECT count(*) FROM split"), 16);
        assert_int_equal(count(into, "SELECT count(*) FROM template"), 1);
        assert_int_equal(count(into, "SELECT count(*) FROM synth"), 4);
        assert_int_equal(count(into, "SELECT count(*) FROM task"), 8);
        assert_int_equal(count(into, "SELECT count(*) FROM task_image"), 16);
        assert_int_equal(count(into, "SELECT count(*) FROM exemplar_set"), 2);
        assert_int_equal(count(into, "SELECT count(*) FROM exemplar"), 4);
        assert_int_equal(count(into, "SELECT count(*) FROM run"), 2);
        /* References point at what they pointed at: names agree across them. */
        assert_int_equal(
            count(into, "SELECT count(*) FROM caption c JOIN image i ON i.id=c.image_id WHERE c.text=i.path"), 16);
        assert_int_equal(
            count(
                into,
                "SELECT count(*) FROM task t JOIN task_image x ON x.task_id=t.id AND x.role='query' JOIN image i"
                " ON i.id=x.image_id WHERE t.external_id=i.path"),
            4);
        assert_int_equal(
            count(
                into,
                "SELECT count(*) FROM synth s JOIN image i ON i.id=s.dst_image"
                " WHERE abs(opacity-0.123456789012345678)<1e-17 AND i.label='normal'"),
            4);
        assert_int_equal(count(into, "SELECT count(*) FROM task WHERE seed=-2 AND weight=0.1+1.0/3"), 8);
        assert_int_equal(
            count(
                into,
                "SELECT count(*) FROM task t JOIN template p ON p.id=t.template_id JOIN mask m ON m.id=t.mask_id"
                " JOIN category c ON c.id=t.category_id WHERE c.name='nut'"),
            4);
        assert_int_equal(count(into, "SELECT count(*) FROM task t JOIN run r ON r.id=t.run_id"), 8);
        assert_sound(into);

        counts = merge(into, from);
        assert_int_equal(counts.added, 0);
        assert_int_equal(counts.conflicts, 0);
        assert_int_equal(counts.pictures_same, swapped ? 8 : 12);
        iad_manifest_close(a);
        iad_manifest_close(b);
    }
}

static void test_conflicts(void **state) {
    (void)state;
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"UPDATE image SET sha256=zeroblob(32) WHERE path LIKE '%/03.png'",
         "parts/nut/test/bad/03.png|another file here than there\n"},
        {"UPDATE image SET label='normal',defect=NULL WHERE path LIKE '%/03.png'",
         "nut/test/bad/03.png|label: anomalous here, normal there\n"},
        {"UPDATE image SET defect='dirt' WHERE path LIKE '%/03.png'",
         "nut/test/bad/03.png|defect: 'scratch' here, 'dirt' there\n"},
        {"UPDATE dataset SET licence='MIT' WHERE name='parts'", "parts|licence: 'test' here, 'MIT' there\n"},
        {"UPDATE dataset SET eval_overlap='visa' WHERE name='parts'", "parts|eval_overlap: '' here, 'visa' there\n"},
        {"UPDATE category SET kind='texture' WHERE name='nut'", "nut|kind: 'object' here, 'texture' there\n"},
        {"UPDATE mask SET sha256=zeroblob(32) WHERE id=1", "mask (gt) differ\n"},
        {"UPDATE image_box SET x0=2", "boxes (boxes) differ\n"},
        {"UPDATE split SET part='val' WHERE image_id=(SELECT id FROM image WHERE path LIKE '%/00.png')",
         "split (fold) differ\n"},
        {"UPDATE template SET yes_means='anomalous'; UPDATE task SET yes_means='anomalous' WHERE stage=3",
         "template 1|yes_means differs\n"},
        {"UPDATE exemplar SET sha256=zeroblob(32)", "exemplar set 1 (random:0)|other pictures here than there\n"},
        {"UPDATE task SET answer='B' WHERE external_id IS NOT NULL",
         "task mmad nut/test/bad/03.png|another question, answer or pictures here than there\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_err err;
        iad_manifest *a = make(0, 7, 0), *b = make(0, 7, 2);
        int64_t tasks = count(a, "SELECT count(*) FROM task");
        assert_ok(iad_query_exec(b, cases[i].sql, &err));
        iad_merge_counts counts = merge(a, b);
        if (!strstr(said, cases[i].says)) fail_msg("case %zu: '%s' does not say '%s'", i, said, cases[i].says);
        assert_true(counts.conflicts > 0);
        assert_int_equal(count(a, "SELECT count(*) FROM image"), 8);
        if (i != 9) assert_int_equal(count(a, "SELECT count(*) FROM task"), tasks);
        /* Ours is kept. */
        assert_int_equal(
            count(
                a,
                "SELECT count(*) FROM image WHERE path LIKE '%/03.png' AND label='anomalous' AND defect='scratch'"
                " AND sha256<>zeroblob(32)"),
            1);
        int64_t again = counts.conflicts;
        counts = merge(a, b);
        assert_int_equal(counts.conflicts, again);
        assert_int_equal(counts.added, 0);
        iad_manifest_close(a);
        iad_manifest_close(b);
    }
}

static void test_unknown_facts_are_filled_in(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *a = make(0, 3, 0), *b = make(0, 3, 1);
    assert_ok(iad_query_exec(
        b, "UPDATE image SET object_key='o'||id,view='C1'; UPDATE category SET aligned=1,description='a nut'", &err));
    iad_merge_counts counts = merge(a, b);
    assert_int_equal(counts.conflicts, 0);
    assert_int_equal(count(a, "SELECT count(*) FROM image WHERE view='C1' AND object_key LIKE 'o%'"), 4);
    assert_int_equal(count(a, "SELECT count(*) FROM category WHERE aligned=1 AND description='a nut' AND name='nut'"),
                     1);
    iad_manifest_close(a);
    iad_manifest_close(b);
}

static void test_renamed_and_doubles(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *a = make(0, 7, 0), *b = make(0, 7, 1);
    assert_ok(iad_query_exec(
        b,
        "UPDATE image SET path='nut/moved/00.png' WHERE path LIKE '%/00.png';"
        "UPDATE image SET dup_of=(SELECT id FROM image WHERE path LIKE '%/01.png') WHERE path LIKE '%/02.png'",
        &err));
    iad_merge_counts counts = merge(a, b);
    assert_int_equal(counts.renamed, 1);
    assert_int_equal(count(a, "SELECT count(*) FROM image"), 8);
    assert_int_equal(count(a, "SELECT count(*) FROM image WHERE path LIKE '%/moved/%'"), 0);
    assert_int_equal(
        count(
            a,
            "SELECT count(*) FROM image i JOIN image o ON o.id=i.dup_of WHERE i.path LIKE '%/02.png'"
            " AND o.path LIKE '%/01.png'"),
        1);
    /* The same file twice in one data set is no renaming. */
    assert_ok(iad_query_exec(b, "UPDATE image SET path='nut/train/good/00.png' WHERE path LIKE '%/moved/%'", &err));
    int64_t id = 0;
    iad_image_row copy = fixture_row(2, 2, "nut/train/good/00.png", IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    copy.path = "nut/copy/00.png";
    assert_ok(iad_image_put(b, &copy, &id, NULL, &err));
    counts = merge(a, b);
    assert_int_equal(counts.renamed, 0);
    assert_int_equal(counts.pictures_added, 1);
    iad_manifest_close(a);
    iad_manifest_close(b);
}

static void test_roots_and_refusals(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *a = NULL, *b = NULL, *reader = NULL;
    iad_merge_counts counts;
    iad_merge_options options = {0};
    assert_ok(iad_dir_make("test_merge.tmp/one/data", &err));
    unlink("test_merge.tmp/a.db");
    unlink("test_merge.tmp/one/b.db");
    assert_ok(iad_manifest_open("test_merge.tmp/a.db", IAD_MANIFEST_CREATE, &a, &err));
    assert_ok(iad_manifest_open("test_merge.tmp/one/b.db", IAD_MANIFEST_CREATE, &b, &err));
    fixture_dataset(b, "there", "", ""); /* root "data", beside b.db */
    assert_ok(iad_query_exec(
        b,
        "INSERT INTO dataset(name,root,licence,redistributable,commercial)"
        " VALUES('gone','lost/data','',0,0),('far','/no/such/place','',0,0)",
        &err));
    counts = merge(a, b);
    assert_int_equal(counts.added, 3);
    assert_int_equal(count(a, "SELECT count(*) FROM dataset WHERE root='one/data' AND name='there'"), 1);
    assert_int_equal(count(a, "SELECT count(*) FROM dataset WHERE root='one/lost/data' AND name='gone'"), 1);
    assert_int_equal(count(a, "SELECT count(*) FROM dataset WHERE root='/no/such/place' AND name='far'"), 1);
    assert_fails(IAD_ERR_ARG, iad_merge_run(a, a, &options, &counts, &err));
    assert_ok(iad_manifest_open("test_merge.tmp/a.db", IAD_MANIFEST_READ, &reader, &err));
    assert_fails(IAD_ERR_ARG, iad_merge_run(a, reader, &options, &counts, &err));
    assert_fails(IAD_ERR_ARG, iad_merge_run(reader, b, &options, &counts, &err));
    atomic_int stop = 1;
    options.stop = &stop;
    assert_fails(IAD_ERR_INTERRUPTED, iad_merge_run(a, b, &options, &counts, &err));
    iad_manifest_close(reader);
    iad_manifest_close(a);
    iad_manifest_close(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_halves), cmocka_unit_test(test_conflicts),
                                       cmocka_unit_test(test_unknown_facts_are_filled_in),
                                       cmocka_unit_test(test_renamed_and_doubles),
                                       cmocka_unit_test(test_roots_and_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
