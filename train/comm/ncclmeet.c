#include "train/comm/ncclmeet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "base/text.h"

/* ---- which job, which start of it ---- */

static const char *look(iad_launch_env env, void *user, const char *name) {
    const char *value = env ? env(user, name) : getenv(name);
    return value && *value ? value : NULL;
}

static int printable(const char *text) {
    for (; *text; text++)
        if (*text <= ' ' || *text > '~') return 0;
    return 1;
}

iad_status iad_nccl_job(iad_launch_env env, void *user, iad_nccl_ticket *t, iad_err *err) {
    static const char *const names[] = {"IAD_JOB", "SLURM_JOB_ID", "TORCHELASTIC_RUN_ID", "PMIX_NAMESPACE"};
    static const char *const counts[] = {"IAD_GENERATION", "TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT"};
    size_t i = 0;
    while (i < 4 && !look(env, user, names[i])) i++;
    if (i == 4)
        return IAD_FAIL(err, IAD_ERR_ARG, "nccl: nothing names this job (Slurm and torchrun do): set IAD_JOB to a word that is new for every start, "
                                          "the same on all ranks");
    const char *job = look(env, user, names[i]), *step = i == 1 ? look(env, user, "SLURM_STEP_ID") : NULL;
    int n = snprintf(t->job, sizeof t->job, "%s%s%s", job, step ? "." : "", step ? step : "");
    if (n < 0 || (size_t)n >= sizeof t->job || !printable(t->job))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not one word of at most %d printable characters", names[i], IAD_NCCL_JOB_MAX - 1);
    t->generation = 0;
    for (size_t c = 0; c < 3; c++) {
        const char *value = look(env, user, counts[c]);
        if (value) return iad_parse_i64(value, 0, INT64_MAX, counts[c], &t->generation, err);
    }
    return IAD_OK;
}

/* ---- the file ---- */

static const char head[] = "iadgpt-nccl 1";

void iad_nccl_ticket_format(const iad_nccl_ticket *t, char *text) {
    char id[2 * IAD_NCCL_ID + 1];
    iad_hex(t->id, IAD_NCCL_ID, id);
    snprintf(text, IAD_NCCL_TICKET_MAX, "%s\njob %s\ngeneration %" PRId64 "\nworld %d\nbuild %s\nid %s\n", head, t->job, t->generation, t->world,
             t->build, id);
}

/* Lower-case digits only, as they are written. */
static int read_id(const char *hex, unsigned char *id) {
    return strspn(hex, "0123456789abcdef") == strlen(hex) && iad_unhex(hex, id, IAD_NCCL_ID, NULL) == IAD_OK;
}

/* The line at *p without its end; NULL when the text ends before one. */
static char *next_line(char **p) {
    char *line = *p, *end = strchr(line, '\n');
    if (!end) return NULL;
    *end = 0, *p = end + 1;
    return line;
}

