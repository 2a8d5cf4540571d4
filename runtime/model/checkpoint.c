#include "runtime/model/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/pool.h"
#include "base/text.h"
#include "runtime/tensor/nametable.h"

struct iad_checkpoint {
    char *dir;
    iad_model_config config;
    iad_st_set *set;
    char **names;           /* canonical name of each tensor of the set, owned */
    size_t n_names;
    iad_nametable by_name;  /* canonical name -> index in the set */
    iad_tensor_view *views; /* used tensors, under canonical names */
    size_t n_views, cap_views;
    iad_nametable used;     /* canonical name -> index in views */
};

static iad_status canonical_names(iad_checkpoint *c, iad_err *err) {
    char buffer[IAD_ST_MAX_NAME + 32];
    size_t n = iad_st_set_count(c->set);
    if (!(c->names = iad_calloc(n, sizeof *c->names))) return IAD_NOMEM(err, c->dir);
    IAD_TRY(iad_nametable_init(&c->by_name, n, err));
    for (; c->n_names < n; c->n_names++) {
        const char *stored = iad_st_set_at(c->set, c->n_names)->name, *name = iad_model_canonical_name(stored, buffer, sizeof buffer);
        if (!name || !(c->names[c->n_names] = iad_strdup(name))) return IAD_NOMEM(err, c->dir);
        if (!iad_nametable_add(&c->by_name, c->names[c->n_names], c->n_names)) {
            c->n_names++;
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s is there in both styles of names", c->dir, name);
        }
    }
    return IAD_OK;
}

static iad_status use(iad_checkpoint *c, size_t index, iad_err *err) {
    void *items = c->views;
    IAD_TRY(iad_grow(&items, &c->cap_views, c->n_views + 1, sizeof *c->views, IAD_ST_MAX_TENSORS, c->dir, err));
    c->views = items;
    c->views[c->n_views] = *iad_st_set_at(c->set, index);
    c->views[c->n_views++].name = c->names[index];
    return IAD_OK;
}

static iad_status check_shape(const iad_checkpoint *c, const iad_tensor_view *view, const iad_tensor_spec *spec, iad_err *err) {
    char got[200], want[200];
    int same = view->rank == spec->rank;
    for (int i = 0; same && i < spec->rank; i++) same = view->shape[i] == spec->shape[i];
    if (same) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.100s has the shape %s, expected %s", c->dir, spec->name,
                    iad_tensor_shape_text(view->rank, view->shape, got, sizeof got),
                    iad_tensor_shape_text(spec->rank, spec->shape, want, sizeof want));
}

/* What the walk over the expected tensors notes down. */
typedef struct opening {
    iad_checkpoint *c;
    size_t extras_seen, extras_missing, quantised;
    char first_missing[128];
} opening;

static iad_status expect(void *user, const iad_tensor_spec *spec, iad_err *err) {
    opening *o = user;
    iad_checkpoint *c = o->c;
    size_t index, scale;
    char shape[200], scale_name[160];
    if (!iad_nametable_find(&c->by_name, spec->name, &index)) {
        if (!spec->extra)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.100s %s is missing", c->dir, spec->name,
                            iad_tensor_shape_text(spec->rank, spec->shape, shape, sizeof shape));
        if (!o->extras_missing++) iad_text_copy(o->first_missing, sizeof o->first_missing, spec->name);
        return IAD_OK;
    }
    const iad_tensor_view *view = iad_st_set_at(c->set, index);
    IAD_TRY(check_shape(c, view, spec, err));
    o->extras_seen += spec->extra != 0;
    if (view->dtype == IAD_I8 && (spec->role == IAD_ROLE_LINEAR || spec->role == IAD_ROLE_HEAD)) {
        snprintf(scale_name, sizeof scale_name, "%s_scale", spec->name);
        if (!iad_nametable_find(&c->by_name, scale_name, &scale))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.100s is I8 without %.120s", c->dir, spec->name, scale_name);
        iad_tensor_spec expected = {.name = scale_name, .rank = 1, .shape = {spec->shape[0]}};
        const iad_tensor_view *scales = iad_st_set_at(c->set, scale);
        IAD_TRY(check_shape(c, scales, &expected, err));
        if (scales->dtype != IAD_F32)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.120s is %s, expected F32", c->dir, scale_name, iad_dtype_name(scales->dtype));
        o->quantised++;
    } else if (!iad_dtype_is_float(view->dtype)) {
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: tensor %.100s is %s, expected floating point", c->dir, spec->name,
                        iad_dtype_name(view->dtype));
    }
    return use(c, index, err);
}

