/* What a text must be: every row of the table of checks, one text that passes and one that does not. */
#include "tests/unit/iad_test.h"

#include "annotate/check/judge_answer.h"
#include "annotate/check/minhash.h"
#include "annotate/check/quality_text.h"
#include "annotate/client/chatrequest.h"

static char why[IAD_WHY];

#define SHAPE                                                                                                                                        \
    "A hexagonal nut with a round threaded opening in the middle; its six flat sides meet at even corners and the body is about half as thick as "   \
    "it is wide."
#define MATERIAL                                                                                                                                     \
    "The surface is bright metal with a fine brushed finish, light grey in colour, with soft reflections along every face and no visible coating "   \
    "anywhere."
#define DETAILS                                                                                                                                      \
    "Each corner carries a small chamfer; the thread begins right below the upper rim, two faint marks stand on one side and the inner edge is cut " \
    "cleanly."
#define FLAGS                                                                                                                                        \
    "\"is_product_photo\":true,\"category_match\":0.9,\"object_count\":\"one\",\"view\":\"photo\",\"watermark\":\"none\",\"defect_visible\":\"no\"," \
    "\"defect_note\":\"\",\"language\":\"en\""

/* The checks with a view of the text made for each. */
static iad_text_view view_of(const char *text) {
    iad_text_view v;
    iad_err err;
    assert_ok(iad_text_view_init(&v, text, &err));
    return v;
}
#define CHECK(name, parameters, ...)                                                                                                                 \
    static int name parameters {                                                                                                                     \
        iad_text_view v = view_of(text);                                                                                                             \
        const int passes = iad_quality_##name(&v, __VA_ARGS__);                                                                                      \
        iad_text_view_deinit(&v);                                                                                                                    \
        return passes;                                                                                                                               \
    }
CHECK(refusal, (const char *text, char *out), out)
CHECK(length, (const char *text, int lo, int hi, char *out), lo, hi, out)
CHECK(language, (const char *text, const char *lang, char *out), lang, out)
CHECK(repetition, (const char *text, const char *lang, char *out), lang, out)
CHECK(form, (const char *text, char *out), out)
CHECK(aspect, (const char *text, const char *aspect_name, const char *lang, char *out), aspect_name, lang, out)
CHECK(contradiction, (const char *text, const char *category, const char *colour, char *out), category, colour, out)
CHECK(hedging, (const char *text, char *out), out)
static double jaccard(const char *a, const char *b) {
    iad_text_view x = view_of(a), y = view_of(b);
    const double value = iad_quality_jaccard(&x, &y);
    iad_text_view_deinit(&x);
    iad_text_view_deinit(&y);
    return value;
}
static int distinct(const char *a, const char *b, char *out) {
    iad_text_view x = view_of(a), y = view_of(b);
    const int passes = iad_quality_distinct(&x, &y, out);
    iad_text_view_deinit(&x);
    iad_text_view_deinit(&y);
    return passes;
}

static void test_transport(void **state) {
    (void)state;
    assert_true(iad_quality_transport("stop", "m", "m", 0, why));
    assert_true(iad_quality_transport("", "m", "", 0, why));
    assert_true(iad_quality_transport("stop", "qwen-vl-max-latest", "qwen-vl-max-2025-08-13", 0, why));
    assert_true(iad_quality_transport("stop", "Qwen/Qwen2.5-VL", "Qwen2.5-VL", 0, why));
    assert_true(iad_quality_transport("stop", "m", "/models/x.gguf", 1, why));
    assert_false(iad_quality_transport("length", "m", "m", 0, why));
    assert_false(iad_quality_transport("content_filter", "m", "m", 0, why));
    assert_false(iad_quality_transport("stop", "qwen-vl-max", "qwen-turbo", 0, why));
}

static void test_refusal(void **state) {
    (void)state;
    assert_true(refusal(SHAPE, why));
    assert_false(refusal("I'm sorry, but this cannot be described.", why));
    assert_false(refusal("I cannot see a picture.", why));
    assert_false(refusal("As an AI model I have no eyes.", why));
    assert_false(refusal("The system is unable to tell.", why));
    assert_false(refusal("抱歉，看不到图片。", why));
    assert_false(refusal("无法描述。", why));
    assert_false(refusal("作为一款大型AI模型，我没有眼睛。", why));
}

