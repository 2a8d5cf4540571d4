/* What makes a scan fail, and how it says so; a sink that stops; options; probes. And the published question lists, where they are. */
#include "tests/unit/iad_test.h"

#include <unistd.h>

#include "base/json.h"
#include "manifests/ingest/adapter_scans.h"
#include "tests/unit/adapters/record_sink.h"
#include "tests/unit/adapters/tree_text.h"

typedef struct scan_run {
    iad_status status;
    iad_err err;
    rs_record record;
} scan_run;

static scan_run scan_text(iad_scan_fn scan, const char *text, const char *key, const char *value) {
    scan_run r = {.err = IAD_ERR_NONE};
    tt_tree tree;
    iad_err err = IAD_ERR_NONE;
    assert_ok(tt_parse(&tree, text, strlen(text), &err));
    json_t *options = key ? json_pack("{s:s}", key, value) : NULL;
    rs_init(&r.record);
    iad_ingest_sink sink = rs_sink(&r.record);
    r.status = scan(&tree.tree, options, &sink, &r.err);
    json_decref(options);
    tt_deinit(&tree);
    return r;
}

static void expect(iad_scan_fn scan, const char *text, iad_status status, const char *words) {
    scan_run r = scan_text(scan, text, NULL, NULL);
    if (r.status != status || (words && !strstr(r.err.msg, words))) fail_msg("%s\n-> %s: %s", text, iad_status_name(r.status), r.err.msg);
    rs_deinit(&r.record);
}

/* ---- hostile and broken lists ---- */

static void test_broken_lists(void **state) {
    (void)state;
    expect(iad_mmad_scan_tree, "text mmad.json\n|{\"a.png\": {}\n|\n|,,}", IAD_ERR_FORMAT, "mmad.json: line 3 column 2");
    expect(iad_mmad_scan_tree, "text mmad.json\n|[]", IAD_ERR_FORMAT, "mmad.json: not an object");
    expect(iad_mmad_scan_tree, "text mmad.json\n|{\"a.png\": 1, \"a.png\": 2}", IAD_ERR_FORMAT, "duplicate");
    expect(iad_mmad_scan_tree, "text mmad.json\n", IAD_ERR_FORMAT, "mmad.json");
    expect(iad_mmad_scan_tree, "rgb a.png 1", IAD_ERR_NOT_FOUND, "no mmad.json");
    expect(iad_anomaly_instruct_scan_tree, "text webad_processed.json\n|{}", IAD_ERR_FORMAT, "webad_processed.json: not a list");
    expect(iad_anomaly_instruct_scan_tree, "text webad_processed.json\n|[", IAD_ERR_FORMAT, "webad_processed.json: line 2");
    expect(iad_anomaly_instruct_scan_tree, "rgb a.png 1", IAD_ERR_NOT_FOUND, "none of the lists");
    expect(iad_anomaly_instruct_scan_tree, "text mvtec_zero_shot.json\n|[]", IAD_ERR_NOT_FOUND, "others are there");
    expect(iad_anomaly_instruct_mvtec_scan_tree, "text mvtec_zero_shot.json\n|[]", IAD_OK, NULL);
    expect(iad_visa_dr_scan_tree, "text visa_dr.json\n|{}", IAD_ERR_FORMAT, "visa_dr.json: not a list");
    expect(iad_visa_dr_scan_tree, "text test_data.json\n|[]", IAD_ERR_NOT_FOUND, "no visa_dr.json");
    expect(iad_real_iad_scan_tree, "rgb audiojack/OK/a.jpg 1", IAD_ERR_NOT_FOUND, "no realiad_jsons");
    expect(iad_real_iad_scan_tree, "text realiad_jsons/a.json\n|[]", IAD_OK, NULL); /* one broken category is a reject */
}

static void add_times(iad_buf *out, const char *text, size_t times) {
    iad_err err = IAD_ERR_NONE;
    for (size_t i = 0; i < times; i++) assert_ok(iad_buf_add_str(out, text, &err));
}

static void test_deep_json(void **state) {
    (void)state;
    iad_buf text;
    iad_buf_init(&text, 8u << 20);
    add_times(&text, "text mmad.json\n|", 1);
    add_times(&text, "[", 1000000);
    expect(iad_mmad_scan_tree, iad_buf_str(&text), IAD_ERR_LIMIT, "nested deeper");
    iad_buf_reset(&text);
    add_times(&text, "text realiad_jsons/deep.json\n|", 1);
    add_times(&text, "{\"a\":", 100000);
    scan_run r = scan_text(iad_real_iad_scan_tree, iad_buf_str(&text), NULL, NULL);
    assert_int_equal(IAD_OK, r.status);
    assert_int_equal(1, r.record.rejects);
    rs_deinit(&r.record);
    iad_buf_deinit(&text);
}

