/* The engine with an adapter that delivers what a test wants: labels from masks, questions, corrections, interruption, limits. */
#include <fcntl.h>
#include <sys/stat.h>

#include "manifests/ingest/ingest.h"
#include "tests/unit/ingest/dump.h"
#include "tests/unit/ingest/fixture.h"

/* ---- a scripted adapter: the script is a list file, read from the folder at every scan ---- */

typedef struct script {
    const iad_ingest_item *items;
    size_t n;
    const iad_ingest_task *tasks;
    size_t n_tasks;
} script;

/* cmocka runs one test at a time; the adapter's interface has no user data. */
static script now;

static iad_status scripted_scan(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    (void)root, (void)options;
    for (size_t i = 0; i < now.n; i++) IAD_TRY(sink->item(sink->user, &now.items[i], err));
    for (size_t i = 0; i < now.n_tasks; i++) IAD_TRY(sink->task(sink->user, &now.tasks[i], err));
    return IAD_OK;
}

static const iad_adapter scripted = {.name = "scripted",
                                     .title = "Scripted",
                                     .layout = "whatever the test says",
                                     .options = "known",
                                     .licence = "none",
                                     .origin = "generated",
                                     .eval_overlap = "",
                                     .scan = scripted_scan};

typedef struct bench {
    char root[IAD_PATH_MAX];
    iad_manifest *manifest;
    iad_ingest_result result;
} bench;

static void setup(bench *b) {
    iad_err err = IAD_ERR_NONE;
    memset(b, 0, sizeof *b);
    dump_scratch("engine", b->root);
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, &b->manifest, &err));
    now = (script){0};
}

static void teardown(bench *b) {
    iad_ingest_result_deinit(&b->result);
    iad_manifest_close(b->manifest);
    dump_remove(b->root);
}

static iad_status try_run(bench *b, iad_ingest_options options, iad_err *err) {
    if (!options.adapter) options.adapter = &scripted;
    if (!options.root) options.root = b->root;
    if (!options.threads) options.threads = 2;
    iad_ingest_result_deinit(&b->result);
    return iad_ingest_run(b->manifest, &options, &b->result, err);
}

static void run(bench *b) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(try_run(b, (iad_ingest_options){0}, &err));
}

static char *text_of(bench *b, const char *sql) {
    iad_buf out;
    iad_buf_init(&out, 1u << 20);
    dump_rows(iad_manifest_sqlite(b->manifest), &out, "", sql, 0);
    return iad_buf_take(&out, NULL);
}

static void expect(bench *b, const char *sql, const char *want) {
    char *got = text_of(b, sql);
    assert_string_equal(want, got);
    free(got);
}

#define LABELS "SELECT path,label,defect,exemplar_ok FROM image ORDER BY id"

/* ---- tests ---- */

static void label_from_mask(void **state) {
    (void)state;
    bench b;
    setup(&b);
    fx_jpeg_grey(b.root, "a.jpg", 1), fx_jpeg_grey(b.root, "b.jpg", 2), fx_jpeg_grey(b.root, "c.jpg", 3), fx_jpeg_grey(b.root, "d.jpg", 4);
    fx_mask(b.root, "a.png", 3, 3, 255);
    fx_mask_empty(b.root, "b.png");
    const char *const mask[] = {"a.png", "b.png", "c.png"};
    const iad_ingest_item items[] = {
        {.path = "a.jpg", .category = "x", .split = "train", .defect = "crack", .label = IAD_LABEL_UNKNOWN, .masks = &mask[0], .n_masks = 1,
         .label_from_mask = 1, .exemplar_ok = 1},
        {.path = "b.jpg", .category = "x", .split = "train", .defect = "crack", .label = IAD_LABEL_UNKNOWN, .masks = &mask[1], .n_masks = 1,
         .label_from_mask = 1, .exemplar_ok = 1},
        {.path = "c.jpg", .category = "x", .split = "train", .defect = "crack", .label = IAD_LABEL_UNKNOWN, .masks = &mask[2], .n_masks = 1,
         .label_from_mask = 1, .exemplar_ok = 1},
        {.path = "d.jpg", .category = "x", .split = "train", .defect = "crack", .label = IAD_LABEL_UNKNOWN, .label_from_mask = 1, .exemplar_ok = 1}};
    now = (script){items, 4, NULL, 0};
    run(&b);
    expect(&b, LABELS, "a.jpg|anomalous|crack|0\nb.jpg|normal|-|1\nc.jpg|unknown|-|0\nd.jpg|unknown|-|0\n");
    expect(&b, "SELECT image_id,role FROM image_mask", "1|gt\n");
    assert_int_equal(1, b.result.masks);
    assert_int_equal(1, b.result.masks_failed); /* c.png is not there */
    assert_int_equal(1, b.result.counts.rows[0].found[IAD_LABEL_ANOMALOUS]);
    assert_int_equal(1, b.result.counts.rows[0].found[IAD_LABEL_NORMAL]);
    run(&b); /* labels of pictures that are not read again come from their rows */
    assert_int_equal(4, b.result.same);
    assert_int_equal(1, b.result.counts.rows[0].found[IAD_LABEL_ANOMALOUS]);
    expect(&b, LABELS, "a.jpg|anomalous|crack|0\nb.jpg|normal|-|1\nc.jpg|unknown|-|0\nd.jpg|unknown|-|0\n");
    teardown(&b);
}

