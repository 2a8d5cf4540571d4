/* PNG by libpng. Rows go straight to the picture wherever libpng can write the wanted samples itself. */
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/alloc.h"
#include "base/image/codec_guard.h"
#include "base/image/decode_internal.h"
#include "base/image/png_chunks.h"
#include "base/image/rows.h"

typedef struct png_reader png_reader;

struct png_reader {
    png_structp png;
    png_infop png_info;
    iad_codec_guard guard;
    iad_decode_job *job;
    iad_image16 *wide; /* set: 16-bit grey goes here and job->image is unused */
    iad_png_chunks chunks;
    size_t pos;    /* bytes handed to libpng */
    int ran_dry;   /* libpng asked for bytes behind the end */
    iad_status status;
    iad_err *err;
    uint8_t *px;   /* the picture */
    size_t stride; /* its bytes per row */
    /* From a row as libpng leaves it to a row of the picture; NULL: libpng writes into the picture. */
    void (*convert)(const png_reader *r, const uint8_t *src, uint8_t *dst);
    uint8_t *scratch, *rgb; /* rows before conversion; one RGB row for conversions in two steps */
    uint8_t lut3[256][3], lut1[256];
};

static _Noreturn void give_up(png_reader *r, iad_status status) {
    r->status = status;
    iad_codec_throw(&r->guard);
}

static _Noreturn void on_error(png_structp png, png_const_charp text) {
    png_reader *r = png_get_error_ptr(png);
    if (r->ran_dry) give_up(r, iad_decode_truncated(r->job, r->err));
    iad_status code = strcmp(text, "Out of memory") == 0 ? IAD_ERR_NOMEM : IAD_ERR_FORMAT;
    give_up(r, IAD_FAIL(r->err, code, "%s: PNG: %s", r->job->name, text));
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep to, size_t n) {
    png_reader *r = png_get_io_ptr(png);
    if (n > r->job->n - r->pos) {
        r->ran_dry = 1;
        png_error(png, "end of data");
    }
    memcpy(to, r->job->bytes + r->pos, n);
    r->pos += n;
}

/* ---- facts ---- */

static int stored_channels(int color) {
    switch (color) {
    case IAD_PNG_GREY: return 1;
    case IAD_PNG_GREY_ALPHA: return 2;
    case IAD_PNG_RGB_ALPHA: return 4;
    default: return 3;
    }
}

static iad_status take_facts(iad_decode_job *job, iad_png_chunks *c, iad_err *err) {
    iad_image_info *info = job->info;
    iad_png_walk(job->bytes, job->n, c);
    if (!c->header_ok && c->width == 0 && job->n < 33) return iad_decode_truncated(job, err);
    if (!c->header_ok) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: PNG: broken header", job->name);
    info->width = (int)c->width;
    info->height = (int)c->height;
    info->channels = stored_channels(c->color);
    info->depth = c->depth;
    info->orientation = c->orientation;
    info->animated = c->frames > 1;
    return IAD_OK;
}

iad_status iad_probe_png(iad_decode_job *job, iad_err *err) {
    iad_png_chunks chunks;
    return take_facts(job, &chunks, err);
}

/* ---- conversions of one row ---- */

static size_t row_pixels(const png_reader *r) { return r->chunks.width; }

static void row_palette(const png_reader *r, const uint8_t *src, uint8_t *dst) {
    iad_row_lut3(src, r->lut3, dst, row_pixels(r));
}
static void row_palette_grey(const png_reader *r, const uint8_t *src, uint8_t *dst) {
    iad_row_lut1(src, r->lut1, dst, row_pixels(r));
}
static void row_repeat(const png_reader *r, const uint8_t *src, uint8_t *dst) {
    iad_row_grey_to_rgb(src, dst, row_pixels(r));
}
static void row_greya(const png_reader *r, const uint8_t *src, uint8_t *dst) {
    iad_row_greya_on_white(src, dst, row_pixels(r));
}
static void row_rgb_grey(const png_reader *r, const uint8_t *src, uint8_t *dst) {
    iad_row_rgb_to_grey(src, dst, row_pixels(r));
}
static void row_rgba(const png_reader *r, const uint8_t *src, uint8_t *dst) {
    iad_row_rgba_on_white(src, dst, row_pixels(r));
}
static void row_rgba_grey(const png_reader *r, const uint8_t *src, uint8_t *dst) {
    iad_row_rgba_on_white(src, r->rgb, row_pixels(r));
    iad_row_rgb_to_grey(r->rgb, dst, row_pixels(r));
}

