/* Exemplar rules. */
#include "manifests/refs.h"

#include <unistd.h>

#include "base/file.h"
#include "tests/unit/manifest/manifest_fixture.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

#define DIR_NAME "test_refs.tmp"

/* A category with files 000.png .. in train/good and three test pictures, all below DIR_NAME. */
static int64_t add_category(iad_manifest *m, int64_t dataset, const char *name, int n_train, const char *form) {
    int64_t category = fixture_category(m, dataset, name);
    char path[200], file[100];
    for (int i = 0; i < n_train; i++) {
        snprintf(file, sizeof file, form[0] == '4' ? "%04d%s" : "%03d%s", i, form + 1);
        snprintf(path, sizeof path, "%s/train/good/%s", name, file);
        fixture_image(m, dataset, category, path, IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    }
    for (int i = 0; i < 3; i++) {
        snprintf(file, sizeof file, form[0] == '4' ? "%04d%s" : "%03d%s", i, form + 1);
        snprintf(path, sizeof path, "%s/test/%s/%s", name, i ? "bad" : "good", file);
        fixture_image(m, dataset, category, path, IAD_PART_TEST, i ? IAD_LABEL_ANOMALOUS : IAD_LABEL_NORMAL);
    }
    return category;
}

static iad_manifest *open_here(void) {
    iad_err err;
    iad_manifest *m = NULL;
    unlink(DIR_NAME "/m.db");
    assert_ok(iad_manifest_open(DIR_NAME "/m.db", IAD_MANIFEST_CREATE, &m, &err));
    return m;
}

/* Runs a rule and compares the file names (without folder) with a comma list. */
static void expect(iad_manifest *m, int64_t category, const char *rule, int shots, const char *names) {
    iad_err err;
    iad_refs refs = {0};
    char got[1000] = "";
    assert_ok(iad_refs_make(m, category, rule, shots, NULL, &refs, &err));
    assert_int_equal(refs.n, 1);
    for (size_t i = 0; i < refs.sets[0].n_common; i++) {
        size_t n = strlen(got);
        snprintf(got + n, sizeof got - n, "%s%s", i ? "," : "", iad_path_base(refs.sets[0].pictures[i].path));
    }
    assert_string_equal(got, names);
    iad_refs_deinit(&refs);
}

static void expect_failure(iad_manifest *m, int64_t category, const char *rule, int shots, iad_status code,
                           const char *words) {
    iad_err err;
    iad_refs refs = {0};
    assert_fails(code, iad_refs_make(m, category, rule, shots, NULL, &refs, &err));
    if (!strstr(err.msg, words)) fail_msg("'%s' does not say '%s'", err.msg, words);
    iad_refs_deinit(&refs);
}

static void test_sorted_rules(void **state) {
    (void)state;
    iad_manifest *m = open_here();
    int64_t d = fixture_dataset(m, "mv", "mvtec-ad", "mvtec"), screw = add_category(m, d, "screw", 320, "3.png");
    expect(m, screw, "first", 1, "000.png");
    expect(m, screw, "first", 4, "000.png,001.png,002.png,003.png");
    expect(m, screw, "anomalydino:0", 2, "000.png,001.png");
    expect(m, screw, "anomalydino:2", 4, "008.png,009.png,010.png,011.png");
    expect(m, screw, "anomalydino", 1, "000.png");
    expect(m, screw, "univad", 4, "003.png,004.png,005.png,006.png");
    expect(m, screw, "univad:0", 1, "000.png");
    expect(m, screw, "univad:316", 4, "316.png,317.png,318.png,319.png");
    expect_failure(m, screw, "univad:317", 4, IAD_ERR_NOT_FOUND,
                   "mv/screw: wants training normals 317 to 320 of the sorted list, there are 320");
    expect_failure(m, screw, "anomalydino:80", 4, IAD_ERR_NOT_FOUND, "there are 320");
    expect_failure(m, screw, "anomalydino:18446744073709551615", 4, IAD_ERR_NOT_FOUND, "there are 320");
    expect_failure(m, screw, "best", 1, IAD_ERR_ARG, "known: first, random");
    expect_failure(m, screw, "first:3", 1, IAD_ERR_ARG, "nothing behind a colon");
    expect_failure(m, screw, "random:x", 1, IAD_ERR_ARG, "rule seed");
    expect_failure(m, screw, "first", 0, IAD_ERR_ARG, "0 shots");
    expect_failure(m, screw, "first", IAD_REFS_MAX_SHOTS + 1, IAD_ERR_ARG, "possible");
    expect_failure(m, 99, "first", 1, IAD_ERR_NOT_FOUND, "category");
    iad_manifest_close(m);
}

static void test_published_mvtec(void **state) {
    (void)state;
    iad_manifest *m = open_here();
    int64_t d = fixture_dataset(m, "mv", "mvtec-ad", "mvtec"), screw = add_category(m, d, "screw", 320, "3.png");
    int64_t brush = add_category(m, d, "toothbrush", 60, "3.png"), cable = add_category(m, d, "cable", 196, "3.png");
    int64_t own = add_category(m, d, "gadget", 30, "3.png"), few = add_category(m, d, "tile", 13, "3.png");
    expect(m, screw, "anomalygpt", 4, "012.png,013.png,014.png,015.png");
    expect(m, screw, "anomalygpt:0", 2, "000.png,001.png");
    expect(m, own, "anomalygpt", 1, "012.png");
    expect_failure(m, few, "anomalygpt", 2, IAD_ERR_NOT_FOUND,
                   "rule anomalygpt: mv/tile: wants the file 013, which is not among its 13 eligible");
    expect(m, screw, "kagprompt", 1, "195.png");
    expect(m, screw, "kagprompt", 2, "195.png,196.png");
    expect(m, screw, "kagprompt", 4, "194.png,195.png,196.png,197.png");
    expect(m, cable, "kagprompt", 4, "194.png,195.png");
    expect(m, brush, "kagprompt", 2, "058.png,059.png");
    expect_failure(m, screw, "kagprompt", 3, IAD_ERR_ARG, "1, 2 and 4 shots");
    expect(m, screw, "iipad", 4, "000.png,003.png,006.png,009.png");
    expect_failure(m, screw, "iipad", 5, IAD_ERR_ARG, "4 files");
    expect(m, screw, "promptad-sorted", 1, "263.png");
    expect(m, screw, "promptad-sorted", 2, "203.png,097.png");
    expect(m, screw, "promptad-sorted", 4, "058.png,090.png,255.png,154.png");
    expect(m, brush, "promptad-sorted", 4, "007.png,011.png,048.png,054.png");
    expect(m, cable, "promptad-sorted", 2, "101.png,048.png");
    expect_failure(m, cable, "promptad-sorted", 4, IAD_ERR_NOT_FOUND, "218");
    expect_failure(m, own, "promptad-sorted", 1, IAD_ERR_NOT_FOUND, "mv/gadget");
    expect(m, screw, "metauas:1", 1, "036.png");
    expect_failure(m, screw, "metauas:3", 1, IAD_ERR_NOT_FOUND, "list:FILE");
    expect_failure(m, brush, "metauas:1", 1, IAD_ERR_NOT_FOUND, "mv/toothbrush");
    iad_manifest_close(m);
}

static void test_published_visa(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = open_here();
    int64_t d = fixture_dataset(m, "visa", "visa", "visa"), candle = add_category(m, d, "candle", 1000, "4.JPG");
    int64_t cashew = add_category(m, d, "cashew", 500, "3.JPG");
    expect(m, candle, "anomalygpt", 4, "0553.JPG,0917.JPG,0847.JPG,0459.JPG");
    expect(m, cashew, "anomalygpt", 2, "156.JPG,335.JPG");
    expect(m, candle, "kagprompt", 1, "0553.JPG");
    expect(m, candle, "iipad", 2, "0000.JPG,0003.JPG");
    expect(m, cashew, "iipad", 2, "000.JPG,003.JPG");
    expect(m, candle, "promptad-sorted", 2, "0894.JPG,0195.JPG");
    expect(m, candle, "metauas:1", 1, "0156.JPG");
    expect_failure(m, candle, "kagprompt", 2, IAD_ERR_NOT_FOUND, "split_csv/1cls.csv");
    expect_failure(m, candle, "anomalygpt:1", 1, IAD_ERR_NOT_FOUND, "split_csv/1cls.csv");
    /* A shuffled list: row i of candle's training part is file (7 i + 5) mod 400; other categories and test rows lie
     * between. */
    iad_buf csv;
    iad_buf_init(&csv, 1u << 20);
    assert_ok(iad_buf_add_str(&csv, "object,split,label,image,mask\n", &err));
    for (int i = 0; i < 330; i++) {
        assert_ok(
            iad_buf_addf(&csv, &err, "candle,train,normal,candle/Data/Images/Normal/%04d.JPG,\n", (7 * i + 5) % 400));
        assert_ok(iad_buf_addf(&csv, &err, "cashew,train,normal,cashew/Data/Images/Normal/%03d.JPG,\n", i));
        assert_ok(iad_buf_addf(&csv, &err, "candle,test,anomaly,candle/Data/Images/Anomaly/%03d.JPG,x.png\n", i));
    }
    assert_ok(iad_file_write(DIR_NAME "/data/split_csv/1cls.csv", csv.data, csv.len, &err));
    iad_buf_deinit(&csv);
    expect(m, candle, "anomalygpt:1", 2, "0033.JPG,0040.JPG");                /* rows 4, 5 */
    expect(m, candle, "kagprompt", 2, "0001.JPG,0008.JPG");                   /* rows 228, 229: 1601, 1608 mod 400 */
    expect(m, candle, "kagprompt", 4, "0189.JPG,0196.JPG,0203.JPG,0210.JPG"); /* rows 312.. */
    expect(m, cashew, "kagprompt", 2, "228.JPG,229.JPG");
    expect_failure(m, candle, "anomalygpt:90", 1, IAD_ERR_NOT_FOUND, "330 training rows");
    /* The wanted file is in the test part here: named, not silently replaced. */
    int64_t id = 0;
    iad_image_row row = fixture_row(d, candle, "candle/train/good/0033.JPG", IAD_PART_TEST, IAD_LABEL_NORMAL);
    assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    expect_failure(m, candle, "anomalygpt:1", 1, IAD_ERR_NOT_FOUND, "the file 0033");
    unlink(DIR_NAME "/data/split_csv/1cls.csv");
    iad_manifest_close(m);
}

static int prefix_of(const iad_refs *small, const iad_refs *large) {
    for (size_t i = 0; i < small->sets[0].n_common; i++)
        if (small->sets[0].pictures[i].id != large->sets[0].pictures[i].id) return 0;
    return 1;
}

static void test_random(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = open_here();
    int64_t d = fixture_dataset(m, "mv", "", ""), screw = add_category(m, d, "screw", 50, "3.png");
    expect(m, screw, "random:7", 3, "026.png,045.png,041.png");
    expect(m, screw, "random-nested:7", 3, "035.png,030.png,025.png");
    iad_refs_options seven = {.seed = 7};
    iad_refs a = {0}, b = {0}, c = {0};
    assert_ok(iad_refs_make(m, screw, "random-nested", 2, &seven, &a, &err));
    assert_ok(iad_refs_make(m, screw, "random-nested:7", 4, NULL, &b, &err));
    assert_string_equal(a.sets[0].rule, "random-nested:7");
    assert_int_equal(a.sets[0].seed, 7);
    assert_int_equal(a.sets[0].nested, 1);
    assert_int_equal(prefix_of(&a, &b), 1);
    iad_refs_deinit(&a);
    /* Every picture of a set is another one, over many seeds; the draw is not always the same. */
    int distinct = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        iad_refs_options options = {.seed = seed};
        assert_ok(iad_refs_make(m, screw, "random", 50, &options, &a, &err));
        int seen[400] = {0};
        for (size_t i = 0; i < 50; i++) assert_int_equal(seen[a.sets[0].pictures[i].id]++, 0);
        distinct += strcmp(a.sets[0].pictures[0].path, "screw/train/good/000.png") != 0;
        iad_refs_deinit(&a);
    }
    assert_true(distinct > 150);
    /* Adding a picture changes a nested choice at most by that picture. */
    fixture_image(m, d, screw, "screw/train/good/000a.png", IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    assert_ok(iad_refs_make(m, screw, "random-nested:7", 5, NULL, &c, &err));
    size_t kept = 0;
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 5; k++) kept += b.sets[0].pictures[i].id == c.sets[0].pictures[k].id;
    assert_int_equal(kept, 4);
    iad_refs_deinit(&b);
    iad_refs_deinit(&c);
    expect_failure(m, screw, "random:1", 52, IAD_ERR_NOT_FOUND, "there are 51");
    iad_manifest_close(m);
}

