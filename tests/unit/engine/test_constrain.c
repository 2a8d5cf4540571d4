/* Constrained answers: masks against the automaton run token by token, random walks against jansson and an independent
 * validator. */
#include "tests/unit/iad_test.h"

#include <jansson.h>
#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/text.h"
#include "runtime/engine/constrain.h"

/* ---- a byte-level vocabulary: every byte, pieces that a real one has, random strings ---- */

enum { N_TOKEN = 3000, EOS = 2998, EOS_TWO = 7, CONTROL = 2999 };
static uint8_t token_text[N_TOKEN][40];
static iad_token_bytes tokens[N_TOKEN];

static const char *const pieces[] = {
    "{\"",      "\"}",    "\":",    "\": ",     "\", \"",     "\",\"",   "true",  "false", "null", "}",
    "]",        "], ",    "[{\"",   "}]",       "{}",         "[]",      "\"\"",  " \"",   "tr",   "ue}",
    "12",       "0.5",    "-1",     "00",       ".25",        "999",     "score", "label", "bbox", "anomaly",
    " scratch", "good",   "Yes",    "No",       " it",        "a",       "ab",    "\\n",   "\\\"", "\\",
    "n\"}",     "\u00e4", "\u4f60", "\u597d\"", "\U0001f600", "name\":", "}}",    "}},",   "\n",   "\n\n",
    "   ",      ", ",     ",\"",    "e",        "1}",         "0,",      "\\u00", "1.5",   "-"};

static void add_token(int id, const void *bytes, size_t n) {
    memcpy(token_text[id], bytes, n);
    tokens[id] = (iad_token_bytes){token_text[id], (uint32_t)n};
}

static iad_constrain_vocab *make_vocab(void) {
    static const char letters[] = "aeinorst 0123456789\"\"{}[]:,.-\\nYN";
    iad_rng rng;
    iad_err err;
    iad_constrain_vocab *vocab;
    static const int32_t eos[2] = {EOS, EOS_TWO};
    int id = 0;
    iad_rng_init(&rng, 3, 0);
    for (int b = 0; b < 256; b++, id++) {
        const uint8_t byte = (uint8_t)b;
        if (id == EOS_TWO) add_token(id++, "</s>", 4);
        add_token(id, &byte, 1);
    }
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) add_token(id++, pieces[i], strlen(pieces[i]));
    for (int i = 0; i < 60; i++) { /* pieces of characters */
        uint8_t bytes[3] = {(uint8_t)iad_rng_int(&rng, 0xc2, 0xf4), (uint8_t)iad_rng_int(&rng, 0x80, 0xbf), 'x'};
        add_token(id++, bytes, (size_t)iad_rng_int(&rng, 2, 3));
    }
    while (id < EOS) {
        char text[40];
        const int n = iad_rng_int(&rng, 1, 6);
        for (int i = 0; i < n; i++) text[i] = letters[iad_rng_below(&rng, sizeof letters - 1)];
        add_token(id++, text, (size_t)n);
    }
    add_token(EOS, "</s>", 4);
    tokens[CONTROL] = (iad_token_bytes){NULL, 0};
    assert_ok(iad_constrain_vocab_new(tokens, N_TOKEN, eos, 2, &vocab, &err));
    return vocab;
}

/* ---- a validator that shares nothing with the automaton ---- */

static size_t characters(const char *text) {
    size_t n = 0;
    for (; *text; text++) n += ((uint8_t)*text & 0xc0) != 0x80;
    return n;
}

static int fits(const json_t *schema, const json_t *value);

