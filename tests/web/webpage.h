/* What the engines of the loopback web answer, in the formats of the real ones. */
#ifndef IAD_TEST_WEBPAGE_H
#define IAD_TEST_WEBPAGE_H

#include "base/buf.h"
#include "tests/web/webplan.h"

/* Bing's fragment of tiles: results first.. (1-based; 0 counts as 1), at most count. Beyond the end a category with an even number has no tiles, the
 * others show their last page again. */
iad_status iad_web_page_bing(const iad_web_plan *plan, const char *query, int first, int count, iad_buf *out, iad_err *err);

/* Baidu's acjson: results offset.. (0-based), at most count, with its illegal escapes and the empty object at the end. */
iad_status iad_web_page_baidu(const iad_web_plan *plan, const char *query, int offset, int count, iad_buf *out, iad_err *err);
/* What it says to clients that it does not like. */
iad_status iad_web_page_baidu_refusal(iad_buf *out, iad_err *err);

/* Openverse's JSON: page 1.. of `count` results. */
iad_status iad_web_page_openverse(const iad_web_plan *plan, const char *query, int page, int count, iad_buf *out, iad_err *err);

/* The page that a picture stands on, with the robots meta of its kind. */
iad_status iad_web_page_of_item(const iad_web_item *item, iad_buf *out, iad_err *err);

/* robots.txt of a host: *status is 200, 404 or 503. Where robots pictures are in the plan, most hosts forbid /p/robots/, each in its own way; host 7
 * answers 503 (nothing is allowed) when there is one. */
iad_status iad_web_page_robots(const iad_web_plan *plan, int host, int *status, iad_buf *out, iad_err *err);

/* Percent-encoding of everything but letters, digits and "-._~". */
iad_status iad_web_percent(const char *text, iad_buf *out, iad_err *err);

#endif
