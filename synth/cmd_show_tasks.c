/* iad-synth show: records as a page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "manifests/query.h"
#include "synth/synth_cmd.h"
#include "synth/task/showpage.h"

enum { MAX_PAGE = 1 << 30, MAX_GALLERY = 2000 };

typedef struct ranked { int64_t id; uint64_t weight; } ranked;

static int by_weight(const void *a, const void *b) {
    const ranked *p = a, *q = b;
    return p->weight != q->weight ? (p->weight > q->weight) - (p->weight < q->weight) : (p->id > q->id) - (p->id < q->id);
}

/* The records whose hash with the seed is smallest. */
static iad_status choose(iad_manifest *manifest, int64_t stage, const char *kind, uint64_t seed, ranked **list, size_t *n, iad_err *err) {
    iad_query q;
    size_t cap = 0;
    IAD_TRY(iad_query_open(&q, manifest, "task",
                           "SELECT id,coalesce(external_id,id) FROM task WHERE (?1=0 OR stage=?1) AND (?2 IS NULL OR task=?2) ORDER BY id", err));
    iad_query_i64(&q, stage);
    iad_query_text(&q, kind);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        const char *external = iad_query_col_text(&q, 1);
        status = iad_grow((void **)list, &cap, *n + 1, sizeof **list, (size_t)1 << 32, "records", err);
        if (status == IAD_OK) (*list)[(*n)++] = (ranked){iad_query_col_i64(&q, 0), iad_rng_subseed(seed, external ? external : "", 0)};
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK) status = closed;
    if (status == IAD_OK && *n == 0) status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no such records: iad-synth tasks makes them");
    if (status == IAD_OK) qsort(*list, *n, sizeof **list, by_weight);
    return status;
}

static iad_status show(iad_manifest *manifest, const ranked *list, size_t n, int side, const char *path, size_t *broken, iad_err *err) {
    iad_picture_store *store = NULL;
    iad_picture_loader *loader = NULL;
    iad_buf page;
    iad_buf_init(&page, MAX_PAGE);
    iad_status status = iad_picture_store_new((size_t)256 << 20, IAD_WORK_MAX_SIDE, &store, err);
    if (status == IAD_OK) status = iad_picture_loader_new(store, manifest, &loader, err);
    if (status == IAD_OK) status = iad_show_head(n == 1 ? "A training record" : "Training records", &page, err);
    for (size_t i = 0; status == IAD_OK && i < n; i++) {
        iad_task_view view;
        status = iad_task_view_load(manifest, list[i].id, &view, err);
        if (status == IAD_OK) {
            status = iad_show_record(manifest, loader, &view, side, broken, &page, err);
            iad_task_view_deinit(&view);
        }
    }
    if (status == IAD_OK) status = iad_show_foot(&page, err);
    if (status == IAD_OK) status = iad_file_write(path, page.data, page.len, err);
    iad_picture_loader_free(loader);
    iad_picture_store_free(store);
    iad_buf_deinit(&page);
    return status;
}

int iad_cmd_show(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *html = NULL, *kind = NULL, *seed_text = "1";
    int64_t task = 0, gallery = 12, stage = 0, side = 320;
    iad_strings operands = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "the manifest", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "html", .value = &html, .meta = "FILE", .help = "the page", .required = 1},
        {.kind = IAD_ARG_INT, .name = "task", .value = &task, .meta = "ID", .help = "this record", .lo = 0, .hi = INT64_MAX},
        {.kind = IAD_ARG_INT, .name = "gallery", .value = &gallery, .meta = "N",
         .help = "so many records by chance, when no --task is given", .lo = 1, .hi = MAX_GALLERY},
        {.kind = IAD_ARG_STRING, .name = "seed", .value = &seed_text, .meta = "N", .help = "which ones"},
        {.kind = IAD_ARG_INT, .name = "stage", .value = &stage, .meta = "N", .help = "only of this stage; 0: all", .lo = 0, .hi = 3},
        {.kind = IAD_ARG_STRING, .name = "kind", .value = &kind, .meta = "NAME", .help = "only of this kind, e.g. s3_detect"},
        {.kind = IAD_ARG_INT, .name = "side", .value = &side, .meta = "PX", .help = "longer side of the pictures", .lo = 32, .hi = 2048},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "show",
                              .usage = "[options] --db FILE --html FILE",
                              .help = "Writes records as a page that needs no other file: pictures with their small changes as the model will\n"
                                      "see them, mask and boxes, marked words, answer, facts.",
                              .run = iad_cmd_show};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_manifest *manifest = NULL;
        ranked *list = NULL;
        size_t n = 0, broken = 0;
        uint64_t seed = 1;
        const ranked one = {task, 0};
        iad_status status = operands.n ? IAD_FAIL(err, IAD_ERR_ARG, "show takes no operands (\"%.60s\")", operands.items[0])
                                       : iad_parse_u64(seed_text, &seed, "--seed", err);
        if (status == IAD_OK) status = iad_manifest_open(db, IAD_MANIFEST_READ, &manifest, err);
        if (status == IAD_OK && !task) status = choose(manifest, stage, kind, seed, &list, &n, err);
        if (status == IAD_OK)
            status = show(manifest, task ? &one : list, task ? 1 : n < (size_t)gallery ? n : (size_t)gallery, (int)side, html, &broken, err);
        if (status == IAD_OK && broken) IAD_WARN(&app->log, "%zu pictures could not be shown; the page says why", broken);
        free(list);
        iad_manifest_close(manifest);
        code = status != IAD_OK ? iad_app_exit_code(status) : broken ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
    }
    iad_strings_deinit(&operands);
    return code;
}
