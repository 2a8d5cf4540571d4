/* Boxes in the texts of records: the column, the slots, the numbers in each frame, places that move. */
#include "tests/unit/iad_test.h"

#include "base/buf.h"
#include "synth/task/boxslots.h"

static const char column[] = "[{\"bbox_2d\":[10,20,110,220],\"image\":1,\"label\":\"scratch\"},{\"bbox_2d\":[0,0,512,256],\"image\":0}]";
static const iad_box_frame frames[2] = {{512, 256, 504, 252}, {1024, 1024, 980, 980}};

static void fill(const char *text, iad_box_form form, const char *want) {
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 4096);
    assert_ok(iad_buf_add_str(&out, "before ", &err));
    assert_ok(iad_box_slots_fill(text, column, frames, 2, form, NULL, 0, &out, &err));
    assert_string_equal(iad_buf_str(&out) + 7, want);
    iad_buf_deinit(&out);
}

static void test_fill(void **state) {
    (void)state;
    fill("no slot at all", IAD_BOX_ORIGINAL, "no slot at all");
    fill("", IAD_BOX_ORIGINAL, "");
    fill("[{\"bbox_2d\": <box:0>, \"label\": \"scratch\"}]", IAD_BOX_ORIGINAL, "[{\"bbox_2d\": [10, 20, 110, 220], \"label\": \"scratch\"}]");
    fill("<box:1><box:0>", IAD_BOX_ORIGINAL, "[0, 0, 512, 256][10, 20, 110, 220]");
    /* 10 * 980 / 1024 = 9.57, 20 -> 19.14, 110 -> 105.27, 220 -> 210.55; the right border is clamped to 503, 251 */
    fill("a <box:0> b <box:1> c <box:0>", IAD_BOX_QWEN25, "a [10, 19, 105, 211] b [0, 0, 503, 251] c [10, 19, 105, 211]");
    /* 10 / 1024 = 9.77, 19.53, 107.42, 214.84 thousandths */
    fill("<box:0>|<box:1>", IAD_BOX_NORM1000, "[10, 20, 107, 215]|[0, 0, 1000, 1000]");
    fill("<box:1> and <box:0>", IAD_BOX_MARK, "<bbox> and <bbox>");
}

static void test_norm_halves(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_box_slot slot = {.image = 0, .box = {1, 3, 5, 7}};
    iad_box_frame frame = {.width = 2000, .height = 2000};
    int out[4];
    assert_ok(iad_box_slot_numbers(&slot, &frame, IAD_BOX_NORM1000, out, &err)); /* 0.5 1.5 2.5 3.5 */
    const int want[4] = {0, 2, 2, 4};
    assert_memory_equal(out, want, sizeof want);
}

static void test_places(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    const char text[] = "is <box:0> normal or <box:1>";
    /* start, the slot's start and end, the word "normal", the end; not in order */
    size_t places[] = {28, 11, 17, 0, 3, 10};
    iad_buf out;
    iad_buf_init(&out, 4096);
    assert_ok(iad_box_slots_fill(text, column, frames, 2, IAD_BOX_ORIGINAL, places, 6, &out, &err));
    assert_string_equal(iad_buf_str(&out), "is [10, 20, 110, 220] normal or [0, 0, 512, 256]");
    const char *result = iad_buf_str(&out);
    assert_int_equal(places[0], strlen(result));
    assert_memory_equal(result + places[1], "normal", 6);
    assert_int_equal(places[2] - places[1], 6);
    assert_int_equal(places[3], 0);
    assert_int_equal(places[4], 3);
    assert_int_equal(places[5], 21);
    iad_buf_reset(&out);
    size_t inside = 4, behind = 29;
    assert_fails(IAD_ERR_ARG, iad_box_slots_fill(text, column, frames, 2, IAD_BOX_ORIGINAL, &inside, 1, &out, &err));
    assert_fails(IAD_ERR_ARG, iad_box_slots_fill(text, column, frames, 2, IAD_BOX_ORIGINAL, &behind, 1, &out, &err));
    iad_buf_deinit(&out);
}

