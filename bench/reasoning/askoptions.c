/* The option table of each task: an option that a task has no use for is none of its options. */
#include "bench/reasoning/asktask.h"

#include <string.h>

void iad_ask_options_init(iad_ask_options *o, iad_ask_kind kind) {
    static const int64_t tokens[IAD_ASK_KINDS] = {4096, 128, 64, 512, 1};
    *o = (iad_ask_options){.kind = kind,
                           .task = iad_ask_kind_name(kind),
                           .root = ".",
                           .classes = "all",
                           .templates = "random",
                           .rule = "first",
                           .yes_means = "normal",
                           .box_space = "resized",
                           .compute = "f32",
                           .shots = kind == IAD_ASK_MMAD,
                           .low = 1,
                           .stage = 3,
                           .max_tokens = tokens[kind],
                           .judge_prompt = "judge-two",
                           .judge_profile = "openai",
                           .judge_rpm = 0,
                           .judge_tries = 6,
                           .format = "table",
                           .gallery = 6};
    iad_scorer_options_init(&o->model);
}

static void put(iad_arg *table, size_t *n, const iad_arg *rows, size_t count) {
    memcpy(table + *n, rows, count * sizeof *rows);
    *n += count;
}
#define PUT(rows) put(table, &n, rows, sizeof(rows) / sizeof *(rows))

static void rows_of_files(iad_ask_options *o, iad_arg *table, size_t *at) {
    size_t n = *at;
    const iad_arg both[] = {
        {.kind = IAD_ARG_STRING,
         .name = "questions",
         .value = &o->questions,
         .meta = "FILE",
         .help = o->kind == IAD_ASK_MMAD ? "mmad.json, or a file of its form" : "visa_dr.json, or a file of its form",
         .required = o->kind == IAD_ASK_MMAD},
        {.kind = IAD_ARG_INT,
         .name = "limit",
         .value = &o->limit,
         .meta = "N",
         .help = "at most N pictures per category, 0 for all",
         .lo = 0,
         .hi = 1000000000},
        {.kind = IAD_ARG_STRING, .name = "root", .value = &o->root, .meta = "DIR", .help = "folder of the pictures that the questions name"}};
    const iad_arg mmad[] = {
        {.kind = IAD_ARG_INT, .name = "shots", .value = &o->shots, .meta = "K", .help = "templates shown with every question", .lo = 0, .hi = 8},
        {.kind = IAD_ARG_CHOICE,
         .name = "templates",
         .value = &o->templates,
         .choices = "random|similar",
         .help = "which of the two lists of the file"},
        {.kind = IAD_ARG_STRING,
         .name = "knowledge",
         .value = &o->knowledge,
         .meta = "FILE",
         .help = "domain_knowledge.json: what is known of the product is told first"}};
    const iad_arg visa[] = {{.kind = IAD_ARG_STRING,
                             .name = "detection",
                             .value = &o->detection,
                             .meta = "FILE",
                             .help = "test_data.json: asks whether there is a defect, too"},
                            {.kind = IAD_ARG_STRING,
                             .name = "question",
                             .value = &o->question,
                             .meta = "TEXT",
                             .help = "of the detection list (default: the published one); Yes means defective"},
                            {.kind = IAD_ARG_INT,
                             .name = "shots",
                             .value = &o->shots,
                             .meta = "K",
                             .help = "good pictures shown first; 0 in the published tables",
                             .lo = 0,
                             .hi = IAD_ASK_MAX_SHOTS},
                            {.kind = IAD_ARG_STRING,
                             .name = "exemplars",
                             .value = &o->exemplars,
                             .meta = "DIR",
                             .help = "with --shots: folder with a folder of good pictures per class"},
                            {.kind = IAD_ARG_INT,
                             .name = "low",
                             .value = &o->low,
                             .meta = "N",
                             .help = "first questions of a dialogue that are low-level, when the file does not say",
                             .lo = 0,
                             .hi = 64},
                            {.kind = IAD_ARG_CHOICE,
                             .name = "classes",
                             .value = &o->classes,
                             .choices = "all|published",
                             .help = "published: without pcb2 and pcb4, as the authors' scripts"}};
    PUT(both);
    if (o->kind == IAD_ASK_MMAD) PUT(mmad);
    else PUT(visa);
    *at = n;
}

