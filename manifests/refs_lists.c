/* Rules that read a file: mmad.json, and lists of pictures as text, TSV, CSV or JSON lines. The files are untrusted:
 * names in them only select among rows of the manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/table.h"
#include "manifests/refs_rule.h"

#define MAX_LIST_BYTES (512u * 1024u * 1024u)

/* 1 when `path` is `tail` or ends with "/tail". */
static int ends_with_path(const char *path, const char *tail) {
    size_t n = strlen(path), t = strlen(tail);
    return t && n >= t && !strcmp(path + n - t, tail) && (n == t || path[n - t - 1] == '/');
}

/* The row that a name in a list means: its path ends with the name, or, when the list was written higher up in the
 * tree, the folder of the data set joined with its path does. */
static const iad_image_row *find_by_name(const iad_refs_pool *pool, const iad_image_row *const *rows, size_t n,
                                         const char *name) {
    char full[IAD_PATH_MAX];
    while (!strncmp(name, "./", 2)) name += 2;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(rows[i]->path, name)) return rows[i];
    for (size_t i = 0; i < n; i++)
        if (ends_with_path(rows[i]->path, name)) return rows[i];
    for (size_t i = 0; i < n; i++)
        if (iad_path_join(full, sizeof full, pool->root, rows[i]->path, NULL) == IAD_OK && ends_with_path(full, name))
            return rows[i];
    return NULL;
}

/* ---- MMAD ---- */

/* The entry of a query: its key is some tail of the picture's full path. */
static const json_t *mmad_entry(const json_t *list, const iad_refs_pool *pool, const iad_image_row *query) {
    char full[IAD_PATH_MAX];
    if (iad_path_join(full, sizeof full, pool->root, query->path, NULL) != IAD_OK) return NULL;
    for (const char *tail = full; tail; tail = strchr(tail, '/')) {
        if (*tail == '/') tail++;
        const json_t *entry = json_object_get(list, tail);
        if (entry) return entry;
    }
    return NULL;
}

static iad_status mmad_query(const iad_refs_pool *pool, const iad_refs_rule *rule, const char *member,
                             const json_t *list, const iad_image_row *query, int shots, iad_refs_choice *choice,
                             iad_err *err) {
    const json_t *entry = mmad_entry(list, pool, query);
    const json_t *names = entry ? json_object_get(entry, member) : NULL;
    if (!json_is_array(names) || json_array_size(names) < (size_t)shots)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "rule %s: %s/%s: %s has %zu %s, %d are wanted", rule->canonical,
                        pool->dataset, pool->category, query->path, json_array_size(names), member, shots);
    iad_refs_own *own = iad_refs_own_add(choice, query, err);
    if (!own) return err ? err->code : IAD_ERR_NOMEM;
    for (int i = 0; i < shots; i++) {
        const char *name = json_string_value(json_array_get(names, (size_t)i));
        const iad_image_row *picture = name ? find_by_name(pool, pool->normals, pool->n_normals, name) : NULL;
        char wanted[300];
        snprintf(wanted, sizeof wanted, "%.200s (for %.60s)", name ? name : "a name that is no text", query->path);
        if (!picture)
            return IAD_FAIL(err, IAD_ERR_NOT_FOUND,
                            "rule %s: %s/%s: wants %s, which is not among its normal pictures outside the test part",
                            rule->canonical, pool->dataset, pool->category, wanted);
        own->picks[own->n++] = picture;
    }
    return IAD_OK;
}

iad_status iad_refs_choose_mmad(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                iad_refs_choice *choice, iad_err *err) {
    (void)strict;
    char path[IAD_PATH_MAX];
    if (*rule->arg) iad_text_copy(path, sizeof path, rule->arg);
    else IAD_TRY(iad_path_join(path, sizeof path, pool->root, "mmad.json", err));
    json_t *list = NULL;
    IAD_TRY(iad_json_load(path, MAX_LIST_BYTES, &list, err));
    iad_status status =
        json_is_object(list) ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not an object keyed by picture path", path);
    const char *member = !strcmp(rule->name, "mmad") ? "random_templates" : "similar_templates";
    for (size_t i = 0; status == IAD_OK && i < pool->n_tests; i++)
        status = mmad_query(pool, rule, member, list, pool->tests[i], shots, choice, err);
    json_decref(list);
    return status;
}

