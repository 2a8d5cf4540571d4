/* iad-train: the three stages of training. */
#include "train/train_cmd.h"

int main(int argc, char **argv) {
    static const iad_command commands[] = {
        {.name = "run", .summary = "train a stage, or go on with one", .run = iad_cmd_train_run},
        {.name = "plan", .summary = "memory, computation and time of a run, before anything is allocated", .run = iad_cmd_train_plan},
        {.name = "export", .summary = "a checkpoint as a model folder in the Hugging Face layout", .run = iad_cmd_train_export},
        {.name = "inspect", .summary = "a record as the model takes it, or what a run's folder holds", .run = iad_cmd_train_inspect},
        {.name = "curve", .summary = "loss curves of runs as a page", .run = iad_cmd_train_curve},
        {.name = NULL}};
    return iad_app_main(argc, argv, "iad-train", IAD_VERSION, "trains few-shot anomaly detectors", commands);
}
