/* Windows and OS/2 bitmaps: 1, 2, 4, 8, 16, 24 and 32 bits per pixel, bit masks, RLE4 and RLE8, both row orders. The
 * layout is that of BITMAPFILEHEADER, BITMAPCOREHEADER and BITMAPINFOHEADER up to BITMAPV5HEADER in the Windows
 * documentation. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/bmp_rle.h"
#include "base/image/decode_internal.h"
#include "base/image/rows.h"

#define FILE_HEADER_BYTES 14

enum { BMP_RGB = 0, BMP_RLE8 = 1, BMP_RLE4 = 2, BMP_BITFIELDS = 3, BMP_ALPHABITFIELDS = 6 };

/* One colour of a pixel with bit masks. */
typedef struct bmp_field {
    uint32_t mask, max; /* max = mask moved down */
    int shift;
} bmp_field;

typedef struct bmp_file {
    iad_decode_job *job;
    int bits, compression, top_down;
    int masked;           /* pixels of 16 or 32 bits are taken apart by `fields` */
    bmp_field fields[4];  /* red, green, blue, alpha */
    int grey;             /* the palette holds greys only */
    int plain_grey;       /* palette entry i is grey i */
    uint8_t lut3[256][3], lut1[256];
    size_t data_at, row_bytes;
} bmp_file;

/* ---- header ---- */

static iad_status take_field(bmp_field *field, uint32_t mask, const char *name, iad_err *err) {
    *field = (bmp_field){.mask = mask};
    if (!mask) return IAD_OK;
    field->shift = __builtin_ctz(mask);
    field->max = mask >> field->shift;
    if (field->max & (field->max + 1u)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: BMP: a bit mask with holes", name);
    return IAD_OK;
}

static iad_status take_masks(bmp_file *f, const uint32_t masks[4], iad_err *err) {
    f->masked = 1;
    for (int i = 0; i < 4; i++) IAD_TRY(take_field(&f->fields[i], masks[i], f->job->name, err));
    return IAD_OK;
}

/* Sets the masks of 16- and 32-bit pixels. Only the plain 32-bit layout does without them. */
static iad_status read_masks(bmp_file *f, uint32_t header_size, iad_err *err) {
    const uint8_t *p = f->job->bytes + FILE_HEADER_BYTES + 40;
    uint32_t masks[4] = {0x7c00, 0x03e0, 0x001f, 0};
    int fields = f->compression == BMP_BITFIELDS || f->compression == BMP_ALPHABITFIELDS;
    if (f->bits != 16 && f->bits != 32) return IAD_OK;
    if (f->bits == 32 && !fields) return IAD_OK;
    if (fields) {
        int with_alpha = header_size >= 56 || (header_size == 40 && f->compression == BMP_ALPHABITFIELDS);
        size_t count = with_alpha ? 4 : 3;
        if (f->job->n < FILE_HEADER_BYTES + 40 + count * 4) return iad_decode_truncated(f->job, err);
        for (size_t i = 0; i < count; i++) masks[i] = iad_le32(p + 4 * i);
        if (!(masks[0] | masks[1] | masks[2])) {
            static const uint32_t usual[4] = {0xff0000, 0xff00, 0xff, 0xff000000};
            if (f->bits == 32) memcpy(masks, usual, sizeof masks);
        }
    }
    static const uint32_t plain[4] = {0xff0000, 0xff00, 0xff, 0};
    if (f->bits == 32 && memcmp(masks, plain, sizeof plain) == 0) return IAD_OK;
    return take_masks(f, masks, err);
}

/* Entries of blue, green, red and, but for the oldest header, one unused byte. Missing entries stay black. */
static void read_palette(bmp_file *f, size_t at, size_t entry_bytes, size_t count) {
    f->grey = f->plain_grey = 1;
    for (size_t i = 0; i < count; i++, at += entry_bytes) {
        if (at > f->job->n || f->job->n - at < entry_bytes) break;
        const uint8_t *p = f->job->bytes + at;
        iad_row_bgr_to_rgb(p, f->lut3[i], 1);
        if (p[0] != p[1] || p[1] != p[2]) f->grey = 0;
    }
    iad_row_rgb_to_grey(f->lut3[0], f->lut1, 256);
    for (size_t i = 0; i < (1u << f->bits); i++) f->plain_grey &= f->grey && f->lut1[i] == i;
}

static iad_status check_kind(const bmp_file *f, iad_err *err) {
    int bits = f->bits, ok = 0;
    switch (f->compression) {
    case BMP_RGB: ok = bits == 24 || (bits >= 1 && bits <= 32 && (bits & (bits - 1)) == 0); break;
    case BMP_RLE8: ok = bits == 8; break;
    case BMP_RLE4: ok = bits == 4; break;
    case BMP_BITFIELDS:
    case BMP_ALPHABITFIELDS: ok = bits == 16 || bits == 24 || bits == 32; break;
    default: break;
    }
    if (ok) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: BMP of %d bits per pixel, compression %d", f->job->name, bits,
                    f->compression);
}

