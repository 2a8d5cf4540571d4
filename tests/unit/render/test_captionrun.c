/* Captions from the renderer's facts: every phrasing of every family can be filled for any design, reads as a sentence, and says what was drawn. */
#include "tests/unit/render/render_helpers.h"

#include <unistd.h>

#include "manifests/query.h"
#include "manifests/records.h"
#include "synth/render/captionrun.h"
#include "synth/render/renderset.h"

static const char *const aspects[] = {"overall", "material", "structure", "surface"};

static const char *fact(const iad_render_facts *facts, const char *name) {
    for (int i = 0; i < facts->n; i++)
        if (strcmp(facts->items[i].name, name) == 0) return facts->items[i].text;
    return NULL;
}

static void test_every_phrasing(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_templates *templates;
    size_t n;
    const iad_render_family *const *families = iad_render_families(&n);
    assert_ok(iad_caption_templates(&templates, &err));
    for (size_t f = 0; f < n; f++) {
        int have = 0;
        for (uint64_t design = 0; design < 60; design++) {
            iad_render_facts facts;
            assert_ok(iad_render_facts_of(families[f], design * 7919 + 1, &facts, &err));
            assert_true(facts.n >= 2 && facts.n < IAD_FACTS_MAX);
            for (int a = 0; a < 4; a++) {
                char form[80];
                snprintf(form, sizeof form, "%s_%s", families[f]->name, aspects[a]);
                const iad_template_form *section = iad_templates_find(templates, "caption", form, "en");
                if (!section) continue;
                have += design == 0;
                assert_true(section->n_answers >= 3);
                iad_slot slots[IAD_FACTS_MAX];
                for (int i = 0; i < facts.n; i++) slots[i] = (iad_slot){facts.items[i].name, facts.items[i].text};
                for (size_t k = 0; k < section->n_answers; k++) {
                    iad_buf raw;
                    iad_buf_init(&raw, 4096);
                    assert_ok(iad_phrasing_fill(section->answers[k].text, "", slots, (size_t)facts.n, &raw, NULL, NULL, &err));
                    iad_buf_deinit(&raw);
                }
                iad_buf text;
                iad_buf_init(&text, 4096);
                assert_ok(iad_caption_text(templates, &facts, families[f]->name, aspects[a], "en", design, &text, &err));
                const char *t = iad_buf_str(&text);
                assert_true((t[0] >= 'A' && t[0] <= 'Z') || (t[0] >= '0' && t[0] <= '9'));
                assert_int_equal(t[strlen(t) - 1], '.');
                assert_null(strstr(t, "  "));
                static const char *const wrong[] = {" a a", " a e", " a i", " a o", "A o", "{", "}"};
                for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
                    if (strstr(t, wrong[i])) fail_msg("%s: \"%s\"", form, t);
                iad_buf_deinit(&text);
            }
        }
        if (have != 3) fail_msg("%s has %d aspects", families[f]->name, have);
    }
    iad_render_facts facts = {.n = 0};
    iad_buf text;
    iad_buf_init(&text, 4096);
    assert_fails(IAD_ERR_NOT_FOUND, iad_caption_text(templates, &facts, "spoon", "overall", "en", 1, &text, &err));
    assert_non_null(strstr(err.msg, "spoon"));
    iad_buf_deinit(&text);
    iad_templates_free(templates);
}

/* The facts against the picture itself: the mean colour of what lies in the middle, bright or dark, warm or cold. */
static void test_facts_are_seen(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    const iad_render_family *leather = iad_render_family_find("leather"), *sheet = iad_render_family_find("brushed_metal");
    for (uint64_t design = 1; design <= 12; design++) {
        iad_image picture;
        iad_render_facts facts;
        for (int which = 0; which < 2; which++) {
            iad_render_job job = {.family = which ? sheet : leather, .kind = -1, .design = design, .seed = design + 100, .side = 64};
            assert_ok(iad_render_facts_of(job.family, design, &facts, &err));
            assert_ok(iad_render_picture(&job, &picture, NULL, &err));
            double sum[3] = {0};
            for (size_t i = 0; i < 64 * 64 * 3; i++) sum[i % 3] += picture.px[i];
            double warm = (sum[0] - sum[2]) / (64 * 64);
            const char *color = fact(&facts, "color");
            assert_non_null(color);
            int warm_word = strstr(color, "brown") || strstr(color, "tan") || strstr(color, "gold") || strstr(color, "copper");
            if (warm_word != (warm > 6)) fail_msg("%s, design %d: %s, but red - blue is %.1f", job.family->name, (int)design, color, warm);
            iad_image_deinit(&picture);
        }
    }
}

static void test_counts(void **state) {
    (void)state;
    iad_render_facts facts = {.n = 0};
    iad_fact_count(&facts, "a", 0);
    iad_fact_count(&facts, "b", 12);
    iad_fact_count(&facts, "c", 13);
    iad_fact_things(&facts, "d", 1, "hole", "holes");
    iad_fact_things(&facts, "e", 0, "hole", "holes");
    static const char *const want[] = {"no", "twelve", "13", "one hole", "no holes"};
    for (int i = 0; i < 5; i++) assert_string_equal(facts.items[i].text, want[i]);
    for (int i = 0; i < 2 * IAD_FACTS_MAX; i++) iad_fact_text(&facts, "x", "y");
    assert_int_equal(facts.n, IAD_FACTS_MAX);
}

