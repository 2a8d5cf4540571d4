/* answers.jsonl: what survives, what is refused; and the answers of other tools. */
#include "tests/unit/iad_test.h"

#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "bench/reasoning/answerfile.h"

static char path[] = "/tmp/iad-answers-XXXXXX";

static void make_asks(iad_asks *asks) {
    static const char *const ids[] = {"b", "a", "c"};
    iad_err err = IAD_ERR_NONE;
    for (int i = 0; i < 3; i++)
        assert_ok(iad_asks_add(asks, &(iad_ask){.id = ids[i], .image = "", .path = "", .kind = "low", .text = "?", .previous = -1}, &err));
}

static void write_text(const char *text) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void test_goes_on(void **state) {
    (void)state;
    iad_asks asks = {0};
    iad_sayings s;
    iad_answer_file *file = NULL, *second = NULL;
    iad_err err = IAD_ERR_NONE;
    char said_text[] = "A \"crack\"\nbelow.";
    make_asks(&asks);
    write_text("");
    assert_ok(iad_sayings_init(&s, &asks, &err));
    assert_ok(iad_answer_file_open(path, "reasoning", "k", "model", 0, &s, &file, &err));
    assert_fails(IAD_ERR_EXISTS, iad_answer_file_open(path, "reasoning", "k", "model", 0, &s, &second, &err)); /* one writer */
    assert_ok(iad_answer_file_add(file, &s, &asks, 0,
                                  &(iad_said){.text = said_text, .finish = "end", .tokens = 7, .resized_w = 28, .resized_h = 56, .nll = NAN}, &err));
    assert_ok(iad_answer_file_add(file, &s, &asks, 1, &(iad_said){.nll = 1.25, .tokens = 3}, &err));
    assert_ok(iad_answer_file_close(file, &err));
    iad_sayings_deinit(&s);
    /* A kill in the middle of a line. */
    FILE *out = fopen(path, "a");
    fputs("{\"id\": \"c\", \"ans", out);
    fclose(out);
    assert_ok(iad_sayings_init(&s, &asks, &err));
    assert_ok(iad_answer_file_open(path, "reasoning", "k", "model", 0, &s, &file, &err));
    assert_int_equal(s.there, 2);
    assert_string_equal(s.items[0].text, said_text);
    assert_string_equal(s.items[0].finish, "end");
    assert_int_equal(s.items[0].tokens, 7);
    assert_int_equal(s.items[0].resized_h, 56);
    assert_null(s.items[1].text);
    assert_close(s.items[1].nll, 1.25, 0);
    assert_false(s.items[2].there);
    assert_ok(iad_answer_file_add(file, &s, &asks, 2, &(iad_said){.text = said_text, .nll = NAN}, &err));
    assert_ok(iad_answer_file_close(file, &err));
    iad_sayings_deinit(&s);
    static const char *const others[][3] = {{"mmad", "k", "model"}, {"reasoning", "l", "model"}, {"reasoning", "k", "another"}};
    for (int i = 0; i < 3; i++) {
        assert_ok(iad_sayings_init(&s, &asks, &err));
        assert_fails(IAD_ERR_EXISTS, iad_answer_file_open(path, others[i][0], others[i][1], others[i][2], 0, &s, &file, &err));
        iad_sayings_deinit(&s);
    }
    assert_ok(iad_sayings_init(&s, &asks, &err));
    assert_ok(iad_answer_file_open(path, "mmad", "l", "another", 1, &s, &file, &err)); /* begins anew */
    assert_int_equal(s.there, 0);
    assert_ok(iad_answer_file_close(file, &err));
    iad_sayings_deinit(&s);
    iad_asks_deinit(&asks);
}

static void test_others(void **state) {
    (void)state;
    iad_asks asks = {0};
    iad_sayings s;
    iad_err err = IAD_ERR_NONE;
    make_asks(&asks);
    write_text("{\"id\": \"a\", \"response\": \"first\"}\r\n\n{\"id\": \"a\", \"answer\": \"second\"}\n{\"id\": \"z\", \"text\": \"?\"}\n{\"id\": "
               "\"c\", \"text\": \"no break behind\"}");
    assert_ok(iad_sayings_init(&s, &asks, &err));
    assert_ok(iad_sayings_load(&s, path, &err));
    assert_int_equal(s.there, 2);
    assert_int_equal(s.again, 1);
    assert_int_equal(s.foreign, 1);
    assert_string_equal(s.items[1].text, "first");
    assert_string_equal(s.items[2].text, "no break behind");
    iad_sayings_deinit(&s);
    static const struct {
        const char *text, *says;
    } cases[] = {{"{\"answer\": \"x\"}\n", ":1"},
                 {"{\"id\": \"a\", \"answer\": \"x\"}\n{\"id\": \"b\"}\n", ":2: neither"},
                 {"{\"id\": \"a\", \"nll\": 1}\n", "tokens"},
                 {"{\"id\": \"a\", \"nll\": -1, \"tokens\": 2}\n", "nll"},
                 {"{\"id\": \"a\", \"answer\": 5}\n", "answer"},
                 {"{\"id\": \"a\", \"answer\": \"x\", \"resized\": [0, 1]}\n", "resized"},
                 {"[]\n", ":1"},
                 {"{\"id\"", ":1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(cases[i].text);
        err = IAD_ERR_NONE;
        assert_ok(iad_sayings_init(&s, &asks, &err));
        assert_fails(IAD_ERR_FORMAT, iad_sayings_load(&s, path, &err));
        if (!strstr(err.msg, cases[i].says)) fail_msg("%s: %s", cases[i].text, err.msg);
        iad_sayings_deinit(&s);
    }
    iad_asks_deinit(&asks);
}

static int make_path(void **state) {
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}
static int drop_path(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_goes_on), cmocka_unit_test(test_others)};
    return cmocka_run_group_tests(tests, make_path, drop_path);
}
