/* iadgpt prepare: good pictures once through the model, into a file that inspect starts from. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "runtime/engine/snapshot.h"
#include "runtime/program/engineoptions.h"
#include "runtime/program/program.h"

typedef struct options {
    iad_engine_args engine;
    iad_settings_args settings;
    iad_strings normals;
    const char *out, *show;
} options;

static iad_status describe(const iad_snapshot *s, const char *path, size_t bytes, iad_buf *out, iad_err *err) {
    char key[2 * IAD_SHA256_BYTES + 1], model[2 * IAD_SHA256_BYTES + 1];
    iad_hex(s->key.bytes, sizeof s->key.bytes, key);
    iad_hex(s->identity.bytes, sizeof s->identity.bytes, model);
    int64_t tokens = 0, kept = 0;
    IAD_TRY(iad_buf_add_str(out, "{\"file\":", err));
    IAD_TRY(iad_json_name(path, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"key\":\"%s\",\"model\":\"%s\",\"k\":%d,\"tokens\":%lld,\"exemplars\":[", key, model, s->k,
                         (long long)s->line.n_row));
    for (size_t i = 0, n = 0; i < s->line.n; i++) {
        const iad_unit *unit = &s->line.units[i];
        if (!unit->is_image) continue;
        char picture[2 * IAD_SHA256_BYTES + 1];
        iad_hex(unit->key.bytes, sizeof unit->key.bytes, picture);
        IAD_TRY(iad_buf_addf(out, err, "%s{\"key\":\"%s\",\"grid\":[%d,%d],\"tokens_kept\":%lld}", n++ ? "," : "", picture, unit->lh, unit->lw,
                             (long long)unit->n_row));
        tokens += (int64_t)unit->lh * unit->lw;
        kept += unit->n_row;
    }
    IAD_TRY(iad_buf_addf(out, err,
                         "],\"image_tokens\":%lld,\"image_tokens_kept\":%lld,\"layers\":%d,\"kv\":\"%s\",\"image_width\":%d,\"image_height\":%d,"
                         "\"min_pixels\":%lld,\"max_pixels\":%lld,\"retention\":%.9g,\"similarity\":\"%s\",\"compress_query\":%s,"
                         "\"yes_means\":\"%s\",\"question\":",
                         (long long)tokens, (long long)kept, s->layers, iad_dtype_name(s->kv), s->image_w, s->image_h, (long long)s->min_pixels,
                         (long long)s->max_pixels, s->retention, s->aligned ? "aligned" : "best", s->compress_query ? "true" : "false",
                         s->yes_is_defective ? "defective" : "normal"));
    if (s->question) IAD_TRY(iad_json_name(s->question, out, err));
    else IAD_TRY(iad_buf_add_str(out, "null", err));
    return iad_buf_addf(out, err, ",\"bytes\":%zu,\"checksum\":\"ok\"}\n", bytes);
}

/* Needs no model: the header says everything; the checksum is compared. */
static iad_status show(const char *path, iad_err *err) {
    iad_map map = {0};
    IAD_TRY(iad_map_open(&map, path, err));
    iad_snapshot snapshot = {0};
    uint8_t digest[IAD_SHA256_BYTES];
    iad_buf out;
    iad_buf_init(&out, 1u << 24);
    iad_status status = map.n < IAD_SHA256_BYTES + 16 ? IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no exemplar file", path)
                                                      : iad_snapshot_parse(map.data, map.n - IAD_SHA256_BYTES, path, &snapshot, err);
    if (status == IAD_OK) {
        status = iad_sha256_bytes(map.data, map.n - IAD_SHA256_BYTES, digest, err);
        if (status == IAD_OK && memcmp(digest, map.data + map.n - IAD_SHA256_BYTES, sizeof digest) != 0)
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the checksum does not match, the file is damaged", path);
        if (status == IAD_OK) status = describe(&snapshot, path, map.n, &out, err);
        if (status == IAD_OK) status = iad_print(&out, err);
        iad_snapshot_deinit(&snapshot);
    }
    iad_buf_deinit(&out);
    iad_map_close(&map);
    return status;
}

