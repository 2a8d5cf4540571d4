/* Rows of answers: one per unit, captions of those that passed, feedback to the crawl, what people say, joining manifests. */
#include "tests/unit/iad_test.h"

#include "annotate/work/annotatestore.h"
#include "manifests/merge.h"
#include "manifests/query.h"
#include "manifests/records.h"

#define SHAPE "A hexagonal nut with a round threaded opening in the middle; its six flat sides meet at even corners and the body is thick."
#define MATERIAL "The surface is bright metal with a fine brushed finish, light grey in colour, with soft reflections along every face of it."
#define DETAILS "Each corner carries a small chamfer; the thread begins right below the upper rim and two faint marks stand on one side."
#define TEXTS "\\\"shape_structure\\\":\\\"" SHAPE "\\\",\\\"material_surface\\\":\\\"" MATERIAL "\\\",\\\"details\\\":\\\"" DETAILS "\\\""
#define RAW(view)                                                                                                                                    \
    "{\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"{" TEXTS \
    ",\\\"is_product_photo\\\":true,\\\"category_match\\\":0.9,\\\"object_count\\\":\\\"one\\\",\\\"view\\\":\\\"" view \
    "\\\",\\\"watermark\\\":\\\"none\\\",\\\"defect_visible\\\":\\\"no\\\",\\\"defect_note\\\":\\\"\\\",\\\"language\\\":\\\"en\\\"}\"}}]," \
    "\"usage\":{\"prompt_tokens\":900,\"completion_tokens\":300}}"

static iad_err err;

static int64_t number(iad_manifest *m, const char *sql) {
    int64_t value;
    assert_ok(iad_query_scalar(m, sql, -1, &value, &err));
    return value;
}

typedef struct fixture {
    iad_manifest *m;
    iad_prompts all;
    const iad_prompt *prompt;
    int64_t image_id;
    uint8_t sha256[32], unit[32];
} fixture;

static void open_fixture(fixture *f) {
    const iad_prompt *chosen[32];
    size_t n;
    memset(f, 0, sizeof *f);
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, &f->m, &err));
    iad_dataset_row dataset = {.name = "web", .root = ".", .licence = ""};
    iad_image_row image = {.path = "nut.jpg", .width = 64, .height = 64, .has_pixels = 1, .part = IAD_PART_TRAIN, .label = IAD_LABEL_UNKNOWN};
    memset(image.sha256, 7, 32);
    memset(f->sha256, 7, 32);
    assert_ok(iad_dataset_put(f->m, &dataset, &image.dataset_id, &err));
    assert_ok(iad_image_put(f->m, &image, &f->image_id, NULL, &err));
    assert_ok(iad_prompts_load(&f->all, NULL, &err));
    assert_ok(iad_prompts_choose(&f->all, NULL, "split", "en", chosen, &n, &err));
    f->prompt = chosen[0];
    assert_ok(iad_annotate_prompt_put(f->m, f->prompt, &err));
    assert_ok(iad_annotate_unit(f->sha256, f->prompt->sha256, "m", "{}", 0, NULL, f->unit, &err));
    /* The picture came from a crawl. */
    assert_ok(iad_query_exec(f->m,
                             "INSERT INTO crawl_picture(sha256,bytes,stored_sha256,path,image_id) SELECT sha256,1,sha256,path,id FROM image", &err));
}

static void close_fixture(fixture *f) {
    iad_prompts_deinit(&f->all);
    iad_manifest_close(f->m);
}

static int put(fixture *f, const char *raw) {
    iad_chat_answer a;
    iad_judged j;
    int added;
    const iad_judge_facts facts = {.prompt = f->prompt, .model = "m", .category = "hex nut", .colour = ""};
    const iad_answer_row row = {.unit = f->unit, .image_sha256 = f->sha256, .image_id = f->image_id, .prompt = f->prompt, .model = "m",
                                .params = "{}", .colour = "", .attempts = 1, .raw = raw, .n_raw = strlen(raw), .feedback = 1, .cost = 0.5};
    assert_ok(iad_chat_answer_parse(&a, raw, strlen(raw), &err));
    assert_ok(iad_judge_answer(&j, &facts, &a, &err));
    assert_ok(iad_annotate_answer_put(f->m, &row, &a, &j, &added, &err));
    iad_judged_deinit(&j);
    iad_chat_answer_deinit(&a);
    return added;
}

static iad_unit_state state_of(fixture *f) {
    iad_unit_state state;
    assert_ok(iad_annotate_unit_state(f->m, f->unit, &state, &err));
    return state;
}

