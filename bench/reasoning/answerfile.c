#include "bench/reasoning/answerfile.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "bench/jsonwrite.h"

#define FORMAT "iadgpt-answers-1"

/* ---- the list ---- */

typedef struct named {
    const char *id;
    size_t at;
} named;

static int by_id(const void *a, const void *b) { return strcmp(((const named *)a)->id, ((const named *)b)->id); }

iad_status iad_sayings_init(iad_sayings *s, const iad_asks *asks, iad_err *err) {
    *s = (iad_sayings){.n = asks->n};
    s->items = iad_calloc(asks->n, sizeof *s->items);
    s->ids = iad_alloc(asks->n, sizeof *s->ids);
    s->place = iad_alloc(asks->n, sizeof *s->place);
    named *order = iad_alloc(asks->n, sizeof *order);
    if (!s->items || !s->ids || !s->place || !order) {
        free(order);
        iad_sayings_deinit(s);
        return IAD_NOMEM(err, "the answers");
    }
    for (size_t i = 0; i < asks->n; i++) order[i] = (named){asks->items[i].id, i}, s->items[i].nll = NAN;
    qsort(order, asks->n, sizeof *order, by_id);
    for (size_t i = 0; i < asks->n; i++) s->ids[i] = order[i].id, s->place[i] = order[i].at;
    free(order);
    return IAD_OK;
}

void iad_sayings_deinit(iad_sayings *s) {
    for (size_t i = 0; s->items && i < s->n; i++) free(s->items[i].text);
    free(s->items);
    free(s->ids);
    free(s->place);
    *s = (iad_sayings){0};
}

size_t iad_sayings_find(const iad_sayings *s, const char *id) {
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(s->ids[mid], id);
        if (order == 0) return s->place[mid];
        if (order < 0) lo = mid + 1;
        else hi = mid;
    }
    return SIZE_MAX;
}

/* Takes a copy. */
static iad_status take(iad_sayings *s, size_t at, const iad_said *said, iad_err *err) {
    iad_said *to = &s->items[at];
    char *text = said->text ? iad_strdup(said->text) : NULL;
    if (said->text && !text) return IAD_NOMEM(err, "an answer");
    *to = *said;
    to->text = text;
    to->there = 1;
    s->there++;
    return IAD_OK;
}

/* ---- reading ---- */

static iad_status read_size(const json_t *line, const char *key, const char *where, int *w, int *h, iad_err *err) {
    const json_t *pair = json_object_get(line, key);
    if (!pair) return IAD_OK;
    json_int_t a = json_integer_value(json_array_get(pair, 0)), b = json_integer_value(json_array_get(pair, 1));
    if (json_array_size(pair) != 2 || a < 1 || b < 1 || a > 1000000 || b > 1000000)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is no width and height", where, key);
    *w = (int)a, *h = (int)b;
    return IAD_OK;
}