/* 16-bit grey and alpha, native order, on white: round((v a + 65535 (65535 - a)) / 65535). */
static void row_greya16(const png_reader *r, const uint8_t *src, uint8_t *dst) {
    for (size_t i = 0, n = row_pixels(r); i < n; i++) {
        uint16_t v[2], out;
        memcpy(v, src + 4 * i, sizeof v);
        out = (uint16_t)(((uint64_t)v[0] * v[1] + 65535ull * (65535u - v[1]) + 32767u) / 65535u);
        memcpy(dst + 2 * i, &out, sizeof out);
    }
}

/* The palette with its transparency composed on white. Entries that are not there are black. */
static void fill_palette(png_reader *r) {
    png_colorp palette = NULL;
    png_bytep alpha = NULL;
    int count = 0, alphas = 0;
    png_get_PLTE(r->png, r->png_info, &palette, &count);
    png_get_tRNS(r->png, r->png_info, &alpha, &alphas, NULL);
    for (int i = 0; i < count && i < 256; i++) {
        uint8_t rgba[4] = {palette[i].red, palette[i].green, palette[i].blue, i < alphas ? alpha[i] : 255};
        iad_row_rgba_on_white(rgba, r->lut3[i], 1);
    }
    iad_row_rgb_to_grey(r->lut3[0], r->lut1, 256);
}

/* Bits to bytes of 0 and 1, first pixel in the highest bit. Masks are nearly all of one value, which libpng's unpacking, one pixel at a time, makes
 * no use of. */
static void row_bits(const png_reader *r, const uint8_t *in, uint8_t *out) {
    size_t width = r->chunks.width, x = 0;
    for (; x + 8 <= width; x += 8, in++) {
        if (*in == 0 || *in == 255) memset(out + x, *in & 1, 8);
        else for (int k = 0; k < 8; k++) out[x + (size_t)k] = (uint8_t)(*in >> (7 - k) & 1);
    }
    for (int k = 7; x < width; x++, k--) out[x] = (uint8_t)(*in >> k & 1);
}

/* ---- what libpng is asked for ---- */

static void plan_palette(png_reader *r) {
    png_set_packing(r->png);
    if (r->job->raw_values) {
        if (r->job->image->channels == 3) r->convert = row_repeat;
        return;
    }
    fill_palette(r);
    r->convert = r->job->image->channels == 3 ? row_palette : row_palette_grey;
}

static void plan_samples(png_reader *r) {
    int color = r->chunks.color, grey = color == IAD_PNG_GREY || color == IAD_PNG_GREY_ALPHA, alpha = color & 4;
    if (r->chunks.depth == 16) png_set_strip_16(r->png);
    if (r->job->raw_values && r->chunks.depth == 1 && !r->chunks.interlaced && r->job->image->channels == 1) {
        r->convert = row_bits;
        return;
    }
    if (r->job->raw_values) {
        png_set_packing(r->png);
        png_set_strip_alpha(r->png);
        alpha = 0;
    } else {
        if (grey) png_set_expand_gray_1_2_4_to_8(r->png);
        if (png_get_valid(r->png, r->png_info, PNG_INFO_tRNS)) {
            png_set_tRNS_to_alpha(r->png);
            alpha = 1;
        }
    }
    int to_rgb = r->job->image->channels == 3;
    if (grey && to_rgb) png_set_gray_to_rgb(r->png);
    if (grey && !to_rgb) r->convert = alpha ? row_greya : NULL;
    else if (to_rgb) r->convert = alpha ? row_rgba : NULL;
    else r->convert = alpha ? row_rgba_grey : row_rgb_grey;
}

static void plan_wide(png_reader *r) {
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) png_set_swap(r->png);
    int key = png_get_valid(r->png, r->png_info, PNG_INFO_tRNS) != 0;
    if (key) png_set_tRNS_to_alpha(r->png);
    if (key || r->chunks.color == IAD_PNG_GREY_ALPHA) r->convert = row_greya16;
}

static void open_picture(png_reader *r) {
    int indices = r->chunks.color == IAD_PNG_PALETTE && r->job->raw_values;
    int natural = indices || stored_channels(r->chunks.color) <= 2 ? 1 : 3;
    /* Passes of an interlaced picture and rows that never come need defined pixels. */
    int zero = r->chunks.interlaced || r->job->accept_truncated;
    iad_status status;
    if (r->wide) {
        status = iad_image16_init(r->wide, r->job->info->width, r->job->info->height, r->err);
        r->px = (uint8_t *)r->wide->px;
        r->stride = (size_t)r->wide->width * 2;
    } else {
        status = iad_decode_open_image(r->job, natural, zero, r->err);
        r->px = r->job->image->px;
        r->stride = (size_t)r->job->image->width * (size_t)r->job->image->channels;
    }
    if (status != IAD_OK) give_up(r, status);
}

