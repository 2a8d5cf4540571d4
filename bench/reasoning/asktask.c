#include "bench/reasoning/asktask.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "bench/reasoning/askmanifest.h"
#include "bench/reasoning/askmmad.h"
#include "bench/reasoning/askvisadr.h"
#include "manifests/manifest.h"

static const char *const names[IAD_ASK_KINDS] = {"reasoning", "mmad", "yesno", "boxes", "instruct-loss"};

const char *iad_ask_kind_name(iad_ask_kind kind) { return names[kind]; }

int iad_ask_kind_parse(const char *name, iad_ask_kind *kind) {
    for (int i = 0; i < IAD_ASK_KINDS; i++)
        if (strcmp(names[i], name) == 0) return *kind = (iad_ask_kind)i, 1;
    return 0;
}

/* ---- questions ---- */

typedef iad_status (*read_visa)(iad_asks *asks, const char *text, size_t n, const char *name, const iad_visa_dr_options *options, iad_err *err);

static iad_status load_visa(const iad_ask_options *o, const char *path, read_visa read, iad_asks *asks, iad_err *err) {
    const iad_visa_dr_options options = {.root = o->root,
                                         .question = o->question,
                                         .exemplars = o->exemplars,
                                         .shots = (int)o->shots,
                                         .low = (int)o->low,
                                         .published = strcmp(o->classes, "published") == 0};
    uint8_t *text = NULL;
    size_t n = 0;
    if (!path) return IAD_OK;
    IAD_TRY(iad_file_read(path, IAD_ASK_MAX_FILE, &text, &n, err));
    iad_status status = read(asks, (const char *)text, n, path, &options, err);
    free(text);
    return status;
}

static iad_status load_mmad(const iad_ask_options *o, iad_asks *asks, iad_err *err) {
    const iad_mmad_options options = {
        .root = o->root, .shots = (int)o->shots, .similar = strcmp(o->templates, "similar") == 0, .knowledge = o->knowledge};
    uint8_t *text = NULL;
    size_t n = 0;
    IAD_TRY(iad_file_read(o->questions, IAD_ASK_MAX_FILE, &text, &n, err));
    iad_status status = iad_asks_mmad(asks, (const char *)text, n, o->questions, &options, err);
    free(text);
    return status;
}

static iad_status load_manifest(const iad_ask_options *o, iad_asks *asks, iad_err *err) {
    iad_manifest *manifest = NULL;
    iad_strings reason = {0};
    const iad_ask_manifest_options options = {.datasets = &o->datasets,
                                              .categories = &o->categories,
                                              .scheme = o->scheme,
                                              .rule = o->rule,
                                              .seed = (uint64_t)o->seed,
                                              .shots = (int)o->shots,
                                              .limit = o->limit,
                                              .question = o->question};
    IAD_TRY(iad_manifest_open(o->db, IAD_MANIFEST_READ, &manifest, err));
    iad_status status = IAD_OK;
    if (o->kind == IAD_ASK_YESNO) status = iad_asks_yesno(asks, manifest, &options, err);
    else if (o->kind == IAD_ASK_BOXES) status = iad_asks_boxes(asks, manifest, &options, err);
    else {
        if (o->stage == 3) status = iad_strings_add(&reason, "s3_reason", err);
        if (status == IAD_OK) status = iad_asks_records(asks, manifest, (int)o->stage, o->records.n ? &o->records : &reason, o->limit, err);
    }
    iad_strings_deinit(&reason);
    iad_manifest_close(manifest);
    return status;
}

/* Keeps the first `limit` pictures of every category with all their questions; those of the detection list count for themselves. */
static iad_status keep_first(iad_asks *asks, int64_t limit, iad_err *err) {
    iad_ask_groups g;
    IAD_TRY(iad_ask_groups_init(&g, asks, 0, err));
    int64_t *pictures = iad_calloc(2 * g.n, sizeof *pictures), *moved = iad_alloc(asks->n, sizeof *moved);
    const char *last = "";
    int last_detection = -1;
    size_t kept = 0;
    asks->missing = 0;
    for (size_t i = 0; pictures && moved && i < asks->n; i++) {
        iad_ask ask = asks->items[i];
        int detection = strcmp(ask.kind, "detection") == 0; /* MMAD's detection questions are of another kind */
        int64_t *n = &pictures[2 * g.of[i] + (size_t)detection];
        *n += detection != last_detection || strcmp(ask.image, last) != 0;
        last = ask.image;
        last_detection = detection;
        moved[i] = -1;
        if (*n > limit) continue;
        if (ask.previous >= 0) ask.previous = moved[ask.previous];
        moved[i] = (int64_t)kept;
        asks->missing += ask.path == NULL;
        asks->items[kept++] = ask;
    }
    int good = pictures && moved;
    if (good) asks->n = kept;
    free(pictures);
    free(moved);
    iad_ask_groups_deinit(&g);
    return good ? IAD_OK : IAD_NOMEM(err, "the questions");
}

iad_status iad_ask_load(const iad_ask_options *o, iad_asks *asks, iad_err *err) {
    if (o->kind == IAD_ASK_MMAD) IAD_TRY(load_mmad(o, asks, err));
    else if (o->kind != IAD_ASK_REASONING) IAD_TRY(load_manifest(o, asks, err));
    else {
        IAD_TRY(load_visa(o, o->questions, iad_asks_visa_dr, asks, err));
        IAD_TRY(load_visa(o, o->detection, iad_asks_visa_dr_detection, asks, err));
    }
    if (o->limit > 0 && (o->kind == IAD_ASK_REASONING || o->kind == IAD_ASK_MMAD)) IAD_TRY(keep_first(asks, o->limit, err));
    if (asks->n == 0) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no questions", o->questions ? o->questions : o->detection ? o->detection : o->db);
    return iad_asks_check(asks, err);
}

/* ---- scores ---- */

static int has_kind(const iad_asks *asks, const char *kind, int others) {
    for (size_t i = 0; i < asks->n; i++)
        if ((strcmp(asks->items[i].kind, kind) == 0) != others) return 1;
    return 0;
}

iad_status iad_ask_score(const iad_ask_options *o, iad_scorebook *book, iad_err *err) {
    switch (o->kind) {
    case IAD_ASK_MMAD: return iad_score_mmad(book, err);
    case IAD_ASK_BOXES: return iad_score_boxes(book, err);
    case IAD_ASK_LOSS: return iad_score_losses(book, err);
    case IAD_ASK_YESNO: return iad_score_detection(book, err);
    case IAD_ASK_REASONING:
    case IAD_ASK_KINDS: break;
    }
    if (has_kind(book->asks, "detection", 0)) IAD_TRY(iad_score_detection(book, err));
    return has_kind(book->asks, "detection", 1) ? iad_score_reasoning(book, err) : IAD_OK;
}
