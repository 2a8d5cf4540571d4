/* Compiles choices and JSON schemas into nodes of the automaton. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "runtime/engine/constrain.h"
#include "runtime/engine/constrain_automaton.h"

enum {
    TYPE_STRING = 1,
    TYPE_INTEGER = 2,
    TYPE_NUMBER = 4,
    TYPE_BOOLEAN = 8,
    TYPE_NULL = 16,
    TYPE_ARRAY = 32,
    TYPE_OBJECT = 64
};
static const char *const TYPE_NAMES[] = {"string", "integer", "number", "boolean", "null", "array", "object"};
enum { N_TYPES = 7 };

typedef struct place {
    char text[256]; /* for messages: "schema.properties.score" */
    int nesting;
} place;

void iad_constraint_free(iad_constraint *constraint) {
    if (!constraint) return;
    for (int32_t i = 0; i < constraint->n_node; i++) {
        iad_cnode *node = &constraint->nodes[i];
        for (int32_t j = 0; node->texts && j < node->n; j++) free((void *)(uintptr_t)node->texts[j].bytes);
        free(node->texts);
        free(node->child);
        free(node->required);
        free(node->tail);
    }
    free(constraint->nodes);
    free(constraint);
}

static iad_status add_node(iad_constraint *c, iad_cnode_kind kind, int32_t *index, iad_err *err) {
    size_t cap = (size_t)c->cap;
    IAD_TRY(iad_grow((void **)&c->nodes, &cap, (size_t)c->n_node + 1, sizeof *c->nodes, IAD_CONSTRAIN_MAX_NODES,
                     "parts of a schema", err));
    c->cap = (int32_t)cap;
    memset(&c->nodes[c->n_node], 0, sizeof *c->nodes);
    c->nodes[c->n_node].kind = kind;
    *index = c->n_node++;
    return IAD_OK;
}

static iad_status finish_node(iad_constraint *c, int32_t index, const place *at, iad_err *err) {
    if (!iad_cnode_finish(c, index)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: no value can fit", at->text);
    if (c->nodes[index].shortest > IAD_CONSTRAIN_MAX_SHORTEST)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: the shortest answer has more than %lld bytes", at->text,
                        (long long)IAD_CONSTRAIN_MAX_SHORTEST);
    return IAD_OK;
}

/* ---- literals ---- */

static int by_bytes(const void *a, const void *b) {
    const iad_cnode_text *x = a, *y = b;
    const int order = memcmp(x->bytes, y->bytes, (size_t)(x->n < y->n ? x->n : y->n));
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

static void sort_texts(iad_cnode *node) {
    int32_t kept = 0;
    qsort(node->texts, (size_t)node->n, sizeof *node->texts, by_bytes);
    for (int32_t i = 0; i < node->n; i++) {
        if (kept && by_bytes(&node->texts[kept - 1], &node->texts[i]) == 0)
            free((void *)(uintptr_t)node->texts[i].bytes);
        else node->texts[kept++] = node->texts[i];
    }
    node->n = kept;
}

/* Hands `text` over to the node (also on failure). The array has room. */
static iad_status add_text(iad_cnode *node, char *text, const char *what, iad_err *err) {
    if (!text) return IAD_NOMEM(err, what);
    const size_t n = strlen(text);
    if (n > IAD_CONSTRAIN_MAX_TEXT) {
        free(text);
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s has more than %d bytes", what, IAD_CONSTRAIN_MAX_TEXT);
    }
    node->texts[node->n++] = (iad_cnode_text){text, (int32_t)n};
    return IAD_OK;
}

static iad_status room_for_texts(iad_cnode *node, size_t n, iad_err *err) {
    node->texts = iad_calloc(n, sizeof *node->texts);
    return node->texts ? IAD_OK : IAD_NOMEM(err, "choices");
}

iad_status iad_constraint_choices(const char *const *choices, size_t n, iad_constraint **constraint, iad_err *err) {
    *constraint = NULL;
    if (n < 1) return IAD_FAIL(err, IAD_ERR_ARG, "no choices");
    if (n > IAD_CONSTRAIN_MAX_CHOICES)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %d choices", IAD_CONSTRAIN_MAX_CHOICES);
    iad_constraint *made = iad_calloc(1, sizeof *made);
    if (!made) return IAD_NOMEM(err, "choices");
    const place at = {"choices", 0};
    int32_t root = 0;
    iad_status status = add_node(made, IAD_CNODE_LITERALS, &root, err);
    if (status == IAD_OK) status = room_for_texts(&made->nodes[root], n, err);
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        if (!choices[i] || !*choices[i]) status = IAD_FAIL(err, IAD_ERR_ARG, "choice %zu is empty", i);
        else if (iad_utf8_valid(choices[i], strlen(choices[i])) != strlen(choices[i]))
            status = IAD_FAIL(err, IAD_ERR_ARG, "choice %zu is not valid UTF-8", i);
        else status = add_text(&made->nodes[root], iad_strdup(choices[i]), "a choice", err);
    }
    if (status == IAD_OK) {
        sort_texts(&made->nodes[root]);
        status = finish_node(made, root, &at, err);
    }
    if (status != IAD_OK) {
        iad_constraint_free(made);
        return status;
    }
    *constraint = made;
    return IAD_OK;
}