static void test_eligibility(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = open_here();
    int64_t d = fixture_dataset(m, "mv", "", ""), c = fixture_category(m, d, "part"), id = 0;
    const char *views[] = {"C1", "C2"};
    for (int i = 0; i < 12; i++) {
        char path[64], key[16];
        snprintf(path, sizeof path, "part/train/%02d.png", i);
        snprintf(key, sizeof key, "S%d", i);
        iad_image_row row = fixture_row(d, c, path, IAD_PART_TRAIN, IAD_LABEL_NORMAL);
        row.view = views[i % 2];
        row.object_key = key;
        if (i == 0) row.exemplar_ok = 0;
        if (i == 4) row.label = IAD_LABEL_ANOMALOUS, row.exemplar_ok = 0;
        assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    }
    for (int i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "part/test/%02d.png", i);
        iad_image_row row = fixture_row(d, c, path, IAD_PART_TEST, i % 2 ? IAD_LABEL_ANOMALOUS : IAD_LABEL_NORMAL);
        row.view = views[i / 2];
        row.object_key = i == 3 ? "S2" : "T"; /* object S2 is judged (in view C2): it must not be shown in any view */
        assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    }
    iad_refs refs = {0};
    assert_ok(iad_refs_make(m, c, "first", 2, NULL, &refs, &err));
    assert_int_equal(refs.n, 2);
    assert_string_equal(refs.sets[0].view, "C1");
    assert_string_equal(refs.sets[0].pictures[0].path, "part/train/06.png");
    assert_string_equal(refs.sets[0].pictures[1].path, "part/train/08.png");
    assert_string_equal(refs.sets[1].view, "C2");
    assert_string_equal(refs.sets[1].pictures[0].path, "part/train/01.png");

    iad_image_list tests = {0};
    const iad_image_row *pictures;
    size_t n;
    assert_ok(iad_image_tests(m, c, NULL, &tests, &err));
    for (size_t i = 0; i < tests.n; i++) {
        assert_ok(iad_refs_for(&refs, &tests.items[i], &pictures, &n, &err));
        assert_int_equal(n, 2);
        for (size_t k = 0; k < n; k++) assert_string_equal(pictures[k].view, tests.items[i].view);
    }
    tests.items[0].view = "C9";
    assert_fails(IAD_ERR_NOT_FOUND, iad_refs_for(&refs, &tests.items[0], &pictures, &n, &err));
    iad_image_list_deinit(&tests);
    iad_refs_deinit(&refs);
    /* A list that names the judged object is refused by name. */
    static const char list[] = "part/train/02.png\npart/train/01.png\n";
    assert_ok(iad_file_write(DIR_NAME "/list.txt", list, sizeof list - 1, &err));
    iad_image_row row = fixture_row(d, c, "part/test/00.png", IAD_PART_TEST, IAD_LABEL_NORMAL);
    row.view = "C1";
    row.object_key = "S2";
    assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    expect_failure(m, c, "list:" DIR_NAME "/list.txt", 1, IAD_ERR_NOT_FOUND,
                   "part/train/02.png shows the same object (S2)");
    iad_manifest_close(m);
}

