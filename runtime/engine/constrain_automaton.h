/* The automaton behind constrain.h: nodes of a compiled constraint, and a stack of frames that is advanced byte by
 * byte.
 *
 * A frame is one value being written. A byte is taken by the top frame, or ends it (numbers and literals have no
 * closing byte of their own) and goes to the frame below. Everything is deterministic: one state per text. */
#ifndef IAD_RUNTIME_CONSTRAIN_AUTOMATON_H
#define IAD_RUNTIME_CONSTRAIN_AUTOMATON_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/engine/constrain.h"

#define IAD_CONSTRAIN_MAX_FRAMES (IAD_CONSTRAIN_MAX_NESTING + 2)
#define IAD_CONSTRAIN_FOREVER (INT64_C(1) << 61) /* "no way to finish" */
#define IAD_CONSTRAIN_MAX_SHORTEST (INT64_C(1) << 40) /* times IAD_CONSTRAIN_MAX_COUNT or _NODES stays below FOREVER */

typedef enum iad_cnode_kind {
    IAD_CNODE_LITERALS, /* one of texts[], sorted by bytes, distinct */
    IAD_CNODE_STRING,
    IAD_CNODE_NUMBER, /* integers are numbers without decimals */
    IAD_CNODE_ARRAY,
    IAD_CNODE_OBJECT,
    IAD_CNODE_MAP, /* an object of any members: child[0] names, child[1] values */
    IAD_CNODE_UNION /* alternatives that begin with different bytes */
} iad_cnode_kind;

typedef struct iad_cnode_text {
    const char *bytes; /* a literal as it is written; of a property: the quoted name and the colon */
    int32_t n;
} iad_cnode_text;

typedef struct iad_cnode {
    iad_cnode_kind kind;
    int64_t shortest;     /* bytes of the shortest value, <= IAD_CONSTRAIN_MAX_SHORTEST */
    int32_t n;            /* texts, properties or alternatives */
    iad_cnode_text *texts; /* [n] literals or properties */
    int32_t *child;       /* [n] property values or alternatives; [1] items; [2] of a map */
    uint8_t *required;    /* [n] of properties */
    int64_t
        *tail; /* [n + 1] of properties: bytes that the required ones from here on take, each with a comma in front */
    int32_t min, max;     /* characters of a string, items of an array */
    int64_t low, high;    /* of a number, times 10^decimals */
    int decimals;         /* 0 or IAD_CONSTRAIN_DECIMALS */
    uint64_t first[4];    /* bytes that a value begins with */
} iad_cnode;

struct iad_constraint {
    iad_cnode *nodes; /* node 0 is the answer */
    int32_t n_node, cap;
};

typedef struct iad_cframe {
    int32_t node;
    uint8_t phase, negative, need, low, high; /* need, low, high: UTF-8 bytes still missing and the range of the next */
    int32_t at;    /* literal or property, items, characters, decimals written */
    int32_t taken; /* bytes of the literal or name */
    int64_t value; /* magnitude so far, times 10^decimals */
} iad_cframe;

typedef struct iad_cstate {
    int32_t depth; /* 0: the answer is whole and nothing may follow */
    iad_cframe frames[IAD_CONSTRAIN_MAX_FRAMES];
} iad_cstate;

void iad_cstate_start(const iad_constraint *constraint, iad_cstate *state);
/* Copies only the frames in use. */
void iad_cstate_copy(iad_cstate *dst, const iad_cstate *src);
/* 1 when the byte fits (state moved), 0 when it does not (state undefined: copy before). */
int iad_cstate_byte(const iad_constraint *constraint, iad_cstate *state, uint8_t byte);
/* 1 when the answer may end here. */
int iad_cstate_complete(const iad_constraint *constraint, const iad_cstate *state);
/* Bytes of the shortest way to a whole answer. */
int64_t iad_cstate_rest(const iad_constraint *constraint, const iad_cstate *state);
/* Inside a string between two characters: 1, with the characters that still fit, the characters still demanded by
 * minLength, and the bytes that follow the demanded ones at least (closing quote and what stands around). Else 0. */
int iad_cstate_in_string(const iad_constraint *constraint, const iad_cstate *state, int64_t *room, int64_t *demanded,
                         int64_t *after);

/* Fills shortest, tail and first of node i, whose children are done. 0 when no value fits. */
int iad_cnode_finish(iad_constraint *constraint, int32_t i);
/* 1 when the byte may begin a value of the node. */
static inline int iad_cnode_begins(const iad_cnode *node, uint8_t byte) {
    return node->first[byte / 64] >> (byte % 64) & 1;
}

#endif
