#include "manifests/ingest/list_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/table.h"
#include "manifests/ingest/scan.h"
#include "manifests/ingest/scan_tree.h"

/* One record, whatever it came from. Empty texts count as absent. */
typedef struct list_record {
    const char *path, *label, *category, *split, *defect, *kind, *object_key, *view, *light, *note, *mask_quality, *exemplar_ok;
    const char *mask;        /* ';' list, or NULL */
    const json_t *mask_json; /* text or list of texts, or NULL */
    const char *boxes, *mask_values; /* JSON texts, or NULL */
    const json_t *boxes_json, *mask_values_json;
} list_record;

static const struct {
    const char *name;
    size_t offset;
} fields[] = {{"path", offsetof(list_record, path)},
              {"label", offsetof(list_record, label)},
              {"category", offsetof(list_record, category)},
              {"split", offsetof(list_record, split)},
              {"defect", offsetof(list_record, defect)},
              {"kind", offsetof(list_record, kind)},
              {"object_key", offsetof(list_record, object_key)},
              {"view", offsetof(list_record, view)},
              {"light", offsetof(list_record, light)},
              {"note", offsetof(list_record, note)},
              {"mask_quality", offsetof(list_record, mask_quality)},
              {"exemplar_ok", offsetof(list_record, exemplar_ok)},
              {"mask", offsetof(list_record, mask)},
              {"boxes", offsetof(list_record, boxes)},
              {"mask_values", offsetof(list_record, mask_values)}};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static void set_field(list_record *record, size_t field, const char *text) {
    if (!*text) return;
    memcpy((char *)record + fields[field].offset, &text, sizeof text);
}

/* ---- values ---- */

static iad_status parse_label(const list_record *record, iad_label *label, iad_err *err) {
    *label = IAD_LABEL_UNKNOWN;
    if (!record->label) {
        if (record->defect) *label = IAD_LABEL_ANOMALOUS;
        return IAD_OK;
    }
    if (iad_scan_in_list_nocase("normal good ok 0", record->label)) *label = IAD_LABEL_NORMAL;
    else if (strcmp(record->label, "1") == 0 || iad_scan_is_anomalous(record->label)) *label = IAD_LABEL_ANOMALOUS;
    else return iad_label_parse(record->label, label, err);
    return IAD_OK;
}

static iad_status parse_flag(const char *text, int fallback, int *value, iad_err *err) {
    *value = fallback;
    if (!text) return IAD_OK;
    if (iad_scan_in_list_nocase("1 yes true", text)) *value = 1;
    else if (iad_scan_in_list_nocase("0 no false", text)) *value = 0;
    else return IAD_FAIL(err, IAD_ERR_FORMAT, "exemplar_ok: \"%.40s\" is neither 1 nor 0", text);
    return IAD_OK;
}

static const char *strip(const char *path, const char *prefix) {
    return prefix && iad_text_starts(path, prefix) ? path + strlen(prefix) : path;
}