static void normal_with_mask(void **state) {
    (void)state;
    bench b;
    setup(&b);
    fx_png(b.root, "a.png", 1), fx_png(b.root, "b.png", 2);
    fx_mask(b.root, "m.png", 3, 3, 255), fx_mask_empty(b.root, "e.png");
    const char *const mask[] = {"m.png", "e.png"};
    const iad_ingest_item items[] = {{.path = "a.png", .category = "x", .masks = &mask[0], .n_masks = 1, .exemplar_ok = 1},
                                     {.path = "b.png", .category = "x", .masks = &mask[1], .n_masks = 1, .exemplar_ok = 1}};
    now = (script){items, 2, NULL, 0};
    run(&b);
    expect(&b, "SELECT count(*) FROM image_mask", "0\n");
    expect(&b, "SELECT path,note FROM image ORDER BY id", "a.png|normal, but its mask is not empty: the mask is not kept\nb.png|-\n");
    teardown(&b);
}

static void questions(void **state) {
    (void)state;
    bench b;
    setup(&b);
    fx_png(b.root, "a.png", 1), fx_png(b.root, "b.png", 2), fx_jpeg_cut(b.root, "cut.jpg", 32, 24, 3, 3, 50);
    const char *const paths[] = {"a.png", "b.png", "cut.jpg", "gone.png", "../x.png"};
    json_t *turns = json_pack("[{s:s}]", "type", "Anomaly Detection");
    const iad_ingest_item items[] = {{.path = "a.png", .category = "x"}, {.path = "b.png", .category = "x"}, {.path = "cut.jpg", .category = "x"}};
    const iad_ingest_task tasks[] = {{"mmad", "q1", &paths[0], 2, "Any?", "A", turns, "eval", "x"},
                                     {"mmad", "q2", &paths[1], 1, "Any?", "B", NULL, NULL, NULL},
                                     {"mmad", "q3", &paths[2], 1, "Any?", "B", NULL, "eval", NULL},
                                     {"mmad", "q4", &paths[3], 1, "Any?", "B", NULL, "eval", NULL},
                                     {"mmad", "q5", &paths[4], 1, "Any?", "B", NULL, "eval", NULL},
                                     {"mmad", NULL, &paths[0], 1, "Any?", "B", NULL, "eval", NULL},
                                     {"mmad", "q1", &paths[1], 1, "Another?", "B", NULL, "eval", NULL}};
    now = (script){items, 3, tasks, 7};
    run(&b);
    expect(&b, "SELECT task,external_id,stage,shots,question,answer,turns,query_pos,part,category_id FROM task ORDER BY id",
           "mmad|q1|0|1|Any?|A|[{\"type\":\"Anomaly Detection\"}]|1|eval|1\nmmad|q2|0|0|Any?|B|-|0|train|-\n");
    expect(&b, "SELECT task_id,pos,image_id,role FROM task_image ORDER BY 1,2", "1|0|1|ref\n1|1|2|query\n2|0|2|query\n");
    assert_int_equal(2, b.result.tasks_added);
    assert_int_equal(1, b.result.tasks_same); /* the second q1 */
    assert_int_equal(1, b.result.refused);    /* q5 */
    assert_int_equal(3, b.result.rejected);   /* q3, q4, the one without a name */
    run(&b);
    assert_int_equal(0, b.result.tasks_added);
    assert_int_equal(3, b.result.tasks_same);
    json_decref(turns);
    teardown(&b);
}

