/* LD_PRELOAD library for tests: once IAD_SHIM_BYTES have been written to regular files, write, pwrite and fallocate fail with ENOSPC, as on a
 * full disk. */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_llong left = -1;

static int full(int fd, size_t n) {
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return 0;
    if (atomic_load(&left) < 0) {
        const char *text = getenv("IAD_SHIM_BYTES");
        long long bytes = text ? strtoll(text, NULL, 10) : 0;
        long long unset = -1;
        atomic_compare_exchange_strong(&left, &unset, bytes + 1);
    }
    if (atomic_fetch_sub(&left, (long long)n) - (long long)n > 0) return 0;
    atomic_store(&left, 0);
    errno = ENOSPC;
    return 1;
}

#define EXPORT __attribute__((visibility("default")))

EXPORT ssize_t write(int fd, const void *bytes, size_t n);
EXPORT ssize_t write(int fd, const void *bytes, size_t n) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "write");
    return full(fd, n) ? -1 : real(fd, bytes, n);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at);
EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    return full(fd, n) ? -1 : real(fd, bytes, n, at);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at);
EXPORT ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) { return pwrite64(fd, bytes, n, at); }
