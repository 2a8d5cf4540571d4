#include "bench/speed/measurechild.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

enum { MAX_FAMILY = 4096, LOOK_MS = 50 };

extern char **environ;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

iad_status iad_child_start(const char *const *words, const char *log, int *pid, iad_err *err) {
    iad_strings argv = {0}; /* posix_spawn wants the words writable */
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && words[i]; i++) status = iad_strings_add(&argv, words[i], err);
    char **list = iad_calloc(argv.n + 1, sizeof *list);
    for (size_t i = 0; list && i < argv.n; i++) list[i] = argv.items[i];
    if (status == IAD_OK && !list) status = IAD_NOMEM(err, "the words of a command");
    posix_spawn_file_actions_t actions;
    const int prepared = status == IAD_OK && posix_spawn_file_actions_init(&actions) == 0;
    pid_t child = 0;
    const char *to = log ? log : "/dev/null";
    int code = prepared ? posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, to, O_WRONLY | O_CREAT | O_APPEND, 0644) : ENOMEM;
    if (!code) code = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (!code) code = posix_spawnp(&child, list[0], &actions, NULL, list, environ);
    if (prepared) posix_spawn_file_actions_destroy(&actions);
    free(list);
    iad_strings_deinit(&argv);
    *pid = (int)child;
    if (status == IAD_OK && code) return IAD_FAIL(err, IAD_ERR_IO, "%s cannot be run: %s", words[0], strerror(code));
    return status;
}

void iad_child_stop(int pid) {
    if (pid <= 0) return;
    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

/* The number behind a label in a file of /proc; 0 when there is none. */
static long number_in(const char *path, const char *label) {
    char line[256];
    long value = 0;
    FILE *in = fopen(path, "r");
    while (in && fgets(line, sizeof line, in))
        if (!strncmp(line, label, strlen(label))) {
            value = strtol(line + strlen(label), NULL, 10);
            break;
        }
    if (in) fclose(in);
    return value;
}

/* Parents come before their children only by chance: rounds until nobody joins. */
static double family_bytes(pid_t root) {
    static const char proc[] = "/proc";
    pid_t family[MAX_FAMILY] = {root};
    int n = 1, before = 0;
    char path[300];
    while (n != before && n < MAX_FAMILY) {
        before = n;
        DIR *dir = opendir(proc);
        for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
            const pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
            int known = pid <= 0;
            for (int i = 0; i < n && !known; i++) known = family[i] == pid;
            if (known) continue;
            snprintf(path, sizeof path, "%s/%ld/status", proc, (long)pid);
            const pid_t parent = (pid_t)number_in(path, "PPid:");
            for (int i = 0; i < n && n < MAX_FAMILY; i++)
                if (family[i] == parent) {
                    family[n++] = pid;
                    break;
                }
        }
        if (dir) closedir(dir);
    }
    double sum = 0;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%ld/smaps_rollup", proc, (long)family[i]);
        sum += 1024.0 * (double)number_in(path, "Pss:");
    }
    return sum;
}

iad_status iad_child_measure(const char *const *words, const char *log, iad_child_cost *cost, iad_err *err) {
    int pid = 0, code = 0;
    const double start = now();
    memset(cost, 0, sizeof *cost);
    IAD_TRY(iad_child_start(words, log, &pid, err));
    struct rusage use;
    for (;;) {
        const pid_t ended = wait4(pid, &code, WNOHANG, &use);
        if (ended == pid) break;
        if (ended < 0 && errno != EINTR) return IAD_FAIL(err, IAD_ERR_IO, "waiting for %s: %s", words[0], strerror(errno));
        const double bytes = family_bytes(pid);
        if (bytes > cost->peak_bytes) cost->peak_bytes = bytes;
        const struct timespec pause = {0, LOOK_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    cost->wall_s = now() - start;
    cost->cpu_s = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + 1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
    cost->code = WIFEXITED(code) ? WEXITSTATUS(code) : -1;
    return IAD_OK;
}

iad_status iad_child_beside(const char *name, char *out, size_t size, iad_err *err) {
    char self[IAD_PATH_MAX], dir[IAD_PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) return IAD_FAIL(err, IAD_ERR_IO, "where this program lies is unknown: name the others with options");
    self[n] = '\0';
    iad_path_dir(dir, sizeof dir, self);
    return iad_path_join(out, size, dir, name, err);
}

double iad_thread_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
