/* What an answer that is no answer means, and what to do about it. The HTTP status is not enough: services put the reason into a code and sometimes
 * only into the words of the message. */
#ifndef IAD_ANNOTATE_LVLMERROR_H
#define IAD_ANNOTATE_LVLMERROR_H

#include <stddef.h>

#include "base/rng.h"

typedef enum iad_lvlm_class {
    IAD_LVLM_OK = 0,
    IAD_LVLM_RATE,      /* too many requests or tokens per minute, or in general */
    IAD_LVLM_BURST,     /* growth too fast */
    IAD_LVLM_ACCOUNT,   /* account, key, model or plan */
    IAD_LVLM_FILTERED,  /* content filter */
    IAD_LVLM_INPUT,     /* our picture: size, format, decoding */
    IAD_LVLM_BUG,       /* another complaint about the request */
    IAD_LVLM_TRANSIENT, /* passes by itself */
    IAD_LVLM_N_CLASSES
} iad_lvlm_class;
const char *iad_lvlm_class_name(iad_lvlm_class c); /* "rate", "burst" ... */

typedef enum iad_lvlm_action {
    IAD_LVLM_TAKE = 0, /* an answer */
    IAD_LVLM_BACK_OFF, /* wait, lower the rate, try again */
    IAD_LVLM_RETRY,    /* wait, try again */
    IAD_LVLM_CROP,     /* once with a smaller crop, then mark the picture */
    IAD_LVLM_REENCODE, /* once encoded anew and smaller, then mark the picture */
    IAD_LVLM_COUNT,    /* mark; stop the run after IAD_LVLM_MAX_BUGS in a row */
    IAD_LVLM_STOP      /* stop the run */
} iad_lvlm_action;
#define IAD_LVLM_MAX_BUGS 5

typedef struct iad_lvlm_verdict {
    iad_lvlm_class class;
    iad_lvlm_action action;
} iad_lvlm_verdict;

/* status: of HTTP, 0 when the connection failed (always transient). code, message: of the error body, "" when there were none. Follows the
 * error tables of Alibaba Model Studio; other servers use parts of it. */
iad_lvlm_verdict iad_lvlm_classify(int status, const char *code, const char *message);

/* Reads code and message out of an error body: {"error":{"code","message","type"}}, {"code","message"}, {"error":"text"}, or any text, which becomes
 * the message. Never fails; cut at the sizes, always valid UTF-8. */
void iad_lvlm_error_body(const char *body, size_t n, char code[96], char message[400]);

/* Seconds before the tries-th repetition (1, 2 ...): Retry-After when the server said one (clamped to 300), else full jitter, uniform in
 * 0 .. min(60, base * 2^(tries-1)), base 1 s, 5 s for bursts (Brooker, "Exponential Backoff and Jitter", 2015). */
double iad_lvlm_wait(iad_lvlm_class c, int tries, double retry_after, double base, iad_rng *rng);

#endif
