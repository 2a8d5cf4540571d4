/* The flat reader of JSON against the tree of json.h: both take or both refuse a text, and what they read is the same. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/jsonflat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const iad_json_flat *flat, const iad_flat_value *v, const json_t *j) {
    const char *key;
    json_t *member;
    size_t i;
    if (!v) abort();
    switch (json_typeof(j)) {
    case JSON_NULL:
        if (v->type != IAD_FLAT_NULL) abort();
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        if (v->type != (json_is_true(j) ? IAD_FLAT_TRUE : IAD_FLAT_FALSE)) abort();
        return;
    case JSON_INTEGER:
        if (v->type != IAD_FLAT_INT || v->is.number != json_integer_value(j)) abort();
        return;
    case JSON_REAL:
        if (v->type != IAD_FLAT_REAL || memcmp(&v->is.real, &(double){json_real_value(j)}, sizeof(double))) abort();
        return;
    case JSON_STRING:
        if (!iad_flat_text(v) || strlen(iad_flat_text(v)) != json_string_length(j) || strcmp(iad_flat_text(v), json_string_value(j))) abort();
        return;
    case JSON_ARRAY:
        if (v->type != IAD_FLAT_ARRAY || v->is.n != json_array_size(j)) abort();
        json_array_foreach(j, i, member) same(flat, iad_flat_at(flat, v, i), member);
        return;
    case JSON_OBJECT:
        if (v->type != IAD_FLAT_OBJECT || v->is.n != json_object_size(j)) abort();
        json_object_foreach((json_t *)(uintptr_t)j, key, member) same(flat, iad_flat_get(flat, v, key), member);
        return;
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *root = NULL;
    iad_json_flat flat;
    iad_err err = IAD_ERR_NONE;
    if (size > 4096) return 0; /* members are looked up one by one */
    const iad_status tree = iad_json_parse((const char *)data, size, 64, "fuzz", &root, &err);
    const iad_status mine = iad_json_flat_parse((const char *)data, size, 64, "fuzz", &flat, &err);
    if ((tree == IAD_OK) != (mine == IAD_OK)) abort();
    if (mine == IAD_OK) {
        same(&flat, flat.values, root);
        if (flat.values[0].next != flat.n) abort();
    }
    iad_json_flat_deinit(&flat);
    json_decref(root);
    return 0;
}