static void test_long_texts(void **state) {
    (void)state;
    iad_buf text;
    iad_buf_init(&text, 8u << 20);
    add_times(&text, "rgb a/b/c/d.png 1\ntext mmad.json\n|{\"a/b/c/d.png\": {\"conversation\": [{\"Answer\": \"A\", \"Question\": \"", 1);
    add_times(&text, "0123456789abcdef", 70000);
    add_times(&text, "\"}]}}", 1);
    scan_run r = scan_text(iad_mmad_scan_tree, iad_buf_str(&text), NULL, NULL);
    assert_int_equal(IAD_OK, r.status);
    assert_int_equal(1, r.record.items);
    assert_int_equal(0, r.record.tasks);
    assert_non_null(strstr(iad_buf_str(&r.record.text), "the question is longer than"));
    rs_deinit(&r.record);
    iad_buf_reset(&text);
    add_times(&text, "text webad_processed.json\n|[{\"image\": [\"a.png\"", 1);
    add_times(&text, ", \"a.png\"", 100);
    add_times(&text, "], \"conversations\": [{\"from\": \"human\", \"value\": \"?\"}, {\"from\": \"gpt\", \"value\": \"!\"}]}]\nrgb a.png 1\n", 1);
    r = scan_text(iad_anomaly_instruct_scan_tree, iad_buf_str(&text), NULL, NULL);
    assert_int_equal(IAD_OK, r.status);
    assert_int_equal(0, r.record.items);
    assert_non_null(strstr(iad_buf_str(&r.record.text), "more than 64 pictures"));
    rs_deinit(&r.record);
    iad_buf_deinit(&text);
}

/* ---- options ---- */

static void test_options(void **state) {
    (void)state;
    static const struct {
        iad_scan_fn scan;
        const char *key, *value;
    } bad[] = {{iad_eyecandies_scan_tree, "lights", "some"}, {iad_ksdd_scan_tree, "masks", "rough"},     {iad_cid_scan_tree, "part", "none"},
               {iad_std_scan_tree, "variants", "no"},        {iad_mmad_scan_tree, "shots", "9"},         {iad_mmad_scan_tree, "shots", "many"},
               {iad_mmad_scan_tree, "templates", "nice"},    {iad_visa_dr_scan_tree, "classes", "pcb2"}, {iad_ksdd_scan_tree, "masks", "fine box"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scan_run r = scan_text(bad[i].scan, "rgb a.png 1", bad[i].key, bad[i].value);
        if (r.status != IAD_ERR_ARG || !strstr(r.err.msg, bad[i].key)) fail_msg("%s=%s -> %s", bad[i].key, bad[i].value, r.err.msg);
        rs_deinit(&r.record);
    }
    scan_run r = scan_text(iad_real_iad_scan_tree, "text realiad_jsons/a.json\n|{\"train\":[]}\n", "resolution", "512");
    assert_int_equal(IAD_ERR_NOT_FOUND, r.status);
    rs_deinit(&r.record);
    r = scan_text(iad_ksdd_scan_tree, "grey kos01/Part0.jpg 1\nempty kos01/Part0_label.bmp\n", "masks", "box");
    assert_non_null(strstr(iad_buf_str(&r.record.text), "mask box kos01/Part0_label.bmp"));
    rs_deinit(&r.record);
    r = scan_text(iad_mmad_scan_tree, "rgb q.png 1\nrgb t.png 2\ntext mmad.json\n|{\"q.png\": {\"random_templates\": [\"t.png\"], \"conversation\": "
                  "[{\"Question\": \"?\", \"Answer\": \"A\"}]}}\n", "shots", "0");
    assert_int_equal(1, r.record.tasks);
    assert_null(strstr(iad_buf_str(&r.record.text), "picture t.png"));
    rs_deinit(&r.record);
}

/* ---- a sink that stops ---- */

typedef struct stopper {
    size_t left;
} stopper;

static iad_status tick(void *user, iad_err *err) {
    stopper *s = user;
    if (s->left == 0) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "stopped");
    s->left--;
    return IAD_OK;
}
static iad_status stop_item(void *user, const iad_ingest_item *item, iad_err *err) { return (void)item, tick(user, err); }
static iad_status stop_task(void *user, const iad_ingest_task *task, iad_err *err) { return (void)task, tick(user, err); }
static iad_status stop_reject(void *user, const char *name, const char *reason, iad_err *err) { return (void)name, (void)reason, tick(user, err); }

