/* iad-bench: measures how good anomaly scores and maps are. */
#include "bench/bench_cmd.h"

int main(int argc, char **argv) {
    static const iad_command commands[] = {
        {.name = "run", .summary = "score the test pictures of a manifest and measure", .run = iad_cmd_run},
        {.name = "score", .summary = "measure scores and maps that any other tool wrote", .run = iad_cmd_score},
        {.name = "presets", .summary = "the evaluation protocols and their rules", .run = iad_cmd_presets},
        {.name = "report", .summary = "write report.html of a result", .run = iad_cmd_report},
        {.name = "compare", .summary = "compare two results, or two score files", .run = iad_cmd_compare},
        {.name = "leaderboard", .summary = "published numbers, with an own result among them", .run = iad_cmd_leaderboard},
        {.name = "leak", .summary = "can synthetic pictures be told from real ones without the defect", .run = iad_cmd_leak},
        {.name = "words", .summary = "how near two texts are: cosine of sentence embeddings, ROUGE-L", .run = iad_cmd_words},
        {.name = "speed", .summary = "time our code beside what a user would run instead", .run = iad_cmd_speed},
        {.name = NULL}};
    return iad_app_main(argc, argv, "iad-bench", IAD_VERSION, "few-shot anomaly detection benchmark", commands);
}
