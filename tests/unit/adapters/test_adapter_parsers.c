/* The parsers of side files, the tree of paths and the set of names: values, limits, hostile input. */
#include "tests/unit/iad_test.h"

#include "base/json.h"
#include "manifests/ingest/adapter_scans.h"
#include "manifests/ingest/scan_dialogue.h"
#include "manifests/ingest/scan_set.h"
#include "tests/unit/adapters/tree_text.h"

/* ---- DAGM ---- */

static void test_dagm_labels(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    static const char text[] = "1\r\n0576\t1\t0576.PNG\t0\t0576_label.PNG\r\n0577 0 0577.PNG 0 0\n"
                               "0578 1 0578.png 0 0578_Label.png\nnothing here\n0579_label.PNG\n0580 0580.PNG 0580_label.PNG";
    iad_strings found = {0};
    assert_ok(iad_dagm_labels(text, sizeof text - 1, &found, &err));
    assert_int_equal(3, found.n);
    assert_string_equal("0576.PNG", found.items[0]);
    assert_string_equal("0578.png", found.items[1]);
    assert_string_equal("0580.PNG", found.items[2]);
    iad_strings_deinit(&found);
    char zero[] = "a.PNG\0b a_label.PNG";
    assert_ok(iad_dagm_labels(zero, sizeof zero - 1, &found, &err));
    assert_int_equal(0, found.n);
    iad_strings_deinit(&found);
}

/* ---- Eyecandies ---- */

