/* iad-manifest gallery */
#include <stdio.h>

#include "base/file.h"
#include "base/progress.h"
#include "manifests/cmd.h"
#include "manifests/gallery.h"

static void count(void *user, size_t done, size_t failed) {
    iad_progress_add(user, done, failed);
}

static int make_page(iad_app *app, const char *db, const char *out, iad_gallery_options *options, iad_err *err) {
    iad_manifest *manifest = NULL;
    iad_gallery_counts counts = {0};
    iad_progress progress;
    iad_buf html;
    iad_buf_init(&html, IAD_GALLERY_MAX_BYTES);
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &manifest, err);
    if (status == IAD_OK) {
        iad_progress_start(&progress, "thumbnails", 0, app->quiet);
        options->progress = count;
        options->user = &progress;
        status = iad_gallery_html(manifest, options, &html, &counts, err);
        iad_progress_end(&progress);
    }
    if (status == IAD_OK) status = iad_file_write(out, html.data, html.len, err);
    if (status == IAD_OK)
        fprintf(stderr, "%s gallery: out=%s categories=%zu pictures=%zu failed=%zu bytes=%zu\n", app->program, out,
                counts.categories, counts.pictures, counts.failed, html.len);
    iad_buf_deinit(&html);
    iad_manifest_close(manifest);
    return status != IAD_OK ? iad_app_exit_code(status) : counts.failed ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
}

int iad_cmd_gallery(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *out = NULL;
    int64_t limit = 60, side = 160, quality = 82;
    iad_strings categories = {0}, operands = {0};
    iad_gallery_options options = {.categories = &categories, .stop = &app->stop};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &out, .meta = "FILE", .help = "the page", .required = 1},
        {.kind = IAD_ARG_STRING,
         .name = "dataset",
         .value = &options.dataset,
         .meta = "NAME",
         .help = "only this data set"},
        {.kind = IAD_ARG_LIST,
         .name = "category",
         .value = &categories,
         .meta = "NAME,...",
         .help = "only these categories"},
        {.kind = IAD_ARG_STRING,
         .name = "split",
         .value = &options.scheme,
         .meta = "NAME",
         .help = "only pictures of this named split"},
        {.kind = IAD_ARG_INT,
         .name = "limit",
         .value = &limit,
         .meta = "N",
         .help = "pictures per category, spread over parts and defects",
         .lo = 1,
         .hi = 1000000},
        {.kind = IAD_ARG_INT,
         .name = "side",
         .value = &side,
         .meta = "PX",
         .help = "longest side of a thumbnail",
         .lo = 16,
         .hi = 1024},
        {.kind = IAD_ARG_INT,
         .name = "quality",
         .value = &quality,
         .meta = "Q",
         .help = "JPEG quality of the thumbnails",
         .lo = 1,
         .hi = 100},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "gallery",
        .usage = "--db FILE --out PAGE.html [options]",
        .help =
            "Writes one HTML page without outside parts: thumbnails by category with label, defect and outlined"
            " ground truth."};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = iad_cmd_operands(&operands, 0, 0, "", err);
    if (code < 0) {
        options.per_category = (int)limit;
        options.side = (int)side;
        options.quality = (int)quality;
        options.threads = (int)app->threads;
        code = make_page(app, db, out, &options, err);
    }
    iad_strings_deinit(&operands);
    iad_strings_deinit(&categories);
    return code;
}
