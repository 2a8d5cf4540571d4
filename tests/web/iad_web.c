/* iad_web: the loopback web as a program. Prints one line with its ports, answers until it is told to stop. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/args.h"
#include "base/file.h"
#include "tests/web/webserver.h"

/* One row per picture, to compare with what a crawler found. */
static void print_plan(const iad_web_plan *plan) {
    printf("category\tnumber\tkind\tformat\tcopy\tof_category\tof_number\twidth\theight\turl\tpage\n");
    static const char *const copies[] = {"own", "same", "mirrored", "scaled", "foreign"};
    for (int c = 0; c < plan->categories; c++)
        for (int m = 0; m < plan->per_category; m++) {
            iad_web_item item;
            iad_web_item_get(plan, c, m, &item);
            printf("%s\t%d\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", plan->products.items[c].slug, m, iad_web_kind_name(item.kind),
                   iad_web_format_suffix(item.format), copies[item.copy], plan->products.items[item.of_category].slug, item.of_number, item.width,
                   item.height, item.url, item.page);
        }
}

static int fail(const iad_err *err) {
    fprintf(stderr, "iad_web: %s\n", err->msg);
    return err->code == IAD_ERR_ARG ? 2 : 1;
}

static iad_status announce(const iad_web *web, const char *file, iad_err *err) {
    const iad_web_plan *plan = iad_web_plan_of(web);
    char line[200];
    const int n = snprintf(line, sizeof line, "port=%d tls=%d dead=%d pid=%ld\n", plan->ports[0], plan->tls_port, plan->dead_port, (long)getpid());
    printf("%s", line);
    fflush(stdout);
    return file ? iad_file_write(file, line, (size_t)n, err) : IAD_OK;
}

