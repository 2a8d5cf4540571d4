#include "runtime/serve/setfile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "runtime/engine/calibrate.h"
#include "runtime/program/program.h"
#include "runtime/serve/bodyinspect.h"

void iad_set_clear(iad_set *set) {
    free(set->name);
    free(set->category);
    free(set->scores);
    *set = (iad_set){0};
}

iad_status iad_set_make_id(iad_set *set, iad_err *err) {
    uint8_t digest[IAD_SHA256_BYTES];
    const char *const fields[] = {set->key, set->name, set->category};
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = IAD_OK;
    for (int i = 0; i < 3 && status == IAD_OK; i++) status = iad_sha256_add(&hash, fields[i], strlen(fields[i]) + 1, err);
    status = iad_sha256_end(&hash, status, digest, err);
    if (status == IAD_OK) iad_hex(digest, 8, set->id);
    return status;
}

/* ---- the file ---- */

iad_status iad_set_write(const iad_set *set, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_addf(out, err, "{\"version\":1,\"id\":\"%s\",\"name\":", set->id));
    IAD_TRY(iad_json_quote(set->name, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"category\":", err));
    IAD_TRY(iad_json_quote(set->category, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"created\":%lld,\"key\":\"%s\",\"target_fpr\":%.17g,\"confidence\":%.17g,\"scores\":[", (long long)set->created,
                         set->key, set->target_fpr, set->confidence));
    for (size_t i = 0; i < set->n_scores; i++) {
        const iad_set_score *s = &set->scores[i];
        IAD_TRY(iad_buf_addf(out, err, "%s\n{\"picture\":\"%s\",\"score\":%.17g,\"map\":", i ? "," : "", s->picture, s->score));
        if (s->lo <= s->hi) IAD_TRY(iad_buf_addf(out, err, "[%.9g,%.9g]}", (double)s->lo, (double)s->hi));
        else IAD_TRY(iad_buf_add_str(out, "null}", err));
    }
    return iad_buf_add_str(out, "]}\n", err);
}

static int is_hex(const char *text, size_t n) { return strlen(text) == n && strspn(text, "0123456789abcdef") == n; }

