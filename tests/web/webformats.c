/* Formats that base/image does not write, in their simplest form. */
#include <string.h>
#include <webp/encode.h>
#include <zlib.h>

#include "tests/web/webfile.h"

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value & 0xffff);
    put16(at + 2, value >> 16);
}

static void put32_be(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

iad_status iad_web_put_bmp(const iad_image *image, iad_buf *out, iad_err *err) {
    const size_t row = ((size_t)image->width * 3 + 3) & ~(size_t)3, body = row * (size_t)image->height;
    uint8_t head[54] = "BM", line[4 * IAD_IMAGE_MAX_SIDE];
    put32(head + 2, (uint32_t)(54 + body));
    put32(head + 10, 54);
    put32(head + 14, 40);
    put32(head + 18, (uint32_t)image->width);
    put32(head + 22, (uint32_t)image->height);
    put16(head + 26, 1);
    put16(head + 28, 24);
    put32(head + 34, (uint32_t)body);
    IAD_TRY(iad_buf_add(out, head, sizeof head, err));
    memset(line, 0, row);
    for (int y = image->height - 1; y >= 0; y--) {
        for (int x = 0; x < image->width; x++)
            for (int c = 0; c < 3; c++) line[3 * x + c] = iad_image_at(image, x, y)[2 - c];
        IAD_TRY(iad_buf_add(out, line, row, err));
    }
    return IAD_OK;
}

/* GIF with a palette of 6 x 6 x 6 colours and LZW that never grows its table: a clear code before the codes would need nine bits. */
iad_status iad_web_put_gif(const iad_image *image, iad_buf *out, iad_err *err) {
    uint8_t head[13 + 3 * 128 + 10 + 1] = "GIF89a";
    put16(head + 6, (uint32_t)image->width);
    put16(head + 8, (uint32_t)image->height);
    head[10] = 0x80 | 6; /* 128 colours */
    for (int i = 0; i < 125; i++) {
        head[13 + 3 * i] = (uint8_t)(i / 25 * 63);
        head[14 + 3 * i] = (uint8_t)(i / 5 % 5 * 63);
        head[15 + 3 * i] = (uint8_t)(i % 5 * 63);
    }
    uint8_t *frame = head + 13 + 3 * 128;
    frame[0] = ',';
    put16(frame + 5, (uint32_t)image->width);
    put16(frame + 7, (uint32_t)image->height);
    frame[10] = 7; /* codes start with eight bits: 128 clears, 129 ends */
    IAD_TRY(iad_buf_add(out, head, sizeof head, err));
    uint8_t block[256];
    size_t used = 0;
    const size_t n = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0, since = 0; i <= n; i++, since++) {
        if (i == n) block[1 + used++] = 129;
        else {
            if (since % 100 == 0) block[1 + used++] = 128;
            const uint8_t *px = image->px + 3 * i;
            block[1 + used++] = (uint8_t)((px[0] + 31) / 63 * 25 + (px[1] + 31) / 63 * 5 + (px[2] + 31) / 63);
        }
        if (used < 253 && i < n) continue;
        block[0] = (uint8_t)used;
        IAD_TRY(iad_buf_add(out, block, used + 1, err));
        used = 0;
    }
    return iad_buf_add(out, "\0;", 2, err);
}

iad_status iad_web_put_webp(const iad_image *image, float quality, iad_buf *out, iad_err *err) {
    uint8_t *bytes = NULL;
    const size_t n = WebPEncodeRGB(image->px, image->width, image->height, 3 * image->width, quality, &bytes);
    const iad_status status = n ? iad_buf_add(out, bytes, n, err) : IAD_FAIL(err, IAD_ERR_INTERNAL, "libwebp refused a picture");
    WebPFree(bytes);
    return status;
}

static iad_status put_chunk(iad_buf *out, const char *type, const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b, iad_err *err) {
    uint8_t word[4];
    put32_be(word, (uint32_t)(n_a + n_b));
    IAD_TRY(iad_buf_add(out, word, 4, err));
    IAD_TRY(iad_buf_add(out, type, 4, err));
    if (n_a) IAD_TRY(iad_buf_add(out, a, n_a, err));
    if (n_b) IAD_TRY(iad_buf_add(out, b, n_b, err));
    uLong sum = crc32(0, (const Bytef *)type, 4);
    if (n_a) sum = crc32(sum, a, (uInt)n_a);
    if (n_b) sum = crc32(sum, b, (uInt)n_b);
    put32_be(word, (uint32_t)sum);
    return iad_buf_add(out, word, 4, err);
}

iad_status iad_web_put_apng(const char *png, size_t n, int width, int height, iad_buf *out, iad_err *err) {
    uint8_t control[26] = {0}, sequence[4] = {0}, frames[8] = {0, 0, 0, 2, 0, 0, 0, 0};
    uint32_t next = 0;
    int started = 0;
    put32_be(control + 4, (uint32_t)width);
    put32_be(control + 8, (uint32_t)height);
    control[21] = control[23] = 10; /* a delay of 10 / 10 seconds */
    IAD_TRY(iad_buf_add(out, png, 8, err));
    for (int frame = 0; frame < 2; frame++)
        for (size_t at = 8; at + 12 <= n;) {
            const uint8_t *chunk = (const uint8_t *)png + at;
            const size_t length = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
            const int data = !memcmp(chunk + 4, "IDAT", 4), end = !memcmp(chunk + 4, "IEND", 4);
            if (data && started == frame) {
                if (!frame) IAD_TRY(put_chunk(out, "acTL", frames, sizeof frames, NULL, 0, err));
                put32_be(control, next++);
                IAD_TRY(put_chunk(out, "fcTL", control, sizeof control, NULL, 0, err));
                started++;
            }
            put32_be(sequence, next);
            if (data && frame) next++;
            if (data && frame) IAD_TRY(put_chunk(out, "fdAT", sequence, 4, chunk + 8, length, err));
            else if ((!frame && !end) || (frame && end)) IAD_TRY(iad_buf_add(out, chunk, length + 12, err));
            at += length + 12;
        }
    return IAD_OK;
}

iad_status iad_web_put_png_header(int width, int height, iad_buf *out, iad_err *err) {
    uint8_t header[13] = {0}, nothing[64];
    uLongf n = sizeof nothing;
    put32_be(header, (uint32_t)width);
    put32_be(header + 4, (uint32_t)height);
    header[8] = 8;
    header[9] = 2; /* RGB */
    if (compress(nothing, &n, (const Bytef *)"", 0) != Z_OK) return IAD_FAIL(err, IAD_ERR_INTERNAL, "zlib refused nothing");
    IAD_TRY(iad_buf_add(out, "\x89PNG\r\n\x1a\n", 8, err));
    IAD_TRY(put_chunk(out, "IHDR", header, sizeof header, NULL, 0, err));
    IAD_TRY(put_chunk(out, "IDAT", nothing, n, NULL, 0, err));
    return put_chunk(out, "IEND", NULL, 0, NULL, 0, err);
}