/* Into a manifest: good pictures only, once, the same words whatever else is captioned. */
static void test_run(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_manifest *m;
    iad_caption_counts counts;
    char out[64], path[128], first[1024];
    int64_t dataset, category[3], image;
    snprintf(out, sizeof out, "captionrun-%d", (int)getpid());
    snprintf(path, sizeof path, "%s/render.json", out);
    const iad_render_family *gear = iad_render_family_find("gear");
    iad_render_set set = {.out = out, .families = &gear, .n_families = 1, .side = 64, .seed = 9, .threads = 1};
    iad_render_counts rendered;
    assert_ok(iad_render_set_run(&set, &rendered, &err)); /* no pictures, the folder's recipe */
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, &m, &err));
    assert_fails(IAD_ERR_NOT_FOUND, iad_caption_run(m, "parts", NULL, &counts, &err));
    assert_ok(iad_dataset_put(m, &(iad_dataset_row){.name = "parts", .root = out, .licence = "x", .origin = "rendered"}, &dataset, &err));
    static const char *const names[] = {"gear", "gear_2", "spoon"};
    for (int c = 0; c < 3; c++) {
        assert_ok(iad_category_put(m, &(iad_category_row){.dataset_id = dataset, .name = names[c], .grey = -1, .aligned = -1}, &category[c], &err));
        for (int i = 0; i < 3; i++) {
            char file[128];
            snprintf(file, sizeof file, "%s/train/%s/%03d.png", names[c], i == 2 ? "crack" : "good", i);
            iad_image_row row = {.dataset_id = dataset, .category_id = category[c], .path = file, .width = 64, .height = 64, .format = "png",
                                 .part = IAD_PART_TRAIN,
                                 .label = i == 2 ? IAD_LABEL_ANOMALOUS : IAD_LABEL_NORMAL, .defect = i == 2 ? "crack" : NULL};
            assert_ok(iad_image_put(m, &row, &image, NULL, &err));
        }
    }
    assert_ok(iad_caption_run(m, "parts", NULL, &counts, &err));
    assert_true(counts.pictures == 4 && counts.captioned == 4 && counts.present == 0 && counts.foreign == 2 && counts.added == 12);
    int64_t n, bad;
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM caption WHERE model='renderer' AND lang='en' AND verified=1", 0, &n, &err));
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM caption c JOIN image i ON i.id=c.image_id WHERE i.label<>'normal'", 0, &bad, &err));
    assert_true(n == 12 && bad == 0);
    iad_query q;
    assert_ok(iad_query_open(&q, m, "caption", "SELECT group_concat(text,'|') FROM caption c JOIN image i ON i.id=c.image_id WHERE"
                                               " i.path='gear/train/good/001.png'", &err));
    assert_int_equal(iad_query_next(&q), 1);
    snprintf(first, sizeof first, "%s", iad_query_col_text(&q, 0));
    assert_ok(iad_query_close(&q, &err));
    assert_ok(iad_caption_run(m, "parts", NULL, &counts, &err)); /* again: nothing to do */
    assert_true(counts.present == 4 && counts.added == 0);
    assert_ok(iad_query_exec(m, "DELETE FROM caption WHERE image_id=(SELECT id FROM image WHERE path='gear/train/good/001.png')", &err));
    assert_ok(iad_caption_run(m, "parts", NULL, &counts, &err));
    assert_true(counts.present == 3 && counts.added == 3);
    assert_ok(iad_query_open(&q, m, "caption", "SELECT group_concat(text,'|') FROM caption c JOIN image i ON i.id=c.image_id WHERE"
                                               " i.path='gear/train/good/001.png'", &err));
    assert_int_equal(iad_query_next(&q), 1);
    assert_string_equal(first, iad_query_col_text(&q, 0));
    assert_ok(iad_query_close(&q, &err));
    /* the folder is another renderer's, broken, or not ours */
    FILE *f = fopen(path, "w");
    fputs("{\"renderer\": 999, \"seed\": \"9\", \"side\": 64}", f);
    fclose(f);
    assert_fails(IAD_ERR_UNSUPPORTED, iad_caption_run(m, "parts", NULL, &counts, &err));
    f = fopen(path, "w");
    fputs("{\"renderer\": 1, \"seed\": \"-9\", \"side\": 64}", f);
    fclose(f);
    assert_fails(IAD_ERR_FORMAT, iad_caption_run(m, "parts", NULL, &counts, &err));
    assert_int_equal(remove(path), 0);
    assert_fails(IAD_ERR_NOT_FOUND, iad_caption_run(m, "parts", NULL, &counts, &err));
    iad_manifest_close(m);
    assert_int_equal(remove(out), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_phrasing), cmocka_unit_test(test_facts_are_seen), cmocka_unit_test(test_counts),
                                       cmocka_unit_test(test_run)};
    return cmocka_run_group_tests_name("captionrun", tests, NULL, NULL);
}
