/* token_speed DIR FILE [ROUNDS]: encodes the lines of FILE in blocks as the parity script does; prints MB/s of the best round.
 * Built and started by tests/parity/tokenizer_speed.py. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "runtime/token/tokenizer.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
    iad_err err = IAD_ERR_NONE;
    iad_tokenizer *tok;
    iad_token_scratch *scratch;
    uint8_t *data;
    size_t n, tokens = 0;
    if (argc < 3) return 2;
    double start = now();
    if (iad_tokenizer_load(argv[1], &tok, &err) != IAD_OK || iad_token_scratch_new(&scratch, &err) != IAD_OK ||
        iad_file_read(argv[2], (size_t)1 << 30, &data, &n, &err) != IAD_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    double loaded = now() - start, best = 1e30;
    uint64_t hash = 0;
    iad_token_list ids = {0};
    for (int round = 0, rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 5; round < rounds; round++) {
        start = now();
        tokens = 0;
        hash = 0xcbf29ce484222325u;
        for (size_t at = 0; at < n;) { /* texts of about 8 KB that end at a line, as in the script */
            size_t end = at + 8192 < n ? at + 8192 : n;
            const uint8_t *line = end < n ? memchr(data + end, '\n', n - end) : NULL;
            if (line) end = (size_t)(line - data) + 1;
            else end = n;
            ids.n = 0;
            if (iad_tokenizer_encode(tok, scratch, (const char *)data + at, end - at, IAD_TOKEN_ADDED, &ids, &err) != IAD_OK) {
                fprintf(stderr, "%s\n", err.msg);
                return 1;
            }
            tokens += ids.n;
            for (size_t i = 0; i < ids.n; i++) hash = (hash ^ (uint32_t)ids.ids[i]) * 0x100000001b3u;
            at = end;
        }
        double took = now() - start;
        if (took < best) best = took;
    }
    printf("ours tokens=%zu hash=%016llx seconds=%.4f MB_per_s=%.1f load_seconds=%.3f\n", tokens, (unsigned long long)hash, best,
           (double)n / best / 1e6, loaded);
    return 0;
}
