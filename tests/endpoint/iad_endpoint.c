/* iad_endpoint: the scripted endpoint as a program. Prints one line with its port, answers until it is told to stop, prints a summary. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/args.h"
#include "base/file.h"
#include "tests/endpoint/endpointserver.h"

static int fail(const iad_err *err) {
    fprintf(stderr, "iad_endpoint: %s\n", err->msg);
    return err->code == IAD_ERR_ARG ? 2 : 1;
}

static iad_status announce(const iad_ep *ep, const char *file, iad_err *err) {
    char line[100];
    const int n = snprintf(line, sizeof line, "port=%d pid=%ld\n", iad_ep_port(ep), (long)getpid());
    printf("%s", line);
    fflush(stdout);
    return file ? iad_file_write(file, line, (size_t)n, err) : IAD_OK;
}

static iad_status open_table(const char *path, FILE **file, iad_err *err) {
    if (path && !(*file = fopen(path, "a"))) return IAD_FAIL(err, IAD_ERR_IO, "%s cannot be written", path);
    return IAD_OK;
}

static iad_status serve(iad_ep_options *options, const char *log, const char *ledger, const char *ready, double lifetime, iad_err *err) {
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    signal(SIGPIPE, SIG_IGN);
    const int stop_fd = signalfd(-1, &stops, SFD_CLOEXEC);
    iad_ep *ep = NULL;
    iad_status status = open_table(log, &options->log, err);
    if (status == IAD_OK) status = open_table(ledger, &options->ledger, err);
    if (status == IAD_OK) status = iad_ep_new(options, &ep, err);
    if (status == IAD_OK) status = announce(ep, ready, err);
    if (status == IAD_OK) status = iad_ep_run(ep, stop_fd, lifetime, err);
    if (ep) {
        char text[512];
        iad_ep_summary(ep, text, sizeof text);
        printf("%s\n", text);
    }
    iad_ep_free(ep);
    if (options->log) fclose(options->log);
    if (options->ledger) fclose(options->ledger);
    if (stop_fd >= 0) close(stop_fd);
    return status;
}

int main(int argc, char **argv) {
    const char *faults = "none", *log = NULL, *ledger = NULL, *ready = NULL, *facts_file = NULL, *model = "scripted-vl", *key_env = NULL;
    int64_t port = 0, seed = 1, attempts = 2, latency = 0, slow = 1000, patience = 30, lifetime = 3600, rpm = 0, tpm = 0, concurrency = 0, cell = 28;
    double window = 60, batch_s = 1;
    int headers = 0, blind = 0, kinds = 0, help = 0;
    iad_strings orders = {0}, ends = {0}, operands = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_INT, .name = "port", .value = &port, .meta = "N", .help = "of 127.0.0.1; 0: any", .lo = 0, .hi = 65535},
        {.kind = IAD_ARG_STRING, .name = "model", .value = &model, .meta = "NAME", .help = "that is served, others are a 404; empty: any"},
        {.kind = IAD_ARG_STRING, .name = "key-env", .value = &key_env, .meta = "NAME", .help = "variable with the key that is asked for"},
        {.kind = IAD_ARG_STRING, .name = "facts", .value = &facts_file, .meta = "FILE", .help = "TSV of category, aspect, text: what is true"},
        {.kind = IAD_ARG_STRING, .name = "faults", .value = &faults, .meta = "LIST",
         .help = "none, all, all=THOUSANDTHS, KIND=THOUSANDTHS, with commas"},
        {.kind = IAD_ARG_INT,
         .name = "attempts",
         .value = &attempts,
         .meta = "N",
         .help = "of a request that can meet one of these faults",
         .lo = 0,
         .hi = 1000},
        {.kind = IAD_ARG_LIST,
         .name = "order",
         .value = &orders,
         .meta = "KIND:FROM:COUNT",
         .help = "what chat requests FROM .. FROM+COUNT-1 (from 0) meet"},
        {.kind = IAD_ARG_INT, .name = "seed", .value = &seed, .meta = "N", .help = "of the faults", .lo = 0, .hi = INT64_MAX},
        {.kind = IAD_ARG_INT, .name = "rpm", .value = &rpm, .meta = "N", .help = "requests within the window; 0: any", .lo = 0, .hi = 1000000000},
        {.kind = IAD_ARG_INT, .name = "tpm", .value = &tpm, .meta = "N", .help = "tokens within the window; 0: any", .lo = 0, .hi = 1000000000000},
        {.kind = IAD_ARG_FLOAT, .name = "window", .value = &window, .meta = "S", .help = "of both", .flo = 0.1, .fhi = 3600},
        {.kind = IAD_ARG_INT, .name = "concurrency", .value = &concurrency, .meta = "N", .help = "requests at a time; 0: any", .lo = 0, .hi = 100000},
        {.kind = IAD_ARG_FLAG, .name = "limit-headers", .value = &headers, .help = "x-ratelimit-* and Retry-After"},
        {.kind = IAD_ARG_INT, .name = "latency", .value = &latency, .meta = "MS", .help = "from the request to the answer", .lo = 0, .hi = 600000},
        {.kind = IAD_ARG_INT, .name = "slow", .value = &slow, .meta = "MS", .help = "that a slow answer takes to arrive", .lo = 0, .hi = 600000},
        {.kind = IAD_ARG_INT, .name = "patience", .value = &patience, .meta = "S", .help = "how long stalled answers are held", .lo = 1, .hi = 3600},
        {.kind = IAD_ARG_FLOAT, .name = "batch-seconds", .value = &batch_s, .meta = "S", .help = "that a batch takes", .flo = 0, .fhi = 86400},
        {.kind = IAD_ARG_LIST, .name = "batch-ends", .value = &ends, .meta = "completed|failed|expired", .help = "how the first batches end"},
        {.kind = IAD_ARG_INT, .name = "cell", .value = &cell, .meta = "PX", .help = "side of a picture's token", .lo = 8, .hi = 64},
        {.kind = IAD_ARG_FLAG, .name = "blind", .value = &blind, .help = "do not decode pictures: for measurements"},
        {.kind = IAD_ARG_STRING, .name = "log", .value = &log, .meta = "FILE", .help = "every request as a line of TSV"},
        {.kind = IAD_ARG_STRING, .name = "ledger", .value = &ledger, .meta = "FILE", .help = "every answer that is charged as a line of TSV"},
        {.kind = IAD_ARG_STRING, .name = "ready", .value = &ready, .meta = "FILE", .help = "written with the port when the server answers"},
        {.kind = IAD_ARG_INT, .name = "lifetime", .value = &lifetime, .meta = "S", .help = "then it ends by itself", .lo = 1, .hi = 1000000},
        {.kind = IAD_ARG_FLAG, .name = "kinds", .value = &kinds, .help = "print the kinds of faults and end"},
        {.kind = IAD_ARG_END}};
    const iad_arg *const tables[] = {table, NULL};
    iad_err err = IAD_ERR_NONE;
    if (iad_args_parse(argc, argv, tables, &operands, &help, &err) != IAD_OK) return fail(&err);
    if (operands.n) return IAD_FAIL(&err, IAD_ERR_ARG, "no operand is wanted: %s", operands.items[0]), fail(&err);
    if (help)
        return iad_args_help(stdout, "iad_endpoint [options]", "A vision-language service on loopback for tests. See tests/endpoint/README.md.",
                             tables),
               0;
    for (int k = 0; kinds && k < iad_ep_n_kinds; k++)
        printf("%s\t%s\t%d\t%s\n", iad_ep_kinds[k].name, iad_ep_family_name(iad_ep_kinds[k].family), iad_ep_kinds[k].status, iad_ep_kinds[k].code);
    if (kinds) return 0;

    iad_ep_facts facts = {0};
    iad_ep_options options = {.port = (int)port,
                              .key = key_env ? getenv(key_env) : NULL,
                              .rules = {.model = model, .facts = &facts, .blind = blind, .cell = (int)cell},
                              .script = {.seed = (uint64_t)seed, .attempts = (int)attempts},
                              .quota = {.requests = rpm, .tokens = tpm, .concurrency = (int)concurrency, .window_s = window},
                              .limit_headers = headers,
                              .latency_ms = (int)latency,
                              .slow_ms = (int)slow,
                              .patience_s = (int)patience,
                              .batch_s = batch_s,
                              .batch_ends = &ends};
    iad_status status = key_env && !options.key ? IAD_FAIL(&err, IAD_ERR_ARG, "--key-env: there is no variable %s", key_env) : IAD_OK;
    if (status == IAD_OK) status = iad_ep_shares_parse(faults, &options.script, &err);
    for (size_t i = 0; status == IAD_OK && i < orders.n; i++) status = iad_ep_order_parse(orders.items[i], &options.script, &err);
    for (size_t i = 0; status == IAD_OK && i < ends.n; i++)
        if (strcmp(ends.items[i], "completed") && strcmp(ends.items[i], "failed") && strcmp(ends.items[i], "expired"))
            status = IAD_FAIL(&err, IAD_ERR_ARG, "--batch-ends: no such end: %s", ends.items[i]);
    if (status == IAD_OK && facts_file) status = iad_ep_facts_load(&facts, facts_file, &err);
    if (status == IAD_OK) status = serve(&options, log, ledger, ready, (double)lifetime, &err);
    iad_ep_facts_deinit(&facts);
    iad_strings_deinit(&orders);
    iad_strings_deinit(&ends);
    iad_strings_deinit(&operands);
    return status == IAD_OK ? 0 : fail(&err);
}
