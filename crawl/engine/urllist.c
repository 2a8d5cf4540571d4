#include "crawl/engine/urllist.h"

#include <stdlib.h>
#include <string.h>

#include "base/http/url.h"
#include "base/text.h"
#include "crawl/engine/laxjson.h"

enum { URL = 0, PAGE, TITLE, SITE, CATEGORY, LICENCE, LICENCE_URL, CREATOR, WIDTH, HEIGHT, KEY, N_FIELDS };
static const char *const fields[N_FIELDS] = {"url",     "page_url",    "title",   "site",  "category", "licence",
                                             "licence_url", "creator", "width", "height",   "key"};
enum { MAX_LINE = 65536, MAX_COLUMNS = 64 };

static int number(const char *text) {
    int64_t value = 0;
    return text && iad_parse_i64(text, 0, 1000000, "size", &value, NULL) == IAD_OK ? (int)value : 0;
}

static iad_status add(iad_page *page, const char *const value[N_FIELDS], iad_err *err) {
    iad_hit hit = {.image_url = value[URL], .page_url = value[PAGE], .title = value[TITLE], .site = value[SITE], .category = value[CATEGORY],
                   .licence = value[LICENCE], .licence_url = value[LICENCE_URL], .creator = value[CREATOR], .key = value[KEY],
                   .width = number(value[WIDTH]), .height = number(value[HEIGHT])};
    if (!hit.image_url || !*hit.image_url) {
        page->bad_items++;
        return IAD_OK;
    }
    return iad_hits_add(&page->hits, &hit, err);
}

/* Splits line in place at tabs. */
static int split(char *line, char *cells[MAX_COLUMNS]) {
    int n = 0;
    for (char *p = line; n < MAX_COLUMNS; p++) {
        cells[n++] = p;
        p = strchr(p, '\t');
        if (!p) break;
        *p = 0;
    }
    return n;
}

static iad_status read_header(char *line, iad_urllist_header *header, iad_err *err) {
    char *cells[MAX_COLUMNS];
    if (*line == '{') {
        header->form = 3;
        return IAD_OK;
    }
    if (strstr(line, "://") && !strchr(line, '\t')) {
        header->form = 1;
        return IAD_OK;
    }
    header->form = 2;
    header->n_columns = split(line, cells);
    for (int f = 0; f < N_FIELDS; f++) {
        header->column[f] = -1;
        for (int i = 0; i < header->n_columns; i++)
            if (!strcmp(cells[i], fields[f])) header->column[f] = i;
    }
    if (header->column[URL] >= 0) return IAD_OK;
    header->form = 0;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "neither URLs, nor JSON lines, nor a table with a column \"url\" (its first line is \"%.60s\")", line);
}

static iad_status read_json(const char *line, size_t n, iad_page *page, iad_err *err) {
    json_t *item = NULL;
    char width[24], height[24];
    iad_status status = iad_laxjson_parse(line, n, "line", &item, err);
    if (status == IAD_ERR_FORMAT || (status == IAD_OK && !json_is_object(item))) {
        page->bad_items++;
        json_decref(item);
        return IAD_OK;
    }
    const char *value[N_FIELDS] = {0};
    for (int f = 0; status == IAD_OK && f < N_FIELDS; f++) value[f] = iad_laxjson_string(item, fields[f]);
    snprintf(width, sizeof width, "%lld", (long long)iad_laxjson_int(item, "width"));
    snprintf(height, sizeof height, "%lld", (long long)iad_laxjson_int(item, "height"));
    value[WIDTH] = width;
    value[HEIGHT] = height;
    if (status == IAD_OK) status = add(page, value, err);
    json_decref(item);
    return status;
}

static iad_status read_line(char *line, size_t n, iad_urllist_header *header, iad_page *page, iad_err *err) {
    char *cells[MAX_COLUMNS];
    const char *value[N_FIELDS] = {0};
    if (header->form == 3) return read_json(line, n, page, err);
    if (header->form == 1) {
        value[URL] = line;
        return add(page, value, err);
    }
    int found = split(line, cells);
    if (found != header->n_columns) {
        page->bad_items++;
        return IAD_OK;
    }
    for (int f = 0; f < N_FIELDS; f++)
        if (header->column[f] >= 0) value[f] = cells[header->column[f]];
    return add(page, value, err);
}

iad_status iad_urllist_read(const char *text, size_t n, size_t *at, size_t most, iad_urllist_header *header, iad_page *page, iad_err *err) {
    char line[MAX_LINE];
    *page = (iad_page){.available = -1};
    if (*at == 0 && n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) *at = 3;
    iad_status status = IAD_OK;
    while (status == IAD_OK && *at < n && page->hits.n < most) {
        const char *begin = text + *at, *newline = memchr(begin, '\n', n - *at);
        size_t length = newline ? (size_t)(newline - begin) : n - *at;
        *at += length + (newline != NULL);
        while (length && (begin[length - 1] == '\r' || begin[length - 1] == ' ')) length--;
        if (!length || *begin == '#') continue;
        if (length >= sizeof line || memchr(begin, 0, length)) {
            page->bad_items++;
            continue;
        }
        memcpy(line, begin, length);
        line[length] = 0;
        int first = header->form == 0;
        if (first) status = read_header(line, header, err);
        if (status == IAD_OK && !(first && header->form == 2)) status = read_line(line, length, header, page, err);
    }
    if (*at >= n) page->state = IAD_PAGE_END;
    if (status != IAD_OK) iad_page_deinit(page);
    return status;
}

const iad_engine iad_engine_urllist = {.name = "urllist", .base = "", .language = "en", .first = 0, .page_size = 10000, .local = 1};
