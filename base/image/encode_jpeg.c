#include <stdio.h> /* jpeglib.h needs FILE */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/alloc.h"
#include "base/image/codec_guard.h"
#include "base/image/encode.h"
#include "base/image/encode_internal.h"

#define BLOCK_BYTES 32768
#define BATCH_ROWS 16
#define DEFAULT_QUALITY 90

typedef struct jpeg_writer {
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    iad_codec_guard guard;
    const iad_image *image;
    int quality, subsample;
    iad_buf *out;
    iad_status status;
    iad_err *err;
    JOCTET block[BLOCK_BYTES];
} jpeg_writer;

static jpeg_writer *writer_of(j_common_ptr cinfo) { return cinfo->client_data; }

static _Noreturn void on_error(j_common_ptr cinfo) {
    jpeg_writer *w = writer_of(cinfo);
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    w->status = IAD_FAIL(w->err, IAD_ERR_INTERNAL, "writing JPEG: %s", text);
    iad_codec_throw(&w->guard);
}

static void on_message(j_common_ptr cinfo, int level) {
    (void)cinfo;
    (void)level;
}

static void print_nothing(j_common_ptr cinfo) { (void)cinfo; }

/* ---- the bytes ---- */

static void destination_begin(j_compress_ptr cinfo) {
    jpeg_writer *w = writer_of((j_common_ptr)cinfo);
    w->destination.next_output_byte = w->block;
    w->destination.free_in_buffer = BLOCK_BYTES;
}

static void add_block(jpeg_writer *w, size_t n) {
    w->status = iad_buf_add(w->out, w->block, n, w->err);
    if (w->status != IAD_OK) iad_codec_throw(&w->guard);
}

static boolean destination_flush(j_compress_ptr cinfo) {
    add_block(writer_of((j_common_ptr)cinfo), BLOCK_BYTES);
    destination_begin(cinfo);
    return TRUE;
}

static void destination_end(j_compress_ptr cinfo) {
    jpeg_writer *w = writer_of((j_common_ptr)cinfo);
    add_block(w, BLOCK_BYTES - w->destination.free_in_buffer);
}

/* ---- the picture ---- */

static void set_up(jpeg_writer *w) {
    struct jpeg_compress_struct *cinfo = &w->cinfo;
    jpeg_create_compress(cinfo);
    w->destination.init_destination = destination_begin;
    w->destination.empty_output_buffer = destination_flush;
    w->destination.term_destination = destination_end;
    cinfo->dest = &w->destination;
    cinfo->image_width = (JDIMENSION)w->image->width;
    cinfo->image_height = (JDIMENSION)w->image->height;
    cinfo->input_components = w->image->channels;
    cinfo->in_color_space = w->image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, w->quality, TRUE);
    cinfo->dct_method = JDCT_ISLOW;
    int factor = w->subsample && w->image->channels == 3 ? 2 : 1;
    cinfo->comp_info[0].h_samp_factor = cinfo->comp_info[0].v_samp_factor = factor;
}

static void write_jpeg(void *context) {
    jpeg_writer *w = context;
    set_up(w);
    jpeg_start_compress(&w->cinfo, TRUE);
    size_t stride = (size_t)w->image->width * (size_t)w->image->channels;
    while (w->cinfo.next_scanline < w->cinfo.image_height) {
        JSAMPROW rows[BATCH_ROWS];
        JDIMENSION y = w->cinfo.next_scanline, left = w->cinfo.image_height - y;
        JDIMENSION want = left < BATCH_ROWS ? left : BATCH_ROWS;
        for (JDIMENSION i = 0; i < want; i++) rows[i] = w->image->px + (y + i) * stride;
        jpeg_write_scanlines(&w->cinfo, rows, want);
    }
    jpeg_finish_compress(&w->cinfo);
}

iad_status iad_encode_jpeg(const iad_image *image, const iad_jpeg_options *options, iad_buf *out, iad_err *err) {
    int quality = options && options->quality ? options->quality : DEFAULT_QUALITY;
    if (quality < 1 || quality > 100) return IAD_FAIL(err, IAD_ERR_ARG, "JPEG quality %d is not in 1..100", quality);
    if (!image->px) return IAD_FAIL(err, IAD_ERR_ARG, "writing JPEG: an empty picture");
    size_t before = out->len;
    jpeg_writer *w = iad_calloc(1, sizeof *w);
    if (!w) return IAD_NOMEM(err, "writing JPEG");
    w->image = image;
    w->quality = quality;
    w->subsample = options && options->subsample;
    w->out = out;
    w->err = err;
    w->cinfo.err = jpeg_std_error(&w->errors);
    w->cinfo.client_data = w;
    w->errors.error_exit = on_error;
    w->errors.emit_message = on_message;
    w->errors.output_message = print_nothing;
    if (iad_codec_run(&w->guard, write_jpeg, w)) w->status = IAD_OK;
    iad_status status = w->status;
    jpeg_destroy_compress(&w->cinfo);
    free(w);
    if (status != IAD_OK) iad_encode_undo(out, before);
    return status;
}