/* ---- lists ---- */

typedef struct list_line {
    const char *dataset, *category, *view, *query, *path, *sha256, *shots; /* NULL: not said */
} list_line;

static int says_other(const char *said, const char *ours) {
    return said && *said && strcmp(said, ours) != 0;
}

/* One line of the list into the choice, when it is about this category, view and number of shots. */
static iad_status list_take(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, const list_line *line,
                            iad_refs_choice *choice, iad_err *err) {
    char number[16], hex[IAD_SHA256_HEX];
    snprintf(number, sizeof number, "%d", shots);
    if (says_other(line->dataset, pool->dataset) || says_other(line->category, pool->category) ||
        says_other(line->shots, number))
        return IAD_OK;
    if (line->view && strcmp(line->view, pool->view) != 0) return IAD_OK;
    const iad_image_row *picture = find_by_name(pool, pool->normals, pool->n_normals, line->path);
    if (!picture) {
        /* A plain list of paths may serve many categories: only lines that say "this one" must be met. */
        if (!line->category || !*line->category) return IAD_OK;
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND,
                        "rule %s: %s/%s: %s is not among its normal pictures outside the test part", rule->canonical,
                        pool->dataset, pool->category, line->path);
    }
    iad_hex(picture->sha256, 32, hex);
    if (line->sha256 && *line->sha256 && !iad_text_equal_nocase(line->sha256, hex))
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "rule %s: %s/%s: %s has other content than the list says",
                        rule->canonical, pool->dataset, pool->category, picture->path);
    if (!line->query || !*line->query) {
        if (choice->n < (size_t)shots) choice->picks[choice->n++] = picture;
        return IAD_OK;
    }
    const iad_image_row *query = find_by_name(pool, pool->tests, pool->n_tests, line->query);
    if (!query) return IAD_OK; /* a query that this manifest does not have needs nothing */
    iad_refs_own *own = NULL;
    for (size_t i = choice->n_own; i > 0 && !own; i--)
        if (choice->own[i - 1].query == query) own = &choice->own[i - 1];
    if (!own) own = iad_refs_own_add(choice, query, err);
    if (!own) return err ? err->code : IAD_ERR_NOMEM;
    if (own->n < (size_t)shots) own->picks[own->n++] = picture;
    return IAD_OK;
}

static iad_status list_from_table(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots,
                                  const iad_table *table, iad_refs_choice *choice, iad_err *err) {
    static const char *const names[] = {"dataset", "category", "view", "query", "path", "sha256", "shots"};
    int columns[7];
    size_t path;
    IAD_TRY(iad_table_need(table, "path", &path, err));
    for (int i = 0; i < 7; i++) columns[i] = iad_table_column(table, names[i]);
    for (size_t r = 0; r < table->n_rows; r++) {
        const char *cells[7];
        for (int i = 0; i < 7; i++) cells[i] = columns[i] < 0 ? NULL : iad_table_cell(table, r, (size_t)columns[i]);
        list_line line = {cells[0], cells[1], cells[2], cells[3], iad_table_cell(table, r, path), cells[5], cells[6]};
        IAD_TRY(list_take(pool, rule, shots, &line, choice, err));
    }
    return IAD_OK;
}

static iad_status list_from_json(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, const char *text,
                                 size_t n, iad_refs_choice *choice, iad_err *err) {
    const char *end = text + n;
    for (size_t number = 1; text < end; number++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t length = stop ? (size_t)(stop - text) : (size_t)(end - text);
        char name[300], count[32] = "";
        json_t *row = NULL;
        snprintf(name, sizeof name, "%.200s, line %zu", rule->arg, number);
        if (length && text[strspn(text, " \t\r")] != '\n') {
            IAD_TRY(iad_json_parse(text, length, 8, name, &row, err));
            list_line line = {0};
            iad_status status = iad_json_string(row, "path", name, &line.path, err);
            if (status == IAD_OK) status = iad_json_string_opt(row, "dataset", NULL, name, &line.dataset, err);
            if (status == IAD_OK) status = iad_json_string_opt(row, "category", NULL, name, &line.category, err);
            if (status == IAD_OK) status = iad_json_string_opt(row, "view", NULL, name, &line.view, err);
            if (status == IAD_OK) status = iad_json_string_opt(row, "query", NULL, name, &line.query, err);
            if (status == IAD_OK) status = iad_json_string_opt(row, "sha256", NULL, name, &line.sha256, err);
            const json_t *shots_said = json_object_get(row, "shots");
            if (json_is_integer(shots_said)) {
                snprintf(count, sizeof count, "%lld", (long long)json_integer_value(shots_said));
                line.shots = count;
            }
            if (status == IAD_OK) status = list_take(pool, rule, shots, &line, choice, err);
            json_decref(row);
            IAD_TRY(status);
        }
        text += length + (stop ? 1 : 0);
    }
    return IAD_OK;
}