static void test_paired(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = open_here();
    int64_t d = fixture_dataset(m, "pcb", "mvtec", ""), c = fixture_category(m, d, "pcb1");
    char path[100];
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "pcb1/train/good/000410%02d_temp.jpg", i);
        fixture_image(m, d, c, path, IAD_PART_TRAIN, IAD_LABEL_NORMAL);
        snprintf(path, sizeof path, "pcb1/test/defect/000410%02d_test.jpg", i + 2);
        fixture_image(m, d, c, path, IAD_PART_TEST, IAD_LABEL_ANOMALOUS);
    }
    iad_refs refs = {0};
    assert_ok(iad_refs_make(m, c, "paired", 2, NULL, &refs, &err));
    assert_int_equal(refs.sets[0].n_queries, 4);
    assert_int_equal(refs.sets[0].n_unpaired, 2);
    assert_non_null(strstr(refs.sets[0].note, "2 of 6 test pictures have no partner"));
    iad_image_list tests = {0};
    assert_ok(iad_image_tests(m, c, NULL, &tests, &err));
    for (size_t i = 0; i < tests.n; i++) {
        const iad_image_row *pictures;
        size_t n;
        assert_ok(iad_refs_for(&refs, &tests.items[i], &pictures, &n, &err));
        assert_int_equal(n, 2);
        snprintf(path, sizeof path, "pcb1/train/good/000410%02d_temp.jpg", i < 4 ? (int)i + 2 : 0);
        assert_string_equal(pictures[0].path, path);
        snprintf(path, sizeof path, "pcb1/train/good/000410%02d_temp.jpg", i < 4 ? 0 : 1);
        assert_string_equal(pictures[1].path, path);
    }
    iad_refs_deinit(&refs);
    iad_refs_options strict = {.strict = 1};
    assert_fails(IAD_ERR_NOT_FOUND, iad_refs_make(m, c, "paired", 1, &strict, &refs, &err));
    assert_non_null(strstr(err.msg, "00041006_test.jpg"));
    iad_refs_deinit(&refs);
    iad_image_list_deinit(&tests);
    iad_manifest_close(m);
}