/* ---- keywords ---- */

static iad_status check_keywords(const json_t *schema, const place *at, iad_err *err) {
    static const char *const known[] = {"type",
                                        "enum",
                                        "const",
                                        "minLength",
                                        "maxLength",
                                        "minimum",
                                        "maximum",
                                        "exclusiveMinimum",
                                        "exclusiveMaximum",
                                        "items",
                                        "minItems",
                                        "maxItems",
                                        "properties",
                                        "required",
                                        "additionalProperties",
                                        "title",
                                        "description",
                                        "default",
                                        "examples",
                                        "$schema",
                                        "$id",
                                        "$comment"};
    void *it = json_object_iter((json_t *)(uintptr_t)schema);
    for (; it; it = json_object_iter_next((json_t *)(uintptr_t)schema, it)) {
        const char *key = json_object_iter_key(it);
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(known[i], key) != 0) i++;
        if (i == sizeof known / sizeof *known)
            return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: keyword \"%.80s\" is not supported", at->text, key);
    }
    return IAD_OK;
}

static iad_status one_type(const json_t *value, const place *at, unsigned *types, iad_err *err) {
    const char *name = json_string_value(value);
    for (int i = 0; name && i < N_TYPES; i++)
        if (strcmp(name, TYPE_NAMES[i]) == 0) {
            *types |= 1u << i;
            return IAD_OK;
        }
    return IAD_FAIL(err, IAD_ERR_FORMAT,
                    "%s: type %.40s is none of string, integer, number, boolean, null, array, object", at->text,
                    name ? name : "(not a string)");
}