static iad_status parse_masks(const list_record *record, const char *prefix, iad_strings *masks, iad_err *err) {
    if (record->mask_json && json_is_array(record->mask_json)) {
        for (size_t i = 0; i < json_array_size(record->mask_json); i++) {
            const char *text = json_string_value(json_array_get(record->mask_json, i));
            if (!text) return IAD_FAIL(err, IAD_ERR_FORMAT, "mask: entry %zu is not a text", i);
            if (masks->n >= IAD_LIST_MAX_MASKS) return IAD_FAIL(err, IAD_ERR_LIMIT, "mask: more than %u files", IAD_LIST_MAX_MASKS);
            IAD_TRY(iad_strings_add(masks, strip(text, prefix), err));
        }
        return IAD_OK;
    }
    const char *text = record->mask_json ? json_string_value(record->mask_json) : record->mask;
    if (record->mask_json && !text) return IAD_FAIL(err, IAD_ERR_FORMAT, "mask: neither a text nor a list");
    for (const char *p = text; p && *p;) {
        size_t len = strcspn(p, ";");
        if (masks->n >= IAD_LIST_MAX_MASKS) return IAD_FAIL(err, IAD_ERR_LIMIT, "mask: more than %u files", IAD_LIST_MAX_MASKS);
        size_t cut = prefix && len >= strlen(prefix) && strncmp(p, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
        if (len) IAD_TRY(iad_strings_addn(masks, p + cut, len - cut, err));
        p += len + (p[len] == ';');
    }
    return IAD_OK;
}

static iad_status parse_box(const json_t *entry, iad_ingest_box *box, iad_err *err) {
    double v[4];
    size_t n = json_array_size(entry);
    if (n != 4 && n != 5) return IAD_FAIL(err, IAD_ERR_FORMAT, "boxes: an entry is not [x0, y0, x1, y1] or [x0, y0, x1, y1, name]");
    for (size_t i = 0; i < 4; i++) {
        if (!json_is_number(json_array_get(entry, i))) return IAD_FAIL(err, IAD_ERR_FORMAT, "boxes: a corner is not a number");
        v[i] = json_number_value(json_array_get(entry, i));
        if (!(v[i] >= -1e6 && v[i] <= 1e6)) return IAD_FAIL(err, IAD_ERR_FORMAT, "boxes: a corner is outside of any picture");
    }
    if (!(v[0] < v[2] && v[1] < v[3])) return IAD_FAIL(err, IAD_ERR_FORMAT, "boxes: one has no area");
    if (n == 5 && !json_is_null(json_array_get(entry, 4)) && !json_is_string(json_array_get(entry, 4)))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "boxes: a name is not a text");
    *box = (iad_ingest_box){v[0], v[1], v[2], v[3], n == 5 ? json_string_value(json_array_get(entry, 4)) : NULL};
    return IAD_OK;
}

static iad_status parse_boxes(const json_t *list, iad_ingest_box **boxes, size_t *n, iad_err *err) {
    if (!json_is_array(list)) return IAD_FAIL(err, IAD_ERR_FORMAT, "boxes: not a list");
    if (json_array_size(list) > IAD_LIST_MAX_BOXES) return IAD_FAIL(err, IAD_ERR_LIMIT, "boxes: more than %u", IAD_LIST_MAX_BOXES);
    *boxes = iad_calloc(json_array_size(list), sizeof **boxes);
    if (!*boxes) return IAD_NOMEM(err, "boxes");
    for (*n = 0; *n < json_array_size(list); ++*n) IAD_TRY(parse_box(json_array_get(list, *n), &(*boxes)[*n], err));
    return IAD_OK;
}

/* {"3": "scratch", "7": null}: keys are values, names are texts or null; those without a name are left out. */
static iad_status parse_values(const list_record *record, json_t **values, iad_err *err) {
    const json_t *given = record->mask_values_json;
    json_t *parsed = NULL;
    if (!given && record->mask_values) {
        IAD_TRY(iad_json_parse(record->mask_values, strlen(record->mask_values), 4, "mask_values", &parsed, err));
        given = parsed;
    }
    if (!given) return IAD_OK;
    iad_status status = IAD_OK;
    *values = json_is_object(given) ? json_deep_copy(given) : NULL;
    json_decref(parsed);
    if (!*values) return IAD_FAIL(err, IAD_ERR_FORMAT, "mask_values: not an object");
    const char *key;
    json_t *name;
    void *next;
    json_object_foreach_safe(*values, next, key, name) {
        int64_t value;
        if (iad_parse_i64(key, 1, 255, "value", &value, NULL) != IAD_OK || (!json_is_string(name) && !json_is_null(name)))
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "mask_values: not {\"1\": \"name\", ...} with values from 1 to 255");
        else if (json_is_null(name)) json_object_del(*values, key);
        if (status != IAD_OK) break;
    }
    return status;
}

/* ---- one record ---- */

typedef struct list_item {
    iad_strings masks;
    iad_ingest_box *boxes;
    size_t n_boxes;
    json_t *boxes_json, *mask_values; /* owned */
    char category[IAD_PATH_MAX];
    iad_ingest_item item;
} list_item;

