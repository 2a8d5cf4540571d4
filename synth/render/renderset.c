#include "synth/render/renderset.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/image/encode.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/text.h"

#define RECIPE "render.json"
#define MAX_RECIPE_BYTES 65536
#define MAX_PNG_BYTES (64u * 1024u * 1024u)

static size_t per_category(const iad_render_set *set) {
    return (size_t)set->train + (size_t)set->good + (size_t)set->bad;
}

static size_t designs_of(const iad_render_set *set) { return set->designs > 0 ? (size_t)set->designs : 1; }

size_t iad_render_set_categories(const iad_render_set *set) { return set->n_families * designs_of(set); }

size_t iad_render_set_size(const iad_render_set *set) { return iad_render_set_categories(set) * per_category(set); }

void iad_render_set_category(const iad_render_set *set, size_t category, char name[IAD_RENDER_NAME]) {
    const char *family = set->families[category / designs_of(set)]->name;
    size_t design = category % designs_of(set);
    if (design == 0) snprintf(name, IAD_RENDER_NAME, "%s", family);
    else snprintf(name, IAD_RENDER_NAME, "%s_%zu", family, design + 1);
}

const iad_render_family *iad_render_category_family(const char *name) {
    char family[IAD_RENDER_NAME];
    const iad_render_family *found = iad_render_family_find(name);
    const char *last = strrchr(name, '_');
    int64_t design;
    if (found || !last || strlen(name) >= sizeof family) return found;
    if (iad_parse_i64(last + 1, 2, IAD_RENDER_MAX_DESIGNS, "design", &design, NULL) != IAD_OK) return NULL;
    memcpy(family, name, (size_t)(last - name));
    family[last - name] = 0;
    return iad_render_family_find(family);
}

uint64_t iad_render_category_design(uint64_t seed, const char *name) { return iad_rng_subseed(seed, name, 0); }

iad_status iad_render_set_item(const iad_render_set *set, size_t item, iad_render_job *job, char *picture, char *mask,
                               size_t size, iad_err *err) {
    size_t category = item / per_category(set);
    const iad_render_family *family = set->families[category / designs_of(set)];
    int k = (int)(item % per_category(set)), number = k;
    const char *part = set->all_train ? "train" : "test", *kind = "good";
    char name[IAD_RENDER_NAME], folder[256];
    iad_render_set_category(set, category, name);
    *job = (iad_render_job){.family = family, .kind = -1, .side = set->side};
    if (k < set->train) {
        part = "train";
    } else if (k < set->train + set->good) {
        number = set->all_train ? k : k - set->train;
    } else {
        int kinds = (int)iad_render_kind_count(family), j = k - set->train - set->good;
        job->kind = j % kinds;
        kind = family->kinds[job->kind].name;
        number = j / kinds;
    }
    int n = snprintf(picture, size, "%s/%s/%s/%03d.png", name, part, kind, number), m = 0;
    *mask = 0;
    if (job->kind >= 0) m = snprintf(mask, size, "%s/ground_truth/%s%s/%03d_mask.png", name, set->all_train ? "train/" : "", kind, number);
    if (n < 0 || m < 0 || (size_t)n >= size || (size_t)m >= size)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: path too long", name);
    snprintf(folder, sizeof folder, "%s/%s/%s", name, part, kind);
    job->design = iad_render_category_design(set->seed, name);
    job->seed = iad_rng_subseed(set->seed, folder, (uint64_t)number);
    return IAD_OK;
}

/* ---- the recipe ---- */

static iad_status recipe_text(const iad_render_set *set, iad_buf *out, iad_err *err) {
    return iad_buf_addf(
        out, err,
        "{\n  \"program\": \"iad-synth render\",\n  \"renderer\": %d,\n  \"seed\": \"%llu\",\n  \"side\": %d\n}\n",
        IAD_RENDER_VERSION, (unsigned long long)set->seed, set->side);
}

static iad_status read_recipe(const char *path, int64_t *version, int64_t *side, uint64_t *seed, iad_err *err) {
    json_t *root = NULL;
    const char *text = NULL;
    IAD_TRY(iad_json_load(path, MAX_RECIPE_BYTES, &root, err));
    iad_status status = iad_json_int(root, "renderer", 0, INT32_MAX, path, version, err);
    if (status == IAD_OK) status = iad_json_int(root, "side", 0, INT32_MAX, path, side, err);
    if (status == IAD_OK) status = iad_json_string(root, "seed", path, &text, err);
    if (status == IAD_OK && iad_parse_u64(text, seed, "seed", err) != IAD_OK)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"seed\" is no number of 64 bits", path);
    json_decref(root);
    return status;
}

static iad_status compare_recipe(const iad_render_set *set, const char *path, iad_err *err) {
    int64_t version, side;
    uint64_t seed;
    IAD_TRY(read_recipe(path, &version, &side, &seed, err));
    if (version == IAD_RENDER_VERSION && side == set->side && seed == set->seed) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: holds pictures of renderer %lld, seed %llu, side %lld; wanted are renderer %d, seed %llu, side %d",
                    set->out,
                    (long long)version, (unsigned long long)seed, (long long)side, IAD_RENDER_VERSION, (unsigned long long)set->seed, set->side);
}