static void rows_of_manifest(iad_ask_options *o, iad_arg *table, size_t *at) {
    size_t n = *at;
    const iad_arg db[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &o->db, .meta = "FILE", .help = "manifest", .required = 1},
                          {.kind = IAD_ARG_INT,
                           .name = "limit",
                           .value = &o->limit,
                           .meta = "N",
                           .help = "at most N pictures per category (records in all), 0 for all",
                           .lo = 0,
                           .hi = 1000000000}};
    const iad_arg pictures[] = {
        {.kind = IAD_ARG_LIST, .name = "dataset", .value = &o->datasets, .meta = "NAME,...", .help = "only these data sets"},
        {.kind = IAD_ARG_LIST, .name = "category", .value = &o->categories, .meta = "NAME,...", .help = "only these categories"},
        {.kind = IAD_ARG_STRING,
         .name = "split",
         .value = &o->scheme,
         .meta = "SCHEME",
         .help = "named split of the manifest instead of the source's"},
        {.kind = IAD_ARG_INT,
         .name = "shots",
         .value = &o->shots,
         .meta = "K",
         .help = "good pictures shown first",
         .lo = 0,
         .hi = IAD_ASK_MAX_SHOTS},
        {.kind = IAD_ARG_STRING,
         .name = "refs",
         .value = &o->rule,
         .meta = "RULE",
         .help = "how they are chosen; iad-manifest refs --help lists the rules"},
        {.kind = IAD_ARG_INT, .name = "seed", .value = &o->seed, .meta = "N", .help = "exemplar seed", .lo = 0, .hi = INT64_MAX}};
    const iad_arg yesno[] = {
        {.kind = IAD_ARG_STRING, .name = "question", .value = &o->question, .meta = "TEXT", .help = "instead of the canonical one"},
        {.kind = IAD_ARG_CHOICE, .name = "yes-means", .value = &o->yes_means, .choices = "normal|defective", .help = "what Yes says to --question"}};
    const iad_arg boxes[] = {{.kind = IAD_ARG_STRING,
                              .name = "question",
                              .value = &o->question,
                              .meta = "TEXT",
                              .help = "instead of our own, which asks for a JSON list with bbox_2d"},
                             {.kind = IAD_ARG_CHOICE,
                              .name = "box-space",
                              .value = &o->box_space,
                              .choices = "resized|source|norm1000",
                              .help = "what numbers in answers count: pixels as the model saw the picture, as it is given, or thousandths"}};
    const iad_arg loss[] = {
        {.kind = IAD_ARG_INT, .name = "stage", .value = &o->stage, .meta = "N", .help = "of the held-out records", .lo = 1, .hi = 3},
        {.kind = IAD_ARG_LIST,
         .name = "records",
         .value = &o->records,
         .meta = "NAME,...",
         .help = "only records of these names (default s3_reason in stage 3: Anomaly-Instruct and its like)"},
        {.kind = IAD_ARG_CHOICE, .name = "compute", .value = &o->compute, .choices = "f32|bf16", .help = "number format of products"}};
    PUT(db);
    if (o->kind == IAD_ASK_LOSS) PUT(loss);
    else PUT(pictures);
    if (o->kind == IAD_ASK_YESNO) PUT(yesno);
    if (o->kind == IAD_ASK_BOXES) PUT(boxes);
    *at = n;
}

static void rows_of_model(iad_ask_options *o, iad_arg *table, size_t *at) {
    size_t n = *at;
    const iad_arg always[] = {
        {.kind = IAD_ARG_STRING, .name = "model", .value = &o->model.model, .meta = "DIR", .help = "checkpoint directory of the model that is asked"},
        {.kind = IAD_ARG_STRING, .name = "device", .value = &o->model.device, .meta = "NAME", .help = "cpu, cuda, cuda:N, reference"},
        {.kind = IAD_ARG_STRING,
         .name = "answers",
         .value = &o->answers,
         .meta = "FILE",
         .help = "answers of any other system instead: JSON lines with id and answer"}};
    const iad_arg words[] = {
        {.kind = IAD_ARG_STRING, .name = "weights", .value = &o->model.weights, .meta = "KIND", .help = "auto, f32, bf16 or int8"},
        {.kind = IAD_ARG_STRING,
         .name = "vision-weights",
         .value = &o->model.vision_weights,
         .meta = "KIND",
         .help = "the same for the vision tower"},
        {.kind = IAD_ARG_STRING,
         .name = "image-size",
         .value = &o->model.image_size,
         .meta = "WxH",
         .help = "multiples of 28, or native (default: as the checkpoint says)"},
        {.kind = IAD_ARG_INT, .name = "max-tokens", .value = &o->max_tokens, .meta = "N", .help = "longest answer", .lo = 1, .hi = 65536}};
    PUT(always);
    if (o->kind != IAD_ASK_LOSS) PUT(words);
    *at = n;
}