static iad_status make(iad_opened *opened, const options *o, iad_err *err) {
    iadgpt_settings settings;
    iadgpt_exemplars *exemplars = NULL;
    iadgpt_error error;
    IAD_TRY(iad_settings_args_resolve(&o->settings, &settings, err));
    IAD_TRY(iad_opened_open(opened, opened->app, &o->engine, err));
    double started = iad_clock();
    IAD_TRY(iad_prepare_normals(opened, &o->normals, &settings, &exemplars, err));
    double seconds = iad_clock() - started;
    iad_status status = iad_from_public(iadgpt_exemplars_save(exemplars, o->out, &error), &error, err);
    iad_buf out;
    iad_buf_init(&out, 1u << 20);
    if (status == IAD_OK) status = iad_exemplars_json(exemplars, &out, err);
    if (status == IAD_OK) status = iad_buf_add_str(&out, "\n", err);
    if (status == IAD_OK) status = iad_print(&out, err);
    if (status == IAD_OK) fprintf(stderr, "exemplars=%zu seconds=%.3f file=%s\n", (size_t)o->normals.n, seconds, o->out);
    iad_buf_deinit(&out);
    iadgpt_exemplars_free(exemplars);
    return status;
}

static iad_status prepare(iad_app *app, const options *o, iad_err *err) {
    if (o->show) return o->normals.n || o->out || o->engine.model ? IAD_FAIL(err, IAD_ERR_ARG, "--show stands alone") : show(o->show, err);
    if (!o->engine.model) return IAD_FAIL(err, IAD_ERR_ARG, "--model is needed");
    if (!o->out) return IAD_FAIL(err, IAD_ERR_ARG, "--out is needed");
    if (!o->normals.n) return IAD_FAIL(err, IAD_ERR_ARG, "--normal is needed: pictures of good parts");
    iad_opened opened = {.app = app};
    iad_status status = make(&opened, o, err);
    iad_opened_close(&opened);
    return status;
}

int iad_cmd_prepare(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {0};
    iad_engine_args_init(&o.engine);
    iad_settings_args_init(&o.settings);
    enum { OWN = 3 };
    iad_arg table[OWN + IAD_ENGINE_ROWS + IAD_SETTINGS_ROWS + 1] = {
        {.kind = IAD_ARG_LIST, .name = "normal", .value = &o.normals, .meta = "PATH,...",
         .help = "pictures of good parts: files, folders, patterns; 1 to 16, in this order"},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &o.out, .meta = "FILE", .help = "the exemplar file to write"},
        {.kind = IAD_ARG_STRING, .name = "show", .value = &o.show, .meta = "FILE",
         .help = "describe an exemplar file, check its checksum and stop; needs no model"}};
    int n = OWN + iad_engine_args_rows(&o.engine, table + OWN);
    table[OWN].required = 0;
    n += iad_settings_args_rows(&o.settings, table + n);
    table[n] = (iad_arg){.kind = IAD_ARG_END};
    const iad_command self = {.name = "prepare", .usage = "--model DIR --normal PATH... --out FILE [options]\n       iadgpt prepare --show FILE",
                              .help = "Runs pictures of good parts through the model once and keeps the result in one checksummed file, for inspect\n"
                                      "--exemplars. It fits this model, these number formats and this device only."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) /* --normal a.png b.png reads naturally: further words are more good pictures */
        for (size_t i = 0; i < operands.n && code < 0; i++)
            if (iad_strings_add(&o.normals, operands.items[i], err) != IAD_OK) code = IAD_EXIT_FAILED;
    if (code < 0) code = iad_app_exit_code(prepare(app, &o, err));
    iad_strings_deinit(&operands);
    iad_strings_deinit(&o.normals);
    iad_engine_args_deinit(&o.engine);
    return code;
}
