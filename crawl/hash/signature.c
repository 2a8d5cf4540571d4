/* Making, packing and reading signatures. */
#include "crawl/hash/copyfind.h"

#include <string.h>

#include "base/image/phash.h"
#include "base/image/resize.h"

enum { SIDE = IAD_SIGNATURE_SIDE, VERSION = 2 };

static iad_status small_grey(const iad_image *image, uint8_t to[SIDE][SIDE], iad_err *err) {
    iad_image small, grey;
    IAD_TRY(iad_resize(image, SIDE, SIDE, IAD_FILTER_BOX, &small, err));
    const iad_status status = iad_image_to_grey(&small, &grey, err);
    if (status == IAD_OK) memcpy(to, grey.px, (size_t)SIDE * SIDE);
    if (status == IAD_OK) iad_image_deinit(&grey);
    iad_image_deinit(&small);
    return status;
}

iad_status iad_signature_make(const iad_image *image, iad_signature *signature, iad_err *err) {
    IAD_TRY(iad_phash_turns(image, 0, signature->dct, err));
    IAD_TRY(iad_pdq_turns(image, 0, signature->pdq, &signature->quality, err));
    return small_grey(image, signature->grey, err);
}

static uint8_t *put_u64(uint8_t *at, uint64_t value) {
    for (int i = 0; i < 8; i++) *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint64_t get_u64(const uint8_t *at) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | at[i];
    return value;
}

void iad_signature_pack(const iad_signature *signature, uint8_t bytes[IAD_SIGNATURE_BYTES]) {
    *bytes++ = VERSION;
    *bytes++ = (uint8_t)signature->quality;
    for (int t = 0; t < IAD_PDQ_TURNS; t++) bytes = put_u64(bytes, signature->dct[t]);
    for (int i = 0; i < 4 * IAD_PDQ_TURNS; i++) bytes = put_u64(bytes, signature->pdq[i / 4].word[i % 4]);
    memcpy(bytes, signature->grey, sizeof signature->grey);
}

iad_status iad_signature_unpack(const void *bytes, size_t n, iad_signature *signature, iad_err *err) {
    const uint8_t *at = bytes;
    if (n != IAD_SIGNATURE_BYTES) return IAD_FAIL(err, IAD_ERR_FORMAT, "not a picture's signature: %zu bytes, %d are wanted", n, IAD_SIGNATURE_BYTES);
    if (at[0] != VERSION) return IAD_FAIL(err, IAD_ERR_FORMAT, "signature of version %d, only %d is known", at[0], VERSION);
    if (at[1] > 100) return IAD_FAIL(err, IAD_ERR_FORMAT, "not a picture's signature: quality %d", at[1]);
    signature->quality = at[1];
    at += 2;
    for (int t = 0; t < IAD_PDQ_TURNS; t++, at += 8) signature->dct[t] = get_u64(at);
    for (int i = 0; i < 4 * IAD_PDQ_TURNS; i++, at += 8) signature->pdq[i / 4].word[i % 4] = get_u64(at);
    memcpy(signature->grey, at, sizeof signature->grey);
    return IAD_OK;
}
