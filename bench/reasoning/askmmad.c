#include "bench/reasoning/askmmad.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/decode.h"
#include "base/json.h"
#include "base/sha256.h"
#include "bench/reasoning/letter.h"
#include "manifests/ingest/mmad_fault.h"

enum { MAX_SHOTS = 8, NUTS = 22 };

typedef struct reader {
    iad_asks *asks;
    const iad_mmad_options *o;
    json_t *knowledge;
    char beside[IAD_PATH_MAX];
    size_t wrong_size, same_file, unchecked, pictures;
} reader;

static const char *const folders[] = {"", "ALL_DATA", "MMAD", NULL};

/* ---- words: ours, in the order of the published ones (task, samples to compare with, query, question with options) ---- */

static const char task_words[] = "You inspect industrial products. Decide from the pictures what the question asks about the product to be "
                                 "inspected, and answer with nothing but the letter of the "
                                 "right option.\n";

/* Everything that is known of a product, or NULL. DS-MVTec is MVTec by another name. */
static const json_t *known_of(const reader *r, const char *dataset, const char *category) {
    const json_t *set = json_object_get(r->knowledge, dataset);
    if (!set && (strcmp(dataset, "DS-MVTec") == 0 || strcmp(dataset, "MVTec-AD") == 0)) set = json_object_get(r->knowledge, "MVTec");
    return json_object_get(set, category);
}

static iad_status make_lead(reader *r, const iad_ask *ask, const char *product, const char **lead, iad_err *err) {
    iad_buf words;
    const char *kind;
    json_t *text;
    iad_buf_init(&words, 4u * IAD_ASK_MAX_TEXT);
    iad_status status = iad_buf_add_str(&words, task_words, err);
    const json_t *known = known_of(r, ask->dataset, product);
    if (status == IAD_OK && json_is_object(known)) status = iad_buf_add_str(&words, "What is known about this product:\n", err);
    json_object_foreach((json_t *)(uintptr_t)known, kind, text) if (status == IAD_OK && json_is_string(text)) status =
        iad_buf_addf(&words, err, "%s\n", json_string_value(text));
    if (status == IAD_OK && ask->n_shown)
        status =
            iad_buf_addf(&words, err, ask->n_shown == 1 ? "A good sample to compare with:\n" : "%zu good samples to compare with:\n", ask->n_shown);
    if (status == IAD_OK) status = iad_asks_text(r->asks, iad_buf_str(&words), lead, err);
    iad_buf_deinit(&words);
    return status;
}

/* ---- pictures ---- */

static iad_status find_templates(reader *r, const json_t *entry, iad_ask *ask, iad_err *err) {
    const json_t *list = json_object_get(entry, r->o->similar ? "similar_templates" : "random_templates");
    const char **shown = iad_arena_take(&r->asks->arena, MAX_SHOTS * sizeof *shown);
    if (!shown) return IAD_NOMEM(err, "templates");
    ask->shown = shown;
    size_t want = (size_t)r->o->shots;
    for (size_t i = 0; i < json_array_size(list) && ask->n_shown < want; i++) {
        const char *listed = json_string_value(json_array_get(list, i)), *path = NULL;
        if (listed) IAD_TRY(iad_asks_locate(r->asks, r->o->root, folders, listed, &path, err));
        if (path) shown[ask->n_shown++] = path;
    }
    if (ask->n_shown < want) r->asks->missing_shown++;
    return IAD_OK;
}

static int side_of(const char *path, int *width, int *height) {
    uint8_t *bytes = NULL;
    size_t n = 0;
    iad_image_info info;
    int good = iad_file_read(path, 1u << 26, &bytes, &n, NULL) == IAD_OK && iad_image_probe(bytes, n, path, &info, NULL) == IAD_OK;
    if (good) *width = info.width, *height = info.height;
    free(bytes);
    return good;
}