static void say(fixture *f, int accept) {
    char hex[65];
    int64_t changed;
    iad_strings ids = {0};
    iad_hex(f->unit, 32, hex);
    hex[12] = 0;
    assert_ok(iad_strings_add(&ids, hex, &err));
    assert_ok(iad_annotate_review(f->m, &ids, accept, "test", 0, &changed, &err));
    assert_int_equal(changed, 1);
    iad_strings_deinit(&ids);
}

/* An answer is there once, whatever comes later; its texts are captions until somebody rejects it. */
static void test_answer(void **state) {
    (void)state;
    fixture f;
    open_fixture(&f);
    assert_int_equal(state_of(&f), IAD_UNIT_MISSING);
    assert_int_equal(put(&f, RAW("photo")), 1);
    assert_int_equal(put(&f, RAW("scene")), 0);
    assert_int_equal(number(f.m, "SELECT count(*) FROM annotate_answer"), 1);
    assert_int_equal(number(f.m, "SELECT sum(prompt_tokens+completion_tokens) FROM annotate_answer"), 1200);
    assert_int_equal(number(f.m, "SELECT count(DISTINCT aspect) FROM caption WHERE aspect IN('overall','material','structure')"), 3);
    assert_int_equal(state_of(&f), IAD_UNIT_OK);
    say(&f, 0);
    assert_int_equal(state_of(&f), IAD_UNIT_REJECTED);
    assert_int_equal(number(f.m, "SELECT count(*) FROM caption"), 0);
    say(&f, 1);
    assert_int_equal(state_of(&f), IAD_UNIT_OK);
    assert_int_equal(number(f.m, "SELECT count(*) FROM caption WHERE verified=1"), 3);
    close_fixture(&f);
}

/* A picture that is off topic gives no captions and is refused to the crawl; a person can take that back. */
static void test_feedback(void **state) {
    (void)state;
    fixture f;
    open_fixture(&f);
    assert_int_equal(put(&f, RAW("drawing")), 1);
    assert_int_equal(number(f.m, "SELECT count(*) FROM caption"), 0);
    assert_int_equal(number(f.m, "SELECT count(*) FROM crawl_rejection WHERE reason='off_topic: view: drawing'"), 1);
    assert_int_equal(number(f.m, "SELECT part='none' FROM image"), 1);
    assert_int_equal(number(f.m, "SELECT count(*) FROM annotate_verdict WHERE check_name='relevance' AND weight='note'"), 1);
    assert_int_equal(state_of(&f), IAD_UNIT_OK); /* asking again would not help */
    say(&f, 1);
    assert_int_equal(number(f.m, "SELECT count(*) FROM crawl_rejection"), 0);
    assert_int_equal(number(f.m, "SELECT part='train' FROM image"), 1);
    assert_int_equal(number(f.m, "SELECT count(*) FROM caption"), 3);
    close_fixture(&f);
}

/* Every part of a unit changes its name. */
static void test_units(void **state) {
    (void)state;
    uint8_t a[32] = {1}, b[32] = {2}, units[7][32];
    assert_ok(iad_annotate_unit(a, b, "m", "{}", 0, NULL, units[0], &err));
    assert_ok(iad_annotate_unit(b, b, "m", "{}", 0, NULL, units[1], &err));
    assert_ok(iad_annotate_unit(a, a, "m", "{}", 0, NULL, units[2], &err));
    assert_ok(iad_annotate_unit(a, b, "n", "{}", 0, NULL, units[3], &err));
    assert_ok(iad_annotate_unit(a, b, "m", "{ }", 0, NULL, units[4], &err));
    assert_ok(iad_annotate_unit(a, b, "m", "{}", 1, NULL, units[5], &err));
    assert_ok(iad_annotate_unit(a, b, "m", "{}", 0, a, units[6], &err));
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < i; k++) assert_memory_not_equal(units[i], units[k], 32);
}

static void test_merge(void **state) {
    (void)state;
    fixture one, two;
    iad_merge_counts counts;
    const iad_merge_options options = {0};
    open_fixture(&one);
    open_fixture(&two);
    assert_int_equal(put(&two, RAW("photo")), 1);
    assert_ok(iad_merge_run(one.m, two.m, &options, &counts, &err));
    assert_int_equal(counts.conflicts, 0);
    assert_int_equal(number(one.m, "SELECT count(*) FROM annotate_answer a JOIN image i ON i.id=a.image_id"), 1);
    assert_int_equal(number(one.m, "SELECT count(*) FROM caption"), 3);
    assert_int_equal(state_of(&one), IAD_UNIT_OK);
    assert_ok(iad_merge_run(one.m, two.m, &options, &counts, &err));
    assert_int_equal(counts.added, 0);
    close_fixture(&one);
    close_fixture(&two);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answer), cmocka_unit_test(test_feedback), cmocka_unit_test(test_units),
                                       cmocka_unit_test(test_merge)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
