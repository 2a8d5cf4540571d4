#include "runtime/engine/constrain_automaton.h"

#include <string.h>

enum { TAKEN, FINISHED, PASSED, PUSHED, REFUSED }; /* what a frame did with a byte */

enum { STRING_OPEN, STRING_BODY, STRING_ESCAPE };
enum { NUMBER_START, NUMBER_MINUS, NUMBER_ZERO, NUMBER_DIGITS, NUMBER_DOT, NUMBER_DECIMALS };
enum { ARRAY_OPEN, ARRAY_FIRST, ARRAY_AFTER, ARRAY_NEXT, ARRAY_NEXT_SPACED };
enum {
    OBJECT_OPEN,
    OBJECT_FIRST,
    OBJECT_NAME,
    OBJECT_VALUE,
    OBJECT_VALUE_SPACED,
    OBJECT_AFTER,
    OBJECT_NEXT,
    OBJECT_NEXT_SPACED
};

static int64_t sum_of(int64_t a, int64_t b) {
    return a >= IAD_CONSTRAIN_FOREVER || b >= IAD_CONSTRAIN_FOREVER - a ? IAD_CONSTRAIN_FOREVER : a + b;
}

void iad_cstate_start(const iad_constraint *constraint, iad_cstate *state) {
    (void)constraint;
    state->depth = 1;
    memset(&state->frames[0], 0, sizeof state->frames[0]);
}

void iad_cstate_copy(iad_cstate *dst, const iad_cstate *src) {
    dst->depth = src->depth;
    memcpy(dst->frames, src->frames, (size_t)src->depth * sizeof *src->frames);
}

/* ---- literals ---- */

/* The texts that agree with text `at` in `taken` bytes stand side by side behind it (sorted). First of them that goes
 * on with `byte`. */
static int literal_byte(const iad_cnode *node, iad_cframe *f, uint8_t byte) {
    const iad_cnode_text *now = &node->texts[f->at];
    for (int32_t j = f->at; j < node->n; j++) {
        const iad_cnode_text *t = &node->texts[j];
        if (t->n < f->taken || memcmp(t->bytes, now->bytes, (size_t)f->taken) != 0) break;
        if (t->n == f->taken || (uint8_t)t->bytes[f->taken] < byte) continue;
        if ((uint8_t)t->bytes[f->taken] > byte) break;
        f->at = j;
        f->taken++;
        return TAKEN;
    }
    return now->n == f->taken ? PASSED : REFUSED; /* the whole text comes first among those that it begins */
}

static int64_t literal_rest(const iad_cnode *node, const iad_cframe *f) {
    const iad_cnode_text *now = &node->texts[f->at];
    int64_t best = IAD_CONSTRAIN_FOREVER;
    for (int32_t j = f->at; j < node->n; j++) {
        const iad_cnode_text *t = &node->texts[j];
        if (t->n < f->taken || memcmp(t->bytes, now->bytes, (size_t)f->taken) != 0) break;
        if (t->n - f->taken < best) best = t->n - f->taken;
    }
    return best;
}

/* ---- strings ---- */

static int string_byte(const iad_cnode *node, iad_cframe *f, uint8_t byte) {
    if (f->phase == STRING_OPEN) {
        if (byte != '"') return REFUSED;
        f->phase = STRING_BODY;
        return TAKEN;
    }
    if (f->phase == STRING_ESCAPE) {
        if (!memchr("\"\\/bfnrt", byte, 8)) return REFUSED;
        f->phase = STRING_BODY;
        return TAKEN;
    }
    if (f->need) {
        if (byte < f->low || byte > f->high) return REFUSED;
        f->need--;
        f->low = 0x80;
        f->high = 0xbf;
        return TAKEN;
    }
    if (byte == '"') return f->at >= node->min ? FINISHED : REFUSED;
    if (byte < 0x20 || f->at >= node->max) return REFUSED;
    if (byte >= 0x80) { /* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF */
        if (byte < 0xc2 || byte > 0xf4) return REFUSED;
        f->need = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        f->low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
        f->high = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
    } else if (byte == '\\') f->phase = STRING_ESCAPE;
    f->at++; /* the character counts from its first byte on */
    return TAKEN;
}

static int64_t string_rest(const iad_cnode *node, const iad_cframe *f) {
    const int64_t missing = node->min > f->at ? node->min - f->at : 0;
    return missing + 1 + f->need + (f->phase == STRING_ESCAPE) + (f->phase == STRING_OPEN);
}

/* ---- numbers ---- */

static int64_t power_of_ten(int k) {
    int64_t p = 1;
    while (k-- > 0) p *= 10;
    return p;
}