static void hostile_records(void **state) {
    (void)state;
    bench b;
    setup(&b);
    fx_png(b.root, "a.png", 1);
    const char *const masks[] = {"a.png", "/etc/passwd"};
    const iad_ingest_item items[] = {{.path = "a.png", .category = "x", .label = IAD_LABEL_ANOMALOUS, .masks = masks, .n_masks = 2},
                                     {.path = "../a.png", .category = "x"},
                                     {.path = "/a.png", .category = "x"},
                                     {.path = "b\\c.png", .category = "x"},
                                     {.path = "d//e.png", .category = "x"},
                                     {.path = "new\nline.png", .category = "x"},
                                     {.path = "lat\xefn.png", .category = "x"},
                                     {.path = "", .category = "x"},
                                     {.path = NULL, .category = "x"},
                                     {.path = "f.png", .category = NULL},
                                     {.path = "g.png", .category = ""},
                                     {.path = "h.png", .category = "\x1b[31m"},
                                     {.path = "i.png", .category = "x", .defect = "\xff"},
                                     {.path = "a.png", .category = "y"},
                                     {.path = "gone.png", .category = "x"}};
    now = (script){items, sizeof items / sizeof *items, NULL, 0};
    run(&b);
    assert_int_equal(1, b.result.added);
    assert_int_equal(9, b.result.refused); /* eight pictures and one mask */
    assert_int_equal(5, b.result.rejected); /* f, g, h, i and the missing file */
    assert_int_equal(1, b.result.repeated);
    expect(&b, "SELECT path,label FROM image", "a.png|anomalous\n");
    expect(&b, "SELECT count(*) FROM image_mask", "0\n"); /* a union without one of its parts would be wrong */
    teardown(&b);
}

/* Sets a file's time, so that a test need not wait for the clock. */
static void touch(const bench *b, const char *rel, long seconds) {
    char path[IAD_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", b->root, rel);
    const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    assert_int_equal(0, utimensat(AT_FDCWD, path, times, 0));
}

static void corrections(void **state) {
    (void)state;
    bench b;
    setup(&b);
    fx_png(b.root, "a.png", 1), fx_png(b.root, "b.png", 2), fx_png(b.root, "c.png", 3);
    touch(&b, "a.png", 1000), touch(&b, "b.png", 1000), touch(&b, "c.png", 1000);
    const char *const mask = "m.png";
    iad_ingest_item items[] = {{.path = "a.png", .category = "x", .split = "train", .exemplar_ok = 1},
                               {.path = "b.png", .category = "x", .split = "test", .label = IAD_LABEL_ANOMALOUS, .defect = "hole"},
                               {.path = "c.png", .category = "x", .split = "train", .exemplar_ok = 1}};
    now = (script){items, 3, NULL, 0};
    run(&b);
    run(&b);
    assert_int_equal(3, b.result.same);
    assert_int_equal(3, b.result.not_read);

    items[0].label = IAD_LABEL_ANOMALOUS, items[0].defect = "scratch"; /* the list was corrected: the file need not be read */
    run(&b);
    assert_int_equal(1, b.result.changed);
    assert_int_equal(3, b.result.not_read);
    expect(&b, LABELS, "a.png|anomalous|scratch|0\nb.png|anomalous|hole|0\nc.png|normal|-|1\n");

    fx_mask(b.root, "m.png", 3, 3, 255); /* ground truth turned up */
    items[1].masks = &mask, items[1].n_masks = 1;
    run(&b);
    assert_int_equal(1, b.result.changed);
    assert_int_equal(1, b.result.masks);
    assert_int_equal(2, b.result.not_read);
    expect(&b, "SELECT image_id,mask_id,role FROM image_mask", "2|1|gt\n");

    fx_png(b.root, "b.png", 9); /* another picture under the same name: same row, new hashes */
    touch(&b, "b.png", 2000);
    fx_mask(b.root, "m.png", 4, 3, 255);
    run(&b);
    assert_int_equal(1, b.result.changed);
    expect(&b, "SELECT image_id,mask_id,role FROM image_mask", "2|2|gt\n");
    expect(&b, "SELECT id,path FROM image ORDER BY id", "1|a.png\n2|b.png\n3|c.png\n");

    touch(&b, "c.png", 3000); /* only the time: read again, the row learns the time */
    run(&b);
    assert_int_equal(1, b.result.changed);
    assert_int_equal(2, b.result.not_read);

    fx_mask(b.root, "m.png", 5, 3, 255); /* size and time of the picture say nothing about its mask: --rehash */
    run(&b);
    expect(&b, "SELECT image_id,mask_id,role FROM image_mask", "2|2|gt\n");
    iad_err err = IAD_ERR_NONE;
    assert_ok(try_run(&b, (iad_ingest_options){.rehash = 1}, &err));
    assert_int_equal(0, b.result.not_read);
    expect(&b, "SELECT image_id,mask_id,role FROM image_mask", "2|3|gt\n");

    now.n = 2; /* the source lost a picture: its row stays */
    run(&b);
    assert_int_equal(1, b.result.gone);
    expect(&b, "SELECT count(*) FROM image", "3\n");
    teardown(&b);
}

/* ---- interruption ---- */

enum { N_MANY = 40 };
typedef struct many {
    char paths[N_MANY][32], masks[N_MANY][32];
    const char *mask[N_MANY];
    iad_ingest_item items[N_MANY];
} many;

static void make_many(const char *root, many *m) {
    for (unsigned i = 0; i < N_MANY; i++) {
        snprintf(m->paths[i], sizeof m->paths[i], "%02u.png", i);
        snprintf(m->masks[i], sizeof m->masks[i], "m%02u.png", i);
        m->mask[i] = m->masks[i];
        fx_png(root, m->paths[i], i);
        if (i == 7) fx_text(root, m->paths[i], "broken");
        if (i == 9) {
            char path[IAD_PATH_MAX + 64];
            snprintf(path, sizeof path, "%s/%s", root, m->paths[i]);
            remove(path);
        }
        m->items[i] = (iad_ingest_item){.path = m->paths[i], .category = i % 3 ? "x" : "y", .split = "test"};
        if (i % 2) {
            fx_mask(root, m->masks[i], (int)i % 11, 3, 255);
            m->items[i].label = IAD_LABEL_ANOMALOUS;
            m->items[i].defect = "spot";
            m->items[i].masks = &m->mask[i];
            m->items[i].n_masks = 1;
        }
    }
}

typedef struct stopper {
    atomic_int stop;
    size_t after;
} stopper;

/* Sets the flag that a SIGINT sets. */
static void stop_after(void *user, size_t done, size_t total, size_t troubled) {
    (void)total, (void)troubled;
    stopper *s = user;
    if (done == s->after) atomic_store(&s->stop, 1);
}

static void interruption(void **state) {
    (void)state;
    bench whole;
    many m;
    setup(&whole);
    make_many(whole.root, &m);
    now = (script){m.items, N_MANY, NULL, 0};
    run(&whole);
    char *want = dump_exact(whole.manifest);
    for (int threads = 1; threads <= 4; threads += 3) {
        iad_err err = IAD_ERR_NONE;
        bench b = {.manifest = NULL};
        snprintf(b.root, sizeof b.root, "%s", whole.root);
        assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, &b.manifest, &err));
        for (size_t after = 1; after < N_MANY; after += 6) {
            stopper s = {.after = after};
            atomic_init(&s.stop, 0);
            iad_status status = try_run(&b, (iad_ingest_options){.threads = threads, .stop = &s.stop, .progress = stop_after, .progress_user = &s},
                                        &err);
            if (after + 16 < N_MANY) assert_int_equal(IAD_ERR_INTERRUPTED, status); /* later, all may be in flight already */
            assert_true(b.result.added + b.result.same > 0);
        }
        assert_ok(try_run(&b, (iad_ingest_options){.threads = threads}, &err));
        char *got = dump_exact(b.manifest);
        dump_assert_equal("resumed", got, want);
        free(got);
        iad_ingest_result_deinit(&b.result);
        iad_manifest_close(b.manifest);
    }
    free(want);
    teardown(&whole);
}

