/* Readers by the targets' own rules: each turns an exported record back into texts and pictures, or fails the test. */
#ifndef IAD_TEST_EXPORT_READERS_H
#define IAD_TEST_EXPORT_READERS_H

#include "base/file.h"
#include "base/json.h"
#include "tests/unit/iad_test.h"

#define READ_MAX 32

typedef struct read_record {
    const json_t *root; /* borrowed */
    const char *texts[8], *pictures[8];
    int n_texts, n_pictures;
} read_record;

static inline size_t read_count(const char *text, const char *mark) {
    size_t n = 0;
    for (; (text = strstr(text, mark)) != NULL; text += strlen(mark)) n++;
    return n;
}

static inline void read_pictures(const json_t *images, read_record *r) {
    if (json_is_string(images)) {
        r->pictures[r->n_pictures++] = json_string_value(images);
        return;
    }
    assert_true(json_is_array(images));
    for (size_t i = 0; i < json_array_size(images); i++) {
        assert_true(json_is_string(json_array_get(images, i)) && r->n_pictures < 8);
        r->pictures[r->n_pictures++] = json_string_value(json_array_get(images, i));
    }
}

/* Roles alternate, an answer is last, as many marks as pictures, none in answers. */
static inline void read_talk(const json_t *list, const char *role, const char *content, const char *asks, const char *answers, read_record *r) {
    size_t marks = 0;
    assert_true(json_is_array(list) && json_array_size(list) >= 2 && json_array_size(list) % 2 == 0 && json_array_size(list) <= 8);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *turn = json_array_get(list, i);
        const char *value = json_string_value(json_object_get(turn, content));
        assert_string_equal(json_string_value(json_object_get(turn, role)), i % 2 ? answers : asks);
        assert_non_null(value);
        if (i % 2) assert_int_equal(read_count(value, "<image>"), 0);
        marks += read_count(value, "<image>");
        r->texts[r->n_texts++] = value;
    }
    assert_int_equal(marks, r->n_pictures);
}

/* LLaVA: "image" is a path or a list; qwen: several under "images". */
static inline read_record read_llava(const json_t *root, int qwen) {
    read_record r = {.root = root};
    const json_t *one = json_object_get(root, "image"), *many = json_object_get(root, "images");
    assert_true((one != NULL) != (many != NULL));
    if (qwen && one) assert_true(json_is_string(one));
    if (!qwen) assert_null(many);
    read_pictures(one ? one : many, &r);
    assert_true(json_is_string(json_object_get(root, "id")));
    read_talk(json_object_get(root, "conversations"), "from", "value", "human", "gpt", &r);
    return r;
}

static inline read_record read_messages(const json_t *root) {
    read_record r = {.root = root};
    read_pictures(json_object_get(root, "images"), &r);
    read_talk(json_object_get(root, "messages"), "role", "content", "user", "assistant", &r);
    return r;
}

static inline read_record read_hugging(const json_t *root) {
    read_record r = {.root = root};
    assert_true(json_is_array(json_object_get(root, "file_names")));
    read_pictures(json_object_get(root, "file_names"), &r);
    for (int i = 0; i < r.n_pictures; i++) assert_true(r.pictures[i][0] != '/');
    assert_true(json_is_string(json_object_get(root, "metadata")));
    read_talk(json_object_get(root, "conversations"), "from", "value", "human", "gpt", &r);
    return r;
}

static inline read_record read_grpo(const json_t *root) {
    read_record r = {.root = root, .n_texts = 2};
    assert_true(json_is_array(json_object_get(root, "image")));
    read_pictures(json_object_get(root, "image"), &r);
    r.texts[0] = json_string_value(json_object_get(root, "problem"));
    r.texts[1] = json_string_value(json_object_get(root, "solution"));
    assert_non_null(r.texts[0]);
    assert_non_null(r.texts[1]);
    assert_int_equal(read_count(r.texts[0], "<image>"), r.n_pictures);
    return r;
}

/* A file of one array, or of lines. */
static inline json_t *read_file(const char *path, int lines) {
    iad_err err = IAD_ERR_NONE;
    uint8_t *data;
    size_t n;
    json_t *root = NULL;
    assert_ok(iad_file_read(path, 1u << 24, &data, &n, &err));
    if (!lines) {
        assert_ok(iad_json_parse((const char *)data, n, 0, path, &root, &err));
    } else {
        root = json_array();
        for (size_t at = 0; at < n;) {
            const uint8_t *end = memchr(data + at, '\n', n - at);
            json_t *row;
            assert_non_null(end);
            assert_ok(iad_json_parse((const char *)data + at, (size_t)(end - data) - at, 0, path, &row, &err));
            json_array_append_new(root, row);
            at = (size_t)(end - data) + 1;
        }
    }
    free(data);
    return root;
}

/* ustar: checks every header's sum, kind and fixed fields; calls fn for each member. The end are two empty blocks. */
static inline void read_tar(const uint8_t *data, size_t n, void (*fn)(void *user, const char *name, const uint8_t *bytes, size_t size), void *user) {
    size_t at = 0;
    assert_int_equal(n % 512, 0);
    for (;;) {
        assert_true(at + 1024 <= n);
        const uint8_t *h = data + at;
        if (h[0] == 0) break;
        unsigned sum = 0;
        for (int i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? (unsigned)' ' : h[i];
        assert_int_equal(sum, strtoul((const char *)h + 148, NULL, 8));
        assert_memory_equal(h + 257, "ustar\00000", 8);
        assert_int_equal(h[156], '0');
        assert_int_equal(strtoul((const char *)h + 100, NULL, 8), 0644);
        assert_int_equal(strtoul((const char *)h + 108, NULL, 8) + strtoul((const char *)h + 116, NULL, 8) + strtoul((const char *)h + 136, NULL, 8),
                         0);
        size_t size = strtoul((const char *)h + 124, NULL, 8);
        assert_true(at + 512 + size <= n);
        fn(user, (const char *)h, h + 512, size);
        at += 512 + (size + 511) / 512 * 512;
    }
    for (size_t i = at; i < n; i++) assert_int_equal(data[i], 0);
    assert_int_equal(n - at, 1024);
}

#endif