static void test_length(void **state) {
    (void)state;
    assert_true(length(SHAPE, 15, 150, why));
    assert_false(length("A small nut.", 15, 150, why));
    assert_true(length("六角螺母的主体呈规则的六边形中间有圆孔", 15, 150, why)); /* characters */
    assert_false(length(SHAPE, 15, 20, why));
    uint32_t words[8];
    assert_int_equal(iad_quality_words("It's a well-made nut, 8 mm", words, 8), 6);
}

static void test_language(void **state) {
    (void)state;
    assert_true(language(SHAPE, "en", why));
    assert_false(language("A nut 六角螺母的主体呈规则的六边形", "en", why));
    assert_true(language("这个 M8 螺母呈规则的六边形，表面为银灰色金属。", "zh", why));
    assert_false(language("A nut of metal 螺母", "zh", why));
}

static void test_repetition(void **state) {
    (void)state;
    assert_true(repetition(SHAPE, "en", why));
    assert_false(repetition("the nut is round and the nut is round and the nut is round and so on", "en", why));
    assert_false(repetition("nut nut bolt nut bolt bolt nut bolt nut nut bolt bolt bolt nut nut bolt nut bolt nut nut nut", "en", why));
}

static void test_form(void **state) {
    (void)state;
    assert_true(form(SHAPE, why));
    assert_true(form("A plate of 120 x 80 mm with 4 holes and 2 slots.", why));
    assert_false(form("**Shape**: round", why));
    assert_false(form("Parts:\n- a rim\n- a hub", why));
    assert_false(form("1. a rim\n2. a hub", why));
    assert_false(form("See https://example.org for more", why));
    assert_false(form("Write to sales@example.org today", why));
    assert_false(form("It costs $ 12.50 a piece", why));
    assert_false(form("只要 12 元", why));
    assert_false(form("Call +86 10 1234 5678 now", why));
    assert_string_equal(iad_quality_strip("The image shows a round nut."), "a round nut.");
    assert_string_equal(iad_quality_strip("图片显示：一个螺母"), "一个螺母");
    assert_string_equal(iad_quality_strip(SHAPE), SHAPE);
}

static void test_distinct(void **state) {
    (void)state;
    assert_true(distinct(SHAPE, MATERIAL, why));
    assert_false(distinct(SHAPE, SHAPE " Indeed.", why));
    assert_close(jaccard("a b c d", "a b c e"), 1.0 / 3, 1e-12);
}

static void test_aspect(void **state) {
    (void)state;
    assert_true(aspect(SHAPE, "overall", "en", why));
    assert_true(aspect(MATERIAL, "material", "en", why));
    assert_true(aspect(DETAILS, "structure", "en", why));
    assert_true(aspect("表面为金属", "material", "zh", why));
    assert_false(aspect("Hello there, nice to meet everybody today.", "material", "en", why));
    assert_false(aspect("Hello there, nice to meet everybody today.", "overall", "en", why));
    assert_false(aspect("大家好", "structure", "zh", why));
    assert_true(aspect("anything", "defect", "en", why));
}

static void test_contradiction(void **state) {
    (void)state;
    assert_false(contradiction("A bottle made of steel.", "clear_glass_bottle", "", why));
    assert_true(contradiction("A bottle made of clear glass with a steel cap.", "clear glass bottle", "", why));
    assert_true(contradiction("A bracket made of steel.", "bracket", "", why));
    assert_false(contradiction("A cap in deep blue.", "cap", "red", why));
    assert_true(contradiction("A cap in deep blue with a red rim.", "cap", "red", why));
    assert_true(contradiction("A cap in deep blue.", "cap", "white", why)); /* of the background, perhaps */
}

static void fill(iad_image *image, int x0, int y0, int x1, int y1, int r, int g, int b) {
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            uint8_t *p = iad_image_at(image, x, y);
            p[0] = (uint8_t)r, p[1] = (uint8_t)g, p[2] = (uint8_t)b;
        }
}

