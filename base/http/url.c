#include "base/http/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

static int hex_value(int c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

iad_status iad_url_encode(iad_buf *out, const char *bytes, size_t n, iad_err *err) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr("-._~", c)))
            IAD_TRY(iad_buf_add(out, &bytes[i], 1, err));
        else IAD_TRY(iad_buf_addf(out, err, "%%%02X", c));
    }
    return IAD_OK;
}

iad_status iad_url_decode(iad_buf *out, const char *text, size_t n, iad_err *err) {
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '%' && i + 2 < n) {
            int high = hex_value((unsigned char)text[i + 1]), low = hex_value((unsigned char)text[i + 2]);
            if (high >= 0 && low >= 0 && (high || low)) {
                c = (char)(high * 16 + low);
                i += 2;
            }
        }
        IAD_TRY(iad_buf_add(out, &c, 1, err));
    }
    return IAD_OK;
}

/* Length of "scheme://authority" in text, 0 when it does not begin so. */
static size_t authority_end(const char *text) {
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || (n && text[n] && strchr("+-.", text[n]))) n++;
    if (!n || strncmp(text + n, "://", 3) != 0) return 0;
    n += 3;
    return n + strcspn(text + n, "/?#");
}

/* Everything behind the authority in the letters that a URL may have; "%" that begins no escape becomes "%25". */
static iad_status clean(const char *text, iad_buf *out, iad_err *err) {
    size_t n = strlen(text), from = 0;
    while (from < n && (unsigned char)text[from] <= ' ') from++;
    while (n > from && (unsigned char)text[n - 1] <= ' ') n--;
    size_t head = authority_end(text + from);
    for (size_t i = from; i < n && text[i] != '#'; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\t' || c == '\n' || c == '\r') continue;
        if (i - from < head) {
            char lower = (char)(c < 0x80 ? tolower(c) : c);
            IAD_TRY(iad_buf_add(out, &lower, 1, err));
        } else if (c == '%' && !(i + 2 < n && hex_value((unsigned char)text[i + 1]) >= 0 && hex_value((unsigned char)text[i + 2]) >= 0)) {
            IAD_TRY(iad_buf_add_str(out, "%25", err));
        } else if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c)) {
            IAD_TRY(iad_buf_addf(out, err, "%%%02X", c));
        } else {
            IAD_TRY(iad_buf_add(out, &text[i], 1, err));
        }
    }
    return IAD_OK;
}

static int is_address(const char *host) {
    return strchr(host, ':') != NULL || host[strspn(host, "0123456789.")] == 0;
}

/* What shares a limit: all hosts of one owner. An unknown suffix ("localhost") stands for itself. */
static char *domain_of(const char *host, int port) {
    char text[300];
    if (is_address(host)) {
        snprintf(text, sizeof text, strchr(host, ':') ? "[%.250s]:%d" : "%.250s:%d", host, port);
        return iad_strdup(text);
    }
    const psl_ctx_t *list = psl_builtin();
    const char *domain = list ? psl_registrable_domain(list, host) : NULL;
    return iad_strdup(domain ? domain : host);
}

static iad_status part(CURLU *handle, CURLUPart what, unsigned flags, char **out, iad_err *err) {
    char *value = NULL;
    *out = NULL;
    if (curl_url_get(handle, what, &value, flags) != CURLUE_OK) value = NULL;
    if (value) *out = iad_strdup(value);
    curl_free(value);
    return *out ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "not a URL that can be fetched");
}

