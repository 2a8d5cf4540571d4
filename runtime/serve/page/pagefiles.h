/* The page of `iadgpt serve`: the files of this folder, embedded in the program, and what a browser must be told with them. */
#ifndef IAD_RUNTIME_PAGEFILES_H
#define IAD_RUNTIME_PAGEFILES_H

#include <stddef.h>

typedef struct iad_page_file {
    const char *name; /* "page.js" */
    const char *text; /* [n], and a NUL behind it */
    size_t n;
} iad_page_file;
extern const iad_page_file iad_builtin_page[]; /* in the order of their names */
extern const size_t iad_builtin_page_n;

/* The file at a path of a request ("/", "/page.js"; exactly, without query), or NULL. */
const iad_page_file *iad_page_find(const char *path);

typedef struct iad_page_header {
    const char *name, *value;
} iad_page_header;

/* The headers of a page file's reply, ended by a NULL name. The policy lets the page load and ask nothing but its own server, run no
 * script or style that stands in the text, and be framed by nobody. Valid as long as the program. */
#define IAD_PAGE_HEADERS 6
void iad_page_headers(const iad_page_file *file, iad_page_header headers[IAD_PAGE_HEADERS]);

#endif
