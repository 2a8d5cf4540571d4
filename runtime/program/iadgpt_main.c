/* iadgpt: few-shot anomaly detection by a Qwen2.5-VL checkpoint. One command, one line below. */
#include "runtime/program/program.h"

int main(int argc, char **argv) {
    static const iad_command commands[] = {
        {.name = "inspect", .summary = "score pictures against pictures of good parts", .run = iad_cmd_inspect},
        {.name = "ask", .summary = "ask the model about pictures, or continue a chat", .run = iad_cmd_ask},
        {.name = "prepare", .summary = "make an exemplar file from pictures of good parts", .run = iad_cmd_prepare},
        {.name = "serve", .summary = "answer inspections and chats over HTTP", .run = iad_cmd_serve},
        {.name = "selftest", .summary = "check this build and device against known numbers", .run = iad_cmd_selftest},
        {.name = "info", .summary = "what a model is, and the memory that a request needs", .run = iad_cmd_info},
        {.name = "new-model", .summary = "write a random model of a given size", .run = iad_cmd_new_model},
        {.name = "train-tokenizer", .summary = "make a small tokenizer from texts", .run = iad_cmd_train_tokenizer},
        {.name = "tokenize", .summary = "turn text into token ids and back", .run = iad_cmd_tokenize},
        {.name = "quantize", .summary = "store a model's matrices in 8 bits", .run = iad_cmd_quantize},
        {.name = "compare", .summary = "hold every stage against stored activations of another implementation", .run = iad_cmd_compare},
        {.name = NULL}};
    return iad_app_main(argc, argv, "iadgpt", IAD_VERSION, "few-shot anomaly detection with Qwen2.5-VL", commands);
}
