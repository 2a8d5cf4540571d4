/* Bodies of requests: what is taken, what is refused and under which name. */
#include "tests/unit/iad_test.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/serve/allowedfile.h"
#include "runtime/serve/bodychat.h"
#include "runtime/serve/bodyinspect.h"
#include "runtime/serve/setfile.h"

#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
#define URI "data:image/png;base64,AAAA"

static iad_status chat(const char *json, iad_chat_body *c, char *param, char *message) {
    iad_body body = {.param = ""};
    iad_err err = IAD_ERR_NONE;
    const iad_serve_limits limits = iad_serve_limits_default();
    const iad_status status = iad_chat_body_read(&body, json, strlen(json), "m", &limits, c, &err);
    if (param) snprintf(param, IAD_PARAM_MAX, "%s", body.param);
    if (message) snprintf(message, sizeof err.msg, "%s", err.msg);
    return status;
}

static void a_whole_chat(void **state) {
    (void)state;
    iad_chat_body c;
    assert_int_equal(chat("{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"be "
                          "brief\"},{\"role\":\"user\",\"name\":\"n\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\","
                          "\"image_url\":{\"url\":\"" URI "\",\"detail\":\"high\"}},"
                          "{\"type\":\"image_url\",\"image_url\":\"file:///x\"}]}],\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                          "\"max_completion_tokens\":7,\"temperature\":0.5,\"top_p\":0.9,\"seed\":-3,\"stop\":[\"END\",\"STOP\"],\"n\":1,"
                          "\"logprobs\":true,\"top_logprobs\":4,"
                          "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\",\"strict\":true,"
                          "\"schema\":{\"type\":\"object\"}}},\"presence_penalty\":0,"
                          "\"user\":\"u\",\"metadata\":{},\"iad\":{\"image_size\":\"56x84\",\"top_k\":3,\"repetition_penalty\":1.1}}",
                          &c, NULL, NULL), IAD_OK);
    assert_int_equal(c.n_messages, 2);
    assert_int_equal(c.messages[0].role, IADGPT_ROLE_SYSTEM);
    assert_int_equal(c.messages[1].n_items, 3);
    assert_string_equal(c.messages[1].items[0].text, "a");
    assert_int_equal(c.n_sources, 2);
    assert_int_equal(c.source_item[1], 3);
    assert_string_equal(c.sources[0].param, "messages[1].content[1]");
    assert_int_equal(c.generate.max_tokens, 7);
    assert_int_equal(c.generate.n_stop, 2);
    assert_string_equal(c.generate.stop[1], "STOP");
    assert_int_equal(c.generate.top_tokens, 4);
    assert_int_equal(c.generate.top_k, 3);
    assert_true(c.generate.seed == (uint64_t)-3 && c.stream && c.include_usage && c.logprobs);
    assert_string_equal(c.generate.json_schema, "{\"type\":\"object\"}");
    assert_int_equal(c.settings.image_width, 56);
    assert_int_equal(c.settings.image_height, 84);
    assert_true(c.settings.max_prompt_tokens == 32768);
    iad_chat_body_deinit(&c);
}