static void test_eyecandies_metadata(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int value;
    } cases[] = {{"anomalous: 1", 1},        {"anomalous: 0\n", 0},         {"a: 2\n  anomalous:   true # yes\n", 1}, {"{anomalous: 0, x: 1}", 0},
                 {"\"anomalous\": \"1\"", 1}, {"'anomalous' : False", 0},    {"anomalous_kind: 1\nanomalous: 0", 0},  {"anomalous:", -1},
                 {"anomalous", -1},          {"not_anomalous: 1", -1},      {"anomalous: maybe", -1},                 {"", -1},
                 {"anomalous: 10", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (iad_eyecandies_anomalous(cases[i].text, strlen(cases[i].text)) != cases[i].value) fail_msg("%s", cases[i].text);
}

/* ---- STD ---- */

static void test_std_names(void **state) {
    (void)state;
    iad_std_name n;
    assert_true(iad_std_parse_name("air-hole(color)1-13", &n));
    assert_string_equal("air-hole", n.defect);
    assert_int_equal(1, n.video);
    assert_int_equal(13, n.frame);
    assert_int_equal(5, n.variant_n);
    assert_memory_equal("color", n.variant, 5);
    assert_true(iad_std_parse_name("slag-inclusion2-00", &n));
    assert_string_equal("slag-inclusion", n.defect);
    assert_int_equal(2, n.video);
    assert_int_equal(0, n.frame);
    assert_true(iad_std_parse_name("overlap218", &n));
    assert_int_equal(-1, n.video);
    assert_int_equal(218, n.frame);
    assert_null(n.variant);
    assert_true(iad_std_parse_name("crack(", &n));
    assert_null(n.variant);
    assert_true(iad_std_parse_name("unfused", &n));
    assert_int_equal(-1, n.frame);
    assert_true(iad_std_parse_name("crack99999999999-1", &n)); /* more digits than a number has: no video */
    assert_int_equal(-1, n.video);
    assert_false(iad_std_parse_name("1", &n));
    assert_false(iad_std_parse_name("", &n));
}

static iad_status voc(const char *text, iad_std_boxes *boxes, iad_err *err) { return iad_std_parse_voc(text, strlen(text), "x.xml", boxes, err); }

static void test_std_voc(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_std_boxes b = {0};
    assert_ok(voc("<?xml version='1.0'?><annotation><size><width>0</width><height>0</height></size><object><name><![CDATA[crack]]></name>"
                  "<bndbox><xmin>-3</xmin><ymin> 2 </ymin><xmax>1e1</xmax><ymax>4.5</ymax></bndbox></object></annotation>", &b, &err));
    assert_int_equal(1, b.n);
    assert_string_equal("crack", b.items[0].name);
    assert_close(b.items[0].x0, 0, 0);
    assert_close(b.items[0].x1, 10, 0);
    assert_close(b.items[0].y1, 4.5, 0);
    iad_std_boxes_deinit(&b);

    static const char *const broken[] = {
        "", "{}", "<annotation>", "<a/>", "<annotation><object/></annotation>",
        "<annotation><object><bndbox/></object></annotation>",
        "<annotation><object><name>crack</name><bndbox><xmin>1</xmin></bndbox></object></annotation>",
        "<annotation><object><name>crack</name><bndbox><xmin>nan</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>",
        "<annotation><object><name>crack</name><bndbox><xmin>1e99</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>",
        "<annotation><object><name></name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>",
        "<!DOCTYPE a><annotation/>",
        "<!DOCTYPE a [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><annotation>&b;</annotation>",
        "<annotation><object><name>&undefined;</name></object></annotation>"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        if (voc(broken[i], &b, &err) != IAD_ERR_FORMAT) fail_msg("accepted: %s", broken[i]);
        assert_non_null(strstr(err.msg, "x.xml"));
        iad_std_boxes_deinit(&b);
    }
}

static void repeat(iad_buf *out, const char *text, size_t times) {
    iad_err err = IAD_ERR_NONE;
    for (size_t i = 0; i < times; i++) assert_ok(iad_buf_add_str(out, text, &err));
}

static void test_std_voc_limits(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_std_boxes b = {0};
    iad_buf text;
    iad_buf_init(&text, 8u << 20);
    repeat(&text, "<annotation>", 1);
    repeat(&text, "<object><name>crack</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>",
           IAD_STD_MAX_BOXES + 1);
    repeat(&text, "</annotation>", 1);
    assert_fails(IAD_ERR_LIMIT, iad_std_parse_voc(text.data, text.len, "x.xml", &b, &err));
    iad_std_boxes_deinit(&b);
    iad_buf_reset(&text);
    repeat(&text, "<a>", 100000); /* deeper than the parser allows */
    assert_fails(IAD_ERR_FORMAT, iad_std_parse_voc(text.data, text.len, "x.xml", &b, &err));
    iad_buf_reset(&text);
    repeat(&text, "<annotation>                                                    ", 20000);
    assert_fails(IAD_ERR_LIMIT, iad_std_parse_voc(text.data, text.len, "x.xml", &b, &err));
    iad_buf_deinit(&text);
}

static iad_status yolo(const char *text, iad_std_boxes *boxes, iad_err *err) {
    return iad_std_parse_yolo(text, strlen(text), 200, 100, "x.txt", boxes, err);
}

static void test_std_yolo(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_std_boxes b = {0};
    assert_ok(yolo("7 0.5 0.5 0.1 0.2\r\n\n3\t0.99 0.5 0.1 0.2 0.87\n8 0.5 0.5 0.1 0.1\n0 0.5 0.5 0 0.1", &b, &err));
    assert_int_equal(2, b.n);
    assert_int_equal(2, b.dropped); /* an unknown class, a box without area */
    assert_string_equal("unfused", b.items[0].name);
    assert_close(b.items[0].x0, 90, 1e-9);
    assert_close(b.items[0].y0, 40, 1e-9);
    assert_close(b.items[0].x1, 110, 1e-9);
    assert_close(b.items[0].y1, 60, 1e-9);
    assert_string_equal("crack", b.items[1].name);
    assert_close(b.items[1].x1, 200, 0); /* clipped */
    iad_std_boxes_deinit(&b);
    static const char *const broken[] = {"1 2 3", "x 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1 inf", "-1 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1 0.1 0.9 0.9",
                                         "0 5 5 5 5"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        char text[128];
        assert_true(iad_scan_print(text, sizeof text, "0 0.5 0.5 0.1 0.1\n%s\n", broken[i]));
        if (yolo(text, &b, &err) != IAD_ERR_FORMAT) fail_msg("accepted: %s", broken[i]);
        assert_non_null(strstr(err.msg, "line 2 of x.txt"));
        iad_std_boxes_deinit(&b);
    }
}

static iad_status std_json(const char *text, iad_std_boxes *boxes, iad_err *err) {
    json_t *root;
    iad_status status = iad_json_parse(text, strlen(text), 0, "x.json", &root, err);
    if (status == IAD_OK) status = iad_std_parse_json(root, "x.json", boxes, err);
    json_decref(root);
    return status;
}

static void test_std_json(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_std_boxes b = {0};
    /* the very form of the authors' repository */
    assert_ok(std_json("{\"path\": \"./images/air-hole1-13.jpg\", \"outputs\": {\"object\": [{\"name\": \"air-hole\", \"bndbox\": "
                       "{\"xmin\": 925, \"ymin\": 313, \"xmax\": 999, \"ymax\": 332}}]}, \"time_labeled\": 1604456184817, "
                       "\"labeled\": true, \"size\": {\"width\": 958, \"height\": 653, \"depth\": 3}}", &b, &err));
    assert_int_equal(1, b.n);
    assert_close(b.items[0].x1, 958, 0);
    assert_close(b.items[0].y1, 332, 0);
    iad_std_boxes_deinit(&b);
    static const char *const broken[] = {"[]", "{}", "{\"outputs\": []}", "{\"outputs\": {\"object\": {}}}", "{\"outputs\": {\"object\": [1]}}",
                                         "{\"outputs\": {\"object\": [{\"name\": \"a\", \"bndbox\": {\"xmin\": \"1\"}}]}}",
                                         ("{\"outputs\": {\"object\": [{\"name\": \"a\", \"bndbox\": {\"xmin\": 1e300, \"ymin\": 1, \"xmax\": 2, "
                                          "\"ymax\": 2}}]}}")};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        if (std_json(broken[i], &b, &err) != IAD_ERR_FORMAT) fail_msg("accepted: %s", broken[i]);
        iad_std_boxes_deinit(&b);
    }
}