/* 1 when a multiple of `step` lies in both a..b and low..high (all >= 0). */
static int has_multiple(int64_t a, int64_t b, int64_t low, int64_t high, int64_t step) {
    if (a < low) a = low;
    if (b > high) b = high;
    return a <= b && (a + step - 1) / step * step <= b;
}

/* Bytes that a number with this beginning still needs to lie within the bounds; IAD_CONSTRAIN_FOREVER when it cannot
 * any more. */
static int64_t number_rest(const iad_cnode *node, const iad_cframe *f) {
    const int64_t unit = power_of_ten(node->decimals);
    int64_t low = f->negative ? -node->high : node->low, high = f->negative ? -node->low : node->high,
            best = IAD_CONSTRAIN_FOREVER;
    if (low < f->negative) low = f->negative; /* no minus zero */
    if (f->phase == NUMBER_START || f->phase == NUMBER_MINUS) {
        for (int digit = 0; digit < 10; digit++) {
            iad_cframe next = *f;
            next.phase = digit ? NUMBER_DIGITS : NUMBER_ZERO;
            next.value = digit * unit;
            const int64_t rest = sum_of(1, number_rest(node, &next));
            if (rest < best) best = rest;
        }
        if (f->phase == NUMBER_START) {
            iad_cframe next = *f;
            next.phase = NUMBER_MINUS;
            next.negative = 1;
            const int64_t rest = sum_of(1, number_rest(node, &next));
            if (rest < best) best = rest;
        }
        return best;
    }
    if (f->phase == NUMBER_DOT || f->phase == NUMBER_DECIMALS) {
        const int64_t end = f->value + power_of_ten(node->decimals - f->at) - 1;
        for (int d = f->at > 1 ? f->at : 1; d <= node->decimals; d++)
            if (has_multiple(f->value, end, low, high, power_of_ten(node->decimals - d))) return d - f->at;
        return IAD_CONSTRAIN_FOREVER;
    }
    int64_t a = f->value, b = f->value + unit - 1;
    for (int k = 0;; k++) { /* k more digits in front of the point */
        for (int d = 0; d <= node->decimals; d++)
            if (has_multiple(a, b, low, high, power_of_ten(node->decimals - d))) {
                const int64_t rest = k + (d ? d + 1 : 0);
                if (rest < best) best = rest;
                break;
            }
        if (f->phase == NUMBER_ZERO || a > high / 10) return best;
        a *= 10;
        b = a + power_of_ten(k + 1) * unit - 1;
    }
}

static int number_may_end(const iad_cnode *node, const iad_cframe *f) {
    return (f->phase == NUMBER_ZERO || f->phase == NUMBER_DIGITS || f->phase == NUMBER_DECIMALS) &&
           number_rest(node, f) == 0;
}

static int number_byte(const iad_cnode *node, iad_cframe *f, uint8_t byte) {
    iad_cframe next = *f;
    const int64_t unit = power_of_ten(node->decimals);
    const int digit = byte >= '0' && byte <= '9' ? byte - '0' : -1;
    int fits = 0;
    if (byte == '-' && f->phase == NUMBER_START) {
        next.phase = NUMBER_MINUS;
        next.negative = 1;
        fits = 1;
    } else if (byte == '.' && (f->phase == NUMBER_ZERO || f->phase == NUMBER_DIGITS) && node->decimals > 0) {
        next.phase = NUMBER_DOT;
        next.at = 0;
        fits = 1;
    } else if (digit >= 0) {
        fits = 1;
        switch (f->phase) {
        case NUMBER_START:
        case NUMBER_MINUS:
            next.phase = digit ? NUMBER_DIGITS : NUMBER_ZERO;
            next.value = digit * unit;
            break;
        case NUMBER_DIGITS: {
            const int64_t most = f->negative ? -node->low : node->high;
            if (f->value > most / 10) return number_may_end(node, f) ? PASSED : REFUSED;
            next.value = f->value * 10 + digit * unit;
            break;
        }
        case NUMBER_DOT:
        case NUMBER_DECIMALS:
            if (f->at == node->decimals) fits = 0;
            else {
                next.phase = NUMBER_DECIMALS;
                next.at = f->at + 1;
                next.value = f->value + digit * power_of_ten(node->decimals - next.at);
            }
            break;
        default: fits = 0; /* a digit after a leading zero */
        }
    }
    if (fits && number_rest(node, &next) < IAD_CONSTRAIN_FOREVER) {
        *f = next;
        return TAKEN;
    }
    return number_may_end(node, f) ? PASSED : REFUSED;
}

/* ---- arrays ---- */

