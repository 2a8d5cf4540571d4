/* Every fixture tree against its golden record: what the adapter delivers, in order. IAD_GOLDEN_UPDATE=1 in the environment rewrites
 * the golden files; the difference is then to be read before it is kept. */
#include "tests/unit/iad_test.h"

#include "manifests/ingest/adapter_scans.h"
#include "tests/unit/adapters/golden.h"
#include "tests/unit/adapters/record_sink.h"
#include "tests/unit/adapters/tree_text.h"

typedef struct fixture {
    const char *tree, *golden;
    iad_scan_fn scan;
    const char *key, *value; /* an option, or NULL */
} fixture;

static void scan_fixture(const fixture *f, rs_record *record) {
    iad_err err = IAD_ERR_NONE;
    char path[IAD_PATH_MAX];
    uint8_t *text;
    size_t n;
    tt_tree tree;
    assert_true(iad_scan_print(path, sizeof path, "%s/%s.tree", IAD_TEST_DATA, f->tree));
    assert_ok(iad_file_read(path, 1u << 24, &text, &n, &err));
    assert_ok(tt_parse(&tree, (const char *)text, n, &err));
    free(text);
    json_t *options = f->key ? json_pack("{s:s}", f->key, f->value) : NULL;
    rs_init(record);
    iad_ingest_sink sink = rs_sink(record);
    assert_ok(f->scan(&tree.tree, options, &sink, &err));
    json_decref(options);
    tt_deinit(&tree);
}

static void test_fixture(void **state) {
    const fixture *f = *state;
    rs_record record;
    scan_fixture(f, &record);
    golden_compare(IAD_TEST_DATA, f->golden ? f->golden : f->tree, iad_buf_str(&record.text));
    rs_deinit(&record);
}

static const fixture fixtures[] = {
    {"dagm", NULL, iad_dagm_scan_tree, NULL, NULL},
    {"eyecandies", NULL, iad_eyecandies_scan_tree, NULL, NULL},
    {"eyecandies", "eyecandies_primary", iad_eyecandies_scan_tree, "lights", "primary"},
    {"ksdd", NULL, iad_ksdd_scan_tree, NULL, NULL},
    {"ksdd_crops", NULL, iad_ksdd_scan_tree, NULL, NULL},
    {"ksdd_boxes", NULL, iad_ksdd_scan_tree, NULL, NULL},
    {"ksdd2", NULL, iad_ksdd2_scan_tree, NULL, NULL},
    {"cid", NULL, iad_cid_scan_tree, NULL, NULL},
    {"cid", "cid_sim", iad_cid_scan_tree, "part", "sim"},
    {"cid_parts", NULL, iad_cid_scan_tree, NULL, NULL},
    {"std", NULL, iad_std_scan_tree, NULL, NULL},
    {"std", "std_all", iad_std_scan_tree, "variants", "all"},
    {"real_iad", NULL, iad_real_iad_scan_tree, NULL, NULL},
    {"real_iad", "real_iad_fuiad", iad_real_iad_scan_tree, "list", "fuiad_0.4"},
    {"real_iad", "real_iad_256", iad_real_iad_scan_tree, "resolution", "256"},
    {"mmad", NULL, iad_mmad_scan_tree, NULL, NULL},
    {"mmad", "mmad_similar", iad_mmad_scan_tree, "templates", "similar"},
    {"anomaly_instruct", NULL, iad_anomaly_instruct_scan_tree, NULL, NULL},
    {"anomaly_instruct", "anomaly_instruct_mvtec", iad_anomaly_instruct_mvtec_scan_tree, NULL, NULL},
    {"visa_dr", NULL, iad_visa_dr_scan_tree, NULL, NULL},
    {"visa_dr", "visa_dr_published", iad_visa_dr_scan_tree, "classes", "published"},
};
enum { N_FIXTURES = sizeof fixtures / sizeof *fixtures };

int main(void) {
    struct CMUnitTest tests[N_FIXTURES];
    for (size_t i = 0; i < N_FIXTURES; i++) {
        union { /* cmocka's state is not const */
            const void *in;
            void *out;
        } state = {&fixtures[i]};
        tests[i] = (struct CMUnitTest){fixtures[i].golden ? fixtures[i].golden : fixtures[i].tree, test_fixture, NULL, NULL, state.out};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
