/* Addresses from a file instead of a search engine. */
#ifndef IAD_CRAWL_URLLIST_H
#define IAD_CRAWL_URLLIST_H

#include <stddef.h>

#include "crawl/engine/searchengine.h"

#define IAD_URLLIST_MAX_BYTES (2048u * 1024u * 1024u)

/* Reads the next rows, at most `most`, from text[n] at *at into page->hits; *at moves on, page->state becomes END with the last row. Three forms,
 * told apart by the first line: JSON objects, one per line; a TSV table with a header that has a column "url"; else one URL per line. Members or
 * columns: url, page_url, title, site, category, licence, licence_url, creator, width, height, key. Blank lines and lines that begin with "#"
 * are skipped; rows that cannot be read are counted in page->bad_items. header: 0-filled by the caller, kept between calls. Errors:
 * IAD_ERR_NOMEM, IAD_ERR_FORMAT (no column url). */
typedef struct iad_urllist_header {
    int form; /* 0 unknown, 1 lines, 2 TSV, 3 JSON lines */
    int column[11];
    int n_columns;
} iad_urllist_header;
iad_status iad_urllist_read(const char *text, size_t n, size_t *at, size_t most, iad_urllist_header *header, iad_page *page, iad_err *err);

#endif
