/* Question files in every form that is accepted, and the ones that are not. */
#include "tests/unit/iad_test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/image/encode.h"
#include "bench/reasoning/askmmad.h"
#include "bench/reasoning/askvisadr.h"

static char root[] = "/tmp/iad-asks-XXXXXX";

static void put_picture(const char *path, int side) {
    char full[600];
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    iad_buf png;
    iad_buf_init(&png, 1u << 24);
    assert_ok(iad_image_init(&image, side, side, 1, &err));
    assert_ok(iad_encode_png(&image, -1, &png, &err));
    snprintf(full, sizeof full, "%s/%s", root, path);
    assert_ok(iad_file_write(full, png.data, png.len, &err));
    iad_image_deinit(&image);
    iad_buf_deinit(&png);
}

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(root)) return -1;
    put_picture("VisA/candle/a.png", 32);
    put_picture("good/candle/1.png", 32);
    put_picture("good/candle/2.png", 32);
    put_picture("DS-MVTec/pill/image/good/003.png", 700);
    put_picture("DS-MVTec/pill/image/good/004.png", 800);
    put_picture("DS-MVTec/metal_nut/image/good/001.png", 700);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    static const char *const files[] = {"VisA/candle/a.png",
                                        "good/candle/1.png",
                                        "good/candle/2.png",
                                        "DS-MVTec/pill/image/good/003.png",
                                        "DS-MVTec/pill/image/good/004.png",
                                        "DS-MVTec/metal_nut/image/good/001.png",
                                        "VisA/candle",
                                        "VisA",
                                        "good/candle",
                                        "good",
                                        "DS-MVTec/pill/image/good",
                                        "DS-MVTec/pill/image",
                                        "DS-MVTec/pill",
                                        "DS-MVTec/metal_nut/image/good",
                                        "DS-MVTec/metal_nut/image",
                                        "DS-MVTec/metal_nut",
                                        "DS-MVTec",
                                        ""};
    char full[600];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(full, sizeof full, "%s/%s", root, files[i]);
        remove(full);
    }
    return 0;
}

static iad_status read_visa(iad_asks *asks, const char *text, const iad_visa_dr_options *options, iad_err *err) {
    iad_visa_dr_options o = options ? *options : (iad_visa_dr_options){.low = 1};
    o.root = root;
    return iad_asks_visa_dr(asks, text, strlen(text), "list", &o, err);
}

static void test_visa_forms(void **state) {
    (void)state;
    static const char *const forms[] = {
        "[{\"image\": \"VisA/candle/a.png\", \"questions\": [\"What?\", \"Why?\"], \"answers\": [\"A crack.\", \"Heat.\"]}]",
        "[{\"image\": \"VisA/candle/a.png\", \"questions\": [{\"question\": \"What?\", \"answer\": \"A crack.\"}, {\"question\": \"Why?\", "
        "\"answer\": \"Heat.\"}]}]",
        "[{\"image\": \"VisA/candle/a.png\", \"conversations\": [{\"from\": \"human\", \"value\": \"<image>\\nWhat?\"}, {\"from\": \"gpt\", "
        "\"value\": \"A crack.\"}, {\"from\": \"human\", \"value\": "
        "\"Why?\"}, {\"from\": \"gpt\", \"value\": \"Heat.\"}]}]"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        iad_asks asks = {0};
        iad_err err = IAD_ERR_NONE;
        assert_ok(read_visa(&asks, forms[i], NULL, &err));
        assert_int_equal(asks.n, 2);
        assert_int_equal(asks.missing, 0);
        assert_string_equal(asks.items[0].id, "VisA/candle/a.png#0");
        assert_string_equal(asks.items[0].category, "candle");
        assert_string_equal(asks.items[0].kind, "low");
        assert_string_equal(asks.items[0].text, "What?");
        assert_string_equal(asks.items[0].reference, "A crack.");
        assert_int_equal(asks.items[0].previous, -1);
        assert_string_equal(asks.items[1].kind, "complex");
        assert_string_equal(asks.items[1].reference, "Heat.");
        assert_int_equal(asks.items[1].previous, 0);
        assert_ok(iad_asks_check(&asks, &err));
        iad_asks_deinit(&asks);
    }
}

