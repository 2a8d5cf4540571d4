#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define MAX_WALK_DEPTH 32
#define MAX_DIR_ENTRIES 20000000u

static iad_status io_fail(iad_err *err, const char *path, const char *doing) {
    int number = errno;
    return IAD_FAIL(err, number == ENOENT ? IAD_ERR_NOT_FOUND : IAD_ERR_IO, "%s: cannot %s: %s", path, doing, strerror(number));
}

/* ---- reading ---- */

static iad_status open_regular(const char *path, int *fd, struct stat *st, iad_err *err) {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not hang us */
    if (*fd < 0) return io_fail(err, path, "open");
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode)) return IAD_OK;
    close(*fd);
    return IAD_FAIL(err, IAD_ERR_IO, "%s: not a regular file", path);
}

iad_status iad_file_read(const char *path, size_t max, uint8_t **data, size_t *n, iad_err *err) {
    int fd;
    struct stat st;
    IAD_TRY(open_regular(path, &fd, &st, err));
    iad_status status = IAD_OK;
    uint8_t *block = NULL;
    size_t size = (size_t)st.st_size, got = 0;
    if ((uint64_t)st.st_size > max) {
        status = IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %lld bytes, more than the limit of %zu", path, (long long)st.st_size, max);
    } else if (!(block = iad_alloc(size + 1, 1))) {
        status = IAD_NOMEM(err, path);
    }
    while (status == IAD_OK && got < size) {
        ssize_t k = read(fd, block + got, size - got);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) status = io_fail(err, path, "read");
        if (k <= 0) break; /* the file shrank: keep what there is */
        got += (size_t)k;
    }
    close(fd);
    if (status != IAD_OK) {
        free(block);
        return status;
    }
    block[got] = 0;
    *data = block;
    *n = got;
    return IAD_OK;
}

iad_status iad_map_open(iad_map *map, const char *path, iad_err *err) {
    int fd;
    struct stat st;
    *map = (iad_map){NULL, 0};
    IAD_TRY(open_regular(path, &fd, &st, err));
    iad_status status = IAD_OK;
    if (st.st_size > 0) {
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) status = io_fail(err, path, "map");
        else *map = (iad_map){data, (size_t)st.st_size};
    }
    close(fd);
    return status;
}

void iad_map_close(iad_map *map) {
    if (map->data) {
        union { const uint8_t *in; void *out; } address = {map->data}; /* munmap wants the mapping without const */
        munmap(address.out, map->n);
    }
    *map = (iad_map){NULL, 0};
}

int iad_file_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

int iad_file_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

iad_status iad_file_size(const char *path, uint64_t *bytes, iad_err *err) {
    struct stat st;
    if (stat(path, &st) != 0) return io_fail(err, path, "read");
    *bytes = (uint64_t)st.st_size;
    return IAD_OK;
}

/* ---- writing ---- */

iad_status iad_dir_make(const char *path, iad_err *err) {
    char part[IAD_PATH_MAX];
    if (!iad_text_copy(part, sizeof part, path)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s...: the path is too long", path);
    for (char *p = part + 1; *part; p++) {
        if (*p != '/' && *p != 0) continue;
        char old = *p;
        *p = 0;
        if (mkdir(part, 0777) != 0 && !(errno == EEXIST && iad_file_is_dir(part)) && !iad_file_is_dir(part))
            return io_fail(err, part, "create the folder");
        *p = old;
        if (!old) break;
    }
    return IAD_OK;
}

static iad_status write_all(int fd, const char *path, const uint8_t *bytes, size_t n, int wait, iad_err *err) {
    while (n) {
        ssize_t k = write(fd, bytes, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return io_fail(err, path, "write");
        bytes += k;
        n -= (size_t)k;
    }
    if (wait && fsync(fd) != 0 && errno != EINVAL && errno != EROFS) return io_fail(err, path, "write");
    return IAD_OK;
}

/* A new file beside `path` that nobody else has. open() rather than mkstemp(): the file gets the usual rights. */
static iad_status open_beside(const char *path, char temp[IAD_PATH_MAX], int *fd, iad_err *err) {
    char dir[IAD_PATH_MAX];
    iad_path_dir(dir, sizeof dir, path);
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        int len = snprintf(temp, IAD_PATH_MAX, "%s/.%s.%ld-%p-%u.part", dir, iad_path_base(path), (long)getpid(),
                           (void *)&attempt, attempt); /* a thread's own stack address tells threads apart */
        if (len < 0 || len >= IAD_PATH_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s...: the path is too long", path);
        *fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd >= 0) return IAD_OK;
        if (errno != EEXIST) break;
    }
    return io_fail(err, path, "create");
}

static iad_status write_beside(const char *path, const void *bytes, size_t n, int wait, iad_err *err) {
    char dir[IAD_PATH_MAX], temp[IAD_PATH_MAX];
    int fd = -1;
    iad_path_dir(dir, sizeof dir, path);
    IAD_TRY(iad_dir_make(dir, err));
    IAD_TRY(open_beside(path, temp, &fd, err));
    iad_status status = write_all(fd, path, bytes, n, wait, err);
    if (close(fd) != 0 && status == IAD_OK) status = io_fail(err, path, "write");
    if (status == IAD_OK && rename(temp, path) != 0) status = io_fail(err, path, "rename to");
    if (status != IAD_OK) unlink(temp);
    return status;
}

iad_status iad_file_write(const char *path, const void *bytes, size_t n, iad_err *err) {
    return write_beside(path, bytes, n, 1, err);
}

iad_status iad_file_write_soon(const char *path, const void *bytes, size_t n, iad_err *err) {
    return write_beside(path, bytes, n, 0, err);
}

iad_status iad_dir_flush(const char *path, iad_err *err) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return io_fail(err, path, "open");
    iad_status status = syncfs(fd) == 0 ? IAD_OK : io_fail(err, path, "write");
    close(fd);
    return status;
}

