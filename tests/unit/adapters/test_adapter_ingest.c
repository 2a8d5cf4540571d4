/* Every fixture tree on a disk: the adapter is recognised, the walk finds what the list in memory holds, and the manifest that the
 * engine makes equals its stored dump, for one and for eight threads; a second run adds nothing. */
#include "tests/unit/iad_test.h"

#include "manifests/ingest/adapter_scans.h"
#include "manifests/ingest/ingest.h"
#include "tests/unit/adapters/record_sink.h"
#include "tests/unit/adapters/tree_files.h"
#include "tests/unit/ingest/dump.h"

typedef struct ingest_case {
    const char *tree, *golden; /* files in data/: <tree>.tree, <golden>.golden */
    const char *adapter;       /* what `auto` must say; named by hand when `named` is set */
    int named;
    const char *facts;         /* what it is recognised as; NULL: the adapter */
    iad_scan_fn scan;
    int any_count;             /* 1: the tree shows a quirk that the table of counts complains about */
    size_t rejected, bad;
} ingest_case;

static const ingest_case cases[] = {
    {"dagm", "dagm.manifest", "dagm", 0, NULL, iad_dagm_scan_tree, 1, 1, 0},
    {"eyecandies", "eyecandies.manifest", "eyecandies", 0, NULL, iad_eyecandies_scan_tree, 0, 1, 0},
    {"ksdd", "ksdd.manifest", "ksdd", 0, NULL, iad_ksdd_scan_tree, 0, 2, 0},
    {"ksdd_crops", "ksdd_crops.manifest", "ksdd-cuts", 0, NULL, iad_ksdd_scan_tree, 0, 0, 0},
    {"ksdd_crops", "ksdd_crops.manifest2", "ksdd", 1, "ksdd-cuts", iad_ksdd_scan_tree, 0, 0, 0},
    {"ksdd_boxes", "ksdd_boxes.manifest", "ksdd", 0, NULL, iad_ksdd_scan_tree, 0, 0, 0},
    {"ksdd2", "ksdd2.manifest", "ksdd2", 0, NULL, iad_ksdd2_scan_tree, 0, 3, 0},
    {"cid", "cid.manifest", "cid", 0, NULL, iad_cid_scan_tree, 0, 0, 1},
    {"cid_parts", "cid_parts.manifest", "cid", 0, NULL, iad_cid_scan_tree, 0, 0, 0},
    {"std", "std.manifest", "std", 0, NULL, iad_std_scan_tree, 0, 4, 0},
    {"real_iad", "real_iad.manifest", "real-iad", 0, NULL, iad_real_iad_scan_tree, 0, 8, 0},
    {"mmad", "mmad.manifest", "mmad", 0, NULL, iad_mmad_scan_tree, 0, 5, 0},
    {"anomaly_instruct", "anomaly_instruct.manifest", "anomaly-instruct", 0, NULL, iad_anomaly_instruct_scan_tree, 0, 7, 0},
    {"anomaly_instruct", "anomaly_instruct_mvtec.manifest", "anomaly-instruct-mvtec", 1, NULL, iad_anomaly_instruct_mvtec_scan_tree, 0, 0, 0},
    {"visa_dr", "visa_dr.manifest", "visa-dr", 0, NULL, iad_visa_dr_scan_tree, 0, 5, 0},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static void load_tree(const char *name, tt_tree *tree) {
    iad_err err = IAD_ERR_NONE;
    char path[IAD_PATH_MAX];
    uint8_t *text;
    size_t n;
    snprintf(path, sizeof path, "%s/%s.tree", IAD_TEST_DATA, name);
    assert_ok(iad_file_read(path, 1u << 24, &text, &n, &err));
    assert_ok(tt_parse(tree, (const char *)text, n, &err));
    free(text);
}

/* The adapter on the disk delivers the same records as on the list in memory. */
static void check_walk(const ingest_case *c, const tt_tree *tree, const char *root) {
    iad_err err = IAD_ERR_NONE;
    rs_record memory, disk;
    rs_init(&memory);
    rs_init(&disk);
    iad_ingest_sink to_memory = rs_sink(&memory), to_disk = rs_sink(&disk);
    assert_ok(c->scan(&tree->tree, NULL, &to_memory, &err));
    assert_ok(iad_adapter_find(c->adapter)->scan(root, NULL, &to_disk, &err));
    dump_assert_equal(c->tree, iad_buf_str(&disk.text), iad_buf_str(&memory.text));
    rs_deinit(&memory);
    rs_deinit(&disk);
}

static void run(const ingest_case *c, const char *root, int threads, iad_manifest *manifest, iad_ingest_result *result) {
    iad_err err = IAD_ERR_NONE;
    const iad_ingest_options options = {.adapter = iad_adapter_find(c->adapter), .root = root, .name = "set", .threads = threads,
                                        .any_count = c->any_count};
    assert_ok(iad_ingest_run(manifest, &options, result, &err));
}

static char *fresh_run(const ingest_case *c, const char *root, int threads, iad_manifest **manifest, iad_ingest_result *result) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, manifest, &err));
    run(c, root, threads, *manifest, result);
    return dump_exact(*manifest);
}

static void check_engine(const ingest_case *c, const char *root) {
    iad_manifest *one, *eight;
    iad_ingest_result first, other, again;
    char *exact_one = fresh_run(c, root, 1, &one, &first), *exact_eight = fresh_run(c, root, 8, &eight, &other);
    char *text = dump_manifest(one);
    dump_assert_equal("threads", exact_eight, exact_one);
    assert_string_equal(c->facts ? c->facts : c->adapter, first.facts->name);
    dump_golden(c->golden, text);
    assert_int_equal(c->rejected, first.rejected);
    assert_int_equal(c->bad, first.bad);
    assert_int_equal(0, first.refused);
    assert_int_equal(0, first.masks_failed);
    run(c, root, 3, one, &again);
    char *exact_again = dump_exact(one);
    dump_assert_equal("second run", exact_again, exact_one);
    assert_int_equal(0, again.added + again.changed + again.tasks_added + again.gone);
    assert_int_equal(first.tasks_added, again.tasks_same);
    iad_ingest_result_deinit(&first);
    iad_ingest_result_deinit(&other);
    iad_ingest_result_deinit(&again);
    iad_manifest_close(one);
    iad_manifest_close(eight);
    free(text);
    free(exact_one);
    free(exact_eight);
    free(exact_again);
}

static void test_case(void **state) {
    const ingest_case *c = *state;
    char scratch[IAD_PATH_MAX], root[IAD_PATH_MAX + 8];
    tt_tree tree;
    load_tree(c->tree, &tree);
    dump_scratch("adapter", scratch);
    snprintf(root, sizeof root, "%s/data", scratch);
    tf_write(root, &tree);
    if (!c->named) {
        const iad_adapter *guess = iad_adapter_guess(root);
        assert_non_null(guess);
        assert_string_equal(c->adapter, guess->name);
    }
    check_walk(c, &tree, root);
    check_engine(c, root);
    tt_deinit(&tree);
    dump_remove(scratch);
}

int main(void) {
    struct CMUnitTest tests[N_CASES];
    for (size_t i = 0; i < N_CASES; i++) {
        union { /* cmocka's state is not const */
            const void *in;
            void *out;
        } state = {&cases[i]};
        tests[i] = (struct CMUnitTest){cases[i].golden, test_case, NULL, NULL, state.out};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
