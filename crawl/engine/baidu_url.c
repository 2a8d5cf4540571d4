#include "crawl/engine/baidu_url.h"

#include <string.h>

#include "base/http/url.h"
#include "base/text.h"

iad_status iad_baidu_url_decode(const char *text, iad_buf *out, iad_err *err) {
    static const char cipher[] = "0123456789abcdefghijklmnopqrstuvw", plain[] = "7dgjmoru140852vsnkheb963wtqplifca";
    static const struct {
        const char *code;
        char letter;
    } tokens[] = {{"_z2C$q", ':'}, {"_z&e3B", '.'}, {"AzdH3F", '/'}};
    if (!iad_text_starts(text, "ippr")) return iad_buf_add_str(out, text, err);
    for (const char *p = text; *p;) {
        char letter = 0;
        size_t used = 1;
        for (size_t i = 0; i < 3 && !letter; i++)
            if (iad_text_starts(p, tokens[i].code)) letter = tokens[i].letter, used = strlen(tokens[i].code);
        if (!letter) {
            const char *place = strchr(cipher, *p);
            letter = place ? plain[place - cipher] : *p;
        }
        IAD_TRY(iad_buf_add(out, &letter, 1, err));
        p += used;
    }
    return IAD_OK;
}

/* The host of an address and what follows it. */
static const char *host_of(const char *url, size_t *n) {
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    *n = strcspn(host, "/:?#");
    return host;
}

static int host_ends(const char *url, const char *suffix) {
    size_t n, n_suffix = strlen(suffix);
    const char *host = host_of(url, &n);
    return n >= n_suffix && !memcmp(host + n - n_suffix, suffix, n_suffix) && (n == n_suffix || host[n - n_suffix - 1] == '.');
}

int iad_baidu_url_is_copy(const char *url) {
    if (host_ends(url, "bdimg.com") || host_ends(url, "bdstatic.com")) return 1;
    size_t n;
    const char *host = host_of(url, &n);
    return host_ends(url, "baidu.com") && (iad_text_starts(host + n, "/it/u=") || iad_text_starts(host, "gimg") || iad_text_starts(host, "img"));
}

iad_status iad_baidu_url_unwrap(const char *url, iad_buf *out, iad_err *err) {
    const char *from = host_ends(url, "baidu.com") ? strstr(url, "/image_search/src=") : NULL;
    if (!from) return iad_buf_add_str(out, url, err);
    from += strlen("/image_search/src=");
    size_t start = out->len;
    IAD_TRY(iad_url_decode(out, from, strcspn(from, "&"), err));
    /* Some wrappers leave the scheme out. */
    if (iad_text_starts(iad_buf_str(out) + start, "//")) {
        iad_buf whole;
        iad_buf_init(&whole, out->max);
        iad_status status = iad_buf_addf(&whole, err, "http:%s", iad_buf_str(out) + start);
        if (status == IAD_OK) {
            out->len = start;
            status = iad_buf_add(out, whole.data, whole.len, err);
        }
        iad_buf_deinit(&whole);
        return status;
    }
    return IAD_OK;
}