static int array_byte(const iad_cnode *node, iad_cframe *f, uint8_t byte, int32_t *push) {
    switch (f->phase) {
    case ARRAY_OPEN:
        if (byte != '[') return REFUSED;
        f->phase = ARRAY_FIRST;
        return TAKEN;
    case ARRAY_AFTER:
        if (byte == ',' && f->at < node->max) {
            f->phase = ARRAY_NEXT;
            return TAKEN;
        }
        return byte == ']' && f->at >= node->min ? FINISHED : REFUSED;
    case ARRAY_FIRST:
        if (byte == ']' && node->min == 0) return FINISHED;
        if (node->max == 0) return REFUSED;
        break;
    case ARRAY_NEXT:
        if (byte != ' ') break;
        f->phase = ARRAY_NEXT_SPACED;
        return TAKEN;
    default: break;
    }
    f->phase = ARRAY_AFTER;
    f->at++;
    *push = node->child[0];
    return PUSHED;
}

static int64_t array_rest(const iad_constraint *constraint, const iad_cnode *node, const iad_cframe *f) {
    const int64_t item = node->max > 0 ? constraint->nodes[node->child[0]].shortest : 0;
    int64_t missing = node->min > f->at ? node->min - f->at : 0;
    switch (f->phase) {
    case ARRAY_OPEN: return node->shortest;
    case ARRAY_FIRST: return node->shortest - 1;
    case ARRAY_AFTER: return missing * (item + 1) + 1;
    default: return item + (missing > 1 ? missing - 1 : 0) * (item + 1) + 1;
    }
}

/* ---- objects ---- */

/* First property from `from` on that shares `taken` bytes with text `like` and, when byte >= 0, goes on with it. No
 * property behind the next required one can come now. -1: none. */
static int32_t find_name(const iad_cnode *node, int32_t from, const char *like, int32_t taken, int byte) {
    for (int32_t j = from; j < node->n; j++) {
        const iad_cnode_text *t = &node->texts[j];
        if (t->n >= taken && memcmp(t->bytes, like, (size_t)taken) == 0 &&
            (byte < 0 || (t->n > taken && (uint8_t)t->bytes[taken] == byte)))
            return j;
        if (node->required[j]) break;
    }
    return -1;
}

static int object_byte(const iad_cnode *node, iad_cframe *f, uint8_t byte, int32_t *push) {
    int32_t from = f->phase == OBJECT_FIRST ? 0 : f->at + 1;
    switch (f->phase) {
    case OBJECT_OPEN:
        if (byte != '{') return REFUSED;
        f->phase = OBJECT_FIRST;
        return TAKEN;
    case OBJECT_FIRST:
        if (byte == '}' && node->tail[0] == 0) return FINISHED;
        break;
    case OBJECT_NAME: {
        const int32_t j = find_name(node, f->at, node->texts[f->at].bytes, f->taken, byte);
        if (j < 0) return REFUSED;
        f->at = j;
        if (++f->taken == node->texts[j].n) f->phase = OBJECT_VALUE;
        return TAKEN;
    }
    case OBJECT_VALUE:
        if (byte == ' ') {
            f->phase = OBJECT_VALUE_SPACED;
            return TAKEN;
        } /* fall through */
    case OBJECT_VALUE_SPACED:
        f->phase = OBJECT_AFTER;
        *push = node->child[f->at];
        return PUSHED;
    case OBJECT_AFTER:
        if (byte == ',' && from < node->n) {
            f->phase = OBJECT_NEXT;
            return TAKEN;
        }
        return byte == '}' && node->tail[from] == 0 ? FINISHED : REFUSED;
    case OBJECT_NEXT:
        if (byte == ' ') {
            f->phase = OBJECT_NEXT_SPACED;
            return TAKEN;
        }
        break;
    default: break;
    }
    const int32_t j = find_name(node, from, "", 0, byte);
    if (j < 0) return REFUSED;
    f->at = j;
    f->taken = 1;
    f->phase = OBJECT_NAME;
    return TAKEN;
}

/* Shortest way on from a name of which `taken` bytes, as in text `like`, are written, with property `from` as the first
 * possible. */
static int64_t name_rest(const iad_constraint *constraint, const iad_cnode *node, int32_t from, const char *like,
                         int32_t taken) {
    int64_t best = IAD_CONSTRAIN_FOREVER;
    for (int32_t j = from; (j = find_name(node, j, like, taken, -1)) >= 0; j++) {
        int64_t rest = node->texts[j].n - taken + constraint->nodes[node->child[j]].shortest + node->tail[j + 1] + 1;
        if (rest < best) best = rest;
        if (node->required[j]) break;
    }
    return best;
}