static iad_status read_sizes(bmp_file *f, uint32_t header_size, iad_err *err) {
    const uint8_t *p = f->job->bytes;
    int64_t width, height;
    if (header_size == 12) {
        width = iad_le16(p + 18);
        height = iad_le16(p + 20);
        f->bits = (int)iad_le16(p + 24);
    } else {
        width = (int32_t)iad_le32(p + 18);
        height = (int32_t)iad_le32(p + 22);
        f->bits = (int)iad_le16(p + 28);
        uint32_t compression = iad_le32(p + 30);
        f->compression = compression > 99 ? 99 : (int)compression;
        /* The OS/2 variant gives 3 and 4 other meanings: fax and 24-bit run lengths. */
        if (header_size == 64 && f->compression > BMP_RLE4) f->compression = 99;
    }
    f->top_down = height < 0;
    if (height < 0) height = -height;
    if (width < 1 || height < 1 || height > INT_MAX)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: BMP: a picture of %lld x %lld pixels", f->job->name, (long long)width,
                        (long long)height);
    f->job->info->width = (int)width;
    f->job->info->height = (int)height;
    f->row_bytes = (size_t)(((uint64_t)width * (uint64_t)f->bits + 31) / 32 * 4);
    return check_kind(f, err);
}

static iad_status open_bmp(bmp_file *f, iad_decode_job *job, iad_err *err) {
    const uint8_t *p = job->bytes;
    memset(f, 0, sizeof *f);
    f->job = job;
    uint32_t header_size = iad_le16(p + 14); /* sniffing made sure of 16 bytes and of a size that exists */
    if (job->n - FILE_HEADER_BYTES < header_size) return iad_decode_truncated(job, err);
    if (iad_le16(p + 16)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: BMP: broken header", job->name);
    IAD_TRY(read_sizes(f, header_size, err));
    IAD_TRY(read_masks(f, header_size, err));
    size_t at = FILE_HEADER_BYTES + (size_t)header_size, colors = 0;
    if (header_size == 40 && f->compression == BMP_BITFIELDS) at += 12;
    if (header_size == 40 && f->compression == BMP_ALPHABITFIELDS) at += 16;
    f->data_at = iad_le32(p + 10);
    if (f->bits <= 8) {
        size_t entry = header_size == 12 ? 3 : 4, most = (size_t)1 << f->bits;
        colors = header_size == 12 ? most : iad_le32(p + 46);
        if (colors == 0 || colors > most) colors = most;
        read_palette(f, at, entry, colors);
        /* Some writers forget the palette when they say where the pixels begin. */
        if (f->data_at <= at) f->data_at = at + colors * entry;
    }
    if (f->data_at < at) f->data_at = at;
    job->info->channels = f->bits <= 8 ? (f->grey ? 1 : 3) : f->fields[3].mask ? 4 : 3;
    job->info->depth = f->bits < 8 ? f->bits : 8;
    return IAD_OK;
}

iad_status iad_probe_bmp(iad_decode_job *job, iad_err *err) {
    bmp_file f;
    return open_bmp(&f, job, err);
}

/* ---- rows ---- */

/* 1, 2 or 4 bits a pixel, first pixel in the high bits, to one byte each. */
static void unpack(const uint8_t *src, int bits, uint8_t *dst, size_t n) {
    unsigned mask = (1u << bits) - 1, per_byte = 8u / (unsigned)bits;
    for (size_t i = 0; i < n; i++) {
        unsigned shift = 8u - (unsigned)bits * ((unsigned)(i % per_byte) + 1u);
        dst[i] = (uint8_t)(src[i / per_byte] >> shift & mask);
    }
}

static inline uint8_t field_value(const bmp_field *field, uint32_t pixel) {
    return (uint8_t)((uint64_t)((pixel & field->mask) >> field->shift) * 255 / field->max);
}

/* Pixels with bit masks to RGB. value * 255 / max rounds down, as Pillow does for 5 and 6 bits. */
static void row_masked(const bmp_file *f, const uint8_t *src, uint8_t *dst, size_t n) {
    size_t pixel_bytes = (size_t)f->bits / 8;
    for (size_t i = 0; i < n; i++, src += pixel_bytes) {
        uint32_t pixel = f->bits == 16 ? iad_le16(src) : iad_le32(src);
        uint8_t rgba[4] = {0, 0, 0, 255};
        for (int c = 0; c < 4; c++)
            if (f->fields[c].max) rgba[c] = field_value(&f->fields[c], pixel);
        iad_row_rgba_on_white(rgba, dst + 3 * i, 1);
    }
}

/* Palette indices to a row of the picture. */
static void row_indices(const bmp_file *f, const uint8_t *src, uint8_t *dst, size_t n) {
    int channels = f->job->image->channels, as_they_are = f->job->raw_values || f->plain_grey;
    if (channels == 1 && as_they_are) memcpy(dst, src, n);
    else if (channels == 1) iad_row_lut1(src, f->lut1, dst, n);
    else if (f->job->raw_values) iad_row_grey_to_rgb(src, dst, n);
    else iad_row_lut3(src, f->lut3, dst, n);
}

/* One stored row to a row of the picture. `scratch` has room for a row of RGB. */
static void convert_row(const bmp_file *f, const uint8_t *src, uint8_t *scratch, uint8_t *dst) {
    size_t n = (size_t)f->job->image->width;
    if (f->bits <= 8) {
        if (f->bits < 8) unpack(src, f->bits, scratch, n);
        row_indices(f, f->bits < 8 ? scratch : src, dst, n);
        return;
    }
    uint8_t *rgb = f->job->image->channels == 3 ? dst : scratch;
    if (f->masked) row_masked(f, src, rgb, n);
    else if (f->bits == 24) iad_row_bgr_to_rgb(src, rgb, n);
    else iad_row_bgrx_to_rgb(src, rgb, n);
    if (rgb == scratch) iad_row_rgb_to_grey(scratch, dst, n);
}

static uint8_t *row_place(const bmp_file *f, size_t row) {
    const iad_image *image = f->job->image;
    return iad_image_at(image, 0, f->top_down ? (int)row : image->height - 1 - (int)row);
}

/* ---- pictures ---- */

static iad_status decode_rows(bmp_file *f, int natural, iad_err *err) {
    iad_decode_job *job = f->job;
    size_t height = (size_t)job->info->height, rows = height;
    size_t last_row = ((size_t)job->info->width * (size_t)f->bits + 7) / 8; /* it may come without its padding */
    size_t there = job->n > f->data_at ? job->n - f->data_at : 0;
    if (there < (height - 1) * f->row_bytes + last_row) {
        if (!job->accept_truncated) return iad_decode_truncated(job, err);
        job->info->truncated = 1;
        rows = there / f->row_bytes;
    }
    IAD_TRY(iad_decode_open_image(job, natural, rows < height, err));
    uint8_t *scratch = iad_alloc((size_t)job->image->width, 3);
    if (!scratch) return IAD_NOMEM(err, job->name);
    const uint8_t *src = job->bytes + f->data_at;
    for (size_t y = 0; y < rows; y++, src += f->row_bytes) convert_row(f, src, scratch, row_place(f, y));
    free(scratch);
    return IAD_OK;
}

static iad_status decode_rle(bmp_file *f, int natural, iad_err *err) {
    iad_decode_job *job = f->job;
    IAD_TRY(iad_decode_open_image(job, natural, 0, err));
    size_t width = (size_t)job->image->width, height = (size_t)job->image->height;
    uint8_t *indices = iad_calloc(height, width);
    if (!indices) return IAD_NOMEM(err, job->name);
    size_t at = f->data_at < job->n ? f->data_at : job->n;
    int whole = iad_bmp_rle(job->bytes + at, job->n - at, f->compression == BMP_RLE4, indices, width, height);
    job->info->truncated = !whole;
    for (size_t y = 0; y < height; y++) row_indices(f, indices + y * width, row_place(f, y), width);
    free(indices);
    return whole || job->accept_truncated ? IAD_OK : iad_decode_truncated(job, err);
}

iad_status iad_decode_bmp(iad_decode_job *job, iad_err *err) {
    bmp_file f;
    IAD_TRY(open_bmp(&f, job, err));
    IAD_TRY(iad_decode_check_size(job, err));
    int natural = f.bits <= 8 && (f.grey || job->raw_values) ? 1 : 3;
    if (f.compression == BMP_RLE8 || f.compression == BMP_RLE4) return decode_rle(&f, natural, err);
    return decode_rows(&f, natural, err);
}