static iad_status add_scales(iad_checkpoint *c, iad_err *err) {
    char name[160];
    size_t n = c->n_views, index;
    for (size_t i = 0; i < n; i++) {
        if (c->views[i].dtype != IAD_I8) continue;
        snprintf(name, sizeof name, "%s_scale", c->views[i].name);
        if (iad_nametable_find(&c->by_name, name, &index)) IAD_TRY(use(c, index, err));
    }
    return IAD_OK;
}

static iad_status index_used(iad_checkpoint *c, iad_err *err) {
    IAD_TRY(iad_nametable_init(&c->used, c->n_views, err));
    for (size_t i = 0; i < c->n_views; i++) iad_nametable_add(&c->used, c->views[i].name, i);
    return IAD_OK;
}

static void fill_info(const iad_checkpoint *c, const opening *o, iad_checkpoint_info *info) {
    size_t unused;
    memset(info, 0, sizeof *info);
    info->files = iad_st_set_files(c->set);
    info->tensors = c->n_views;
    info->has_fusion = o->extras_seen > 0;
    info->has_quantised = o->quantised > 0;
    info->dtype = iad_checkpoint_get(c, "model.embed_tokens.weight")->dtype;
    for (size_t i = 0; i < c->n_views; i++) info->bytes += c->views[i].bytes;
    for (size_t i = 0; i < c->n_names; i++) {
        if (iad_nametable_find(&c->used, c->names[i], &unused) || (c->config.text.tie && strcmp(c->names[i], "lm_head.weight") == 0)) continue;
        if (!info->unexpected++) iad_text_copy(info->first_unexpected, sizeof info->first_unexpected, iad_st_set_at(c->set, i)->name);
    }
}

static iad_status open_parts(iad_checkpoint *c, const char *dir, iad_checkpoint_info *info, iad_err *err) {
    opening o = {.c = c};
    if (!(c->dir = iad_strdup(dir))) return IAD_NOMEM(err, dir);
    IAD_TRY(iad_model_config_load(dir, &c->config, err));
    IAD_TRY(iad_st_set_open(dir, &c->set, err));
    IAD_TRY(canonical_names(c, err));
    IAD_TRY(iad_model_tensors(&c->config, 1, expect, &o, err));
    if (o.extras_seen && o.extras_missing)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %s is missing, though others of iadgpt.fusion are there", dir, o.first_missing);
    IAD_TRY(add_scales(c, err));
    IAD_TRY(index_used(c, err));
    if (info) fill_info(c, &o, info);
    return IAD_OK;
}

iad_status iad_checkpoint_open(const char *dir, iad_checkpoint **checkpoint, iad_checkpoint_info *info, iad_err *err) {
    if (!(*checkpoint = iad_calloc(1, sizeof **checkpoint))) return IAD_NOMEM(err, dir);
    iad_status status = open_parts(*checkpoint, dir, info, err);
    if (status != IAD_OK) {
        iad_checkpoint_close(*checkpoint);
        *checkpoint = NULL;
    }
    return status;
}

void iad_checkpoint_close(iad_checkpoint *c) {
    if (!c) return;
    iad_nametable_deinit(&c->used);
    iad_nametable_deinit(&c->by_name);
    for (size_t i = 0; i < c->n_names; i++) free(c->names[i]);
    free(c->names);
    free(c->views);
    iad_st_set_close(c->set);
    free(c->dir);
    free(c);
}

const iad_model_config *iad_checkpoint_config(const iad_checkpoint *c) { return &c->config; }

const char *iad_checkpoint_dir(const iad_checkpoint *c) { return c->dir; }

const iad_tensor_view *iad_checkpoint_get(const iad_checkpoint *c, const char *name) {
    size_t i;
    return iad_nametable_find(&c->used, name, &i) ? &c->views[i] : NULL;
}

