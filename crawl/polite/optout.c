#include "crawl/polite/optout.h"

#include <ctype.h>
#include <libxml/HTMLparser.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define MAX_HTML (4u * 1024u * 1024u)

static const struct {
    const char *word;
    unsigned bit;
    const char *means;
} table[] = {{"noai", IAD_OPTOUT_NOAI, "noai"},
             {"noimageai", IAD_OPTOUT_NOIMAGEAI, "noimageai"},
             {"noindex", IAD_OPTOUT_NOINDEX, "noindex"},
             {"none", IAD_OPTOUT_NOINDEX, "noindex"},
             {"noimageindex", IAD_OPTOUT_NOIMAGEINDEX, "noimageindex"},
             {"noml", IAD_OPTOUT_NOML, "noml"},
             {"tdm-reservation", IAD_OPTOUT_TDM, "tdm-reservation"}};
enum { N_WORDS = sizeof table / sizeof *table };

iad_status iad_optout_parse(const char *list, unsigned *words, iad_err *err) {
    *words = 0;
    if (!strcmp(list, "none")) return IAD_OK;
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ","), i = 0;
        while (i < N_WORDS && !(strlen(table[i].word) == n && !strncmp(table[i].word, p, n) && strcmp(table[i].word, "none") != 0)) i++;
        if (i == N_WORDS) return IAD_FAIL(err, IAD_ERR_ARG, "unknown opt-out word \"%.*s\"", (int)(n < 60 ? n : 60), p);
        *words |= table[i].bit;
        p += n + (p[n] == ',');
    }
    return IAD_OK;
}

static const char *match_word(const char *text, size_t n, unsigned words) {
    for (size_t i = 0; i < N_WORDS; i++)
        if ((table[i].bit & words) && table[i].bit != IAD_OPTOUT_TDM && strlen(table[i].word) == n && !strncasecmp(table[i].word, text, n))
            return table[i].means;
    return NULL;
}

const char *iad_optout_header(const char *value, const char *token, unsigned words) {
    int mine = 1; /* words behind "token:" are for that crawler, up to the next token */
    for (const char *p = value; *p;) {
        while (*p == ',' || isspace((unsigned char)*p)) p++;
        size_t n = strcspn(p, ",");
        const char *colon = memchr(p, ':', n);
        if (colon) {
            size_t name = (size_t)(colon - p);
            while (name && isspace((unsigned char)p[name - 1])) name--;
            /* Directives with a value of their own; a date's comma begins a new part, which no word equals. */
            if ((name == 17 && !strncasecmp(p, "unavailable_after", name)) || (name > 4 && !strncasecmp(p, "max-", 4))) {
                p += n;
                continue;
            }
            mine = name == strlen(token) && !strncasecmp(p, token, name);
            n -= (size_t)(colon + 1 - p);
            p = colon + 1;
            while (n && isspace((unsigned char)*p)) p++, n--;
        }
        size_t word = n;
        while (word && isspace((unsigned char)p[word - 1])) word--;
        const char *found = mine ? match_word(p, word, words) : NULL;
        if (found) return found;
        p += n;
    }
    return NULL;
}

const char *iad_optout_answer(const iad_http_answer *answer, const char *token, unsigned words) {
    const char *value, *found;
    for (size_t i = 0; (value = iad_http_header_get(answer, "x-robots-tag", i)); i++)
        if ((found = iad_optout_header(value, token, words))) return found;
    for (size_t i = 0; (words & IAD_OPTOUT_TDM) && (value = iad_http_header_get(answer, "tdm-reservation", i)); i++)
        if (!strcmp(value, "1")) return "tdm-reservation";
    return NULL;
}

typedef struct page_search {
    const char *token, *found;
    unsigned words;
} page_search;

static void start_element(void *user, const xmlChar *name, const xmlChar **attributes) {
    page_search *search = user;
    const char *meta = NULL, *content = NULL;
    if (search->found || strcasecmp((const char *)name, "meta") != 0) return;
    for (size_t i = 0; attributes && attributes[i]; i += 2) {
        if (!strcasecmp((const char *)attributes[i], "name")) meta = (const char *)attributes[i + 1];
        if (!strcasecmp((const char *)attributes[i], "content")) content = (const char *)attributes[i + 1];
    }
    if (!meta || !content) return;
    if (!strcasecmp(meta, "robots") || !strcasecmp(meta, search->token)) search->found = iad_optout_header(content, search->token, search->words);
    else if (!strcasecmp(meta, "tdm-reservation") && (search->words & IAD_OPTOUT_TDM) && !strcmp(content, "1")) search->found = "tdm-reservation";
}

const char *iad_optout_page(const char *html, size_t n, const char *token, unsigned words) {
    page_search search = {.token = token, .words = words};
    htmlSAXHandler handler = {.startElement = start_element};
    if (n > MAX_HTML) n = MAX_HTML;
    if (!n) return NULL;
    htmlParserCtxtPtr context = htmlCreatePushParserCtxt(&handler, &search, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (!context) return NULL;
    htmlCtxtUseOptions(context, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
    htmlParseChunk(context, html, (int)n, 1);
    htmlFreeParserCtxt(context);
    return search.found;
}
