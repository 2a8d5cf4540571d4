/* Stand-alone driver for fuzz targets: runs the target on each file named on the command line, and on each file of each
 * folder named there. With --mutate N it also tries N seeded mutations of every file, so that an ordinary test run
 * already explores a little. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_BYTES (8u << 20)

static unsigned long runs;

static void run_once(const uint8_t *data, size_t size) {
    /* An exact-size copy lets AddressSanitizer see a read past the end. */
    uint8_t *copy = iad_alloc(size, 1);
    if (!copy) abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    runs++;
}

static void mutate(const uint8_t *data, size_t size, unsigned count, uint64_t stream) {
    if (!size) return;
    uint8_t *copy = iad_alloc(size, 1);
    if (!copy) abort();
    for (unsigned i = 0; i < count; i++) {
        iad_rng rng;
        iad_rng_init(&rng, i, stream);
        memcpy(copy, data, size);
        size_t n = size;
        if (iad_rng_chance(&rng, 0.3)) n = iad_rng_below(&rng, (uint32_t)size) + 1;
        uint32_t edits = 1 + iad_rng_below(&rng, 8);
        for (uint32_t k = 0; k < edits; k++) {
            static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, '"', '{', '/', '.', '-'};
            uint32_t at = iad_rng_below(&rng, (uint32_t)n);
            if (iad_rng_chance(&rng, 0.5)) copy[at] = (uint8_t)iad_rng_u32(&rng);
            else copy[at] = odd[iad_rng_below(&rng, sizeof odd)];
        }
        run_once(copy, n);
    }
    free(copy);
}

static int run_file(const char *path, unsigned mutations) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    uint8_t *data = iad_alloc(MAX_BYTES, 1);
    if (!data) abort();
    size_t size = fread(data, 1, MAX_BYTES, file);
    fclose(file);
    run_once(data, size);
    mutate(data, size, mutations, runs);
    free(data);
    return 0;
}

static int run_path(const char *path, unsigned mutations) {
    struct stat st;
    if (stat(path, &st) != 0) {
        perror(path);
        return 1;
    }
    if (!S_ISDIR(st.st_mode)) return run_file(path, mutations);
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort), bad = 0;
    if (n < 0) {
        perror(path);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            char child[4096];
            snprintf(child, sizeof child, "%s/%s", path, names[i]->d_name);
            bad |= run_file(child, mutations);
        }
        free(names[i]);
    }
    free(names);
    return bad;
}

int main(int argc, char **argv) {
    unsigned mutations = 200;
    int bad = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--mutate") && i + 1 < argc) mutations = (unsigned)strtoul(argv[++i], NULL, 10);
        else bad |= run_path(argv[i], mutations);
    }
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("%lu inputs\n", runs + 1);
    return bad || runs == 0;
}
