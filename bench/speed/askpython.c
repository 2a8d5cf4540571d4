#include "bench/speed/askpython.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"

extern char **environ;

static iad_status listen_to(int end, iad_buf *answer, iad_err *err) {
    char block[4096];
    iad_status status = IAD_OK;
    for (ssize_t n; (n = read(end, block, sizeof block)) != 0;) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        if (status == IAD_OK) status = iad_buf_add(answer, block, (size_t)n, err); /* else drained, so that the child can end */
    }
    return status;
}

iad_status iad_ask_python(const char *const *words, iad_buf *answer, int *ok, iad_err *err) {
    *ok = 0;
    iad_strings argv = {0}; /* posix_spawn wants the words writable */
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && words[i]; i++) status = iad_strings_add(&argv, words[i], err);
    char **list = iad_calloc(argv.n + 1, sizeof *list);
    for (size_t i = 0; list && i < argv.n; i++) list[i] = argv.items[i];
    int ends[2] = {-1, -1};
    if (status == IAD_OK && !list) status = IAD_NOMEM(err, "the words of a command");
    if (status == IAD_OK && pipe2(ends, O_CLOEXEC) != 0) status = IAD_FAIL(err, IAD_ERR_IO, "no pipe to %s: %s", words[0], strerror(errno));
    posix_spawn_file_actions_t actions;
    int prepared = status == IAD_OK && posix_spawn_file_actions_init(&actions) == 0;
    pid_t child = 0;
    int runs = prepared && posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0 &&
               posix_spawnp(&child, list[0], &actions, NULL, list, environ) == 0;
    if (prepared) posix_spawn_file_actions_destroy(&actions);
    if (ends[1] >= 0) close(ends[1]);
    if (runs) {
        status = listen_to(ends[0], answer, err);
        int code = 0;
        while (waitpid(child, &code, 0) < 0 && errno == EINTR) {}
        *ok = WIFEXITED(code) && WEXITSTATUS(code) == 0;
    }
    if (ends[0] >= 0) close(ends[0]);
    free(list);
    iad_strings_deinit(&argv);
    return status;
}