static int64_t object_rest(const iad_constraint *constraint, const iad_cnode *node, const iad_cframe *f) {
    switch (f->phase) {
    case OBJECT_OPEN: return node->shortest;
    case OBJECT_FIRST: return node->shortest - 1;
    case OBJECT_NAME: return name_rest(constraint, node, f->at, node->texts[f->at].bytes, f->taken);
    case OBJECT_VALUE:
    case OBJECT_VALUE_SPACED: return constraint->nodes[node->child[f->at]].shortest + node->tail[f->at + 1] + 1;
    case OBJECT_AFTER: return node->tail[f->at + 1] + 1;
    default: return name_rest(constraint, node, f->at + 1, "", 0);
    }
}

/* ---- objects of any members ---- */

enum { MAP_OPEN, MAP_FIRST, MAP_COLON, MAP_VALUE, MAP_VALUE_SPACED, MAP_AFTER, MAP_NEXT, MAP_NEXT_SPACED };

static int map_byte(const iad_cnode *node, iad_cframe *f, uint8_t byte, int32_t *push) {
    switch (f->phase) {
    case MAP_OPEN:
        if (byte != '{') return REFUSED;
        f->phase = MAP_FIRST;
        return TAKEN;
    case MAP_COLON:
        if (byte != ':') return REFUSED;
        f->phase = MAP_VALUE;
        return TAKEN;
    case MAP_VALUE:
    case MAP_VALUE_SPACED:
        if (byte == ' ' && f->phase == MAP_VALUE) {
            f->phase = MAP_VALUE_SPACED;
            return TAKEN;
        }
        f->phase = MAP_AFTER;
        *push = node->child[1];
        return PUSHED;
    case MAP_AFTER:
        if (byte != ',') return byte == '}' ? FINISHED : REFUSED;
        f->phase = MAP_NEXT;
        return TAKEN;
    case MAP_FIRST:
        if (byte == '}') return FINISHED;
        break;
    case MAP_NEXT:
        if (byte != ' ') break;
        f->phase = MAP_NEXT_SPACED;
        return TAKEN;
    default: break;
    }
    f->phase = MAP_COLON;
    *push = node->child[0];
    return PUSHED;
}

static int64_t map_rest(const iad_constraint *constraint, const iad_cnode *node, const iad_cframe *f) {
    const int64_t value = constraint->nodes[node->child[1]].shortest;
    switch (f->phase) {
    case MAP_OPEN: return node->shortest;
    case MAP_FIRST:
    case MAP_AFTER: return 1;
    case MAP_COLON: return 1 + value + 1;
    case MAP_VALUE:
    case MAP_VALUE_SPACED: return value + 1;
    default: return constraint->nodes[node->child[0]].shortest + 1 + value + 1;
    }
}

/* ---- the stack ---- */

static int frame_byte(const iad_constraint *constraint, iad_cframe *f, uint8_t byte, int32_t *push) {
    const iad_cnode *node = &constraint->nodes[f->node];
    switch (node->kind) {
    case IAD_CNODE_LITERALS: return literal_byte(node, f, byte);
    case IAD_CNODE_STRING: return string_byte(node, f, byte);
    case IAD_CNODE_NUMBER: return number_byte(node, f, byte);
    case IAD_CNODE_ARRAY: return array_byte(node, f, byte, push);
    case IAD_CNODE_OBJECT: return object_byte(node, f, byte, push);
    case IAD_CNODE_MAP: return map_byte(node, f, byte, push);
    case IAD_CNODE_UNION: break;
    }
    for (int32_t i = 0; i < node->n; i++)
        if (iad_cnode_begins(&constraint->nodes[node->child[i]],
                             byte)) { /* the alternative takes the place of the union */
            memset(f, 0, sizeof *f);
            f->node = node->child[i];
            return frame_byte(constraint, f, byte, push);
        }
    return REFUSED;
}

static int64_t frame_rest(const iad_constraint *constraint, const iad_cframe *f) {
    const iad_cnode *node = &constraint->nodes[f->node];
    switch (node->kind) {
    case IAD_CNODE_LITERALS: return literal_rest(node, f);
    case IAD_CNODE_STRING: return string_rest(node, f);
    case IAD_CNODE_NUMBER: return number_rest(node, f);
    case IAD_CNODE_ARRAY: return array_rest(constraint, node, f);
    case IAD_CNODE_OBJECT: return object_rest(constraint, node, f);
    case IAD_CNODE_MAP: return map_rest(constraint, node, f);
    case IAD_CNODE_UNION: break;
    }
    return node->shortest;
}

