/* How pictures of the loopback web misbehave: one kind per picture, and the kind is part of its address (/p/KIND/CATEGORY/NUMBER.jpg), so a
 * test can ask for any misbehaviour by its URL. */
#ifndef IAD_TEST_WEBKINDS_H
#define IAD_TEST_WEBKINDS_H

#include "base/status.h"

typedef enum iad_web_kind {
    IAD_WEB_FINE = 0,
    /* works in the end */
    IAD_WEB_429,
    IAD_WEB_429_BARE,
    IAD_WEB_503,
    IAD_WEB_503_BARE,
    IAD_WEB_HOP,
    IAD_WEB_TYPE,
    IAD_WEB_SUFFIX,
    IAD_WEB_OTHER_TAG,
    IAD_WEB_ODD_URL,
    /* does not */
    IAD_WEB_403,
    IAD_WEB_404,
    IAD_WEB_500,
    IAD_WEB_HTML,
    IAD_WEB_HOTLINK,
    IAD_WEB_PLACEHOLDER,
    IAD_WEB_DRIP,
    IAD_WEB_STALL,
    IAD_WEB_HANG,
    IAD_WEB_SHORT,
    IAD_WEB_LONG,
    IAD_WEB_CUT,
    IAD_WEB_ENDLESS,
    IAD_WEB_BIG,
    IAD_WEB_EMPTY,
    IAD_WEB_CLOSE,
    IAD_WEB_LOOP,
    IAD_WEB_HOPS,
    IAD_WEB_PRIVATE,
    IAD_WEB_SCHEME,
    IAD_WEB_LOGIN,
    IAD_WEB_BOMB,
    IAD_WEB_HUGE,
    IAD_WEB_NOISE,
    IAD_WEB_SMALL,
    IAD_WEB_WIDE,
    IAD_WEB_BLANK,
    IAD_WEB_ANIMATED,
    IAD_WEB_NOAI,
    IAD_WEB_NOINDEX,
    IAD_WEB_TDM,
    IAD_WEB_META,
    IAD_WEB_ROBOTS,
    IAD_WEB_DNS,
    IAD_WEB_REFUSED,
    IAD_WEB_TLS,
    IAD_WEB_KINDS
} iad_web_kind;

const char *iad_web_kind_name(iad_web_kind kind);
const char *iad_web_kind_text(iad_web_kind kind); /* what it does, one line */
/* IAD_WEB_KINDS when there is none. */
iad_web_kind iad_web_kind_find(const char *name);

/* Shares in thousandths, fine has the rest. text: "none", "all" (everything, the slow kinds seldom), or "stall=3,429=20", where "all,stall=0"
 * starts from all. Errors: IAD_ERR_ARG names the word. */
iad_status iad_web_shares_parse(const char *text, int shares[IAD_WEB_KINDS], iad_err *err);

#endif
