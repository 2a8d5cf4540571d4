/* iad-synth: makes pictures and training records that nobody had to photograph. */
#include "synth/synth_cmd.h"

int main(int argc, char **argv) {
    static const iad_command commands[] = {
        {.name = "render",
         .summary = "render pictures of small products, good and defective, with masks",
         .run = iad_cmd_render},
        {.name = "tasks", .summary = "make training records of a stage from a manifest", .run = iad_cmd_tasks},
        {.name = NULL}};
    return iad_app_main(argc, argv, "iad-synth", IAD_VERSION, "synthetic data for anomaly detection", commands);
}
