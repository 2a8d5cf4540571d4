#include "base/app.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/pool.h"

#define MAX_COMMAND_LINE (1u << 20)

static void stop_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGUSR1); /* batch systems send it before they take a machine away */
}

/* These signals are blocked in every thread and taken here: no signal handler, so no global. The second one means that the user does
 * not want to wait. */
static void *wait_for_signals(void *user) {
    iad_app *app = user;
    sigset_t set;
    stop_signals(&set);
    for (;;) {
        int number = 0;
        if (sigwait(&set, &number) != 0) return NULL;
        if (atomic_exchange(&app->stop, number)) _exit(IAD_EXIT_INTERRUPTED);
        if (isatty(STDERR_FILENO)) fprintf(stderr, "\n");
        fprintf(stderr, "%s: stopping after the work at hand; again to stop at once\n", app->program);
    }
}

static void start_interrupt_thread(iad_app *app) {
    sigset_t set;
    stop_signals(&set);
    pthread_t thread;
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) return;
    if (pthread_create(&thread, NULL, wait_for_signals, app) == 0) pthread_detach(thread);
    else pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error with a message, not a silent death */
}

static int needs_quotes(const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:+@%";
    return *word == 0 || word[strspn(word, plain)] != 0;
}

/* The command line as a shell would take it back. */
static char *quote_argv(int argc, char **argv) {
    iad_buf text;
    iad_buf_init(&text, MAX_COMMAND_LINE);
    for (int i = 0; i < argc; i++) {
        const char *word = i ? argv[i] : strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
        if (i) iad_buf_add_str(&text, " ", NULL);
        if (!needs_quotes(word)) {
            iad_buf_add_str(&text, word, NULL);
            continue;
        }
        iad_buf_add_str(&text, "'", NULL);
        for (; *word; word++) {
            if (*word == '\'') iad_buf_add_str(&text, "'\\''", NULL);
            else iad_buf_add(&text, word, 1, NULL);
        }
        iad_buf_add_str(&text, "'", NULL);
    }
    return iad_buf_take(&text, NULL);
}

static void print_summary(FILE *out, const char *program, const char *version, const char *summary, const iad_command *commands) {
    fprintf(out, "%s %s: %s\n\nusage: %s COMMAND [options]\n\n", program, version, summary, program);
    for (const iad_command *c = commands; c->name; c++) fprintf(out, "  %-17s%s\n", c->name, c->summary);
    fprintf(out, "\n%s COMMAND --help shows a command's options.\n", program);
}

int iad_app_main(int argc, char **argv, const char *program, const char *version, const char *summary,
                 const iad_command *commands) {
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_summary(argc < 2 ? stderr : stdout, program, version, summary, commands);
        return argc < 2 ? IAD_EXIT_USAGE : IAD_EXIT_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("%s %s\n", program, version);
        return IAD_EXIT_OK;
    }
    const iad_command *command = commands;
    while (command->name && strcmp(command->name, argv[1]) != 0) command++;
    if (!command->name) {
        fprintf(stderr, "%s: unknown command \"%.80s\"; %s --help lists them\n", program, argv[1], program);
        return IAD_EXIT_USAGE;
    }
    iad_app app = {.program = program, .command = command->name, .version = version, .threads = iad_cpu_count()};
    app.log = (iad_log){stderr, IAD_LOG_INFO, program};
    app.argv_text = quote_argv(argc, argv);
    if (!app.argv_text) {
        fprintf(stderr, "%s: out of memory\n", program);
        return IAD_EXIT_FAILED;
    }
    atomic_init(&app.stop, 0);
    start_interrupt_thread(&app);
    iad_err err = IAD_ERR_NONE;
    int code = command->run(&app, argc - 1, argv + 1, &err);
    if (fflush(stdout) != 0 && code == IAD_EXIT_OK) {
        IAD_ERROR(&app.log, "cannot write the output");
        code = IAD_EXIT_FAILED;
    }
    if (err.code != IAD_OK && code != IAD_EXIT_OK) {
        IAD_ERROR(&app.log, "%s", err.msg);
        if (code == IAD_EXIT_USAGE) fprintf(stderr, "%s %s --help shows the options\n", program, command->name);
    }
    free(app.argv_text);
    return code;
}

int iad_app_parse(iad_app *app, const iad_command *self, int argc, char **argv, const iad_arg *table, iad_strings *operands, iad_err *err) {
    const iad_arg common[] = {
        {.kind = IAD_ARG_INT, .name = "threads", .value = &app->threads, .meta = "N", .help = "worker threads", .lo = 1, .hi = 256},
        {.kind = IAD_ARG_FLAG, .name = "quiet", .value = &app->quiet, .help = "no progress, warnings and errors only"},
        {.kind = IAD_ARG_FLAG, .name = "verbose", .value = &app->verbose, .help = "say more"},
        {.kind = IAD_ARG_END}};
    const iad_arg *const tables[] = {table, common, NULL};
    int help = 0;
    if (iad_args_parse(argc, argv, tables, operands, &help, err) != IAD_OK) return IAD_EXIT_USAGE;
    if (help) {
        char usage[512];
        snprintf(usage, sizeof usage, "%s %s %s", app->program, self->name, self->usage ? self->usage : "[options]");
        iad_args_help(stdout, usage, self->help ? self->help : self->summary, tables);
        return IAD_EXIT_OK;
    }
    app->log.level = app->quiet ? IAD_LOG_WARN : app->verbose ? IAD_LOG_DEBUG : IAD_LOG_INFO;
    return -1;
}

int iad_app_exit_code(iad_status status) {
    switch (status) {
        case IAD_OK: return IAD_EXIT_OK;
        case IAD_ERR_ARG: return IAD_EXIT_USAGE;
        case IAD_ERR_INTERRUPTED: return IAD_EXIT_INTERRUPTED;
        default: return IAD_EXIT_FAILED;
    }
}
