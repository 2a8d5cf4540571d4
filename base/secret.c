#include "base/secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static iad_status check(iad_secret *s, const char *where, iad_err *err) {
    size_t n = strcspn(s->text, "\r\n");
    memset(s->text + n, 0, sizeof s->text - n);
    while (n && (s->text[n - 1] == ' ' || s->text[n - 1] == '\t')) s->text[--n] = 0;
    if (!n) return IAD_FAIL(err, IAD_ERR_ARG, "%s holds no key", where);
    for (size_t i = 0; i < n; i++)
        if (s->text[i] <= ' ' || s->text[i] > '~') {
            iad_secret_clear(s);
            return IAD_FAIL(err, IAD_ERR_ARG, "%s holds characters that no key has", where);
        }
    return IAD_OK;
}

static iad_status from_file(iad_secret *s, const char *path, iad_err *err) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "key file %s: %m", path);
    iad_status status = IAD_OK;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) status = IAD_FAIL(err, IAD_ERR_ARG, "key file %s: not a regular file", path);
    else if (st.st_mode & 077)
        status = IAD_FAIL(err, IAD_ERR_ARG, "key file %s: others can read it (mode %03o); chmod 600 it", path, (unsigned)st.st_mode & 0777u);
    else if (st.st_size >= (off_t)sizeof s->text || read(fd, s->text, sizeof s->text - 1) < 0)
        status = IAD_FAIL(err, IAD_ERR_IO, "key file %s: %m", path);
    close(fd);
    return status == IAD_OK ? check(s, path, err) : status;
}

iad_status iad_secret_load(iad_secret *s, const char *env, const char *path, iad_err *err) {
    memset(s, 0, sizeof *s);
    if (env && path) return IAD_FAIL(err, IAD_ERR_ARG, "give --key-env or --key-file, not both");
    if (path) return from_file(s, path, err);
    if (!env) return IAD_OK;
    const char *value = getenv(env);
    if (!value) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "the environment has no variable %s", env);
    if (strlen(value) >= sizeof s->text) return IAD_FAIL(err, IAD_ERR_ARG, "the variable %s is too long for a key", env);
    memcpy(s->text, value, strlen(value));
    return check(s, env, err);
}

void iad_secret_clear(iad_secret *s) {
    explicit_bzero(s->text, sizeof s->text);
}

void iad_secret_hide(const iad_secret *s, char *text, size_t n) {
    size_t k = strlen(s->text);
    if (k < 4) return;
    for (char *p = text, *end = text + n; (p = memmem(p, (size_t)(end - p), s->text, k)) != NULL; p += k) memset(p, '*', k);
}