/* ---- listing ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const iad_dir_entry *)a)->name, ((const iad_dir_entry *)b)->name);
}

static int entry_is_dir(int dir_fd, const struct dirent *entry) {
    if (entry->d_type == DT_DIR) return 1;
    if (entry->d_type == DT_REG) return 0;
    struct stat st;
    return fstatat(dir_fd, entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

iad_status iad_dir_read(const char *path, iad_dir_list *list, iad_err *err) {
    *list = (iad_dir_list){NULL, 0, 0};
    DIR *dir = opendir(path);
    if (!dir) return io_fail(err, path, "list");
    iad_status status = IAD_OK;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry) {
            if (errno) status = io_fail(err, path, "list");
            break;
        }
        if (entry->d_name[0] == '.') continue;
        void *items = list->items;
        status = iad_grow(&items, &list->cap, list->n + 1, sizeof *list->items, MAX_DIR_ENTRIES, path, err);
        if (status != IAD_OK) break;
        list->items = items;
        char *name = iad_strdup(entry->d_name);
        if (!name) {
            status = IAD_NOMEM(err, path);
            break;
        }
        list->items[list->n++] = (iad_dir_entry){name, entry_is_dir(dirfd(dir), entry)};
    }
    closedir(dir);
    if (status != IAD_OK) iad_dir_list_deinit(list);
    else if (list->n) qsort(list->items, list->n, sizeof *list->items, by_name);
    return status;
}

void iad_dir_list_deinit(iad_dir_list *list) {
    for (size_t i = 0; i < list->n; i++) free(list->items[i].name);
    free(list->items);
    *list = (iad_dir_list){NULL, 0, 0};
}

/* A folder on the way down, to notice links that lead back to it. */
typedef struct walk_level {
    dev_t dev;
    ino_t ino;
} walk_level;

typedef struct walk {
    const char *root;
    size_t max;
    iad_strings *files;
    walk_level levels[MAX_WALK_DEPTH];
} walk;

static iad_status walk_dir(walk *w, const char *relative, int depth, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, w->root, relative, err));
    struct stat st;
    if (stat(path, &st) != 0) return io_fail(err, path, "list");
    for (int i = 0; i < depth; i++)
        if (w->levels[i].dev == st.st_dev && w->levels[i].ino == st.st_ino) return IAD_OK;
    if (depth >= MAX_WALK_DEPTH) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: folders nested deeper than %d", path, MAX_WALK_DEPTH);
    w->levels[depth] = (walk_level){st.st_dev, st.st_ino};

    iad_dir_list list;
    IAD_TRY(iad_dir_read(path, &list, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < list.n && status == IAD_OK; i++) {
        char child[IAD_PATH_MAX];
        status = iad_path_join(child, sizeof child, relative, list.items[i].name, err);
        if (status != IAD_OK) break;
        if (list.items[i].is_dir) status = walk_dir(w, child, depth + 1, err);
        else if (w->files->n >= w->max) status = IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %zu files", w->root, w->max);
        else status = iad_strings_add(w->files, child, err);
    }
    iad_dir_list_deinit(&list);
    return status;
}

iad_status iad_dir_walk(const char *root, size_t max, iad_strings *files, iad_err *err) {
    walk w = {root, max, files, {{0, 0}}};
    IAD_TRY(walk_dir(&w, "", 0, err));
    iad_strings_sort(files); /* depth-first order is not byte order: "a-b" sorts before "a/b" */
    return IAD_OK;
}