static void test_visa_types_shots_and_classes(void **state) {
    (void)state;
    iad_asks asks = {0};
    iad_err err = IAD_ERR_NONE;
    char folder[600];
    snprintf(folder, sizeof folder, "%s/good", root);
    const iad_visa_dr_options options = {.low = 0, .shots = 2, .exemplars = folder, .published = 1};
    assert_ok(read_visa(&asks,
                        "[{\"image\": \"VisA/candle/a.png\", \"questions\": [\"Q\", \"R\"], \"types\": [\"complex\", \"low\"]}, {\"image\": "
                        "\"VisA/candle/a.png\", \"questions\": [\"S\"]},"
                        " {\"image\": \"VisA/pcb2/a.png\", \"questions\": [\"Q\"]}, {\"image\": \"VisA/candle/b.png\", \"questions\": [\"Q\"]}]",
                        &options, &err));
    assert_int_equal(asks.n, 4);
    assert_string_equal(asks.items[0].kind, "complex");
    assert_string_equal(asks.items[1].kind, "low");
    assert_string_equal(asks.items[0].text, "Images 1 to 2 are normal examples; image 3 is the query. Q");
    assert_string_equal(asks.items[1].text, "R");
    assert_null(asks.items[0].reference);
    assert_int_equal(asks.items[0].n_shown, 2);
    assert_true(iad_text_ends(asks.items[0].shown[1], "good/candle/2.png"));
    assert_string_equal(asks.items[2].id, "VisA/candle/a.png#2.0"); /* the second dialogue about it */
    assert_null(asks.items[3].path);
    assert_int_equal(asks.missing, 1);
    assert_int_equal(asks.notes.n, 2); /* left out, without reference */
    iad_asks_deinit(&asks);
    const iad_visa_dr_options many = {.shots = 3, .exemplars = folder};
    assert_fails(IAD_ERR_NOT_FOUND, read_visa(&asks, "[{\"image\": \"VisA/candle/a.png\", \"questions\": [\"Q\"]}]", &many, &err));
    iad_asks_deinit(&asks);
}

static void test_visa_detection(void **state) {
    (void)state;
    iad_asks asks = {0};
    iad_err err = IAD_ERR_NONE;
    const iad_visa_dr_options options = {.root = root};
    const char *text = "[{\"image\": \"VisA/candle/a.png\", \"anomaly\": true}, {\"image\": \"VisA/candle/b.png\", \"anomaly\": 0}]";
    assert_ok(iad_asks_visa_dr_detection(&asks, text, strlen(text), "list", &options, &err));
    assert_int_equal(asks.items[0].anomalous, 1);
    assert_int_equal(asks.items[1].anomalous, 0);
    assert_string_equal(asks.items[0].text, IAD_VISA_DR_QUESTION);
    text = "[{\"image\": \"VisA/candle/a.png\", \"anomaly\": 2}]";
    assert_fails(IAD_ERR_FORMAT, iad_asks_visa_dr_detection(&asks, text, strlen(text), "list", &options, &err));
    iad_asks_deinit(&asks);
}

