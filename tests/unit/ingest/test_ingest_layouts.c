/* Every layout: its fixture against a stored dump, the same for one and for eight threads, and a second run that adds nothing.
 * For scripts: --write DIR writes the fixtures, --many DIR N a set of N pictures, --dump DB prints a manifest's rows. */
#include "manifests/ingest/ingest.h"
#include "tests/unit/ingest/dump.h"
#include "tests/unit/ingest/fixture_trees.h"

typedef struct layout_case {
    const char *name;       /* of the fixture and of the golden file */
    void (*make)(const char *dir);
    const char *adapter;    /* what `auto` must say */
    const char *facts;      /* what it is recognised as; NULL: the adapter */
    const char *options;    /* JSON or NULL */
    size_t refused, rejected, bad, masks_failed;
} layout_case;

static const layout_case cases[] = {{"mvtec-ad", fx_tree_mvtec_ad, "mvtec", "mvtec-ad", NULL, 0, 0, 0, 0},
                                    {"own", fx_tree_own, "mvtec", NULL, NULL, 1, 1, 3, 1},
                                    {"boxes", fx_tree_boxes, "mvtec", NULL, "{\"box-names\": \"open,short,mousebite,spur,copper,pin-hole\"}", 0, 1, 0,
                                     0},
                                    {"mpdd", fx_tree_mpdd, "mvtec", "mpdd", NULL, 0, 0, 0, 0},
                                    {"dtd-synthetic", fx_tree_dtd, "mvtec", "dtd-synthetic", NULL, 0, 0, 0, 0},
                                    {"goodsad", fx_tree_goodsad, "mvtec", "goodsad", NULL, 0, 0, 0, 0},
                                    {"ds-mvtec", fx_tree_ds_mvtec, "mvtec", "ds-mvtec", NULL, 0, 0, 0, 0},
                                    {"visa-raw", fx_tree_visa_raw, "visa", NULL, NULL, 1, 2, 0, 0},
                                    {"visa-1cls", fx_tree_visa_1cls, "visa", NULL, NULL, 0, 0, 0, 0},
                                    {"visa-ko", fx_tree_visa_ko, "visa", NULL, NULL, 0, 0, 0, 0},
                                    {"btad", fx_tree_btad, "btad", NULL, NULL, 0, 0, 0, 0},
                                    {"miad", fx_tree_miad, "miad", NULL, NULL, 0, 0, 0, 0},
                                    {"mvtec-loco", fx_tree_loco, "mvtec-loco", NULL, NULL, 0, 0, 0, 0},
                                    {"mvtec-ad2", fx_tree_ad2, "mvtec-ad2", NULL, NULL, 0, 0, 0, 0},
                                    {"folder", fx_tree_folder, "folder", NULL, NULL, 0, 0, 0, 0},
                                    {"list", fx_tree_list, "list", NULL, NULL, 2, 2, 0, 0},
                                    {"list-tsv", fx_tree_list, "list", NULL, "{\"file\": \"list.tsv\"}", 0, 0, 0, 0},
                                    {"list-jsonl", fx_tree_list, "list", NULL, "{\"file\": \"list.jsonl\", \"strip\": \"/data/\"}", 0, 2, 0, 0}};
enum { N_CASES = sizeof cases / sizeof *cases };

/* A manifest in memory and what the run that filled it said. */
typedef struct case_run {
    iad_manifest *manifest;
    iad_ingest_result result;
} case_run;

static void run_case(const layout_case *c, const char *root, int threads, iad_manifest *manifest, iad_ingest_result *result) {
    iad_err err = IAD_ERR_NONE;
    json_t *options = c->options ? json_loads(c->options, 0, NULL) : NULL;
    const iad_ingest_options o = {.adapter = iad_adapter_find(c->adapter), .root = root, .adapter_options = options, .name = "set",
                                  .threads = threads};
    assert_non_null(o.adapter);
    assert_ok(iad_ingest_run(manifest, &o, result, &err));
    json_decref(options);
}

static case_run open_and_run(const layout_case *c, const char *root, int threads) {
    iad_err err = IAD_ERR_NONE;
    case_run run = {0};
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, &run.manifest, &err));
    run_case(c, root, threads, run.manifest, &run.result);
    return run;
}

