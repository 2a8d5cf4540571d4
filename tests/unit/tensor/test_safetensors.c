/* The reader against valid and hostile bytes; the writer read back; shards. */
#include "tests/unit/iad_test.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/tensor/safetensors.h"
#include "runtime/tensor/stwriter.h"

static char root[64];

static int setup(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/iad_st_XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static int teardown(void **state) {
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static iad_status parse(const char *json, size_t data, iad_err *err) {
    static uint8_t bytes[65536];
    size_t n = strlen(json);
    memset(bytes, 0, sizeof bytes);
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(n >> (8 * i));
    memcpy(bytes + 8, json, n);
    iad_st_file *file;
    iad_status status = iad_st_parse(bytes, 8 + n + data, "file", &file, err);
    iad_st_close(file);
    return status;
}

static void hostile(void **state) {
    (void)state;
    static const struct {
        const char *json;
        size_t data;
        iad_status status;
    } cases[] = {
        {"{}", 0, IAD_OK},
        {"{}   ", 0, IAD_OK},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, IAD_OK},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,9],\"data_offsets\":[0,0]},\"b\":{\"data_offsets\":[0,2],\"shape\":[2],\"dtype\":\"I8\"}}", 2,
         IAD_OK},
        {"{\"__metadata__\":{\"format\":\"pt\"},\"\\u0061\\ud83d\\ude00\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, IAD_OK},
        {" {}", 0, IAD_ERR_FORMAT},
        {"", 0, IAD_ERR_FORMAT},
        {"{}x", 0, IAD_ERR_FORMAT},
        {"{", 0, IAD_ERR_FORMAT},
        {"[]", 0, IAD_ERR_FORMAT},
        {"{\"a\":1}", 0, IAD_ERR_FORMAT},
        {"{\"a\":{}}", 0, IAD_ERR_FORMAT},
        {"{}", 1, IAD_ERR_FORMAT}, /* data that no tensor covers */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, IAD_ERR_FORMAT}, /* hole */
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3,
         IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2,
         IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1, IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}}", 1, IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[01],\"data_offsets\":[0,1]}}", 1, IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,1]}}", 1, IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, IAD_ERR_LIMIT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, IAD_ERR_LIMIT},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[[1]],\"data_offsets\":[0,1]}}", 1, IAD_ERR_FORMAT},
        {"{\"a\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1, IAD_ERR_UNSUPPORTED},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":0}}", 1, IAD_ERR_FORMAT},
        {"{\"__metadata__\":{\"a\":1}}", 0, IAD_ERR_FORMAT},
        {"{\"\\u0000\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, IAD_ERR_FORMAT},
        {"{\"\\ud800\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, IAD_ERR_FORMAT},
        {"{\"\xff\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, IAD_ERR_FORMAT},
        {"{\"a", 0, IAD_ERR_FORMAT},
        {"{\"a\\", 0, IAD_ERR_FORMAT},
    };
    iad_err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_status status = parse(cases[i].json, cases[i].data, &err);
        if (status != cases[i].status) fail_msg("case %zu %s: %s", i, cases[i].json, iad_status_name(status));
        if (status != IAD_OK) assert_non_null(strstr(err.msg, "file"));
    }
    assert_fails(IAD_ERR_FORMAT, parse("{\"some.name\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, &err));
    assert_non_null(strstr(err.msg, "some.name"));
    iad_st_file *file;
    assert_fails(IAD_ERR_FORMAT, iad_st_parse("\1\0\0\0\0\0\0", 7, "file", &file, &err));
    assert_fails(IAD_ERR_FORMAT, iad_st_parse("\3\0\0\0\0\0\0\0{}", 10, "file", &file, &err));
    assert_fails(IAD_ERR_LIMIT, iad_st_parse("\377\377\377\377\377\377\377\377{}", 10, "file", &file, &err));
}

static void write_three(iad_st_writer *w) {
    iad_err err;
    uint8_t bytes[24 + 7];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)i;
    assert_ok(iad_st_writer_declare(w, "a", IAD_F32, 2, (int64_t[]){2, 3}, &err));
    assert_ok(iad_st_writer_declare(w, "empty", IAD_F32, 1, (int64_t[]){0}, &err));
    assert_ok(iad_st_writer_declare(w, "b \"\xc3\xa9\"", IAD_I8, 1, (int64_t[]){7}, &err));
    assert_ok(iad_st_writer_metadata(w, "who", "test", &err));
    assert_ok(iad_st_writer_begin(w, &err));
    assert_ok(iad_st_writer_write(w, bytes, 5, &err));
    assert_ok(iad_st_writer_write(w, bytes + 5, 22, &err));
    assert_fails(IAD_ERR_ARG, iad_st_writer_finish(w, &err) == IAD_OK ? IAD_OK : IAD_ERR_ARG);
}

static void round_trip(void **state) {
    (void)state;
    char path[200], dir[128];
    iad_err err;
    iad_st_writer *w;
    iad_dir_list list;
    snprintf(dir, sizeof dir, "%s/one", root);
    snprintf(path, sizeof path, "%s/x.safetensors", dir);
    assert_ok(iad_st_writer_new_file(path, &w, &err));
    write_three(w); /* finish too early: nothing may stay */
    iad_st_writer_free(w);
    assert_ok(iad_dir_read(dir, &list, &err));
    assert_int_equal(list.n, 0);
    iad_dir_list_deinit(&list);

    uint8_t bytes[31];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)i;
    for (int sharded = 0; sharded < 2; sharded++) {
        if (sharded) assert_ok(iad_st_writer_new_dir(dir, 16, &w, &err));
        else assert_ok(iad_st_writer_new_file(path, &w, &err));
        assert_ok(iad_st_writer_declare(w, "a", IAD_F32, 2, (int64_t[]){2, 3}, &err));
        assert_ok(iad_st_writer_declare(w, "empty", IAD_F32, 1, (int64_t[]){0}, &err));
        assert_ok(iad_st_writer_declare(w, "b \"\xc3\xa9\"", IAD_I8, 1, (int64_t[]){7}, &err));
        assert_ok(iad_st_writer_metadata(w, "who", "test", &err));
        assert_ok(iad_st_writer_begin(w, &err));
        assert_ok(iad_st_writer_write(w, bytes, 5, &err));
        assert_ok(iad_st_writer_write(w, bytes + 5, 26, &err));
        assert_ok(iad_st_writer_finish(w, &err));
        iad_st_writer_free(w);
    }
    iad_st_file *file;
    assert_ok(iad_st_open(path, &file, &err));
    assert_int_equal(iad_st_count(file), 3);
    assert_string_equal(iad_st_metadata(file, "who"), "test");
    assert_null(iad_st_find(file, "c"));
    const iad_tensor_view *a = iad_st_find(file, "a"), *b = iad_st_find(file, "b \"\xc3\xa9\"");
    assert_int_equal((uintptr_t)a->data % 64, 0);
    assert_memory_equal(a->data, bytes, 24);
    assert_memory_equal(b->data, bytes + 24, 7);
    assert_ptr_equal(iad_st_at(file, 2), b);
    iad_st_close(file);

    iad_st_set *set;
    assert_ok(iad_st_set_open(dir, &set, &err));
    assert_int_equal(iad_st_set_files(set), 2);
    assert_int_equal(iad_st_set_count(set), 3);
    assert_memory_equal(iad_st_set_find(set, "b \"\xc3\xa9\"")->data, bytes + 24, 7);
    iad_st_set_close(set);
}

