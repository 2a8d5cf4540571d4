#include "synth/recipe/recipe.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/image.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"

#define MAX_DEPTH 8
#define MAX_PARAMS 4096 /* values in params, all levels together */

static const uint8_t none[32];

void iad_recipe_deinit(iad_recipe *recipe) {
    json_decref(recipe->params);
    recipe->params = NULL;
}

void iad_work_size(int width, int height, int max_side, int *work_w, int *work_h) {
    int longer = width > height ? width : height;
    *work_w = width;
    *work_h = height;
    if (max_side <= 0 || longer <= max_side) return;
    int64_t w = ((int64_t)width * max_side * 2 + longer) / (2 * (int64_t)longer),
            h = ((int64_t)height * max_side * 2 + longer) / (2 * (int64_t)longer);
    *work_w = w < 1 ? 1 : (int)w;
    *work_h = h < 1 ? 1 : (int)h;
}

/* ---- writing ---- */

static void put_hash(json_t *root, const char *key, const uint8_t digest[32]) {
    char text[IAD_SHA256_HEX];
    if (memcmp(digest, none, 32) == 0) return;
    iad_hex(digest, 32, text);
    json_object_set_new(root, key, json_string(text));
}

iad_status iad_recipe_json(const iad_recipe *recipe, iad_buf *out, iad_err *err) {
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)recipe->seed);
    if (!recipe->generator || !recipe->params) return IAD_FAIL(err, IAD_ERR_ARG, "a recipe without generator or parameters");
    json_t *root =
        json_pack("{s:{s:i,s:s,s:i},s:s,s:s,s:O,s:s,s:s,s:[i,i]}", "blend", "feather", recipe->blend.feather, "mode",
                  iad_blend_name(recipe->blend.mode), "opacity", recipe->blend.opacity, "fg", recipe->fg_rule, "generator", recipe->generator->name,
                  "params", recipe->params, "seed", seed, "version", recipe->generator->version, "work", recipe->work_w, recipe->work_h);
    if (!root) return IAD_NOMEM(err, "a recipe");
    put_hash(root, "dst", recipe->dst_pixels);
    put_hash(root, "src", recipe->src_pixels);
    put_hash(root, "tex", recipe->tex_pixels);
    iad_status status = iad_json_canonical(root, out, err);
    json_decref(root);
    return status;
}

iad_status iad_recipe_sha256(const iad_recipe *recipe, uint8_t digest[32], iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, IAD_RECIPE_MAX_BYTES);
    iad_status status = iad_recipe_json(recipe, &text, err);
    if (status == IAD_OK) status = iad_sha256_bytes(text.data, text.len, digest, err);
    iad_buf_deinit(&text);
    return status;
}

/* ---- reading ---- */

static iad_status known_keys(const json_t *object, const char *const *keys, const char *where, iad_err *err) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        const char *const *k = keys;
        while (*k && strcmp(*k, key) != 0) k++;
        if (!*k) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: unknown key \"%.60s\"", where, key);
    }
    return IAD_OK;
}

static iad_status get_hash(const json_t *root, const char *key, uint8_t digest[32], iad_err *err) {
    const char *text;
    memset(digest, 0, 32);
    IAD_TRY(iad_json_string_opt(root, key, NULL, "recipe", &text, err));
    if (!text) return IAD_OK;
    char again[IAD_SHA256_HEX];
    iad_status status = strlen(text) == 64 ? iad_unhex(text, digest, 32, NULL) : IAD_ERR_FORMAT;
    if (status == IAD_OK) {
        iad_hex(digest, 32, again);
        if (strcmp(again, text) != 0 || memcmp(digest, none, 32) == 0) status = IAD_ERR_FORMAT;
    }
    return status == IAD_OK ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: \"%s\" is not the SHA-256 of a picture", key);
}

/* Integers, texts and arrays (objects) of them. */
static iad_status check_params(const json_t *value, const char *key, int depth, int *left, iad_err *err) {
    if (--*left < 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: more than %d values in \"params\"", MAX_PARAMS);
    if (depth > MAX_DEPTH - 2) return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: \"%.60s\" is nested too deep", key);
    if (json_is_integer(value) || json_is_string(value)) return IAD_OK;
    if (json_is_array(value)) {
        size_t i;
        json_t *item;
        json_array_foreach((json_t *)(uintptr_t)value, i, item) IAD_TRY(check_params(item, key, depth + 1, left, err));
        return IAD_OK;
    }
    if (json_is_object(value)) {
        const char *name;
        json_t *item;
        json_object_foreach((json_t *)(uintptr_t)value, name, item) IAD_TRY(check_params(item, name, depth + 1, left, err));
        return IAD_OK;
    }
    return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: parameter \"%.60s\" is neither a whole number nor a text", key);
}

