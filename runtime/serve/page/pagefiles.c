#include "runtime/serve/page/pagefiles.h"

#include <string.h>

static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
                                       {".css", "text/css; charset=utf-8"},
                                       {".js", "text/javascript; charset=utf-8"},
                                       {".svg", "image/svg+xml"}};

const iad_page_file *iad_page_find(const char *path) {
    if (path[0] != '/') return NULL;
    const char *name = path[1] != '\0' ? path + 1 : "index.html";
    for (size_t i = 0; i < iad_builtin_page_n; i++)
        if (strcmp(iad_builtin_page[i].name, name) == 0) return &iad_builtin_page[i];
    return NULL;
}

static const char *type_of(const char *name) {
    const char *suffix = strrchr(name, '.');
    for (size_t i = 0; suffix && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(suffix, types[i][0]) == 0) return types[i][1];
    return "application/octet-stream"; /* a browser shows it to nobody */
}

void iad_page_headers(const iad_page_file *file, iad_page_header headers[IAD_PAGE_HEADERS]) {
    size_t n = 0;
    headers[n++] = (iad_page_header){"Content-Type", type_of(file->name)};
    headers[n++] = (iad_page_header){"Content-Security-Policy",
                                     "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"};
    headers[n++] = (iad_page_header){"X-Content-Type-Options", "nosniff"};
    headers[n++] = (iad_page_header){"Referrer-Policy", "no-referrer"};
    headers[n++] = (iad_page_header){"Cache-Control", "no-cache"}; /* another version of the program may answer next time */
    headers[n] = (iad_page_header){NULL, NULL};
}