/* The colour of a thing, not of what it lies on. */
static void test_colour(void **state) {
    (void)state;
    iad_image red;
    iad_err err;
    assert_ok(iad_image_init(&red, 64, 64, 3, &err));
    fill(&red, 0, 0, 64, 64, 240, 240, 240);
    fill(&red, 10, 10, 54, 54, 220, 0, 0);
    assert_string_equal(iad_chat_colour(&red), "red"); /* on white */
    fill(&red, 10, 10, 54, 32, 0, 0, 220);
    assert_string_equal(iad_chat_colour(&red), ""); /* half red, half blue */
    /* A steel part on a green mat: the mat rules the middle, too, and nothing is said about the part. */
    fill(&red, 0, 0, 64, 64, 20, 150, 40);
    fill(&red, 24, 24, 40, 40, 150, 150, 155);
    assert_string_equal(iad_chat_colour(&red), "");
    assert_true(contradiction("A grey bracket with a silver sheen.", "bracket", iad_chat_colour(&red), why));
    assert_false(contradiction("A grey bracket with a silver sheen.", "bracket", "green", why));
    /* A red part that fills the middle of the same mat is still known. */
    fill(&red, 12, 12, 52, 52, 220, 0, 0);
    assert_string_equal(iad_chat_colour(&red), "red");
    assert_false(contradiction("A bracket in deep blue.", "bracket", iad_chat_colour(&red), why));
    iad_image_deinit(&red);
}

/* A view finds every word that looking through the text finds, and no other. */
static void test_view(void **state) {
    (void)state;
    static const char *const texts[] = {"", "Red", "A well-made red-hot RED rim, redder than reddish; it's O'Red. \xe9red red\xe9 red", "红色red",
                                        "metal metallic non-metal METALS x9metal 9metal metal9", "the end's end-ends e"};
    static const char *const words[] = {"red", "red*", "metal", "metal*", "end", "end*", "e", "made", "a", "x9metal", "9*"};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        iad_text_view v = view_of(texts[t]);
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
            size_t n = 0;
            const size_t length = strcspn(words[w], "*");
            for (const char *p = texts[t], *from = p; (p = iad_text_word(p, words[w])) != NULL; p += length) {
                /* A search that goes on inside a word takes its rest for a word of its own. */
                if (p > from && ((p[-1] | 32) >= 'a' || (p[-1] >= '0' && p[-1] <= '9'))) continue;
                n++;
            }
            assert_int_equal(iad_text_view_count(&v, words[w]) > 0, iad_text_word(texts[t], words[w]) != NULL);
            if (!strchr(words[w], '*')) assert_int_equal(iad_text_view_count(&v, words[w]), n);
        }
        uint32_t plain[64];
        const size_t n = iad_quality_words(texts[t], plain, 64);
        assert_int_equal(v.n_words, n);
        if (n) assert_memory_equal(v.words, plain, n * sizeof *plain);
        iad_text_view_deinit(&v);
    }
}

static void test_hedging(void **state) {
    (void)state;
    assert_true(hedging("It appears to be a nut, possibly of steel.", why));
    assert_false(hedging("It appears to be a nut that seems old, might be worn and is likely of steel, possibly.", why));
}

static void test_relevance(void **state) {
    (void)state;
    iad_answer_fields f = {.category_match = 0.8, .view = "photo"};
    assert_true(iad_quality_relevance(&f, why));
    f.category_match = 0.4;
    assert_false(iad_quality_relevance(&f, why));
    f = (iad_answer_fields){.category_match = 0.9, .view = "drawing"};
    assert_false(iad_quality_relevance(&f, why));
}

static void test_wilson(void **state) {
    (void)state;
    double lo, hi;
    iad_quality_wilson(5, 50, &lo, &hi); /* published example values to three digits */
    assert_close(lo, 0.0435, 5e-4);
    assert_close(hi, 0.2136, 5e-4);
    iad_quality_wilson(0, 10, &lo, &hi);
    assert_close(lo, 0, 1e-12);
    assert_close(hi, 0.2775, 5e-4);
    iad_quality_wilson(0, 0, &lo, &hi);
    assert_close(hi - lo, 1, 0);
}

/* Texts of one template over many pictures fall into one group, others stay alone. */
static void test_minhash(void **state) {
    (void)state;
    enum { N = 60 };
    static uint32_t signatures[N * IAD_MINHASH_N], group[N];
    iad_err err;
    for (uint32_t i = 0; i < N; i++) {
        char text[800];
        int n = 0;
        if (i < 25) n = snprintf(text, sizeof text, "%s %s %s number%u", SHAPE, MATERIAL, DETAILS, i);
        else
            for (int k = 0; k < 40; k++) n += snprintf(text + n, sizeof text - (size_t)n, "w%u ", (i * 41 + (uint32_t)k * 7919u) % 1000);
        iad_minhash_text(text, &signatures[i * IAD_MINHASH_N]);
    }
    assert_ok(iad_minhash_groups(signatures, N, group, &err));
    for (uint32_t i = 0; i < N; i++) assert_int_equal(group[i], i < 25 ? 0 : i);
    assert_close(iad_minhash_similarity(signatures, signatures), 1, 0);
    assert_true(iad_minhash_normal("A  Nut, round!") == iad_minhash_normal("a nut round"));
    assert_true(iad_minhash_normal("a nut") != iad_minhash_normal("a bolt"));
}