static iad_status fill(CURLU *handle, iad_url *url, iad_err *err) {
    char *port = NULL, *path = NULL, *query = NULL;
#ifdef CURLU_PUNYCODE
    /* Host names beyond ASCII: the form that goes over the wire, where libcurl was built with an IDN library. */
    char *ascii = NULL;
    if (curl_url_get(handle, CURLUPART_HOST, &ascii, CURLU_PUNYCODE) == CURLUE_OK && ascii && *ascii != '[')
        curl_url_set(handle, CURLUPART_HOST, ascii, 0);
    curl_free(ascii);
#endif
    iad_status status = part(handle, CURLUPART_HOST, 0, &url->host, err);
    if (status == IAD_OK) status = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, &port, err);
    if (status == IAD_OK) status = part(handle, CURLUPART_PATH, 0, &path, err);
    if (status == IAD_OK) status = part(handle, CURLUPART_URL, CURLU_NO_DEFAULT_PORT, &url->text, err);
    if (status == IAD_OK && part(handle, CURLUPART_QUERY, 0, &query, NULL) != IAD_OK) query = NULL;
    if (status == IAD_OK && strlen(url->text) > IAD_URL_MAX)
        status = IAD_FAIL(err, IAD_ERR_LIMIT, "URL of more than %d bytes", IAD_URL_MAX);
    if (status == IAD_OK) {
        size_t n = strlen(url->host);
        if (n > 2 && url->host[0] == '[') {
            memmove(url->host, url->host + 1, n - 2);
            url->host[n - 2] = 0;
        }
        url->port = (int)strtol(port, NULL, 10);
        iad_buf text;
        iad_buf_init(&text, 2 * IAD_URL_MAX);
        status = iad_buf_addf(&text, err, strchr(url->host, ':') ? "%s://[%s]:%d" : "%s://%s:%d", url->scheme, url->host, url->port);
        if (status == IAD_OK && !(url->origin = iad_buf_take(&text, NULL))) status = IAD_NOMEM(err, "a URL");
        if (status == IAD_OK) status = iad_buf_addf(&text, err, query ? "%s?%s" : "%s", path, query ? query : "");
        if (status == IAD_OK && !(url->target = iad_buf_take(&text, NULL))) status = IAD_NOMEM(err, "a URL");
        if (status == IAD_OK && !(url->domain = domain_of(url->host, url->port))) status = IAD_NOMEM(err, "a URL");
        iad_buf_deinit(&text);
    }
    free(port);
    free(path);
    free(query);
    return status;
}

iad_status iad_url_parse(const char *text, const char *base, iad_url *url, iad_err *err) {
    memset(url, 0, sizeof *url);
    if (strlen(text) > IAD_URL_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "URL of more than %d bytes", IAD_URL_MAX);
    iad_buf cleaned;
    iad_buf_init(&cleaned, 4 * IAD_URL_MAX);
    CURLU *handle = curl_url();
    iad_status status = handle ? clean(text, &cleaned, err) : IAD_NOMEM(err, "a URL");
    if (status == IAD_OK && !cleaned.len && !base) status = IAD_FAIL(err, IAD_ERR_FORMAT, "an empty URL");
    CURLUcode code = CURLUE_OK;
    if (status == IAD_OK && base) code = curl_url_set(handle, CURLUPART_URL, base, 0);
    if (status == IAD_OK && code == CURLUE_OK) code = curl_url_set(handle, CURLUPART_URL, iad_buf_str(&cleaned), 0);
    if (status == IAD_OK && code == CURLUE_UNSUPPORTED_SCHEME)
        status = IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "only http and https: '%.100s'", iad_buf_str(&cleaned));
    else if (status == IAD_OK && code != CURLUE_OK)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "'%.200s' is not a URL: %s", iad_buf_str(&cleaned), curl_url_strerror(code));
    if (status == IAD_OK) {
        curl_url_set(handle, CURLUPART_USER, NULL, 0);
        curl_url_set(handle, CURLUPART_PASSWORD, NULL, 0);
        curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
        status = part(handle, CURLUPART_SCHEME, 0, &url->scheme, err);
    }
    if (status == IAD_OK && strcmp(url->scheme, "http") != 0 && strcmp(url->scheme, "https") != 0)
        status = IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "only http and https, not %.40s", url->scheme);
    if (status == IAD_OK) status = fill(handle, url, err);
    curl_url_cleanup(handle);
    iad_buf_deinit(&cleaned);
    if (status != IAD_OK) iad_url_deinit(url);
    return status;
}

void iad_url_deinit(iad_url *url) {
    free(url->text);
    free(url->scheme);
    free(url->host);
    free(url->origin);
    free(url->target);
    free(url->domain);
    memset(url, 0, sizeof *url);
}