/* 0 in *types: no type given. */
static iad_status read_types(const json_t *schema, const place *at, unsigned *types, iad_err *err) {
    const json_t *type = json_object_get(schema, "type");
    *types = 0;
    if (!type) return IAD_OK;
    if (!json_is_array(type)) return one_type(type, at, types, err);
    if (json_array_size(type) == 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: an empty list of types", at->text);
    for (size_t i = 0; i < json_array_size(type); i++) IAD_TRY(one_type(json_array_get(type, i), at, types, err));
    return IAD_OK;
}

static iad_status read_count(const json_t *schema, const char *key, int32_t fallback, const place *at, int32_t *value,
                             iad_err *err) {
    const json_t *item = json_object_get(schema, key);
    *value = fallback;
    if (!item) return IAD_OK;
    const json_int_t n = json_integer_value(item);
    if (!json_is_integer(item) || n < 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s is not a whole number of 0 or more", at->text, key);
    if (n > IAD_CONSTRAIN_MAX_COUNT)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %s is above %d", at->text, key, IAD_CONSTRAIN_MAX_COUNT);
    *value = (int32_t)n;
    return IAD_OK;
}

static iad_status read_bound(const json_t *schema, const char *key, const place *at, double *value, int *given,
                             iad_err *err) {
    const json_t *item = json_object_get(schema, key);
    *given = item != NULL;
    if (item && !json_is_number(item)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s is not a number", at->text, key);
    *value = item ? json_number_value(item) : 0;
    return IAD_OK;
}

static void add_place(const place *at, place *inner, const char *name, int nested) {
    snprintf(inner->text, sizeof inner->text, "%.180s.%.60s", at->text, name);
    inner->nesting = at->nesting + nested;
}

/* ---- kinds of values ---- */

static unsigned type_of_value(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_STRING: return TYPE_STRING;
    case JSON_INTEGER: return TYPE_INTEGER | TYPE_NUMBER;
    case JSON_REAL:
        return json_real_value(value) == floor(json_real_value(value)) ? TYPE_INTEGER | TYPE_NUMBER : TYPE_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE: return TYPE_BOOLEAN;
    case JSON_NULL: return TYPE_NULL;
    default: return 0;
    }
}

static iad_status compile_listed(iad_constraint *c, const json_t *schema, const place *at, unsigned types,
                                 int32_t *index, iad_err *err) {
    static const char *const limits[] = {"minLength", "maxLength",        "minimum",
                                         "maximum",   "exclusiveMinimum", "exclusiveMaximum"};
    const json_t *list = json_object_get(schema, "enum"), *single = json_object_get(schema, "const");
    if (list && single)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: enum and const together are not supported", at->text);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (json_object_get(schema, limits[i]))
            return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: keyword \"%s\" beside enum or const is not supported",
                            at->text, limits[i]);
    if (list && (!json_is_array(list) || json_array_size(list) == 0))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: enum is not a list with values", at->text);
    const size_t n = list ? json_array_size(list) : 1;
    if (n > IAD_CONSTRAIN_MAX_CHOICES)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %d values", at->text, IAD_CONSTRAIN_MAX_CHOICES);
    IAD_TRY(add_node(c, IAD_CNODE_LITERALS, index, err));
    iad_cnode *node = &c->nodes[*index];
    IAD_TRY(room_for_texts(node, n, err));
    for (size_t i = 0; i < n; i++) {
        const json_t *value = list ? json_array_get(list, i) : single;
        const unsigned type = type_of_value(value);
        if (type == 0)
            return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: lists and objects as enum or const values are not supported",
                            at->text);
        if (types && !(types & type)) continue;
        IAD_TRY(add_text(node, json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT), "an enum value", err));
    }
    if (node->n == 0) return IAD_FAIL(err, IAD_ERR_ARG, "%s: no enum value has the wanted type", at->text);
    sort_texts(node);
    return finish_node(c, *index, at, err);
}

static iad_status compile_words(iad_constraint *c, const char *a, const char *b, const place *at, int32_t *index,
                                iad_err *err) {
    IAD_TRY(add_node(c, IAD_CNODE_LITERALS, index, err));
    iad_cnode *node = &c->nodes[*index];
    IAD_TRY(room_for_texts(node, 2, err));
    IAD_TRY(add_text(node, iad_strdup(a), "a word", err));
    if (b) IAD_TRY(add_text(node, iad_strdup(b), "a word", err));
    sort_texts(node);
    return finish_node(c, *index, at, err);
}

static iad_status compile_string(iad_constraint *c, const json_t *schema, const place *at, int32_t *index,
                                 iad_err *err) {
    int32_t min = 0, max = 0;
    IAD_TRY(read_count(schema, "minLength", 0, at, &min, err));
    IAD_TRY(read_count(schema, "maxLength", INT32_MAX, at, &max, err));
    if (min > max) return IAD_FAIL(err, IAD_ERR_ARG, "%s: minLength %d is above maxLength %d", at->text, min, max);
    IAD_TRY(add_node(c, IAD_CNODE_STRING, index, err));
    c->nodes[*index].min = min;
    c->nodes[*index].max = max;
    return finish_node(c, *index, at, err);
}

/* Least n with n / unit >= bound (> bound when open), clamped to +- most. unit * |bound| below 2^53 is exact enough: n
 * / unit is then the double that a reader of the written number sees. */
