/* Paths, atomic writes, listing, mapping. Each test works in a fresh folder below the current one. */
#include "tests/unit/iad_test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define ROOT "test_base_files.tmp"

static int fresh_root(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_strings files = {0};
    if (iad_file_exists(ROOT) && iad_dir_walk(ROOT, 1000, &files, &err) == IAD_OK)
        for (size_t i = 0; i < files.n; i++) {
            char path[IAD_PATH_MAX];
            if (iad_path_join(path, sizeof path, ROOT, files.items[i], &err) == IAD_OK) unlink(path);
        }
    iad_strings_deinit(&files);
    return iad_dir_make(ROOT, &err) == IAD_OK ? 0 : -1;
}

static void test_safe_paths(void **state) {
    (void)state;
    static const char *const safe[] = {"a", "a/b.png", "..a/b", "a b/c", "\xE5\xAD\x97.png"};
    static const char *const unsafe[] = {"", "/a", "../a", "a/../b", "a/..", "./a", "a//b", "a/", "a\\b", "a\nb", ".", ".."};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++) assert_int_equal(iad_path_safe(safe[i]), 1);
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) assert_int_equal(iad_path_safe(unsafe[i]), 0);
}

static void test_path_parts(void **state) {
    (void)state;
    char text[64];
    assert_string_equal(iad_path_base("a/b.tar.gz"), "b.tar.gz");
    assert_string_equal(iad_path_ext("a.d/b.tar.gz"), ".gz");
    assert_string_equal(iad_path_ext("a.d/noext"), "");
    assert_string_equal(iad_path_ext("a/.hidden"), "");
    iad_path_stem(text, sizeof text, "x/000_mask.png");
    assert_string_equal(text, "000_mask");
    iad_path_dir(text, sizeof text, "x/y/z");
    assert_string_equal(text, "x/y");
    iad_path_dir(text, sizeof text, "z");
    assert_string_equal(text, ".");
    iad_path_stem(text, 3, "abcdef.png");
    assert_string_equal(text, "ab");
}

static void test_write_then_read(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    uint8_t *data;
    size_t n;
    assert_ok(iad_file_write(ROOT "/deep/er/file.bin", "hello\0you", 9, &err));
    assert_ok(iad_file_read(ROOT "/deep/er/file.bin", 100, &data, &n, &err));
    assert_int_equal(n, 9);
    assert_memory_equal(data, "hello\0you", 10); /* with the extra NUL */
    free(data);
    assert_fails(IAD_ERR_LIMIT, iad_file_read(ROOT "/deep/er/file.bin", 8, &data, &n, &err));
    assert_fails(IAD_ERR_NOT_FOUND, iad_file_read(ROOT "/none", 8, &data, &n, &err));
    assert_non_null(strstr(err.msg, ROOT "/none"));
    assert_fails(IAD_ERR_IO, iad_file_read(ROOT, 8, &data, &n, &err)); /* a folder */
    iad_map map;
    assert_ok(iad_map_open(&map, ROOT "/deep/er/file.bin", &err));
    assert_int_equal(map.n, 9);
    assert_memory_equal(map.data, "hello", 5);
    iad_map_close(&map);
    struct stat st;
    assert_int_equal(stat(ROOT "/deep/er/file.bin", &st), 0);
    assert_int_equal(st.st_mode & 0600, 0600);
    assert_ok(iad_file_write_soon(ROOT "/deep/soon/file.bin", "later", 5, &err));
    assert_ok(iad_dir_flush(ROOT "/deep/soon", &err));
    assert_ok(iad_file_read(ROOT "/deep/soon/file.bin", 100, &data, &n, &err));
    assert_int_equal(n, 5);
    assert_memory_equal(data, "later", 5);
    free(data);
    assert_fails(IAD_ERR_NOT_FOUND, iad_dir_flush(ROOT "/none", &err));
}

static void test_failed_write_leaves_nothing(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_file_write(ROOT "/blocker", "x", 1, &err));
    assert_int_not_equal(iad_file_write(ROOT "/blocker/child", "y", 1, &err), IAD_OK); /* parent is a file */
    assert_ok(iad_dir_make(ROOT "/taken/child", &err));
    assert_fails(IAD_ERR_IO, iad_file_write(ROOT "/taken", "z", 1, &err)); /* cannot rename onto a folder with content */
    iad_strings files = {0};
    assert_ok(iad_dir_walk(ROOT, 100, &files, &err));
    for (size_t i = 0; i < files.n; i++) assert_null(strstr(files.items[i], ".part"));
    iad_strings_deinit(&files);
}

static void test_walk(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    static const char *const names[] = {"w/b/2.txt", "w/b-a.txt", "w/b/10.txt", "w/.hidden", "w/a/x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", ROOT, names[i]);
        assert_ok(iad_file_write(path, "", 0, &err));
    }
    unlink(ROOT "/w/a/loop");
    assert_int_equal(symlink("..", ROOT "/w/a/loop"), 0);
    iad_strings files = {0};
    assert_ok(iad_dir_walk(ROOT "/w", 100, &files, &err));
    static const char *const want[] = {"a/x", "b-a.txt", "b/10.txt", "b/2.txt"};
    assert_int_equal(files.n, 4);
    for (size_t i = 0; i < 4; i++) assert_string_equal(files.items[i], want[i]);
    iad_strings_deinit(&files);
    assert_fails(IAD_ERR_LIMIT, iad_dir_walk(ROOT "/w", 3, &files, &err));
    iad_strings_deinit(&files);
    assert_int_equal(iad_path_inside(ROOT "/w", ROOT "/w/b/2.txt"), 1);
    assert_int_equal(iad_path_inside(ROOT "/w", ROOT "/w/a/loop"), 1);
    assert_int_equal(iad_path_inside(ROOT "/w/a", ROOT "/w/a/loop"), 0); /* the link leads out of w/a */
    assert_int_equal(iad_path_inside(ROOT "/w/b", ROOT "/w/b-a.txt"), 0);
    unlink(ROOT "/w/a/loop");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safe_paths),  cmocka_unit_test(test_path_parts), cmocka_unit_test(test_write_then_read),
        cmocka_unit_test(test_failed_write_leaves_nothing), cmocka_unit_test(test_walk),
    };
    return cmocka_run_group_tests(tests, fresh_root, NULL);
}