static void test_order(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    size_t order[4], n;
    assert_ok(iad_box_slots_order("<box:2> x <box:0> <box:2>", 3, order, 4, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 0);
    assert_int_equal(order[2], 2);
    assert_fails(IAD_ERR_LIMIT, iad_box_slots_order("<box:2> x <box:0> <box:2>", 3, order, 2, &n, &err));
}

static void test_refusals(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 4096);
    const char *texts[] = {"<box:2>", "<box:>", "<box:1", "<box:-1>", "<box:99999>", "<box: 1>", "<box:1 >"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_fails(IAD_ERR_FORMAT, iad_box_slots_fill(texts[i], column, frames, 2, IAD_BOX_ORIGINAL, NULL, 0, &out, &err));
    assert_fails(IAD_ERR_ARG, iad_box_slots_fill("<box:0>", column, frames, 1, IAD_BOX_ORIGINAL, NULL, 0, &out, &err)); /* box 0 is on picture 1 */
    assert_fails(IAD_ERR_FORMAT, iad_box_slots_fill("<box:0>", NULL, frames, 2, IAD_BOX_ORIGINAL, NULL, 0, &out, &err));
    const char *columns[] = {"{}",
                             "[1]",
                             "[{\"image\":0}]",
                             "[{\"bbox_2d\":[1,2,3],\"image\":0}]",
                             "[{\"bbox_2d\":[1,2,3,4.5],\"image\":0}]",
                             "[{\"bbox_2d\":[1,2,1,4],\"image\":0}]",
                             "[{\"bbox_2d\":[1,2,3,4],\"image\":-1}]",
                             "[{\"bbox_2d\":[1,2,3,70000],\"image\":0}]",
                             "[{\"bbox_2d\":[1,2,3,4],\"image\":0,\"label\":5}]",
                             "[",
                             "nonsense"};
    iad_box_slots slots;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) assert_fails(IAD_ERR_FORMAT, iad_box_slots_parse(columns[i], &slots, &err));
    iad_buf many;
    iad_buf_init(&many, 1u << 20);
    for (int i = 0; i <= IAD_BOX_SLOTS_MAX; i++) assert_ok(iad_buf_addf(&many, &err, "%s{\"bbox_2d\":[0,0,1,1],\"image\":0}", i ? "," : "["));
    assert_ok(iad_buf_add_str(&many, "]", &err));
    assert_fails(IAD_ERR_LIMIT, iad_box_slots_parse(iad_buf_str(&many), &slots, &err));
    iad_buf_deinit(&many);
    iad_buf_deinit(&out);
}

static void test_round_trip(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_box_slots slots;
    iad_buf out;
    iad_buf_init(&out, 65536);
    assert_ok(iad_box_slots_parse(column, &slots, &err));
    assert_int_equal(slots.n, 2);
    assert_string_equal(slots.items[0].label, "scratch");
    assert_string_equal(slots.items[1].label, "");
    assert_ok(iad_box_slots_write(&slots, &out, &err));
    assert_string_equal(iad_buf_str(&out), column);
    assert_ok(iad_box_slots_parse(NULL, &slots, &err));
    assert_int_equal(slots.n, 0);
    iad_buf_reset(&out);
    assert_ok(iad_box_slots_write(&slots, &out, &err));
    assert_string_equal(iad_buf_str(&out), "[]");
    slots.n = 1;
    slots.items[0].box[2] = slots.items[0].box[0];
    assert_fails(IAD_ERR_ARG, iad_box_slots_write(&slots, &out, &err));
    /* a long label is cut between characters */
    iad_buf_reset(&out);
    assert_ok(iad_buf_add_str(&out, "[{\"bbox_2d\":[0,0,1,1],\"image\":0,\"label\":\"", &err));
    for (int i = 0; i < 60; i++) assert_ok(iad_buf_add_str(&out, "\xe5\x88\x92", &err));
    assert_ok(iad_buf_add_str(&out, "\"}]", &err));
    assert_ok(iad_box_slots_parse(iad_buf_str(&out), &slots, &err));
    assert_int_equal(strlen(slots.items[0].label), 93);
    iad_buf_deinit(&out);
}

static void test_names(void **state) {
    (void)state;
    for (int form = IAD_BOX_ORIGINAL; form <= IAD_BOX_MARK; form++) {
        iad_box_form back;
        assert_true(iad_box_form_parse(iad_box_form_name((iad_box_form)form), &back));
        assert_int_equal(back, form);
    }
    iad_box_form none;
    assert_false(iad_box_form_parse("coco", &none));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fill),  cmocka_unit_test(test_norm_halves), cmocka_unit_test(test_places),
                                       cmocka_unit_test(test_order), cmocka_unit_test(test_refusals),    cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