static void a_refused_chat_says_where(void **state) {
    (void)state;
    static const struct {
        const char *json;
        iad_status status;
        const char *param;
    } rows[] = {{"[]", IAD_ERR_FORMAT, "body"},
                {"{}", IAD_ERR_FORMAT, "messages"},
                {"{\"messages\":[]}", IAD_ERR_FORMAT, "messages"},
                {"{" MESSAGES "," MESSAGES "}", IAD_ERR_FORMAT, "body"},
                {"{" MESSAGES ",\"tools\":[]}", IAD_ERR_ARG, "tools"},
                {"{" MESSAGES ",\"model\":\"other\"}", IAD_ERR_NOT_FOUND, "model"},
                {"{" MESSAGES ",\"temperature\":3}", IAD_ERR_ARG, "temperature"},
                {"{" MESSAGES ",\"temperature\":\"1\"}", IAD_ERR_FORMAT, "temperature"},
                {"{" MESSAGES ",\"max_tokens\":0}", IAD_ERR_ARG, "max_tokens"},
                {"{" MESSAGES ",\"max_tokens\":1.5}", IAD_ERR_FORMAT, "max_tokens"},
                {"{" MESSAGES ",\"frequency_penalty\":0.1}", IAD_ERR_ARG, "frequency_penalty"},
                {"{" MESSAGES ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", IAD_ERR_LIMIT, "stop"},
                {"{" MESSAGES ",\"stop\":[\"\"]}", IAD_ERR_FORMAT, "stop"},
                {"{" MESSAGES ",\"top_logprobs\":2}", IAD_ERR_ARG, "top_logprobs"},
                {"{" MESSAGES ",\"stream_options\":{}}", IAD_ERR_ARG, "stream_options.include_usage"},
                {"{" MESSAGES ",\"response_format\":{\"type\":\"xml\"}}", IAD_ERR_ARG, "response_format.type"},
                {"{" MESSAGES ",\"response_format\":{\"type\":\"json_schema\"}}", IAD_ERR_FORMAT, "response_format.json_schema"},
                {"{" MESSAGES ",\"iad\":{\"exemplar_set\":\"zzzzzzzzzzzzzzzz\"}}", IAD_ERR_ARG, "iad.exemplar_set"},
                {"{" MESSAGES ",\"iad\":{\"attention\":1}}", IAD_ERR_ARG, "iad.attention"},
                {"{" MESSAGES ",\"iad\":{\"choices\":[]}}", IAD_ERR_FORMAT, "iad.choices"},
                {"{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", IAD_ERR_ARG, "messages[0].role"},
                {"{\"messages\":[{\"role\":\"user\"}]}", IAD_ERR_FORMAT, "messages[0].content"},
                {"{\"messages\":[{\"role\":\"user\",\"content\":[\"x\"]}]}", IAD_ERR_FORMAT, "messages[0].content[0]"},
                {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\"}]}]}", IAD_ERR_UNSUPPORTED, "messages[0].content[0].type"},
                {"{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"" URI "\"}]}]}", IAD_ERR_UNSUPPORTED,
                 "messages[0].content[0].image_url"},
                {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"http://a/b.png\"}]}]}", IAD_ERR_UNSUPPORTED,
                 "messages[0].content[0].image_url"},
                {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"ftp://x\"}}]}]}", IAD_ERR_FORMAT,
                 "messages[0].content[0].image_url.url"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        iad_chat_body c;
        char param[IAD_PARAM_MAX], message[512];
        const iad_status status = chat(rows[i].json, &c, param, message);
        if (status != rows[i].status || strcmp(param, rows[i].param) != 0)
            fail_msg("%s: %s at %s (%s)", rows[i].json, iad_status_name(status), param, message);
        assert_non_null(strstr(message, param));
        iad_chat_body_deinit(&c);
    }
}

static iad_status inspect(const char *json, const iad_parts *parts, iad_inspect_body *in, char *param) {
    iad_body body = {.param = ""};
    iad_err err = IAD_ERR_NONE;
    const iad_serve_limits limits = iad_serve_limits_default();
    const iad_status status = iad_inspect_body_read(&body, json, json ? strlen(json) : 0, parts, &limits, in, &err);
    snprintf(param, IAD_PARAM_MAX, "%s", body.param);
    return status;
}

static void an_inspection(void **state) {
    (void)state;
    char param[IAD_PARAM_MAX];
    iad_inspect_body in;
    assert_int_equal(inspect("{\"exemplar_set\":\"0123456789abcdef\",\"images\":[\"" URI "\",{\"image\":\"" URI
                             "\",\"name\":\"b\"}],\"map\":[\"png\",\"grid\"],"
                             "\"map_range\":[-1,2],\"threshold\":0.25,\"box_threshold\":0.7}", NULL, &in, param), IAD_OK);
    assert_int_equal(in.n_images, 2);
    assert_null(in.images[0].name);
    assert_string_equal(in.images[1].name, "b");
    assert_int_equal(in.maps, IAD_INSPECT_GRID | IAD_INSPECT_PNG);
    assert_true(in.range == IAD_RANGE_FIXED && in.lo == -1 && in.hi == 2 && in.has_threshold && in.threshold == 0.25 && in.box_threshold == 0.7);
    iad_inspect_body_deinit(&in);
    static const struct {
        const char *json, *param;
    } bad[] = {{"{\"images\":[\"" URI "\"]}", "exemplar_set"},
               {"{\"exemplar_set\":\"0123456789abcdef\",\"zero_shot\":true,\"images\":[\"" URI "\"]}", "exemplar_set"},
               {"{\"exemplar_set\":\"../../etc/passwd\",\"images\":[\"" URI "\"]}", "exemplar_set"},
               {"{\"exemplar_set\":\"0123456789abcdef\",\"settings\":{},\"images\":[\"" URI "\"]}", "settings"},
               {"{\"zero_shot\":true,\"images\":[]}", "images"},
               {"{\"zero_shot\":true,\"images\":{}}", "images"},
               {"{\"zero_shot\":true,\"images\":[7]}", "images[0]"},
               {"{\"zero_shot\":true,\"images\":[{\"name\":\"x\"}]}", "images[0].image"},
               {"{\"zero_shot\":true,\"images\":[\"" URI "\"],\"map\":[\"jpeg\"]}", "map"},
               {"{\"zero_shot\":true,\"images\":[\"" URI "\"],\"map_range\":[2,1]}", "map_range"},
               {"{\"zero_shot\":true,\"images\":[\"" URI "\"],\"stream\":true}", "stream"},
               {"{\"zero_shot\":true,\"images\":[\"" URI "\"],\"settings\":{\"retention\":2}}", "settings.retention"},
               {"{\"zero_shot\":true,\"images\":[\"" URI "\"],\"settings\":{\"image_size\":\"big\"}}", "settings.image_size"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (inspect(bad[i].json, NULL, &in, param) == IAD_OK || strcmp(param, bad[i].param) != 0) fail_msg("%s: at %s", bad[i].json, param);
        iad_inspect_body_deinit(&in);
    }
}

static void parts_come_in_pieces(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_parts parts = {0};
    iad_inspect_body in;
    char param[IAD_PARAM_MAX];
    assert_ok(iad_parts_take(&parts, "options", NULL, "{\"zero_", 0, 7, 100, &err));
    assert_ok(iad_parts_take(&parts, "options", NULL, "shot\":true}", 7, 11, 100, &err));
    assert_ok(iad_parts_take(&parts, "images", "a.png", "12", 0, 2, 100, &err));
    assert_ok(iad_parts_take(&parts, "images", "", "", 0, 0, 100, &err));
    assert_int_equal(inspect(NULL, &parts, &in, param), IAD_OK);
    assert_int_equal(in.n_images, 2);
    assert_true(in.zero_shot && in.images[0].n == 2 && in.images[1].n == 0 && in.images[1].name == NULL);
    assert_string_equal(in.images[0].name, "a.png");
    iad_inspect_body_deinit(&in);
    assert_int_equal(iad_parts_take(&parts, "images", "c", "x", 5, 1, 100, &err), IAD_ERR_FORMAT); /* out of order */
    assert_int_equal(iad_parts_take(&parts, "images", "c", "xxxxx", 0, 90, 100, &err), IAD_ERR_LIMIT);
    iad_parts_deinit(&parts);
    assert_ok(iad_parts_take(&parts, "picture", "a.png", "1", 0, 1, 100, &err));
    assert_int_equal(inspect(NULL, &parts, &in, param), IAD_ERR_ARG);
    assert_string_equal(param, "picture");
    iad_inspect_body_deinit(&in);
    iad_parts_deinit(&parts);
}

static void base64_both_ways(void **state) {
    (void)state;
    static const struct {
        const char *text, *bytes;
    /* RFC 4648, 10 */
    } rows[] = {{"", ""}, {"Zg==", "f"}, {"Zg", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zm9vYg==", "foob"}, {"Zm9vYmE=", "fooba"},
                {"Zm9vYmFy", "foobar"}};
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        iad_buf_reset(&out);
        assert_ok(iad_base64_decode(rows[i].text, strlen(rows[i].text), &out, &err));
        assert_int_equal(out.len, strlen(rows[i].bytes));
        assert_string_equal(iad_buf_str(&out), rows[i].bytes);
    }
    assert_int_equal(iad_base64_decode("Z", 1, &out, &err), IAD_ERR_FORMAT);
    assert_int_equal(iad_base64_decode("Zm 9v", 5, &out, &err), IAD_ERR_FORMAT);
    assert_int_equal(iad_base64_decode("Zm=9", 4, &out, &err), IAD_ERR_FORMAT);
    iad_buf_deinit(&out);
}

static void files_stay_below_their_roots(void **state) {
    (void)state;
    char dir[] = "/tmp/iad-test-allow-XXXXXX", path[300], inside[300], link_path[300];
    iad_err err = IAD_ERR_NONE;
    iad_strings roots = {0};
    iad_buf out;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/in/a b", dir);
    assert_ok(iad_file_write(path, "inside", 6, &err));
    snprintf(path, sizeof path, "%s/out", dir);
    assert_ok(iad_file_write(path, "outside", 7, &err));
    snprintf(inside, sizeof inside, "%s/in", dir);
    snprintf(link_path, sizeof link_path, "%s/in/link", dir);
    assert_int_equal(symlink("../out", link_path), 0);
    const struct {
        const char *tail;
        iad_status status;
    } rows[] = {{"/in/a%20b", IAD_OK}, {"/in/../in/a%20b", IAD_OK}, {"/out", IAD_ERR_ARG}, {"/in/../out", IAD_ERR_ARG}, {"/in/link", IAD_ERR_ARG},
                {"/in%2f..%2fout", IAD_ERR_ARG},
                {"/in/none", IAD_ERR_NOT_FOUND}, {"/none", IAD_ERR_ARG}, {"/in", IAD_ERR_ARG}, {"/in/a%00b", IAD_ERR_FORMAT},
                {"/in/%zz", IAD_ERR_FORMAT}};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            snprintf(path, sizeof path, "file://%s%s", dir, rows[i].tail);
            const iad_status status = iad_allowed_file_read(&roots, path, 100, &out, &err),
                want = pass || rows[i].status == IAD_ERR_FORMAT ? rows[i].status : IAD_ERR_ARG;
            if (status != want) fail_msg("%s: %s %s", path, iad_status_name(status), err.msg);
            iad_buf_deinit(&out);
        }
        assert_ok(iad_strings_add(&roots, inside, &err)); /* the first pass has no root at all */
    }
    snprintf(path, sizeof path, "file://%s/in/a%%20b", dir);
    assert_int_equal(iad_allowed_file_read(&roots, path, 5, &out, &err), IAD_ERR_LIMIT);
    iad_buf_deinit(&out);
    assert_int_equal(iad_allowed_file_read(&roots, "file://server/x", 5, &out, &err), IAD_ERR_FORMAT);
    iad_buf_deinit(&out);
    iad_strings_deinit(&roots);
    static const char *const names[] = {"in/a b", "in/link", "out", "in"};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
    rmdir(dir);
}

static void a_set_is_what_was_written(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_set set = {.created = 5, .target_fpr = 0.1, .confidence = 0.9}, back;
    iad_buf text;
    iad_buf_init(&text, 1 << 20);
    set.name = iad_strdup("a \"b\"");
    set.category = iad_strdup("");
    memset(set.key, 'a', 64);
    assert_ok(iad_set_make_id(&set, &err));
    set.scores = iad_calloc(30, sizeof *set.scores);
    for (int i = 0; i < 30; i++) {
        set.scores[i] = (iad_set_score){.score = i / 64.0, .lo = i == 3 ? 1 : (float)-i, .hi = i == 3 ? 0 : (float)i};
        memset(set.scores[i].picture, '0' + i % 10, 64);
    }
    set.n_scores = 30;
    assert_ok(iad_set_write(&set, &text, &err));
    assert_ok(iad_set_read(text.data, text.len, "x", &back, &err));
    assert_string_equal(back.name, set.name);
    assert_string_equal(back.id, set.id);
    assert_int_equal(back.n_scores, 30);
    for (int i = 0; i < 30; i++) {
        const iad_set_score *a = &set.scores[i], *b = &back.scores[i];
        assert_string_equal(a->picture, b->picture);
        assert_true(a->score == b->score && (i == 3 ? b->lo > b->hi : a->lo == b->lo && a->hi == b->hi));
    }
    int reached = 0;
    double threshold = 0, confidence = 0;
    float lo, hi;
    assert_ok(iad_set_threshold(&back, &reached, &threshold, &confidence, &err));
    assert_true(reached && confidence >= 0.9 && threshold <= 29 / 64.0);
    assert_true(iad_set_map_range(&back, &lo, &hi) && lo == -29 && hi == 29);
    back.n_scores = 21; /* 22 are needed */
    assert_ok(iad_set_threshold(&back, &reached, &threshold, &confidence, &err));
    assert_int_equal(reached, 0);
    iad_set_clear(&back);
    char *id = strstr(text.data, "\"id\":\"") + 6;
    *id = *id == 'a' ? 'b' : 'a';
    assert_int_equal(iad_set_read(text.data, text.len, "x", &back, &err), IAD_ERR_FORMAT);
    iad_buf_deinit(&text);
    iad_set_clear(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_whole_chat), cmocka_unit_test(a_refused_chat_says_where), cmocka_unit_test(an_inspection),
                                       cmocka_unit_test(parts_come_in_pieces), cmocka_unit_test(base64_both_ways),
                                       cmocka_unit_test(files_stay_below_their_roots), cmocka_unit_test(a_set_is_what_was_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
