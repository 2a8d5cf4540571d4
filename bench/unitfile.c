#include "bench/unitfile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "bench/jsonwrite.h"

#define MAX_UNIT_BYTES (256u << 20)

/* Letters, digits, dot, dash and underscore stay; anything else makes the name ambiguous, so a hash of the whole name is added. */
static void safe_name(const char *name, char out[100]) {
    size_t n = 0;
    int changed = *name == 0 || *name == '.';
    for (const char *p = name; *p; p++) {
        int plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_' || *p == '-' || *p == '.' ||
                    *p == '+' || *p == '=';
        changed |= !plain || n >= 80;
        if (n < 80) out[n] = plain && !(n == 0 && *p == '.') ? *p : '_', n++;
    }
    out[n] = 0;
    if (!changed) return;
    uint8_t digest[IAD_SHA256_BYTES] = {0};
    iad_sha256_bytes(name, strlen(name), digest, NULL);
    out[n++] = '~';
    iad_hex(digest, 6, out + n);
}

iad_status iad_runner_unit_path(const char *out_dir, const char *dataset, const char *category, const char *preset, int shots, uint64_t seed,
                                const char *suffix, char *path, size_t size, iad_err *err) {
    char d[100], c[100], p[100];
    safe_name(dataset, d);
    safe_name(category, c);
    safe_name(preset, p);
    int n = snprintf(path, size, "%s/units/%s/%s/%s/k%d-s%llu%s", out_dir, d, c, p, shots, (unsigned long long)seed, suffix);
    if (n < 0 || (size_t)n >= size) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s/units/...: the path is too long", out_dir);
    return IAD_OK;
}

static iad_status add_exemplar(json_t *list, const iad_image_row *picture, const char *query, iad_err *err) {
    char hex[IAD_SHA256_HEX];
    iad_hex(picture->sha256, IAD_SHA256_BYTES, hex);
    iad_jsonw w = iad_jsonw_new();
    if (query) iad_jsonw_str(&w, "query", query);
    iad_jsonw_str(&w, "path", picture->path);
    iad_jsonw_str(&w, "sha256", hex);
    json_t *item = NULL;
    IAD_TRY(iad_jsonw_finish(&w, &item, err));
    return json_array_append_new(list, item) == 0 ? IAD_OK : IAD_NOMEM(err, "the exemplars");
}

iad_status iad_unitfile_exemplars(const iad_runner_unit *unit, json_t **list, iad_err *err) {
    *list = json_array();
    if (!*list) return IAD_NOMEM(err, "the exemplars");
    iad_status status = IAD_OK;
    for (size_t s = 0; s < unit->refs->n && status == IAD_OK; s++) {
        const iad_refs_set *set = &unit->refs->sets[s];
        for (size_t i = 0; i < set->n_common && status == IAD_OK; i++) status = add_exemplar(*list, &set->pictures[i], NULL, err);
        for (size_t q = 0; q < set->n_queries && status == IAD_OK; q++)
            for (size_t i = 0; i < set->queries[q].n && status == IAD_OK; i++)
                status = add_exemplar(*list, &set->pictures[set->queries[q].first + i], set->queries[q].query_path, err);
    }
    if (status != IAD_OK) {
        json_decref(*list);
        *list = NULL;
    }
    return status;
}

iad_status iad_unitfile_tag(const iad_runner *runner, const iad_runner_unit *unit, const iad_protocol *protocol, char tag[IAD_UNITFILE_TAG],
                            iad_err *err) {
    char rules[65], hex[IAD_SHA256_HEX];
    json_t *exemplars = NULL;
    iad_buf text;
    IAD_TRY(iad_protocol_hash(protocol, rules, err));
    IAD_TRY(iad_unitfile_exemplars(unit, &exemplars, err));
    iad_buf_init(&text, MAX_UNIT_BYTES);
    iad_status status = iad_buf_addf(&text, err, "%s\n%s\n%s\n", runner->scorer.name, runner->scorer.version, rules);
    if (status == IAD_OK) status = iad_json_canonical(exemplars, &text, err);
    if (status == IAD_OK) status = iad_sha256_hex(text.data, text.len, hex, err);
    if (status == IAD_OK) snprintf(tag, IAD_UNITFILE_TAG, "iad-bench %s", hex);
    iad_buf_deinit(&text);
    json_decref(exemplars);
    return status;
}

iad_status iad_unitfile_inputs(const iad_runner *runner, const iad_runner_unit *unit, const char *tag, char hex[65], iad_err *err) {
    const iad_eval_options *eval = &runner->eval;
    iad_sha256 hash;
    char text[512];
    int n = snprintf(text, sizeof text, "%s legacy=%d aupimo=%d bootstrap=%d limits=", tag, eval->legacy, eval->aupimo, eval->bootstrap);
    for (size_t i = 0; i < eval->n_pro_limits && n > 0 && n < (int)sizeof text; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%.17g,", eval->pro_limits[i]);
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = iad_sha256_add(&hash, text, strlen(text), err);
    for (size_t i = 0; i < unit->tests->n && status == IAD_OK; i++) {
        const iad_image_row *row = &unit->tests->items[i];
        status = iad_sha256_add(&hash, row->path, strlen(row->path) + 1, err);
        if (status == IAD_OK) status = iad_sha256_add(&hash, row->sha256, sizeof row->sha256, err);
    }
    return iad_sha256_end_hex(&hash, status, hex, err);
}

iad_status iad_unitfile_load(const char *path, const char *inputs, json_t **unit, iad_err *err) {
    *unit = NULL;
    if (!iad_file_exists(path)) return IAD_OK;
    iad_err ignored = IAD_ERR_NONE;
    iad_status status = iad_json_load(path, MAX_UNIT_BYTES, unit, &ignored);
    if (status == IAD_ERR_NOMEM || status == IAD_ERR_IO) return IAD_FAIL(err, status, "%s", ignored.msg);
    const char *stored = json_string_value(json_object_get(*unit, "inputs"));
    if (status == IAD_OK && stored && strcmp(stored, inputs) == 0 && json_is_object(json_object_get(*unit, "image"))) return IAD_OK;
    json_decref(*unit);
    *unit = NULL;
    return IAD_OK;
}

iad_status iad_unitfile_save(const char *path, const json_t *unit, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, MAX_UNIT_BYTES);
    /* Not canonical: the order of the members must survive, so that a resumed run writes the same results.json. */
    iad_status status = iad_json_pretty(unit, &text, err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    iad_buf_deinit(&text);
    return status;
}