iad_status iad_nccl_ticket_parse(const char *bytes, size_t n, const char *what, iad_nccl_ticket *t, iad_err *err) {
    static const char *const names[] = {"", "job ", "generation ", "world ", "build ", "id "};
    char text[IAD_NCCL_TICKET_MAX], *p = text;
    *t = (iad_nccl_ticket){0};
    if (n >= sizeof text || memchr(bytes, 0, n)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%.200s: not a meeting file of nccl", what);
    memcpy(text, bytes, n), text[n] = 0;
    for (int i = 0; i < 6; i++) {
        const char *line = next_line(&p);
        size_t name = strlen(names[i]);
        int good = line && strncmp(line, names[i], name) == 0;
        const char *value = good ? line + name : "";
        int64_t number = 0;
        if (i == 0) good = good && strcmp(line, head) == 0;
        if (i == 1) good = good && *value && printable(value) && iad_text_copy(t->job, sizeof t->job, value);
        if (i == 2) good = good && iad_parse_i64(value, 0, INT64_MAX, what, &t->generation, NULL) == IAD_OK;
        if (i == 3) good = good && iad_parse_i64(value, 1, IAD_COMM_MAX_WORLD, what, &number, NULL) == IAD_OK;
        if (i == 3) t->world = (int)number;
        if (i == 4) good = good && *value && printable(value) && iad_text_copy(t->build, sizeof t->build, value);
        if (i == 5) good = good && read_id(value, t->id);
        if (!good) return IAD_FAIL(err, IAD_ERR_FORMAT, "%.200s: not a meeting file of nccl (line %d)", what, i + 1);
    }
    if (*p) return IAD_FAIL(err, IAD_ERR_FORMAT, "%.200s: more than a meeting file of nccl", what);
    return IAD_OK;
}

static iad_status read_ticket(const char *path, iad_nccl_ticket *t, iad_err *err) {
    uint8_t *bytes = NULL;
    size_t n = 0;
    IAD_TRY(iad_file_read(path, IAD_NCCL_TICKET_MAX, &bytes, &n, err));
    iad_status status = iad_nccl_ticket_parse((const char *)bytes, n, path, t, err);
    free(bytes);
    return status;
}

static int same_start(const iad_nccl_ticket *a, const iad_nccl_ticket *b) { return strcmp(a->job, b->job) == 0 && a->generation == b->generation; }

iad_status iad_nccl_offer(const char *path, const iad_nccl_ticket *t, iad_err *err) {
    char text[IAD_NCCL_TICKET_MAX];
    iad_nccl_ticket there;
    if (read_ticket(path, &there, NULL) == IAD_OK && same_start(&there, t))
        return IAD_FAIL(err, IAD_ERR_EXISTS, "%.200s: left by a start of this very job (%.80s, generation %" PRId64
                        "): give another IAD_GENERATION, or remove it", path, t->job, t->generation);
    iad_nccl_gave_up_clear(path);
    iad_nccl_ticket_format(t, text);
    return iad_file_write(path, text, strlen(text), err);
}

iad_status iad_nccl_await(const char *path, iad_nccl_ticket *t, double deadline, iad_err *err) {
    const double began = iad_clock();
    for (;;) {
        iad_nccl_ticket there;
        iad_err why = IAD_ERR_NONE;
        iad_status status = read_ticket(path, &there, &why);
        if (status == IAD_OK && same_start(&there, t)) {
            if (there.world != t->world)
                return IAD_FAIL(err, IAD_ERR_FORMAT, "%.200s: rank 0 counts %d ranks, this one %d", path, there.world, t->world);
            if (strcmp(there.build, t->build) != 0)
                return IAD_FAIL(err, IAD_ERR_FORMAT, "%.200s: rank 0 runs build %s, this rank %s", path, there.build, t->build);
            memcpy(t->id, there.id, IAD_NCCL_ID);
            return IAD_OK;
        }
        if (iad_clock() - began >= deadline) {
            if (status == IAD_OK)
                return IAD_FAIL(err, IAD_ERR_IO, "%.150s: is of job %.60s, generation %" PRId64 ", and rank 0 of job %.60s, generation %" PRId64
                                " did not come for %.3g seconds", path, there.job, there.generation, t->job, t->generation, deadline);
            return IAD_FAIL(err, IAD_ERR_IO, "rank 0 did not lay down its meeting file for %.3g seconds: %.300s", deadline, why.msg);
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
}

/* ---- giving up ---- */

static int gave_up_path(const char *path, char *out) {
    int n = snprintf(out, IAD_PATH_MAX, "%s.gave-up", path);
    return n > 0 && n < IAD_PATH_MAX;
}

/* First line: job and generation; the rest is for people. */
static int start_line(const iad_nccl_ticket *t, char *line, size_t n) { return snprintf(line, n, "%s %" PRId64 "\n", t->job, t->generation); }

void iad_nccl_gave_up_leave(const char *path, const iad_nccl_ticket *t, int rank, const char *message) {
    char beside[IAD_PATH_MAX], text[IAD_NCCL_TICKET_MAX], before[IAD_NCCL_TICKET_MAX];
    if (!gave_up_path(path, beside) || iad_nccl_gave_up_take(path, t, before, sizeof before)) return; /* the first reason stays */
    int n = start_line(t, text, sizeof text);
    n += snprintf(text + n, sizeof text - (size_t)n, "rank %d gave up: %.400s", rank, message);
    iad_file_write_soon(beside, text, (size_t)n, NULL);
}

int iad_nccl_gave_up_take(const char *path, const iad_nccl_ticket *t, char *message, size_t n) {
    char beside[IAD_PATH_MAX], line[IAD_NCCL_JOB_MAX + 40];
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (!gave_up_path(path, beside) || iad_file_read(beside, IAD_NCCL_TICKET_MAX, &bytes, &size, NULL) != IAD_OK) return 0;
    size_t first = (size_t)start_line(t, line, sizeof line);
    int ours = size >= first && memcmp(bytes, line, first) == 0;
    if (ours) snprintf(message, n, "%.*s", (int)(size - first), (const char *)bytes + first);
    free(bytes);
    return ours;
}

void iad_nccl_gave_up_clear(const char *path) {
    char beside[IAD_PATH_MAX];
    if (gave_up_path(path, beside)) unlink(beside);
}