static void bad_index(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{\"weight_map\":{\"a\":\"../x.safetensors\"}}", "{\"weight_map\":{\"a\":\"/x\"}}", "{\"weight_map\":{\"a\":1}}", "{\"weight_map\":[]}", "{}",
        "nonsense", "{\"weight_map\":{\"nowhere\":\"x.safetensors\"}}",
    };
    char dir[100], path[200];
    iad_err err;
    iad_st_set *set;
    iad_st_writer *w;
    snprintf(dir, sizeof dir, "%s/bad", root);
    assert_fails(IAD_ERR_NOT_FOUND, iad_st_set_open(dir, &set, &err));
    snprintf(path, sizeof path, "%s/x.safetensors", dir);
    assert_ok(iad_st_writer_new_file(path, &w, &err));
    assert_ok(iad_st_writer_declare(w, "a", IAD_F32, 0, NULL, &err));
    assert_ok(iad_st_writer_begin(w, &err));
    assert_ok(iad_st_writer_write(w, "1234", 4, &err));
    assert_fails(IAD_ERR_ARG, iad_st_writer_write(w, "5", 1, &err));
    iad_st_writer_free(w);
    assert_false(iad_file_exists(path));
    assert_ok(iad_st_writer_new_file(path, &w, &err));
    assert_ok(iad_st_writer_begin(w, &err));
    assert_ok(iad_st_writer_finish(w, &err));
    iad_st_writer_free(w);
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", dir);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_ok(iad_file_write(path, texts[i], strlen(texts[i]), &err));
        assert_fails(IAD_ERR_FORMAT, iad_st_set_open(dir, &set, &err));
    }
    assert_ok(iad_st_writer_new_dir(dir, 0, &w, &err));
    assert_ok(iad_st_writer_declare(w, "a", IAD_U8, 1, (int64_t[]){1}, &err));
    assert_ok(iad_st_writer_declare(w, "a", IAD_U8, 1, (int64_t[]){1}, &err));
    assert_fails(IAD_ERR_ARG, iad_st_writer_begin(w, &err)); /* twice the same name */
    iad_st_writer_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hostile), cmocka_unit_test(round_trip), cmocka_unit_test(bad_index)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