int iad_cstate_byte(const iad_constraint *constraint, iad_cstate *state, uint8_t byte) {
    while (state->depth > 0) {
        int32_t push = -1;
        switch (frame_byte(constraint, &state->frames[state->depth - 1], byte, &push)) {
        case TAKEN: return 1;
        case FINISHED: state->depth--; return 1;
        case PASSED: state->depth--; break;
        case PUSHED:
            if (state->depth == IAD_CONSTRAIN_MAX_FRAMES || !iad_cnode_begins(&constraint->nodes[push], byte)) return 0;
            memset(&state->frames[state->depth], 0, sizeof state->frames[0]);
            state->frames[state->depth++].node = push;
            break;
        default: return 0;
        }
    }
    return 0;
}

int iad_cstate_complete(const iad_constraint *constraint, const iad_cstate *state) {
    if (state->depth != 1) return state->depth == 0;
    const iad_cframe *f = &state->frames[0];
    const iad_cnode *node = &constraint->nodes[f->node];
    if (node->kind == IAD_CNODE_LITERALS) return literal_rest(node, f) == 0;
    return node->kind == IAD_CNODE_NUMBER && number_may_end(node, f);
}

int64_t iad_cstate_rest(const iad_constraint *constraint, const iad_cstate *state) {
    int64_t rest = 0;
    for (int32_t i = 0; i < state->depth; i++) rest = sum_of(rest, frame_rest(constraint, &state->frames[i]));
    return rest;
}

int iad_cstate_in_string(const iad_constraint *constraint, const iad_cstate *state, int64_t *room, int64_t *demanded,
                         int64_t *after) {
    if (state->depth == 0) return 0;
    const iad_cframe *f = &state->frames[state->depth - 1];
    const iad_cnode *node = &constraint->nodes[f->node];
    if (node->kind != IAD_CNODE_STRING || f->phase != STRING_BODY || f->need) return 0;
    *room = node->max - f->at;
    *demanded = node->min > f->at ? node->min - f->at : 0;
    *after = iad_cstate_rest(constraint, state) - *demanded;
    return 1;
}

/* ---- facts about a node ---- */

static void begins_with(iad_cnode *node, uint8_t byte) { node->first[byte / 64] |= UINT64_C(1) << (byte % 64); }

int iad_cnode_finish(iad_constraint *constraint, int32_t i) {
    iad_cnode *node = &constraint->nodes[i];
    iad_cframe start = {.node = i};
    switch (node->kind) {
    case IAD_CNODE_LITERALS:
        node->shortest = literal_rest(node, &start);
        for (int32_t j = 0; j < node->n; j++) begins_with(node, (uint8_t)node->texts[j].bytes[0]);
        break;
    case IAD_CNODE_STRING:
        node->shortest = string_rest(node, &start);
        begins_with(node, '"');
        break;
    case IAD_CNODE_NUMBER:
        node->shortest = number_rest(node, &start);
        for (int byte = '-'; byte <= '9'; byte++) {
            iad_cframe f = start;
            if (number_byte(node, &f, (uint8_t)byte) == TAKEN) begins_with(node, (uint8_t)byte);
        }
        break;
    case IAD_CNODE_ARRAY: {
        const int64_t item = node->max > 0 ? constraint->nodes[node->child[0]].shortest : 0;
        node->shortest = node->min == 0 ? 2 : sum_of(1, (int64_t)node->min * (item + 1)); /* both are limited */
        begins_with(node, '[');
        break;
    }
    case IAD_CNODE_OBJECT:
        node->tail[node->n] = 0;
        for (int32_t j = node->n; j-- > 0;)
            node->tail[j] =
                node->required[j]
                    ? sum_of(node->tail[j + 1], 1 + node->texts[j].n + constraint->nodes[node->child[j]].shortest)
                    : node->tail[j + 1];
        node->shortest = node->tail[0] == 0 ? 2 : sum_of(node->tail[0], 1);
        begins_with(node, '{');
        break;
    case IAD_CNODE_MAP: /* its values may be maps again: nothing is asked of the children */
        node->shortest = 2;
        begins_with(node, '{');
        break;
    case IAD_CNODE_UNION:
        node->shortest = IAD_CONSTRAIN_FOREVER;
        for (int32_t j = 0; j < node->n; j++) {
            const iad_cnode *child = &constraint->nodes[node->child[j]];
            if (child->shortest < node->shortest) node->shortest = child->shortest;
            for (int k = 0; k < 4; k++) node->first[k] |= child->first[k];
        }
        break;
    }
    return node->shortest < IAD_CONSTRAIN_FOREVER;
}
