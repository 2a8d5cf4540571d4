/* What a text must be before it may teach a model: one pure function per question. Each returns 1 when the text passes, else 0 with the reason in
 * why. */
#ifndef IAD_ANNOTATE_QUALITY_H
#define IAD_ANNOTATE_QUALITY_H

#include <stddef.h>
#include <stdint.h>

#include "annotate/check/textview.h"
#include "annotate/client/chatanswer.h"
#include "annotate/prompt/prompt.h"

#define IAD_WHY 200
#define IAD_QUALITY_MAX_WORDS 4096

/* Words as hashes (ASCII lower case; a CJK character is a word of its own); at most IAD_QUALITY_MAX_WORDS. */
size_t iad_quality_words(const char *text, uint32_t *hashes, size_t most);

/* finish_reason is "stop" (or absent: some servers never say); the served model is the one that was asked for, or a dated snapshot of it. */
int iad_quality_transport(const char *finish, const char *asked, const char *served, int names_differ, char why[IAD_WHY]);
/* "I'm sorry", "as an AI" and their like in both languages. */
int iad_quality_refusal(const iad_text_view *text, char why[IAD_WHY]);
/* min..max words (CJK: characters). */
int iad_quality_length(const iad_text_view *text, int min, int max, char why[IAD_WHY]);
/* en: at most 2 % CJK characters; zh: at most 30 % Latin letters. */
int iad_quality_language(const iad_text_view *text, const char *lang, char why[IAD_WHY]);
/* No 4-gram three times; at least 40 % distinct words (of texts of 20 words and more; Chinese characters repeat more often: 25 %). */
int iad_quality_repetition(const iad_text_view *text, const char *lang, char why[IAD_WHY]);
/* No Markdown, bullets, URLs, e-mail addresses, prices, telephone numbers. */
int iad_quality_form(const iad_text_view *text, char why[IAD_WHY]);
/* Where the text begins behind "The image shows ..." and the like; the first letter is to be made a capital. */
const char *iad_quality_strip(const char *text);
/* Jaccard of their 3-grams below 0.6. */
int iad_quality_distinct(const iad_text_view *a, const iad_text_view *b, char why[IAD_WHY]);
double iad_quality_jaccard(const iad_text_view *a, const iad_text_view *b);
/* At least one word of the lexicon of its aspect (overall, material, structure, surface; others pass). */
int iad_quality_aspect(const iad_text_view *text, const char *aspect, const char *lang, char why[IAD_WHY]);
/* Does not say "made of" a material that the category's name excludes ("glass bottle": steel), nor give only colours that are not the picture's
 * ruling colour. English; colour "" is no statement. */
int iad_quality_contradiction(const iad_text_view *text, const char *category, const char *colour, char why[IAD_WHY]);
/* At most three of appears, seems, might, likely, possibly. */
int iad_quality_hedging(const iad_text_view *text, char why[IAD_WHY]);
/* category_match at least 0.5, and the view is a photo. */
int iad_quality_relevance(const iad_answer_fields *fields, char why[IAD_WHY]);
/* Wilson's interval of a share k of n, z = 1.96 (Wilson 1927). n = 0: 0..1. */
void iad_quality_wilson(int64_t k, int64_t n, double *lo, double *hi);

#endif