/* Stopped after every possible number of deliveries: the status comes back at once, nothing leaks (AddressSanitizer looks). */
static void check_stops(const char *name, iad_scan_fn scan) {
    iad_err err = IAD_ERR_NONE;
    char path[IAD_PATH_MAX];
    uint8_t *text;
    size_t n;
    tt_tree tree;
    snprintf(path, sizeof path, "%s/%s.tree", IAD_TEST_DATA, name);
    assert_ok(iad_file_read(path, 1u << 24, &text, &n, &err));
    assert_ok(tt_parse(&tree, (const char *)text, n, &err));
    free(text);
    size_t stops = 0;
    for (;; stops++) {
        stopper s = {stops};
        iad_ingest_sink sink = {&s, stop_item, stop_task, stop_reject, NULL}; /* no remarks: they are optional */
        iad_status status = scan(&tree.tree, NULL, &sink, &err);
        if (status == IAD_OK) break;
        assert_int_equal(IAD_ERR_INTERRUPTED, status);
        assert_int_equal(0, s.left);
    }
    assert_true(stops > 3);
    tt_deinit(&tree);
}

static void test_stops(void **state) {
    (void)state;
    check_stops("dagm", iad_dagm_scan_tree);
    check_stops("eyecandies", iad_eyecandies_scan_tree);
    check_stops("ksdd", iad_ksdd_scan_tree);
    check_stops("ksdd2", iad_ksdd2_scan_tree);
    check_stops("cid", iad_cid_scan_tree);
    check_stops("std", iad_std_scan_tree);
    check_stops("real_iad", iad_real_iad_scan_tree);
    check_stops("mmad", iad_mmad_scan_tree);
    check_stops("anomaly_instruct", iad_anomaly_instruct_scan_tree);
    check_stops("visa_dr", iad_visa_dr_scan_tree);
}

/* ---- the table ---- */

static void test_table(void **state) {
    (void)state;
    static const iad_adapter *const mine[] = {&iad_adapter_dagm,     &iad_adapter_eyecandies, &iad_adapter_ksdd, &iad_adapter_ksdd_cuts,
                                              &iad_adapter_ksdd2,    &iad_adapter_real_iad,   &iad_adapter_std,  &iad_adapter_cid,
                                              &iad_adapter_mmad,     &iad_adapter_anomaly_instruct, &iad_adapter_anomaly_instruct_mvtec,
                                              &iad_adapter_visa_dr};
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) {
        const iad_adapter *a = mine[i];
        assert_ptr_equal(a, iad_adapter_find(a->name));
        assert_true(*a->title && *a->layout && *a->licence && *a->citation);
        assert_true(iad_scan_in_list("real rendered web generated", a->origin));
        assert_int_equal(0, a->probe("/nonexistent/folder"));
    }
    assert_string_equal("mmad,mvtec,visa", iad_adapter_mmad.eval_overlap);
    assert_string_equal("visa", iad_adapter_visa_dr.eval_overlap);
    assert_string_equal("mvtec", iad_adapter_anomaly_instruct_mvtec.eval_overlap);
    assert_string_equal("", iad_adapter_anomaly_instruct.eval_overlap);
}

static void sum(const iad_adapter *adapter, long found[3]) {
    found[0] = found[1] = found[2] = 0;
    for (const iad_ingest_count *c = adapter->counts; c->category || c->split || c->normal || c->anomalous || c->unknown; c++)
        if (c->split) found[0] += c->normal, found[1] += c->anomalous, found[2] += c->unknown;
}

/* The tables add up to the totals that the publications state. */
static void test_published_totals(void **state) {
    (void)state;
    long n[3];
    sum(&iad_adapter_dagm, n);
    assert_int_equal(14000, n[0]);
    assert_int_equal(2100, n[1]);
    sum(&iad_adapter_eyecandies, n);
    assert_int_equal(6 * (10000 + 1000 + 250), n[0]);
    assert_int_equal(6 * 250, n[1]);
    assert_int_equal(6 * 4000, n[2]);
    sum(&iad_adapter_ksdd2, n);
    assert_int_equal(2979, n[0]);
    assert_int_equal(356, n[1]);
    sum(&iad_adapter_cid, n);
    assert_int_equal(3933, n[0]);
    assert_int_equal(360, n[1]);
}