/* ---- options and limits ---- */

static void options(void **state) {
    (void)state;
    bench b;
    many m;
    iad_err err = IAD_ERR_NONE;
    setup(&b);
    make_many(b.root, &m);
    now = (script){m.items, N_MANY, NULL, 0};

    assert_fails(IAD_ERR_NOT_FOUND, try_run(&b, (iad_ingest_options){.root = "/no/such/folder"}, &err));
    assert_fails(IAD_ERR_ARG, try_run(&b, (iad_ingest_options){.origin = "painted"}, &err));
    json_t *bad = json_pack("{s:s}", "unknown", "1"), *good = json_pack("{s:s}", "known", "1");
    assert_fails(IAD_ERR_ARG, try_run(&b, (iad_ingest_options){.adapter_options = bad}, &err));
    assert_non_null(strstr(err.msg, "known"));
    expect(&b, "SELECT count(*) FROM dataset", "0\n");

    assert_ok(try_run(&b, (iad_ingest_options){.adapter_options = good, .limit = 5, .name = "few", .licence = "mine", .origin = "real",
                                               .eval_overlap = "visa"}, &err));
    assert_int_equal(5, b.result.added);
    assert_int_equal(5, b.result.pictures);
    expect(&b, "SELECT name,adapter,licence,origin,eval_overlap FROM dataset", "few|scripted|mine|real|visa\n");
    json_decref(bad);
    json_decref(good);

    iad_manifest *kept = b.manifest;
    b.manifest = NULL; /* a dry run needs none */
    assert_ok(try_run(&b, (iad_ingest_options){.dry_run = 1}, &err));
    assert_int_equal(N_MANY, b.result.pictures);
    assert_int_equal(0, b.result.added);
    assert_int_equal(4, b.result.counts.n + 2); /* x and y */
    b.manifest = kept;

    now.n = 0;
    assert_fails(IAD_ERR_NOT_FOUND, try_run(&b, (iad_ingest_options){.name = "none"}, &err));
    now.n = N_MANY;
    char other[IAD_PATH_MAX];
    dump_scratch("other", other);
    fx_png(other, "00.png", 3);
    assert_fails(IAD_ERR_EXISTS, try_run(&b, (iad_ingest_options){.root = other, .name = "few"}, &err));
    dump_remove(other);
    teardown(&b);
}