static void test_visa_refuses(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {{"{}", "not a list"},
                 {"[{}]", "record 0"},
                 {"[{\"image\": \"../x.png\", \"questions\": [\"Q\"]}]", "leads out"},
                 {"[{\"image\": \"a\", \"questions\": [\"Q\"], \"answers\": [\"x\", \"y\"]}]", "2 answers to 1 questions"},
                 {"[{\"image\": \"a\", \"questions\": []}]", "0 questions"},
                 {"[{\"image\": \"a\", \"questions\": [\"Q\"], \"types\": [\"hard\"]}]", "types"},
                 {"[{\"image\": \"a\", \"questions\": [\"<image>\"]}]", "<image> inside"},
                 {"[", "list"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_asks asks = {0};
        iad_err err = IAD_ERR_NONE;
        assert_int_not_equal(IAD_OK, read_visa(&asks, cases[i].text, NULL, &err));
        if (!strstr(err.msg, cases[i].says)) fail_msg("%s: %s", cases[i].text, err.msg);
        iad_asks_deinit(&asks);
    }
}

static const char pills[] = "{\"DS-MVTec/pill/image/good/003.png\": {\"conversation\": [{\"Question\": \"Is there a defect?\", \"Answer\": \"B\", "
                            "\"Options\": {\"A\": \"Yes.\", \"B\": \"No.\"}, \"type\": \"Anomaly Detection\"},"
                            "{\"Question\": \"Which?\", \"Answer\": \"X\", \"Options\": {\"Q\": \"Dent\", \"X\": \"Hole\"}, \"type\": \"Object "
                            "Structure\"}], \"random_templates\": [\"DS-MVTec/metal_nut/image/good/001.png\", \"gone.png\"]},"
                            " \"DS-MVTec/pill/image/good/004.png\": {\"conversation_2\": [{\"Question\": \"Is there a defect?\", \"Answer\": \"A\", "
                            "\"Options\": {\"A\": \"Yes.\", \"B\": \"No.\"}, \"type\": \"Anomaly Detection\"}]}}";

static void test_mmad(void **state) {
    (void)state;
    iad_asks asks = {0};
    iad_err err = IAD_ERR_NONE;
    const iad_mmad_options options = {.root = root, .shots = 2};
    assert_ok(iad_asks_mmad(&asks, pills, strlen(pills), "mmad.json", &options, &err));
    assert_int_equal(asks.n, 3);
    const iad_ask *a = asks.items;
    assert_string_equal(a[0].id, "DS-MVTec/pill/image/good/003.png#0");
    assert_string_equal(a[0].dataset, "DS-MVTec");
    assert_string_equal(a[0].category, "pill");
    assert_string_equal(a[0].reference, "B");
    assert_int_equal(a[0].anomalous, 0);
    assert_string_equal(a[0].text, "\nQuestion: Is there a defect?\nA. Yes.\nB. No.\n");
    assert_int_equal(a[0].n_shown, 1);        /* the other one is not there */
    assert_string_equal(a[1].reference, "B"); /* options are lettered by their order */
    assert_string_equal(a[1].options[0], "Dent");
    assert_int_equal(a[1].anomalous, -1);
    assert_int_equal(a[0].faulty, 1); /* 700 pixels wide, and a metal nut byte for byte */
    assert_int_equal(a[2].faulty, 0);
    assert_int_equal(a[2].anomalous, 1);
    assert_int_equal(asks.missing_shown, 2);
    assert_non_null(strstr(a[0].lead, "A good sample"));
    int told = 0;
    for (size_t i = 0; i < asks.notes.n; i++) told |= strstr(asks.notes.items[i], "1 of the 22 pill pictures") != NULL;
    assert_true(told);
    iad_asks_deinit(&asks);
}

static void test_mmad_refuses(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"[]", "not an object"},
        {"{\"a/b/c.png\": []}", "not an object"},
        {"{\"../c.png\": {}}", "leads out"},
        {"{\"a/b/c.png\": {\"conversation\": [{\"Question\": \"Q\", \"Answer\": \"C\", \"Options\": {\"A\": \"x\"}}]}}", "none of the options"},
        {"{\"a/b/c.png\": {\"conversation\": [{\"Question\": \"Q\", \"Answer\": \"A\"}]}}", "Options"},
        {"{\"a/b/c.png\": {\"conversation\": {}}}", "not an array"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_asks asks = {0};
        iad_err err = IAD_ERR_NONE;
        const iad_mmad_options options = {.root = root};
        assert_int_not_equal(IAD_OK, iad_asks_mmad(&asks, cases[i].text, strlen(cases[i].text), "mmad.json", &options, &err));
        if (!strstr(err.msg, cases[i].says)) fail_msg("%s: %s", cases[i].text, err.msg);
        iad_asks_deinit(&asks);
    }
}

/* The key names everything that decides an answer. */
static void test_key(void **state) {
    (void)state;
    static const char *const lists[] = {"[{\"image\": \"VisA/candle/a.png\", \"questions\": [\"What?\"], \"answers\": [\"x\"]}]",
                                        "[{\"image\": \"VisA/candle/a.png\", \"questions\": [\"What?\"], \"answers\": [\"y\"]}]",
                                        "[{\"image\": \"VisA/candle/a.png\", \"questions\": [\"Where?\"], \"answers\": [\"x\"]}]",
                                        "[{\"image\": \"VisA/candle/a.png\", \"questions\": [\"What?\", \"Why?\"], \"answers\": [\"x\", \"y\"]}]"};
    char keys[4][65];
    for (int i = 0; i < 4; i++) {
        iad_asks asks = {0};
        iad_err err = IAD_ERR_NONE;
        assert_ok(read_visa(&asks, lists[i], NULL, &err));
        assert_ok(iad_asks_key(&asks, keys[i], &err));
        iad_asks_deinit(&asks);
    }
    assert_string_equal(keys[0], keys[1]); /* a reference is not shown to the model */
    assert_string_not_equal(keys[0], keys[2]);
    assert_string_not_equal(keys[0], keys[3]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_visa_forms),
                                       cmocka_unit_test(test_visa_types_shots_and_classes),
                                       cmocka_unit_test(test_visa_detection),
                                       cmocka_unit_test(test_visa_refuses),
                                       cmocka_unit_test(test_mmad),
                                       cmocka_unit_test(test_mmad_refuses),
                                       cmocka_unit_test(test_key)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
