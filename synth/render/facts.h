/* What can be said of a product in words: facts that the renderer drew it from (material, colours, counts), true for every good picture of a
 * category. */
#ifndef IAD_RENDER_FACTS_H
#define IAD_RENDER_FACTS_H

#include <stdint.h>

#include "base/status.h"
#include "synth/render/scene.h"

#define IAD_FACTS_MAX 12
#define IAD_FACT_TEXT 96

typedef struct iad_render_facts {
    struct { const char *name; char text[IAD_FACT_TEXT]; } items[IAD_FACTS_MAX];
    int n;
} iad_render_facts;

/* The facts of the product `design` of a family: its own, and "family" (its name with blanks). Errors: IAD_ERR_NOMEM. */
iad_status iad_render_facts_of(const iad_render_family *family, uint64_t design, iad_render_facts *facts, iad_err *err);

/* ---- for families ---- */

/* name: static text. Facts beyond IAD_FACTS_MAX are dropped (a test counts them). */
void iad_fact_text(iad_render_facts *facts, const char *name, const char *text);
/* "seven", from 13 on "13". */
void iad_fact_count(iad_render_facts *facts, const char *name, int count);
/* As above with the thing that is counted: "one resistor", "seven resistors", "no resistors". */
void iad_fact_things(iad_render_facts *facts, const char *name, int count, const char *singular, const char *plural);

#endif