static iad_status parse_blend(const json_t *root, iad_blend *blend, iad_err *err) {
    static const char *const keys[] = {"feather", "mode", "opacity", NULL};
    json_t *object;
    const char *mode;
    int64_t feather, opacity;
    IAD_TRY(iad_json_object(root, "blend", "recipe", &object, err));
    IAD_TRY(known_keys(object, keys, "recipe, blend", err));
    IAD_TRY(iad_json_string(object, "mode", "recipe, blend", &mode, err));
    IAD_TRY(iad_json_int(object, "feather", 0, IAD_RECIPE_MAX_FEATHER, "recipe, blend", &feather, err));
    IAD_TRY(iad_json_int(object, "opacity", 0, 1000000, "recipe, blend", &opacity, err));
    if (!iad_blend_parse(mode, &blend->mode)) return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: no blend \"mode\" %.40s", mode);
    if ((blend->mode == IAD_BLEND_FEATHER) != (feather > 0))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: \"feather\" is %lld with the blend %s", (long long)feather, mode);
    blend->feather = (int)feather;
    blend->opacity = (int)opacity;
    return IAD_OK;
}

static iad_status parse_root(const json_t *root, iad_recipe *recipe, iad_err *err) {
    static const char *const keys[] = {"blend", "dst", "fg", "generator", "params", "seed", "src", "tex", "version", "work", NULL};
    const char *generator, *version, *seed, *fg;
    json_t *params, *work;
    int left = MAX_PARAMS;
    if (!json_is_object(root)) return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: not an object");
    IAD_TRY(known_keys(root, keys, "recipe", err));
    IAD_TRY(iad_json_string(root, "generator", "recipe", &generator, err));
    IAD_TRY(iad_json_string(root, "version", "recipe", &version, err));
    IAD_TRY(iad_json_string(root, "seed", "recipe", &seed, err));
    IAD_TRY(iad_json_string(root, "fg", "recipe", &fg, err));
    IAD_TRY(iad_json_object(root, "params", "recipe", &params, err));
    IAD_TRY(iad_json_array(root, "work", "recipe", &work, err));
    IAD_TRY(get_hash(root, "dst", recipe->dst_pixels, err));
    IAD_TRY(get_hash(root, "src", recipe->src_pixels, err));
    IAD_TRY(get_hash(root, "tex", recipe->tex_pixels, err));
    IAD_TRY(parse_blend(root, &recipe->blend, err));
    char again[24];
    if (iad_parse_u64(seed, &recipe->seed, "seed", NULL) != IAD_OK || snprintf(again, sizeof again, "%llu", (unsigned long long)recipe->seed) < 0 ||
        strcmp(again, seed) != 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: \"seed\" is not a number of 64 bits: %.40s", seed);
    if (!iad_text_copy(recipe->fg_rule, sizeof recipe->fg_rule, fg)) return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: \"fg\" is too long");
    json_int_t side[2] = {json_integer_value(json_array_get(work, 0)), json_integer_value(json_array_get(work, 1))};
    if (json_array_size(work) != 2 || side[0] < 1 || side[1] < 1 || side[0] > IAD_IMAGE_MAX_SIDE || side[1] > IAD_IMAGE_MAX_SIDE ||
        side[0] * side[1] > (json_int_t)IAD_IMAGE_MAX_PIXELS)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: \"work\" is not the size of a picture");
    recipe->work_w = (int)side[0];
    recipe->work_h = (int)side[1];
    IAD_TRY(check_params(params, "params", 0, &left, err));
    recipe->generator = iad_defect_generator_find(generator);
    if (!recipe->generator) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "recipe: unknown generator \"%.60s\"", generator);
    if (strcmp(recipe->generator->version, version) != 0)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "recipe: made by version \"%.40s\" of %s, this program has version %s", version, generator,
                        recipe->generator->version);
    recipe->params = json_incref(params);
    return IAD_OK;
}

iad_status iad_recipe_parse(const char *text, size_t n, iad_recipe *recipe, iad_err *err) {
    json_t *root;
    memset(recipe, 0, sizeof *recipe);
    if (n > IAD_RECIPE_MAX_BYTES) return IAD_FAIL(err, IAD_ERR_FORMAT, "recipe: %zu bytes, at most %u are allowed", n, IAD_RECIPE_MAX_BYTES);
    iad_status status = iad_json_parse(text, n, MAX_DEPTH, "recipe", &root, err);
    if (status != IAD_OK) return status == IAD_ERR_NOMEM ? status : err ? (err->code = IAD_ERR_FORMAT) : IAD_ERR_FORMAT;
    status = parse_root(root, recipe, err);
    json_decref(root);
    if (status != IAD_OK) memset(recipe, 0, sizeof *recipe);
    return status;
}
