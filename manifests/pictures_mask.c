/* Ground truth of pictures. */
#include <string.h>

#include "base/image/decode.h"
#include "base/text.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

static iad_status decode_blob(iad_query *q, int column, const char *name, iad_image *mask, iad_err *err) {
    size_t n;
    const void *png = iad_query_col_blob(q, column, &n);
    if (!png) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: mask without pixels", name);
    iad_decode_options options = {.channels = 1, .raw_values = 1};
    return iad_image_decode(png, n, name, &options, mask, NULL, err);
}

iad_status iad_mask_pixels(iad_manifest *manifest, int64_t mask_id, iad_image *mask, iad_err *err) {
    memset(mask, 0, sizeof *mask);
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "mask", "SELECT png,value_map IS NULL FROM mask WHERE id=?", err));
    iad_query_i64(&q, mask_id);
    int found = iad_query_next(&q);
    iad_status status = found ? decode_blob(&q, 0, "stored mask", mask, err) : IAD_OK;
    int plain = found && iad_query_col_i64(&q, 1);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status != IAD_OK || closed != IAD_OK) {
        iad_image_deinit(mask);
        return status != IAD_OK ? status : closed;
    }
    if (!found) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no mask with id %lld", (long long)mask_id);
    size_t n = (size_t)mask->width * (size_t)mask->height;
    for (size_t i = 0; plain && i < n; i++) mask->px[i] = mask->px[i] ? 255 : 0;
    return IAD_OK;
}

typedef struct picture_facts {
    int width, height;
    iad_label label;
    char path[512];
} picture_facts;

static iad_status read_facts(iad_manifest *manifest, int64_t image_id, picture_facts *facts, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image", "SELECT width,height,label,path FROM image WHERE id=?", err));
    iad_query_i64(&q, image_id);
    int found = iad_query_next(&q);
    iad_status status = IAD_OK;
    if (found) {
        facts->width = (int)iad_query_col_i64(&q, 0);
        facts->height = (int)iad_query_col_i64(&q, 1);
        status = iad_label_parse(iad_query_col_text(&q, 2), &facts->label, err);
        iad_text_copy(facts->path, sizeof facts->path, iad_query_col_text(&q, 3) ? iad_query_col_text(&q, 3) : "?");
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status != IAD_OK || closed != IAD_OK) return status != IAD_OK ? status : closed;
    if (!found) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no picture with id %lld", (long long)image_id);
    return IAD_OK;
}

/* ORs one stored mask into the union. */
static iad_status unite(iad_query *q, const picture_facts *picture, iad_image *mask, iad_err *err) {
    iad_image part = {0};
    IAD_TRY(decode_blob(q, 0, picture->path, &part, err));
    iad_status status = IAD_OK;
    if (part.width != picture->width || part.height != picture->height) {
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: mask is %dx%d, picture is %dx%d", picture->path, part.width,
                          part.height, picture->width, picture->height);
    } else {
        size_t n = (size_t)part.width * (size_t)part.height;
        for (size_t i = 0; i < n; i++)
            if (part.px[i]) mask->px[i] = 255;
    }
    iad_image_deinit(&part);
    return status;
}

iad_status iad_image_mask(iad_manifest *manifest, int64_t image_id, iad_image *mask, iad_mask_facts *facts,
                          iad_err *err) {
    memset(mask, 0, sizeof *mask);
    iad_mask_facts found = {IAD_MASK_UNKNOWN, IAD_MASK_EXACT, 0};
    picture_facts picture;
    IAD_TRY(read_facts(manifest, image_id, &picture, err));
    IAD_TRY(iad_image_init(mask, picture.width, picture.height, 1, err));
    iad_query q;
    iad_status status = iad_query_open(&q, manifest, "mask",
                                       "SELECT m.png,m.quality FROM image_mask x JOIN mask m ON m.id=x.mask_id"
                                       " WHERE x.image_id=? AND x.role='gt' ORDER BY m.id",
                                       err);
    if (status == IAD_OK) {
        iad_query_i64(&q, image_id);
        while (status == IAD_OK && iad_query_next(&q)) {
            iad_mask_quality quality = IAD_MASK_EXACT;
            status = iad_mask_quality_parse(iad_query_col_text(&q, 1), &quality, err);
            if (status == IAD_OK) status = unite(&q, &picture, mask, err);
            found.state = IAD_MASK_KNOWN;
            if (quality > found.quality) found.quality = quality;
        }
        iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
        if (status == IAD_OK) status = closed;
    }
    if (found.state != IAD_MASK_KNOWN && picture.label == IAD_LABEL_NORMAL) found.state = IAD_MASK_NONE_NEEDED;
    if (status != IAD_OK || found.state == IAD_MASK_UNKNOWN) iad_image_deinit(mask);
    if (status != IAD_OK) return status;
    size_t n = (size_t)mask->width * (size_t)mask->height;
    for (size_t i = 0; found.state == IAD_MASK_KNOWN && i < n; i++) found.area += mask->px[i] != 0;
    if (facts) *facts = found;
    return IAD_OK;
}

iad_status iad_image_mask_state(iad_manifest *manifest, int64_t image_id, iad_mask_state *state, iad_err *err) {
    picture_facts picture;
    IAD_TRY(read_facts(manifest, image_id, &picture, err));
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image_mask",
                           "SELECT 1 FROM image_mask WHERE image_id=? AND role='gt' LIMIT 1", err));
    iad_query_i64(&q, image_id);
    int known = iad_query_next(&q);
    *state = known ? IAD_MASK_KNOWN : picture.label == IAD_LABEL_NORMAL ? IAD_MASK_NONE_NEEDED : IAD_MASK_UNKNOWN;
    return iad_query_close(&q, err);
}
