/* Making, packing and reading signatures. */
#include "crawl/hash/copyfind.h"

#include <string.h>

#include "base/image/phash.h"
#include "base/image/resize.h"

enum { SIDE = IAD_SIGNATURE_SIDE, VERSION = 1 };

/* grey turned clockwise by 90 * (turn % 4) degrees, mirrored left to right first when turn is 4 or more. */
static void turn_grey(uint8_t to[SIDE][SIDE], uint8_t from[SIDE][SIDE], int turn) {
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int sx = x, sy = y;
            for (int k = 0; k < turn % 4; k++) { /* pixel (x, y) of a turned picture was at (y, side - 1 - x) */
                const int old = sx;
                sx = sy;
                sy = SIDE - 1 - old;
            }
            to[y][x] = from[sy][turn >= 4 ? SIDE - 1 - sx : sx];
        }
}

static iad_status small_grey(const iad_image *image, uint8_t to[SIDE][SIDE], iad_err *err) {
    iad_image small, grey;
    IAD_TRY(iad_resize(image, SIDE, SIDE, IAD_FILTER_BOX, &small, err));
    const iad_status status = iad_image_to_grey(&small, &grey, err);
    if (status == IAD_OK) memcpy(to, grey.px, (size_t)SIDE * SIDE);
    if (status == IAD_OK) iad_image_deinit(&grey);
    iad_image_deinit(&small);
    return status;
}

iad_status iad_signature_make(const iad_image *image, iad_signature turn[IAD_PDQ_TURNS], iad_err *err) {
    uint64_t dct[IAD_PDQ_TURNS];
    iad_pdq pdq[IAD_PDQ_TURNS];
    int quality;
    IAD_TRY(iad_phash_turns(image, 0, dct, err));
    IAD_TRY(iad_pdq_turns(image, 0, pdq, &quality, err));
    IAD_TRY(small_grey(image, turn[0].grey, err));
    for (int t = 0; t < IAD_PDQ_TURNS; t++) {
        turn[t].dct = dct[t];
        turn[t].pdq = pdq[t];
        turn[t].quality = quality;
        if (t) turn_grey(turn[t].grey, turn[0].grey, t);
    }
    return IAD_OK;
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
    bytes = put_u64(bytes, signature->dct);
    for (int i = 0; i < 4; i++) bytes = put_u64(bytes, signature->pdq.word[i]);
    memcpy(bytes, signature->grey, sizeof signature->grey);
}

iad_status iad_signature_unpack(const void *bytes, size_t n, iad_signature *signature, iad_err *err) {
    const uint8_t *at = bytes;
    if (n != IAD_SIGNATURE_BYTES) return IAD_FAIL(err, IAD_ERR_FORMAT, "not a picture's signature: %zu bytes, %d are wanted", n, IAD_SIGNATURE_BYTES);
    if (at[0] != VERSION) return IAD_FAIL(err, IAD_ERR_FORMAT, "signature of version %d, only %d is known", at[0], VERSION);
    if (at[1] > 100) return IAD_FAIL(err, IAD_ERR_FORMAT, "not a picture's signature: quality %d", at[1]);
    signature->quality = at[1];
    signature->dct = get_u64(at + 2);
    for (int i = 0; i < 4; i++) signature->pdq.word[i] = get_u64(at + 10 + 8 * i);
    memcpy(signature->grey, at + 42, sizeof signature->grey);
    return IAD_OK;
}
