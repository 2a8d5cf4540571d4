/* iad-crawl gallery */
#include <stdio.h>

#include "base/file.h"
#include "crawl/cmd_crawl.h"
#include "crawl/session/rejectcrawl.h"

#define MAX_PAGE (1u << 30)

static int make(iad_app *app, const char *db, const char *out, const iad_crawl_gallery_options *options, iad_err *err) {
    iad_manifest *m = NULL;
    iad_buf html;
    int64_t shown = 0;
    iad_buf_init(&html, MAX_PAGE);
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &m, err);
    if (status == IAD_OK) status = iad_crawl_gallery(m, options, &html, &shown, err);
    if (status == IAD_OK) status = iad_file_write(out, html.data, html.len, err);
    if (status == IAD_OK) fprintf(stderr, "%s gallery: pictures=%lld bytes=%zu out=%s\n", app->program, (long long)shown, html.len, out);
    iad_buf_deinit(&html);
    iad_manifest_close(m);
    return iad_app_exit_code(status);
}

int iad_cmd_crawl_gallery(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *out = NULL;
    int64_t limit = 40, side = 160, quality = 80;
    int rejected = 0;
    iad_strings operands = {0}, categories = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &out, .meta = "PAGE.html", .help = "page to write", .required = 1},
        {.kind = IAD_ARG_LIST, .name = "categories", .value = &categories, .meta = "NAME,...", .help = "only these"},
        {.kind = IAD_ARG_INT, .name = "limit", .value = &limit, .meta = "N", .help = "pictures per category", .lo = 1, .hi = 1000000},
        {.kind = IAD_ARG_INT, .name = "side", .value = &side, .meta = "PX", .help = "longest side of a thumbnail", .lo = 16, .hi = 1024},
        {.kind = IAD_ARG_INT, .name = "quality", .value = &quality, .meta = "Q", .help = "JPEG quality of the thumbnails", .lo = 1, .hi = 100},
        {.kind = IAD_ARG_FLAG, .name = "rejected", .value = &rejected, .help = "show what was judged unfit instead"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "gallery",
        .usage = "--db FILE --out PAGE.html [options]",
        .help = "One page without outside parts. Ticked pictures are listed at its end: save the list and give it to `iad-crawl reject --ids`."};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    iad_crawl_gallery_options options = {
        .categories = &categories, .per_category = (int)limit, .side = (int)side, .quality = (int)quality, .rejected = rejected};
    if (code < 0) code = make(app, db, out, &options, err);
    iad_strings_deinit(&operands);
    iad_strings_deinit(&categories);
    return code;
}
