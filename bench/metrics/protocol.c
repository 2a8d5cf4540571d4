#include "bench/metrics/protocol.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "base/text.h"

static const char *const size_names[] = {"fixed", "mask", "map"};
static const char *const interp_names[] = {"bilinear", "bilinear-align-corners", "bicubic", "nearest"};
static const char *const mask_names[] = {"pil-bilinear", "cv-nearest", "pil-nearest"};
static const char *const smooth_names[] = {"none", "scipy-gaussian", "kernel-zero", "kernel-reflect"};
static const char *const score_names[] = {"model", "max", "top-share", "top-mix", "harmonic", "model-plus-max"};

iad_status iad_protocol_text(const iad_protocol *p, iad_buf *out, iad_err *err) {
    const iad_mask_rule *m = &p->mask;
    IAD_TRY(iad_buf_addf(out, err, "iad-protocol=1\nsize=%s\nwidth=%d\nheight=%d\nmap=%s\n", size_names[p->size_rule],
                         p->width, p->height, interp_names[p->interp]));
    IAD_TRY(iad_buf_addf(out, err, "mask-binarise-first=%d\nmask-via=%d\nmask-via-resample=%s\nmask-crop=%d\nmask-short-side=%d\n",
                         m->binarise_first, m->via, m->via ? mask_names[m->resample] : "none", m->crop, m->short_side));
    IAD_TRY(iad_buf_addf(out, err, "mask-resample=%s\nmask-above=%.17g\nmask-above-unit=%s\n", mask_names[m->last], m->above,
                         m->relative_to_max ? "max" : "255"));
    IAD_TRY(iad_buf_addf(out, err, "smoothing=%s\nsigma=%.17g\nkernel=%d\n", smooth_names[p->smoothing], p->sigma, p->kernel));
    IAD_TRY(iad_buf_addf(out, err, "score=%s\nscore-share=%.17g\nscore-mix=%.17g\nscore-top=%d\nscore-native=%d\n",
                         score_names[p->score_rule], p->score_share, p->score_mix, p->score_top, p->score_native));
    return iad_buf_addf(out, err, "pro-variant=%u\nconnectivity=%d\n", p->pro_variant, p->connectivity);
}

iad_status iad_protocol_hash(const iad_protocol *p, char hex[65], iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, 4096);
    iad_status status = iad_protocol_text(p, &text, err);
    if (status == IAD_OK) status = iad_sha256_hex(iad_buf_str(&text), text.len, hex, err);
    iad_buf_deinit(&text);
    return status;
}

static iad_status set_size(iad_protocol *p, const char *value, iad_err *err) {
    if (!strcmp(value, "mask") || !strcmp(value, "map")) {
        p->size_rule = value[2] == 's' ? IAD_SIZE_MASK : IAD_SIZE_MAP;
        p->width = p->height = 0;
        return IAD_OK;
    }
    char width[16];
    const char *x = strchr(value, 'x');
    size_t n = x ? (size_t)(x - value) : strlen(value);
    if (n >= sizeof width) return IAD_FAIL(err, IAD_ERR_ARG, "map-size \"%s\" is not N, WxH, mask or map", value);
    memcpy(width, value, n);
    width[n] = 0;
    int64_t w = 0, h = 0;
    iad_status status = iad_parse_i64(width, 1, IAD_PROTOCOL_MAX_SIDE, "map-size", &w, err);
    if (status == IAD_OK) status = iad_parse_i64(x ? x + 1 : width, 1, IAD_PROTOCOL_MAX_SIDE, "map-size", &h, err);
    if (status != IAD_OK)
        return IAD_FAIL(err, IAD_ERR_ARG, "map-size \"%s\" is not N, WxH (1..%d), mask or map", value, IAD_PROTOCOL_MAX_SIDE);
    p->size_rule = IAD_SIZE_FIXED;
    p->width = (int)w;
    p->height = (int)h;
    return IAD_OK;
}