static int64_t least_above(double bound, int open, double unit, int64_t most) {
    if (bound * unit > (double)most) return most + 1;
    if (bound * unit < (double)-most) return -most;
    double n = floor(bound * unit) - 1;
    while (open ? n / unit <= bound : n / unit < bound) n += 1;
    return n > (double)most ? most + 1 : n < (double)-most ? -most : (int64_t)n;
}

static iad_status compile_number(iad_constraint *c, const json_t *schema, const place *at, int decimals, int32_t *index,
                                 iad_err *err) {
    const double unit = decimals ? pow(10.0, decimals) : 1.0;
    const int64_t most = decimals ? (int64_t)(IAD_CONSTRAIN_MAX_NUMBER * unit) - 1 : IAD_CONSTRAIN_MAX_INTEGER;
    static const char *const keys[4] = {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"};
    int64_t low = -most, high = most;
    for (int i = 0; i < 4; i++) {
        double bound = 0;
        int given = 0;
        IAD_TRY(read_bound(schema, keys[i], at, &bound, &given, err));
        if (!given) continue;
        if (i < 2) {
            const int64_t n = least_above(bound, i & 1, unit, most);
            if (n > low) low = n;
        } else {
            const int64_t n = -least_above(-bound, i & 1, unit, most);
            if (n < high) high = n;
        }
    }
    if (low > high)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: no number that can be written lies within the bounds", at->text);
    IAD_TRY(add_node(c, IAD_CNODE_NUMBER, index, err));
    c->nodes[*index].low = low;
    c->nodes[*index].high = high;
    c->nodes[*index].decimals = decimals;
    return finish_node(c, *index, at, err);
}

static iad_status compile_value(iad_constraint *c, const json_t *schema, const place *at, int32_t *index, iad_err *err);

static iad_status compile_array(iad_constraint *c, const json_t *schema, const place *at, int32_t *index,
                                iad_err *err) {
    int32_t min = 0, max = 0, item = 0;
    place inner;
    IAD_TRY(read_count(schema, "minItems", 0, at, &min, err));
    IAD_TRY(read_count(schema, "maxItems", INT32_MAX, at, &max, err));
    if (min > max) return IAD_FAIL(err, IAD_ERR_ARG, "%s: minItems %d is above maxItems %d", at->text, min, max);
    const json_t *items = json_object_get(schema, "items");
    if (!json_is_object(items))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: an array needs one schema as \"items\"", at->text);
    IAD_TRY(add_node(c, IAD_CNODE_ARRAY, index, err));
    add_place(at, &inner, "items", 1);
    IAD_TRY(compile_value(c, items, &inner, &item, err));
    iad_cnode *node = &c->nodes[*index];
    node->child = iad_alloc(1, sizeof *node->child);
    if (!node->child) return IAD_NOMEM(err, "a schema");
    node->child[0] = item;
    node->n = 1;
    node->min = min;
    node->max = max;
    return finish_node(c, *index, at, err);
}

static iad_status read_required(const json_t *schema, const json_t *properties, const place *at, iad_cnode *node,
                                iad_err *err) {
    const json_t *required = json_object_get(schema, "required");
    if (!required) return IAD_OK;
    if (!json_is_array(required)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: required is not a list", at->text);
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (!name) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: required holds something that is no string", at->text);
        int32_t j = 0;
        void *it = properties ? json_object_iter((json_t *)(uintptr_t)properties) : NULL;
        for (; it && strcmp(json_object_iter_key(it), name) != 0; j++)
            it = json_object_iter_next((json_t *)(uintptr_t)properties, it);
        if (!it)
            return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: required \"%.80s\" is not among the properties", at->text,
                            name);
        node->required[j] = 1;
    }
    return IAD_OK;
}

