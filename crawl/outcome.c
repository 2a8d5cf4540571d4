#include "crawl/outcome.h"

#include <string.h>

static const struct {
    const char *name, *text;
    int transient, host;
} table[IAD_N_OUTCOMES] = {
    [IAD_OUT_OK] = {"ok", "a good picture", 0, 0},
    [IAD_OUT_SCHEME] = {"scheme", "not an http or https address", 0, 0},
    [IAD_OUT_ADDRESS] = {"address", "the host has a private address", 0, 0},
    [IAD_OUT_ROBOTS] = {"robots", "robots.txt forbids it", 0, 0},
    [IAD_OUT_OPTOUT] = {"optout", "the owner opted out", 0, 0},
    [IAD_OUT_DNS] = {"dns", "no such host", 1, 1},
    [IAD_OUT_CONNECT] = {"connect", "no connection", 1, 1},
    [IAD_OUT_TLS] = {"tls", "TLS handshake or certificate", 0, 1},
    [IAD_OUT_TIMEOUT] = {"timeout", "took too long", 1, 1},
    [IAD_OUT_SLOW] = {"slow", "too slow", 1, 1},
    [IAD_OUT_BROKEN] = {"broken", "broken answer or connection", 1, 0},
    [IAD_OUT_HTTP_4XX] = {"http_4xx", "refused or not there (4xx)", 0, 0},
    [IAD_OUT_HTTP_429] = {"http_429", "too many requests (429)", 1, 1},
    [IAD_OUT_HTTP_5XX] = {"http_5xx", "server error (5xx)", 1, 1},
    [IAD_OUT_HTTP_OTHER] = {"http_other", "another status", 0, 0},
    [IAD_OUT_REDIRECT_LOOP] = {"redirect_loop", "redirects without an end", 0, 0},
    [IAD_OUT_TOO_BIG] = {"too_big", "too many bytes or pixels", 0, 0},
    [IAD_OUT_EMPTY] = {"empty", "no bytes", 0, 0},
    [IAD_OUT_NOT_IMAGE] = {"not_image", "not a picture", 0, 0},
    [IAD_OUT_UNSUPPORTED] = {"unsupported", "a format that is not decoded here", 0, 0},
    [IAD_OUT_DECODE] = {"decode", "cannot be decoded", 0, 0},
    [IAD_OUT_TRUNCATED] = {"truncated", "cut short", 0, 0},
    [IAD_OUT_TOO_SMALL] = {"too_small", "too small", 0, 0},
    [IAD_OUT_ASPECT] = {"aspect", "too long for its width", 0, 0},
    [IAD_OUT_BLANK] = {"blank", "nothing on it", 0, 0},
    [IAD_OUT_ANIMATED] = {"animated", "animated", 0, 0},
    [IAD_OUT_PLACEHOLDER] = {"placeholder", "one picture for many pages of a host", 0, 0},
    [IAD_OUT_THUMBNAIL] = {"thumbnail", "only the engine's small copy", 0, 0},
    [IAD_OUT_ADVERT] = {"advert", "advertising", 0, 0},
    [IAD_OUT_LEAK] = {"leak", "a picture of a benchmark", 0, 0},
    [IAD_OUT_REFUSED] = {"refused", "refused by a person", 0, 0}};

static int known(iad_outcome outcome) {
    return outcome >= 0 && outcome < IAD_N_OUTCOMES;
}

const char *iad_outcome_name(iad_outcome outcome) {
    return known(outcome) ? table[outcome].name : "unknown";
}

const char *iad_outcome_text(iad_outcome outcome) {
    return known(outcome) ? table[outcome].text : "unknown";
}

iad_outcome iad_outcome_parse(const char *name) {
    for (int i = 0; i < IAD_N_OUTCOMES; i++)
        if (!strcmp(name, table[i].name)) return (iad_outcome)i;
    return IAD_N_OUTCOMES;
}

int iad_outcome_transient(iad_outcome outcome) {
    return known(outcome) && table[outcome].transient;
}

int iad_outcome_host_trouble(iad_outcome outcome) {
    return known(outcome) && table[outcome].host;
}
