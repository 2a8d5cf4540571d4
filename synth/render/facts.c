#include "synth/render/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "synth/render/canvas.h"

void iad_fact_text(iad_render_facts *facts, const char *name, const char *text) {
    if (facts->n == IAD_FACTS_MAX) return;
    facts->items[facts->n].name = name;
    iad_text_copy(facts->items[facts->n++].text, IAD_FACT_TEXT, text);
}

static void count_text(int count, char text[16]) {
    static const char *const words[] = {"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"};
    if (count >= 0 && count <= 12) snprintf(text, 16, "%s", words[count]);
    else snprintf(text, 16, "%d", count);
}

void iad_fact_count(iad_render_facts *facts, const char *name, int count) {
    char text[16];
    count_text(count, text);
    iad_fact_text(facts, name, text);
}

void iad_fact_things(iad_render_facts *facts, const char *name, int count, const char *singular, const char *plural) {
    char number[16], text[IAD_FACT_TEXT];
    count_text(count, number);
    snprintf(text, sizeof text, "%s %s", number, count == 1 ? singular : plural);
    iad_fact_text(facts, name, text);
}

iad_status iad_render_facts_of(const iad_render_family *family, uint64_t design, iad_render_facts *facts, iad_err *err) {
    const iad_render_job job = {.family = family, .kind = -1, .design = design};
    void *context = iad_calloc(1, family->context);
    char name[IAD_FACT_TEXT];
    iad_dice dice;
    iad_scene scene;
    if (!context) return IAD_NOMEM(err, "a rendered picture");
    *facts = (iad_render_facts){.n = 0};
    iad_text_copy(name, sizeof name, family->name);
    for (char *c = name; *c; c++)
        if (*c == '_') *c = ' ';
    iad_fact_text(facts, "family", name);
    iad_canvas_dice(&job, -1, 0, &dice);
    iad_canvas_scene(&scene);
    family->build(&dice, context, &scene);
    family->facts(context, facts);
    free(context);
    return IAD_OK;
}