/* ---- whole answers ---- */

static void judge(const char *content, const char *finish, iad_judged *j) {
    iad_err err;
    iad_prompts all = {0};
    const iad_prompt *chosen[32];
    size_t n;
    assert_ok(iad_prompts_load(&all, NULL, &err));
    assert_ok(iad_prompts_choose(&all, NULL, "split", "en", chosen, &n, &err));
    assert_int_equal(n, 1);
    const iad_judge_facts facts = {.prompt = chosen[0], .model = "m", .category = "hex nut", .colour = ""};
    const iad_chat_answer answer = {.content = content, .finish = finish, .model = "m", .id = ""};
    assert_ok(iad_judge_answer(j, &facts, &answer, &err));
    iad_prompts_deinit(&all);
}

static int failed(const iad_judged *j, const char *check) {
    for (size_t i = 0; i < j->n; i++)
        if (!strcmp(j->findings[i].check, check)) return j->findings[i].fail ? 1 : 2;
    return 0;
}

#define GOOD "{\"shape_structure\":\"" SHAPE "\",\"material_surface\":\"" MATERIAL "\",\"details\":\"" DETAILS "\"," FLAGS "}"

static void test_answers(void **state) {
    (void)state;
    static const struct {
        const char *content, *finish, *check;
        int kind; /* 0 passes, 1 fails, 2 a note */
    } rows[] = {
        {GOOD, "stop", "", 0},
        {"```json\n" GOOD "\n```", "stop", "", 0},
        {"Here it is: " GOOD " I hope it helps.", "stop", "", 0},
        {GOOD, "length", "transport", 1},
        {"{\"shape_structure\":\"cut of", "stop", "transport", 1},
        {"{\"shape_structure\":3," FLAGS "}", "stop", "transport", 1},
        {"[]", "stop", "transport", 1},
        {"I'm sorry, I cannot help.", "stop", "refusal", 1},
        {"{\"shape_structure\":\"" SHAPE "\",\"material_surface\":\"" SHAPE "\",\"details\":\"" DETAILS "\"," FLAGS "}", "stop", "distinct", 1},
        {"{\"shape_structure\":\"" SHAPE "\",\"material_surface\":\"" MATERIAL "\",\"details\":\"" DETAILS
         "\",\"is_product_photo\":true,\"category_match\":0.1,\"object_count\":\"one\","
         "\"view\":\"scene\",\"watermark\":\"large\",\"defect_visible\":\"yes\",\"defect_note\":\"rust\",\"language\":\"en\"}",
         "stop", "relevance", 2},
        {"{\"shape_structure\":\"" SHAPE "\",\"material_surface\":\"" MATERIAL "\",\"details\":\"" DETAILS
         "\",\"is_product_photo\":true,\"category_match\":0.9,\"object_count\":\"several\","
         "\"view\":\"photo\",\"watermark\":\"none\",\"defect_visible\":\"no\",\"defect_note\":\"\",\"language\":\"en\"}",
         "stop", "transport", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        iad_judged j;
        judge(rows[i].content, rows[i].finish, &j);
        if (*rows[i].check ? failed(&j, rows[i].check) != rows[i].kind : j.n != 0)
            fail_msg("row %zu: %s %s", i, j.n ? j.findings[0].check : "nothing", j.n ? j.findings[0].why : "");
        assert_int_equal(j.ok, rows[i].kind != 1);
        assert_int_equal(j.withhold, rows[i].kind == 2);
        iad_judged_deinit(&j);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_transport), cmocka_unit_test(test_refusal),    cmocka_unit_test(test_length),
                                       cmocka_unit_test(test_language),  cmocka_unit_test(test_repetition), cmocka_unit_test(test_form),
                                       cmocka_unit_test(test_distinct),  cmocka_unit_test(test_aspect),     cmocka_unit_test(test_contradiction),
                                       cmocka_unit_test(test_hedging),   cmocka_unit_test(test_relevance),  cmocka_unit_test(test_wilson),
                                       cmocka_unit_test(test_minhash),   cmocka_unit_test(test_answers),    cmocka_unit_test(test_view),
                                       cmocka_unit_test(test_colour)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
