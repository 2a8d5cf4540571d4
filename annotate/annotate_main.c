/* iad-annotate: descriptions of pictures from a vision-language model. */
#include "annotate/cmd_annotate.h"

int main(int argc, char **argv) {
    static const iad_command commands[] = {
        {.name = "run", .summary = "ask about every picture until it has texts that pass the checks", .run = iad_cmd_annotate_run},
        {.name = "batch", .summary = "the same through the provider's batch service, at half the price", .run = iad_cmd_annotate_batch},
        {.name = "status", .summary = "how far it is", .run = iad_cmd_annotate_status},
        {.name = "cost", .summary = "tokens and money by model and prompt", .run = iad_cmd_annotate_cost},
        {.name = "report", .summary = "verdicts by prompt, model, category; texts that repeat; the audit", .run = iad_cmd_annotate_report},
        {.name = "show", .summary = "one HTML page of pictures, texts and flags, to choose what to reject", .run = iad_cmd_annotate_show},
        {.name = "accept", .summary = "take answers whatever the checks said", .run = iad_cmd_annotate_accept},
        {.name = "reject", .summary = "refuse answers; the next run asks again", .run = iad_cmd_annotate_reject},
        {.name = "export", .summary = "pictures with texts, for other trainers", .run = iad_cmd_annotate_export},
        {.name = NULL}};
    return iad_app_main(argc, argv, "iad-annotate", IAD_VERSION, "descriptions of pictures from any vision-language model, checked and traced",
                        commands);
}
