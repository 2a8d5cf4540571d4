/* iad-synth caption: captions of rendered pictures, from what the renderer drew. */
#include "base/app.h"
#include "manifests/manifest.h"
#include "synth/render/captionrun.h"
#include "synth/synth_cmd.h"

iad_status iad_synth_caption(iad_app *app, iad_manifest *manifest, const char *dataset, iad_err *err) {
    int64_t run_id = 0;
    iad_caption_counts counts = {0};
    IAD_TRY(iad_run_begin(manifest, "iad-synth caption", app->version, app->argv_text, NULL, 0, &run_id, err));
    iad_status status = iad_caption_run(manifest, dataset, &app->stop, &counts, err);
    iad_err end_err = IAD_ERR_NONE;
    iad_status ended = iad_run_end(manifest, run_id, status == IAD_OK ? "ok" : status == IAD_ERR_INTERRUPTED ? "interrupted" : "failed", NULL,
                                   &end_err);
    if (status == IAD_OK && ended != IAD_OK) {
        *err = end_err;
        status = ended;
    }
    if (counts.foreign) IAD_WARN(&app->log, "%zu pictures are of categories that no family has", counts.foreign);
    fprintf(stderr, "%s caption: pictures=%zu captioned=%zu present=%zu foreign=%zu added=%zu\n", app->program, counts.pictures, counts.captioned,
            counts.present,
            counts.foreign, counts.added);
    return status;
}

static const char help[] =
    "Captions the good pictures of a data set that iad-synth render made: what the product is, what it is made of, its structure or surface. "
    "The words are facts that the renderer drew the product from, in phrasings drawn by the picture's path. Pictures that have such captions are "
    "left as they are.";

int iad_cmd_caption(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *dataset = "rendered";
    iad_strings operands = {0};
    const iad_arg table[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "the manifest", .required = 1},
                             {.kind = IAD_ARG_STRING, .name = "dataset", .value = &dataset, .meta = "NAME", .help = "the rendered data set"},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {"caption", "captions of rendered pictures from the renderer's facts", "--db FILE [options]", help, iad_cmd_caption};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_manifest *manifest = NULL;
        iad_status status = operands.n ? IAD_FAIL(err, IAD_ERR_ARG, "caption takes no operands (\"%.60s\")", operands.items[0]) : IAD_OK;
        if (status == IAD_OK) status = iad_manifest_open(db, IAD_MANIFEST_WRITE, &manifest, err);
        if (status == IAD_OK) status = iad_synth_caption(app, manifest, dataset, err);
        iad_manifest_close(manifest);
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