static void rows_of_judge(iad_ask_options *o, iad_arg *table, size_t *at) {
    size_t n = *at;
    const iad_arg rows[] = {
        {.kind = IAD_ARG_STRING,
         .name = "sbert",
         .value = &o->sbert,
         .meta = "DIR",
         .help = "sentence model for the cosine of answer and reference; without it that column is empty"},
        {.kind = IAD_ARG_STRING,
         .name = "judge",
         .value = &o->judge,
         .meta = "URL",
         .help = "ask a judge at this OpenAI-compatible service, up to and with /v1"},
        {.kind = IAD_ARG_STRING,
         .name = "judge-model",
         .value = &o->judge_model,
         .meta = "NAME",
         .help = "the judge; without --judge its requests are written to OUT/judge-requests.jsonl"},
        {.kind = IAD_ARG_LIST,
         .name = "judge-replies",
         .value = &o->judge_replies,
         .meta = "FILE,...",
         .help = "replies to those requests: results of a batch service, or lines with unit and reply"},
        {.kind = IAD_ARG_STRING,
         .name = "judge-prompt",
         .value = &o->judge_prompt,
         .meta = "ID|FILE",
         .help = "judge-two (reference and answer), judge-one (the answer alone), or a file"},
        {.kind = IAD_ARG_CHOICE,
         .name = "judge-profile",
         .value = &o->judge_profile,
         .choices = "dashscope|openai|vllm|sglang|llamacpp|iadgpt",
         .help = "kind of service: its quotas"},
        {.kind = IAD_ARG_STRING, .name = "judge-key-env", .value = &o->key_env, .meta = "NAME", .help = "environment variable that holds the key"},
        {.kind = IAD_ARG_FLOAT,
         .name = "judge-rpm",
         .value = &o->judge_rpm,
         .meta = "N",
         .help = "requests per minute, 0: as the kind of service",
         .flo = 0,
         .fhi = 1e6},
        {.kind = IAD_ARG_INT,
         .name = "judge-concurrency",
         .value = &o->judge_concurrency,
         .meta = "N",
         .help = "open requests at most, 0: as the kind of service",
         .lo = 0,
         .hi = 1000},
        {.kind = IAD_ARG_INT,
         .name = "judge-tries",
         .value = &o->judge_tries,
         .meta = "N",
         .help = "of one request on trouble that passes",
         .lo = 1,
         .hi = 100}};
    if (o->kind == IAD_ASK_REASONING) PUT(rows);
    *at = n;
}

void iad_ask_options_rows(iad_ask_options *o, iad_arg *table) {
    size_t n = 0;
    const iad_arg head[] = {{.kind = IAD_ARG_CHOICE,
                             .name = "task",
                             .value = &o->task,
                             .choices = "detect|reasoning|mmad|yesno|boxes|instruct-loss",
                             .help = "what is run; each has options of its own"}};
    const iad_arg tail[] = {
        {.kind = IAD_ARG_LIST, .name = "min", .value = &o->gates, .meta = "FIGURE=VALUE", .help = "exit 1 when a figure of results.json is below"},
        {.kind = IAD_ARG_STRING,
         .name = "out",
         .value = &o->out,
         .meta = "DIR",
         .help = "answers.jsonl, results.json and report.html go here",
         .required = 1},
        {.kind = IAD_ARG_CHOICE, .name = "format", .value = &o->format, .choices = "table|tsv|markdown|json", .help = "of the tables on stdout"},
        {.kind = IAD_ARG_INT,
         .name = "gallery",
         .value = &o->gallery,
         .meta = "N",
         .help = "pictures per category in the report",
         .lo = 0,
         .hi = 10000},
        {.kind = IAD_ARG_FLAG, .name = "restart", .value = &o->restart, .help = "forget stored answers"},
        {.kind = IAD_ARG_FLAG, .name = "no-report", .value = &o->no_report, .help = "do not write report.html"},
        {.kind = IAD_ARG_END}};
    PUT(head);
    if (o->kind == IAD_ASK_REASONING || o->kind == IAD_ASK_MMAD) rows_of_files(o, table, &n);
    else rows_of_manifest(o, table, &n);
    rows_of_model(o, table, &n);
    rows_of_judge(o, table, &n);
    PUT(tail);
}

iad_status iad_ask_options_check(const iad_ask_options *o, iad_err *err) {
    if (!o->model.model == !o->answers)
        return IAD_FAIL(err, IAD_ERR_ARG, "give the model to be asked (--model DIR) or those of another tool (--answers FILE)");
    if (o->answers && o->restart) return IAD_FAIL(err, IAD_ERR_ARG, "--restart forgets answers of --model; --answers is only read");
    if (o->kind == IAD_ASK_REASONING) {
        if (!o->questions && !o->detection) return IAD_FAIL(err, IAD_ERR_ARG, "give --questions, --detection or both");
        if ((o->shots > 0) != (o->exemplars != NULL)) return IAD_FAIL(err, IAD_ERR_ARG, "--shots and --exemplars belong together");
        if (o->question && !o->detection) return IAD_FAIL(err, IAD_ERR_ARG, "--question is that of --detection");
        if ((o->judge || o->judge_replies.n) && !o->judge_model)
            return IAD_FAIL(err, IAD_ERR_ARG, "--judge-model is needed: the result names the judge");
        if (o->key_env && !o->judge) return IAD_FAIL(err, IAD_ERR_ARG, "--judge-key-env goes with --judge");
    }
    if (o->kind == IAD_ASK_YESNO && !o->question && strcmp(o->yes_means, "defective") == 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "--yes-means defective needs a --question of its own: the canonical one asks whether the part is normal");
    return IAD_OK;
}

void iad_ask_options_deinit(iad_ask_options *o) {
    iad_strings_deinit(&o->datasets);
    iad_strings_deinit(&o->categories);
    iad_strings_deinit(&o->records);
    iad_strings_deinit(&o->judge_replies);
    iad_strings_deinit(&o->gates);
}