static void test_store_and_load(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = open_here();
    int64_t d = fixture_dataset(m, "mv", "mvtec", ""), screw = add_category(m, d, "screw", 30, "3.png"), n = 0;
    iad_refs made = {0}, loaded = {0};
    iad_refs_options store = {.store = 1};
    for (int round = 0; round < 2; round++) { /* twice: replaced, not doubled */
        iad_refs_deinit(&made);
        assert_ok(iad_refs_make(m, screw, "paired", 2, &store, &made, &err));
        assert_ok(iad_refs_make(m, screw, "first", 4, &store, &made, &err));
        assert_ok(iad_refs_make(m, screw, "random:3", 4, &store, &made, &err));
    }
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM exemplar_set", 0, &n, &err));
    assert_int_equal(n, 3);
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM exemplar_query", 0, &n, &err));
    assert_int_equal(n, 6);
    assert_ok(iad_refs_load(m, screw, "random:3", 0, &loaded, &err));
    assert_int_equal(loaded.n, 1);
    assert_int_equal(loaded.sets[0].seed, 3);
    iad_refs_deinit(&loaded);
    assert_ok(iad_refs_load(m, 0, NULL, 0, &loaded, &err));
    assert_int_equal(loaded.n, 3);
    const iad_refs_set *paired = &loaded.sets[1]; /* first, paired, random:3 */
    assert_string_equal(paired->rule, "paired");
    assert_int_equal(paired->n_queries, 3);
    assert_int_equal(paired->n_common, 2);
    assert_int_equal(paired->n_pictures, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(paired->pictures[i].path, made.sets[0].pictures[i].path);
        assert_memory_equal(paired->pictures[i].sha256, made.sets[0].pictures[i].sha256, 32);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(paired->queries[i].query_id, made.sets[0].queries[i].query_id);
        assert_string_equal(paired->queries[i].query_path, made.sets[0].queries[i].query_path);
        assert_int_equal(paired->queries[i].first, made.sets[0].queries[i].first);
    }

    /* What is printed can be read back as a list and gives the same sets: TSV and JSON lines. */
    for (int json = 0; json < 2; json++) {
        iad_buf text;
        iad_buf_init(&text, 1u << 20);
        assert_ok(json ? iad_refs_json(&made, &text, &err) : iad_refs_tsv(&made, 1, &text, &err));
        assert_ok(iad_file_write(DIR_NAME "/sets.txt", text.data, text.len, &err));
        iad_buf_deinit(&text);
        iad_refs again = {0};
        assert_ok(iad_refs_make(m, screw, "list:" DIR_NAME "/sets.txt", 2, NULL, &again, &err));
        assert_string_equal(again.sets[0].rule, "list:sets.txt");
        assert_int_equal(again.sets[0].n_pictures, 8);
        for (size_t i = 0; i < 8; i++) assert_int_equal(again.sets[0].pictures[i].id, made.sets[0].pictures[i].id);
        iad_refs_deinit(&again);
    }
    /* Read-only manifests can choose but not store. */
    iad_manifest *reader = NULL;
    assert_ok(iad_manifest_open(DIR_NAME "/m.db", IAD_MANIFEST_READ, &reader, &err));
    iad_refs_deinit(&loaded);
    assert_ok(iad_refs_make(reader, screw, "first", 1, NULL, &loaded, &err));
    assert_fails(IAD_ERR_ARG, iad_refs_make(reader, screw, "first", 1, &store, &loaded, &err));
    iad_manifest_close(reader);
    iad_refs_deinit(&loaded);
    iad_refs_deinit(&made);
    iad_manifest_close(m);
}