static void too_many(void **state) {
    (void)state;
    static const iad_ingest_count counts[] = {{"x", "test", 13, 13, 0}, {"y", NULL, 7, 6, 0}, {"z", "test", 1, 1, 0}, {NULL, NULL, 0, 0, 0}};
    static const iad_ingest_defects defects[] = {{"x", "spot hole"}, {"y", NULL}, {"z", NULL}, {NULL, NULL}};
    bench b;
    many m;
    iad_err err = IAD_ERR_NONE;
    setup(&b);
    make_many(b.root, &m);
    now = (script){m.items, N_MANY, NULL, 0};
    iad_adapter published = scripted;
    published.counts = counts;
    published.defects = defects;
    /* x: 13 normal, 13 anomalous; y: 7 normal, 7 anomalous: one more than was published */
    assert_fails(IAD_ERR_FORMAT, try_run(&b, (iad_ingest_options){.adapter = &published}, &err));
    assert_non_null(strstr(err.msg, "y"));
    expect(&b, "SELECT count(*) FROM image", "0\n"); /* nothing was written */
    assert_ok(try_run(&b, (iad_ingest_options){.adapter = &published, .any_count = 1}, &err));
    assert_int_equal(1, b.result.counts.n_extra);
    assert_int_equal(1, b.result.counts.n_absent);

    now.n = N_MANY - 1; /* 39 belongs to y: without it the numbers are as published */
    assert_ok(try_run(&b, (iad_ingest_options){.adapter = &published}, &err));
    assert_int_equal(0, b.result.counts.n_extra);
    m.items[1].defect = "dent"; /* a label that the set does not have */
    assert_fails(IAD_ERR_FORMAT, try_run(&b, (iad_ingest_options){.adapter = &published}, &err));
    assert_non_null(strstr(err.msg, "x/dent"));
    m.items[1].defect = "spot";
    m.items[2].category = "w"; /* and a category */
    assert_fails(IAD_ERR_FORMAT, try_run(&b, (iad_ingest_options){.adapter = &published}, &err));
    m.items[2].category = "x", m.items[2].split = "train"; /* and a split */
    assert_fails(IAD_ERR_FORMAT, try_run(&b, (iad_ingest_options){.adapter = &published}, &err));
    teardown(&b);
}

static void boxes_only(void **state) {
    (void)state;
    bench b;
    setup(&b);
    fx_jpeg_grey(b.root, "a.jpg", 1), fx_jpeg_grey(b.root, "b.jpg", 2);
    const iad_ingest_box boxes[] = {{2, 3, 6, 8, "crack"}, {-5, 20, 3.5, 90, NULL}, {40, 2, 50, 4, "outside"}};
    const iad_ingest_item items[] = {{.path = "a.jpg", .category = "x", .label = IAD_LABEL_ANOMALOUS, .boxes = boxes, .n_boxes = 3},
                                     {.path = "b.jpg", .category = "x", .label = IAD_LABEL_UNKNOWN, .boxes = boxes, .n_boxes = 1}};
    now = (script){items, 2, NULL, 0};
    run(&b);
    expect(&b, "SELECT image_id,area,boxes,quality FROM image_mask JOIN mask ON id=mask_id", "1|36|[[2,3,6,8],[0,20,4,24]]|box\n");
    expect(&b, "SELECT image_id,pos,name FROM image_box ORDER BY 1,2", "1|0|crack\n1|1|-\n1|2|outside\n2|0|crack\n");
    teardown(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(label_from_mask), cmocka_unit_test(normal_with_mask), cmocka_unit_test(questions),
                                       cmocka_unit_test(hostile_records), cmocka_unit_test(corrections),      cmocka_unit_test(interruption),
                                       cmocka_unit_test(options),         cmocka_unit_test(too_many),         cmocka_unit_test(boxes_only)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
