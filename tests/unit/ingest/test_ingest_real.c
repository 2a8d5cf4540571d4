/* Real pictures, where they are: the folder IAD_REAL_DATA or ../shared/data beside the source tree. Known numbers of every set, boxes of
 * masks that were drawn by others, and the same rows for one and for two threads. */
#include "manifests/ingest/ingest.h"
#include "tests/unit/ingest/dump.h"

typedef struct real_set {
    const char *name, *facts;
    size_t pictures, masks;
    const char *sql, *want; /* one question about it */
} real_set;

static const real_set sets[] = {
    {"aws-alien", "mvtec", 72, 0, "SELECT label,count(*) FROM image GROUP BY label", "anomalous|32\nnormal|40\n"},
    {"aws-cookie", "mvtec", 46, 20, "SELECT DISTINCT width,height,channels FROM image", "576|768|3\n"},
    {"deeppcb", "mvtec", 180, 60, "SELECT quality,count(*) FROM mask GROUP BY quality", "box|60\n"},
    {"magnetic-tile", "mvtec", 213, 120,
     "SELECT count(*) FROM mask m JOIN image_mask k ON k.mask_id=m.id JOIN image i ON i.id=k.image_id WHERE m.width=i.width AND m.height=i.height "
     "AND area>0", "120\n"},
    {"mvtec-ad-subset", "mvtec-ad", 127, 43, "SELECT name,kind,grey FROM category ORDER BY id", "hazelnut|object|0\nscrew|object|1\n"}};

static int find_data(char path[IAD_PATH_MAX]) {
    const char *given = getenv("IAD_REAL_DATA");
    if (given) iad_text_copy(path, IAD_PATH_MAX, given);
    else snprintf(path, IAD_PATH_MAX, "%s/../../../../../shared/data", IAD_TEST_DATA);
    return iad_file_is_dir(path);
}

static char *ingest(const char *root, int threads, iad_manifest **manifest, iad_ingest_result *result) {
    iad_err err = IAD_ERR_NONE;
    const iad_ingest_options options = {.adapter = iad_adapter_guess(root), .root = root, .threads = threads, .name = "set"};
    assert_non_null(options.adapter);
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, manifest, &err));
    assert_ok(iad_ingest_run(*manifest, &options, result, &err));
    return dump_exact(*manifest);
}

static void real_sets(void **state) {
    (void)state;
    char data[IAD_PATH_MAX], root[IAD_PATH_MAX + 64];
    if (!find_data(data)) {
        print_message("skipped: no folder %s\n", data);
        skip();
    }
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        iad_manifest *one = NULL, *two = NULL;
        iad_ingest_result result, again;
        snprintf(root, sizeof root, "%s/%s", data, sets[i].name);
        if (!iad_file_is_dir(root)) {
            print_message("skipped: no folder %s\n", root);
            continue;
        }
        char *a = ingest(root, 1, &one, &result), *b = ingest(root, 2, &two, &again);
        dump_assert_equal(sets[i].name, b, a);
        assert_string_equal(sets[i].facts, result.facts->name);
        assert_int_equal(sets[i].pictures, result.added);
        assert_int_equal(sets[i].masks, result.masks);
        assert_int_equal(0, result.bad + result.refused + result.rejected + result.masks_failed);
        iad_buf got;
        iad_buf_init(&got, 1u << 16);
        dump_rows(iad_manifest_sqlite(one), &got, "", sets[i].sql, 0);
        assert_string_equal(sets[i].want, iad_buf_str(&got));
        iad_buf_deinit(&got);
        free(a);
        free(b);
        iad_ingest_result_deinit(&result);
        iad_ingest_result_deinit(&again);
        iad_manifest_close(one);
        iad_manifest_close(two);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(real_sets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