/* The known fault: a picture of a metal nut in the folder of pills, told by its size, or by being one of the metal nuts byte for byte. */
static iad_status check_pill(reader *r, iad_ask *ask, iad_err *err) {
    int width, height;
    uint8_t own[IAD_SHA256_BYTES], other[IAD_SHA256_BYTES];
    if (!iad_mmad_faulty_pill(ask->image)) return IAD_OK;
    if (!ask->path || !side_of(ask->path, &width, &height)) {
        r->unchecked++;
        return IAD_OK;
    }
    int same = 0, hashed = iad_sha256_file(ask->path, own, NULL) == IAD_OK;
    for (int i = 0; i < NUTS && hashed && !same; i++) {
        char name[80];
        const char *path;
        snprintf(name, sizeof name, "DS-MVTec/metal_nut/image/good/%03d.png", i);
        IAD_TRY(iad_asks_locate(r->asks, r->o->root, folders, name, &path, err));
        same = path && iad_sha256_file(path, other, NULL) == IAD_OK && memcmp(own, other, sizeof own) == 0;
    }
    r->same_file += (size_t)same;
    r->wrong_size += width == IAD_METAL_NUT_SIDE && height == IAD_METAL_NUT_SIDE;
    ask->faulty = same || (width == IAD_METAL_NUT_SIDE && height == IAD_METAL_NUT_SIDE);
    return IAD_OK;
}

/* ---- questions ---- */

/* Letters the options by their order; the answer's key becomes its letter. Appends "A. text" lines to `words`. */
static iad_status read_options(reader *r, const json_t *question, const char *id, iad_ask *ask, iad_buf *words, iad_err *err) {
    const char *answer, *key;
    json_t *options, *text;
    char letter[2] = "";
    IAD_TRY(iad_json_string(question, "Answer", id, &answer, err));
    IAD_TRY(iad_json_object(question, "Options", id, &options, err));
    size_t n = json_object_size(options), i = 0;
    if (n < 1 || n > IAD_LETTER_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %zu options: 1 to %d are possible", id, n, IAD_LETTER_MAX);
    const char **texts = iad_arena_take(&r->asks->arena, n * sizeof *texts);
    if (!texts) return IAD_NOMEM(err, "options");
    json_object_foreach(options, key, text) {
        const char *value = json_string_value(text);
        if (!value || json_string_length(text) > IAD_ASK_MAX_TEXT)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: option \"%.40s\" is no text, or too long", id, key);
        if (strcmp(key, answer) == 0) letter[0] = (char)('A' + (char)i);
        IAD_TRY(iad_asks_text(r->asks, value, &texts[i], err));
        IAD_TRY(iad_buf_addf(words, err, "%c. %s\n", (char)('A' + (char)i), value));
        i++;
    }
    if (!*letter) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the answer \"%.40s\" is none of the options", id, answer);
    ask->options = texts;
    ask->n_options = n;
    return iad_asks_text(r->asks, letter, &ask->reference, err);
}

/* Yes or No of a detection question, as its right option says. */
static int truth_of(const iad_ask *ask) {
    const char *right = ask->options[ask->reference[0] - 'A'];
    return iad_text_starts(right, "Yes") ? 1 : iad_text_starts(right, "No") ? 0 : -1;
}

static iad_status add_question(reader *r, const json_t *question, size_t number, iad_ask *ask, iad_buf *words, iad_err *err) {
    const char *text, *type;
    IAD_TRY(iad_asks_textf(r->asks, err, &ask->id, "%s#%zu", ask->image, number));
    IAD_TRY(iad_json_string(question, "Question", ask->id, &text, err));
    IAD_TRY(iad_json_string_opt(question, "type", "Other", ask->id, &type, err));
    if (strlen(text) > IAD_ASK_MAX_TEXT) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the question is longer than %u bytes", ask->id, IAD_ASK_MAX_TEXT);
    iad_buf_reset(words);
    IAD_TRY(iad_buf_addf(words, err, "\nQuestion: %s\n", text));
    IAD_TRY(read_options(r, question, ask->id, ask, words, err));
    IAD_TRY(iad_asks_text(r->asks, iad_buf_str(words), &ask->text, err));
    IAD_TRY(iad_asks_text(r->asks, type, &ask->kind, err));
    ask->anomalous = strcmp(type, "Anomaly Detection") == 0 ? truth_of(ask) : -1;
    return iad_asks_add(r->asks, ask, err);
}