/* ---- the tree, the set, the words ---- */

static void test_tree(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    static const char text[] =
        "rgb b/x.png 1\nrgb a/x_mask.PNG 1\nrgb a/x.png 1 640 480\nrgb a-b/x.jpg 1\nrgb a/x_mask.d/y.png 1\ntext a/x_mask.txt\n"
                               "rgb top.png 1\nrgb a/../b 1\nrgb /etc/x.png 1\n";
    tt_tree t;
    int w, h;
    assert_ok(tt_parse(&t, text, sizeof text - 1, &err));
    assert_int_equal(7, t.tree.files.n); /* unsafe paths are no part of a tree */
    assert_true(iad_scan_tree_has(&t.tree, "a/x.png"));
    assert_false(iad_scan_tree_has(&t.tree, "a/x"));
    assert_true(iad_scan_tree_has_dir(&t.tree, "a"));
    assert_true(iad_scan_tree_has_dir(&t.tree, ""));
    assert_false(iad_scan_tree_has_dir(&t.tree, "a-"));
    assert_string_equal("a/x_mask.PNG", iad_scan_tree_picture(&t.tree, "a", "x", "_mask"));
    assert_string_equal("top.png", iad_scan_tree_picture(&t.tree, "", "top", ""));
    assert_null(iad_scan_tree_picture(&t.tree, "a", "y", "_mask"));
    assert_null(iad_scan_tree_picture(&t.tree, "a", "x_mas", "")); /* no other stem, no file in a folder x_mask.d */
    assert_ok(iad_scan_tree_size(&t.tree, "a/x.png", &w, &h, &err));
    assert_int_equal(640, w);
    assert_int_equal(480, h);
    static const char *const folders[] = {"", "b", NULL};
    assert_string_equal("b/x.png", iad_scan_locate(&t.tree, folders, "x.png"));
    assert_string_equal("a/x.png", iad_scan_locate(&t.tree, folders, "./a/x.png"));
    assert_string_equal("a/x.png", iad_scan_locate(&t.tree, folders, "data/a/x.png")); /* the root is that folder */
    assert_null(iad_scan_locate(&t.tree, folders, "../a/x.png"));
    assert_null(iad_scan_locate(&t.tree, folders, "c/../a/x.png"));
    assert_null(iad_scan_locate(&t.tree, folders, ""));
    tt_deinit(&t);
}

static void test_parts(void **state) {
    (void)state;
    iad_scan_parts parts;
    assert_true(iad_scan_split(&parts, "a/b/c.png"));
    assert_int_equal(3, parts.n);
    assert_string_equal("c.png", parts.part[2]);
    char deep[IAD_PATH_MAX + 8];
    memset(deep, 'a', sizeof deep);
    deep[sizeof deep - 1] = 0;
    assert_false(iad_scan_split(&parts, deep));
    for (size_t i = 1; i < 2 * IAD_SCAN_MAX_PARTS; i += 2) deep[i] = '/';
    deep[2 * IAD_SCAN_MAX_PARTS + 1] = 0;
    assert_false(iad_scan_split(&parts, deep));
    assert_string_equal("validation", iad_scan_split_name("Val"));
    assert_null(iad_scan_split_name("training_set"));
    assert_false(iad_scan_exemplar("test_public"));
    assert_true(iad_scan_exemplar(NULL));
}

static void test_set(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_scan_set set = {{NULL, 0, 0}, NULL, 0};
    char word[32];
    int added;
    assert_false(iad_scan_set_has(&set, "0"));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            assert_true(iad_scan_print(word, sizeof word, "%d", i));
            assert_ok(iad_scan_set_add(&set, word, &added, &err));
            assert_int_equal(round == 0, added);
        }
    assert_int_equal(5000, set.words.n);
    assert_string_equal("4999", set.words.items[4999]); /* order of insertion */
    assert_true(iad_scan_set_has(&set, "2500"));
    assert_false(iad_scan_set_has(&set, "5000"));
    iad_scan_set_deinit(&set);
}

static void test_words(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 1u << 16);
    assert_ok(iad_scan_question(&out, 2, "Q", &err));
    assert_string_equal("<image>\n<image>\nQ", iad_buf_str(&out));
    assert_int_equal(2, iad_scan_image_tokens(iad_buf_str(&out)));
    assert_int_equal(0, iad_scan_image_tokens("<Image> <imag"));
    iad_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dagm_labels), cmocka_unit_test(test_eyecandies_metadata), cmocka_unit_test(test_std_names),
        cmocka_unit_test(test_std_voc),     cmocka_unit_test(test_std_voc_limits),      cmocka_unit_test(test_std_yolo),
        cmocka_unit_test(test_std_json),    cmocka_unit_test(test_tree),                cmocka_unit_test(test_parts),
        cmocka_unit_test(test_set),         cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