static int fits_type(const char *type, const json_t *schema, const json_t *value) {
    const json_t *k;
    if (!strcmp(type, "null")) return json_is_null(value);
    if (!strcmp(type, "boolean")) return json_is_boolean(value);
    if (!strcmp(type, "string")) {
        if (!json_is_string(value)) return 0;
        const size_t n = characters(json_string_value(value));
        if ((k = json_object_get(schema, "minLength")) && n < (size_t)json_integer_value(k)) return 0;
        return !(k = json_object_get(schema, "maxLength")) || n <= (size_t)json_integer_value(k);
    }
    if (!strcmp(type, "number") || !strcmp(type, "integer")) {
        if (!json_is_number(value) || (type[0] == 'i' && !json_is_integer(value))) return 0;
        const double x = json_number_value(value);
        if ((k = json_object_get(schema, "minimum")) && x < json_number_value(k)) return 0;
        if ((k = json_object_get(schema, "maximum")) && x > json_number_value(k)) return 0;
        if ((k = json_object_get(schema, "exclusiveMinimum")) && x <= json_number_value(k)) return 0;
        return !(k = json_object_get(schema, "exclusiveMaximum")) || x < json_number_value(k);
    }
    if (!strcmp(type, "array")) {
        if (!json_is_array(value)) return 0;
        const size_t n = json_array_size(value);
        if ((k = json_object_get(schema, "minItems")) && n < (size_t)json_integer_value(k)) return 0;
        if ((k = json_object_get(schema, "maxItems")) && n > (size_t)json_integer_value(k)) return 0;
        for (size_t i = 0; i < n; i++)
            if (!fits(json_object_get(schema, "items"), json_array_get(value, i))) return 0;
        return 1;
    }
    if (!json_is_object(value)) return 0;
    const json_t *properties = json_object_get(schema, "properties"), *required = json_object_get(schema, "required");
    const char *name;
    json_t *child;
    if (!properties && json_is_true(json_object_get(schema, "additionalProperties"))) return 1;
    json_object_foreach((json_t *)(uintptr_t)value, name, child) {
        const json_t *inner = json_object_get(properties, name);
        if (!inner || !fits(inner, child)) return 0;
    }
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(value, json_string_value(json_array_get(required, i)))) return 0;
    return 1;
}

static int fits(const json_t *schema, const json_t *value) {
    const json_t *type = json_object_get(schema, "type"), *list = json_object_get(schema, "enum"),
                 *single = json_object_get(schema, "const");
    if (single && !json_equal(single, value)) return 0;
    if (list) {
        size_t i = 0;
        while (i < json_array_size(list) && !json_equal(json_array_get(list, i), value)) i++;
        if (i == json_array_size(list)) return 0;
    }
    if (!type) return single || list;
    if (json_is_string(type)) return fits_type(json_string_value(type), schema, value);
    for (size_t i = 0; i < json_array_size(type); i++)
        if (fits_type(json_string_value(json_array_get(type, i)), schema, value)) return 1;
    return 0;
}