static void drop_item(list_item *made) {
    iad_strings_deinit(&made->masks);
    free(made->boxes);
    json_decref(made->boxes_json);
    json_decref(made->mask_values);
}

static iad_status make_item(const list_record *record, const iad_list_defaults *defaults, list_item *made, iad_err *err) {
    iad_ingest_item *item = &made->item;
    if (!record->path) return IAD_FAIL(err, IAD_ERR_FORMAT, "no path");
    item->path = strip(record->path, defaults->strip);
    const char *slash = strchr(item->path, '/');
    if (record->category) iad_text_copy(made->category, sizeof made->category, record->category);
    else if (defaults->category) iad_text_copy(made->category, sizeof made->category, defaults->category);
    else if (slash && slash > item->path) snprintf(made->category, sizeof made->category, "%.*s", (int)(slash - item->path), item->path);
    else iad_text_copy(made->category, sizeof made->category, defaults->root_name);
    item->category = made->category;
    item->split = record->split, item->defect = record->defect, item->kind = record->kind;
    item->object_key = record->object_key, item->view = record->view, item->light = record->light, item->note = record->note;
    IAD_TRY(parse_label(record, &item->label, err));
    IAD_TRY(parse_flag(record->exemplar_ok, iad_scan_exemplar(record->split), &item->exemplar_ok, err));
    if (record->kind && !iad_scan_in_list("object texture multi logical", record->kind))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "kind: \"%.40s\" is none of object, texture, multi, logical", record->kind);
    if (record->mask_quality) IAD_TRY(iad_mask_quality_parse(record->mask_quality, &item->mask_quality, err));
    IAD_TRY(parse_masks(record, defaults->strip, &made->masks, err));
    IAD_TRY(parse_values(record, &made->mask_values, err));
    item->mask_values = made->mask_values;
    item->masks = (const char *const *)made->masks.items;
    item->n_masks = made->masks.n;
    const json_t *boxes = record->boxes_json;
    if (!boxes && record->boxes) {
        IAD_TRY(iad_json_parse(record->boxes, strlen(record->boxes), 4, "boxes", &made->boxes_json, err));
        boxes = made->boxes_json;
    }
    if (boxes) IAD_TRY(parse_boxes(boxes, &made->boxes, &made->n_boxes, err));
    item->boxes = made->boxes;
    item->n_boxes = made->n_boxes;
    return IAD_OK;
}

static iad_status deliver(const list_record *record, const char *where, const iad_list_defaults *defaults, const iad_ingest_sink *sink,
                          iad_err *err) {
    list_item *made = iad_calloc(1, sizeof *made);
    if (!made) return IAD_NOMEM(err, where);
    iad_err why = IAD_ERR_NONE;
    iad_status status = make_item(record, defaults, made, &why);
    if (status == IAD_OK) status = sink->item(sink->user, &made->item, err);
    else status = iad_scan_reject(sink, record->path ? record->path : where, &why, err);
    drop_item(made);
    free(made);
    return status;
}

/* ---- tables ---- */

static iad_status parse_table(const iad_table *table, const iad_list_defaults *defaults, const iad_ingest_sink *sink, iad_err *err) {
    int column[N_FIELDS];
    size_t need;
    IAD_TRY(iad_table_need(table, "path", &need, err));
    for (size_t f = 0; f < N_FIELDS; f++) column[f] = iad_table_column(table, fields[f].name);
    for (size_t c = 0; c < table->n_columns; c++) {
        int known = iad_scan_in_list("sha256 width height format mask_state", table->columns[c]); /* facts that are found out again */
        for (size_t f = 0; f < N_FIELDS; f++) known |= column[f] == (int)c;
        if (!known) iad_scan_remark(sink, "column \"%.60s\" is not used", table->columns[c]);
    }
    for (size_t r = 0; r < table->n_rows; r++) {
        list_record record = {0};
        char where[64];
        snprintf(where, sizeof where, "row %zu", r + 1);
        for (size_t f = 0; f < N_FIELDS; f++)
            if (column[f] >= 0) set_field(&record, f, iad_table_cell(table, r, (size_t)column[f]));
        IAD_TRY(deliver(&record, where, defaults, sink, err));
    }
    return IAD_OK;
}

