/* How the fetching and judging of an address ended: the closed vocabulary of the columns crawl_url.error, crawl_picture.error and
 * crawl_hit.reason. */
#ifndef IAD_CRAWL_OUTCOME_H
#define IAD_CRAWL_OUTCOME_H

typedef enum iad_outcome {
    IAD_OUT_OK = 0,
    /* the way there */
    IAD_OUT_SCHEME,        /* not http or https, or no URL */
    IAD_OUT_ADDRESS,       /* a private address */
    IAD_OUT_ROBOTS,        /* robots.txt forbids it, or could not be had from a host that answers with errors */
    IAD_OUT_OPTOUT,        /* the owner does not want pictures to be used so: header or page */
    IAD_OUT_DNS,
    IAD_OUT_CONNECT,
    IAD_OUT_TLS,
    IAD_OUT_TIMEOUT,       /* total deadline */
    IAD_OUT_SLOW,          /* below the least speed */
    IAD_OUT_BROKEN,        /* connection lost, wrong length, not HTTP */
    IAD_OUT_HTTP_4XX,
    IAD_OUT_HTTP_429,
    IAD_OUT_HTTP_5XX,
    IAD_OUT_HTTP_OTHER,    /* 1xx, 204, 3xx without a place to go ... */
    IAD_OUT_REDIRECT_LOOP, /* in a circle, or too many */
    IAD_OUT_TOO_BIG,       /* bytes or pixels */
    /* the picture itself */
    IAD_OUT_EMPTY,
    IAD_OUT_NOT_IMAGE,     /* HTML, text ... */
    IAD_OUT_UNSUPPORTED,   /* a picture that we do not decode: GIF, AVIF, HEIC, TIFF, SVG ... */
    IAD_OUT_DECODE,
    IAD_OUT_TRUNCATED,
    IAD_OUT_TOO_SMALL,     /* bytes or sides */
    IAD_OUT_ASPECT,
    IAD_OUT_BLANK,
    IAD_OUT_ANIMATED,
    /* what others say about it */
    IAD_OUT_PLACEHOLDER,   /* one picture for many pages of a host */
    IAD_OUT_THUMBNAIL,     /* only the engine's small copy is known */
    IAD_OUT_ADVERT,
    IAD_OUT_LEAK,          /* a picture of a benchmark */
    IAD_OUT_REFUSED,       /* by a person */
    IAD_N_OUTCOMES
} iad_outcome;

/* "ok", "robots" ...; never NULL. */
const char *iad_outcome_name(iad_outcome outcome);
/* IAD_N_OUTCOMES for an unknown name. */
iad_outcome iad_outcome_parse(const char *name);
/* One line for people. */
const char *iad_outcome_text(iad_outcome outcome);

/* May the same request succeed a little later? */
int iad_outcome_transient(iad_outcome outcome);
/* Does it say that the host as a whole is in trouble? */
int iad_outcome_host_trouble(iad_outcome outcome);

#endif