static iad_status add_property(iad_constraint *c, int32_t index, const char *name, const json_t *schema,
                               const place *at, iad_err *err) {
    place inner;
    int32_t child = 0;
    if (!json_is_object(schema))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: property \"%.80s\" is not a schema object", at->text, name);
    json_t *text = json_string(name);
    char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
    json_decref(text);
    if (!quoted) return IAD_NOMEM(err, "a property name");
    const size_t n = strlen(quoted);
    char *literal = iad_alloc(n + 2, 1);
    if (literal) {
        memcpy(literal, quoted, n);
        memcpy(literal + n, ":", 2);
    }
    free(quoted);
    IAD_TRY(add_text(&c->nodes[index], literal, "a property name", err));
    add_place(at, &inner, name, 1);
    IAD_TRY(compile_value(c, schema, &inner, &child, err));
    c->nodes[index].child[c->nodes[index].n - 1] = child;
    return IAD_OK;
}

static iad_status set_children(iad_constraint *c, int32_t index, const int32_t *child, int32_t n, iad_err *err) {
    iad_cnode *node = &c->nodes[index];
    node->child = iad_alloc((size_t)n, sizeof *node->child);
    if (!node->child) return IAD_NOMEM(err, "a schema");
    memcpy(node->child, child, (size_t)n * sizeof *child);
    node->n = n;
    return IAD_OK;
}

/* Any members with any values, which may be such objects again: the nodes form a circle through the union of all kinds of values. */
static iad_status compile_any_object(iad_constraint *c, const place *at, int32_t *index, iad_err *err) {
    int32_t name = 0, value = 0, list = 0, kinds[6];
    json_t *nothing = json_object();
    if (!nothing) return IAD_NOMEM(err, "a schema");
    iad_status status = add_node(c, IAD_CNODE_MAP, index, err);
    if (status == IAD_OK) status = compile_string(c, nothing, at, &name, err);
    if (status == IAD_OK) status = compile_number(c, nothing, at, IAD_CONSTRAIN_DECIMALS, &kinds[2], err);
    json_decref(nothing);
    IAD_TRY(status);
    IAD_TRY(compile_words(c, "true", "false", at, &kinds[3], err));
    IAD_TRY(compile_words(c, "null", NULL, at, &kinds[4], err));
    IAD_TRY(add_node(c, IAD_CNODE_ARRAY, &list, err));
    IAD_TRY(add_node(c, IAD_CNODE_UNION, &value, err));
    c->nodes[list].max = INT32_MAX;
    kinds[0] = *index;
    kinds[1] = name;
    kinds[5] = list;
    const int32_t members[2] = {name, value};
    IAD_TRY(set_children(c, *index, members, 2, err));
    IAD_TRY(set_children(c, list, &value, 1, err));
    IAD_TRY(set_children(c, value, kinds, 6, err));
    IAD_TRY(finish_node(c, *index, at, err));
    IAD_TRY(finish_node(c, list, at, err));
    return finish_node(c, value, at, err);
}

static iad_status compile_object(iad_constraint *c, const json_t *schema, const place *at, int32_t *index,
                                 iad_err *err) {
    const json_t *properties = json_object_get(schema, "properties"),
                 *more = json_object_get(schema, "additionalProperties");
    if (properties && !json_is_object(properties))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: properties is not an object", at->text);
    if (more && !json_is_boolean(more))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED,
                        "%s: keyword \"additionalProperties\" is supported as true or false only", at->text);
    if (!properties && json_is_true(more) && !json_object_get(schema, "required")) return compile_any_object(c, at, index, err);
    const size_t n = properties ? json_object_size(properties) : 0;
    if (n > IAD_CONSTRAIN_MAX_NODES)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %d properties", at->text, IAD_CONSTRAIN_MAX_NODES);
    IAD_TRY(add_node(c, IAD_CNODE_OBJECT, index, err));
    iad_cnode *node = &c->nodes[*index];
    IAD_TRY(room_for_texts(node, n, err));
    node->child = iad_calloc(n, sizeof *node->child);
    node->required = iad_calloc(n, sizeof *node->required);
    node->tail = iad_calloc(n + 1, sizeof *node->tail);
    if (!node->child || !node->required || !node->tail) return IAD_NOMEM(err, "a schema");
    IAD_TRY(read_required(schema, properties, at, node, err));
    void *it = properties ? json_object_iter((json_t *)(uintptr_t)properties) : NULL;
    for (; it; it = json_object_iter_next((json_t *)(uintptr_t)properties, it))
        IAD_TRY(add_property(c, *index, json_object_iter_key(it), json_object_iter_value(it), at, err));
    return finish_node(c, *index, at, err);
}

