/* JPEG by libjpeg-turbo with islow DCT, fancy upsampling and block smoothing: its defaults and Pillow's, so that the
 * pixels are equal. */
#include <stdio.h> /* jpeglib.h needs FILE */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/alloc.h"
#include "base/image/codec_guard.h"
#include "base/image/decode_internal.h"
#include "base/image/exif.h"
#include "base/image/rows.h"

/* A progressive file may name any number of scans over the whole picture, each a few bytes long; encoders write about
 * ten. */
#define MAX_SCANS 100
#define BATCH_ROWS 16

typedef struct jpeg_reader {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    iad_codec_guard guard;
    iad_decode_job *job;
    iad_status status; /* why the guard was left */
    iad_err *err;
    int header_only;
    int ran_dry;     /* libjpeg asked for bytes behind the end */
    int picture_done; /* all rows are there */
    uint8_t *scratch;
} jpeg_reader;

static jpeg_reader *reader_of(j_common_ptr cinfo) { return cinfo->client_data; }

static iad_status status_of(int code) {
    switch (code) {
    case JERR_OUT_OF_MEMORY: return IAD_ERR_NOMEM;
    case JERR_IMAGE_TOO_BIG: return IAD_ERR_LIMIT;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED: return IAD_ERR_UNSUPPORTED;
    default: return IAD_ERR_FORMAT;
    }
}

static _Noreturn void on_error(j_common_ptr cinfo) {
    jpeg_reader *r = reader_of(cinfo);
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    if (r->picture_done) r->status = IAD_OK;
    else if (r->ran_dry) r->status = iad_decode_truncated(r->job, r->err);
    else r->status = IAD_FAIL(r->err, status_of(cinfo->err->msg_code), "%s: JPEG: %s", r->job->name, text);
    iad_codec_throw(&r->guard);
}

static void on_message(j_common_ptr cinfo, int level) {
    if (level < 0) cinfo->err->num_warnings++;
}

static void print_nothing(j_common_ptr cinfo) { (void)cinfo; }

static _Noreturn void give_up(jpeg_reader *r, iad_status status) {
    r->status = status;
    iad_codec_throw(&r->guard);
}

/* ---- the bytes ---- */

static void source_begin(j_decompress_ptr cinfo) { (void)cinfo; }

/* Behind the end libjpeg is shown end-of-image markers for ever: it then finishes with what it has. */
static boolean source_fill(j_decompress_ptr cinfo) {
    static const JOCTET end[2] = {0xff, JPEG_EOI};
    jpeg_reader *r = reader_of((j_common_ptr)cinfo);
    if (!r->ran_dry) cinfo->err->num_warnings++;
    r->ran_dry = 1;
    r->source.next_input_byte = end;
    r->source.bytes_in_buffer = sizeof end;
    return TRUE;
}

static void source_skip(j_decompress_ptr cinfo, long count) {
    struct jpeg_source_mgr *source = cinfo->src;
    if (count <= 0) return;
    if ((size_t)count > source->bytes_in_buffer) {
        source_fill(cinfo);
        return;
    }
    source->next_input_byte += count;
    source->bytes_in_buffer -= (size_t)count;
}

static void source_end(j_decompress_ptr cinfo) { (void)cinfo; }

static void watch_scans(j_common_ptr cinfo) {
    jpeg_reader *r = reader_of(cinfo);
    if (r->cinfo.input_scan_number <= MAX_SCANS) return;
    give_up(r, IAD_FAIL(r->err, IAD_ERR_LIMIT, "%s: JPEG: more than %d scans", r->job->name, MAX_SCANS));
}

/* ---- the header ---- */

/* The orientation of the first EXIF block (marker APP1) in front of the first scan. */
static int find_orientation(const uint8_t *p, size_t n) {
    size_t at = 2;
    while (n - at >= 4 && p[at] == 0xff) {
        uint8_t marker = p[at + 1];
        if (marker == 0xff) { /* fill byte */
            at++;
            continue;
        }
        if (marker == 0xda || marker == 0xd9) break;
        size_t length = iad_be16(p + at + 2);
        if (length < 2 || length > n - at - 2) break;
        if (marker == 0xe1 && length >= 8 && memcmp(p + at + 4, "Exif\0\0", 6) == 0) {
            int orientation = iad_exif_orientation(p + at + 4, length - 2);
            if (orientation) return orientation;
        }
        at += 2 + length;
        if (at > n) break;
    }
    return 1;
}

static void read_header(jpeg_reader *r) {
    struct jpeg_decompress_struct *cinfo = &r->cinfo;
    iad_image_info *info = r->job->info;
    jpeg_create_decompress(cinfo);
    r->source = (struct jpeg_source_mgr){.next_input_byte = r->job->bytes, .bytes_in_buffer = r->job->n,
                                         .init_source = source_begin, .fill_input_buffer = source_fill,
                                         .skip_input_data = source_skip, .resync_to_restart = jpeg_resync_to_restart,
                                         .term_source = source_end};
    cinfo->src = &r->source;
    r->progress.progress_monitor = watch_scans;
    cinfo->progress = &r->progress;
    jpeg_read_header(cinfo, TRUE);
    info->width = (int)cinfo->image_width;
    info->height = (int)cinfo->image_height;
    info->channels = cinfo->num_components;
    info->depth = cinfo->data_precision;
    info->orientation = find_orientation(r->job->bytes, r->job->n);
    int known = info->channels == 1 || info->channels == 3 || info->channels == 4;
    if (!known || info->depth != 8)
        give_up(r, IAD_FAIL(r->err, IAD_ERR_UNSUPPORTED, "%s: JPEG of %d components of %d bits", r->job->name,
                            info->channels, info->depth));
}

