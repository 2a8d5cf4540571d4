/* iad-bench run --task reasoning|mmad|yesno|boxes|instruct-loss: questions to a model, or the answers of any other system, and their scores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/client/profile.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "bench/bench_cmd.h"
#include "bench/benchoptions.h"
#include "bench/jsonwrite.h"
#include "bench/reasoning/askrun.h"
#include "bench/reasoning/asktask.h"
#include "bench/reasoning/judgeclient.h"
#include "bench/reasoning/reasonresult.h"
#include "bench/reasoning/scoresbert.h"
#include "bench/reasoning/scoretable.h"

typedef struct question_run {
    iad_app *app;
    iad_ask_options o;
    iad_asks asks;
    iad_sayings said;
    iad_scorebook book;
    json_t *results, *failed;
    size_t asked;
    char system[300];
    int code; /* of a run whose answers are there */
} question_run;

static iad_status out_path(const question_run *s, const char *name, char path[IAD_PATH_MAX], iad_err *err) {
    return iad_path_join(path, IAD_PATH_MAX, s->o.out, name, err);
}

/* ---- answers ---- */

static iad_status write_timings(question_run *s, const iad_respondent *respondent, double wall, iad_err *err) {
    iad_respondent_figures f = iad_respondent_figures_get(respondent);
    char path[IAD_PATH_MAX];
    iad_buf text;
    json_t *timings = NULL;
    if (f.asked == 0) return IAD_OK;
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_int(&w, "threads", (long long)s->app->threads);
    iad_jsonw_int(&w, "asked", (long long)f.asked);
    iad_jsonw_num(&w, "wall_seconds", wall);
    iad_jsonw_num(&w, "prompt_seconds", f.seconds_prompt);
    iad_jsonw_num(&w, "answer_seconds", f.seconds_answer);
    iad_jsonw_int(&w, "prompt_tokens", (long long)f.prompt_tokens);
    iad_jsonw_int(&w, "reused_tokens", (long long)f.reused_tokens);
    iad_jsonw_int(&w, "answer_tokens", (long long)f.answer_tokens);
    IAD_TRY(iad_jsonw_finish(&w, &timings, err));
    iad_buf_init(&text, 1u << 16);
    iad_status status = out_path(s, "timings.json", path, err);
    if (status == IAD_OK) status = iad_json_pretty(timings, &text, err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    iad_buf_deinit(&text);
    json_decref(timings);
    return status;
}

/* Everything that has no answer yet, into answers.jsonl. */
static iad_status ask(question_run *s, iad_ask_run *run, const char *system, iad_err *err) {
    char path[IAD_PATH_MAX], key[65];
    iad_text_copy(s->system, sizeof s->system, system);
    IAD_TRY(out_path(s, "answers.jsonl", path, err));
    IAD_TRY(iad_asks_key(&s->asks, key, err));
    IAD_TRY(iad_answer_file_open(path, iad_ask_kind_name(s->o.kind), key, system, s->o.restart, &s->said, &run->file, err));
    iad_status status = iad_ask_run_all(run, err);
    iad_status closed = iad_answer_file_close(run->file, status == IAD_OK ? err : NULL);
    return status == IAD_OK ? closed : status;
}

static iad_status ask_model(question_run *s, iad_progress *progress, iad_err *err) {
    iad_ask_run run = {.asks = &s->asks, .said = &s->said, .stop = &s->app->stop, .progress = progress, .failed = s->failed};
    iad_status status;
    double started = iad_clock();
    s->o.model.threads = (int)s->app->threads;
    if (s->o.kind == IAD_ASK_LOSS) {
        const iad_loss_options options = {.db = s->o.db,
                                          .model = s->o.model.model,
                                          .device = s->o.model.device,
                                          .stage = (int)s->o.stage,
                                          .threads = s->o.model.threads,
                                          .compute = s->o.compute};
        status = iad_lossmeter_open(&options, &run.meter, err);
        if (status == IAD_OK) status = ask(s, &run, iad_lossmeter_name(run.meter), err);
    } else {
        status = iad_respondent_open(&s->o.model, (int)s->o.max_tokens, &s->app->stop, &run.respondent, err);
        if (status == IAD_OK) status = ask(s, &run, iad_respondent_name(run.respondent), err);
        if (status == IAD_OK) status = write_timings(s, run.respondent, iad_clock() - started, err);
    }
    s->asked = run.asked;
    iad_respondent_close(run.respondent);
    iad_lossmeter_close(run.meter);
    return status;
}

static iad_status get_answers(question_run *s, iad_err *err) {
    iad_progress progress;
    if (s->o.answers) {
        snprintf(s->system, sizeof s->system, "answers of %.280s", s->o.answers);
        IAD_TRY(iad_sayings_load(&s->said, s->o.answers, err));
        if (s->said.foreign) IAD_WARN(&s->app->log, "%s: %zu answers to questions that are not asked", s->o.answers, s->said.foreign);
        return iad_ask_unanswered(&s->asks, &s->said, s->failed, err);
    }
    iad_progress_start(&progress, s->o.kind == IAD_ASK_LOSS ? "measuring" : "asking", s->asks.n, s->app->quiet);
    iad_status status = ask_model(s, &progress, err);
    iad_progress_end(&progress);
    if (status == IAD_ERR_INTERRUPTED) return IAD_FAIL(err, status, "interrupted after %zu answers; the same command goes on from here", s->asked);
    return status;
}

/* ---- the judge ---- */

static iad_status read_replies(question_run *s, iad_judge_work *work, iad_err *err) {
    for (size_t i = 0; i < s->o.judge_replies.n; i++) {
        uint8_t *text = NULL;
        size_t n = 0, whole;
        const char *path = s->o.judge_replies.items[i];
        IAD_TRY(iad_file_read(path, IAD_ASK_MAX_FILE, &text, &n, err));
        iad_status status = iad_judge_work_read(work, (const char *)text, n, path, 0, &whole, err);
        free(text);
        IAD_TRY(status);
    }
    return IAD_OK;
}

static iad_status ask_judge(question_run *s, iad_judge_work *work, const char *path, iad_err *err) {
    iad_progress progress;
    iad_secret key;
    iad_judge_tally tally;
    const iad_profile *profile = iad_profile_find(s->o.judge_profile);
    IAD_TRY(iad_secret_load(&key, s->o.key_env, NULL, err));
    iad_progress_start(&progress, "judging", work->n, s->app->quiet);
    const iad_judge_client_options options = {.url = s->o.judge,
                                              .profile = profile,
                                              .key = &key,
                                              .tries = (int)s->o.judge_tries,
                                              .timeout_s = 180,
                                              .backoff_s = 1,
                                              .path = path,
                                              .stop = &s->app->stop,
                                              .progress = &progress,
                                              .flow = {.rpm = s->o.judge_rpm > 0 ? s->o.judge_rpm : profile->rpm,
                                                       .tpm = profile->tpm,
                                                       .concurrency = s->o.judge_concurrency ? (int)s->o.judge_concurrency : profile->concurrency}};
    iad_status status = iad_judge_client_run(work, &s->book, &options, &tally, err);
    iad_progress_end(&progress);
    iad_secret_clear(&key);
    if (tally.failed) IAD_WARN(&s->app->log, "%zu requests to the judge failed, the last: %s", tally.failed, tally.last);
    return status;
}

static iad_status judge(question_run *s, iad_err *err) {
    char path[IAD_PATH_MAX], requests[IAD_PATH_MAX];
    iad_judge_prompt prompt;
    iad_judge_work work = {0};
    size_t written = 0;
    if (!s->o.judge_model) return iad_scorebook_note(&s->book, err, "no judge was asked (--judge-model): its column is empty");
    IAD_TRY(out_path(s, "judge.jsonl", path, err));
    IAD_TRY(out_path(s, "judge-requests.jsonl", requests, err));
    IAD_TRY(iad_judge_prompt_load(&prompt, s->o.judge_prompt, err));
    iad_status status = iad_judge_work_init(&work, &s->book, &prompt, s->o.judge_model, err);
    if (status == IAD_OK) status = read_replies(s, &work, err);
    if (status == IAD_OK) status = s->o.judge ? ask_judge(s, &work, path, err) : iad_judge_client_recall(&work, path, err);
    if (status == IAD_OK && !s->o.judge) status = iad_judge_work_write(&work, &s->book, requests, &written, err);
    if (status == IAD_OK && written)
        IAD_INFO(&s->app->log, "%zu requests for the judge are in %s; give what it answers to --judge-replies", written, requests);
    if (status == IAD_OK) status = iad_judge_work_score(&work, &s->book, s->results, err);
    if (status == IAD_OK && s->o.judge && work.replied < work.n) s->code = IAD_EXIT_PARTIAL;
    iad_judge_work_deinit(&work);
    iad_judge_prompt_deinit(&prompt);
    return status;
}

/* ---- results ---- */

static iad_status new_results(question_run *s, iad_err *err) {
    iad_buf command;
    char program[64];
    iad_buf_init(&command, 1u << 20);
    iad_status status = iad_bench_plain_command(s->app->argv_text, &command, err);
    iad_jsonw w = iad_jsonw_new();
    snprintf(program, sizeof program, "%s %s", s->app->program, s->app->version);
    iad_jsonw_str(&w, "format", IAD_REASON_FORMAT);
    iad_jsonw_str(&w, "task", iad_ask_kind_name(s->o.kind));
    iad_jsonw_str(&w, "program", program);
    iad_jsonw_str(&w, "command", iad_buf_str(&command));
    iad_jsonw_str(&w, "system", "");
    if (s->o.kind == IAD_ASK_REASONING || s->o.kind == IAD_ASK_MMAD)
        iad_jsonw_take(&w, "board",
                       json_pack("{ss sI}", "dataset", s->o.kind == IAD_ASK_MMAD ? "MMAD" : "VisA-D&R", "shots", (json_int_t)s->o.shots));
    iad_buf_deinit(&command);
    if (status != IAD_OK) json_decref(w.object);
    else status = iad_jsonw_finish(&w, &s->results, err);
    IAD_TRY(status);
    s->failed = json_array();
    return s->failed && json_object_set_new(s->results, "failed", s->failed) == 0 ? IAD_OK : IAD_NOMEM(err, "the results");
}

static iad_status score(question_run *s, iad_err *err) {
    static const char *const spaces[] = {"resized", "source", "norm1000"};
    const iad_ask_options *o = &s->o;
    IAD_TRY(iad_scorebook_init(&s->book, &s->asks, &s->said, s->results, err));
    s->book.yes_is_defective = o->kind != IAD_ASK_YESNO || strcmp(o->yes_means, "defective") == 0;
    for (int i = 0; i < 3; i++)
        if (strcmp(o->box_space, spaces[i]) == 0) s->book.space = (iad_box_space)i;
    if (json_object_set_new(s->results, "system", iad_jsonw_text(s->system)) != 0) return IAD_NOMEM(err, "the results");
    IAD_TRY(iad_scorebook_read(&s->book, err));
    if (o->kind == IAD_ASK_REASONING) {
        if (o->sbert) IAD_TRY(iad_score_sbert(&s->book, o->sbert, (int)s->app->threads, &s->app->stop, s->results, err));
        else IAD_TRY(iad_scorebook_note(&s->book, err, "no sentence model was given (--sbert): the SBERT column is empty"));
        IAD_TRY(judge(s, err));
    }
    if (s->asks.missing) IAD_TRY(iad_scorebook_note(&s->book, err, "%zu questions are about pictures that are not there", s->asks.missing));
    if (s->said.foreign) IAD_TRY(iad_scorebook_note(&s->book, err, "%zu answers belong to no question", s->said.foreign));
    if (s->said.again)
        IAD_TRY(iad_scorebook_note(&s->book, err, "%zu answers are to questions that had one already; the first counts", s->said.again));
    IAD_TRY(iad_ask_score(o, &s->book, err));
    return iad_reason_items(&s->book, s->results, err);
}

static void show_trouble(const question_run *s) {
    enum { SHOWN = 10 };
    size_t i, n = json_array_size(s->failed);
    json_t *entry;
    json_array_foreach(json_object_get(s->results, "notes"), i, entry) IAD_WARN(&s->app->log, "%s", json_string_value(entry));
    json_array_foreach(s->failed, i, entry) {
        if (i == SHOWN) break;
        IAD_ERROR(&s->app->log, "%s: %s", json_string_value(json_object_get(entry, "item")), json_string_value(json_object_get(entry, "reason")));
    }
    if (n > SHOWN) IAD_ERROR(&s->app->log, "and %zu more; results.json names them all", n - SHOWN);
}

static iad_status finish(question_run *s, iad_err *err) {
    iad_buf text;
    char report[IAD_PATH_MAX] = "";
    int below = 0;
    iad_buf_init(&text, IAD_JSON_MAX_BYTES);
    iad_status status = iad_reason_write(s->results, s->o.out, err);
    if (status == IAD_OK && strcmp(s->o.format, "json") == 0) status = iad_json_pretty(s->results, &text, err);
    else if (status == IAD_OK) status = iad_score_tables_format(s->book.tables, s->o.format, &text, err);
    if (status == IAD_OK) fwrite(iad_buf_str(&text), 1, text.len, stdout);
    fflush(stdout);
    show_trouble(s);
    if (status == IAD_OK && !s->o.no_report) status = out_path(s, "report.html", report, err);
    if (status == IAD_OK && !s->o.no_report) status = iad_reason_page(s->results, report, (int)s->o.gallery, 320, err);
    iad_buf_reset(&text);
    for (size_t i = 0; i < s->o.gates.n && status == IAD_OK; i++) status = iad_reason_gate(s->results, s->o.gates.items[i], &below, &text, err);
    if (below) fputs(iad_buf_str(&text), stderr);
    if (status == IAD_OK) {
        size_t failed = json_array_size(s->failed);
        if (failed && s->code == IAD_EXIT_OK) s->code = IAD_EXIT_PARTIAL;
        if (below) s->code = IAD_EXIT_FAILED;
        fprintf(stderr, "questions=%zu answered=%zu asked=%zu failed=%zu below_gate=%d results=%s/results.json%s%s\n", s->asks.n, s->said.there,
                s->asked, failed, below, s->o.out, *report ? " report=" : "", report);
    }
    iad_buf_deinit(&text);
    return status;
}

static iad_status run(question_run *s, iad_err *err) {
    IAD_TRY(iad_ask_options_check(&s->o, err));
    IAD_TRY(iad_dir_make(s->o.out, err));
    IAD_TRY(iad_ask_load(&s->o, &s->asks, err));
    IAD_TRY(iad_sayings_init(&s->said, &s->asks, err));
    IAD_TRY(new_results(s, err));
    IAD_TRY(get_answers(s, err));
    IAD_TRY(score(s, err));
    return finish(s, err);
}

int iad_cmd_run_questions(iad_app *app, int argc, char **argv, int kind, iad_err *err) {
    static const char *const help[IAD_ASK_KINDS] = {
        "VisA-D&R and files of its form: dialogues about defects, each question with the model's own earlier answers before it. Scores: yes or no in "
        "words,\n"
        "ROUGE-L, SBERT, a judge.",
        "MMAD and files of its form: multiple-choice questions, one at a time. Scores as the published script has them, and strictly.",
        "Asks about every labelled test picture of a manifest whether it is defective, and reads yes or no out of the answer.",
        "Asks for the boxes of defects of the test pictures of a manifest, and holds them against the true ones.",
        "Mean loss per token of the reference answers of held-out records (iad-synth tasks --part eval), by the forward pass of the training."};
    iad_arg table[IAD_ASK_N_OPTIONS];
    iad_strings operands = {0};
    question_run s = {.app = app};
    char usage[80], text[700];
    iad_ask_options_init(&s.o, (iad_ask_kind)kind);
    iad_ask_options_rows(&s.o, table);
    snprintf(usage, sizeof usage, "--task %s --out DIR [options]", iad_ask_kind_name(s.o.kind));
    snprintf(text, sizeof text, "%s\nInterrupted or killed, the same command goes on where it stopped.", help[kind]);
    const iad_command self = {.name = "run", .usage = usage, .help = text};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "unexpected word \"%s\"", operands.items[0]));
    if (code < 0) {
        iad_status status = run(&s, err);
        code = status == IAD_OK ? s.code : iad_app_exit_code(status);
    }
    iad_scorebook_deinit(&s.book);
    json_decref(s.results);
    iad_sayings_deinit(&s.said);
    iad_asks_deinit(&s.asks);
    iad_ask_options_deinit(&s.o);
    iad_strings_deinit(&operands);
    return code;
}
