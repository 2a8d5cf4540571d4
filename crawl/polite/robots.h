/* robots.txt as RFC 9309 says. */
#ifndef IAD_CRAWL_ROBOTS_H
#define IAD_CRAWL_ROBOTS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

#define IAD_ROBOTS_MAX_BYTES (512u * 1024u) /* what lies beyond is not read (RFC 9309, 2.5: at least 500 KiB) */
#define IAD_ROBOTS_MAX_RULES 5000u
#define IAD_ROBOTS_MAX_DELAY 60.0           /* seconds of a Crawl-delay that is honoured */

typedef struct iad_robots_rule {
    char *pattern; /* normal form: see robots.c */
    int allow;
} iad_robots_rule;

/* The rules that are meant for one crawler. Zero-initialised: everything is allowed. */
typedef struct iad_robots {
    iad_robots_rule *rules;
    size_t n, cap;
    double delay;    /* Crawl-delay in seconds, 0 when not said */
    int deny_all;    /* 1: nothing is allowed (5xx, unreachable) */
} iad_robots;
void iad_robots_deinit(iad_robots *robots);

/* Reads the groups whose User-agent is `token` (ASCII case ignored, all of them merged), else those of "*". Anything that is not a rule is
 * skipped. Errors: IAD_ERR_NOMEM. */
iad_status iad_robots_parse(const char *text, size_t n, const char *token, iad_robots *robots, iad_err *err);

/* target: path with query ("/a?b"). The longest matching rule counts, Allow on a tie; /robots.txt is always allowed. A pattern that
 * needs too much work to compare counts as matching when it forbids. */
int iad_robots_allowed(const iad_robots *robots, const char *target);

/* The rules as robots.txt lines, for keeping: parsing them again with the same token gives the same rules. */
iad_status iad_robots_text(const iad_robots *robots, const char *token, iad_buf *out, iad_err *err);

/* What the answer to the request for robots.txt means (RFC 9309, 2.3.1): 1 parse the body, 0 everything is allowed (4xx), -1 nothing is (5xx, and
 * status 0: unreachable). Redirects are the caller's: five hops at least, then everything is allowed. */
int iad_robots_meaning(int status);

#endif