/* ---- the rows ---- */

/* A loss that shows: the source ended AND something else went wrong (a missing end marker alone takes nothing away).
 * Progressive and arithmetic files can end early without any further warning. */
static int is_truncated(const jpeg_reader *r) {
    return r->ran_dry && (r->errors.num_warnings > 1 || r->cinfo.progressive_mode || r->cinfo.arith_code);
}

static void read_straight(jpeg_reader *r) {
    const iad_image *image = r->job->image;
    size_t stride = (size_t)image->width * (size_t)image->channels;
    while (r->cinfo.output_scanline < r->cinfo.output_height) {
        JSAMPROW rows[BATCH_ROWS];
        JDIMENSION y = r->cinfo.output_scanline, left = r->cinfo.output_height - y;
        JDIMENSION want = left < BATCH_ROWS ? left : BATCH_ROWS;
        for (JDIMENSION i = 0; i < want; i++) rows[i] = image->px + (y + i) * stride;
        jpeg_read_scanlines(&r->cinfo, rows, want);
        if (!r->job->accept_truncated && is_truncated(r)) return;
    }
}

/* One stored row (RGB or CMYK) to what the caller wants. `rgb` has room for one row. */
static void convert_row(const jpeg_reader *r, const uint8_t *src, uint8_t *rgb, uint8_t *dst) {
    size_t n = (size_t)r->job->image->width;
    if (r->cinfo.out_color_space == JCS_CMYK) {
        iad_row_cmyk_to_rgb(src, r->job->image->channels == 3 ? dst : rgb, n);
        src = rgb;
    }
    if (r->job->image->channels == 1) iad_row_rgb_to_grey(src, dst, n);
}

static void read_converted(jpeg_reader *r) {
    const iad_image *image = r->job->image;
    size_t width = (size_t)image->width, stride = width * (size_t)image->channels;
    size_t row_bytes = width * (size_t)r->cinfo.output_components;
    r->scratch = iad_alloc(width, BATCH_ROWS * (size_t)r->cinfo.output_components + 3);
    if (!r->scratch) give_up(r, IAD_NOMEM(r->err, r->job->name));
    uint8_t *rgb = r->scratch + BATCH_ROWS * row_bytes;
    JSAMPROW rows[BATCH_ROWS];
    for (size_t i = 0; i < BATCH_ROWS; i++) rows[i] = r->scratch + i * row_bytes;
    while (r->cinfo.output_scanline < r->cinfo.output_height) {
        size_t y = r->cinfo.output_scanline;
        JDIMENSION got = jpeg_read_scanlines(&r->cinfo, rows, BATCH_ROWS);
        for (size_t i = 0; i < got; i++) convert_row(r, rows[i], rgb, image->px + (y + i) * stride);
        if (!r->job->accept_truncated && is_truncated(r)) return;
    }
}

static void choose_output(jpeg_reader *r) {
    struct jpeg_decompress_struct *cinfo = &r->cinfo;
    int grey = cinfo->num_components == 1, want = r->job->image->channels;
    cinfo->dct_method = JDCT_ISLOW;
    cinfo->do_fancy_upsampling = TRUE;
    if (cinfo->num_components == 4) cinfo->out_color_space = JCS_CMYK;
    else cinfo->out_color_space = grey && want == 1 ? JCS_GRAYSCALE : JCS_RGB;
}

static void read_jpeg(void *context) {
    jpeg_reader *r = context;
    read_header(r);
    if (r->header_only) return;
    iad_status status = iad_decode_open_image(r->job, r->cinfo.num_components == 1 ? 1 : 3, 0, r->err);
    if (status != IAD_OK) give_up(r, status);
    choose_output(r);
    jpeg_start_decompress(&r->cinfo);
    if (r->cinfo.output_components == r->job->image->channels) read_straight(r);
    else read_converted(r);
    if (is_truncated(r)) {
        r->job->info->truncated = 1;
        if (!r->job->accept_truncated) give_up(r, iad_decode_truncated(r->job, r->err));
    }
    /* Looks for the end marker; what follows the last row can raise warnings, but takes nothing from the picture. */
    r->picture_done = 1;
    if (r->cinfo.output_scanline == r->cinfo.output_height) jpeg_finish_decompress(&r->cinfo);
}

static iad_status run_reader(iad_decode_job *job, int header_only, iad_err *err) {
    jpeg_reader *r = iad_calloc(1, sizeof *r);
    if (!r) return IAD_NOMEM(err, job->name);
    r->job = job;
    r->err = err;
    r->header_only = header_only;
    r->cinfo.err = jpeg_std_error(&r->errors);
    r->cinfo.client_data = r;
    r->errors.error_exit = on_error;
    r->errors.emit_message = on_message;
    r->errors.output_message = print_nothing;
    if (iad_codec_run(&r->guard, read_jpeg, r)) r->status = IAD_OK;
    job->info->warnings = header_only ? 0 : r->errors.num_warnings;
    iad_status status = r->status;
    jpeg_destroy_decompress(&r->cinfo);
    free(r->scratch);
    free(r);
    return status;
}

iad_status iad_probe_jpeg(iad_decode_job *job, iad_err *err) { return run_reader(job, 1, err); }
iad_status iad_decode_jpeg(iad_decode_job *job, iad_err *err) { return run_reader(job, 0, err); }
