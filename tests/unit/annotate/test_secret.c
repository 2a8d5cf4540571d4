/* Keys come from where only their owner can read, and leave no trace in texts. */
#include "tests/unit/iad_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

static void write_key(const char *path, const char *text, mode_t mode) {
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void test_file(void **state) {
    (void)state;
    static const char path[] = "test_secret.key";
    iad_secret s;
    iad_err err;
    write_key(path, "sk-abcdef123\n", 0600);
    assert_ok(iad_secret_load(&s, NULL, path, &err));
    assert_string_equal(s.text, "sk-abcdef123");
    static const mode_t open_modes[] = {0640, 0604, 0644, 0620};
    for (size_t i = 0; i < 4; i++) {
        write_key(path, "sk-abcdef123\n", open_modes[i]);
        assert_fails(IAD_ERR_ARG, iad_secret_load(&s, NULL, path, &err));
        assert_non_null(strstr(err.msg, "chmod 600"));
        assert_string_equal(s.text, "");
    }
    write_key(path, "\n", 0600);
    assert_fails(IAD_ERR_ARG, iad_secret_load(&s, NULL, path, &err));
    write_key(path, "sk abc\n", 0600);
    assert_fails(IAD_ERR_ARG, iad_secret_load(&s, NULL, path, &err));
    assert_null(strstr(err.msg, "sk abc"));
    unlink(path);
    assert_fails(IAD_ERR_NOT_FOUND, iad_secret_load(&s, NULL, path, &err));
    assert_fails(IAD_ERR_ARG, iad_secret_load(&s, NULL, "/dev/null", &err));
}

static void test_environment(void **state) {
    (void)state;
    iad_secret s;
    iad_err err;
    setenv("IAD_TEST_KEY", "sk-from-environment", 1);
    assert_ok(iad_secret_load(&s, "IAD_TEST_KEY", NULL, &err));
    assert_string_equal(s.text, "sk-from-environment");
    char text[] = "Incorrect API key: sk-from-environment. Key sk-from-environment";
    iad_secret_hide(&s, text, strlen(text));
    assert_null(strstr(text, "sk-from"));
    assert_string_equal(text, "Incorrect API key: *******************. Key *******************");
    iad_secret_clear(&s);
    assert_string_equal(s.text, "");
    unsetenv("IAD_TEST_KEY");
    assert_fails(IAD_ERR_NOT_FOUND, iad_secret_load(&s, "IAD_TEST_KEY", NULL, &err));
    assert_fails(IAD_ERR_ARG, iad_secret_load(&s, "A", "b", &err));
    assert_ok(iad_secret_load(&s, NULL, NULL, &err));
    assert_string_equal(s.text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_file), cmocka_unit_test(test_environment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
