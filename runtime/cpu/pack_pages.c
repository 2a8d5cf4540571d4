#include "runtime/cpu/pack.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* MADV_DONTNEED on ordinary memory destroys its contents, so the kernel's own list of mappings decides what may be dropped. */
int iad_pages_droppable(const void *data, size_t bytes) {
    uintptr_t begin = (uintptr_t)data, end = begin + bytes;
    if (bytes == 0 || end < begin) return 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == NULL) return 0;
    char line[512];
    int droppable = 0, fresh = 1;
    while (fgets(line, sizeof line, maps) != NULL) {
        int whole = 0;
        for (const char *c = line; *c != '\0'; c++) whole |= *c == '\n';
        int begins = fresh; /* the rest of an overlong line is no line */
        fresh = whole;
        if (!begins) continue;
        uint64_t low, high, offset, inode;
        char mode[5];
        unsigned major_id, minor_id;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &low, &high, mode, &offset, &major_id, &minor_id,
                   &inode) != 7)
            break;
        if (begin < low || begin >= high) continue;
        droppable = end <= high && mode[0] == 'r' && mode[1] == '-' && inode != 0;
        break;
    }
    (void)fclose(maps);
    return droppable;
}

void iad_pages_drop(const void *data, size_t bytes) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)data & ~(page - 1);
    uintptr_t end = ((uintptr_t)data + bytes) & ~(page - 1);
    if (end > begin) (void)madvise((void *)begin, end - begin, MADV_DONTNEED); /* a courtesy: failure costs memory only */
}