static const char *const schemas[] = {
    ("{\"type\":\"object\",\"properties\":{\"anomaly\":{\"type\":\"boolean\"},\"label\":{\"type\":\"string\","
     "\"maxLength\":12},"
     "\"score\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1}},\"required\":[\"anomaly\",\"score\"],"
     "\"additionalProperties\":false}"),
    ("{\"type\":\"array\",\"maxItems\":3,\"items\":{\"type\":\"object\",\"properties\":{\"bbox_2d\":{\"type\":\"array\","
     "\"minItems\":4,\"maxItems\":4,"
     "\"items\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1035}},\"label\":{\"enum\":[\"scratch\",\"scr\","
     "\"dent\"]}},"
     "\"required\":[\"bbox_2d\",\"label\"]}}"),
    "{\"type\":[\"string\",\"null\",\"integer\"],\"minLength\":2,\"maxLength\":5,\"minimum\":-37,\"maximum\":1200}",
    ("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"ab\":{\"type\":\"string\"},\"abc\":{\"type\":"
     "\"integer\"},\"b\":{\"const\":-0.5},"
     "\"a\\\"q\":{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}},\"\\u4f60\":{\"type\":\"object\"}},\"required\":["
     "\"abc\"]}"),
    "{\"enum\":[1,12,123,\"1\",null,true,\"\\u00e4\\n\"]}",
    "{\"type\":\"number\",\"exclusiveMinimum\":-2.5,\"exclusiveMaximum\":0.000002}",
    "{\"type\":\"integer\",\"minimum\":-205,\"maximum\":-99}",
    "{\"type\":\"string\",\"minLength\":7,\"maxLength\":7}",
    ("{\"type\":\"array\",\"minItems\":2,\"items\":{\"type\":\"array\",\"maxItems\":2,\"items\":{\"type\":[\"number\","
     "\"boolean\",\"object\"]}}}"),
    "{\"type\":\"number\",\"minimum\":0.25,\"maximum\":0.25}",
    "{\"type\":\"integer\",\"exclusiveMinimum\":6,\"exclusiveMaximum\":8}",
    "{\"type\":\"object\"}",
    "{\"type\":\"object\",\"additionalProperties\":true}",
    ("{\"type\":\"object\",\"properties\":{\"any\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":[\"object\",\"integer\"],"
     "\"additionalProperties\":true}},\"last\":{\"type\":\"null\"}},\"required\":[\"any\",\"last\"]}"),
};
enum { N_SCHEMA = sizeof schemas / sizeof *schemas };

/* One answer; tokens are drawn among the allowed ones. Returns its bytes. */
static size_t walk(iad_matcher *m, iad_rng *rng, int64_t budget, char *text, size_t size) {
    size_t n = 0;
    int64_t used = 0;
    iad_err err;
    for (;;) {
        const uint64_t *mask = iad_matcher_mask(m);
        int32_t ids[N_TOKEN], n_id = 0;
        for (int32_t i = 0; i < N_TOKEN; i++)
            if (mask[i / 64] >> (i % 64) & 1) ids[n_id++] = i;
        assert_true(n_id > 0);
        const int end_allowed = (int)(mask[EOS / 64] >> (EOS % 64) & 1);
        assert_int_equal(end_allowed, iad_matcher_complete(m));
        assert_int_equal(end_allowed, (int)(mask[EOS_TWO / 64] >> (EOS_TWO % 64) & 1));
        assert_int_equal(iad_matcher_done(m), n_id == 2 && end_allowed);
        assert_false(mask[CONTROL / 64] >> (CONTROL % 64) & 1);
        const int32_t id = ids[iad_rng_below(rng, (uint32_t)n_id)];
        assert_ok(iad_matcher_accept(m, id, &err));
        if (id == EOS || id == EOS_TWO) break;
        assert_true(++used <= budget);
        assert_true(n + tokens[id].n < size);
        memcpy(text + n, tokens[id].bytes, tokens[id].n);
        n += tokens[id].n;
    }
    assert_true(iad_matcher_done(m));
    text[n] = 0;
    return n;
}

static void check_answer(const char *schema, const char *text, size_t n) {
    json_error_t problem;
    json_t *rules = json_loads(schema, 0, NULL);
    /* Names that nobody prescribes may come twice. */
    json_t *value = json_loadb(text, n, JSON_DECODE_ANY | (strstr(schema, "Properties\":true") ? 0 : JSON_REJECT_DUPLICATES), &problem);
    if (!value) fail_msg("not JSON (%s): %s", problem.text, text);
    if (!fits(rules, value)) fail_msg("does not fit %s: %s", schema, text);
    json_decref(value);
    json_decref(rules);
}

static void random_walks(void **state) {
    (void)state;
    iad_err err;
    iad_rng rng;
    static char text[1 << 16];
    iad_constrain_vocab *vocab = make_vocab();
    iad_rng_init(&rng, 8, 0);
    for (int s = 0; s < N_SCHEMA; s++) {
        iad_constraint *c;
        assert_ok(iad_constraint_json(schemas[s], strlen(schemas[s]), &c, &err));
        const int64_t shortest = iad_constraint_shortest(c);
        for (int round = 0; round < (IAD_SANITIZED ? 60 : 150); round++) {
            const int64_t budget = shortest + (round % 3 == 0 ? 0 : iad_rng_int(&rng, 0, 60));
            iad_matcher *m;
            assert_ok(iad_matcher_new(vocab, c, budget, &m, &err));
            size_t n = walk(m, &rng, budget, text, sizeof text);
            check_answer(schemas[s], text, n);
            assert_int_equal(1, iad_constraint_check(c, text, n));
            iad_matcher_reset(m);
            n = walk(m, &rng, budget, text, sizeof text);
            check_answer(schemas[s], text, n);
            iad_matcher_free(m);
        }
        iad_matcher *m;
        assert_fails(shortest > 1 ? IAD_ERR_LIMIT : IAD_ERR_ARG,
                     iad_matcher_new(vocab, c, shortest > 1 ? shortest - 1 : -1, &m, &err));
        iad_constraint_free(c);
    }
    iad_constrain_vocab_free(vocab);
}

/* The mask is what running every single token through the automaton gives, with and without a budget. */
static void masks(void **state) {
    (void)state;
    iad_err err;
    iad_rng rng;
    iad_constrain_vocab *vocab = make_vocab();
    iad_rng_init(&rng, 4, 0);
    for (int s = 0; s < N_SCHEMA; s++) {
        iad_constraint *c;
        assert_ok(iad_constraint_json(schemas[s], strlen(schemas[s]), &c, &err));
        for (int round = 0; round < (IAD_SANITIZED ? 4 : 12); round++) {
            const int64_t budget = round % 2 ? 0 : iad_constraint_shortest(c) + round;
            char text[4096];
            size_t n = 0;
            int64_t used = 0;
            iad_matcher *m, *probe;
            assert_ok(iad_matcher_new(vocab, c, budget, &m, &err));
            for (int step = 0; step < 40 && !iad_matcher_done(m); step++) {
                uint64_t mask[(N_TOKEN + 63) / 64];
                memcpy(mask, iad_matcher_mask(m), sizeof mask);
                int32_t pick = -1, n_pick = 0;
                for (int32_t i = 0; i < N_TOKEN; i++) {
                    if (i == EOS || i == EOS_TWO) continue;
                    int want = 0;
                    memcpy(text + n, tokens[i].bytes ? tokens[i].bytes : (const uint8_t *)"", tokens[i].n);
                    if (tokens[i].n && iad_constraint_check(c, text, n + tokens[i].n) >= 0) {
                        /* what is left to write, by the shortest completion written out */
                        want = 1;
                        if (budget) {
                            iad_buf rest;
                            iad_buf_init(&rest, 1 << 20);
                            assert_ok(iad_matcher_new(vocab, c, 0, &probe, &err));
                            for (size_t k = 0; k < n + tokens[i].n; k++) { /* byte tokens: ids 0..6 and from 8 on */
                                const int b = (uint8_t)text[k];
                                assert_ok(iad_matcher_accept(probe, b < EOS_TWO ? b : b + 1, &err));
                            }
                            assert_ok(iad_matcher_shortest(probe, &rest, &err));
                            memcpy(text + n + tokens[i].n, iad_buf_str(&rest), rest.len);
                            assert_int_equal(1, iad_constraint_check(c, text, n + tokens[i].n + rest.len));
                            want = used + 1 + (int64_t)rest.len <= budget;
                            iad_buf_deinit(&rest);
                            iad_matcher_free(probe);
                        }
                    }
                    if (want != (int)(mask[i / 64] >> (i % 64) & 1))
                        fail_msg("schema %d, after '%.*s': token %d is %d, expected %d", s, (int)n, text, i, !want,
                                 want);
                    if (want && iad_rng_below(&rng, (uint32_t)++n_pick) == 0) pick = i;
                    if (!want) assert_fails(IAD_ERR_ARG, iad_matcher_accept(m, i, &err));
                }
                if (pick < 0 || n > sizeof text / 4) break;
                assert_ok(iad_matcher_accept(m, pick, &err));
                memcpy(text + n, tokens[pick].bytes, tokens[pick].n);
                n += tokens[pick].n;
                used++;
                if (budget && step > (IAD_SANITIZED ? 1 : 3)) break; /* the check with a budget is slow */
            }
            iad_matcher_free(m);
        }
        iad_constraint_free(c);
    }
    iad_constrain_vocab_free(vocab);
}

static void choices(void **state) {
    (void)state;
    static const char *const list[] = {"Yes", "No", "No, it is good", "Not sure", "No", "\u4f60\u597d"};
    iad_err err;
    iad_rng rng;
    iad_constraint *c;
    iad_matcher *m;
    char text[256];
    int seen[6] = {0};
    iad_constrain_vocab *vocab = make_vocab();
    assert_ok(iad_constraint_choices(list, 6, &c, &err));
    assert_int_equal(2, iad_constraint_shortest(c));
    assert_int_equal(1, iad_constraint_check(c, "No", 2));
    assert_int_equal(0, iad_constraint_check(c, "No,", 3));
    assert_int_equal(0, iad_constraint_check(c, "", 0));
    assert_int_equal(-1, iad_constraint_check(c, "Yes.", 4));
    iad_rng_init(&rng, 2, 0);
    for (int round = 0; round < 400; round++) {
        const int64_t budget = round % 2 ? 0 : 2 + round % 20;
        assert_ok(iad_matcher_new(vocab, c, budget, &m, &err));
        const size_t n = walk(m, &rng, budget ? budget : 1000, text, sizeof text);
        int found = 0;
        for (int i = 0; i < 6; i++)
            if (n == strlen(list[i]) && !memcmp(list[i], text, n)) found = seen[i] = 1;
        assert_true(found);
        iad_matcher_free(m);
    }
    for (int i = 0; i < 6; i++) assert_true(seen[i]);
    /* finishing from the middle */
    iad_buf rest;
    iad_buf_init(&rest, 100);
    assert_ok(iad_matcher_new(vocab, c, 0, &m, &err));
    assert_ok(iad_matcher_accept(m, 'Y' + 1, &err)); /* byte tokens are shifted by one from EOS_TWO on */
    assert_ok(iad_matcher_shortest(m, &rest, &err));
    assert_string_equal("es", iad_buf_str(&rest));
    iad_buf_deinit(&rest);
    iad_matcher_free(m);
    iad_constraint_free(c);
    static const char *const empty[] = {"Yes", ""}, *const broken[] = {"\xff"};
    assert_fails(IAD_ERR_ARG, iad_constraint_choices(empty, 2, &c, &err));
    assert_fails(IAD_ERR_ARG, iad_constraint_choices(broken, 1, &c, &err));
    assert_fails(IAD_ERR_ARG, iad_constraint_choices(list, 0, &c, &err));
    iad_constrain_vocab_free(vocab);
}

static void texts(void **state) {
    (void)state;
    static const struct {
        const char *schema, *text;
        int want;
    } cases[] = {
        {"{\"type\":\"integer\",\"minimum\":10,\"maximum\":25}", "9", -1},
        {"{\"type\":\"integer\",\"minimum\":10,\"maximum\":25}", "2", 0},
        {"{\"type\":\"integer\",\"minimum\":10,\"maximum\":25}", "26", -1},
        {"{\"type\":\"integer\",\"minimum\":10,\"maximum\":25}", "25", 1},
        {"{\"type\":\"integer\",\"minimum\":10,\"maximum\":25}", "3", -1},
        {"{\"type\":\"integer\"}", "-0", -1},
        {"{\"type\":\"integer\"}", "01", -1},
        {"{\"type\":\"integer\"}", "-", 0},
        {"{\"type\":\"integer\"}", "9007199254740991", 1},
        {"{\"type\":\"integer\"}", "9007199254740992", -1},
        {"{\"type\":\"number\"}", "0.1234567", -1},
        {"{\"type\":\"number\"}", "-0.000001", 1},
        {"{\"type\":\"number\"}", "1.", 0},
        {"{\"type\":\"number\"}", "999999999.999999", 1},
        {"{\"type\":\"number\"}", "1000000000", -1},
        {"{\"type\":\"number\",\"minimum\":0,\"maximum\":1}", "1.000000", 1},
        {"{\"type\":\"number\",\"minimum\":0,\"maximum\":1}", "1.1", -1},
        {"{\"type\":\"number\",\"minimum\":0,\"maximum\":1}", "-", -1},
        {"{\"type\":\"number\",\"minimum\":0.1}", "0.1", 1},
        {"{\"type\":\"number\",\"exclusiveMinimum\":0.1}", "0.1", 0},
        {"{\"type\":\"number\",\"exclusiveMinimum\":0.1}", "0.10", 0},
        {"{\"type\":\"string\"}", "\"\xc3\xa4\\n\"", 1},
        {"{\"type\":\"string\"}", "\"\xc3\"", -1},
        {"{\"type\":\"string\"}", "\"\xed\xa0\x80", -1},
        {"{\"type\":\"string\"}", "\"\xc0\x80", -1},
        {"{\"type\":\"string\"}", "\"\xf4\x90", -1},
        {"{\"type\":\"string\"}", "\"\\u", -1},
        {"{\"type\":\"string\"}", "\"\n", -1},
        {"{\"type\":\"string\",\"maxLength\":1}", "\"\xe4\xbd\xa0\"", 1},
        {"{\"type\":\"string\",\"maxLength\":1}", "\"ab", -1},
        {"{\"type\":\"string\",\"maxLength\":1}", "\"\\n\"", 1},
        {"{\"type\":\"boolean\"}", "true", 1},
        {"{\"type\":\"boolean\"}", "truer", -1},
        {"{\"type\":\"null\"}", "nul", 0},
        {"{\"type\":\"array\",\"items\":{\"type\":\"null\"}}", "[null, null,null]", 1},
        {"{\"type\":\"array\",\"items\":{\"type\":\"null\"}}", "[null,  null]", -1},
        {"{\"type\":\"array\",\"items\":{\"type\":\"null\"}}", "[ null]", -1},
        {"{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"maxItems\":0}", "[n", -1},
        {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", "[1,2]", 1},
        {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", "[1,]", -1},
    };
    iad_err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_constraint *c;
        assert_ok(iad_constraint_json(cases[i].schema, strlen(cases[i].schema), &c, &err));
        if (iad_constraint_check(c, cases[i].text, strlen(cases[i].text)) != cases[i].want)
            fail_msg("%s: %s is not %d", cases[i].schema, cases[i].text, cases[i].want);
        iad_constraint_free(c);
    }
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *schema;
        iad_status status;
        const char *names;
    } cases[] = {
        {"{\"type\":\"string\",\"pattern\":\"a*\"}", IAD_ERR_UNSUPPORTED, "\"pattern\""},
        {"{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#\"}}}", IAD_ERR_UNSUPPORTED,
         "schema.x: keyword \"$ref\""},
        {"{\"type\":\"number\",\"multipleOf\":3}", IAD_ERR_UNSUPPORTED, "multipleOf"},
        {"{\"type\":\"array\"}", IAD_ERR_UNSUPPORTED, "items"},
        {"{}", IAD_ERR_UNSUPPORTED, "without type"},
        {"[]", IAD_ERR_UNSUPPORTED, "schema"},
        {"{\"type\":\"object\",\"additionalProperties\":{}}", IAD_ERR_UNSUPPORTED, "additionalProperties"},
        {"{\"type\":[\"integer\",\"number\"]}", IAD_ERR_UNSUPPORTED, "begin alike"},
        {"{\"enum\":[[1]]}", IAD_ERR_UNSUPPORTED, "lists"},
        {"{\"enum\":[1],\"minimum\":0}", IAD_ERR_UNSUPPORTED, "minimum"},
        {"{\"type\":\"word\"}", IAD_ERR_FORMAT, "word"},
        {"{\"type\":\"string\",\"minLength\":-1}", IAD_ERR_FORMAT, "minLength"},
        {"{\"type\":\"string\",\"minLength\":3,\"maxLength\":2}", IAD_ERR_ARG, "maxLength"},
        {"{\"type\":\"string\",\"maxLength\":2000000}", IAD_ERR_LIMIT, "maxLength"},
        {"{\"type\":\"number\",\"minimum\":2,\"maximum\":1}", IAD_ERR_ARG, "bounds"},
        {"{\"type\":\"number\",\"minimum\":0.1234561,\"maximum\":0.1234569}", IAD_ERR_ARG, "bounds"},
        {"{\"type\":\"integer\",\"minimum\":1e300}", IAD_ERR_ARG, "bounds"},
        {"{\"type\":\"object\",\"required\":[\"x\"]}", IAD_ERR_UNSUPPORTED, "\"x\""},
        {"{\"enum\":[1],\"type\":\"string\"}", IAD_ERR_ARG, "type"},
        {"{\"type\":\"string\"", IAD_ERR_FORMAT, "schema"},
        {"{\"type\":[]}", IAD_ERR_FORMAT, "types"},
    };
    iad_err err;
    iad_constraint *c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const iad_status status = iad_constraint_json(cases[i].schema, strlen(cases[i].schema), &c, &err);
        if (status != cases[i].status || !strstr(err.msg, cases[i].names) || c)
            fail_msg("%s: %s, %s", cases[i].schema, iad_status_name(status), err.msg);
    }
    /* too deep, and answers too long to count */
    iad_buf text;
    iad_buf_init(&text, 1 << 20);
    for (int i = 0; i < 40; i++)
        assert_ok(iad_buf_add_str(&text, "{\"type\":\"array\",\"minItems\":1000000,\"items\":", &err));
    assert_ok(iad_buf_add_str(&text, "{\"type\":\"null\"}", &err));
    for (int i = 0; i < 40; i++) assert_ok(iad_buf_add_str(&text, "}", &err));
    assert_fails(IAD_ERR_LIMIT, iad_constraint_json(iad_buf_str(&text), text.len, &c, &err));
    const char *inner = strstr(iad_buf_str(&text), "{\"type\":\"null\"}");
    iad_buf few;
    iad_buf_init(&few, 1 << 20);
    for (int i = 0; i < 4; i++)
        assert_ok(iad_buf_add_str(&few, "{\"type\":\"array\",\"minItems\":1000000,\"items\":", &err));
    assert_ok(iad_buf_add(&few, inner, strlen("{\"type\":\"null\"}") + 4, &err));
    assert_fails(IAD_ERR_LIMIT, iad_constraint_json(iad_buf_str(&few), few.len, &c, &err));
    iad_buf_deinit(&few);
    iad_buf_deinit(&text);
}

static void vocabularies(void **state) {
    (void)state;
    static const int32_t eos[1] = {EOS}, outside[1] = {N_TOKEN};
    iad_err err;
    iad_constrain_vocab *vocab = make_vocab();
    iad_constrain_vocab_free(vocab);
    tokens['a' + 1].n = 0;
    for (int i = 257; i < N_TOKEN; i++)
        if (tokens[i].n == 1 && tokens[i].bytes[0] == 'a') tokens[i].n = 0;
    assert_fails(IAD_ERR_UNSUPPORTED, iad_constrain_vocab_new(tokens, N_TOKEN, eos, 1, &vocab, &err));
    assert_non_null(strstr(err.msg, "0x61"));
    assert_fails(IAD_ERR_ARG, iad_constrain_vocab_new(tokens, N_TOKEN, outside, 1, &vocab, &err));
    assert_fails(IAD_ERR_ARG, iad_constrain_vocab_new(tokens, N_TOKEN, eos, 0, &vocab, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),        cmocka_unit_test(refusals), cmocka_unit_test(choices),
        cmocka_unit_test(random_walks), cmocka_unit_test(masks),    cmocka_unit_test(vocabularies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