/* ---- the rows ---- */

static void read_straight(png_reader *r, int passes) {
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < r->chunks.height; y++) png_read_row(r->png, r->px + y * r->stride, NULL);
}

static void make_scratch(png_reader *r, size_t rows) {
    size_t row_bytes = png_get_rowbytes(r->png, r->png_info);
    r->scratch = iad_calloc(rows, row_bytes);
    if (r->convert == row_rgba_grey) r->rgb = iad_alloc(r->chunks.width, 3);
    if (!r->scratch || (r->convert == row_rgba_grey && !r->rgb)) give_up(r, IAD_NOMEM(r->err, r->job->name));
}

static void read_converted(png_reader *r) {
    make_scratch(r, 1);
    for (size_t y = 0; y < r->chunks.height; y++) {
        png_read_row(r->png, r->scratch, NULL);
        r->convert(r, r->scratch, r->px + y * r->stride);
    }
}

/* An interlaced picture must be whole before its rows can be converted. */
static void read_passes(png_reader *r, int passes) {
    size_t row_bytes = png_get_rowbytes(r->png, r->png_info);
    make_scratch(r, r->chunks.height);
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < r->chunks.height; y++) png_read_row(r->png, r->scratch + y * row_bytes, NULL);
}

static void convert_passes(png_reader *r) {
    size_t row_bytes = png_get_rowbytes(r->png, r->png_info);
    for (size_t y = 0; y < r->chunks.height; y++) r->convert(r, r->scratch + y * row_bytes, r->px + y * r->stride);
}

static void read_png(void *context) {
    png_reader *r = context;
    r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, on_error, on_warning);
    if (r->png) r->png_info = png_create_info_struct(r->png);
    if (!r->png_info) give_up(r, IAD_NOMEM(r->err, r->job->name));
    png_set_read_fn(r->png, r, read_bytes);
    png_set_user_limits(r->png, IAD_IMAGE_MAX_SIDE, IAD_IMAGE_MAX_SIDE);
    /* Texts, colour profiles and the like are passed over unread: no pixel depends on them here. */
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    /* libpng asks for pixel data in large pieces and would drop a last one that is not complete. */
    if (r->job->accept_truncated && !r->chunks.has_end) png_set_compression_buffer_size(r->png, 1);
    png_read_info(r->png, r->png_info);
    open_picture(r);
    if (r->wide) plan_wide(r);
    else if (r->chunks.color == IAD_PNG_PALETTE) plan_palette(r);
    else plan_samples(r);
    int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->png_info);
    if (!r->convert && png_get_rowbytes(r->png, r->png_info) != r->stride) png_error(r->png, "unexpected row size");
    if (!r->convert) read_straight(r, passes);
    else if (passes == 1) read_converted(r);
    else read_passes(r, passes);
}

static iad_status run_reader(iad_decode_job *job, iad_image16 *wide, iad_err *err) {
    png_reader *r = iad_calloc(1, sizeof *r);
    if (!r) return IAD_NOMEM(err, job->name);
    r->job = job;
    r->wide = wide;
    r->err = err;
    iad_status status = take_facts(job, &r->chunks, err);
    if (status == IAD_OK) status = iad_decode_check_size(job, err);
    if (status == IAD_OK && job->raw_values && r->chunks.depth == 16)
        status = IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: PNG of 16 bits per sample where class numbers are needed",
                          job->name);
    if (status == IAD_OK && r->chunks.data_cut && !job->accept_truncated) status = iad_decode_truncated(job, err);
    if (status == IAD_OK) {
        if (!iad_codec_run(&r->guard, read_png, r)) status = r->status;
        /* With the pixels of the passes and rows that came. */
        if (r->ran_dry && job->accept_truncated && r->px) status = IAD_OK;
        if (status == IAD_OK && r->scratch && r->chunks.interlaced) convert_passes(r);
        if (status == IAD_OK && !r->chunks.has_end) job->info->warnings++;
    }
    png_destroy_read_struct(&r->png, &r->png_info, NULL);
    free(r->scratch);
    free(r->rgb);
    free(r);
    return status;
}

iad_status iad_decode_png(iad_decode_job *job, iad_err *err) { return run_reader(job, NULL, err); }

iad_status iad_decode_png_grey16(iad_decode_job *job, iad_image16 *image, iad_err *err) {
    return run_reader(job, image, err);
}
