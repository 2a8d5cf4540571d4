#include "bench/reasoning/scorebook.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/textargs.h"
#include "bench/jsonwrite.h"
#include "bench/reasoning/letter.h"
#include "bench/words/words.h"

static iad_status member(json_t *results, const char *key, json_t *fresh, json_t **out, iad_err *err) {
    *out = fresh;
    return fresh && json_object_set_new(results, key, fresh) == 0 ? IAD_OK : IAD_NOMEM(err, "the results");
}

iad_status iad_scorebook_init(iad_scorebook *book, const iad_asks *asks, const iad_sayings *said, json_t *results, iad_err *err) {
    *book = (iad_scorebook){.asks = asks, .said = said, .yes_is_defective = 1};
    IAD_TRY(member(results, "tables", json_array(), &book->tables, err));
    IAD_TRY(member(results, "figures", json_object(), &book->figures, err));
    IAD_TRY(member(results, "notes", json_array(), &book->notes, err));
    book->items = iad_calloc(asks->n, sizeof *book->items);
    if (!book->items) return IAD_NOMEM(err, "the scores");
    for (size_t i = 0; i < asks->n; i++)
        book->items[i] = (iad_item_score){.used = said->items[i].text != NULL,
                                          .strict = IAD_SAYS_NEITHER,
                                          .rouge = NAN,
                                          .sbert = NAN,
                                          .judge = NAN,
                                          .judge_reference = NAN,
                                          .iou = NAN,
                                          .precision = NAN};
    for (size_t i = 0; i < asks->notes.n; i++) IAD_TRY(iad_scorebook_note(book, err, "%s", asks->notes.items[i]));
    return IAD_OK;
}

void iad_scorebook_deinit(iad_scorebook *book) {
    free(book->items);
    *book = (iad_scorebook){0};
}

iad_status iad_scorebook_note(iad_scorebook *book, iad_err *err, const char *fmt, ...) {
    char text[1200];
    IAD_TEXT_OF_ARGS(text, fmt);
    return json_array_append_new(book->notes, iad_jsonw_text(text)) == 0 ? IAD_OK : IAD_NOMEM(err, "the notes");
}

iad_status iad_scorebook_figure(iad_scorebook *book, const char *key, double value, iad_err *err) {
    if (!isfinite(value)) return IAD_OK;
    return json_object_set_new(book->figures, key, json_real(value)) == 0 ? IAD_OK : IAD_NOMEM(err, "the results");
}

static iad_status read_one(const iad_ask *ask, const char *text, iad_item_score *item, iad_err *err) {
    if (ask->n_options) {
        IAD_TRY(iad_letter_mmad(text, ask->options, ask->n_options, &item->letter, &item->guessed, err));
        item->strict_letter = iad_letter_strict(text, ask->options, ask->n_options);
    } else if (strcmp(ask->kind, "detection") == 0) {
        item->strict = iad_yesno_strict(text);
        item->ov = iad_yesno_anomaly_ov(text);
    } else if (ask->reference && strcmp(ask->kind, "boxes") != 0) {
        iad_rouge rouge;
        IAD_TRY(iad_rouge_l(ask->reference, text, &rouge, err));
        item->rouge = rouge.f;
    }
    return IAD_OK;
}

iad_status iad_scorebook_read(iad_scorebook *book, iad_err *err) {
    for (size_t i = 0; i < book->asks->n; i++)
        if (book->said->items[i].text) IAD_TRY(read_one(&book->asks->items[i], book->said->items[i].text, &book->items[i], err));
    return IAD_OK;
}

/* ---- groups ---- */

static int several_sets(const iad_asks *asks) {
    for (size_t i = 1; i < asks->n; i++)
        if (strcmp(asks->items[i].dataset, asks->items[0].dataset)) return 1;
    return 0;
}

static int same_group(const iad_ask *a, const iad_ask *b, int by_dataset) {
    return strcmp(a->dataset, b->dataset) == 0 && (by_dataset || strcmp(a->category, b->category) == 0);
}

/* The last group first: questions about one category stand together. */
static size_t find_group(const iad_ask_groups *g, const iad_asks *asks, size_t at, int by_dataset) {
    size_t last = at ? g->of[at - 1] : 0;
    for (size_t k = 0; k < g->n; k++) {
        size_t group = (last + k) % g->n;
        if (same_group(&asks->items[g->first[group]], &asks->items[at], by_dataset)) return group;
    }
    return g->n;
}

iad_status iad_ask_groups_init(iad_ask_groups *g, const iad_asks *asks, int by_dataset, iad_err *err) {
    int both = !by_dataset && several_sets(asks);
    *g = (iad_ask_groups){0};
    g->of = iad_alloc(asks->n, sizeof *g->of);
    g->names = iad_calloc(asks->n, sizeof *g->names);
    g->first = iad_alloc(asks->n, sizeof *g->first);
    iad_status status = g->of && g->names && g->first ? IAD_OK : IAD_NOMEM(err, "the groups");
    for (size_t i = 0; i < asks->n && status == IAD_OK; i++) {
        g->of[i] = find_group(g, asks, i, by_dataset);
        if (g->of[i] < g->n) continue;
        char name[512];
        const iad_ask *a = &asks->items[i];
        snprintf(name, sizeof name, "%s%s%s", by_dataset || both ? a->dataset : "", both ? "/" : "", by_dataset ? "" : a->category);
        g->first[g->n] = i;
        g->names[g->n] = iad_strdup(name);
        if (!g->names[g->n++]) status = IAD_NOMEM(err, "the groups");
    }
    if (status != IAD_OK) iad_ask_groups_deinit(g);
    return status;
}

void iad_ask_groups_deinit(iad_ask_groups *g) {
    for (size_t i = 0; i < g->n; i++) free((char *)(uintptr_t)g->names[i]);
    free(g->of);
    free(g->names);
    free(g->first);
    *g = (iad_ask_groups){0};
}