/* ---- JSON Lines ---- */

static iad_status deliver_line(const json_t *object, const char *where, const iad_list_defaults *defaults, const iad_ingest_sink *sink,
                               iad_err *err) {
    list_record record = {0};
    for (size_t f = 0; f < N_FIELDS; f++) {
        const json_t *member = json_object_get(object, fields[f].name);
        if (!member || json_is_null(member)) continue;
        if (strcmp(fields[f].name, "mask") == 0) record.mask_json = member;
        else if (strcmp(fields[f].name, "boxes") == 0 && !json_is_string(member)) record.boxes_json = member;
        else if (strcmp(fields[f].name, "mask_values") == 0 && !json_is_string(member)) record.mask_values_json = member;
        else if (json_is_string(member)) set_field(&record, f, json_string_value(member));
        else if (json_is_boolean(member)) set_field(&record, f, json_is_true(member) ? "1" : "0");
        else if (json_is_integer(member) && (json_integer_value(member) == 0 || json_integer_value(member) == 1))
            set_field(&record, f, json_integer_value(member) ? "1" : "0");
        else return iad_scan_rejectf(sink, err, where, "member \"%s\" is not a text", fields[f].name);
    }
    return deliver(&record, where, defaults, sink, err);
}

static int is_blank(const char *line, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') return 0;
    return 1;
}

static iad_status parse_lines(const char *text, size_t n, const char *name, const iad_list_defaults *defaults, const iad_ingest_sink *sink,
                              iad_err *err) {
    size_t number = 0;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t len = end ? (size_t)(end - text) - at : n - at;
        const char *line = text + at;
        at += len + 1;
        number++;
        if (is_blank(line, len)) continue;
        char where[300];
        snprintf(where, sizeof where, "%.200s: line %zu", name, number);
        json_t *object = NULL;
        iad_err why = IAD_ERR_NONE;
        iad_status status = len > IAD_LIST_MAX_LINE ? IAD_FAIL(&why, IAD_ERR_LIMIT, "longer than %u bytes", IAD_LIST_MAX_LINE)
                                                    : iad_json_parse(line, len, 8, where, &object, &why);
        if (status == IAD_OK && !json_is_object(object)) status = IAD_FAIL(&why, IAD_ERR_FORMAT, "not an object");
        if (status == IAD_OK) status = deliver_line(object, where, defaults, sink, err);
        else status = iad_scan_reject(sink, where, &why, err);
        json_decref(object);
        if (status != IAD_OK) return status;
    }
    return IAD_OK;
}

/* ---- entry ---- */

iad_status iad_list_form_of(const char *path, iad_list_form *form, iad_err *err) {
    if (iad_text_ends_nocase(path, ".csv")) *form = IAD_LIST_CSV;
    else if (iad_text_ends_nocase(path, ".tsv") || iad_text_ends_nocase(path, ".txt")) *form = IAD_LIST_TSV;
    else if (iad_text_ends_nocase(path, ".jsonl") || iad_text_ends_nocase(path, ".ndjson")) *form = IAD_LIST_JSONL;
    else return IAD_FAIL(err, IAD_ERR_ARG, "%s: a list is called .csv, .tsv, .txt, .jsonl or .ndjson", path);
    return IAD_OK;
}

iad_status iad_list_parse(const char *text, size_t n, iad_list_form form, const char *name, const iad_list_defaults *defaults,
                          const iad_ingest_sink *sink, iad_err *err) {
    if (form == IAD_LIST_JSONL) return parse_lines(text, n, name, defaults, sink, err);
    iad_table table;
    IAD_TRY(iad_table_parse(&table, text, n, form == IAD_LIST_CSV ? ',' : '\t', name, err));
    iad_status status = parse_table(&table, defaults, sink, err);
    iad_table_deinit(&table);
    return status;
}