const iad_tensor_view *iad_checkpoint_head(const iad_checkpoint *c) {
    return iad_checkpoint_get(c, c->config.text.tie ? "model.embed_tokens.weight" : "lm_head.weight");
}

size_t iad_checkpoint_count(const iad_checkpoint *c) { return c->n_views; }

const iad_tensor_view *iad_checkpoint_at(const iad_checkpoint *c, size_t i) { return &c->views[i]; }

/* ---- identity ---- */

enum { SAMPLE_PIECE = 16384, SAMPLE_PIECES = 16 };

typedef struct hashing {
    const iad_checkpoint *c;
    int full;
    uint8_t (*digests)[IAD_SHA256_BYTES]; /* [n_views] */
    iad_status *failed;                   /* [n_views] */
} hashing;

/* Text that pins down what the bytes mean, then the bytes or a sample of them. */
static iad_status hash_tensor(const iad_tensor_view *view, int full, uint8_t digest[IAD_SHA256_BYTES]) {
    char shape[200], head[1400];
    const uint8_t *data = view->data;
    iad_sha256 hash;
    int n = snprintf(head, sizeof head, "%s\n%s\n%s\n", view->name, iad_dtype_name(view->dtype),
                     iad_tensor_shape_text(view->rank, view->shape, shape, sizeof shape));
    IAD_TRY(iad_sha256_init(&hash, NULL));
    iad_status status = iad_sha256_add(&hash, head, n > 0 && n < (int)sizeof head ? (size_t)n : sizeof head - 1, NULL);
    if (full || view->bytes <= (size_t)SAMPLE_PIECE * SAMPLE_PIECES) {
        if (status == IAD_OK && view->bytes) status = iad_sha256_add(&hash, data, view->bytes, NULL);
    } else {
        size_t room = view->bytes - SAMPLE_PIECE, q = room / (SAMPLE_PIECES - 1), r = room % (SAMPLE_PIECES - 1);
        for (size_t i = 0; i < SAMPLE_PIECES && status == IAD_OK; i++) /* i * room / 15 without overflow */
            status = iad_sha256_add(&hash, data + i * q + i * r / (SAMPLE_PIECES - 1), SAMPLE_PIECE, NULL);
    }
    return iad_sha256_end(&hash, status, digest, NULL);
}

static void hash_one(void *user, size_t i, int thread) {
    hashing *h = user;
    (void)thread;
    h->failed[i] = hash_tensor(&h->c->views[i], h->full, h->digests[i]);
}

static iad_status hash_all(hashing *h, iad_buf *text, uint8_t digest[IAD_SHA256_BYTES], iad_err *err) {
    IAD_TRY(iad_buf_add_str(text, h->full ? "iadgpt model, all bytes, 1\n" : "iadgpt model, sampled bytes, 1\n", err));
    IAD_TRY(iad_model_config_format(&h->c->config, IAD_CONFIG_FLAT, "any", text, text, text, err));
    for (size_t i = 0; i < h->c->n_views; i++) {
        if (h->failed[i] != IAD_OK) return IAD_FAIL(err, h->failed[i], "%s: cannot hash tensor %.200s", h->c->dir, h->c->views[i].name);
        IAD_TRY(iad_buf_add(text, h->digests[i], IAD_SHA256_BYTES, err));
    }
    return iad_sha256_bytes(text->data, text->len, digest, err);
}

iad_status iad_checkpoint_sha256(const iad_checkpoint *c, int full, int threads, uint8_t digest[IAD_SHA256_BYTES], iad_err *err) {
    hashing h = {.c = c, .full = full, .digests = iad_calloc(c->n_views, sizeof *h.digests), .failed = iad_calloc(c->n_views, sizeof *h.failed)};
    iad_buf text;
    iad_buf_init(&text, (size_t)64 << 20);
    iad_status status = IAD_OK;
    if (!h.digests || !h.failed) {
        status = IAD_NOMEM(err, c->dir);
    } else {
        iad_parallel_for(c->n_views, threads > 0 ? threads : iad_cpu_count(), hash_one, &h);
        status = hash_all(&h, &text, digest, err);
    }
    iad_buf_deinit(&text);
    free(h.digests);
    free(h.failed);
    return status;
}
