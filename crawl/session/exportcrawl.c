#include "crawl/session/exportcrawl.h"

#include <jansson.h>
#include <string.h>

#include "base/sha256.h"
#include "crawl/session/signatureblob.h"
#include "manifests/query.h"

static const char *const columns[] = {"url",    "final_url", "category", "sha256",  "pixel_sha256", "pdq",     "width",     "height", "bytes",
                                      "format", "title",     "page_url", "licence", "licence_url",  "creator", "copyright", "engine", "query"};
enum { N_COLUMNS = sizeof columns / sizeof *columns, SHA = 3, PIXELS = 4, PDQ = 5, N_TEXT = IAD_PDQ_TEXT };

#define KEPT_SQL                                                                                                                                     \
    "SELECT s.url,u.url,c.name,p.sha256,p.pixel_sha256,p.signature,p.width,p.height,p.bytes,p.format,h.title,h.page_url,h.licence,h.licence_url,"    \
    "h.creator,p.copyright,q.engine,q.text FROM crawl_hit h JOIN crawl_page g ON g.id=h.page_id JOIN crawl_query q ON q.id=g.query_id"               \
    " JOIN category c ON c.id=h.category_id JOIN crawl_url s ON s.id=h.url_id"                                                                       \
    " JOIN crawl_url u ON u.id=(WITH RECURSIVE way(id,step) AS (SELECT h.url_id,0 UNION ALL SELECT r.target_id,way.step+1 FROM way JOIN crawl_url r" \
    " ON r.id=way.id WHERE r.target_id IS NOT NULL AND way.step<8) SELECT r.id FROM way JOIN crawl_url r ON r.id=way.id WHERE r.picture_id IS NOT "  \
    "NULL)"                                                                                                                                          \
    " JOIN crawl_picture p ON p.id=u.picture_id WHERE h.verdict='kept' ORDER BY c.name,g.turn,h.rank"

/* The text of a cell; hashes as hexadecimal. */
static const char *cell(iad_query *q, int column, char text[N_TEXT]) {
    size_t n;
    if (column == SHA || column == PIXELS) {
        const void *bytes = iad_query_col_blob(q, column, &n);
        if (n != 32) return NULL;
        iad_hex(bytes, 32, text);
        return text;
    }
    if (column == PDQ) {
        iad_signature signature;
        const void *bytes = iad_query_col_blob(q, column, &n);
        if (iad_signature_blob_read(bytes, n, &signature, NULL) != IAD_OK) return NULL;
        iad_pdq_text(&signature.pdq[0], text);
        return text;
    }
    return iad_query_col_text(q, column);
}

static int is_number(int column) {
    return column >= 6 && column <= 8;
}

static iad_status write_row(iad_query *q, int json, FILE *out, iad_err *err) {
    char text[N_TEXT];
    json_t *object = json ? json_object() : NULL;
    if (json && !object) return IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for a row");
    for (int c = 0; c < N_COLUMNS; c++) {
        const char *value = cell(q, c, text);
        if (json) {
            if (value) json_object_set_new(object, columns[c], is_number(c) ? json_integer(iad_query_col_i64(q, c)) : json_string(value));
            continue;
        }
        if (c) fputc('\t', out);
        for (; value && *value; value++) fputc((unsigned char)*value < 0x20 ? ' ' : *value, out);
    }
    if (json) json_dumpf(object, out, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(object);
    fputc('\n', out);
    return ferror(out) ? IAD_FAIL(err, IAD_ERR_IO, "cannot write the list: %m") : IAD_OK;
}

iad_status iad_crawl_export(iad_manifest *m, int json, FILE *out, int64_t *n, iad_err *err) {
    iad_query q;
    *n = 0;
    for (int c = 0; c < N_COLUMNS && !json; c++) fprintf(out, "%s%s", c ? "\t" : "", columns[c]);
    if (!json) fputc('\n', out);
    IAD_TRY(iad_query_open(&q, m, "crawl_hit", KEPT_SQL, err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        status = write_row(&q, json, out, err);
        *n += status == IAD_OK;
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK && fflush(out) != 0) status = IAD_FAIL(err, IAD_ERR_IO, "cannot write the list: %m");
    return status != IAD_OK ? status : closed;
}