static iad_status list_from_lines(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, const char *text,
                                  iad_refs_choice *choice, iad_err *err) {
    iad_strings lines = {0};
    iad_status status = iad_strings_split(&lines, text, '\n', err);
    for (size_t i = 0; status == IAD_OK && i < lines.n; i++) {
        char *name = lines.items[i];
        size_t n = strlen(name);
        while (n && strchr(" \t\r", name[n - 1])) name[--n] = 0;
        list_line line = {.path = name};
        if (n && name[0] != '#') status = list_take(pool, rule, shots, &line, choice, err);
    }
    iad_strings_deinit(&lines);
    return status;
}

/* JSON when the first byte is '{', a table when the first line has a separator and a "path" column, else one path per
 * line. */
iad_status iad_refs_list_read(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, const char *text,
                              size_t n, iad_refs_choice *choice, iad_err *err) {
    if (memchr(text, 0, n)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a text file", rule->arg);
    if (text[strspn(text, " \t\r\n")] == '{') return list_from_json(pool, rule, shots, text, n, choice, err);
    size_t head = strcspn(text, "\r\n");
    char first[1024];
    snprintf(first, sizeof first, "%.*s", (int)(head < sizeof first ? head : sizeof first - 1), text);
    char separator = strchr(first, '\t') ? '\t' : strchr(first, ',') ? ',' : 0;
    if (!separator || !strstr(first, "path")) return list_from_lines(pool, rule, shots, text, choice, err);
    iad_table table;
    IAD_TRY(iad_table_parse(&table, text, n, separator, rule->arg, err));
    iad_status status = list_from_table(pool, rule, shots, &table, choice, err);
    iad_table_deinit(&table);
    return status;
}

iad_status iad_refs_choose_list(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                iad_refs_choice *choice, iad_err *err) {
    uint8_t *data = NULL;
    size_t n = 0;
    IAD_TRY(iad_file_read(rule->arg, MAX_LIST_BYTES, &data, &n, err));
    iad_status status = iad_refs_list_read(pool, rule, shots, (const char *)data, n, choice, err);
    uint8_t digest[32];
    char hex[IAD_SHA256_HEX];
    if (status == IAD_OK) status = iad_sha256_bytes(data, n, digest, err);
    free(data);
    IAD_TRY(status);
    for (size_t i = 0; i < choice->n_own; i++)
        if (choice->own[i].n < (size_t)shots)
            return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "rule %s: %s/%s: names %zu pictures for %s, %d are wanted",
                            rule->canonical, pool->dataset, pool->category, choice->own[i].n,
                            choice->own[i].query->path, shots);
    choice->n_unpaired = choice->n_own ? pool->n_tests - choice->n_own : 0;
    int common_needed = choice->n_own == 0 || choice->n_unpaired > 0;
    if (common_needed && choice->n < (size_t)shots) {
        if (choice->n_own && !strict && choice->n == 0)
            return IAD_FAIL(err, IAD_ERR_NOT_FOUND,
                            "rule %s: %s/%s: %zu test pictures are not in the list, and it names none for all",
                            rule->canonical, pool->dataset, pool->category, choice->n_unpaired);
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "rule %s: %s/%s%s%s: names %zu of its pictures, %d are wanted",
                        rule->canonical, pool->dataset, pool->category, *pool->view ? " view " : "", pool->view,
                        choice->n, shots);
    }
    if (!common_needed && choice->n < (size_t)shots) choice->n = 0;
    iad_hex(digest, 32, hex);
    snprintf(choice->note, sizeof choice->note, "list sha256 %s", hex);
    return IAD_OK;
}
