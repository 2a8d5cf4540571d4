/* Scores pictures against pictures of good parts. Build: cc inspect.c $(pkg-config --cflags --libs iadgpt)
 *     inspect MODEL GOOD[,GOOD...] QUERY... */
#include <iadgpt.h>
#include <stdio.h>
#include <string.h>

static int failed(const iadgpt_error *error) {
    fprintf(stderr, "inspect: %s\n", error->message);
    return 1;
}

int main(int argc, char **argv) {
    iadgpt_engine *engine;
    iadgpt_session *session;
    iadgpt_exemplars *exemplars;
    iadgpt_error error;
    if (argc < 4) {
        fprintf(stderr, "usage: inspect MODEL GOOD[,GOOD...] QUERY...\n");
        return 2;
    }
    if (iadgpt_engine_open(argv[1], NULL, &engine, &error) != IADGPT_OK) return failed(&error);
    if (iadgpt_session_new(engine, &session, &error) != IADGPT_OK) return failed(&error);

    iadgpt_picture good[16];
    int k = 0;
    for (char *path = argv[2], *comma; path && k < 16; path = comma) {
        comma = strchr(path, ',');
        if (comma) *comma++ = 0;
        if (iadgpt_picture_load(path, &good[k], &error) != IADGPT_OK) return failed(&error);
        k++;
    }
    if (iadgpt_exemplars_prepare(session, good, k, NULL, &exemplars, &error) != IADGPT_OK) return failed(&error);
    for (int i = 0; i < k; i++) iadgpt_picture_free(&good[i]);

    for (int i = 3; i < argc; i++) {
        iadgpt_picture part;
        iadgpt_result result;
        if (iadgpt_picture_load(argv[i], &part, &error) != IADGPT_OK) return failed(&error);
        if (iadgpt_inspect(session, exemplars, &part, 1, &result, &error) != IADGPT_OK) return failed(&error);
        printf("%s\t%.6f\t%d x %d cells\t%.1f ms\n", argv[i], result.score, result.grid_width, result.grid_height,
               result.timings.vision + result.timings.prefill);
        iadgpt_picture_free(&part);
    }
    iadgpt_exemplars_free(exemplars);
    iadgpt_session_free(session);
    iadgpt_engine_close(engine);
    return 0;
}