static iad_status add_picture(reader *r, const char *key, const json_t *entry, iad_buf *words, iad_err *err) {
    const char *image, *member, *slash = strchr(key, '/');
    char set[200] = "", product[200] = "";
    json_t *questions, *question;
    size_t number = 0, i;
    iad_ask ask = {.previous = -1, .middle = "The product to be inspected:\n"};
    if (!json_is_object(entry)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%.300s: its entry is not an object", key);
    IAD_TRY(iad_json_string_opt(entry, "image_path", key, key, &image, err));
    if (!iad_path_safe(key) || !iad_path_safe(image)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%.300s: its path leads out of the data set", key);
    if (slash) {
        snprintf(set, sizeof set, "%.*s", (int)(slash - key), key);
        snprintf(product, sizeof product, "%.*s", (int)strcspn(slash + 1, "/"), slash + 1);
    }
    IAD_TRY(iad_asks_text(r->asks, *set ? set : "MMAD", &ask.dataset, err));
    IAD_TRY(iad_asks_text(r->asks, *product ? product : "all", &ask.category, err));
    IAD_TRY(iad_asks_text(r->asks, key, &ask.image, err));
    IAD_TRY(iad_asks_locate(r->asks, r->o->root, folders, image, &ask.path, err));
    IAD_TRY(find_templates(r, entry, &ask, err));
    IAD_TRY(make_lead(r, &ask, product, &ask.lead, err));
    IAD_TRY(check_pill(r, &ask, err));
    r->pictures++;
    json_object_foreach((json_t *)(uintptr_t)entry, member, questions) {
        if (!iad_text_starts(member, "conversation")) continue;
        if (!json_is_array(questions)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%.300s: \"%.60s\" is not an array", key, member);
        json_array_foreach(questions, i, question) IAD_TRY(add_question(r, question, number++, &ask, words, err));
    }
    return IAD_OK;
}

static iad_status notes(const reader *r, iad_err *err) {
    iad_asks *a = r->asks;
    if (a->missing_shown)
        IAD_TRY(iad_asks_note(a, err, "%zu pictures have fewer than the %d templates that are wanted: not named, or not there", a->missing_shown,
                              r->o->shots));
    if (r->wrong_size || r->same_file)
        IAD_TRY(iad_asks_note(a, err,
                              "%zu of the 22 pill pictures 000 to 021 have the size of metal nuts and %zu are metal nuts byte for byte: an early "
                              "copy of the data; strict scores leave them out",
                              r->wrong_size, r->same_file));
    if (r->unchecked)
        IAD_TRY(
            iad_asks_note(a, err, "%zu of the 22 pill pictures 000 to 021 are not there: whether they show metal nuts is not known", r->unchecked));
    return IAD_OK;
}

iad_status iad_asks_mmad(iad_asks *asks, const char *text, size_t n, const char *name, const iad_mmad_options *options, iad_err *err) {
    reader r = {.asks = asks, .o = options};
    json_t *list = NULL;
    const char *key;
    json_t *entry;
    iad_buf words;
    if (options->shots < 0 || options->shots > MAX_SHOTS)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d templates: 0 to %d are possible", options->shots, MAX_SHOTS);
    iad_buf_init(&words, (IAD_LETTER_MAX + 2) * (IAD_ASK_MAX_TEXT + 16));
    iad_status status = iad_json_parse(text, n, 0, name, &list, err);
    if (status == IAD_OK && !json_is_object(list)) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not an object keyed by picture path", name);
    if (status == IAD_OK && options->knowledge) status = iad_json_load(options->knowledge, IAD_ASK_MAX_FILE, &r.knowledge, err);
    json_object_foreach(list, key, entry) if (status == IAD_OK) status = add_picture(&r, key, entry, &words, err);
    if (status == IAD_OK) status = notes(&r, err);
    iad_buf_deinit(&words);
    json_decref(r.knowledge);
    json_decref(list);
    return status;
}