int main(int argc, char **argv) {
    const char *pattern = "img#.localhost", *faults = "none", *log = NULL, *ready = NULL;
    int64_t port = 0, seed = 1, categories = 400, per = 60, hosts = 8, latency = 0, patience = 30, cache = 64, lifetime = 3600, side = 0;
    int tls = 0, hostile = 0, plain = 0, warm = 0, plan_only = 0, kinds = 0, help = 0;
    iad_strings blocks = {0}, operands = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_INT, .name = "port", .value = &port, .meta = "N", .help = "of 127.0.0.1 and ::1; 0: any", .lo = 0, .hi = 65535},
        {.kind = IAD_ARG_INT, .name = "seed", .value = &seed, .meta = "N", .help = "of the catalogue", .lo = 0, .hi = INT64_MAX},
        {.kind = IAD_ARG_INT, .name = "categories", .value = &categories, .meta = "N", .help = "the first so many of the 400", .lo = 1, .hi = 400},
        {.kind = IAD_ARG_INT, .name = "pictures", .value = &per, .meta = "N", .help = "of each category", .lo = 1, .hi = 100000},
        {.kind = IAD_ARG_INT, .name = "hosts", .value = &hosts, .meta = "N", .help = "that pictures stand on", .lo = 1, .hi = IAD_WEB_MAX_HOSTS},
        {.kind = IAD_ARG_STRING,
         .name = "pattern",
         .value = &pattern,
         .meta = "NAME",
         .help = "of the hosts, # is their number; empty: 127.0.0.1 with a port for each"},
        {.kind = IAD_ARG_STRING, .name = "faults", .value = &faults, .meta = "LIST", .help = "none, all, or KIND=THOUSANDTHS with commas"},
        {.kind = IAD_ARG_LIST, .name = "block", .value = &blocks, .meta = "ENGINE:HOW:FROM:COUNT", .help = "refuse some requests of an engine"},
        {.kind = IAD_ARG_FLAG, .name = "hostile", .value = &hostile, .help = "engines mix broken and hostile results in"},
        {.kind = IAD_ARG_FLAG, .name = "tls", .value = &tls, .help = "also a port with TLS and a certificate that nobody signed"},
        {.kind = IAD_ARG_INT, .name = "latency", .value = &latency, .meta = "MS", .help = "before every picture", .lo = 0, .hi = 60000},
        {.kind = IAD_ARG_INT, .name = "patience", .value = &patience, .meta = "S", .help = "how long stalled answers are held", .lo = 1, .hi = 3600},
        {.kind = IAD_ARG_INT, .name = "cache", .value = &cache, .meta = "MIB", .help = "of drawn pictures", .lo = 1, .hi = 65536},
        {.kind = IAD_ARG_INT, .name = "lifetime", .value = &lifetime, .meta = "S", .help = "then it ends by itself", .lo = 1, .hi = 1000000},
        {.kind = IAD_ARG_INT,
         .name = "side",
         .value = &side,
         .meta = "PX",
         .help = "width of the pictures; 0: 408 to 500, either way",
         .lo = 0,
         .hi = 4096},
        {.kind = IAD_ARG_FLAG, .name = "plain", .value = &plain, .help = "all pictures are JPEGs and none is a copy"},
        {.kind = IAD_ARG_FLAG, .name = "warm", .value = &warm, .help = "draw all pictures before answering, as far as --cache reaches"},
        {.kind = IAD_ARG_STRING, .name = "log", .value = &log, .meta = "FILE", .help = "every request as a line of TSV"},
        {.kind = IAD_ARG_STRING, .name = "ready", .value = &ready, .meta = "FILE", .help = "written with the ports when the server answers"},
        {.kind = IAD_ARG_FLAG, .name = "plan", .value = &plan_only, .help = "print the catalogue as TSV and go on to serve it"},
        {.kind = IAD_ARG_FLAG, .name = "kinds", .value = &kinds, .help = "print the kinds of misbehaviour and end"},
        {.kind = IAD_ARG_END}};
    const iad_arg *const tables[] = {table, NULL};
    iad_err err = IAD_ERR_NONE;
    if (iad_args_parse(argc, argv, tables, &operands, &help, &err) != IAD_OK) return fail(&err);
    if (operands.n) return IAD_FAIL(&err, IAD_ERR_ARG, "no operand is wanted: %s", operands.items[0]), fail(&err);
    if (help)
        return iad_args_help(stdout, "iad_web [options]",
                             "A web on loopback with search engines, pictures and faults, for tests. See tests/web/README.md.", tables),
               0;
    for (int k = 0; kinds && k < IAD_WEB_KINDS; k++) printf("%s\t%s\n", iad_web_kind_name((iad_web_kind)k), iad_web_kind_text((iad_web_kind)k));
    if (kinds) return 0;

    iad_web_options options = {.plan = {.seed = (uint64_t)seed,
                                        .categories = (int)categories,
                                        .per_category = (int)per,
                                        .hosts = (int)hosts,
                                        .pattern = pattern,
                                        .hostile = hostile,
                                        .plain = plain,
                                        .side = (int)side},
                               .port = (int)port,
                               .tls = tls,
                               .latency_ms = (int)latency,
                               .patience_s = (int)patience,
                               .cache_bytes = (size_t)cache << 20,
                               .blocks = &blocks};
    if (iad_web_shares_parse(faults, options.plan.shares, &err) != IAD_OK) return fail(&err);
    if (log && !(options.log = fopen(log, "a"))) return IAD_FAIL(&err, IAD_ERR_IO, "%s cannot be written", log), fail(&err);
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    signal(SIGPIPE, SIG_IGN);
    const int stop_fd = signalfd(-1, &stops, SFD_CLOEXEC);
    iad_web *web = NULL;
    iad_status status = iad_web_new(&options, &web, &err);
    if (status == IAD_OK && warm) status = iad_web_warm(web, &err);
    if (status == IAD_OK && plan_only) print_plan(iad_web_plan_of(web));
    if (status == IAD_OK) status = announce(web, ready, &err);
    if (status == IAD_OK) status = iad_web_run(web, stop_fd, (double)lifetime, &err);
    iad_web_free(web);
    if (options.log) fclose(options.log);
    iad_strings_deinit(&blocks);
    iad_strings_deinit(&operands);
    if (stop_fd >= 0) close(stop_fd);
    return status == IAD_OK ? 0 : fail(&err);
}
