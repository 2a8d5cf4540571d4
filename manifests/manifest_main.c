/* iad-manifest: makes, fills, checks and shows manifests. */
#include "manifests/cmd.h"

int main(int argc, char **argv) {
    static const iad_command commands[] = {
        {.name = "init", .summary = "make an empty manifest, or bring an old one up to date", .run = iad_cmd_init},
        {.name = "ingest", .summary = "take in a data set: pictures, labels, masks", .run = iad_cmd_ingest},
        {.name = "check", .summary = "verify every rule that a manifest keeps, and leakage", .run = iad_cmd_check},
        {.name = "stats", .summary = "count pictures, labels, defects, masks", .run = iad_cmd_stats},
        {.name = "show", .summary = "everything known about one picture, category, task ...", .run = iad_cmd_show},
        {.name = "refs", .summary = "choose exemplars by a rule and store them", .run = iad_cmd_refs},
        {.name = "merge", .summary = "join manifests that were made elsewhere", .run = iad_cmd_merge},
        {.name = "export", .summary = "write lists or MVTec folders", .run = iad_cmd_export},
        {.name = "gallery", .summary = "one HTML page of thumbnails with outlines", .run = iad_cmd_gallery},
        {.name = NULL}};
    return iad_app_main(argc, argv, "iad-manifest", IAD_VERSION, "the manifest of pictures, labels, masks and texts",
                        commands);
}
