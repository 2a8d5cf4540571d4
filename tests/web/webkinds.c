#include "tests/web/webkinds.h"

#include <string.h>

#include "base/text.h"

typedef struct row {
    const char *name;
    int share; /* of "all", thousandths: what makes a client wait is seldom */
    const char *text;
} row;

static const row rows[IAD_WEB_KINDS] = {
    [IAD_WEB_FINE] = {"fine", 0, "a picture"},
    [IAD_WEB_429] = {"429", 6, "first 429 with Retry-After: 1, then the picture"},
    [IAD_WEB_429_BARE] = {"429bare", 6, "first 429 without Retry-After, then the picture"},
    [IAD_WEB_503] = {"503", 6, "first 503 with Retry-After as a date, then the picture"},
    [IAD_WEB_503_BARE] = {"503bare", 6, "first 503 without Retry-After, then the picture"},
    [IAD_WEB_HOP] = {"hop", 10, "one redirect to the picture, on another host"},
    [IAD_WEB_TYPE] = {"type", 10, "the picture, called text/plain"},
    [IAD_WEB_SUFFIX] = {"suffix", 10, "a WebP picture named .jpg and called image/jpeg"},
    [IAD_WEB_OTHER_TAG] = {"othertag", 10, "the picture, with opt-outs that are meant for others or mean something else"},
    [IAD_WEB_ODD_URL] = {"oddurl", 10, "the picture; its address has a space and Chinese letters as they are"},
    [IAD_WEB_403] = {"403", 10, "403 and a page"},
    [IAD_WEB_404] = {"404", 20, "404 and a page"},
    [IAD_WEB_500] = {"500", 3, "always 500"},
    [IAD_WEB_HTML] = {"html", 10, "200 and a page"},
    [IAD_WEB_HOTLINK] = {"hotlink", 10, "200 and a page, called image/jpeg"},
    [IAD_WEB_PLACEHOLDER] = {"placeholder", 15, "the same picture for every address of a host"},
    [IAD_WEB_DRIP] = {"drip", 1, "the picture, ten bytes at a time, five times a second"},
    [IAD_WEB_STALL] = {"stall", 1, "half of the picture, then silence"},
    [IAD_WEB_HANG] = {"hang", 1, "no answer"},
    [IAD_WEB_SHORT] = {"short", 8, "Content-Length promises 1000 bytes more than come"},
    [IAD_WEB_LONG] = {"long", 4, "more bytes come than Content-Length promises"},
    [IAD_WEB_CUT] = {"cut", 10, "a picture file that ends after 60 percent, with the right length"},
    [IAD_WEB_ENDLESS] = {"endless", 1, "a body without an end"},
    [IAD_WEB_BIG] = {"big", 3, "Content-Length 3 GB, and they would come"},
    [IAD_WEB_EMPTY] = {"empty", 5, "200 and nothing"},
    [IAD_WEB_CLOSE] = {"close", 3, "the connection closes without an answer"},
    [IAD_WEB_LOOP] = {"loop", 5, "redirects without an end, each to a new address"},
    [IAD_WEB_HOPS] = {"hops", 5, "eight redirects, then the picture"},
    [IAD_WEB_PRIVATE] = {"private", 10, "a redirect to a private address, in many spellings"},
    [IAD_WEB_SCHEME] = {"scheme", 5, "a redirect to file: or ftp:"},
    [IAD_WEB_LOGIN] = {"login", 10, "a redirect to a page to log in"},
    [IAD_WEB_BOMB] = {"bomb", 3, "Content-Encoding: gzip, a quarter of a megabyte that becomes 256"},
    [IAD_WEB_HUGE] = {"huge", 5, "a PNG whose header says 60000 x 60000"},
    [IAD_WEB_NOISE] = {"noise", 5, "random bytes, called image/jpeg"},
    [IAD_WEB_SMALL] = {"small", 10, "a picture of 96 x 96"},
    [IAD_WEB_WIDE] = {"wide", 10, "a picture of 1200 x 260"},
    [IAD_WEB_BLANK] = {"blank", 5, "a picture of one colour"},
    [IAD_WEB_ANIMATED] = {"animated", 5, "a PNG of two frames"},
    [IAD_WEB_NOAI] = {"noai", 8, "X-Robots-Tag: noai"},
    [IAD_WEB_NOINDEX] = {"noindex", 8, "X-Robots-Tag: noimageindex in a list, mixed case"},
    [IAD_WEB_TDM] = {"tdm", 5, "tdm-reservation: 1"},
    [IAD_WEB_META] = {"meta", 8, "the picture; the page it stands on has a robots meta with noai"},
    [IAD_WEB_ROBOTS] = {"robots", 15, "a picture that robots.txt forbids"},
    [IAD_WEB_DNS] = {"dns", 8, "a host that does not exist"},
    [IAD_WEB_REFUSED] = {"refused", 4, "a port where nobody listens"},
    [IAD_WEB_TLS] = {"tls", 5, "a certificate that nobody signed"},
};

const char *iad_web_kind_name(iad_web_kind kind) { return kind < IAD_WEB_KINDS ? rows[kind].name : "unknown"; }
const char *iad_web_kind_text(iad_web_kind kind) { return kind < IAD_WEB_KINDS ? rows[kind].text : ""; }

iad_web_kind iad_web_kind_find(const char *name) {
    int kind = 0;
    while (kind < IAD_WEB_KINDS && strcmp(rows[kind].name, name)) kind++;
    return (iad_web_kind)kind;
}

static iad_status parse_word(char *word, int shares[IAD_WEB_KINDS], iad_err *err) {
    if (!strcmp(word, "none") || !strcmp(word, "all")) {
        for (int kind = 0; kind < IAD_WEB_KINDS; kind++) shares[kind] = *word == 'a' ? rows[kind].share : 0;
        return IAD_OK;
    }
    char *equals = strchr(word, '=');
    if (!equals) return IAD_FAIL(err, IAD_ERR_ARG, "faults: \"%s\" is not none, all or KIND=THOUSANDTHS", word);
    *equals = '\0';
    const iad_web_kind kind = iad_web_kind_find(word);
    int64_t share;
    if (kind == IAD_WEB_KINDS || kind == IAD_WEB_FINE) return IAD_FAIL(err, IAD_ERR_ARG, "faults: there is no kind \"%s\"", word);
    IAD_TRY(iad_parse_i64(equals + 1, 0, 1000, word, &share, err));
    shares[kind] = (int)share;
    return IAD_OK;
}

iad_status iad_web_shares_parse(const char *text, int shares[IAD_WEB_KINDS], iad_err *err) {
    iad_strings words = {0};
    memset(shares, 0, IAD_WEB_KINDS * sizeof *shares);
    iad_status status = iad_strings_split(&words, text, ',', err);
    for (size_t i = 0; status == IAD_OK && i < words.n; i++) status = parse_word(words.items[i], shares, err);
    iad_strings_deinit(&words);
    int sum = 0;
    for (int kind = 0; kind < IAD_WEB_KINDS; kind++) sum += shares[kind];
    if (status == IAD_OK && sum > 1000) return IAD_FAIL(err, IAD_ERR_ARG, "faults: the shares add up to %d thousandths", sum);
    return status;
}