static void write_text(const char *path, const char *text) {
    iad_err err;
    assert_ok(iad_file_write(path, text, strlen(text), &err));
}

static void test_lists(void **state) {
    (void)state;
    iad_manifest *m = open_here();
    int64_t d = fixture_dataset(m, "mv", "mvtec", ""), screw = add_category(m, d, "screw", 30, "3.png");
    const char *rule = "list:" DIR_NAME "/list.txt";
    write_text(DIR_NAME "/list.txt",
               "# chosen by hand\nscrew/train/good/004.png \r\n./screw/train/good/002.png\n\nother/x.png\n");
    expect(m, screw, rule, 2, "004.png,002.png");
    expect(m, screw, rule, 1, "004.png");
    expect_failure(m, screw, rule, 3, IAD_ERR_NOT_FOUND, "names 2 of its pictures, 3 are wanted");
    write_text(DIR_NAME "/list.txt", "category,path\nscrew,good/007.png\nnut,nut/1.png\n");
    expect(m, screw, rule, 1, "007.png");
    write_text(DIR_NAME "/list.txt", "category,path\nscrew,screw/test/good/000.png\n");
    expect_failure(m, screw, rule, 1, IAD_ERR_NOT_FOUND,
                   "screw/test/good/000.png is not among its normal pictures outside the test part");
    write_text(DIR_NAME "/list.txt", "{\"path\":\"screw/train/good/009.png\",\"sha256\":\"00\"}\n");
    expect_failure(m, screw, rule, 1, IAD_ERR_NOT_FOUND, "other content");
    write_text(DIR_NAME "/list.txt",
               "{\"path\":\"screw/train/good/009.png\"}\n\n{\"path\":\"screw/train/good/009.png\"}\n");
    expect_failure(m, screw, rule, 2, IAD_ERR_NOT_FOUND, "twice");
    write_text(DIR_NAME "/list.txt", "{\"path\":7}\n");
    expect_failure(m, screw, rule, 1, IAD_ERR_FORMAT, "line 1");
    expect_failure(m, screw, "list:" DIR_NAME "/absent", 1, IAD_ERR_NOT_FOUND, "absent");
    expect_failure(m, screw, "list", 1, IAD_ERR_ARG, "list:FILE");

    const char *mmad = "mmad:" DIR_NAME "/mmad.json";
    write_text(
        DIR_NAME "/mmad.json",
        "{\"data/screw/test/good/000.png\":{\"random_templates\":[\"screw/train/good/005.png\","
        "\"data/screw/train/good/001.png\"],"
        "\"similar_templates\":[\"screw/train/good/011.png\"]},"
        "\"screw/test/bad/001.png\":{\"random_templates\":[\"screw/train/good/006.png\",\"screw/train/good/005.png\"]},"
        "\"screw/test/bad/002.png\":{\"random_templates\":[\"screw/train/good/008.png\","
        "\"screw/test/good/000.png\"]}}");
    iad_err err;
    iad_refs refs = {0};
    assert_ok(iad_refs_make(m, screw, mmad, 1, NULL, &refs, &err));
    assert_int_equal(refs.sets[0].n_queries, 3);
    assert_int_equal(refs.sets[0].n_common, 0);
    const char *wanted[] = {"005.png", "006.png", "008.png"};
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(iad_path_base(refs.sets[0].pictures[refs.sets[0].queries[i].first].path), wanted[i]);
    iad_refs_deinit(&refs);
    expect_failure(m, screw, mmad, 2, IAD_ERR_NOT_FOUND, "screw/test/good/000.png");
    expect_failure(m, screw, mmad, 3, IAD_ERR_NOT_FOUND, "has 2 random_templates, 3 are wanted");
    expect_failure(m, screw, "mmad-similar:" DIR_NAME "/mmad.json", 1, IAD_ERR_NOT_FOUND, "screw/test/bad/001.png");
    expect_failure(m, screw, "mmad", 1, IAD_ERR_NOT_FOUND, "mmad.json");
    iad_manifest_close(m);
}

int main(void) {
    iad_err err;
    if (iad_dir_make(DIR_NAME "/data", &err) != IAD_OK) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sorted_rules),   cmocka_unit_test(test_published_mvtec),
                                       cmocka_unit_test(test_published_visa), cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_eligibility),    cmocka_unit_test(test_paired),
                                       cmocka_unit_test(test_store_and_load), cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
