/* iad-manifest export */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "manifests/cmd.h"
#include "manifests/export/export.h"
#include "manifests/export/export_captions.h"

#define MAX_LIST_BYTES (2047u * 1024u * 1024u)

static void show_trouble(void *user, const char *path, const char *reason) {
    const iad_app *app = user;
    IAD_WARN(&app->log, "%s: not exported: %s", path, reason);
}

static int index_of(const char *word, const char *const *words) {
    int i = 0;
    while (strcmp(word, words[i]) != 0) i++;
    return i;
}

static int export_all(iad_app *app, const char *db, iad_export_options *options, iad_err *err) {
    iad_manifest *manifest = NULL;
    iad_export_counts counts = {0};
    iad_buf list;
    iad_buf_init(&list, MAX_LIST_BYTES);
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &manifest, err);
    if (status == IAD_OK) status = iad_export_run(manifest, options, &list, &counts, err);
    if (status == IAD_OK && options->format != IAD_EXPORT_MVTEC) {
        char path[IAD_PATH_MAX];
        if (options->out)
            status = iad_path_join(path, sizeof path, options->out, iad_export_list_name(options->format), err);
        if (status == IAD_OK)
            status = options->out ? iad_file_write(path, iad_buf_str(&list), list.len, err)
                                  : iad_app_print(iad_buf_str(&list), list.len, err);
    }
    if (status == IAD_OK)
        fprintf(stderr, "%s export: pictures=%zu masks=%zu skipped=%zu failed=%zu\n", app->program, counts.pictures,
                counts.masks, counts.skipped, counts.failed);
    iad_buf_deinit(&list);
    iad_manifest_close(manifest);
    return status != IAD_OK ? iad_app_exit_code(status) : counts.failed ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
}

static int export_captions(iad_app *app, const char *db, const iad_caption_export *options, const char *out, iad_err *err) {
    iad_manifest *manifest = NULL;
    char path[IAD_PATH_MAX];
    int64_t n = 0;
    iad_buf list;
    iad_buf_init(&list, MAX_LIST_BYTES);
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &manifest, err);
    if (status == IAD_OK) status = iad_export_captions(manifest, options, &list, &n, err);
    if (status == IAD_OK && out) status = iad_path_join(path, sizeof path, out, iad_export_captions_name(options->format), err);
    if (status == IAD_OK)
        status = out ? iad_file_write(path, iad_buf_str(&list), list.len, err) : iad_app_print(iad_buf_str(&list), list.len, err);
    if (status == IAD_OK) fprintf(stderr, "%s export: captions=%lld bytes=%zu\n", app->program, (long long)n, list.len);
    iad_buf_deinit(&list);
    iad_manifest_close(manifest);
    return iad_app_exit_code(status);
}

int iad_cmd_export(iad_app *app, int argc, char **argv, iad_err *err) {
    static const char *const formats[] = {"tsv", "csv", "jsonl", "mvtec", "captions-llava", "captions-messages",
                                          "captions-jsonl", "captions-tsv", NULL}, *const kinds[] = {"none", "copy",
                                                                                                   "hardlink",
                                                                                                   "symlink", NULL};
    const char *db = NULL, *format = "tsv", *files = NULL;
    iad_strings categories = {0}, operands = {0};
    iad_export_options options = {.categories = &categories, .trouble = show_trouble, .user = app, .stop = &app->stop};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_CHOICE,
         .name = "format",
         .value = &format,
         .choices = "tsv|csv|jsonl|mvtec|captions-llava|captions-messages|captions-jsonl|captions-tsv",
         .help = "form; captions-...: pictures with their texts, for trainers of vision-language models"},
        {.kind = IAD_ARG_STRING,
         .name = "out",
         .value = &options.out,
         .meta = "DIR",
         .help = "folder to write; without it a list goes to standard output"},
        {.kind = IAD_ARG_CHOICE,
         .name = "files",
         .value = &files,
         .choices = "none|copy|hardlink|symlink",
         .help = "how pictures get to DIR (with --out: copy, else none); none: the list only, without masks"},
        {.kind = IAD_ARG_STRING,
         .name = "dataset",
         .value = &options.dataset,
         .meta = "NAME",
         .help = "which data set, when there are several"},
        {.kind = IAD_ARG_LIST,
         .name = "category",
         .value = &categories,
         .meta = "NAME,...",
         .help = "only these categories"},
        {.kind = IAD_ARG_STRING,
         .name = "split",
         .value = &options.scheme,
         .meta = "NAME",
         .help = "named split instead of the source's"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "export",
        .usage = "--db FILE [--format F] [--out DIR] [options]",
        .help =
            "Writes a data set's pictures as a list (path, label, split, defect, mask, hash ...) that iad-manifest"
            " ingest --adapter list reads "
            "back, or in MVTec AD's folders. Files that changed since they were taken in are named and left out. Captions: pictures are named "
            "DATASET/PATH, every record names where its text came from."};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = iad_cmd_operands(&operands, 0, 0, "", err);
    if (code < 0) {
        const int which = index_of(format, formats);
        const int captions = which > IAD_EXPORT_MVTEC;
        options.format = captions ? IAD_EXPORT_JSONL : (iad_export_format)which;
        options.files = (iad_export_files)index_of(files ? files : options.out ? "copy" : "none", kinds);
        if (captions && ((files && options.files != IAD_EXPORT_NONE) || options.scheme))
            code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "captions go without --files and --split: export the pictures by themselves"));
        else if (captions)
            code = export_captions(app, db,
                                   &(iad_caption_export){.format = (iad_caption_format)(which - IAD_EXPORT_MVTEC - 1),
                                                         .dataset = options.dataset,
                                                         .categories = &categories},
                                   options.out, err);
        else if (options.format == IAD_EXPORT_MVTEC && !options.out)
            code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "mvtec folders need --out DIR"));
        else code = export_all(app, db, &options, err);
    }
    iad_strings_deinit(&operands);
    iad_strings_deinit(&categories);
    return code;
}