static iad_status set_mask(iad_protocol *p, const char *value, iad_err *err) {
    iad_mask_rule rule = {.binarise_first = 1};
    const char *colon = strchr(value, ':');
    size_t n = colon ? (size_t)(colon - value) : strlen(value);
    if (n == 3 && !memcmp(value, "pil", n)) rule.last = IAD_MASK_PIL_BILINEAR;
    else if (n == 7 && !memcmp(value, "nearest", n)) rule.last = IAD_MASK_PIL_NEAREST;
    else if (n == 10 && !memcmp(value, "cv-nearest", n)) rule.last = IAD_MASK_CV_NEAREST;
    else return IAD_FAIL(err, IAD_ERR_ARG, "mask-rule \"%s\" is not pil:T, nearest or cv-nearest", value);
    rule.resample = rule.last;
    if (colon) {
        if (iad_parse_f64(colon + 1, 0, 0.999999, "mask-rule", &rule.above, err) != IAD_OK)
            return IAD_FAIL(err, IAD_ERR_ARG, "mask-rule \"%s\": the threshold is not a number in 0..1", value);
    } else if (rule.last == IAD_MASK_PIL_BILINEAR) {
        rule.above = 0.5;
    }
    p->mask = rule;
    return IAD_OK;
}

static iad_status set_sigma(iad_protocol *p, const char *value, iad_err *err) {
    if (iad_parse_f64(value, 0, 100, "sigma", &p->sigma, err) != IAD_OK)
        return IAD_FAIL(err, IAD_ERR_ARG, "sigma \"%s\" is not a number in 0..100", value);
    p->smoothing = p->sigma > 0 ? IAD_SMOOTH_SCIPY : IAD_SMOOTH_NONE;
    p->kernel = 0;
    return IAD_OK;
}

static iad_status set_interp(iad_protocol *p, const char *value, iad_err *err) {
    static const char *const words[] = {"bilinear", "align", "bicubic", "nearest"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(value, words[i])) {
            p->interp = (iad_map_interp)i;
            return IAD_OK;
        }
    return IAD_FAIL(err, IAD_ERR_ARG, "interp \"%s\" is not bilinear, align, bicubic or nearest", value);
}

static iad_status set_score(iad_protocol *p, const char *value, iad_err *err) {
    iad_protocol next = *p;
    next.score_share = next.score_mix = 0;
    next.score_top = next.score_native = 0;
    if (!strcmp(value, "model")) next.score_rule = IAD_SCORE_MODEL;
    else if (!strcmp(value, "max")) next.score_rule = IAD_SCORE_MAX;
    else if (iad_text_starts(value, "top:")) {
        next.score_rule = IAD_SCORE_TOP_SHARE;
        if (iad_parse_f64(value + 4, 0, 1, "image-score", &next.score_share, err) != IAD_OK)
            return IAD_FAIL(err, IAD_ERR_ARG, "image-score \"%s\": the share is not a number in 0..1", value);
    } else {
        return IAD_FAIL(err, IAD_ERR_ARG, "image-score \"%s\" is not model, max or top:SHARE", value);
    }
    *p = next;
    return IAD_OK;
}

static iad_status set_connectivity(iad_protocol *p, const char *value, iad_err *err) {
    if (strcmp(value, "4") && strcmp(value, "8")) return IAD_FAIL(err, IAD_ERR_ARG, "connectivity \"%s\" is not 4 or 8", value);
    p->connectivity = value[0] - '0';
    return IAD_OK;
}

iad_status iad_protocol_override(iad_protocol *p, const char *key, const char *value, iad_err *err) {
    static const struct {
        const char *key;
        iad_status (*set)(iad_protocol *, const char *, iad_err *);
    } keys[] = {{"map-size", set_size}, {"mask-rule", set_mask},    {"sigma", set_sigma},
                {"interp", set_interp}, {"image-score", set_score}, {"connectivity", set_connectivity}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(key, keys[i].key)) continue;
        iad_protocol next = *p;
        IAD_TRY(keys[i].set(&next, value, err));
        size_t n = strlen(next.name);
        int added = snprintf(next.name + n, sizeof next.name - n, "+%s=%s", key, value);
        if (added < 0 || (size_t)added >= sizeof next.name - n)
            return IAD_FAIL(err, IAD_ERR_ARG, "too many overrides for the protocol's name: %s=%s", key, value);
        *p = next;
        return IAD_OK;
    }
    return IAD_FAIL(err, IAD_ERR_ARG, "a protocol has no \"%s\": map-size, mask-rule, sigma, interp, image-score, connectivity", key);
}