static iad_status compile_type(iad_constraint *c, const json_t *schema, const place *at, unsigned type, int32_t *index,
                               iad_err *err) {
    switch (type) {
    case TYPE_STRING: return compile_string(c, schema, at, index, err);
    case TYPE_INTEGER: return compile_number(c, schema, at, 0, index, err);
    case TYPE_NUMBER: return compile_number(c, schema, at, IAD_CONSTRAIN_DECIMALS, index, err);
    case TYPE_BOOLEAN: return compile_words(c, "true", "false", at, index, err);
    case TYPE_NULL: return compile_words(c, "null", NULL, at, index, err);
    case TYPE_ARRAY: return compile_array(c, schema, at, index, err);
    default: return compile_object(c, schema, at, index, err);
    }
}

static iad_status compile_union(iad_constraint *c, const json_t *schema, const place *at, unsigned types,
                                int32_t *index, iad_err *err) {
    int32_t child[N_TYPES], n = 0;
    IAD_TRY(add_node(c, IAD_CNODE_UNION, index, err));
    for (int i = 0; i < N_TYPES; i++) {
        if (!(types >> i & 1)) continue;
        IAD_TRY(compile_type(c, schema, at, 1u << i, &child[n], err));
        for (int32_t j = 0; j < n; j++)
            for (int k = 0; k < 4; k++)
                if (c->nodes[child[j]].first[k] & c->nodes[child[n]].first[k])
                    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED,
                                    "%s: types whose values begin alike cannot stand in one list", at->text);
        n++;
    }
    IAD_TRY(set_children(c, *index, child, n, err));
    return finish_node(c, *index, at, err);
}

static iad_status compile_value(iad_constraint *c, const json_t *schema, const place *at, int32_t *index,
                                iad_err *err) {
    unsigned types = 0;
    if (!json_is_object(schema)) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: not a schema object", at->text);
    if (at->nesting > IAD_CONSTRAIN_MAX_NESTING)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: nested more than %d deep", at->text, IAD_CONSTRAIN_MAX_NESTING);
    IAD_TRY(check_keywords(schema, at, err));
    IAD_TRY(read_types(schema, at, &types, err));
    if (json_object_get(schema, "enum") || json_object_get(schema, "const"))
        return compile_listed(c, schema, at, types, index, err);
    if (types == 0)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: a schema without type, enum or const is not supported",
                        at->text);
    if (types & (types - 1)) return compile_union(c, schema, at, types, index, err);
    return compile_type(c, schema, at, types, index, err);
}

iad_status iad_constraint_json(const char *schema, size_t n, iad_constraint **constraint, iad_err *err) {
    json_t *root = NULL;
    int32_t index = 0;
    const place at = {"schema", 0};
    *constraint = NULL;
    if (n > IAD_CONSTRAIN_MAX_SCHEMA_BYTES)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "a schema of more than %u bytes", IAD_CONSTRAIN_MAX_SCHEMA_BYTES);
    IAD_TRY(iad_json_parse(schema, n, 0, "schema", &root, err));
    iad_constraint *made = iad_calloc(1, sizeof *made);
    iad_status status = made ? compile_value(made, root, &at, &index, err) : IAD_NOMEM(err, "a schema");
    json_decref(root);
    if (status != IAD_OK) {
        iad_constraint_free(made);
        return status;
    }
    *constraint = made;
    return IAD_OK;
}

int64_t iad_constraint_shortest(const iad_constraint *constraint) { return constraint->nodes[0].shortest; }

int iad_constraint_check(const iad_constraint *constraint, const void *text, size_t n) {
    iad_cstate state;
    iad_cstate_start(constraint, &state);
    for (size_t i = 0; i < n; i++)
        if (!iad_cstate_byte(constraint, &state, ((const uint8_t *)text)[i])) return -1;
    return iad_cstate_complete(constraint, &state);
}