static iad_status read_score(const json_t *value, const char *where, iad_set_score *s, iad_err *err) {
    const char *picture = NULL;
    IAD_TRY(iad_json_string(value, "picture", where, &picture, err));
    IAD_TRY(iad_json_number(value, "score", where, &s->score, err));
    if (!is_hex(picture, 64) || !(s->score >= 0 && s->score <= 1)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a broken score", where);
    iad_text_copy(s->picture, sizeof s->picture, picture);
    s->lo = 1;
    s->hi = 0;
    const json_t *map = json_object_get(value, "map");
    if (!map || json_is_null(map)) return IAD_OK;
    const double lo = json_number_value(json_array_get(map, 0)), hi = json_number_value(json_array_get(map, 1));
    if (json_array_size(map) != 2 || !(lo > -1e30 && lo <= hi && hi < 1e30)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a broken map range", where);
    s->lo = (float)lo;
    s->hi = (float)hi;
    return IAD_OK;
}

static iad_status take_text(const json_t *root, const char *key, size_t least, const char *where, char **to, iad_err *err) {
    const char *text = NULL;
    IAD_TRY(iad_json_string(root, key, where, &text, err));
    if (strlen(text) < least || strlen(text) > IAD_SET_MAX_NAME) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" has a wrong length", where, key);
    *to = iad_strdup(text);
    return *to ? IAD_OK : IAD_NOMEM(err, "a set");
}

static iad_status read_root(const json_t *root, const char *where, iad_set *set, iad_err *err) {
    int64_t version = 0;
    const char *id = NULL, *key = NULL;
    json_t *scores = NULL;
    IAD_TRY(iad_json_int(root, "version", 1, 1, where, &version, err));
    IAD_TRY(iad_json_string(root, "id", where, &id, err));
    IAD_TRY(iad_json_string(root, "key", where, &key, err));
    if (!is_hex(id, 16) || !is_hex(key, 64)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a broken id or key", where);
    iad_text_copy(set->key, sizeof set->key, key);
    IAD_TRY(take_text(root, "name", 1, where, &set->name, err));
    IAD_TRY(take_text(root, "category", 0, where, &set->category, err));
    IAD_TRY(iad_json_int(root, "created", 0, INT64_MAX, where, &set->created, err));
    IAD_TRY(iad_json_number(root, "target_fpr", where, &set->target_fpr, err));
    IAD_TRY(iad_json_number(root, "confidence", where, &set->confidence, err));
    if (!(set->target_fpr > 0 && set->target_fpr < 1 && set->confidence > 0 && set->confidence < 1))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a broken target", where);
    IAD_TRY(iad_json_array(root, "scores", where, &scores, err));
    set->n_scores = 0;
    IAD_TRY(iad_grow((void **)&set->scores, &set->cap_scores, json_array_size(scores), sizeof *set->scores, IAD_SET_MAX_SCORES, "scores of a set",
                     err));
    for (size_t i = 0; i < json_array_size(scores); i++) IAD_TRY(read_score(json_array_get(scores, i), where, &set->scores[set->n_scores++], err));
    IAD_TRY(iad_set_make_id(set, err));
    return strcmp(set->id, id) == 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the id is not that of its key, name and category", where);
}

iad_status iad_set_read(const char *text, size_t n, const char *where, iad_set *set, iad_err *err) {
    json_t *root = NULL;
    *set = (iad_set){0};
    IAD_TRY(iad_json_parse(text, n, 8, where, &root, err));
    iad_status status = json_is_object(root) ? read_root(root, where, set, err) : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a JSON object", where);
    json_decref(root);
    if (status != IAD_OK) iad_set_clear(set);
    return status;
}

/* ---- what the good pictures say ---- */

iad_status iad_set_threshold(const iad_set *set, int *reached, double *threshold, double *confidence, iad_err *err) {
    const size_t needed = iad_calibrate_needed(set->target_fpr, set->confidence);
    iad_calibration c;
    *reached = needed > 0 && set->n_scores >= needed;
    if (!*reached) return IAD_OK;
    double *scores = iad_calloc(set->n_scores, sizeof *scores);
    if (!scores) return IAD_NOMEM(err, "the scores");
    for (size_t i = 0; i < set->n_scores; i++) scores[i] = set->scores[i].score;
    iad_status status = iad_calibrate(scores, set->n_scores, set->target_fpr, set->confidence, &c, err);
    free(scores);
    IAD_TRY(status);
    *threshold = c.threshold;
    *confidence = c.reached;
    return IAD_OK;
}

int iad_set_map_range(const iad_set *set, float *lo, float *hi) {
    *lo = INFINITY;
    *hi = -INFINITY;
    for (size_t i = 0; i < set->n_scores; i++) {
        if (set->scores[i].lo > set->scores[i].hi) continue;
        *lo = fminf(*lo, set->scores[i].lo);
        *hi = fmaxf(*hi, set->scores[i].hi);
    }
    return *lo <= *hi;
}

static iad_status calibration_json(const iad_set *set, iad_buf *out, iad_err *err) {
    int enough = 0;
    double threshold = NAN, reached = NAN;
    float lo = NAN, hi = NAN;
    if (set->n_scores == 0) return iad_buf_add_str(out, "null", err);
    IAD_TRY(iad_set_threshold(set, &enough, &threshold, &reached, err));
    if (!iad_set_map_range(set, &lo, &hi)) lo = hi = NAN;
    IAD_TRY(iad_buf_addf(out, err, "{\"pictures\":%zu,\"needed\":%zu,\"target_fpr\":%.9g,\"confidence\":%.9g,\"threshold\":", set->n_scores,
                         iad_calibrate_needed(set->target_fpr, set->confidence), set->target_fpr, set->confidence));
    IAD_TRY(iad_json_f64(threshold, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"reached\":", err));
    IAD_TRY(iad_json_f64(reached, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"map_min\":", err));
    IAD_TRY(iad_json_f32(lo, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"map_max\":", err));
    IAD_TRY(iad_json_f32(hi, out, err));
    return iad_buf_add_str(out, "}", err);
}

iad_status iad_set_json(const iad_set *set, iad_buf *out, iad_err *err) {
    const iadgpt_exemplars_info *i = &set->info;
    IAD_TRY(iad_buf_addf(out, err, "{\"object\":\"iad.exemplar_set\",\"id\":\"%s\",\"name\":", set->id));
    IAD_TRY(iad_json_quote(set->name, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"category\":", err));
    if (*set->category) IAD_TRY(iad_json_quote(set->category, out, err));
    else IAD_TRY(iad_buf_add_str(out, "null", err));
    IAD_TRY(iad_buf_addf(out, err,
                         ",\"created\":%lld,\"key\":\"%s\",\"k\":%d,\"tokens\":%lld,\"image_tokens\":%lld,\"image_tokens_kept\":%lld,\"bytes\":%llu,"
                         "\"image_size\":[%d,%d],\"retention\":%.9g,\"calibration\":",
                         (long long)set->created, set->key, i->k, (long long)i->tokens, (long long)i->image_tokens, (long long)i->image_tokens_kept,
                         (unsigned long long)i->bytes, i->image_width, i->image_height, i->retention));
    IAD_TRY(calibration_json(set, out, err));
    return iad_buf_add_str(out, "}", err);
}
