/* How owners say that their pictures are not to be used: X-Robots-Tag, meta robots, TDM reservation. */
#ifndef IAD_CRAWL_OPTOUT_H
#define IAD_CRAWL_OPTOUT_H

#include <stddef.h>

#include "base/http/http.h"
#include "base/status.h"

/* Which words count: bits. */
enum {
    IAD_OPTOUT_NOAI = 1,
    IAD_OPTOUT_NOIMAGEAI = 2,
    IAD_OPTOUT_NOINDEX = 4,
    IAD_OPTOUT_NOIMAGEINDEX = 8,
    IAD_OPTOUT_NOML = 16,
    IAD_OPTOUT_TDM = 32, /* tdm-reservation: 1 (W3C TDMRep) */
    IAD_OPTOUT_ALL = 63
};

/* "noai,noindex": the bits; "none": 0. IAD_ERR_ARG names an unknown word. */
iad_status iad_optout_parse(const char *list, unsigned *words, iad_err *err);

/* One value of X-Robots-Tag: comma-separated words, optionally behind "token:"; those for another crawler do not count. "none" means noindex. Returns
 * the word that counts, NULL when there is none. */
const char *iad_optout_header(const char *value, const char *token, unsigned words);

/* All headers of an answer. */
const char *iad_optout_answer(const iad_http_answer *answer, const char *token, unsigned words);

/* <meta name="robots|TOKEN|tdm-reservation" content="..."> of a page. Broken HTML is read as far as it goes. */
const char *iad_optout_page(const char *html, size_t n, const char *token, unsigned words);

#endif