static void close_run(case_run *run) {
    iad_ingest_result_deinit(&run->result);
    iad_manifest_close(run->manifest);
}

/* Adds nothing, changes nothing, reads nothing but what was refused before. */
static void check_second_run(const layout_case *c, const char *root, case_run *run) {
    char *before = dump_exact(run->manifest);
    iad_ingest_result again;
    run_case(c, root, 3, run->manifest, &again);
    char *after = dump_exact(run->manifest);
    dump_assert_equal(c->name, after, before);
    assert_int_equal(0, again.added);
    assert_int_equal(0, again.changed);
    assert_int_equal(run->result.added, again.same);
    assert_int_equal(0, again.gone);
    iad_ingest_result_deinit(&again);
    free(before);
    free(after);
}

static void check_case(const layout_case *c) {
    char scratch[IAD_PATH_MAX], root[IAD_PATH_MAX + 8];
    dump_scratch("layout", scratch);
    snprintf(root, sizeof root, "%s/data", scratch); /* its name is a category's name in some */
    c->make(root);
    const iad_adapter *guess = iad_adapter_guess(root);
    assert_non_null(guess);
    assert_string_equal(c->adapter, guess->name);

    case_run one = open_and_run(c, root, 1), eight = open_and_run(c, root, 8);
    assert_string_equal(c->facts ? c->facts : c->adapter, one.result.facts->name);
    char *text = dump_manifest(one.manifest), *exact_one = dump_exact(one.manifest), *exact_eight = dump_exact(eight.manifest);
    dump_golden(c->name, text);
    dump_assert_equal("threads", exact_eight, exact_one);
    assert_int_equal(c->refused, one.result.refused);
    assert_int_equal(c->rejected, one.result.rejected);
    assert_int_equal(c->bad, one.result.bad);
    assert_int_equal(c->masks_failed, one.result.masks_failed);
    check_second_run(c, root, &one);
    free(text);
    free(exact_one);
    free(exact_eight);
    close_run(&one);
    close_run(&eight);
    dump_remove(scratch);
}

static void layouts(void **state) {
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        print_message("%s\n", cases[i].name);
        check_case(&cases[i]);
    }
}

/* DIR/<case>/data, one folder a fixture. */
static int write_fixtures(const char *dir) {
    for (size_t i = 0; i < N_CASES; i++) {
        char path[IAD_PATH_MAX];
        snprintf(path, sizeof path, "%s/%s/data", dir, cases[i].name);
        cases[i].make(path);
    }
    return 0;
}

/* Enough work to be interrupted in: every third picture has a mask, every fifth is a JPEG, some are broken. */
static int write_many(const char *dir, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        char path[64];
        const char *split = i % 2 ? "train/good" : i % 3 ? "test/good" : "test/dent";
        FX_PATH(path, "part%u/%s/%05u.%s", i % 4, split, i, i % 5 ? "png" : "jpg");
        if (i % 37 == 5) fx_text(dir, path, "broken");
        else if (i % 5) fx_png_size(dir, path, 160, 120, 3, i);
        else fx_jpeg_cut(dir, path, 160, 120, 3, i, 100);
        if (i % 2 || i % 3) continue;
        iad_image mask = fx_rects(160, 120, 1, &(fx_rect){(int)(i % 90), 5, (int)(i % 90) + 20, 40, 255, 0, 0}, 1);
        FX_PATH(path, "part%u/ground_truth/dent/%05u_mask.png", i % 4, i);
        fx_write_png(dir, path, &mask);
    }
    return 0;
}

static int print_dump(const char *db) {
    iad_err err = IAD_ERR_NONE;
    iad_manifest *manifest = NULL;
    if (iad_manifest_open(db, IAD_MANIFEST_READ, &manifest, &err) != IAD_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    char *text = dump_exact(manifest);
    fputs(text, stdout);
    free(text);
    iad_manifest_close(manifest);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--many") == 0) return write_many(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "--dump") == 0) return print_dump(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--write") == 0) return write_fixtures(argv[2]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(layouts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