/* ---- the published lists of the MMAD form, without their pictures and with stand-ins for them ---- */

static int find_shared(char *path, size_t size, const char *name) {
    const char *shared = getenv("IAD_SHARED_DATA");
    if (shared) snprintf(path, size, "%s/text-iad/%s", shared, name);
    else snprintf(path, size, "%s/../../../../../shared/data/text-iad/%s", IAD_TEST_DATA, name);
    return iad_file_exists(path);
}

typedef struct real_list {
    iad_scan_tree tree;
    char *text;
    size_t n;
} real_list;

static iad_status real_read(void *user, const char *path, size_t max, uint8_t **bytes, size_t *n, iad_err *err) {
    const real_list *list = user;
    assert_string_equal("mmad.json", path);
    if (list->n > max) return IAD_FAIL(err, IAD_ERR_LIMIT, "too large");
    *bytes = iad_alloc(list->n + 1, 1);
    memcpy(*bytes, list->text, list->n + 1);
    *n = list->n;
    return IAD_OK;
}

static void check_real(const char *name, size_t normal, size_t anomalous, int with_pictures) {
    iad_err err = IAD_ERR_NONE;
    char path[IAD_PATH_MAX];
    uint8_t *text;
    json_t *root, *entry, *value;
    const char *key;
    size_t questions = 0, i;
    if (!find_shared(path, sizeof path, name)) {
        print_message("skipped: %s is not here\n", name);
        skip();
    }
    real_list list = {.text = NULL};
    assert_ok(iad_file_read(path, 1u << 26, &text, &list.n, &err));
    list.text = (char *)text;
    assert_ok(iad_json_parse(list.text, list.n, 0, name, &root, &err));
    iad_strings raw = {NULL, 0, 0};
    assert_ok(iad_strings_add(&raw, "mmad.json", &err));
    json_object_foreach(root, key, entry) {
        questions += json_array_size(json_object_get(entry, "conversation"));
        if (!with_pictures) continue;
        assert_ok(iad_strings_add(&raw, key, &err));
        json_array_foreach(json_object_get(entry, "random_templates"), i, value) assert_ok(iad_strings_add(&raw, json_string_value(value), &err));
    }
    iad_strings_sort(&raw);
    for (i = 0; i < raw.n; i++)
        if (i == 0 || strcmp(raw.items[i], raw.items[i - 1]) != 0) assert_ok(iad_strings_add(&list.tree.files, raw.items[i], &err));
    list.tree.name = "list";
    list.tree.read = real_read;
    list.tree.user = &list;
    rs_record record;
    rs_init(&record);
    iad_ingest_sink sink = rs_sink(&record);
    assert_ok(iad_mmad_scan_tree(&list.tree, NULL, &sink, &err));
    if (with_pictures) {
        assert_int_equal(0, record.rejects);
        assert_int_equal(anomalous, record.anomalous);
        assert_int_equal(normal, record.items - record.anomalous - (list.tree.files.n - 1 - json_object_size(root))); /* without templates */
        assert_int_equal(questions, record.tasks);
        assert_null(strstr(iad_buf_str(&record.text), "disagree"));
    } else {
        assert_int_equal(json_object_size(root), record.rejects);
        assert_int_equal(0, record.items + record.tasks);
    }
    rs_deinit(&record);
    iad_strings_deinit(&raw);
    iad_strings_deinit(&list.tree.files);
    json_decref(root);
    free(text);
}

static void test_real_mpdd(void **state) {
    (void)state;
    check_real("iadr1_test_MPDD_format.json", 176, 282, 0);
    check_real("iadr1_test_MPDD_format.json", 176, 282, 1);
}

static void test_real_dtd(void **state) {
    (void)state;
    check_real("iadr1_test_DTD_format.json", 357, 947, 0);
    check_real("iadr1_test_DTD_format.json", 357, 947, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_lists), cmocka_unit_test(test_deep_json),        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_options),      cmocka_unit_test(test_stops),            cmocka_unit_test(test_table),
        cmocka_unit_test(test_published_totals), cmocka_unit_test(test_real_mpdd),    cmocka_unit_test(test_real_dtd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