static iad_status read_line(iad_sayings *s, const json_t *line, const char *where, iad_err *err) {
    static const char *const keys[] = {"answer", "text", "response"};
    const char *id, *finish, *text = NULL;
    iad_said said = {.nll = NAN};
    IAD_TRY(iad_json_string(line, "id", where, &id, err));
    for (size_t i = 0; i < 3 && !text; i++) IAD_TRY(iad_json_string_opt(line, keys[i], NULL, where, &text, err));
    if (json_is_number(json_object_get(line, "nll"))) IAD_TRY(iad_json_number(line, "nll", where, &said.nll, err));
    if (!text && isnan(said.nll)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: neither an answer nor a loss", where);
    if (!isnan(said.nll) && !(said.nll >= 0 && said.nll < 1e12)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"nll\" is %g", where, said.nll);
    if (text && strlen(text) > IAD_ANSWER_MAX_TEXT)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the answer is longer than %u bytes", where, IAD_ANSWER_MAX_TEXT);
    IAD_TRY(iad_json_string_opt(line, "finish", "", where, &finish, err));
    if (!iad_text_copy(said.finish, sizeof said.finish, finish)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"finish\" is too long", where);
    if (json_object_get(line, "tokens")) IAD_TRY(iad_json_int(line, "tokens", isnan(said.nll) ? 0 : 1, 1000000000, where, &said.tokens, err));
    else if (!isnan(said.nll)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a loss without \"tokens\"", where);
    IAD_TRY(read_size(line, "resized", where, &said.resized_w, &said.resized_h, err));
    IAD_TRY(read_size(line, "source", where, &said.source_w, &said.source_h, err));
    size_t at = iad_sayings_find(s, id);
    if (at == SIZE_MAX) s->foreign++;
    else if (s->items[at].there) s->again++;
    else {
        said.text = (char *)(uintptr_t)text; /* copied by take */
        return take(s, at, &said, err);
    }
    return IAD_OK;
}

iad_status iad_sayings_read(iad_sayings *s, const char *text, size_t n, const char *name, json_t **head, size_t *whole, iad_err *err) {
    size_t number = 0;
    if (head) *head = NULL;
    for (*whole = 0; *whole < n;) {
        const char *from = text + *whole, *end = memchr(from, '\n', n - *whole);
        char where[IAD_PATH_MAX + 32];
        json_t *line;
        if (!end) return IAD_OK;
        snprintf(where, sizeof where, "%s:%zu", name, ++number);
        size_t bytes = (size_t)(end - from);
        if (bytes > IAD_ANSWER_MAX_LINE) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the line is longer than %u bytes", where, IAD_ANSWER_MAX_LINE);
        while (bytes && strchr(" \t\r", from[bytes - 1])) bytes--;
        if (bytes) {
            IAD_TRY(iad_json_parse(from, bytes, 32, where, &line, err));
            iad_status status = IAD_OK;
            if (number == 1 && json_object_get(line, "format")) {
                if (head) *head = json_incref(line);
            } else status = read_line(s, line, where, err);
            json_decref(line);
            IAD_TRY(status);
        }
        *whole = (size_t)(end - text) + 1;
    }
    return IAD_OK;
}

iad_status iad_sayings_load(iad_sayings *s, const char *path, iad_err *err) {
    uint8_t *text = NULL;
    size_t n = 0, whole;
    IAD_TRY(iad_file_read(path, IAD_ASK_MAX_FILE, &text, &n, err)); /* with a NUL behind it */
    if (n && text[n - 1] != '\n') text[n++] = '\n';                 /* in its place: the last line may lack its break */
    iad_status status = iad_sayings_read(s, (const char *)text, n, path, NULL, &whole, err);
    free(text);
    return status;
}

/* ---- our own file ---- */

struct iad_answer_file {
    int fd;
    char path[IAD_PATH_MAX];
};

static iad_status io_error(const iad_answer_file *f, const char *what, iad_err *err) {
    return IAD_FAIL(err, IAD_ERR_IO, "%s: %s: %s", f->path, what, strerror(errno));
}

static iad_status write_line(iad_answer_file *f, json_t *object, iad_err *err) {
    iad_buf line;
    iad_buf_init(&line, IAD_ANSWER_MAX_LINE);
    iad_status status = iad_json_canonical(object, &line, err);
    if (status == IAD_OK) status = iad_buf_add(&line, "\n", 1, err);
    for (size_t at = 0; status == IAD_OK && at < line.len;) {
        ssize_t n = write(f->fd, line.data + at, line.len - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) status = io_error(f, "writing", err);
        else at += (size_t)n;
    }
    iad_buf_deinit(&line);
    return status;
}

static iad_status write_head(iad_answer_file *f, const char *task, const char *key, const char *system, iad_err *err) {
    iad_jsonw w = iad_jsonw_new();
    json_t *head = NULL;
    iad_jsonw_str(&w, "format", FORMAT);
    iad_jsonw_str(&w, "task", task);
    iad_jsonw_str(&w, "key", key);
    iad_jsonw_str(&w, "system", system);
    IAD_TRY(iad_jsonw_finish(&w, &head, err));
    iad_status status = write_line(f, head, err);
    json_decref(head);
    return status;
}

static int says(const json_t *head, const char *key, const char *value) {
    const char *text = json_string_value(json_object_get(head, key));
    return text && strcmp(text, value) == 0;
}

/* What the file holds already; cuts a torn last line. */
static iad_status go_on(iad_answer_file *f, const char *task, const char *key, const char *system, iad_sayings *s, iad_err *err) {
    uint8_t *text = NULL;
    size_t n = 0, whole = 0;
    json_t *head = NULL;
    IAD_TRY(iad_file_read(f->path, IAD_ASK_MAX_FILE, &text, &n, err));
    iad_status status = iad_sayings_read(s, (const char *)text, n, f->path, &head, &whole, err);
    free(text);
    if (status == IAD_OK && head &&
        !(says(head, "format", FORMAT) && says(head, "task", task) && says(head, "key", key) && says(head, "system", system)))
        status = IAD_FAIL(err, IAD_ERR_EXISTS,
                          "%s: answers of another model, to other questions or with other settings; take another --out, or --restart to forget them",
                          f->path);
    if (status == IAD_OK && !head && whole)
        status = IAD_FAIL(err, IAD_ERR_EXISTS, "%s is not a file of this program's answers; take another --out", f->path);
    if (status == IAD_OK && whole < n && ftruncate(f->fd, (off_t)whole) != 0) status = io_error(f, "cutting off a torn line", err);
    if (status == IAD_OK && !whole) status = write_head(f, task, key, system, err);
    json_decref(head);
    return status;
}

iad_status iad_answer_file_open(const char *path, const char *task, const char *key, const char *system, int restart, iad_sayings *s,
                                iad_answer_file **file, iad_err *err) {
    char dir[IAD_PATH_MAX];
    iad_path_dir(dir, sizeof dir, path);
    IAD_TRY(iad_dir_make(dir, err));
    iad_answer_file *f = iad_calloc(1, sizeof *f);
    if (!f) return IAD_NOMEM(err, "the answers");
    iad_text_copy(f->path, sizeof f->path, path);
    f->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    iad_status status = f->fd < 0 ? io_error(f, "opening", err) : IAD_OK;
    if (status == IAD_OK && flock(f->fd, LOCK_EX | LOCK_NB) != 0) status = IAD_FAIL(err, IAD_ERR_EXISTS, "%s: another run is writing it", path);
    if (status == IAD_OK && restart && ftruncate(f->fd, 0) != 0) status = io_error(f, "emptying", err);
    if (status == IAD_OK) status = go_on(f, task, key, system, s, err);
    if (status != IAD_OK) {
        if (f->fd >= 0) close(f->fd);
        free(f);
        return status;
    }
    *file = f;
    return IAD_OK;
}

iad_status iad_answer_file_add(iad_answer_file *f, iad_sayings *s, const iad_asks *asks, size_t at, const iad_said *said, iad_err *err) {
    iad_jsonw w = iad_jsonw_new();
    json_t *line = NULL;
    iad_jsonw_str(&w, "id", asks->items[at].id);
    if (said->text) iad_jsonw_str(&w, "answer", said->text);
    if (*said->finish) iad_jsonw_str(&w, "finish", said->finish);
    iad_jsonw_int(&w, "tokens", (long long)said->tokens);
    if (said->resized_w) iad_jsonw_take(&w, "resized", json_pack("[ii]", said->resized_w, said->resized_h));
    if (said->source_w) iad_jsonw_take(&w, "source", json_pack("[ii]", said->source_w, said->source_h));
    if (!isnan(said->nll)) iad_jsonw_num(&w, "nll", said->nll);
    IAD_TRY(iad_jsonw_finish(&w, &line, err));
    iad_status status = write_line(f, line, err);
    json_decref(line);
    return status == IAD_OK ? take(s, at, said, err) : status;
}

iad_status iad_answer_file_close(iad_answer_file *f, iad_err *err) {
    if (!f) return IAD_OK;
    iad_status status = fsync(f->fd) == 0 || errno == EINVAL ? IAD_OK : io_error(f, "flushing", err);
    if (close(f->fd) != 0 && status == IAD_OK) status = io_error(f, "closing", err);
    free(f);
    return status;
}
