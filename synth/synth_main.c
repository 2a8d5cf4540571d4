/* iad-synth: makes pictures and training records that nobody had to photograph. */
#include "synth/synth_cmd.h"

int main(int argc, char **argv) {
    static const iad_command commands[] = {
        {.name = "render",
         .summary = "render pictures of small products, good and defective, with masks",
         .run = iad_cmd_render},
        {.name = "caption", .summary = "captions of rendered pictures from the renderer's facts", .run = iad_cmd_caption},
        {.name = "anomalies", .summary = "draw recipes of defects for the good pictures of a manifest", .run = iad_cmd_anomalies},
        {.name = "preview", .summary = "a sheet of recipes: before, after, masks", .run = iad_cmd_preview},
        {.name = "files", .summary = "render recipes into files for other tools", .run = iad_cmd_files},
        {.name = "tasks", .summary = "make training records of a stage from a manifest", .run = iad_cmd_tasks},
        {.name = "export", .summary = "training records as files for other programs", .run = iad_cmd_export_tasks},
        {.name = "show", .summary = "records as a page to look at", .run = iad_cmd_show},
        {.name = NULL}};
    return iad_app_main(argc, argv, "iad-synth", IAD_VERSION, "synthetic data for anomaly detection", commands);
}