iad_status iad_render_folder_seed(const char *out, uint64_t *seed, int *side, iad_err *err) {
    char path[IAD_PATH_MAX];
    int64_t version, stored_side;
    IAD_TRY(iad_path_join(path, sizeof path, out, RECIPE, err));
    if (!iad_file_exists(path)) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s is not there: these are no pictures of iad-synth render", path);
    IAD_TRY(read_recipe(path, &version, &stored_side, seed, err));
    if (version != IAD_RENDER_VERSION)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: pictures of renderer %lld, this is renderer %d", path, (long long)version, IAD_RENDER_VERSION);
    *side = (int)stored_side;
    return IAD_OK;
}

/* Makes the folder ours, or finds that it is. */
static iad_status claim_folder(const iad_render_set *set, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, set->out, RECIPE, err));
    if (iad_file_exists(path)) return compare_recipe(set, path, err);
    if (iad_file_exists(set->out)) {
        iad_dir_list list = {0};
        IAD_TRY(iad_dir_read(set->out, &list, err));
        size_t n = list.n;
        iad_dir_list_deinit(&list);
        if (n)
            return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: holds other files and no %s; name an empty or a new folder",
                            set->out, RECIPE);
    }
    iad_buf text;
    iad_buf_init(&text, MAX_RECIPE_BYTES);
    iad_status status = recipe_text(set, &text, err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    iad_buf_deinit(&text);
    return status;
}

/* ---- work ---- */

typedef struct run_state {
    const iad_render_set *set;
    iad_render_counts *counts;
} run_state;

typedef struct item_result {
    int written;
} item_result;

static iad_status write_png(const iad_image *image, const char *path, iad_err *err) {
    iad_buf bytes;
    iad_buf_init(&bytes, MAX_PNG_BYTES);
    iad_status status = iad_encode_png(image, -1, &bytes, err);
    if (status == IAD_OK) status = iad_file_write(path, bytes.data, bytes.len, err);
    iad_buf_deinit(&bytes);
    return status;
}

static iad_status work(void *user, size_t item, int thread, void *result, iad_err *err) {
    (void)thread;
    const run_state *state = user;
    const iad_render_set *set = state->set;
    iad_render_job job;
    char picture[512], mask[512], picture_path[IAD_PATH_MAX], mask_path[IAD_PATH_MAX];
    IAD_TRY(iad_render_set_item(set, item, &job, picture, mask, sizeof picture, err));
    IAD_TRY(iad_path_join(picture_path, sizeof picture_path, set->out, picture, err));
    IAD_TRY(iad_path_join(mask_path, sizeof mask_path, set->out, mask, err));
    if (iad_file_exists(picture_path) && (!*mask || iad_file_exists(mask_path))) return IAD_OK;
    iad_image image = {0}, truth = {0};
    iad_status status = iad_render_picture(&job, &image, &truth, err);
    /* The mask first: who finds a defective picture finds its mask. */
    if (status == IAD_OK && *mask) status = write_png(&truth, mask_path, err);
    if (status == IAD_OK) status = write_png(&image, picture_path, err);
    iad_image_deinit(&image);
    iad_image_deinit(&truth);
    ((item_result *)result)->written = status == IAD_OK;
    return status;
}

static iad_status emit(void *user, size_t item, void *result, iad_status status, const iad_err *item_err,
                       iad_err *err) {
    (void)item;
    run_state *state = user;
    const iad_render_set *set = state->set;
    int written = ((item_result *)result)->written, failed = status == IAD_ERR_INTERNAL;
    if (status != IAD_OK && !failed) { /* disk full, memory: the next picture would fare no better */
        if (err) *err = *item_err;
        return status;
    }
    state->counts->written += (size_t)written;
    state->counts->failed += (size_t)failed;
    state->counts->present += (size_t)(!written && !failed);
    if (failed && set->trouble) set->trouble(set->user, item_err->msg);
    if (set->progress) set->progress(set->user, written, failed);
    return IAD_OK;
}

static iad_status check_set(const iad_render_set *set, iad_err *err) {
    if (set->side < IAD_RENDER_MIN_SIDE || set->side > IAD_RENDER_MAX_SIDE) {
        return IAD_FAIL(err, IAD_ERR_ARG, "picture side %d is outside %d..%d", set->side, IAD_RENDER_MIN_SIDE,
                        IAD_RENDER_MAX_SIDE);
    }
    const int parts[] = {set->train, set->good, set->bad};
    for (int i = 0; i < 3; i++) {
        if (parts[i] < 0 || parts[i] > IAD_RENDER_MAX_PER_PART) {
            return IAD_FAIL(err, IAD_ERR_ARG, "%d pictures are outside 0..%d", parts[i], IAD_RENDER_MAX_PER_PART);
        }
    }
    if (set->designs < 0 || set->designs > IAD_RENDER_MAX_DESIGNS)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d designs are outside 1..%d", set->designs, IAD_RENDER_MAX_DESIGNS);
    return IAD_OK;
}

iad_status iad_render_set_run(const iad_render_set *set, iad_render_counts *counts, iad_err *err) {
    *counts = (iad_render_counts){.pictures = iad_render_set_size(set)};
    IAD_TRY(check_set(set, err));
    IAD_TRY(claim_folder(set, err));
    run_state state = {set, counts};
    const iad_pool_job job = {.work = work, .emit = emit, .user = &state, .result_size = sizeof(item_result)};
    return iad_pool_run(&job, counts->pictures, set->threads, 0, set->stop, err);
}
