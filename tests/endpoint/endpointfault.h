/* What can go wrong with a request: a closed table of kinds, and which request meets which. A pure function of seed, request and attempt. */
#ifndef IAD_TEST_ENDPOINTFAULT_H
#define IAD_TEST_ENDPOINTFAULT_H

#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

typedef enum iad_ep_family {
    IAD_EP_PASSING, /* an error that passes: refused, not charged */
    IAD_EP_FILTER,  /* the content filter: refused, not charged */
    IAD_EP_INPUT,   /* the picture is not liked: refused, not charged */
    IAD_EP_STOP,    /* account, key, model, a bug of the client: refused, not charged; never part of "all" */
    IAD_EP_FLOW,    /* a good answer that is charged, and arrives badly */
    IAD_EP_ANSWER   /* status 200, charged, and the text is not what was asked for */
} iad_ep_family;

typedef enum iad_ep_body { IAD_EP_COMPATIBLE, IAD_EP_NATIVE, IAD_EP_HTML, IAD_EP_EMPTY } iad_ep_body;

typedef struct iad_ep_kind {
    const char *name;
    iad_ep_family family;
    int status;
    const char *code, *message; /* of errors */
    iad_ep_body body;
    const char *retry_after; /* header, NULL: none */
} iad_ep_kind;

extern const iad_ep_kind iad_ep_kinds[];
extern const int iad_ep_n_kinds;

const char *iad_ep_family_name(iad_ep_family family);
/* Index of a kind, -1 when there is none of that name. */
int iad_ep_kind_find(const char *name);

enum { IAD_EP_MAX_KINDS = 96, IAD_EP_MAX_ORDERS = 128 };

typedef struct iad_ep_order { /* the requests from .. from + count - 1 meet this kind */
    int kind;
    int64_t from, count;
} iad_ep_order;

typedef struct iad_ep_script {
    uint64_t seed;
    int attempts;                 /* only the first so many attempts of a request can meet a fault; then it succeeds */
    int shares[IAD_EP_MAX_KINDS]; /* thousandths of the requests, by kind */
    iad_ep_order orders[IAD_EP_MAX_ORDERS];
    int n_orders;
} iad_ep_script;

/* "none", "all" (every kind but those of family STOP, three thousandths each), "all=THOUSANDTHS", KIND=THOUSANDTHS, with commas; later
 * words win. Errors: IAD_ERR_ARG. */
iad_status iad_ep_shares_parse(const char *text, iad_ep_script *script, iad_err *err);
/* "KIND:FROM:COUNT", added to the orders. Errors: IAD_ERR_ARG, IAD_ERR_LIMIT. */
iad_status iad_ep_order_parse(const char *text, iad_ep_script *script, iad_err *err);

/* The kind that request number `number` (from 0) with this identity meets at its attempt (from 0), or -1. */
int iad_ep_script_draw(const iad_ep_script *script, int64_t number, uint64_t request, int attempt);

#endif
